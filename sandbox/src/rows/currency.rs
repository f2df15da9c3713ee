//! Currencies, and what they were worth on a day.
//!
//! Amounts are whole hundredths of a currency, rates millionths.

use crate::rng::mix;

pub(super) const MILLION: i64 = 1_000_000;

/// A currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Currency {
    pub(super) code: &'static str,
    /// How much of it a dollar buys, more or less.
    per_usd: i64,
    /// The least amount that can be paid.
    smallest: i64,
}

const fn currency(code: &'static str, per_usd: i64) -> Currency {
    Currency { code, per_usd, smallest: 1 }
}

pub(super) const AUD: Currency = currency("AUD", 1_512_000);
pub(super) const BRL: Currency = currency("BRL", 5_433_000);
pub(super) const CAD: Currency = currency("CAD", 1_368_000);
pub(super) const CHF: Currency = currency("CHF", 884_000);
pub(super) const EUR: Currency = currency("EUR", 921_000);
pub(super) const GBP: Currency = currency("GBP", 782_000);
pub(super) const ILS: Currency = currency("ILS", 3_676_000);
pub(super) const JPY: Currency = Currency { code: "JPY", per_usd: 151_300_000, smallest: 100 };
pub(super) const USD: Currency = currency("USD", MILLION);

impl Currency {
    /// How much of it a dollar buys on that day: within 2 % of the usual.
    pub(super) fn per_usd(self, day: i64) -> i64 {
        if self == USD {
            return MILLION;
        }
        let swing = (mix(day.cast_unsigned() ^ self.per_usd.cast_unsigned()) % 40_001).cast_signed() - 20_000;
        self.per_usd + self.per_usd / 1_000 * swing / 1_000
    }

    /// The nearest amount that can be paid.
    pub(super) fn payable(self, amount: i64) -> i64 {
        divided(amount, self.smallest) * self.smallest
    }

    /// What so many dollars are in it, at this rate.
    pub(super) fn of_usd(self, dollars: i64, rate: i64) -> i64 {
        self.payable(times(dollars, rate))
    }
}

/// An amount in another currency, at `rate`.
pub(super) fn times(amount: i64, rate: i64) -> i64 {
    divided(amount * rate, MILLION)
}

/// What an amount is in dollars, of which each buys `rate`.
pub(super) fn in_usd(amount: i64, rate: i64) -> i64 {
    divided(amount * MILLION, rate)
}

/// So many percent of an amount.
pub(super) fn percent(amount: i64, percent: i64) -> i64 {
    divided(amount * percent, 100)
}

/// The quotient, rounded half up.
pub(super) fn divided(amount: i64, by: i64) -> i64 {
    (2 * amount + by).div_euclid(2 * by)
}
