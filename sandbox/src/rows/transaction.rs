//! TRANSACTION rows.

use super::company::{self, Company};
use super::json::{Row, TimestampFormat, push_cents};
use super::numbers::NumberKind;
use super::transaction_fields as fields;
use super::vocab;
use crate::clock::DAY_MS;
use crate::expense_type::ExpenseType;
use crate::rng::Rng;
use crate::table::RowRef;

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
        let mut row = Row { out, rng: Rng::for_row(self.seed, tag, row_ref.index, 0), odd_numbers: self.odd_numbers };
        let modified = row_ref.touched_ms.unwrap_or(row_ref.key);
        // What happened came some days before it was last changed.
        let posted = row_ref.key - row.rng.below(20).cast_signed() * DAY_MS;
        row.begin_object("id");
        row.uuid(self.id(tag, row_ref.index));
        row.string("_type", kind.path());
        row.string("transaction_type", kind.transaction_type());
        row.timestamp("modified_timestamp", modified, TimestampFormat::Millis);
        self.touched_fields(&mut row, tag, row_ref);
        row.date("transaction_date", posted);
        row.timestamp("posted_date_time", posted, TimestampFormat::Seconds);
        core_fields(&mut row, posted);
        if groups.policy {
            row.optional_strings(fields::POLICY, 8);
        }
        if groups.erp {
            row.optional_strings(fields::ERP, 8);
            if row.is_present("erp_effective_date", 5) {
                row.date("erp_effective_date", posted);
            }
        }
        if groups.tax && row.is_present("tax_details", 4) {
            tax_details(&mut row);
        }
        if groups.mileage {
            row.optional_strings(fields::MILEAGE, 3);
        }
        if groups.traveler_hr {
            row.optional_strings(fields::TRAVELER_HR, 5);
        }
        self.paid_booking(&mut row, posted, groups);
        self.unknown_field(&mut row, row_ref.index);
        row.raw("}");
        self.finish_row(out, start, tag, row_ref.index);
    }

    /// What a touch changes.
    fn touched_fields(&self, row: &mut Row<'_>, tag: u64, row_ref: &RowRef) {
        // A generator of its own, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, tag, row_ref.index, row_ref.version);
        row.field("posted_amount");
        row.raw(if fresh.chance(1) { "\"-" } else { "\"" });
        push_cents(row.out, fresh.below(90_000));
        row.raw("\"");
        let currency = fresh.choose(vocab::CURRENCIES);
        row.string("posted_currency", currency);
        let status = fresh.choose(&fields::STATUSES);
        row.string("approval_status", status);
    }

    /// The booking that a transaction paid for, if it did: one that BOOKING really has.
    fn paid_booking(&self, row: &mut Row<'_>, posted: i64, groups: FieldGroups) {
        let booking = row.rng.below(self.bookings.max(1));
        let known = self.bookings > 0;
        if known && row.is_present("navan_booking_uuid", 5) {
            row.field("navan_booking_uuid");
            row.uuid(self.booking_id(booking));
        }
        if !(groups.booking && row.is_present("booking_details", 6)) {
            return;
        }
        row.field("booking_details");
        row.begin_object("trip_uuid");
        let trip = [row.rng.next_u64(), row.rng.next_u64()];
        row.uuid(trip);
        if known {
            row.field("navan_booking_ids");
            row.raw("\"");
            row.integer(10_000_000 + booking);
            row.raw("\"");
            row.field("navan_booking_uuids");
            row.uuid(self.booking_id(booking));
        }
        row.date("booking_start_date", posted);
        row.date("booking_end_date", posted + 2 * DAY_MS);
        row.optional_strings(fields::BOOKING, 5);
        row.raw("}");
    }
}

/// The fields of no field group.
fn core_fields(row: &mut Row<'_>, posted: i64) {
    row.optional_strings(fields::CORE, 3);
    for name in fields::AMOUNTS {
        if row.is_present(name, 4) {
            row.field(name);
            let amount = row.rng.below(50_000);
            row.raw("\"");
            push_cents(row.out, amount);
            row.raw("\"");
        }
    }
    for name in fields::DATES {
        if row.is_present(name, 4) {
            row.date(name, posted);
        }
    }
    for name in fields::BOOLEANS {
        if row.is_present(name, 13) {
            let yes = row.rng.chance(3);
            row.boolean(name, yes);
        }
    }
    row.optional_numbers(&[("accrued_rebate_amount", NumberKind::Money)], 5);
    row.optional_numbers(&[("reimbursement_exchange_rate", NumberKind::Fine), ("exchange_rate", NumberKind::Fine)], 4);
    line_items(row);
    custom_field_values(row);
}

fn tax_details(row: &mut Row<'_>) {
    row.field("tax_details");
    row.begin_object("rate");
    row.number(NumberKind::Fine);
    row.optional_strings(&[("code", &["VAT20", "MwSt \\u00a719"])], 12);
    row.raw(",\"parts\":[{\"amount\":\"1.90\",\"reclaimable\":true}]}");
}

fn line_items(row: &mut Row<'_>) {
    row.raw(",\"line_items\":[");
    for nth in 0..row.rng.below(16).saturating_sub(13) {
        row.raw(if nth > 0 { ",{\"amount\":\"" } else { "{\"amount\":\"" });
        let amount = row.rng.below(20_000);
        push_cents(row.out, amount);
        row.raw("\"");
        row.optional_strings(&[("description", vocab::NOTES)], 12);
        row.raw("}");
    }
    row.raw("]");
}

fn custom_field_values(row: &mut Row<'_>) {
    row.raw(",\"custom_field_values\":[");
    if row.rng.chance(6) {
        row.raw("{\"name\":\"project\",\"label\":\"Projekt\"");
        // The odd one out is Navan's.
        row.optional_strings(&[("value", vocab::NUMBERS), ("displayValue", vocab::NOTES)], 14);
        row.raw("}");
    }
    row.raw("]");
}
