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
        let Parts { is_negative, digits, exponent, is_cut } = Parts::of(json)?;
        let shift = exponent.checked_add(i32::from(SCALE))?;
        let (units, is_exact) = if shift >= 0 {
            let factor = 10_u128.checked_pow(shift.cast_unsigned());
            let units = if digits == 0 { Some(0) } else { factor.and_then(|factor| digits.checked_mul(factor)) };
            (units?, true)
        } else {
            // Digits are fewer than 10^38, so that nothing is left of them then.
            let divisor = 10_u128.checked_pow(shift.unsigned_abs()).unwrap_or(u128::MAX);
            let (units, rest) = (digits / divisor, digits % divisor);
            (units + u128::from(rest >= divisor.div_ceil(2)), rest == 0)
        };
        let units = i128::try_from(units).ok().filter(|units| *units < 10_i128.pow(u32::from(PRECISION)))?;
        Some(Self { units: if is_negative { -units } else { units }, is_exact: is_exact && !is_cut })
    }
}

/// How many digits say something: those from the first to the last that is not 0. Some more than there are, where they are more than
/// can be counted.
pub(super) fn significant_digits(json: &str) -> u32 {
    Parts::of(json).filter(|number| !number.is_cut).map_or(u32::MAX, |number| {
        let mut digits = number.digits;
        while digits != 0 && digits.is_multiple_of(10) {
            digits /= 10;
        }
        digits.checked_ilog10().map_or(0, |digits| digits + 1)
    })
}

/// A number as ±digits × 10^exponent.
struct Parts {
    is_negative: bool,
    /// Fewer than 10^38.
    digits: u128,
    exponent: i32,
    /// Whether there are more behind them.
    is_cut: bool,
}

impl Parts {
    /// `None` for what is no number, and for one with more digits before the point than are kept.
    fn of(json: &str) -> Option<Self> {
        let (is_negative, number) = json.strip_prefix('-').map_or((false, json), |number| (true, number));
        let (number, exponent) = match number.find(['e', 'E']) {
            Some(at) => (&number[..at], number[at + 1..].parse().ok()?),
            None => (number, 0_i32),
        };
        let most = 10_u128.pow(u32::from(PRECISION));
        let (mut digits, mut exponent, mut zeros) = (0_u128, exponent, 0);
        let (mut any, mut is_fraction, mut is_cut) = (false, false, false);
        for byte in number.bytes() {
            match byte {
                // Zeros count only where a digit follows.
                b'0' => zeros += 1,
                b'1'..=b'9' => {
                    let shifted = 10_u128.checked_pow(zeros + 1).and_then(|factor| digits.checked_mul(factor));
                    match shifted.map(|shifted| shifted + u128::from(byte - b'0')).filter(|digits| *digits < most) {
                        Some(more) => (digits, zeros) = (more, 0),
                        None if is_fraction => (zeros, is_cut) = (zeros + 1, true),
                        None => return None,
                    }
                }
                b'.' if !is_fraction && any => is_fraction = true,
                _ => return None,
            }
            any |= byte != b'.';
            exponent = exponent.checked_sub(i32::from(is_fraction && byte != b'.'))?;
        }
        exponent = exponent.checked_add(zeros.cast_signed())?;
        any.then_some(Self { is_negative, digits, exponent, is_cut })
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
            ("1.00000000000000000000000000000000000000000000000000000000001", 1_000_000_000, false),
            (
                "12345678901234567890123456789.123456789123456789",
                12_345_678_901_234_567_890_123_456_789_123_456_789,
                false,
            ),
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
