//! USER: the company's people in Navan.

use crate::api::{Access, Paging};
use crate::sync::Stream;
use crate::sync::strategy::Snapshot;

pub(super) static USER: Stream = Stream {
    name: "USER",
    also_called: &[],
    schema: include_str!("../../schemas/user.json"),
    key: Some("id"),
    cursor_field: None,
    created_field: None,
    coerced: &[],
    extension: &[],
    access: Access::Scope("users:read"),
    files: None,
    strategy: &Snapshot {
        endpoint: "/v1/users",
        page_size: 100,
        paging: Paging::PageNumber,
        cursor_endpoint: Some("/travel/v1/users"),
    },
    children: &[],
};
