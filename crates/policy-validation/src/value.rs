//! Whether a condition's value is of the type that its operator compares.

/// A decimal number.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

/// Seconds since 1970.
pub(crate) fn is_epoch(text: &str) -> bool {
    text.len() > 4 && is_number(text)
}

/// A date of ISO 8601, with or without a time.
pub(crate) fn is_iso_date(text: &str) -> bool {
    let (day, time) = text.split_once(['T', 't']).map_or((text, None), |(day, time)| (day, Some(time)));
    let parts: Vec<Option<u32>> = day.split('-').map(|part| part.parse().ok()).collect();
    let good_day = match parts.as_slice() {
        [Some(_)] => day.len() == 4,
        [Some(_), Some(month)] => (1..=12).contains(month) && day.len() == 7,
        [Some(year), Some(month), Some(date)] => {
            (1..=days_in(*year, *month)).contains(date) && day.len() == 10
        }
        _ => false,
    };
    good_day && time.is_none_or(is_time)
}

/// A time with a zone: `hh:mm`, `hh:mm:ss` or `hh:mm:ss.sss`, then `Z`, `+hh:mm` or `+hhmm`.
fn is_time(text: &str) -> bool {
    let clock = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => clock,
        None => match text.rfind(['+', '-']).and_then(|at| text.split_at_checked(at)) {
            Some((clock, zone)) if zone.len() >= 5 => clock,
            _ => return false,
        },
    };
    let below = |part: Option<&str>, limit: u32| {
        let whole = part.map(|part| part.split('.').next().unwrap_or(part));
        whole.is_some_and(|whole| whole.len() == 2 && whole.parse::<u32>().is_ok_and(|value| value < limit))
    };
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next(), parts.next(), parts.next());
    below(hour, 24) && below(minute, 60) && (second.is_none() || below(second, 60)) && parts.next().is_none()
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// Padded Base64.
pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && text.len() - body.len() <= 2 && body.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for good in ["2024-05-01", "2024-05", "2024", "2024-05-01T12:00Z", "2024-05-01T12:00:00.5+01:00"] {
            assert!(is_iso_date(good), "{good}");
        }
        for bad in
            ["2024-13-01", "2023-02-29", "noon", "2024-05-01T25:00Z", "2024-05-01T12:00:00", "05/01/2024"]
        {
            assert!(!is_iso_date(bad), "{bad}");
        }
    }
}
