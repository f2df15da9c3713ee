//! USER rows.

use super::company::{self, Company};
use super::json::Row;
use crate::rng::Rng;
use crate::table::RowRef;

impl Company {
    /// Appends the row of a user.
    pub(crate) fn user(&self, out: &mut String, row_ref: &RowRef) {
        let start = out.len();
        let person = self.person(row_ref.index, row_ref.version);
        let manager = self.manager_of(&person);
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::USER, person.index, 0), odd: self.odd };
        row.begin_object("id");
        row.uuid(person.uuid);
        row.composed("userName", |out| person.push_email(out));
        row.field("name");
        row.begin_object("familyName");
        row.quoted(person.family_name);
        row.text("givenName", person.given_name);
        row.raw("}");
        row.composed("employeeId", |out| person.push_employee_id(out));
        row.composed("phoneNumber", |out| person.push_phone_number(out));
        row.text("department", person.department);
        row.optional_texts(
            13,
            &[("costCentre", person.cost_center), ("region", person.region()), ("subsidiary", person.subsidiary())],
        );
        if let Some(manager) = &manager {
            row.optional_composed(13, "approver", |out| manager.push_email(out));
            row.optional_composed(13, "approverName", |out| manager.push_name(out));
            row.optional_composed(13, "managerName", |out| manager.push_name(out));
            row.optional_composed(13, "managerEmail", |out| manager.push_email(out));
        }
        row.optional_texts(
            13,
            &[
                ("legalEntityName", person.legal_entity()),
                ("companyOffice", person.office_city()),
                ("policyLevel", person.policy_level),
                ("policyName", person.policy_name()),
            ],
        );
        row.boolean("active", person.active);
        row.raw(",\"emails\":[{\"primary\":true");
        row.composed("value", |out| person.push_email(out));
        row.string("emailType", "work");
        row.raw("}]");
        self.unknown_field(&mut row, person.index);
        row.raw("}");
        self.finish_row(out, start, company::USER, row_ref.index);
    }
}
