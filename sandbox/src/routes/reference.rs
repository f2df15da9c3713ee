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
    list(&state, &headers, &parameters, "custom-fields", ReferenceForm::Data, &state.company.custom_fields())
}

/// The accounts of the general ledger.
pub(super) async fn gl_codes(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    list(&state, &headers, &parameters, "gl-codes", ReferenceForm::Cursor, &state.company.gl_codes())
}

/// What the tax codes stand for.
pub(super) async fn tax_mappings(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    list(&state, &headers, &parameters, "tax-mappings", ReferenceForm::Array, &state.company.tax_mappings())
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
