//! Exact sums of decimal numbers.

use std::fmt;

/// Decimals that are kept; no number in the rows has more.
const DECIMALS: usize = 36;
const UNIT: i128 = 10_i128.pow(36);

/// A decimal number: `whole + fraction / UNIT`, where the fraction is never negative and below one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decimal {
    whole: i128,
    fraction: i128,
}

impl Decimal {
    /// Reads a JSON number; 0 for anything else.
    pub(crate) fn parse(number: &str) -> Self {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let exponent: i32 = exponent.trim_start_matches('+').parse().unwrap_or(0);
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{before}{after}");
        // How many digits stand before the point once the exponent has moved it.
        let point = i32::try_from(before.len()).unwrap_or(0) + exponent;
        let digit = |place: i32| {
            let found = usize::try_from(place).ok().and_then(|place| digits.as_bytes().get(place));
            found.map_or(0, |byte| i128::from(byte.saturating_sub(b'0')))
        };
        let read = |from: i32, to: i32| (from..to).fold(0, |sum, place| sum * 10 + digit(place));
        let decimals = i32::try_from(DECIMALS).unwrap_or(0);
        let mut value = Self { whole: read(0, point), fraction: read(point, point + decimals) };
        if negative {
            value = Self { whole: -value.whole, fraction: -value.fraction };
        }
        value.carry();
        value
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.whole += other.whole;
        self.fraction += other.fraction;
        self.carry();
    }

    fn carry(&mut self) {
        self.whole += self.fraction.div_euclid(UNIT);
        self.fraction = self.fraction.rem_euclid(UNIT);
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut whole, mut fraction) = (self.whole, self.fraction);
        if whole < 0 {
            out.write_str("-")?;
            whole = -whole;
            if fraction > 0 {
                whole -= 1;
                fraction = UNIT - fraction;
            }
        }
        write!(out, "{whole}")?;
        let decimals = format!("{fraction:0DECIMALS$}");
        match decimals.trim_end_matches('0') {
            "" => Ok(()),
            decimals => write!(out, ".{decimals}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn sums_are_exact() {
        let numbers = ["0.1", "0.2", "-42.50", "1.25E+3", "1e-7", "123.45678901234567890123", "9007199254740993.01"];
        let mut sum = Decimal::default();
        for number in numbers {
            sum.add(Decimal::parse(number));
        }
        assert_eq!(sum.to_string(), "9007199254742324.26678911234567890123");
        assert_eq!(Decimal::parse("-0.25").to_string(), "-0.25");
        assert_eq!(Decimal::parse("100").to_string(), "100");
    }
}
