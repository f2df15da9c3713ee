//! What is true of a booking, before any of it is written: transactions refer to the same.

use super::company::{self, Company};
use super::json::{push_integer, push_uuid};
use super::person::Person;
use super::price::Price;
use super::trip::{BookingType, Trip};
use super::vendor::Vendor;
use crate::clock::DAY_MS;
use crate::rng::{Rng, mix};
use crate::table::RowRef;

const HOUR_MS: i64 = 3_600_000;

/// A booking. Times are ms since the epoch, amounts hundredths of the price's currency.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    pub(super) index: u64,
    pub(super) uuid: [u64; 2],
    pub(super) created: i64,
    pub(super) modified: i64,
    pub(super) trip: Trip,
    pub(super) vendor: &'static Vendor,
    pub(super) is_business: bool,
    pub(super) price: Price,
    /// `CONFIRMED`, `CANCELED`, …
    pub(super) status: &'static str,
    pub(super) end_day: i64,
    pub(super) booker: Person,
    /// The most that a cancellation costs.
    pub(super) most_lost: i64,
    /// What was paid with a credit from earlier tickets.
    pub(super) credit_used: i64,
}

/// Why a booking is against the policy: the type of the violation, and how people say it.
pub(super) type Violation = (&'static str, &'static str);

impl Company {
    /// The booking of a row.
    pub(super) fn booked(&self, row_ref: &RowRef) -> Booking {
        let mut rng = Rng::for_row(self.seed, company::BOOKING_FACTS, row_ref.index, 0);
        // What a touch changes has a generator of its own, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, company::BOOKING, row_ref.index, row_ref.version);
        let trip = self.trip(row_ref.index, row_ref.key);
        let status = status(trip.booking_type, &mut fresh);
        let executive = trip.traveler.policy_level == "EXECUTIVE";
        let is_flight = trip.booking_type == BookingType::Flight;
        let is_business = is_flight && rng.chance(if executive { 12 } else { 1 });
        let changed = (row_ref.version > 0).then_some(&mut fresh);
        let price = Price::of(&trip, is_business, row_ref.key.div_euclid(DAY_MS), &mut rng, changed);
        let most_lost = match trip.booking_type {
            BookingType::Hotel | BookingType::Car if rng.chance(8) => price.unit,
            BookingType::Flight | BookingType::Rail => price.share(price.total, rng.choose(&[10, 20, 50])),
            _ => 0,
        };
        // Drawn in any case, for what comes after it.
        let untouched = self.last_change(row_ref.key, &trip, status, &mut rng);
        Booking {
            index: row_ref.index,
            uuid: self.booking_id(row_ref.index),
            created: row_ref.key,
            modified: row_ref.touched_ms.unwrap_or(untouched),
            vendor: Vendor::of(trip.booking_type, &mut rng),
            is_business,
            status,
            end_day: match trip.booking_type {
                BookingType::Flight | BookingType::Rail if !trip.returns => trip.start_day,
                BookingType::Transportation | BookingType::BlackCar => trip.start_day,
                _ => trip.start_day + trip.nights,
            },
            booker: self.manager_of(&trip.traveler).filter(|_| rng.chance(4)).unwrap_or_else(|| trip.traveler.clone()),
            credit_used: if is_flight && rng.chance(1) { price.share(price.base, 40) } else { 0 },
            most_lost,
            price,
            trip,
        }
    }

    /// The `uuid` of a booking, as it is written, and when it was last changed.
    pub(crate) fn booking_change(&self, row_ref: &RowRef) -> (String, i64) {
        let booking = self.booked(row_ref);
        let mut uuid = String::with_capacity(36);
        push_uuid(&mut uuid, booking.uuid);
        (uuid, booking.modified)
    }

    /// When an untouched booking was last changed: within 90 days of its creation, never after the sandbox began.
    fn last_change(&self, created: i64, trip: &Trip, status: &str, rng: &mut Rng) -> i64 {
        let change = created + rng.between(0, 89) * DAY_MS + rng.between(0, DAY_MS - 1);
        let change = match status {
            // Before it would have begun.
            "CANCELED" => change.min(trip.start_day * DAY_MS),
            // Before the money moved.
            "VOIDED" | "REJECTED_BY_PROVIDER" => change.min(created + 20 * HOUR_MS),
            _ => change,
        };
        change.min(self.start_ms.max(created))
    }
}

fn status(booking_type: BookingType, fresh: &mut Rng) -> &'static str {
    match fresh.below(24) {
        0..3 => "CANCELED",
        3 if booking_type.is_journey() => "VOIDED",
        3 => "ACCEPTED",
        4 => fresh.choose(&["REJECTED_BY_PROVIDER", "UNKNOWN", "CONFIRMED"]),
        _ if booking_type.is_journey() => "TICKETED",
        _ => "CONFIRMED",
    }
}

impl Booking {
    /// Its `bookingId`.
    pub(super) fn number(&self) -> u64 {
        10_000_000 + self.index
    }

    /// Whether it was called off: there is a time at which it was.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.status, "CANCELED" | "VOIDED")
    }

    /// Whether a ticket was ever issued for it.
    pub(super) fn is_ticketed(&self) -> bool {
        !matches!(self.status, "ACCEPTED" | "CONFIRMED" | "REJECTED_BY_PROVIDER")
    }

    /// What was paid in the end.
    pub(super) fn net_charge(&self) -> i64 {
        match self.status {
            "CANCELED" => self.most_lost,
            "VOIDED" | "REJECTED_BY_PROVIDER" => 0,
            _ => self.price.total - self.credit_used,
        }
    }

    /// Whole days from its creation to its beginning.
    pub(super) fn lead_days(&self) -> i64 {
        self.trip.start_day - self.created.div_euclid(DAY_MS)
    }

    /// Whether the company prefers its vendor.
    pub(super) fn is_preferred(&self) -> bool {
        matches!(self.vendor.name, "Lufthansa" | "United Airlines" | "Marriott" | "Sixt" | "Deutsche Bahn")
    }

    /// Whether the company has a rate of its own there.
    pub(super) fn has_negotiated_rate(&self) -> bool {
        self.is_preferred() && self.trip.booking_type == BookingType::Hotel
    }

    pub(super) fn cabin(&self) -> &'static str {
        if self.is_business { "BUSINESS" } else { "ECONOMY" }
    }

    /// What is against the policy.
    pub(super) fn violations(&self) -> impl Iterator<Item = Violation> {
        let is_flight = self.trip.booking_type == BookingType::Flight;
        [
            (is_flight && self.lead_days() < 4).then_some(("LEAD_TIME", "Advance booking window")),
            (self.price.unit > self.price.unit_limit).then_some(("MAX_PRICE", "Price over policy")),
            (self.is_business && self.trip.traveler.policy_level != "EXECUTIVE")
                .then_some(("CABIN_CLASS", "Cabin > economy")),
        ]
        .into_iter()
        .flatten()
    }

    /// `K7TQ2M`
    pub(super) fn push_confirmation(&self, out: &mut String) {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut bits = mix(self.index ^ self.uuid[0]);
        for _ in 0..6 {
            out.push(char::from(LETTERS[usize::try_from(bits % 32).unwrap_or(0)]));
            bits /= 32;
        }
    }

    /// The number of a passenger's ticket.
    pub(super) fn push_ticket(&self, out: &mut String, passenger: u64) {
        out.push_str(self.vendor.ticket_prefix);
        push_integer(out, 2_000_000_000 + self.index * 2 + passenger);
    }

    /// `Marriott London`, or the name of what is not a hotel.
    pub(super) fn push_vendor(&self, out: &mut String) {
        out.push_str(self.vendor.name);
        if self.trip.booking_type == BookingType::Hotel {
            out.push(' ');
            out.push_str(self.trip.destination.city);
        }
    }

    /// `Customer visit London`
    pub(super) fn push_trip_name(&self, out: &mut String) {
        out.push_str(self.trip.purpose);
        out.push(' ');
        out.push_str(self.trip.destination.city);
    }
}
