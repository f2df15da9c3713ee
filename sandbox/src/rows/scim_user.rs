//! The same users as RFC 7643 has them, with the enterprise extension and one of Navan's own.

use super::company::{self, Company};
use super::json::Row;
use crate::rng::Rng;
use crate::table::RowRef;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NAVAN: &str = "urn:ietf:params:scim:schemas:extension:navan:2.0:User";

impl Company {
    /// Appends a user as a SCIM resource.
    pub(crate) fn scim_user(&self, out: &mut String, row_ref: &RowRef) {
        let person = self.person(row_ref.index, row_ref.version);
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::USER, person.index, 0), odd: self.odd };
        row.raw(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#);
        row.quoted(ENTERPRISE);
        row.raw(r#"],"id":"#);
        row.uuid(person.uuid);
        row.composed("userName", |out| person.push_email(out));
        row.field("name");
        row.begin_object("familyName");
        row.quoted(person.family_name);
        row.text("givenName", person.given_name);
        row.raw("}");
        row.boolean("active", person.active);
        row.raw(r#","emails":[{"primary":true,"type":"work""#);
        row.composed("value", |out| person.push_email(out));
        row.raw("}]");
        row.field(ENTERPRISE);
        row.begin_object("department");
        row.quoted(person.department);
        row.text("costCenter", person.cost_center);
        row.composed("employeeNumber", |out| person.push_employee_id(out));
        if let Some(manager) = self.manager_of(&person) {
            row.field("manager");
            row.begin_object("value");
            row.uuid(manager.uuid);
            row.raw("}");
        }
        row.raw("}");
        row.field(NAVAN);
        row.begin_object("region");
        row.quoted(person.region());
        // What nobody knows has no column.
        if person.index.is_multiple_of(9) {
            row.string("seatPreference", "window");
        }
        row.raw("}}");
    }
}
