//! `SCIM_USER`: the company's people, as its SCIM server has them: for companies that manage their users by it, and have a token for it.

use crate::api::{Access, Paging};
use crate::sync::Stream;
use crate::sync::strategy::Snapshot;

const PAGE_SIZE: u64 = 100;

pub(super) static SCIM_USER: Stream = Stream {
    name: "SCIM_USER",
    also_called: &[],
    schema: include_str!("../../schemas/scim_user.json"),
    key: Some("id"),
    cursor_field: None,
    created_field: None,
    coerced: &["active"],
    // RFC 7643's enterprise extension, and what Navan's own may have (docs/navan-api.md#scim).
    extension: &[
        ("employeeNumber", "employee_number"),
        ("costCenter", "cost_center"),
        ("department", "department"),
        ("division", "division"),
        ("organization", "organization"),
        ("manager.value", "manager_id"),
        ("manager.displayName", "manager_name"),
        ("region", "region"),
        ("subsidiary", "subsidiary"),
        ("legalEntity", "legal_entity"),
        ("billableEntity", "billable_entity"),
        ("companyOffice", "company_office"),
        ("policyLevel", "policy_level"),
    ],
    access: Access::ScimToken,
    files: None,
    strategy: &Snapshot {
        endpoint: "/Users",
        page_size: PAGE_SIZE,
        // It says itself whether it counts from 0 or from 1.
        paging: Paging::Scim { size: PAGE_SIZE, first: 0 },
        cursor_endpoint: None,
    },
    children: &[],
};
