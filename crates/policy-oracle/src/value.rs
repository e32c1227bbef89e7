//! Typed condition values: numbers, dates, addresses, binary.

use std::net::IpAddr;

/// A decimal number, exactly: its value times 10^9.
pub(crate) fn number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 9 || whole.len() > 20 {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<9}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// A time as seconds since 1970 times 10^9: epoch seconds, or one of the forms of
/// <https://www.w3.org/TR/NOTE-datetime> from the year and month up.
pub(crate) fn date(text: &str) -> Option<i128> {
    // FIDELITY: whether AWS takes times before 1970 as negative epoch seconds is not documented.
    if text.len() != 4
        && let Some(epoch @ 0..) = number(text)
    {
        return Some(epoch);
    }
    let (day, time) = text.split_once('T').map_or((text, None), |(day, time)| (day, Some(time)));
    let mut parts = day.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let seconds = time.map_or(Some(0), time_of_day)?;
    Some(days_since_1970(year, month, day) * 86_400 * NANOS + seconds)
}

const NANOS: i128 = 1_000_000_000;

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s` with a zone, less the zone's offset.
fn time_of_day(text: &str) -> Option<i128> {
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (clock, zone) = text.split_at_checked(at)?;
            let sign = if zone.starts_with('+') { 1 } else { -1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            (clock, sign * (digits(hours, 2)? * 3_600 + digits(minutes, 2)? * 60))
        }
    };
    let mut parts = clock.split(':');
    let hours = digits(parts.next()?, 2)?;
    let minutes = digits(parts.next()?, 2)?;
    let seconds = match parts.next() {
        None => 0,
        Some(seconds) if seconds.split('.').next()?.len() == 2 => number(seconds)?,
        Some(_) => return None,
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || !(0..60 * NANOS).contains(&seconds) {
        return None;
    }
    Some((hours * 3_600 + minutes * 60 - offset) * NANOS + seconds)
}

fn digits(text: &str, length: usize) -> Option<i128> {
    let good = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if good { text.parse().ok() } else { None }
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i128, month: i128) -> i128 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counted one year and one month at a time.
fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let year_length = |year| if is_leap(year) { 366 } else { 365 };
    let years: i128 = if year >= 1970 {
        (1970..year).map(year_length).sum()
    } else {
        -(year..1970).map(year_length).sum::<i128>()
    };
    let months: i128 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}

/// Whether an address lies in a range, given as `address` or `address/length`. None if either is malformed.
pub(crate) fn address_in(address: &str, range: &str) -> Option<bool> {
    let address: IpAddr = address.parse().ok()?;
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network.parse::<IpAddr>().ok()?, Some(length.parse::<usize>().ok()?)),
        None => (range.parse::<IpAddr>().ok()?, None),
    };
    let (address, network) = (bits(address), bits(network));
    let length = length.unwrap_or(network.len());
    if length > network.len() {
        return None;
    }
    Some(address.len() == network.len() && address.iter().zip(&network).take(length).all(|(a, b)| a == b))
}

fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.into_iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
}

pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The bytes of padded standard Base64.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 {
        return None;
    }
    let mut bits: Vec<bool> = Vec::new();
    for character in body.chars() {
        let value = ALPHABET.find(character)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
    }
    let bytes = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum * 2 + u8::from(*bit)));
    Some(bytes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_all_their_forms_name_the_same_instant() {
        let noon = date("2020-07-01T12:00:00Z").unwrap();
        assert_eq!(noon, 1_593_604_800 * NANOS);
        for same in
            ["1593604800", "2020-07-01T12:00Z", "2020-07-01T14:00:00+02:00", "2020-07-01T12:00:00.000Z"]
        {
            assert_eq!(date(same), Some(noon), "{same}");
        }
        assert_eq!(date("2020-07-01"), date("2020-07"));
        assert_eq!(date("1969-12-31T23:59:59Z"), Some(-NANOS));
        for bad in ["2020-13-01", "2020-02-30", "yesterday", "2020-07-01T25:00Z", "2020-07-01T12:00:00"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(number("1.50"), number("1.5"));
        assert_eq!(number("-0.1").map(|value| value * 10), number("-1"));
        assert_eq!(number("1e3"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn addresses_lie_in_ranges_of_their_own_family() {
        assert_eq!(address_in("203.0.113.7", "203.0.113.0/24"), Some(true));
        assert_eq!(address_in("203.0.114.7", "203.0.113.0/24"), Some(false));
        assert_eq!(address_in("203.0.113.7", "203.0.113.7"), Some(true));
        assert_eq!(address_in("2001:db8::1", "2001:DB8::/32"), Some(true));
        assert_eq!(address_in("203.0.113.7", "::/0"), Some(false));
        assert_eq!(address_in("nowhere", "0.0.0.0/0"), None);
    }

    #[test]
    fn base64_decodes() {
        assert_eq!(base64("QmluYXJ5"), Some(b"Binary".to_vec()));
        assert_eq!(base64("QQ=="), Some(b"A".to_vec()));
        assert_eq!(base64("Q!=="), None);
    }
}
