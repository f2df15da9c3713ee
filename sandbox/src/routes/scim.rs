//! `GET /scim/v2/Users`: the users as RFC 7644 has them, with a token of their own.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::request::{Parameters, parse_integer};
use crate::response::{ApiError, json_response, write_array};
use crate::state::{SandboxState, lock};
use crate::stream::Stream;
use crate::tokens::bearer_token;

/// The most users a page.
const MOST_A_PAGE: u64 = 100;

/// A page of the users.
pub(super) async fn users(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    if bearer_token(&headers) != Some(&state.settings.scim_token) {
        return Err(ApiError::Bare(StatusCode::UNAUTHORIZED));
    }
    let first = state.settings.scim_first_index;
    // A smaller number counts as the first one (RFC 7644, section 3.4.2.4).
    let start = parse_integer(&parameters, "startIndex", first, 0..=1_000_000_000)?.max(first);
    let count = parse_integer(&parameters, "count", MOST_A_PAGE, 0..=1_000_000_000)?.min(MOST_A_PAGE);
    let (total, rows) = lock(&state.store).table(Stream::User).earliest_first(start - first, count);
    let mut body = String::with_capacity(rows.len() * 1_024 + 256);
    // Writing to a string does not fail.
    let _ = write!(
        body,
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":{total},"startIndex":{start},"itemsPerPage":{},"Resources":"#,
        rows.len()
    );
    write_array(&mut body, &rows, |body, row| state.company.scim_user(body, row));
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}
