//! Numbers; odd ones are of every precision that JSON allows: a reader must keep every digit.

use super::json::{Row, push_cents, push_millionths};

/// Amounts as no float could carry them.
const ODD_MONEY: [&str; 8] = [
    "123.45678901234567890123",
    "0.1000000000000000055511151231257827",
    "1.25E+3",
    "1e2",
    "9007199254740993.01",
    "-42.50",
    "0",
    "1200.00",
];

/// Whole numbers beyond what 64 bits hold, and others that a float would change.
const ODD_HUGE: [&str; 4] =
    ["9223372036854775808", "18446744073709551617", "340282366920938463463374607431768211456", "9007199254740993"];

/// Fine numbers in forms that a parser and printer would not give back as they were.
const ODD_FINE: [&str; 4] = ["1.0E-7", "0.30000000000000004440892098500626", "6.02214076e23", "1.10"];

impl Row<'_> {
    /// Optional amounts, in hundredths.
    pub(crate) fn optional_amounts(&mut self, share: u64, fields: &[(&str, i64)]) {
        for (name, hundredths) in fields {
            if self.is_present(name, share) {
                self.field(name);
                self.amount(*hundredths);
            }
        }
    }

    /// Optional whole numbers.
    pub(crate) fn optional_counts(&mut self, share: u64, fields: &[(&str, i64)]) {
        for (name, count) in fields {
            if self.is_present(name, share) {
                self.field(name);
                self.integer(*count);
            }
        }
    }

    /// Optional miles or points: whole numbers that can be odd.
    pub(crate) fn optional_points(&mut self, share: u64, fields: &[(&str, i64)]) {
        for (name, points) in fields {
            if self.is_present(name, share) {
                self.field(name);
                if !self.is_odd(&ODD_HUGE) {
                    self.integer(*points);
                }
            }
        }
    }

    /// Optional rates and weights, in millionths.
    pub(crate) fn optional_rates(&mut self, share: u64, fields: &[(&str, i64)]) {
        for (name, millionths) in fields {
            if self.is_present(name, share) {
                self.field(name);
                self.rate(*millionths);
            }
        }
    }

    /// An amount, in hundredths.
    pub(crate) fn amount(&mut self, hundredths: i64) {
        if !self.is_odd(&ODD_MONEY) {
            push_cents(self.out, hundredths);
        }
    }

    /// A rate or weight, in millionths.
    pub(crate) fn rate(&mut self, millionths: i64) {
        if !self.is_odd(&ODD_FINE) {
            push_millionths(self.out, millionths);
        }
    }

    /// Writes one of these, now and then, where numbers are odd.
    fn is_odd(&mut self, choices: &[&str]) -> bool {
        let odd = self.odd.numbers && self.rng.below(32) == 0;
        if odd {
            let number = self.rng.choose(choices);
            self.out.push_str(number);
        }
        odd
    }
}
