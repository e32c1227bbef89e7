//! Addresses and ranges of the `IpAddress` operators.
//! <https://www.rfc-editor.org/rfc/rfc4632>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses in CIDR form; a single address is the range of that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32` or an address. Bits beyond the prefix are ignored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        match address.parse().ok()? {
            IpAddr::V4(address) => v4(address, prefix.map_or(Some(32), |prefix| length(prefix, 32))?),
            IpAddr::V6(address) => v6(address, prefix.map_or(Some(128), |prefix| length(prefix, 128))?),
        }
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { address, mask }, IpAddr::V4(candidate)) => u32::from(candidate) & mask == address,
            (Self::V6 { address, mask }, IpAddr::V6(candidate)) => u128::from(candidate) & mask == address,
            _ => false,
        }
    }
}

/// Reads an address; an IPv4 address written in IPv6 form is the IPv4 address.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn length(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|length| digits && *length <= most)
}

fn v4(address: Ipv4Addr, length: u32) -> Option<Network> {
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    Some(Network::V4 { address: u32::from(address) & mask, mask })
}

fn v6(address: Ipv6Addr, length: u32) -> Option<Network> {
    if let (Some(mapped), 96..) = (address.to_ipv4_mapped(), length) {
        return v4(mapped, length - 96);
    }
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    Some(Network::V6 { address: u128::from(address) & mask, mask })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let network = Network::parse(network).expect("a network");
        parse_address(address).is_some_and(|address| network.contains(address))
    }

    #[test]
    fn ranges_hold_their_edges_and_nothing_beyond() {
        assert!(holds("203.0.113.0/24", "203.0.113.0") && holds("203.0.113.0/24", "203.0.113.255"));
        assert!(!holds("203.0.113.0/24", "203.0.114.0") && !holds("203.0.113.0/24", "203.0.112.255"));
        assert!(holds("203.0.113.7", "203.0.113.7") && !holds("203.0.113.7", "203.0.113.8"));
        assert!(holds("0.0.0.0/0", "255.1.2.3") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:DB8:1234:5678::/64", "2001:db8:1234:5678:ffff::1"));
        assert!(!holds("2001:db8:1234:5678::/64", "2001:db8:1234:5679::1"));
        assert!(holds("::/0", "::1") && !holds("::/0", "10.0.0.1"));
        assert!(holds("10.1.2.3/8", "10.9.9.9"), "bits beyond the prefix are ignored");
        assert!(holds("10.0.0.0/8", "::ffff:10.2.3.4") && holds("::ffff:10.0.0.0/104", "10.2.3.4"));
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "300.1.1.1",
            "::/129",
            "*",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_range_holds_what_shares_its_first_bits(network: u32, address: u32, length in 0_u32..=32) {
            let text = format!("{}/{length}", Ipv4Addr::from(network));
            let same = (0..length).all(|bit| (network ^ address) >> (31 - bit) & 1 == 0);
            prop_assert_eq!(holds(&text, &Ipv4Addr::from(address).to_string()), same);
        }

        #[test]
        fn a_range_of_ipv6_holds_what_shares_its_first_bits(network: u128, flip in 0_u32..128, length in 0_u32..=128) {
            let text = format!("{}/{length}", Ipv6Addr::from(network));
            let address = Ipv6Addr::from(network ^ (1 << (127 - flip)));
            prop_assume!(address.to_ipv4_mapped().is_none() && Ipv6Addr::from(network).to_ipv4_mapped().is_none());
            prop_assert_eq!(holds(&text, &address.to_string()), flip >= length);
        }
    }
}
