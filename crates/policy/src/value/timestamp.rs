//! Dates of the `Date…` operators: the W3C forms of ISO 8601, or seconds since 1970.
//! <https://www.w3.org/TR/NOTE-datetime>

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(time) = usual(text) {
            return Some(time);
        }
        // FIDELITY: four digits alone are a year in the W3C form, and were seconds to an older parser of AWS's.
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if all_digits && text.len() == 4 {
            return iso(text);
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_number && !text.is_empty() { epoch(text) } else { iso(text) }
    }
}

/// Reads `2026-01-01T00:00:00Z`, which nearly all dates are, without looking for its parts.
fn usual(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let [a, b, c, d, b'-', e, f, b'-', g, h, b'T', i, j, b':', k, l, b':', m, n, b'Z'] = *bytes else {
        return None;
    };
    let digits = [a, b, c, d, e, f, g, h, i, j, k, l, m, n].map(|byte| i64::from(byte.wrapping_sub(b'0')));
    if digits.iter().any(|digit| *digit > 9) {
        return None;
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = digits;
    let (hours, minutes, seconds) = (i * 10 + j, k * 10 + l, m * 10 + n);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let days = days_since_1970(a * 1_000 + b * 100 + c * 10 + d, e * 10 + f, g * 10 + h)?;
    Some(Timestamp { seconds: days * 86_400 + hours * 3_600 + minutes * 60 + seconds, nanoseconds: 0 })
}

fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    Some(Timestamp { seconds: whole.parse().ok()?, nanoseconds: nanoseconds(fraction)? })
}

fn iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
    let basic = time.is_some() && date.len() == 8 && !date.contains('-');
    let days = if basic { basic_date(date)? } else { extended_date(date)? };
    let Some(time) = time else { return Some(Timestamp { seconds: days * 86_400, nanoseconds: 0 }) };
    let (clock, offset) = split_zone(time)?;
    let (seconds, nanoseconds) = if basic { basic_clock(clock)? } else { extended_clock(clock)? };
    Some(Timestamp { seconds: days * 86_400 + seconds - offset, nanoseconds })
}

fn extended_date(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |month| number(month, 2))?;
    let day = parts.next().map_or(Some(1), |day| number(day, 2))?;
    if parts.next().is_some() { None } else { days_since_1970(year, month, day) }
}

fn basic_date(date: &str) -> Option<i64> {
    days_since_1970(number(date.get(..4)?, 4)?, number(date.get(4..6)?, 2)?, number(date.get(6..)?, 2)?)
}

/// Splits a time from its zone, and gives the zone's offset in seconds. No zone is taken as UTC.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at_checked(at)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let zone = zone.get(1..)?;
    let (hours, minutes) = match zone.len() {
        2 => (zone, "00"),
        4 => (zone.get(..2)?, zone.get(2..)?),
        _ => zone.split_once(':')?,
    };
    let (hours, minutes) = (below(hours, 24)?, below(minutes, 60)?);
    Some((clock, sign * (hours * 3_600 + minutes * 60)))
}

fn extended_clock(clock: &str) -> Option<(i64, u32)> {
    let mut parts = clock.split(':');
    let hours = below(parts.next()?, 24)?;
    let minutes = parts.next().map_or(Some(0), |minutes| below(minutes, 60))?;
    let (seconds, nanoseconds) = parts.next().map_or(Some((0, 0)), split_seconds)?;
    if parts.next().is_some() { None } else { Some((hours * 3_600 + minutes * 60 + seconds, nanoseconds)) }
}

fn basic_clock(clock: &str) -> Option<(i64, u32)> {
    let (hours, minutes) = (below(clock.get(..2)?, 24)?, below(clock.get(2..4)?, 60)?);
    let (seconds, nanoseconds) = match clock.get(4..)? {
        "" => (0, 0),
        rest => split_seconds(rest)?,
    };
    Some((hours * 3_600 + minutes * 60 + seconds, nanoseconds))
}

fn split_seconds(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    Some((below(whole, 60)?, nanoseconds(fraction)?))
}

fn below(text: &str, limit: i64) -> Option<i64> {
    number(text, 2).filter(|value| *value < limit)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.bytes().fold(0, |value, byte| value * 10 + i64::from(byte - b'0')))
}

/// The first nine digits of a fraction of a second.
fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(digits.fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
}

/// The days from 1970-01-01 to a date of the Gregorian calendar; `None` when there is no such date.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(|time| time.seconds)
    }

    #[test]
    fn forms_of_one_instant_are_equal() {
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "2026-01",
            "2026",
            "2026-01-01T00:00Z",
            "2026-01-01t00:00:00.000z",
            "2026-01-01T01:30:00+01:30",
            "2025-12-31T19:00:00-0500",
            "2026-01-01T00:00:00",
            "1767225600",
            "1767225600.0",
            "20260101T000000Z",
            "2026-01-01T05+05",
        ] {
            assert_eq!(seconds(text), Some(1_767_225_600), "{text}");
        }
    }

    #[test]
    fn dates_before_1970_and_leap_days_count() {
        assert_eq!(seconds("1969-12-31T23:59:59Z"), Some(-1));
        assert_eq!(seconds("2024-02-29"), Some(1_709_164_800));
        assert_eq!(seconds("0000-03-01"), Some(-62_162_035_200));
    }

    #[test]
    fn fractions_order_within_a_second() {
        assert!(Timestamp::parse("2026-01-01T00:00:00.25Z") < Timestamp::parse("2026-01-01T00:00:00.3Z"));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "-1",
            "2026-01-01T",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1",
            "1.2.3",
            "2026-01-01-01",
            "99999999999999999999",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
