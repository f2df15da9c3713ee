//! TRANSACTION rows: how a transaction is written.

use super::booking_facts::Booking;
use super::company::{self, Company};
use super::currency::{MILLION, percent};
use super::json::{Row, TimestampFormat, push_cents, push_date, push_integer, push_uuid};
use super::person::Person;
use super::purchase::Purchase;
use super::trip::BookingType;
use super::vocab;
use crate::clock::DAY_MS;
use crate::expense_type::ExpenseType;
use crate::rng::{Rng, mix};
use crate::table::RowRef;

/// In how many of 16 rows a field has a value, where there are gaps.
const OFTEN: u64 = 13;
const AT_TIMES: u64 = 7;

/// The field groups that a request asked for (`include_field_group`); what belongs to a group that was
/// not asked for is left out. Line items are in every response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of named groups, each asked for or not")]
pub(crate) struct FieldGroups {
    pub(crate) policy: bool,
    pub(crate) erp: bool,
    pub(crate) tax: bool,
    pub(crate) booking: bool,
    pub(crate) mileage: bool,
    pub(crate) traveler_hr: bool,
}

impl FieldGroups {
    pub(crate) const ALL: Self =
        Self { policy: true, erp: true, tax: true, booking: true, mileage: true, traveler_hr: true };

    /// Reads a comma-separated list of groups; `None` if one is unknown.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        let mut groups = Self::default();
        for name in list.split(',').filter(|name| !name.is_empty()) {
            match name {
                "POLICY" => groups.policy = true,
                "ERP" => groups.erp = true,
                "TAX" => groups.tax = true,
                "BOOKING" => groups.booking = true,
                "MILEAGE" => groups.mileage = true,
                "TRAVELER_HR" => groups.traveler_hr = true,
                "LINE_ITEM" => {}
                _ => return None,
            }
        }
        Some(groups)
    }
}

impl Company {
    /// Appends the row of a transaction.
    pub(crate) fn transaction(&self, out: &mut String, kind: ExpenseType, row_ref: &RowRef, groups: FieldGroups) {
        let start = out.len();
        let tag = company::TRANSACTION + kind.ordinal();
        let transaction = Transaction::of(self, kind, tag, row_ref);
        let mut row = Row { out, rng: Rng::for_row(self.seed, tag, row_ref.index, 0), odd: self.odd };
        let row = &mut row;
        row.begin_object("id");
        row.uuid(transaction.id);
        row.string("_type", kind.path());
        row.string("transaction_type", kind.transaction_type());
        row.timestamp("modified_timestamp", transaction.modified, TimestampFormat::Millis);
        money(row, "posted_amount", transaction.purchase.posted);
        row.string("posted_currency", transaction.purchase.posted_currency.code);
        row.string("approval_status", transaction.status);
        row.date("transaction_date", transaction.purchase.authorized_day * DAY_MS);
        row.timestamp("posted_date_time", transaction.purchase.posted_ms, TimestampFormat::Seconds);
        transaction.description(row);
        transaction.people(row);
        transaction.papers(row);
        transaction.amounts(row);
        transaction.dates(row);
        transaction.flags(row);
        self.line_items(row, &transaction.purchase, transaction.is_itemized);
        self.custom_field_values(row, &transaction.purchase);
        if groups.policy {
            let category = transaction.purchase.category;
            row.optional_texts(8, &[("policy", category.policy), ("policy_category", category.policy_category)]);
        }
        if groups.erp {
            self.ledger(row, &transaction);
        }
        if groups.tax {
            self.tax_details(row, &transaction.purchase);
        }
        if groups.mileage && transaction.kind == ExpenseType::ManualTransactions {
            transaction.mileage(row);
        }
        if groups.traveler_hr {
            transaction.traveler(row);
        }
        if let Some(booking) = &transaction.purchase.booking {
            row.optional_composed(9, "navan_booking_uuid", |out| push_uuid(out, booking.uuid));
            if groups.booking && row.is_present("booking_details", 11) {
                booking_details(row, booking);
            }
        }
        self.unknown_field(row, row_ref.index);
        row.raw("}");
        self.finish_row(out, start, tag, row_ref.index);
    }

    fn line_items(&self, row: &mut Row<'_>, purchase: &Purchase, is_itemized: bool) {
        row.raw(",\"line_items\":[");
        if is_itemized {
            for (nth, (amount, description)) in purchase.split().into_iter().zip(purchase.category.items).enumerate() {
                row.raw(if nth > 0 { ",{\"amount\":\"" } else { "{\"amount\":\"" });
                push_cents(row.out, amount);
                row.raw("\"");
                row.optional_strings(OFTEN, &[("currency", purchase.posted_currency.code)]);
                row.optional_notes(OFTEN, &[("description", description)]);
                if let Some(account) = self.account(purchase.category.account) {
                    row.optional_texts(AT_TIMES, &[("gl_code_number", account.number), ("gl_code_name", account.name)]);
                }
                row.raw("}");
            }
        }
        row.raw("]");
    }

    fn custom_field_values(&self, row: &mut Row<'_>, purchase: &Purchase) {
        let values = [Some(purchase.project), purchase.client];
        row.raw(",\"custom_field_values\":[");
        let mut written = 0;
        for (nth, value) in values.into_iter().enumerate() {
            let (Some((name, label)), Some(value)) = (self.custom_field(nth), value) else { continue };
            if !row.odd.gaps || row.rng.chance(5) {
                row.raw(if written > 0 { ",{\"name\":" } else { "{\"name\":" });
                row.quoted(name);
                row.text("label", label);
                // The odd one out is Navan's.
                row.optional_notes(14, &[("value", value), ("displayValue", value)]);
                row.raw("}");
                written += 1;
            }
        }
        row.raw("]");
    }

    /// What the company's books say of it.
    fn ledger(&self, row: &mut Row<'_>, transaction: &Transaction) {
        if let Some(account) = self.account(transaction.purchase.category.account) {
            row.optional_texts(8, &[("gl_code_number", account.number), ("gl_code_name", account.name)]);
        }
        let is_settled = transaction.is_approved();
        row.optional_strings(8, &[("erp_sync_status", if is_settled { "SYNCED" } else { "PENDING" })]);
        if is_settled && row.is_present("erp_effective_date", AT_TIMES) {
            row.date("erp_effective_date", transaction.purchase.posted_ms);
        }
    }

    fn tax_details(&self, row: &mut Row<'_>, purchase: &Purchase) {
        let Some((tax, amount)) = purchase.tax() else { return };
        let Some(tax) = self.listed_tax(tax) else { return };
        if !row.is_present("tax_details", 5) {
            return;
        }
        row.field("tax_details");
        row.begin_object("rate");
        row.rate(tax.rate * 10_000);
        row.optional_texts(12, &[("code", tax.code), ("name", tax.name)]);
        row.raw(",\"parts\":[{\"amount\":\"");
        push_cents(row.out, amount);
        row.raw("\",\"reclaimable\":true}]}");
    }
}

/// A transaction, ready to be written.
struct Transaction {
    id: [u64; 2],
    kind: ExpenseType,
    index: u64,
    modified: i64,
    purchase: Purchase,
    status: &'static str,
    approver: Option<Person>,
    is_itemized: bool,
    /// Bits for all that nothing depends on.
    bits: u64,
}

impl Transaction {
    fn of(company: &Company, kind: ExpenseType, tag: u64, row_ref: &RowRef) -> Self {
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

    fn is_approved(&self) -> bool {
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

    fn description(&self, row: &mut Row<'_>) {
        let Purchase { category, place, is_refund, .. } = self.purchase;
        row.optional_composed(AT_TIMES, "source_id", |out| push_integer(out, self.bits % 100_000_000_000));
        row.optional_strings(AT_TIMES, &[("activity_type", category.activity)]);
        let description = if is_refund { "Refund" } else { category.description };
        row.optional_notes(
            AT_TIMES,
            &[("activity_description", description), ("transaction_description", category.description)],
        );
        row.optional_composed(AT_TIMES, "vendor_name", |out| self.purchase.push_vendor(out));
        row.optional_texts(
            AT_TIMES,
            &[("vendor_address", place.address), ("vendor_category", category.vendor_category)],
        );
    }

    /// Who holds the card and who approves, where it is an expense of somebody's.
    fn people(&self, row: &mut Row<'_>) {
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
                ("legal_entity", holder.office.legal_entity),
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
    fn papers(&self, row: &mut Row<'_>) {
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
                    row.optional_composed(5, name, |out| {
                        out.push_str("https://app.navan.example/receipts/");
                        push_uuid(out, self.id);
                    });
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

    fn amounts(&self, row: &mut Row<'_>) {
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
    fn dates(&self, row: &mut Row<'_>) {
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

    fn flags(&self, row: &mut Row<'_>) {
        let is_flagged = self.kind == ExpenseType::Disputes || self.bits % 11 == 0;
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
    fn mileage(&self, row: &mut Row<'_>) {
        if self.purchase.category.activity == "TAXI" {
            row.optional_strings(5, &[("distance_unit", "KM")]);
            row.optional_composed(5, "distance_amount", |out| push_cents(out, self.purchase.posted * 10 / 3));
        }
    }

    /// Where those who travelled belong.
    fn traveler(&self, row: &mut Row<'_>) {
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

/// The booking that it paid for: one that BOOKING really has.
fn booking_details(row: &mut Row<'_>, booking: &Booking) {
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
        row.optional_composed(AT_TIMES, "e_tickets", |out| {
            for (nth, _) in (0..).zip(trip.travelers()) {
                if nth > 0 {
                    out.push(',');
                }
                booking.push_ticket(out, nth);
            }
        });
    }
    row.raw("}");
}

/// An amount, which is a string.
fn money(row: &mut Row<'_>, name: &str, hundredths: i64) {
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
