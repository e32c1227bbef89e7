//! Times in SAML: `xs:dateTime`, in UTC or with an offset.

/// Seconds since 1970 of `2026-01-31T12:00:00.123Z`; fractions are cut off.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, offset) = split_zone(rest)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    in_range.then(|| ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset)
}

/// The clock's part and the zone's offset in seconds; a time without zone is taken for UTC, as SAML
/// asks (Core, section 1.3.3).
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(position) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (clock, zone) = text.split_at_checked(position)?;
    let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
    let seconds = (hours * 60 + minutes) * 60;
    Some((clock, if zone.starts_with('-') { -seconds } else { seconds }))
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let parts: [&str; N] = parts.try_into().ok()?;
    let mut numbers = [0; N];
    for ((number, part), width) in numbers.iter_mut().zip(parts).zip(widths) {
        let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = digits.then(|| part.parse().ok()).flatten()?;
    }
    Some(numbers)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days in the Gregorian calendar, counted from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn reads_every_form_of_a_time() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-03-26T03:42:09Z", 1_774_496_529),
            ("2026-03-26T03:42:09.999Z", 1_774_496_529),
            ("2026-03-26T03:42:09", 1_774_496_529),
            ("2026-03-26T05:42:09+02:00", 1_774_496_529),
            ("2026-03-25T22:12:09-05:30", 1_774_496_529),
            ("2024-02-29T23:59:59Z", 1_709_251_199),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2026-03-26",
            "2026-13-26T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2026-03-26T24:00:00Z",
            "2026-03-26T00:60:00Z",
            "2026-03-26T00:00:00.Z",
            "2026-3-26T00:00:00Z",
            "2026-03-26T00:00:00+2",
            "2026-03-26t00:00:00z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
