//! Trips: who travels where and when. The bookings of one trip agree on that.

use super::company::{self, Company};
use super::person::Person;
use super::place::{PLACES, Place};
use super::vocab;
use crate::clock::DAY_MS;
use crate::rng::Rng;

/// How many bookings a trip has: how one gets there, where one stays, and how one moves about.
const BOOKINGS: u64 = 3;
/// The bookings of a trip are made within so many days.
const BOOKED_WITHIN_DAYS: i64 = 14;

/// What one booking is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BookingType {
    Hotel,
    Flight,
    Car,
    Rail,
    Transportation,
    BlackCar,
}

impl BookingType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hotel => "HOTEL",
            Self::Flight => "FLIGHT",
            Self::Car => "CAR",
            Self::Rail => "RAIL",
            Self::Transportation => "TRANSPORTATION",
            Self::BlackCar => "BLACK_CAR",
        }
    }

    /// Whether it takes people from one city to another.
    pub(super) fn is_journey(self) -> bool {
        matches!(self, Self::Flight | Self::Rail)
    }
}

/// A trip, from one of its bookings.
#[derive(Clone, Debug)]
pub(super) struct Trip {
    pub(super) uuid: [u64; 2],
    pub(super) booking_type: BookingType,
    pub(super) traveler: Person,
    pub(super) companion: Option<Person>,
    pub(super) home: &'static Place,
    pub(super) destination: &'static Place,
    /// How far that is.
    pub(super) miles: i64,
    /// The first day, in days since the epoch.
    pub(super) start_day: i64,
    /// The nights away; none if it is over on the same day.
    pub(super) nights: i64,
    /// Whether one ticket is for the way back too.
    pub(super) returns: bool,
    pub(super) purpose: &'static str,
    pub(super) project: &'static str,
    /// Whether it is for a second project too.
    pub(super) other_project: Option<&'static str>,
    /// The client who pays, if one does.
    pub(super) client: Option<&'static str>,
}

impl Trip {
    /// Who travels.
    pub(super) fn travelers(&self) -> impl Iterator<Item = &Person> {
        std::iter::once(&self.traveler).chain(&self.companion)
    }

    /// How many travel.
    pub(super) fn people(&self) -> i64 {
        1 + i64::from(self.companion.is_some())
    }

    /// How far the way is, and the way back if there is a ticket for it.
    pub(super) fn miles_travelled(&self) -> i64 {
        if self.returns { 2 * self.miles } else { self.miles }
    }
}

impl Company {
    /// The trip of a booking that was created at `created` (ms since the epoch).
    pub(super) fn trip(&self, booking: u64, created: i64) -> Trip {
        let group = self.trip_bookings(booking);
        // The last one that is booked is still before the trip.
        let (number, booked) = group.unwrap_or((booking, created));
        let mut rng = Rng::for_row(self.seed, company::TRIP, number, u64::from(group.is_some()));
        let traveler = self.person(rng.below(self.users), 0);
        let home = traveler.office.place;
        let (destination, miles) = destination(&mut rng, home);
        let by_rail = home.has_rail && destination.has_rail && rng.chance(10);
        let journey = if by_rail { BookingType::Rail } else { BookingType::Flight };
        let local = rng.choose(&[BookingType::Car, BookingType::BlackCar, BookingType::Transportation]);
        let booking_type = match group {
            Some((first, _)) if first == booking => journey,
            Some((first, _)) if first + 1 == booking => BookingType::Hotel,
            Some(_) => local,
            None => rng.choose(&[journey, BookingType::Hotel, local]),
        };
        // Where there is a hotel, there is a night, and from afar nobody is back on the same day.
        let has_night = group.is_some() || booking_type == BookingType::Hotel || miles > 250;
        let away = rng.between(0, 5);
        let next = (traveler.index + 1) % self.users;
        let companion = rng.chance(2).then_some(next).filter(|other| *other != traveler.index);
        let project = rng.choose(&vocab::PROJECTS);
        let other = rng.choose(&vocab::PROJECTS);
        Trip {
            uuid: self.id(company::TRIP, number),
            booking_type,
            companion: companion.map(|other| self.person(other, 0)),
            traveler,
            home,
            destination,
            miles,
            start_day: booked.div_euclid(DAY_MS) + 1 + rng.between(0, 30),
            nights: away.max(if has_night { 1 + miles / 2_500 } else { 0 }),
            returns: rng.chance(12),
            purpose: rng.choose(&vocab::PURPOSES),
            project,
            other_project: Some(other).filter(|other| *other != project && rng.chance(4)),
            client: rng.chance(5).then(|| rng.choose(&vocab::CLIENTS)),
        }
    }

    /// The first booking of the trip that a booking belongs to, and when the last one was made. None if the booking is
    /// a trip by itself: one that was inserted later, or where they are far apart.
    fn trip_bookings(&self, booking: u64) -> Option<(u64, i64)> {
        let initial = &self.initial_bookings;
        if booking >= initial.count {
            return None;
        }
        let first = booking - booking % BOOKINGS;
        let last = (first + BOOKINGS - 1).min(initial.count - 1);
        let booked = initial.key(last);
        (booked - initial.key(first) <= BOOKED_WITHIN_DAYS * DAY_MS).then_some((first, booked))
    }
}

/// Somewhere else than home, mostly somewhere near, and how far it is.
fn destination(rng: &mut Rng, home: &Place) -> (&'static Place, i64) {
    let mut elsewhere = || {
        let drawn = usize::try_from(rng.below(PLACES.len() as u64)).unwrap_or(0);
        let place = &PLACES[drawn];
        let place = if place.airport == home.airport { &PLACES[(drawn + 1) % PLACES.len()] } else { place };
        (place, home.miles_to(place))
    };
    let (one, other) = (elsewhere(), elsewhere());
    if one.1 < other.1 { one } else { other }
}
