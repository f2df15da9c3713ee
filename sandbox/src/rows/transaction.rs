//! TRANSACTION rows: how a transaction is written.

use super::company::{self, Company};
use super::json::{Row, TimestampFormat, push_cents, push_uuid};
use super::purchase::Purchase;
use super::transaction_fields::{Transaction, booking_details, money};
use crate::clock::DAY_MS;
use crate::expense_type::ExpenseType;
use crate::rng::Rng;
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
            row.optional_texts(8, &[("policy", category.policy), ("policy_category", category.policy_area)]);
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
