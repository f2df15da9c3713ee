//! `GET /v1/expense/custom-fields`, `gl-codes`, `tax-mappings`: lists of which only the paths are known.
//!
//! So each comes in another form, unless the settings name one for all.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::expense::check_available;
use super::request::{Parameters, authorize, parse_integer};
use crate::response::{ApiError, json_response};
use crate::settings::ReferenceForm;
use crate::state::SandboxState;

/// Rows a page, where the server has a bound of its own.
const MOST_A_PAGE: u64 = 50;

/// The fields that the company defined.
pub(super) async fn custom_fields(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    let row = |nth: u64| match nth {
        // The one that transactions have.
        0 => json!({"name": "project", "label": "Projekt", "type": "TEXT", "required": true, "options": null}),
        _ => {
            json!({"name": format!("field_{nth}"), "label": format!("Field № {nth}"), "type": "SELECT", "required": "NO",
            "options": ["A", "B", {"value": "C", "label": "See C"}]})
        }
    };
    let rows: Vec<_> = (0..state.settings.reference_rows).map(row).collect();
    list(&state, &headers, &parameters, "custom-fields", ReferenceForm::Data, &rows)
}

/// The accounts of the general ledger.
pub(super) async fn gl_codes(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    let row = |nth: u64| match nth {
        // Those that transactions have.
        0 => json!({"number": "6010", "name": "Travel – Air", "active": true}),
        1 => json!({"number": "6020-01", "name": "Meals", "active": true}),
        // What nobody knows has no column.
        _ => {
            json!({"number": 7000 + nth, "name": format!("Account {nth}"), "active": nth.is_multiple_of(2), "ledger": {"id": nth}})
        }
    };
    let rows: Vec<_> = (0..state.settings.reference_rows).map(row).collect();
    list(&state, &headers, &parameters, "gl-codes", ReferenceForm::Cursor, &rows)
}

/// What the tax codes stand for.
pub(super) async fn tax_mappings(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    let row = |nth: u64| json!({"tax_code": format!("VAT{nth}"), "rate": format!("{nth}.50"), "country": "GB"});
    let rows: Vec<_> = (0..state.settings.reference_rows).map(row).collect();
    list(&state, &headers, &parameters, "tax-mappings", ReferenceForm::Array, &rows)
}

fn list(
    state: &SandboxState,
    headers: &HeaderMap,
    parameters: &Parameters,
    name: &str,
    form: ReferenceForm,
    rows: &[Value],
) -> Result<Response, ApiError> {
    authorize(state, headers, "liquid:read")?;
    check_available(state, name)?;
    let total = rows.len() as u64;
    let page = |from: u64, size: u64| -> Vec<&Value> {
        rows.iter()
            .skip(usize::try_from(from).unwrap_or(usize::MAX))
            .take(usize::try_from(size).unwrap_or(usize::MAX))
            .collect()
    };
    let body = match state.settings.reference_form.unwrap_or(form) {
        ReferenceForm::Data => json!({"data": rows}),
        ReferenceForm::Array => json!(rows),
        ReferenceForm::Cursor => {
            let from = parse_integer(parameters, "cursor", 0, 0..=1_000_000)?;
            let next = from + MOST_A_PAGE;
            let next_cursor = (next < total).then(|| next.to_string());
            json!({"content": page(from, MOST_A_PAGE), "has_next": next_cursor.is_some(), "next_cursor": next_cursor})
        }
        ReferenceForm::Numbered => {
            let size = parse_integer(parameters, "size", 20, 1..=MOST_A_PAGE)?;
            let number = parse_integer(parameters, "page", 0, 0..=1_000_000)?;
            let page_info = json!({"totalPages": total.div_ceil(size), "currentPage": number, "pageSize": size, "totalElements": total});
            json!({"data": page(number * size, size), "page": page_info})
        }
    };
    Ok(json_response(StatusCode::OK, body.to_string()))
}
