//! BOOKING rows.

use super::booking_fields as fields;
use super::company::{self, Company};
use super::json::{Form, Row, instant, integer};
use super::numbers::Kind;
use super::{person, vocab};
use crate::rng::Rng;
use crate::table::Pick;

const DAY_MS: i64 = 86_400_000;

/// What the parts of one booking have to agree on.
struct Trip {
    index: u64,
    kind: &'static str,
    created: i64,
    starts: i64,
    ends: i64,
    wavers: bool,
}

impl Company {
    /// Appends the row of a booking, with its `transactions` if they were asked for.
    pub(crate) fn booking(&self, out: &mut String, pick: &Pick, with_transactions: bool) {
        let mut rng = Rng::for_row(self.seed, company::BOOKING, pick.index, 0);
        let starts = pick.key + days(rng.below(40)) + DAY_MS;
        let trip = Trip {
            index: pick.index,
            kind: rng.pick(&fields::TYPES),
            created: pick.key,
            starts,
            ends: starts + days(rng.below(6)),
            wavers: self.wavers(pick.index),
        };
        let mut row = Row { out, rng, odd_numbers: self.odd_numbers };
        self.identity(&mut row, pick, &trip);
        wavering(&mut row, &trip);
        optional(&mut row, &trip);
        row.key("booker");
        let booker = row.rng.below(self.users);
        person::write(&mut row, self, booker, 9, None);
        for name in ["origin", "destination"] {
            if row.has(name, 13) {
                row.key(name);
                place(&mut row);
            }
        }
        objects(&mut row);
        self.passengers(&mut row, &trip, booker);
        segments(&mut row, &trip);
        custom_fields(&mut row);
        if with_transactions {
            self.transactions(&mut row, &trip);
        }
        self.new_field(&mut row, pick.index);
        row.raw("}");
    }

    /// Key, times and what a touch changes.
    fn identity(&self, row: &mut Row<'_>, pick: &Pick, trip: &Trip) {
        // What a touch changes comes from other rng, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, company::BOOKING, pick.index, pick.version);
        let modified = pick.touched_ms.unwrap_or_else(|| self.modified(row, trip));
        // Times come with and without milliseconds.
        let form = if pick.index.is_multiple_of(3) { Form::Millis } else { Form::Seconds };
        row.open("uuid");
        row.uuid(self.booking_id(pick.index));
        row.instant("created", trip.created, form);
        row.instant("lastModified", modified, Form::Millis);
        row.text("bookingType", trip.kind);
        let status = fresh.pick(&fields::STATUSES);
        row.text("bookingStatus", status);
        row.key("bookingId");
        row.raw("\"");
        row.integer(10_000_000 + pick.index);
        row.raw("\"");
        row.key("grandTotal");
        std::mem::swap(&mut row.rng, &mut fresh);
        row.number(Kind::Money);
        std::mem::swap(&mut row.rng, &mut fresh);
        if status == "CANCELED" {
            row.instant("cancelledAt", modified, Form::Seconds);
            row.texts(&[("cancellationReason", vocab::NOTES)], 12);
        }
        if row.has("approvalChangedAt", 5) {
            row.instant("approvalChangedAt", trip.created, Form::Seconds);
        }
    }

    /// When an untouched row was last modified: within 90 days of its creation, never after the start.
    fn modified(&self, row: &mut Row<'_>, trip: &Trip) -> i64 {
        let latest = self.start_ms.max(trip.created);
        let later = days(row.rng.below(90)) + row.rng.below(86_400_000).cast_signed();
        (trip.created + later).min(latest)
    }

    fn passengers(&self, row: &mut Row<'_>, trip: &Trip, booker: u64) {
        row.raw(",\"passengers\":[");
        for nth in 0..=u64::from(row.rng.chance(2)) {
            if nth > 0 {
                row.raw(",");
            }
            row.raw("{\"travelerType\":\"EMPLOYEE\",\"status\":\"ACTIVE\",\"person\":");
            person::write(row, self, (booker + nth) % self.users, 4, Some(trip.created));
            row.raw("}");
        }
        row.raw("]");
    }

    /// What `includeTransactions=true` adds.
    fn transactions(&self, row: &mut Row<'_>, trip: &Trip) {
        row.raw(",\"transactions\":[");
        for nth in 0..row.rng.below(3) {
            row.raw(if nth > 0 { ",{\"transactionId\":" } else { "{\"transactionId\":" });
            row.uuid(self.id(company::BOOKING << 8, trip.index * 4 + nth));
            row.key("amount");
            row.number(Kind::Money);
            row.texts(&[("currency", vocab::CURRENCIES), ("description", vocab::NOTES)], 14);
            row.instant("transactionDate", trip.created, Form::Seconds);
            row.raw("}");
        }
        row.raw("]");
    }
}

fn days(count: u64) -> i64 {
    count.cast_signed() * DAY_MS
}

/// The fields that come in more than one form.
fn wavering(row: &mut Row<'_>, trip: &Trip) {
    for name in fields::WAVERING_TEXTS {
        if trip.wavers {
            let yes = row.rng.chance(8);
            row.boolean(name, yes);
        } else if row.has(name, 9) {
            let value = row.rng.pick(vocab::YES_NO);
            row.text(name, value);
        }
    }
    for (name, choices) in fields::WAVERING_LISTS.into_iter().zip([vocab::VIOLATIONS, vocab::VIOLATION_TYPES]) {
        if trip.wavers {
            row.text(name, "");
        } else {
            row.list(name, choices, 2);
        }
    }
    for (name, at) in [("startDate", trip.starts), ("endDate", trip.ends)] {
        if trip.wavers {
            row.instant(name, at, Form::Seconds);
        } else {
            row.date(name, at);
        }
    }
}

/// The many fields that a booking may have or not, some by its type.
fn optional(row: &mut Row<'_>, trip: &Trip) {
    row.texts(fields::TEXTS, 6);
    row.numbers(fields::NUMBERS, 7);
    match trip.kind {
        "FLIGHT" => {
            row.texts(fields::FLIGHT_TEXTS, 13);
            row.numbers(fields::FLIGHT_NUMBERS, 13);
        }
        "HOTEL" => {
            row.texts(fields::HOTEL_TEXTS, 13);
            row.numbers(fields::HOTEL_NUMBERS, 13);
        }
        "RAIL" => row.numbers(fields::RAIL_NUMBERS, 13),
        "CAR" => row.texts(fields::CAR_TEXTS, 13),
        _ => {}
    }
    for name in fields::BOOLEANS {
        if row.has(name, 14) {
            let yes = row.rng.chance(5);
            row.boolean(name, yes);
        }
    }
    for (name, choices, most) in fields::LISTS {
        if row.has(name, 11) {
            row.list(name, choices, *most);
        }
    }
    if row.has("tripUuids", 12) {
        row.key("tripUuids");
        row.raw("[");
        let id = [row.rng.next(), row.rng.next()];
        row.uuid(id);
        row.raw("]");
    }
}

/// `credit`, `reshopping` and `cnr`.
fn objects(row: &mut Row<'_>) {
    if row.has("credit", 3) {
        row.key("credit");
        row.open("creditAvailable");
        row.number(Kind::Money);
        row.numbers(fields::CREDIT, 12);
        row.raw("}");
    }
    if row.has("reshopping", 3) {
        let rebooked = row.rng.chance(8);
        row.key("reshopping");
        row.open("reshoppingIsRebooked");
        row.raw(if rebooked { "true" } else { "false" });
        row.numbers(fields::RESHOPPING, 12);
        row.raw("}");
    }
    if row.has("cnr", 3) {
        row.key("cnr");
        row.open("publishedPrice");
        row.number(Kind::Money);
        row.list("cnrCodes", &["CNR1", "CNR\\u00e9"], 2);
        row.raw("}");
    }
}

/// A place object, as in `origin`.
fn place(row: &mut Row<'_>) {
    let nth = usize::try_from(row.rng.below(6)).unwrap_or(0);
    row.open("country");
    row.quoted(vocab::COUNTRIES[nth]);
    row.text("countryCode", vocab::COUNTRY_CODES[nth]);
    if row.has("state", 5) {
        row.text("state", "CA");
    }
    row.text("city", vocab::CITIES[nth]);
    row.texts(&[("airportCode", vocab::AIRPORTS), ("address", vocab::STREETS)], 7);
    row.raw("}");
}

/// The legs of a journey; hotels and others have one or none.
fn segments(row: &mut Row<'_>, trip: &Trip) {
    let legs = match trip.kind {
        "FLIGHT" | "RAIL" => 1 + row.rng.below(2),
        _ => row.rng.below(2),
    };
    row.raw(",\"segments\":[");
    for leg in 0..legs {
        let starts = trip.starts + days(leg);
        let ends = starts + 7_200_000;
        row.raw(if leg > 0 { ",{\"startTimestamp\":" } else { "{\"startTimestamp\":" });
        integer(row.out, starts / 1_000);
        row.raw(",\"endTimestamp\":");
        integer(row.out, ends / 1_000);
        for (name, at) in [("startLocalDateTime", starts), ("endLocalDateTime", ends)] {
            row.key(name);
            row.raw("\"");
            instant(row.out, at, Form::Local);
            row.raw("\"");
        }
        for name in ["departure", "arrival"] {
            row.key(name);
            place(row);
        }
        row.texts(fields::SEGMENT_TEXTS, 8);
        row.raw("}");
    }
    row.raw("]");
}

/// Fields that the company made up.
fn custom_fields(row: &mut Row<'_>) {
    row.raw(",\"customFields\":[");
    for nth in 0..row.rng.below(3) {
        row.raw(if nth > 0 { ",{\"name\":" } else { "{\"name\":" });
        row.quoted(if nth > 0 { "Kostenträger" } else { "Project \\u2116" });
        row.texts(&[("value", vocab::NOTES)], 14);
        row.raw("}");
    }
    row.raw("]");
}
