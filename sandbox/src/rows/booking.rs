//! BOOKING rows: how a booking is written.

use super::booking_facts::Booking;
use super::booking_parts as parts;
use super::company::{self, Company};
use super::json::{Row, TimestampFormat, push_integer, push_uuid};
use super::person::{self, Person, PersonExtra};
use super::trip::BookingType;
use super::vocab;
use crate::clock::DAY_MS;
use crate::rng::Rng;
use crate::table::RowRef;

/// String columns in which booleans are seen too.
const INCONSISTENT_TEXTS: [&str; 4] = ["domestic", "preferredVendor", "corporateDiscountUsed", "flight"];
/// In how many of 16 rows a field has a value, where there are gaps.
const OFTEN: u64 = 13;
const AT_TIMES: u64 = 8;

impl Company {
    /// Appends the row of a booking, with its `transactions` if they were asked for.
    pub(crate) fn booking(&self, out: &mut String, row_ref: &RowRef, with_transactions: bool) {
        let start = out.len();
        let booking = self.booked(row_ref);
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::BOOKING, row_ref.index, 0), odd: self.odd };
        let row = &mut row;
        self.identity(row, &booking);
        inconsistent_fields(row, &booking, self.is_inconsistent(booking.index));
        self.approval(row, &booking);
        payment(row, &booking);
        circumstances(row, &booking);
        parts::amounts(row, &booking);
        parts::of_its_type(row, &booking);
        lists(row, &booking);
        row.field("booker");
        person::write_person(row, self, &booking.booker, 9, PersonExtra::default());
        if booking.trip.booking_type.is_journey() && row.is_present("origin", OFTEN) {
            row.field("origin");
            parts::location(row, booking.trip.home);
        }
        if row.is_present("destination", OFTEN) {
            row.field("destination");
            parts::location(row, booking.trip.destination);
        }
        parts::credit(row, &booking);
        parts::reshopping(row, &booking);
        parts::negotiated_rate(row, &booking);
        self.passengers(row, &booking);
        parts::segments(row, &booking);
        self.custom_fields_of(row, &booking);
        if with_transactions {
            self.linked_transactions(row, &booking);
        }
        self.unknown_field(row, booking.index);
        row.raw("}");
        self.finish_row(out, start, company::BOOKING, row_ref.index);
    }

    /// Key, times and what a touch changes.
    fn identity(&self, row: &mut Row<'_>, booking: &Booking) {
        // Navan sends times with and without milliseconds.
        let format = if booking.index.is_multiple_of(3) { TimestampFormat::Millis } else { TimestampFormat::Seconds };
        row.begin_object("uuid");
        row.uuid(self.booking_id(booking.index));
        row.timestamp("created", booking.created, format);
        row.timestamp("lastModified", booking.modified, TimestampFormat::Millis);
        row.string("bookingType", booking.trip.booking_type.name());
        row.string("bookingStatus", booking.status);
        row.composed("bookingId", |out| push_integer(out, booking.number()));
        row.field("grandTotal");
        row.amount(booking.price.total);
        if booking.is_off() {
            row.timestamp("cancelledAt", booking.modified, TimestampFormat::Seconds);
            let reason = vocab::nth(&vocab::CANCELLATIONS, booking.index);
            row.optional_notes(OFTEN, &[("cancellationReason", reason)]);
        }
    }

    /// What the policy says of it, and who agreed.
    fn approval(&self, row: &mut Row<'_>, booking: &Booking) {
        let is_out = booking.violations().next().is_some();
        if row.is_present("outOfPolicy", 14) {
            row.boolean("outOfPolicy", is_out);
        }
        if is_out {
            row.optional_notes(
                AT_TIMES,
                &[
                    ("outOfPolicyDescription", vocab::nth(&vocab::EXCUSES, booking.index)),
                    ("reason", vocab::nth(&vocab::EXCUSES, booking.index)),
                ],
            );
        }
        let Some(approver) = self.manager_of(&booking.trip.traveler).filter(|_| is_out) else {
            row.optional_strings(AT_TIMES, &[("approvalStatus", "NOT_REQUIRED")]);
            return;
        };
        let status = vocab::nth(&["APPROVED", "APPROVED", "APPROVED", "PENDING", "DENIED"], booking.index);
        row.optional_strings(AT_TIMES, &[("approvalStatus", status)]);
        row.optional_composed(AT_TIMES, "approverEmail", |out| approver.push_email(out));
        if status != "PENDING" {
            row.optional_notes(AT_TIMES, &[("approverReason", vocab::nth(&vocab::APPROVALS, booking.index))]);
            if row.is_present("approvalChangedAt", AT_TIMES) {
                let at = (booking.created + DAY_MS / 6).min(booking.modified);
                row.timestamp("approvalChangedAt", at, TimestampFormat::Seconds);
            }
        }
    }

    fn passengers(&self, row: &mut Row<'_>, booking: &Booking) {
        row.raw(",\"passengers\":[");
        for (nth, person) in booking.trip.travelers().enumerate() {
            row.raw(if nth > 0 { ",{\"travelerType\":" } else { "{\"travelerType\":" });
            row.raw("\"PASSENGER\"");
            row.string("status", if person.active { "ENABLED" } else { "DISABLED" });
            row.field("person");
            let extra = PersonExtra { billable_entity: booking.trip.client, has_passport: true };
            person::write_person(row, self, person, 5, extra);
            row.raw("}");
        }
        row.raw("]");
    }

    /// Fields that the company has defined.
    fn custom_fields_of(&self, row: &mut Row<'_>, booking: &Booking) {
        let values = [Some(booking.trip.project), booking.trip.client];
        row.raw(",\"customFields\":[");
        let mut written = 0;
        for (nth, value) in values.into_iter().enumerate() {
            let (Some((name, _)), Some(value)) = (self.custom_field(nth), value) else { continue };
            if !row.odd.gaps || row.rng.chance(10) {
                row.raw(if written > 0 { ",{\"name\":" } else { "{\"name\":" });
                row.quoted(name);
                row.optional_notes(14, &[("value", value)]);
                row.raw("}");
                written += 1;
            }
        }
        row.raw("]");
    }

    /// What `includeTransactions=true` adds: what was paid at first, for changes, and what came back.
    fn linked_transactions(&self, row: &mut Row<'_>, booking: &Booking) {
        let changes = booking.price.exchange + booking.price.exchange_fee;
        let refund = booking.net_charge() - booking.price.total;
        let payments = [
            (booking.price.total - changes, booking.created, booking.trip.purpose),
            (changes, booking.modified, "Change"),
            (refund, booking.modified, "Refund"),
        ];
        row.raw(",\"transactions\":[");
        for (nth, (amount, at, description)) in (0..).zip(payments).filter(|(_, (amount, ..))| *amount != 0) {
            row.raw(if nth > 0 { ",{\"transactionId\":" } else { "{\"transactionId\":" });
            row.uuid(self.id(company::BOOKING << 8, booking.index * 4 + nth));
            row.field("amount");
            row.amount(amount);
            row.optional_strings(14, &[("currency", booking.price.currency.code)]);
            row.optional_notes(14, &[("description", description)]);
            row.timestamp("transactionDate", at, TimestampFormat::Seconds);
            row.raw("}");
        }
        row.raw("]");
    }
}

/// The fields whose type differs from row to row, where that is set.
fn inconsistent_fields(row: &mut Row<'_>, booking: &Booking, is_inconsistent: bool) {
    let trip = &booking.trip;
    let facts = [
        trip.home.country_code == trip.destination.country_code,
        booking.is_preferred(),
        booking.has_negotiated_rate(),
        trip.booking_type == BookingType::Flight,
    ];
    for (name, fact) in INCONSISTENT_TEXTS.into_iter().zip(facts) {
        if is_inconsistent {
            row.boolean(name, fact);
        } else if row.is_present(name, 9) {
            let words = if row.odd.texts && row.rng.chance(8) { ["NO", "YES"] } else { ["false", "true"] };
            row.string(name, words[usize::from(fact)]);
        }
    }
    let violations = || booking.violations();
    let lists: [(_, Vec<_>); 2] = [
        ("outOfPolicyViolations", violations().map(|(_, words)| words).collect()),
        ("outOfPolicyViolationTypes", violations().map(|(kind, _)| kind).collect()),
    ];
    for (name, list) in lists {
        if is_inconsistent {
            row.string(name, "");
        } else {
            row.list(name, &list);
        }
    }
    for (name, day) in [("startDate", trip.start_day), ("endDate", booking.end_day)] {
        if is_inconsistent {
            row.timestamp(name, day * DAY_MS, TimestampFormat::Seconds);
        } else {
            row.date(name, day * DAY_MS);
        }
    }
}

fn payment(row: &mut Row<'_>, booking: &Booking) {
    let means = vocab::nth(&["COMPANY_CARD", "COMPANY_CARD", "DIRECT_BILL", "PERSONAL_CARD"], booking.booker.index);
    row.optional_strings(
        AT_TIMES,
        &[("currency", booking.price.currency.code), ("paymentMethod", means), ("paymentMethodUsed", means)],
    );
    if means != "PERSONAL_CARD" {
        row.optional_strings(AT_TIMES, &[("companyPaymentMethod", means)]);
    }
    if means != "DIRECT_BILL" {
        let card = vocab::nth(&["VISA", "MASTERCARD", "AMEX"], booking.booker.index);
        row.optional_strings(AT_TIMES, &[("paymentCreditCardTypeName", card)]);
        row.optional_composed(AT_TIMES, "nameOnCreditCard", |out| booking.booker.push_name(out));
    }
    let schedule = if booking.most_lost == 0 { "LATER" } else { "NOW" };
    row.optional_strings(AT_TIMES, &[("paymentSchedule", schedule)]);
    row.optional_composed(AT_TIMES, "statementDescription", |out| {
        out.push_str("NAVAN *");
        out.push_str(booking.trip.booking_type.name());
    });
    row.optional_composed(AT_TIMES, "invoiceNumber", |out| {
        out.push_str("INV-");
        push_integer(out, booking.number());
    });
    for (name, file) in [("invoice", "invoice.pdf"), ("pdf", "itinerary.pdf")] {
        row.optional_composed(AT_TIMES, name, |out| {
            out.push_str("https://app.navan.example/itineraryfiles/bookings/");
            push_uuid(out, booking.uuid);
            out.push('/');
            out.push_str(file);
        });
    }
}

/// How and why it was booked.
fn circumstances(row: &mut Row<'_>, booking: &Booking) {
    let trip = &booking.trip;
    let source = match trip.booking_type {
        BookingType::Flight => ["SABRE", "GDS"],
        BookingType::Hotel => ["BOOKING_COM", "AGGREGATOR"],
        _ => ["NDC", "DIRECT"],
    };
    row.optional_strings(
        AT_TIMES,
        &[
            ("bookingMethod", vocab::nth(&["WEB", "MOBILE", "WEB", "AGENT"], booking.index)),
            ("inventory", source[0]),
            ("inventorySource", source[1]),
            ("policyLevel", trip.traveler.policy_level),
            ("tripLength", if trip.nights == 0 { "DAY_TRIP" } else { "MULTI_DAY" }),
        ],
    );
    row.optional_composed(AT_TIMES, "confirmationNumber", |out| booking.push_confirmation(out));
    row.optional_composed(AT_TIMES, "vendor", |out| booking.push_vendor(out));
    if trip.booking_type == BookingType::Flight {
        row.optional_strings(AT_TIMES, &[("pcc", "7Q4X")]);
    }
    if booking.booker.index != trip.traveler.index {
        row.optional_composed(AT_TIMES, "loggedAsUserName", |out| booking.booker.push_name(out));
    }
    if trip.companion.is_some() {
        row.optional_strings(AT_TIMES, &[("invitationType", "EMPLOYEE"), ("inviteConnectionMethod", "EMAIL")]);
    }
    if let Some(client) = trip.client {
        row.optional_texts(AT_TIMES, &[("billToClient", client)]);
    }
    row.optional_texts(AT_TIMES, &[("companyOffice", trip.traveler.office_city())]);
    row.optional_composed(AT_TIMES, "projects", |out| {
        out.push_str(trip.project);
        if let Some(other) = trip.other_project {
            out.push_str(", ");
            out.push_str(other);
        }
    });
    if row.is_present("tripName", AT_TIMES) {
        row.composed("tripName", |out| booking.push_trip_name(out));
    }
    row.optional_notes(AT_TIMES, &[("tripDescription", trip.purpose), ("purpose", trip.purpose)]);
    if trip.purpose == "Conference" {
        row.optional_composed(AT_TIMES, "eventName", |out| {
            out.push_str(trip.destination.city);
            out.push_str(" Summit");
        });
    }
    let is_past = !booking.is_off() && booking.modified >= booking.end_day * DAY_MS;
    for (name, is_so) in [("expensed", is_past), ("gsaRate", false), ("navanPro", booking.is_preferred())] {
        if row.is_present(name, 14) {
            row.boolean(name, is_so);
        }
    }
}

/// Which parts of the company it is for, and what was issued.
fn lists(row: &mut Row<'_>, booking: &Booking) {
    let different = |of: fn(&Person) -> &'static str| {
        let mut values: Vec<_> = booking.trip.travelers().map(of).collect();
        values.dedup();
        values
    };
    row.optional_list(11, "billableEntities", booking.trip.client.as_slice());
    row.optional_list(11, "costCenters", &different(|person| person.cost_center));
    row.optional_list(11, "departments", &different(|person| person.department));
    if booking.trip.booking_type.is_journey() {
        parts::tickets(row, booking);
    }
    row.optional_list(11, "regions", &different(Person::region));
    row.optional_list(11, "subsidiaries", &different(Person::subsidiary));
    if row.is_present("tripUuids", 12) {
        row.field("tripUuids");
        row.raw("[");
        row.uuid(booking.trip.uuid);
        row.raw("]");
    }
}
