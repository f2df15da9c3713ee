//! JSON's numbers, digit by digit, since a float would round them.

/// Digits after the point in a column of decimals: what `PyAirbyte` stores, `DECIMAL(38, 9)`.
pub(super) const SCALE: u8 = 9;
/// All its digits.
pub(super) const PRECISION: u8 = 38;

/// A number as a column of decimals holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// In units of 10^-[`SCALE`].
    pub(super) units: i128,
    /// Whether it had no digits further behind, which were rounded.
    pub(super) is_exact: bool,
}

impl Decimal {
    /// That of a JSON number; `None` for what is none, and for one with too many digits before the point.
    pub(super) fn parse(json: &str) -> Option<Self> {
        let Parts { is_negative, digits, exponent } = Parts::of(json)?;
        let mut shift = exponent + i32::from(SCALE);
        let mut kept = digits.as_str();
        let mut dropped = "";
        if shift < 0 {
            let cut = kept.len().saturating_sub(usize::try_from(-shift).ok()?);
            // Of all digits none may be left, and then the first is not the one behind the last that is.
            let is_near = usize::try_from(-shift).ok()? <= kept.len();
            (kept, dropped) = kept.split_at(cut);
            dropped = if is_near { dropped } else { "0" };
            shift = 0;
        }
        let units: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        let units = units.checked_mul(10_i128.checked_pow(shift.try_into().ok()?)?)?;
        let units = units + i128::from(dropped.starts_with(['5', '6', '7', '8', '9']));
        let fits = units < 10_i128.pow(u32::from(PRECISION));
        let is_exact = digits.is_empty() || exponent >= -i32::from(SCALE);
        fits.then_some(Self { units: if is_negative { -units } else { units }, is_exact })
    }
}

/// How many digits say something: those from the first to the last that is not 0.
pub(super) fn significant_digits(json: &str) -> usize {
    Parts::of(json).map_or(usize::MAX, |parts| parts.digits.len())
}

/// A number as ±digits × 10^exponent, without zeros at either end.
struct Parts {
    is_negative: bool,
    digits: String,
    exponent: i32,
}

impl Parts {
    fn of(json: &str) -> Option<Self> {
        let (is_negative, number) = json.strip_prefix('-').map_or((false, json), |number| (true, number));
        let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let all = digits.trim_start_matches('0').len();
        let significant = digits.trim_matches('0').len();
        digits = digits.trim_matches('0').to_owned();
        let trailing = if significant == 0 { 0 } else { all - significant };
        let exponent = if significant == 0 { 0 } else { exponent.checked_add(i32::try_from(trailing).ok()?)? };
        Some(Self { is_negative, digits, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_as_far_as_a_column_of_decimals_has_them() {
        for (json, units, is_exact) in [
            ("0", 0, true),
            ("-0.00", 0, true),
            ("0e99", 0, true),
            ("3.30", 3_300_000_000, true),
            ("-12.5e2", -1_250_000_000_000, true),
            ("1e-9", 1, true),
            ("1.5E-9", 2, false),
            ("4e-10", 0, false),
            ("5e-10", 1, false),
            ("9e-20", 0, false),
            ("0.123456789499", 123_456_789, false),
            ("12345678901234567890.123456789", 12_345_678_901_234_567_890_123_456_789, true),
            ("99999999999999999999999999999", 99_999_999_999_999_999_999_999_999_999_000_000_000, true),
            ("1e28", 10_i128.pow(37), true),
        ] {
            assert_eq!(Decimal::parse(json), Some(Decimal { units, is_exact }), "{json}");
        }
        for none in ["1e29", "", "-", "x", "1e", "\"1\"", "1e400", "1e99999999999", "true"] {
            assert_eq!(Decimal::parse(none), None, "{none}");
        }
    }

    #[test]
    fn digits_that_say_nothing_are_not_counted() {
        for (json, digits) in [("0", 0), ("0.0010", 1), ("1200", 2), ("-1.50e7", 2), ("123456789.0123456", 16)] {
            assert_eq!(significant_digits(json), digits, "{json}");
        }
    }
}
