//! What a booking costs: amounts that add up, in hundredths of the booking's currency.

use super::currency::{Currency, divided, in_usd, percent};
use super::place::Place;
use super::reference::Tax;
use super::trip::{BookingType, Trip};
use crate::rng::Rng;

/// The price of a booking, and what it is compared with.
#[derive(Clone, Debug)]
pub(super) struct Price {
    pub(super) currency: Currency,
    /// How much of the currency a dollar bought, in millionths.
    pub(super) per_usd: i64,
    /// For one night, day or seat.
    pub(super) unit: i64,
    pub(super) units: i64,
    /// `unit` times `units`.
    pub(super) base: i64,
    pub(super) tax: i64,
    pub(super) resort_fee: i64,
    pub(super) seats_fee: i64,
    pub(super) extras_fees: i64,
    /// Navan's own fee.
    pub(super) trip_fee: i64,
    /// For changes since it was booked: the difference in price, and what the change itself cost.
    pub(super) exchange: i64,
    pub(super) exchange_fee: i64,
    /// The sum of all of these, from `base` on.
    pub(super) total: i64,
    /// The most that the policy allows for a unit.
    pub(super) unit_limit: i64,
    /// What others pay for a unit.
    pub(super) unit_benchmark: i64,
    /// The least that a unit would have cost.
    pub(super) unit_optimum: i64,
}

impl Price {
    /// The price of a booking of such a trip. What changes it has a generator of its own: none at first.
    pub(super) fn of(trip: &Trip, is_business: bool, day: i64, rng: &mut Rng, changed: Option<&mut Rng>) -> Self {
        let currency = trip.home.currency;
        let per_usd = currency.per_usd(day);
        let local = |dollars: i64| currency.of_usd(dollars, per_usd);
        let unit = local(unit_in_usd(trip, is_business, rng));
        let people = trip.people();
        let units = match trip.booking_type {
            BookingType::Hotel => trip.nights * people,
            BookingType::Car => trip.nights.max(1),
            BookingType::Flight | BookingType::Rail => people,
            BookingType::Transportation | BookingType::BlackCar => 1,
        };
        let is_flight = trip.booking_type == BookingType::Flight;
        let mut when = |is_so: bool, low: i64, high: i64| if is_so { local(rng.between(low, high)) } else { 0 };
        let resort_fee = when(trip.booking_type == BookingType::Hotel && trip.nights > 3, 1_500, 4_500);
        let seats_fee = when(is_flight && units > 1, 1_200, 6_000);
        let extras_fees = when(is_flight && !is_business, 2_500, 7_000);
        let trip_fee = when(trip.booking_type.is_journey() || resort_fee > 0, 500, 1_500);
        let (exchange, exchange_fee) = match changed {
            Some(rng) => (local(rng.between(1, 20_000)), local(rng.between(2_500, 7_500))),
            None => (0, 0),
        };
        let mut near = |low: i64, high: i64| currency.payable(percent(unit, rng.between(low, high)));
        let (unit_limit, unit_benchmark, unit_optimum) = (near(95, 180), near(85, 140), near(80, 104).min(unit));
        let base = unit * units;
        let tax = currency.payable(divided(base * tax_rate(trip), 10_000));
        let total = base + tax + resort_fee + seats_fee + extras_fees + trip_fee + exchange + exchange_fee;
        Self {
            currency,
            per_usd,
            unit,
            units,
            base,
            tax,
            resort_fee,
            seats_fee,
            extras_fees,
            trip_fee,
            exchange,
            exchange_fee,
            total,
            unit_limit,
            unit_benchmark,
            unit_optimum,
        }
    }

    /// What an amount is in dollars.
    pub(super) fn in_usd(&self, amount: i64) -> i64 {
        in_usd(amount, self.per_usd)
    }

    /// So many percent of an amount.
    pub(super) fn share(&self, amount: i64, of_hundred: i64) -> i64 {
        self.currency.payable(percent(amount, of_hundred))
    }

    /// What was saved against what others pay.
    pub(super) fn saving(&self) -> i64 {
        (self.unit_benchmark - self.unit).max(0) * self.units
    }

    /// What more could have been saved.
    pub(super) fn missed_saving(&self) -> i64 {
        (self.unit - self.unit_optimum) * self.units
    }

    /// The parts of the tax that have a field of their own, which add up to it.
    pub(super) fn tax_parts(&self, tax: &Tax) -> impl Iterator<Item = (&'static str, i64)> {
        let mut left = self.tax;
        let (parts, all, rate, currency) = (tax.parts, self.tax, tax.rate, self.currency);
        parts.iter().enumerate().map(move |(nth, (name, of))| {
            let part = if nth + 1 == parts.len() { left } else { currency.payable(divided(all * of, rate)) };
            left -= part;
            (*name, part)
        })
    }
}

/// Where the tax of a booking goes: journeys are taxed where they begin.
pub(super) fn taxed_at(trip: &Trip) -> &'static Place {
    if trip.booking_type.is_journey() { trip.home } else { trip.destination }
}

/// Between countries, a journey is not taxed.
fn tax_rate(trip: &Trip) -> i64 {
    let is_abroad = trip.home.country_code != trip.destination.country_code;
    if trip.booking_type.is_journey() && is_abroad { 0 } else { taxed_at(trip).tax.rate }
}

/// A night, a day, a drive, or a seat there and, if one returns, back.
fn unit_in_usd(trip: &Trip, is_business: bool, rng: &mut Rng) -> i64 {
    let miles = trip.miles_travelled();
    match trip.booking_type {
        BookingType::Hotel => rng.between(9_000, 28_000),
        BookingType::Flight => (6_000 + miles * rng.between(5, 9)) * if is_business { 3 } else { 1 },
        BookingType::Rail => 2_500 + miles * rng.between(12, 20),
        BookingType::Car => rng.between(3_500, 8_500),
        BookingType::Transportation => rng.between(1_500, 6_000),
        BookingType::BlackCar => rng.between(6_000, 15_000),
    }
}
