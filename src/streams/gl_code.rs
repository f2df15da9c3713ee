//! `GL_CODE`: the accounts of the general ledger that expenses are booked to.
//!
//! Nobody is known to have read them, so no key is declared: destinations that deduplicate by a field that Navan does not send would
//! keep one row of all.

use crate::api::Access;
use crate::sync::Stream;
use crate::sync::strategy::OptionalList;

pub(super) static GL_CODE: Stream = Stream {
    name: "GL_CODE",
    also_called: &[],
    schema: include_str!("../../schemas/gl_code.json"),
    key: None,
    cursor_field: None,
    created_field: None,
    coerced: &["code", "number"],
    extension: &[],
    access: Access::Scope("liquid:read"),
    files: None,
    strategy: &OptionalList { endpoint: "/v1/expense/gl-codes" },
    children: &[],
};
