//! Which addresses may be connected to. Names that lead to metadata services, to this machine or to the
//! network behind it are how a server is made to ask on someone else's behalf.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::FetchRules;

/// Whether an issuer may be at `address`.
pub(super) fn is_allowed(address: IpAddr, rules: &FetchRules) -> bool {
    match kind(address) {
        Kind::Public => true,
        Kind::Loopback => rules.allow_loopback,
        Kind::Private => rules.allow_private_networks,
        Kind::Never => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Loopback,
    Private,
    /// Metadata services are among them: 169.254.169.254, fd00:ec2::254.
    Never,
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [127, ..] => Kind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Kind::Private,
        // This network, link-local, protocol assignments, relays, benchmarks, documentation, multicast, reserved.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Kind::Never,
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if let Some(embedded) = embedded_v4(address) {
        return kind_v4(embedded);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0xfd00, 0x0ec2, ..] => Kind::Never,
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // Documentation and the old relays are within what is public otherwise.
        [0x2001, 0x0db8, ..] | [0x2001, 0, ..] | [0x2002, ..] => Kind::Never,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never,
    }
}

/// The IPv4 address inside a mapped or a translated one (NAT64).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_told_apart() {
        let cases = [
            ("8.8.8.8", Kind::Public),
            ("172.32.0.1", Kind::Public),
            ("2606:4700::1", Kind::Public),
            ("127.0.0.1", Kind::Loopback),
            ("127.9.9.9", Kind::Loopback),
            ("::1", Kind::Loopback),
            ("::ffff:127.0.0.1", Kind::Loopback),
            ("10.1.2.3", Kind::Private),
            ("172.31.255.255", Kind::Private),
            ("192.168.0.1", Kind::Private),
            ("100.64.0.1", Kind::Private),
            ("fd12::1", Kind::Private),
            ("64:ff9b::a00:1", Kind::Private),
            ("169.254.169.254", Kind::Never),
            ("::ffff:169.254.169.254", Kind::Never),
            ("64:ff9b::a9fe:a9fe", Kind::Never),
            ("fd00:ec2::254", Kind::Never),
            ("fe80::1", Kind::Never),
            ("0.0.0.0", Kind::Never),
            ("::", Kind::Never),
            ("::127.0.0.1", Kind::Never),
            ("224.0.0.1", Kind::Never),
            ("255.255.255.255", Kind::Never),
            ("ff02::1", Kind::Never),
            ("2002:7f00:1::", Kind::Never),
        ];
        for (address, expected) in cases {
            assert_eq!(kind(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn rules_open_this_machine_and_private_networks_but_never_metadata() {
        let open = FetchRules { allow_loopback: true, allow_private_networks: true, ..FetchRules::default() };
        for address in ["127.0.0.1", "10.0.0.1", "8.8.8.8"] {
            assert!(is_allowed(address.parse().unwrap(), &open), "{address}");
        }
        assert!(!is_allowed("169.254.169.254".parse().unwrap(), &open));
        for address in ["127.0.0.1", "10.0.0.1"] {
            assert!(!is_allowed(address.parse().unwrap(), &FetchRules::default()), "{address}");
        }
    }
}
