//! `TAX_MAPPING`: which tax codes stand for which taxes.
//!
//! Without a key, for the reason that [`gl_code`](super::gl_code) gives.

use crate::api::Access;
use crate::sync::Stream;
use crate::sync::strategy::OptionalList;

pub(super) static TAX_MAPPING: Stream = Stream {
    name: "TAX_MAPPING",
    also_called: &[],
    schema: include_str!("../../schemas/tax_mapping.json"),
    key: None,
    cursor_field: None,
    created_field: None,
    coerced: &["gl_code_number", "rate"],
    extension: &[],
    access: Access::Scope("liquid:read"),
    files: None,
    strategy: &OptionalList { endpoint: "/v1/expense/tax-mappings" },
    children: &[],
};
