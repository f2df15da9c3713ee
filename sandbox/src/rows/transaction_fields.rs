//! TRANSACTION rows: the fields, each group of which says one thing.

use super::booking_facts::Booking;
use super::company::Company;
use super::currency::{MILLION, percent};
use super::json::{Row, push_cents, push_date, push_integer, push_uuid};
use super::person::Person;
use super::purchase::Purchase;
use super::trip::BookingType;
use super::vocab;
use crate::clock::DAY_MS;
use crate::expense_type::ExpenseType;
use crate::rng::mix;
use crate::table::RowRef;

/// In how many of 16 rows a field has a value, where there are gaps.
const OFTEN: u64 = 13;
const AT_TIMES: u64 = 7;

/// A transaction, ready to be written.
pub(super) struct Transaction {
    pub(super) id: [u64; 2],
    pub(super) kind: ExpenseType,
    index: u64,
    pub(super) modified: i64,
    pub(super) purchase: Purchase,
    pub(super) status: &'static str,
    approver: Option<Person>,
    pub(super) is_itemized: bool,
    /// Bits for all that nothing depends on.
    bits: u64,
}

impl Transaction {
    pub(super) fn of(company: &Company, kind: ExpenseType, tag: u64, row_ref: &RowRef) -> Self {
        let purchase = company.purchase(kind, row_ref);
        let approver = purchase.cardholder.as_ref().and_then(|holder| company.manager_of(holder));
        // What a touch changes has a generator of its own, so that all else stays as it was.
        let bits = mix(company.seed ^ tag ^ mix(row_ref.index));
        let status = match mix(bits ^ row_ref.version) % 8 {
            _ if approver.is_none() => "AUTO_APPROVED",
            0 => "PENDING",
            1 => "REJECTED",
            2..5 => "AUTO_APPROVED",
            _ => "APPROVED",
        };
        let id = company.id(tag, row_ref.index);
        let modified = row_ref.touched_ms.unwrap_or(row_ref.key);
        let is_itemized = bits.is_multiple_of(5) && purchase.cardholder.is_some();
        Self { id, kind, index: row_ref.index, modified, purchase, status, approver, is_itemized, bits }
    }

    pub(super) fn is_approved(&self) -> bool {
        matches!(self.status, "APPROVED" | "AUTO_APPROVED")
    }

    /// Whether the manager has decided.
    fn is_decided(&self) -> bool {
        matches!(self.status, "APPROVED" | "REJECTED")
    }

    /// A number by which someone else knows it.
    fn push_number(&self, out: &mut String, prefix: &str) {
        out.push_str(prefix);
        push_integer(out, 100_000 + self.index);
    }

    pub(super) fn description(&self, row: &mut Row<'_>) {
        let Purchase { category, place, is_refund, .. } = self.purchase;
        row.optional_composed(AT_TIMES, "source_id", |out| push_integer(out, self.bits % 100_000_000_000));
        row.optional_strings(AT_TIMES, &[("activity_type", category.activity)]);
        let description = if is_refund { "Refund" } else { category.description };
        row.optional_notes(
            AT_TIMES,
            &[("activity_description", description), ("transaction_description", category.description)],
        );
        row.optional_composed(AT_TIMES, "vendor_name", |out| self.purchase.push_vendor(out));
        row.optional_texts(AT_TIMES, &[("vendor_address", place.address), ("vendor_category", category.trade)]);
    }

    /// Who holds the card and who approves, where it is an expense of somebody's.
    pub(super) fn people(&self, row: &mut Row<'_>) {
        let Some(holder) = &self.purchase.cardholder else { return };
        row.optional_composed(AT_TIMES, "cardholder", |out| holder.push_name(out));
        row.optional_composed(AT_TIMES, "cardholder_email", |out| holder.push_email(out));
        row.optional_composed(AT_TIMES, "employee_id", |out| holder.push_employee_id(out));
        if self.kind != ExpenseType::ManualTransactions {
            row.optional_texts(AT_TIMES, &[("card_description", "Virtual ··· 4242"), ("card_nickname", "Travel card")]);
            row.optional_strings(AT_TIMES, &[("card_program_name", holder.region())]);
        }
        if let Some(approver) = self.approver.as_ref().filter(|_| self.is_decided()) {
            row.optional_strings(AT_TIMES, &[("approver_type", "MANAGER")]);
            row.optional_composed(AT_TIMES, "approved_by_email", |out| approver.push_email(out));
        }
        row.optional_texts(
            AT_TIMES,
            &[
                ("department", holder.department),
                ("cost_center", holder.cost_center),
                ("region", holder.region()),
                ("subsidiary", holder.subsidiary()),
                ("legal_entity", holder.legal_entity()),
            ],
        );
        if matches!(self.purchase.category.activity, "MEAL" | "ENTERTAINMENT") {
            row.optional_composed(AT_TIMES, "participants", |out| {
                holder.push_name(out);
                if let Some(manager) = &self.approver {
                    out.push_str(", ");
                    manager.push_name(out);
                }
            });
        }
    }

    /// Receipts, statements, numbers.
    pub(super) fn papers(&self, row: &mut Row<'_>) {
        if self.kind == ExpenseType::StatementPayments || self.kind == ExpenseType::CardTransactions {
            row.optional_composed(AT_TIMES, "statement_id", |out| {
                out.push_str("ST-");
                push_date(out, self.purchase.posted_ms.div_euclid(DAY_MS));
                // One a month.
                out.truncate(out.len() - "-22".len());
            });
        }
        if self.purchase.cardholder.is_some() {
            row.optional_composed(AT_TIMES, "invoice_number", |out| self.push_number(out, "INV-"));
            for name in ["receipt", "receipt_navan", "e_receipt", "e_receipt_navan"] {
                // Electronic ones come from whom sells travel.
                if name.starts_with("receipt") || self.purchase.booking.is_some() {
                    let start = row.out.len();
                    row.optional_composed(5, name, |out| {
                        out.push_str("https://app.navan.example/receipts/");
                        push_uuid(out, self.id);
                    });
                    // Written first, so that what is drawn for the other fields does not depend on it.
                    if !has_receipt(self.index) {
                        row.out.truncate(start);
                    }
                }
            }
        }
        row.optional_composed(AT_TIMES, "reporting_transaction_id", |out| self.push_number(out, "R"));
        if self.purchase.booking.is_some() {
            row.optional_composed(AT_TIMES, "vcf_transaction_reference_number", |out| self.push_number(out, "7460"));
        }
        row.optional_composed(3, "est_doc_number", |out| self.push_number(out, "D-"));
        row.optional_composed(3, "est_doc_link", |out| {
            out.push_str("https://app.navan.example/documents/");
            push_uuid(out, self.id);
        });
    }

    pub(super) fn amounts(&self, row: &mut Row<'_>) {
        let purchase = &self.purchase;
        let (posted, currency) = (purchase.posted, purchase.posted_currency.code);
        let is_foreign = purchase.original_currency != purchase.posted_currency;
        optional_money(row, "original_amount", purchase.original);
        row.optional_strings(AT_TIMES, &[("original_currency", purchase.original_currency.code)]);
        row.optional_rates(5, &[("exchange_rate", purchase.exchange_rate)]);
        optional_money(row, "fee", 0);
        optional_money(row, "fx_fee_amount", if is_foreign { percent(posted, 1) } else { 0 });
        optional_money(row, "personal_amount", if self.is_personal() { posted } else { 0 });
        optional_money(row, "rejected_amount", if self.status == "REJECTED" { posted } else { 0 });
        if purchase.client.is_some() {
            optional_money(row, "billable_entity_amount", posted);
            row.optional_strings(AT_TIMES, &[("billable_entity_currency", currency)]);
        }
        if self.kind == ExpenseType::ManualTransactions && self.is_approved() {
            optional_money(row, "reimbursement_amount", posted);
            optional_money(row, "direct_reimbursement_fee_amount", 0);
            row.optional_strings(
                AT_TIMES,
                &[("reimbursement_currency", currency), ("reimbursement_method", "PAYROLL")],
            );
            row.optional_rates(5, &[("reimbursement_exchange_rate", MILLION)]);
        }
        if self.kind == ExpenseType::DailyRebates {
            row.optional_strings(AT_TIMES, &[("rebate_type", "DAILY")]);
            row.optional_amounts(AT_TIMES, &[("accrued_rebate_amount", -posted)]);
        }
    }

    /// The days on which something happened to it, none after it was last changed.
    pub(super) fn dates(&self, row: &mut Row<'_>) {
        let (authorized, posted) = (self.purchase.authorized_day * DAY_MS, self.purchase.posted_ms);
        let is_manual = self.kind == ExpenseType::ManualTransactions;
        for (name, at, applies) in [
            ("authorization_date", authorized, !is_manual),
            ("posted_date", posted, true),
            ("invoice_date", authorized, self.purchase.cardholder.is_some()),
            ("last_approver_action_date", self.modified, self.is_decided()),
            ("manually_added_date", posted, is_manual),
            ("reimbursement_date", self.modified, is_manual && self.is_approved()),
            ("est_doc_date", posted, true),
        ] {
            if applies && row.is_present(name, 5) {
                row.date(name, at);
            }
        }
    }

    pub(super) fn flags(&self, row: &mut Row<'_>) {
        let is_flagged = self.kind == ExpenseType::Disputes || self.bits.is_multiple_of(11);
        let status = match self.status {
            _ if !is_flagged => "NONE",
            "PENDING" => "RAISED",
            _ => "RESOLVED",
        };
        row.optional_strings(AT_TIMES, &[("flag_status", status)]);
        if is_flagged {
            row.optional_notes(AT_TIMES, &[("flag_reasons", vocab::nth(&vocab::EXCUSES, self.bits))]);
        }
        for (name, is_so) in [("flagged", is_flagged), ("personal", self.is_personal()), ("itemized", self.is_itemized)]
        {
            if row.is_present(name, OFTEN) {
                row.boolean(name, is_so);
            }
        }
    }

    /// Whether the employee pays it back.
    fn is_personal(&self) -> bool {
        self.kind == ExpenseType::Repayments
    }

    /// Of drives with one's own car, at 30 cents a kilometer.
    pub(super) fn mileage(&self, row: &mut Row<'_>) {
        if self.purchase.category.activity == "TAXI" {
            row.optional_strings(5, &[("distance_unit", "KM")]);
            row.optional_composed(5, "distance_amount", |out| push_cents(out, self.purchase.posted * 10 / 3));
        }
    }

    /// Where those who travelled belong.
    pub(super) fn traveler(&self, row: &mut Row<'_>) {
        let Some(booking) = &self.purchase.booking else { return };
        let traveler = &booking.trip.traveler;
        row.optional_texts(
            8,
            &[
                ("traveler_department", traveler.department),
                ("traveler_cost_center", traveler.cost_center),
                ("traveler_region", traveler.region()),
                ("traveler_subsidiary", traveler.subsidiary()),
            ],
        );
    }
}

/// Whether a transaction has a receipt: four of five have.
pub(crate) fn has_receipt(index: u64) -> bool {
    index % 5 != 4
}

/// The booking that it paid for: one that BOOKING really has.
pub(super) fn booking_details(row: &mut Row<'_>, booking: &Booking) {
    let trip = &booking.trip;
    let joined = |out: &mut String, push: &dyn Fn(&Person, &mut String)| {
        for (nth, person) in trip.travelers().enumerate() {
            if nth > 0 {
                out.push_str(", ");
            }
            push(person, out);
        }
    };
    row.field("booking_details");
    row.begin_object("trip_uuid");
    row.uuid(trip.uuid);
    row.composed("navan_booking_ids", |out| push_integer(out, booking.number()));
    row.composed("navan_booking_uuids", |out| push_uuid(out, booking.uuid));
    row.date("booking_start_date", trip.start_day * DAY_MS);
    row.date("booking_end_date", booking.end_day * DAY_MS);
    row.optional_strings(AT_TIMES, &[("booking_status", booking.status)]);
    row.optional_composed(AT_TIMES, "bookers", |out| booking.booker.push_name(out));
    row.optional_composed(AT_TIMES, "related_travelers", |out| joined(out, &Person::push_name));
    row.optional_composed(AT_TIMES, "traveler_employee_ids", |out| joined(out, &Person::push_employee_id));
    row.optional_composed(AT_TIMES, "trip_name", |out| booking.push_trip_name(out));
    row.optional_notes(AT_TIMES, &[("trip_purpose", trip.purpose)]);
    match trip.booking_type {
        BookingType::Hotel => row.optional_composed(AT_TIMES, "hotel_name", |out| booking.push_vendor(out)),
        BookingType::Flight => {
            row.optional_strings(
                AT_TIMES,
                &[
                    ("flight_origin_airport", trip.home.airport),
                    ("flight_destination_airport", trip.destination.airport),
                    ("flight_cabin", booking.cabin()),
                ],
            );
            row.optional_composed(AT_TIMES, "flight_miles", |out| push_integer(out, trip.miles_travelled()));
        }
        BookingType::Rail => {
            row.optional_composed(AT_TIMES, "train_miles", |out| push_integer(out, trip.miles_travelled()));
        }
        BookingType::Car | BookingType::Transportation | BookingType::BlackCar => {}
    }
    if trip.booking_type.is_journey() {
        let start = row.out.len();
        row.optional_composed(AT_TIMES, "e_tickets", |out| {
            for (nth, _) in (0..).zip(trip.travelers()) {
                if nth > 0 {
                    out.push(',');
                }
                booking.push_ticket(out, nth);
            }
        });
        if !booking.is_ticketed() {
            row.out.truncate(start);
        }
    }
    row.raw("}");
}

/// An amount, which is a string.
pub(super) fn money(row: &mut Row<'_>, name: &str, hundredths: i64) {
    row.field(name);
    row.raw("\"");
    push_cents(row.out, hundredths);
    row.raw("\"");
}

fn optional_money(row: &mut Row<'_>, name: &str, hundredths: i64) {
    if row.is_present(name, AT_TIMES) {
        money(row, name, hundredths);
    }
}
