//! The same users as RFC 7643 has them, with the enterprise extension and one of Navan's own.

use super::company::{self, Company};
use super::json::Row;
use super::user::email_field;
use super::{person, vocab};
use crate::rng::Rng;
use crate::table::RowRef;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NAVAN: &str = "urn:ietf:params:scim:schemas:extension:navan:2.0:User";

impl Company {
    /// Appends a user as a SCIM resource.
    pub(crate) fn scim_user(&self, out: &mut String, row_ref: &RowRef) {
        let user = row_ref.index;
        let mut row = Row { out, rng: Rng::for_row(self.seed, company::USER, user, 7), odd_numbers: self.odd_numbers };
        let (first, last) = person::name_of(user);
        row.raw(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#);
        row.quoted(ENTERPRISE);
        row.raw(r#"],"id":"#);
        row.uuid(self.user_id(user));
        email_field(&mut row, "userName", user);
        row.field("name");
        row.begin_object("familyName");
        row.quoted(last);
        row.string("givenName", first);
        row.raw("}");
        let active = row.rng.chance(14);
        row.boolean("active", active);
        row.raw(r#","emails":[{"primary":true,"type":"work""#);
        email_field(&mut row, "value", user);
        row.raw("}]");
        row.field(ENTERPRISE);
        row.raw(r#"{"employeeNumber":"E-"#);
        row.integer(user);
        row.raw("\"");
        let department = row.rng.choose(vocab::DEPARTMENTS);
        row.string("department", department);
        let cost_center = row.rng.choose(vocab::COST_CENTERS);
        row.string("costCenter", cost_center);
        row.raw(r#","manager":{"value":"#);
        row.uuid(self.user_id(user / 8));
        row.raw("}}");
        row.field(NAVAN);
        row.raw("{");
        let region = row.rng.choose(vocab::REGIONS);
        row.raw(r#""region":"#);
        row.quoted(region);
        // What nobody knows has no column.
        if user.is_multiple_of(9) {
            row.string("seatPreference", "window");
        }
        row.raw("}}");
    }
}
