//! The company's people: who books, travels, holds a card, approves, and appears in USER.
//!
//! A person follows from a number, and all rows that name that number agree: bookings, transactions, users.

use super::company::Company;
use super::json::{Row, push_date, push_integer, push_uuid};
use super::place::{OFFICES, Office};
use super::vocab::nth;
use super::{company, vocab};
use crate::rng::{Rng, mix};

/// Each manager has so many people.
const REPORTS: u64 = 8;
/// 2018-01-01, after which passports were issued, in days since the epoch. No booking has a day as early as that, nor one as
/// late as a passport's end.
const FIRST_PASSPORT: i64 = 17_532;

/// A person of the company.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) index: u64,
    /// What identifies it, as USER's `id` does.
    pub(crate) uuid: [u64; 2],
    pub(crate) given_name: &'static str,
    pub(crate) family_name: &'static str,
    pub(crate) department: &'static str,
    pub(crate) cost_center: &'static str,
    /// The number of the manager; the head of the company has none.
    pub(crate) manager: Option<u64>,
    /// Whether this person still works here.
    pub(crate) active: bool,
    /// `EXECUTIVE`, `STANDARD` or `INTERN`.
    pub(crate) policy_level: &'static str,
    pub(super) office: &'static Office,
    /// Given and family name as e-mail addresses spell them.
    mailbox: (&'static str, &'static str),
    phone_number: u64,
}

impl Company {
    /// The person with this number, after so many changes: each leads to another department and another phone.
    pub(crate) fn person(&self, index: u64, version: u64) -> Person {
        let mut rng = Rng::for_row(self.seed, company::USER, index, 0);
        let mut fresh = Rng::for_row(self.seed, company::USER, index, version);
        let (given_name, given_mailbox) = nth(&vocab::GIVEN_NAMES, index);
        // Both lists have 32 names: a pair comes again after 1,024 people.
        let (family_name, family_mailbox) = nth(&vocab::FAMILY_NAMES, index / 32 + index * 7);
        let (department, cost_center) = nth(&vocab::DEPARTMENTS, head_of(index) + version);
        let policy_level = match index {
            0..=REPORTS => "EXECUTIVE",
            _ if rng.chance(1) => "INTERN",
            _ => "STANDARD",
        };
        Person {
            index,
            uuid: self.user_id(index),
            given_name,
            family_name,
            department,
            cost_center,
            manager: index.checked_sub(1).map(|below| below / REPORTS),
            active: rng.chance(15) || index <= REPORTS,
            policy_level,
            office: &OFFICES[usize::try_from(rng.below(OFFICES.len() as u64)).unwrap_or(0)],
            mailbox: (given_mailbox, family_mailbox),
            phone_number: 1_000_000 + fresh.below(9_000_000),
        }
    }

    /// The manager of a person, who is nobody's if it is the head of the company.
    pub(crate) fn manager_of(&self, person: &Person) -> Option<Person> {
        person.manager.map(|manager| self.person(manager, 0))
    }
}

/// The one below the head of the company whose department someone belongs to, from 0. The head belongs to the first.
fn head_of(mut index: u64) -> u64 {
    while index > REPORTS {
        index = (index - 1) / REPORTS;
    }
    index.saturating_sub(1)
}

impl Person {
    /// The whole name.
    pub(crate) fn push_name(&self, out: &mut String) {
        out.push_str(self.given_name);
        out.push(' ');
        out.push_str(self.family_name);
    }

    /// `adaeze.abernathy@acme.example`, with a number where others of that name were first.
    pub(crate) fn push_email(&self, out: &mut String) {
        out.push_str(self.mailbox.0);
        out.push('.');
        out.push_str(self.mailbox.1);
        if self.index >= 1_024 {
            push_integer(out, self.index / 1_024 + 1);
        }
        out.push_str("@acme.example");
    }

    /// `E-100017`
    pub(crate) fn push_employee_id(&self, out: &mut String) {
        out.push_str("E-");
        push_integer(out, 100_000 + self.index);
    }

    /// `+49 30 5550134`
    pub(crate) fn push_phone_number(&self, out: &mut String) {
        out.push_str(self.office.phone_prefix);
        push_integer(out, self.phone_number);
    }

    pub(crate) fn region(&self) -> &'static str {
        self.office.place.region
    }

    pub(crate) fn subsidiary(&self) -> &'static str {
        self.office.subsidiary
    }

    pub(crate) fn legal_entity(&self) -> &'static str {
        self.office.legal_entity
    }

    /// The city of the office.
    pub(crate) fn office_city(&self) -> &'static str {
        self.office.place.city
    }

    pub(crate) fn policy_name(&self) -> &'static str {
        match self.policy_level {
            "EXECUTIVE" => "Executives – global",
            "INTERN" => "Interns",
            _ => "Default",
        }
    }
}

/// What a person object has besides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PersonExtra {
    /// The client who pays.
    pub(super) billable_entity: Option<&'static str>,
    pub(super) has_passport: bool,
}

/// A person object, of which `share` of 16 optional fields have values where there are gaps.
pub(super) fn write_person(row: &mut Row<'_>, company: &Company, person: &Person, share: u64, extra: PersonExtra) {
    row.begin_object("uuid");
    row.uuid(person.uuid);
    row.composed("name", |out| person.push_name(out));
    row.text("firstName", person.given_name);
    row.text("lastName", person.family_name);
    row.composed("email", |out| person.push_email(out));
    // Both spellings are Navan's.
    for name in ["employeeId", "employeedId"] {
        row.optional_composed(share, name, |out| person.push_employee_id(out));
    }
    if let Some(manager) = company.manager_of(person) {
        row.optional_composed(share, "managerUuid", |out| push_uuid(out, manager.uuid));
        row.optional_composed(share, "managerName", |out| manager.push_name(out));
        row.optional_composed(share, "managerEmail", |out| manager.push_email(out));
    }
    row.optional_texts(
        share,
        &[
            ("department", person.department),
            ("costCenter", person.cost_center),
            ("region", person.region()),
            ("subsidiary", person.subsidiary()),
        ],
    );
    if let Some(client) = extra.billable_entity {
        row.optional_texts(share, &[("billableEntity", client)]);
    }
    if extra.has_passport && row.is_present("passport", 6) {
        passport(row, person);
    }
    row.raw("}");
}

fn passport(row: &mut Row<'_>, person: &Person) {
    let issued = FIRST_PASSPORT + (mix(person.index) % 1_460).cast_signed();
    let country = nth(&vocab::CITIZENSHIPS, mix(person.index));
    row.field("passport");
    row.begin_object("countryOfCitizenship");
    row.quoted(country);
    row.text("countryOfIssue", country);
    row.composed("expiresOn", |out| push_date(out, issued + 3_652));
    row.composed("issuedOn", |out| push_date(out, issued));
    row.raw("}");
}
