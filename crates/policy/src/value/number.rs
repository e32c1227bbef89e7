//! Numbers of the `Numeric…` operators: decimal, compared exactly.

/// A decimal number, held as a multiple of 10⁻¹⁸. What is finer is cut off; what is larger than
/// 10¹⁹ in size is held as the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Number(i128);

const FRACTION_DIGITS: i64 = 18;
/// 10³⁷ still fits, with room to add.
const LARGEST: i128 = 10_i128.pow(37);

impl Number {
    /// Reads `-12`, `3.5`, `.5`, `1e3`. Anything else is no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let size = scaled(whole, fraction, exponent)?;
        Some(Self(if negative { -size } else { size }))
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // An exponent beyond four digits puts any number past both ends.
    let size = digits.parse::<i64>().unwrap_or(99_999).min(99_999);
    Some(if text.starts_with('-') { -size } else { size })
}

/// The value of `whole.fraction × 10^exponent` in units of 10⁻¹⁸.
fn scaled(whole: &str, fraction: &str, exponent: i64) -> Option<i128> {
    // The power of ten, in units, that the first digit of `whole` stands for.
    let mut power = i64::try_from(whole.len()).ok()? - 1 + exponent + FRACTION_DIGITS;
    let mut value = 0_i128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = add_digit(value, byte - b'0', power);
        power -= 1;
    }
    Some(value)
}

fn add_digit(value: i128, digit: u8, power: i64) -> i128 {
    match u32::try_from(power) {
        _ if digit == 0 => value,
        Ok(power) if power < 37 => (value + i128::from(digit) * 10_i128.pow(power)).min(LARGEST),
        Ok(_) => LARGEST,
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_number_are_equal() {
        for group in [
            &["1", "01", "+1", "1.0", "1.", "10e-1", "0.1E1"][..],
            &["-0.5", "-.5", "-5e-1"],
            &["0", "-0", "0e9"],
        ] {
            for text in group {
                assert_eq!(Number::parse(text), Number::parse(group[0]), "{text}");
                assert!(Number::parse(text).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn neighbours_beyond_double_precision_are_told_apart() {
        assert!(Number::parse("9007199254740993") > Number::parse("9007199254740992"));
        assert!(Number::parse("0.1000000000000000001") >= Number::parse("0.1"));
        assert!(Number::parse("-2") < Number::parse("1e30"));
    }

    #[test]
    fn what_is_no_number() {
        for text in
            ["", "-", ".", "1x", " 1", "1 ", "e5", "1e", "1e+", "--1", "NaN", "inf", "0x10", "1,000", "1.2.3"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
