//! Numbers, digit by digit: whether a column can hold them, and what of a text is one.

use std::borrow::Cow;

/// The digits before the point that a column of numbers holds: destinations keep 38, nine of them behind the point.
const MAX_WHOLE_DIGITS: i64 = 29;

/// The longest number without an exponent that fits into any column of numbers for certain.
pub(super) const MAX_PLAIN_LENGTH: usize = 29;

/// A number taken apart, as JSON writes it.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Parts<'a> {
    /// `None` if it is no number.
    fn parse(text: &'a str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let is_whole = is_digits(whole) && (whole.len() == 1 || !whole.starts_with('0'));
        is_whole.then_some(Self { is_negative, whole, fraction, exponent })
    }

    /// How many digits stand before the point once the exponent is carried out; 0 or less for a number below 1.
    fn whole_digits(&self) -> i64 {
        let all = [self.whole, self.fraction].concat();
        let zeros = all.len() - all.trim_start_matches('0').len();
        if zeros == all.len() {
            return 0;
        }
        length(self.whole).saturating_add(self.exponent).saturating_sub(i64::try_from(zeros).unwrap_or(i64::MAX))
    }

    /// Its value, if it is a whole number of 64 bits.
    fn integer(&self) -> Option<i64> {
        let whole_digits = self.whole_digits();
        if whole_digits > 19 {
            return None;
        }
        let all = [self.whole, self.fraction].concat();
        let digits = all.trim_end_matches('0');
        if digits.trim_start_matches('0').is_empty() {
            return Some(0);
        }
        // How far the point lies behind the last digit that counts.
        let zeros = length(self.whole).checked_add(self.exponent)?.checked_sub(length(digits))?;
        let zeros = usize::try_from(zeros).ok()?;
        let sign = if self.is_negative { "-" } else { "" };
        format!("{sign}{digits}{}", "0".repeat(zeros.min(40))).parse().ok()
    }
}

/// Of any size: one that is out of bounds is as good as the largest.
fn parse_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    is_digits(digits).then(|| sign * digits.parse().unwrap_or(i64::from(i32::MAX)).min(i64::from(i32::MAX)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn parts(number: &[u8]) -> Option<Parts<'_>> {
    Parts::parse(str::from_utf8(number).ok()?)
}

/// Whether a column of numbers holds it.
pub(super) fn fits(number: &[u8]) -> bool {
    parts(number).is_some_and(|parts| parts.whole_digits() <= MAX_WHOLE_DIGITS)
}

/// What a column of integers holds of it: the number as it is, or its value in digits alone; `None` if it is none of 64 bits.
pub(super) fn integer(number: &[u8]) -> Option<Cow<'_, str>> {
    let text = str::from_utf8(number).ok()?;
    let value = Parts::parse(text)?.integer()?;
    let is_plain = !text.contains(['.', 'e', 'E']);
    Some(if is_plain { Cow::Borrowed(text) } else { Cow::Owned(value.to_string()) })
}

/// Whether a text is a number that a column of numbers holds as it is written, for certain: most amounts are, and this is faster than
/// to take one apart.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let is_whole = whole == 1 || whole > 1 && digits[0] != b'0';
    let is_fraction = match &digits[whole..] {
        [] => true,
        [b'.', fraction @ ..] => !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_whole && is_fraction && text.len() <= MAX_PLAIN_LENGTH
}

/// Whether strict readers take it, which read numbers as 64-bit floats.
pub(super) fn is_readable(number: &[u8]) -> bool {
    str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_finite)
}

/// The number that a text holds, if it holds nothing else; blanks around it and a plus before it say nothing.
pub(super) fn in_text(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_ascii();
    let text = text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(text);
    if Parts::parse(text).is_some() {
        return Some(Cow::Borrowed(text));
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let whole = digits.starts_with('.').then(|| format!("{sign}0{digits}"))?;
    Parts::parse(&whole).is_some().then_some(Cow::Owned(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fits_by_its_size_and_not_by_its_digits() {
        for number in [
            "0",
            "-0.00",
            "12345678901234567890.123456789",
            "99999999999999999999999999999",
            "0.0000000000000000000000000000000000000000001",
            "1e28",
            "0e999999999999999999999",
            "1e-999999999999999999999",
            "0.0001e32",
        ] {
            assert!(fits(number.as_bytes()), "{number}");
        }
        for number in ["100000000000000000000000000000", "1e29", "-1E+400", "0.01e31", "1e99999999999999999999"] {
            assert!(!fits(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn an_integer_is_known_by_its_value() {
        let of = |number: &'static str| integer(number.as_bytes());
        for (number, expected) in [
            ("7", "7"),
            ("-0", "-0"),
            ("7.0", "7"),
            ("1.50e2", "150"),
            ("700e-2", "7"),
            ("0.000", "0"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808.0", "-9223372036854775808"),
        ] {
            assert_eq!(of(number).as_deref(), Some(expected), "{number}");
        }
        for number in ["7.5", "9223372036854775808", "1e19", "1e999999999", "15e-1", "1e-400"] {
            assert_eq!(of(number), None, "{number}");
        }
    }

    #[test]
    fn a_text_holds_a_number_or_something_else() {
        for (text, expected) in
            [("12.50", "12.50"), ("-0.00", "-0.00"), (" 3.30 ", "3.30"), ("+5", "5"), ("-.5", "-0.5")]
        {
            assert_eq!(in_text(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", " ", "N/A", "1,234.50", "12%", "0x10", "NaN", "1.", "007", "1 2", "--1", "+-1", "."] {
            assert_eq!(in_text(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_plain_fits_and_is_written_as_it_is() {
        for number in ["0", "7", "-0.00", "3.30", "12345678901234567890.12345678", "-10"] {
            assert!(is_plain(number.as_bytes()) && fits(number.as_bytes()), "{number}");
        }
        for number in ["", "-", "00", "01.5", ".5", "1.", "1e3", "+1", " 1", "1,5", "123456789012345678901234567890"] {
            assert!(!is_plain(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn what_a_float_cannot_hold_is_not_readable() {
        assert!(is_readable(b"1e308") && is_readable(b"123456789012345678901234567890"));
        assert!(!is_readable(b"1e309") && !is_readable(b"-1e999999"));
    }
}
