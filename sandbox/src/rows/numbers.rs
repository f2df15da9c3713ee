//! Numbers of every precision that JSON allows: a reader must keep every digit.

use super::json::{Row, push_cents, push_integer};

/// What a number stands for, which decides how it looks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NumberKind {
    /// An amount: mostly two decimals, now and then many, or an exponent.
    Money,
    /// A small count.
    Count,
    /// Miles and points: mostly small, now and then beyond 64 bits.
    Huge,
    /// A rate or weight with many decimals.
    Fine,
    /// Degrees, from -90 to 90.
    Degrees,
}

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
    /// Optional numbers.
    pub(crate) fn optional_numbers(&mut self, fields: &[(&str, NumberKind)], share: u64) {
        for (name, kind) in fields {
            if self.is_present(name, share) {
                self.field(name);
                self.number(*kind);
            }
        }
    }

    /// A number of the kind.
    pub(crate) fn number(&mut self, kind: NumberKind) {
        let bits = self.rng.next_u64();
        let (odd, value) = (self.odd_numbers && bits.is_multiple_of(32), bits >> 32);
        match kind {
            NumberKind::Money if odd => self.one_of(&ODD_MONEY),
            NumberKind::Huge if odd => self.one_of(&ODD_HUGE),
            NumberKind::Fine if odd => self.one_of(&ODD_FINE),
            NumberKind::Money => push_cents(self.out, value % 250_000),
            NumberKind::Huge => push_integer(self.out, value % 9_000),
            NumberKind::Count => push_integer(self.out, value % 12),
            NumberKind::Fine => {
                push_integer(self.out, value % 90);
                self.out.push('.');
                push_integer(self.out, 100_000 + value / 90 % 900_000);
            }
            NumberKind::Degrees => {
                if bits & 64 == 0 {
                    self.out.push('-');
                }
                push_integer(self.out, value % 90);
                self.out.push('.');
                push_integer(self.out, 1_000_000 + value % 9_000_000);
            }
        }
    }

    fn one_of(&mut self, choices: &[&str]) {
        let number = self.rng.choose(choices);
        self.out.push_str(number);
    }
}
