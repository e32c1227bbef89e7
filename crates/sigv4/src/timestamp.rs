//! Points in time as SigV4 writes them: `20150830T123600Z`, and the older HTTP `Date` forms.

use std::fmt;

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

const SECONDS_A_DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A calendar date and time of day, UTC.
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    second_of_day: i64,
}

impl Timestamp {
    /// Reads ISO 8601's basic form, the only one that `X-Amz-Date` may have.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
            return None;
        }
        let year = digits(bytes.get(0..4)?)?;
        let month = digits(bytes.get(4..6)?)?;
        let day = digits(bytes.get(6..8)?)?;
        let hour = digits(bytes.get(9..11)?)?;
        let minute = digits(bytes.get(11..13)?)?;
        let second = digits(bytes.get(13..15)?)?;
        Self::from_civil(year, month, day, hour, minute, second)
    }

    /// Reads the `Date` header: the basic form or IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`).
    pub fn parse_http_date(text: &str) -> Option<Self> {
        if let Some(basic) = Self::parse_basic(text) {
            return Some(basic);
        }
        let (_, rest) = text.split_once(", ")?;
        let mut words = rest.split(' ');
        let day = number(words.next()?, 2)?;
        let name = words.next()?;
        let month = MONTHS.iter().position(|month| *month == name)?;
        let year = number(words.next()?, 4)?;
        let mut clock = words.next()?.split(':');
        let hour = number(clock.next()?, 2)?;
        let minute = number(clock.next()?, 2)?;
        let second = number(clock.next()?, 2)?;
        if clock.next().is_some() || !matches!(words.next(), Some("GMT" | "+0000")) || words.next().is_some()
        {
            return None;
        }
        Self::from_civil(year, i64::try_from(month).ok()?.checked_add(1)?, day, hour, minute, second)
    }

    fn from_civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<Self> {
        let valid = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        valid.then(|| {
            Self(days_from_civil(year, month, day) * SECONDS_A_DAY + hour * 3_600 + minute * 60 + second)
        })
    }

    /// `20150830T123600Z`, the form of `X-Amz-Date`.
    pub fn basic(self) -> String {
        String::from_utf8_lossy(&self.basic_digits()).into_owned()
    }

    // Every request writes its time and its date: `format!` would cost ten times as much.
    pub(crate) fn basic_digits(self) -> [u8; 16] {
        let (hour, minute, second) = self.civil().clock();
        let [y1, y2, y3, y4, m1, m2, d1, d2] = self.date_digits();
        let ([h1, h2], [i1, i2], [s1, s2]) = (pair(hour), pair(minute), pair(second));
        [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, i1, i2, s1, s2, b'Z']
    }

    /// The digits of [`Timestamp::date`].
    pub(crate) fn date_digits(self) -> [u8; 8] {
        let civil = self.civil();
        let ([y1, y2], [y3, y4]) = (pair(civil.year / 100), pair(civil.year % 100));
        let ([m1, m2], [d1, d2]) = (pair(i64::from(civil.month)), pair(i64::from(civil.day)));
        [y1, y2, y3, y4, m1, m2, d1, d2]
    }

    /// `20150830`, the date of a credential scope.
    pub fn date(self) -> String {
        String::from_utf8_lossy(&self.date_digits()).into_owned()
    }

    /// `2015-08-30T12:36:00Z`, the form in which S3's errors give its own clock.
    pub fn extended(self) -> String {
        let civil = self.civil();
        let (hour, minute, second) = civil.clock();
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", civil.year, civil.month, civil.day)
    }

    /// This moment and `seconds` more, or fewer if negative.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    fn civil(self) -> Civil {
        let (year, month, day) = civil_from_days(self.0.div_euclid(SECONDS_A_DAY));
        Civil { year, month, day, second_of_day: self.0.rem_euclid(SECONDS_A_DAY) }
    }
}

/// The last two digits of a number.
fn pair(number: i64) -> [u8; 2] {
    let digit = |number: i64| b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or(0);
    [digit(number / 10), digit(number)]
}

impl Civil {
    fn clock(&self) -> (i64, i64, i64) {
        (self.second_of_day / 3_600, self.second_of_day / 60 % 60, self.second_of_day % 60)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.basic())
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn number(text: &str, most: usize) -> Option<i64> {
    if text.is_empty() || text.len() > most { None } else { digits(text.as_bytes()) }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar: years are counted from March, so that
/// the leap day is the last day of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_form_round_trips() {
        for text in ["20150830T123600Z", "19700101T000000Z", "20240229T235959Z", "20991231T000001Z"] {
            let parsed = Timestamp::parse_basic(text).unwrap();
            assert_eq!(parsed.basic(), text);
            assert_eq!(parsed.date(), text[..8]);
        }
        assert_eq!(Timestamp::parse_basic("20150830T123600Z"), Some(Timestamp(1_440_938_160)));
        assert_eq!(Timestamp(1_440_938_160).extended(), "2015-08-30T12:36:00Z");
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in
            ["20150230T000000Z", "20151301T000000Z", "20150830T240000Z", "20150830 123600Z", "2015083", ""]
        {
            assert_eq!(Timestamp::parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(
            Timestamp::parse_http_date("Sun, 30 Aug 2015 12:36:00 GMT"),
            Some(Timestamp(1_440_938_160))
        );
        assert_eq!(Timestamp::parse_http_date("Sun, 30 Aug 2015 12:36:00 CET"), None);
        assert_eq!(Timestamp::parse_http_date("Sun, 30 Foo 2015 12:36:00 GMT"), None);
    }
}
