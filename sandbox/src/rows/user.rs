//! USER rows.

use super::company::{self, Company};
use super::json::Row;
use super::{person, vocab};
use crate::rng::Rng;
use crate::table::RowRef;

const TRAITS: &[(&str, &[&str])] = &[
    ("costCentre", vocab::COST_CENTERS),
    ("region", vocab::REGIONS),
    ("subsidiary", vocab::SUBSIDIARIES),
    ("approver", vocab::EMAILS),
    ("approverName", vocab::NAMES),
    ("managerName", vocab::NAMES),
    ("managerEmail", vocab::EMAILS),
    ("legalEntityName", vocab::SUBSIDIARIES),
    ("companyOffice", vocab::OFFICES),
    ("policyLevel", &["STANDARD", "EXECUTIVE", "INTERN"]),
    ("policyName", &["Default", "Executives \\u2013 global", "Interns"]),
];

impl Company {
    /// Appends the row of a user.
    pub(crate) fn user(&self, out: &mut String, row_ref: &RowRef) {
        let start = out.len();
        let user = row_ref.index;
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::USER, user, 0), odd_numbers: self.odd_numbers };
        // What a touch changes has a generator of its own, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, company::USER, user, row_ref.version);
        let (first, last) = person::name_of(user);
        row.begin_object("id");
        row.uuid(self.user_id(user));
        email_field(&mut row, "userName", user);
        row.field("name");
        row.begin_object("familyName");
        row.quoted(last);
        row.string("givenName", first);
        row.raw("}");
        row.field("employeeId");
        row.raw("\"E-");
        row.integer(user);
        row.raw("\"");
        row.field("phoneNumber");
        row.raw("\"+1 555 ");
        row.integer(1_000_000 + fresh.below(9_000_000));
        row.raw("\"");
        let department = fresh.choose(vocab::DEPARTMENTS);
        row.string("department", department);
        row.optional_strings(TRAITS, 13);
        let active = row.rng.chance(14);
        row.boolean("active", active);
        row.raw(",\"emails\":[{\"primary\":true");
        email_field(&mut row, "value", user);
        row.string("emailType", "work");
        row.raw("}]");
        self.unknown_field(&mut row, user);
        row.raw("}");
        self.finish_row(out, start, company::USER, user);
    }
}

pub(super) fn email_field(row: &mut Row<'_>, name: &str, user: u64) {
    row.field(name);
    row.raw("\"");
    person::push_email(row.out, user);
    row.raw("\"");
}
