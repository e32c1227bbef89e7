//! Points in time on the wire.

use std::fmt;

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z; shown as `2026-01-01T00:00:00Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time this many seconds after the epoch.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Reads `2026-01-01T00:00:00Z`, with or without fractions of a second (which are dropped) or
    /// an offset, or seconds since the epoch.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<f64>() {
            return seconds.is_finite().then_some(Self(seconds as i64));
        }
        let (date, time) = text.split_once(['T', ' '])?;
        let mut date = date.splitn(3, '-').map(str::parse::<i64>);
        let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let (clock, offset) = split_offset(time)?;
        let mut clock = clock.splitn(3, ':');
        let hour: i64 = clock.next()?.parse().ok()?;
        let minute: i64 = clock.next()?.parse().ok()?;
        let second: i64 = clock.next().map_or(Some(0), |s| s.split('.').next()?.parse().ok())?;
        let in_range = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        let days = days_from_civil(year, month, day);
        in_range.then_some(Self(days * 86_400 + hour * 3_600 + minute * 60 + second - offset))
    }
}

/// The clock without its offset, and the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, offset) = time.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().ok()?;
    (digits.len() == 4).then_some((clock, sign * (number / 100 * 3_600 + number % 100 * 60)))
}

// Howard Hinnant's civil calendar: years begin in March, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(86_400));
        let seconds = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for seconds in [0, 951_782_400, 1_767_225_599, 4_102_444_799, -1] {
            let at = Timestamp(seconds);
            assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        }
        assert_eq!(Timestamp(951_782_400).to_string(), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn other_forms_are_read() {
        let at = Some(Timestamp(1_767_225_600));
        for text in
            ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123Z", "2026-01-01T01:00:00+01:00", "1767225600"]
        {
            assert_eq!(Timestamp::parse(text), at, "{text}");
        }
        assert_eq!(Timestamp::parse("2026-13-01T00:00:00Z"), None);
        assert_eq!(Timestamp::parse("tomorrow"), None);
    }
}
