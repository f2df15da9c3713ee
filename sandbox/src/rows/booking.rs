//! BOOKING rows.

use super::booking_fields as fields;
use super::company::{self, Company};
use super::json::{Row, TimestampFormat, push_integer, push_timestamp};
use super::numbers::NumberKind;
use super::{person, vocab};
use crate::clock::DAY_MS;
use crate::rng::Rng;
use crate::table::RowRef;

/// What the parts of one booking have to agree on.
struct Trip {
    index: u64,
    booking_type: &'static str,
    created: i64,
    starts: i64,
    ends: i64,
    inconsistent: bool,
}

impl Company {
    /// Appends the row of a booking, with its `transactions` if they were asked for.
    pub(crate) fn booking(&self, out: &mut String, row_ref: &RowRef, with_transactions: bool) {
        let start = out.len();
        let mut rng = Rng::for_row(self.seed, company::BOOKING, row_ref.index, 0);
        let starts = row_ref.key + days(rng.below(40)) + DAY_MS;
        let trip = Trip {
            index: row_ref.index,
            booking_type: rng.choose(&fields::TYPES),
            created: row_ref.key,
            starts,
            ends: starts + days(rng.below(6)),
            inconsistent: self.is_inconsistent(row_ref.index),
        };
        let mut row = Row { out, rng, odd_numbers: self.odd_numbers };
        self.identity(&mut row, row_ref, &trip);
        inconsistent_fields(&mut row, &trip);
        optional_fields(&mut row, &trip);
        row.field("booker");
        let booker = row.rng.below(self.users);
        person::write_person(&mut row, self, booker, 9, None);
        for name in ["origin", "destination"] {
            if row.is_present(name, 13) {
                row.field(name);
                location(&mut row);
            }
        }
        optional_objects(&mut row);
        self.passengers(&mut row, &trip, booker);
        segments(&mut row, &trip);
        custom_fields(&mut row);
        if with_transactions {
            self.linked_transactions(&mut row, &trip);
        }
        self.unknown_field(&mut row, row_ref.index);
        row.raw("}");
        self.finish_row(out, start, company::BOOKING, row_ref.index);
    }

    /// Key, times and what a touch changes.
    fn identity(&self, row: &mut Row<'_>, row_ref: &RowRef, trip: &Trip) {
        // What a touch changes has a generator of its own, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, company::BOOKING, row_ref.index, row_ref.version);
        let modified = row_ref.touched_ms.unwrap_or_else(|| self.modified(row, trip));
        // Navan sends times with and without milliseconds.
        let format = if row_ref.index.is_multiple_of(3) { TimestampFormat::Millis } else { TimestampFormat::Seconds };
        row.begin_object("uuid");
        row.uuid(self.booking_id(row_ref.index));
        row.timestamp("created", trip.created, format);
        row.timestamp("lastModified", modified, TimestampFormat::Millis);
        row.string("bookingType", trip.booking_type);
        let status = fresh.choose(&fields::STATUSES);
        row.string("bookingStatus", status);
        row.field("bookingId");
        row.raw("\"");
        row.integer(10_000_000 + row_ref.index);
        row.raw("\"");
        row.field("grandTotal");
        std::mem::swap(&mut row.rng, &mut fresh);
        row.number(NumberKind::Money);
        std::mem::swap(&mut row.rng, &mut fresh);
        if status == "CANCELED" {
            row.timestamp("cancelledAt", modified, TimestampFormat::Seconds);
            row.optional_strings(&[("cancellationReason", vocab::NOTES)], 12);
        }
        if row.is_present("approvalChangedAt", 5) {
            row.timestamp("approvalChangedAt", trip.created, TimestampFormat::Seconds);
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
            person::write_person(row, self, (booker + nth) % self.users, 4, Some(trip.created));
            row.raw("}");
        }
        row.raw("]");
    }

    /// What `includeTransactions=true` adds.
    fn linked_transactions(&self, row: &mut Row<'_>, trip: &Trip) {
        row.raw(",\"transactions\":[");
        for nth in 0..row.rng.below(3) {
            row.raw(if nth > 0 { ",{\"transactionId\":" } else { "{\"transactionId\":" });
            row.uuid(self.id(company::BOOKING << 8, trip.index * 4 + nth));
            row.field("amount");
            row.number(NumberKind::Money);
            row.optional_strings(&[("currency", vocab::CURRENCIES), ("description", vocab::NOTES)], 14);
            row.timestamp("transactionDate", trip.created, TimestampFormat::Seconds);
            row.raw("}");
        }
        row.raw("]");
    }
}

fn days(count: u64) -> i64 {
    count.cast_signed() * DAY_MS
}

/// The fields whose type differs from row to row.
fn inconsistent_fields(row: &mut Row<'_>, trip: &Trip) {
    for name in fields::INCONSISTENT_TEXTS {
        if trip.inconsistent {
            let yes = row.rng.chance(8);
            row.boolean(name, yes);
        } else if row.is_present(name, 9) {
            let value = row.rng.choose(vocab::YES_NO);
            row.string(name, value);
        }
    }
    for (name, choices) in fields::INCONSISTENT_LISTS.into_iter().zip([vocab::VIOLATIONS, vocab::VIOLATION_TYPES]) {
        if trip.inconsistent {
            row.string(name, "");
        } else {
            row.string_array(name, choices, 2);
        }
    }
    for (name, at) in [("startDate", trip.starts), ("endDate", trip.ends)] {
        if trip.inconsistent {
            row.timestamp(name, at, TimestampFormat::Seconds);
        } else {
            row.date(name, at);
        }
    }
}

/// The fields that a booking may have, some of them by its type.
fn optional_fields(row: &mut Row<'_>, trip: &Trip) {
    row.optional_strings(fields::TEXTS, 6);
    row.optional_numbers(fields::NUMBERS, 7);
    match trip.booking_type {
        "FLIGHT" => {
            row.optional_strings(fields::FLIGHT_TEXTS, 13);
            row.optional_numbers(fields::FLIGHT_NUMBERS, 13);
        }
        "HOTEL" => {
            row.optional_strings(fields::HOTEL_TEXTS, 13);
            row.optional_numbers(fields::HOTEL_NUMBERS, 13);
        }
        "RAIL" => row.optional_numbers(fields::RAIL_NUMBERS, 13),
        "CAR" => row.optional_strings(fields::CAR_TEXTS, 13),
        _ => {}
    }
    for name in fields::BOOLEANS {
        if row.is_present(name, 14) {
            let yes = row.rng.chance(5);
            row.boolean(name, yes);
        }
    }
    for (name, choices, most) in fields::LISTS {
        if row.is_present(name, 11) {
            row.string_array(name, choices, *most);
        }
    }
    if row.is_present("tripUuids", 12) {
        row.field("tripUuids");
        row.raw("[");
        let id = [row.rng.next_u64(), row.rng.next_u64()];
        row.uuid(id);
        row.raw("]");
    }
}

/// `credit`, `reshopping` and `cnr`.
fn optional_objects(row: &mut Row<'_>) {
    if row.is_present("credit", 3) {
        row.field("credit");
        row.begin_object("creditAvailable");
        row.number(NumberKind::Money);
        row.optional_numbers(fields::CREDIT, 12);
        row.raw("}");
    }
    if row.is_present("reshopping", 3) {
        let rebooked = row.rng.chance(8);
        row.field("reshopping");
        row.begin_object("reshoppingIsRebooked");
        row.raw(if rebooked { "true" } else { "false" });
        row.optional_numbers(fields::RESHOPPING, 12);
        row.raw("}");
    }
    if row.is_present("cnr", 3) {
        row.field("cnr");
        row.begin_object("publishedPrice");
        row.number(NumberKind::Money);
        row.string_array("cnrCodes", &["CNR1", "CNR\\u00e9"], 2);
        row.raw("}");
    }
}

/// A location object, as in `origin`.
fn location(row: &mut Row<'_>) {
    let nth = usize::try_from(row.rng.below(6)).unwrap_or(0);
    row.begin_object("country");
    row.quoted(vocab::COUNTRIES[nth]);
    row.string("countryCode", vocab::COUNTRY_CODES[nth]);
    if row.is_present("state", 5) {
        row.string("state", "CA");
    }
    row.string("city", vocab::CITIES[nth]);
    row.optional_strings(&[("airportCode", vocab::AIRPORTS), ("address", vocab::STREETS)], 7);
    row.raw("}");
}

/// The legs of a journey; hotels and others have one or none.
fn segments(row: &mut Row<'_>, trip: &Trip) {
    let legs = match trip.booking_type {
        "FLIGHT" | "RAIL" => 1 + row.rng.below(2),
        _ => row.rng.below(2),
    };
    row.raw(",\"segments\":[");
    for leg in 0..legs {
        let starts = trip.starts + days(leg);
        let ends = starts + 7_200_000;
        row.raw(if leg > 0 { ",{\"startTimestamp\":" } else { "{\"startTimestamp\":" });
        push_integer(row.out, starts / 1_000);
        row.raw(",\"endTimestamp\":");
        push_integer(row.out, ends / 1_000);
        for (name, at) in [("startLocalDateTime", starts), ("endLocalDateTime", ends)] {
            row.field(name);
            row.raw("\"");
            push_timestamp(row.out, at, TimestampFormat::Local);
            row.raw("\"");
        }
        for name in ["departure", "arrival"] {
            row.field(name);
            location(row);
        }
        row.optional_strings(fields::SEGMENT_TEXTS, 8);
        row.raw("}");
    }
    row.raw("]");
}

/// Fields that the company has defined.
fn custom_fields(row: &mut Row<'_>) {
    row.raw(",\"customFields\":[");
    for nth in 0..row.rng.below(3) {
        row.raw(if nth > 0 { ",{\"name\":" } else { "{\"name\":" });
        row.quoted(if nth > 0 { "Kostenträger" } else { "Project \\u2116" });
        row.optional_strings(&[("value", vocab::NOTES)], 14);
        row.raw("}");
    }
    row.raw("]");
}
