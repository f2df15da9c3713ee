//! TRANSACTION rows.

use super::company::{self, Company};
use super::json::{Form, Row, cents};
use super::numbers::Kind;
use super::transaction_fields as fields;
use super::vocab;
use crate::expense_type::ExpenseType;
use crate::rng::Rng;
use crate::table::Pick;

const DAY_MS: i64 = 86_400_000;

/// The field groups that a request asked for (`include_field_group`); what belongs to a group that was
/// not asked for is left out. Line items are in every answer.
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
    pub(crate) fn transaction(&self, out: &mut String, kind: ExpenseType, pick: &Pick, groups: FieldGroups) {
        let tag = company::TRANSACTION + kind.number();
        let mut row = Row { out, rng: Rng::for_row(self.seed, tag, pick.index, 0), odd_numbers: self.odd_numbers };
        let modified = pick.touched_ms.unwrap_or(pick.key);
        // What happened came some days before it was last changed.
        let posted = pick.key - row.rng.below(20).cast_signed() * DAY_MS;
        row.open("id");
        row.uuid(self.id(tag, pick.index));
        row.text("_type", kind.path());
        row.text("transaction_type", kind.transaction_type());
        row.instant("modified_timestamp", modified, Form::Millis);
        self.touched(&mut row, tag, pick);
        row.date("transaction_date", posted);
        row.instant("posted_date_time", posted, Form::Seconds);
        core(&mut row, posted);
        if groups.policy {
            row.texts(fields::POLICY, 8);
        }
        if groups.erp {
            row.texts(fields::ERP, 8);
            if row.has("erp_effective_date", 5) {
                row.date("erp_effective_date", posted);
            }
        }
        if groups.tax && row.has("tax_details", 4) {
            tax(&mut row);
        }
        if groups.mileage {
            row.texts(fields::MILEAGE, 3);
        }
        if groups.traveler_hr {
            row.texts(fields::TRAVELER_HR, 5);
        }
        self.booking_of(&mut row, posted, groups);
        self.new_field(&mut row, pick.index);
        row.raw("}");
    }

    /// What a touch changes.
    fn touched(&self, row: &mut Row<'_>, tag: u64, pick: &Pick) {
        // From other rng, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, tag, pick.index, pick.version);
        row.key("posted_amount");
        row.raw(if fresh.chance(1) { "\"-" } else { "\"" });
        cents(row.out, fresh.below(90_000));
        row.raw("\"");
        let currency = fresh.pick(vocab::CURRENCIES);
        row.text("posted_currency", currency);
        let status = fresh.pick(&fields::STATUSES);
        row.text("approval_status", status);
    }

    /// The booking that a transaction paid for, if it did: one that BOOKING really has.
    fn booking_of(&self, row: &mut Row<'_>, posted: i64, groups: FieldGroups) {
        let booking = row.rng.below(self.bookings.max(1));
        let known = self.bookings > 0;
        if known && row.has("navan_booking_uuid", 5) {
            row.key("navan_booking_uuid");
            row.uuid(self.booking_id(booking));
        }
        if !(groups.booking && row.has("booking_details", 6)) {
            return;
        }
        row.key("booking_details");
        row.open("trip_uuid");
        let trip = [row.rng.next(), row.rng.next()];
        row.uuid(trip);
        if known {
            row.key("navan_booking_ids");
            row.raw("\"");
            row.integer(10_000_000 + booking);
            row.raw("\"");
            row.key("navan_booking_uuids");
            row.uuid(self.booking_id(booking));
        }
        row.date("booking_start_date", posted);
        row.date("booking_end_date", posted + 2 * DAY_MS);
        row.texts(fields::BOOKING, 5);
        row.raw("}");
    }
}

/// What every answer may have.
fn core(row: &mut Row<'_>, posted: i64) {
    row.texts(fields::CORE, 3);
    for name in fields::AMOUNTS {
        if row.has(name, 4) {
            row.key(name);
            let amount = row.rng.below(50_000);
            row.raw("\"");
            cents(row.out, amount);
            row.raw("\"");
        }
    }
    for name in fields::DATES {
        if row.has(name, 4) {
            row.date(name, posted);
        }
    }
    for name in fields::BOOLEANS {
        if row.has(name, 13) {
            let yes = row.rng.chance(3);
            row.boolean(name, yes);
        }
    }
    row.numbers(&[("accrued_rebate_amount", Kind::Money)], 5);
    row.numbers(&[("reimbursement_exchange_rate", Kind::Fine), ("exchange_rate", Kind::Fine)], 4);
    line_items(row);
    custom_field_values(row);
}

fn tax(row: &mut Row<'_>) {
    row.key("tax_details");
    row.open("rate");
    row.number(Kind::Fine);
    row.texts(&[("code", &["VAT20", "MwSt \\u00a719"])], 12);
    row.raw(",\"parts\":[{\"amount\":\"1.90\",\"reclaimable\":true}]}");
}

fn line_items(row: &mut Row<'_>) {
    row.raw(",\"line_items\":[");
    for nth in 0..row.rng.below(16).saturating_sub(13) {
        row.raw(if nth > 0 { ",{\"amount\":\"" } else { "{\"amount\":\"" });
        let amount = row.rng.below(20_000);
        cents(row.out, amount);
        row.raw("\"");
        row.texts(&[("description", vocab::NOTES)], 12);
        row.raw("}");
    }
    row.raw("]");
}

fn custom_field_values(row: &mut Row<'_>) {
    row.raw(",\"custom_field_values\":[");
    if row.rng.chance(6) {
        row.raw("{\"name\":\"project\",\"label\":\"Projekt\"");
        // The odd one out is Navan's.
        row.texts(&[("value", vocab::NUMBERS), ("displayValue", vocab::NOTES)], 14);
        row.raw("}");
    }
    row.raw("]");
}
