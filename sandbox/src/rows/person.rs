//! People: who books, who travels.

use super::company::Company;
use super::json::{Row, push_integer};
use super::vocab;

const TRAITS: &[(&str, &[&str])] = &[
    ("managerName", vocab::NAMES),
    ("managerEmail", vocab::EMAILS),
    ("department", vocab::DEPARTMENTS),
    ("costCenter", vocab::COST_CENTERS),
    ("region", vocab::REGIONS),
    ("subsidiary", vocab::SUBSIDIARIES),
    ("billableEntity", vocab::ENTITIES),
];

/// First and last name of a user, escaped.
pub(crate) fn name_of(user: u64) -> (&'static str, &'static str) {
    let choose =
        |choices: &'static [&'static str], nth: u64| choices[usize::try_from(nth % choices.len() as u64).unwrap_or(0)];
    (choose(vocab::FIRST, user), choose(vocab::LAST, user / vocab::FIRST.len() as u64 + user))
}

/// `user17@example.com`
pub(crate) fn push_email(out: &mut String, user: u64) {
    out.push_str("user");
    push_integer(out, user);
    out.push_str("@example.com");
}

/// A person object, of which `share` of 16 optional fields have values; with a passport for a passenger.
pub(crate) fn write_person(row: &mut Row<'_>, company: &Company, user: u64, share: u64, passport_at: Option<i64>) {
    let (first, last) = name_of(user);
    row.begin_object("uuid");
    row.uuid(company.user_id(user));
    row.field("name");
    for part in ["\"", first, " ", last, "\""] {
        row.raw(part);
    }
    row.string("firstName", first);
    row.string("lastName", last);
    row.field("email");
    row.raw("\"");
    push_email(row.out, user);
    row.raw("\"");
    // Both spellings are Navan's.
    for name in ["employeeId", "employeedId"] {
        if row.is_present(name, share) {
            row.field(name);
            row.raw("\"E-");
            row.integer(user);
            row.raw("\"");
        }
    }
    if row.is_present("managerUuid", share) {
        row.field("managerUuid");
        row.uuid(company.user_id(user / 8));
    }
    row.optional_strings(TRAITS, share);
    if let Some(at) = passport_at {
        passport(row, at);
    }
    row.raw("}");
}

fn passport(row: &mut Row<'_>, at: i64) {
    const YEAR_MS: i64 = 365 * 86_400_000;
    if !row.is_present("passport", 6) {
        return;
    }
    row.field("passport");
    row.begin_object("countryOfCitizenship");
    let country = row.rng.choose(vocab::COUNTRY_CODES);
    row.quoted(country);
    row.string("countryOfIssue", country);
    row.date("expiresOn", at + 4 * YEAR_MS);
    row.date("issuedOn", at - 6 * YEAR_MS);
    row.raw("}");
}
