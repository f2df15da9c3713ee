//! `CUSTOM_FIELD`: the fields of expenses that the company defined itself.

use crate::api::Access;
use crate::sync::Stream;
use crate::sync::strategy::OptionalList;

pub(super) static CUSTOM_FIELD: Stream = Stream {
    name: "CUSTOM_FIELD",
    also_called: &[],
    schema: include_str!("../../schemas/custom_field.json"),
    key: Some("name"),
    cursor_field: None,
    created_field: None,
    coerced: &[],
    extension: &[],
    access: Access::Scope("liquid:read"),
    files: None,
    strategy: &OptionalList { endpoint: "/v1/expense/custom-fields" },
    children: &[],
};
