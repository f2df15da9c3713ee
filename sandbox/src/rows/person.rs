//! People: who books, who travels.

use super::company::Company;
use super::json::{Row, integer};
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
    let place =
        |choices: &'static [&'static str], nth: u64| choices[usize::try_from(nth % choices.len() as u64).unwrap_or(0)];
    (place(vocab::FIRST, user), place(vocab::LAST, user / vocab::FIRST.len() as u64 + user))
}

/// `user17@example.com`
pub(crate) fn email_of(out: &mut String, user: u64) {
    out.push_str("user");
    integer(out, user);
    out.push_str("@example.com");
}

/// A person object, of which `share` of 16 optional fields have values; with a passport for a passenger.
pub(crate) fn write(row: &mut Row<'_>, company: &Company, user: u64, share: u64, passport_at: Option<i64>) {
    let (first, last) = name_of(user);
    row.open("uuid");
    row.uuid(company.user_id(user));
    row.key("name");
    for part in ["\"", first, " ", last, "\""] {
        row.raw(part);
    }
    row.text("firstName", first);
    row.text("lastName", last);
    row.key("email");
    row.raw("\"");
    email_of(row.out, user);
    row.raw("\"");
    // Both spellings are Navan's.
    for name in ["employeeId", "employeedId"] {
        if row.has(name, share) {
            row.key(name);
            row.raw("\"E-");
            row.integer(user);
            row.raw("\"");
        }
    }
    if row.has("managerUuid", share) {
        row.key("managerUuid");
        row.uuid(company.user_id(user / 8));
    }
    row.texts(TRAITS, share);
    if let Some(at) = passport_at {
        passport(row, at);
    }
    row.raw("}");
}

fn passport(row: &mut Row<'_>, at: i64) {
    const YEAR_MS: i64 = 365 * 86_400_000;
    if !row.has("passport", 6) {
        return;
    }
    row.key("passport");
    row.open("countryOfCitizenship");
    let country = row.rng.pick(vocab::COUNTRY_CODES);
    row.quoted(country);
    row.text("countryOfIssue", country);
    row.date("expiresOn", at + 4 * YEAR_MS);
    row.date("issuedOn", at - 6 * YEAR_MS);
    row.raw("}");
}
