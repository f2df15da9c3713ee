//! USER rows.

use super::company::{self, Company};
use super::json::Row;
use super::{person, vocab};
use crate::rng::Rng;
use crate::table::Pick;

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
    pub(crate) fn user(&self, out: &mut String, pick: &Pick) {
        let user = pick.index;
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::USER, user, 0), odd_numbers: self.odd_numbers };
        // What a touch changes comes from other rng, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, company::USER, user, pick.version);
        let (first, last) = person::name_of(user);
        row.open("id");
        row.uuid(self.user_id(user));
        email(&mut row, "userName", user);
        row.key("name");
        row.open("familyName");
        row.quoted(last);
        row.text("givenName", first);
        row.raw("}");
        row.key("employeeId");
        row.raw("\"E-");
        row.integer(user);
        row.raw("\"");
        row.key("phoneNumber");
        row.raw("\"+1 555 ");
        row.integer(1_000_000 + fresh.below(9_000_000));
        row.raw("\"");
        let department = fresh.pick(vocab::DEPARTMENTS);
        row.text("department", department);
        row.texts(TRAITS, 13);
        let active = row.rng.chance(14);
        row.boolean("active", active);
        row.raw(",\"emails\":[{\"primary\":true");
        email(&mut row, "value", user);
        row.text("emailType", "work");
        row.raw("}]");
        self.new_field(&mut row, user);
        row.raw("}");
    }
}

fn email(row: &mut Row<'_>, name: &str, user: u64) {
    row.key(name);
    row.raw("\"");
    person::email_of(row.out, user);
    row.raw("\"");
}
