//! `GET /v1/expense/transactions/receipts`: links to the receipts of several types of transactions at once.

use std::sync::Arc;

use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::expense::{check_available, parse_days, window_ms};
use super::request::{Parameters, authorize, parse_integer};
use crate::cursor;
use crate::expense_type::ExpenseType;
use crate::response::{ApiError, json_response};
use crate::rows::has_receipt;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;
use crate::table::RowRef;

/// A page of the receipts of those transactions that changed within a range of days. A row does not tell when.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorize(&state, &headers, "liquid:read")?;
    check_available(&state, "receipts")?;
    let (from, to) = parse_days(&state, &parameters)?;
    let size = parse_integer(&parameters, "page_size", 100, 1..=500)?;
    let kinds = parse_types(query.as_deref().unwrap_or_default())?;
    let names: String = kinds.iter().map(|kind| kind.path()).collect();
    let fingerprint = cursor::fingerprint(&[&names, &from.to_string(), &to.to_string(), &size.to_string()]);
    let before = match parameters.get("cursor") {
        None => 0,
        Some(given) => {
            let position = cursor::decode(fingerprint, given);
            position.ok_or_else(|| ApiError::bad_request("The cursor does not belong to this query."))?.1
        }
    };
    let (first_ms, last_ms) = window_ms(from, to);
    let mut rows: Vec<(ExpenseType, RowRef)> = Vec::new();
    {
        let store = lock(&state.store);
        for kind in kinds {
            let of_type = store.table(Stream::Transaction(kind)).range((first_ms, 0), false, last_ms, u64::MAX);
            rows.extend(of_type.into_iter().filter(|row| has_receipt(row.index)).map(|row| (kind, row)));
        }
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    let all = rows.len() as u64;
    let (skip, take) = (usize::try_from(before).unwrap_or(usize::MAX), usize::try_from(size).unwrap_or(usize::MAX));
    let page = rows.into_iter().skip(skip).take(take);
    let content: Vec<Value> = page.map(|(kind, row)| receipt(&state, &host, kind, &row)).collect();
    let next = (before + size < all).then(|| cursor::encode(fingerprint, (0, before + size)));
    let body = json!({
        "content": content,
        "next_cursor": next,
        "has_next": next.is_some(),
        "has_previous": before > 0,
        "page_size": size,
        "content_size": content.len(),
    });
    Ok(json_response(StatusCode::OK, body.to_string()))
}

fn receipt(state: &SandboxState, host: &str, kind: ExpenseType, row: &RowRef) -> Value {
    let id = state.company.transaction_id(kind, row.index);
    let link = |name: &str| format!("http://{host}/receipts/{id}/{name}");
    // Merchants send few of them, and some in place of the other one.
    let is_electronic = row.index.is_multiple_of(3);
    json!({
        "transaction_id": id,
        "receipt_url": (!row.index.is_multiple_of(6)).then(|| link("receipt")),
        "e_receipt_url": is_electronic.then(|| link("e-receipt")),
    })
}

/// The types that are asked for: at least one.
fn parse_types(query: &str) -> Result<Vec<ExpenseType>, ApiError> {
    let named = |name: &str| {
        let kind = ExpenseType::ALL.into_iter().find(|kind| kind.transaction_type() == name);
        let kind = kind.filter(|kind| *kind != ExpenseType::StatementPayments);
        kind.ok_or_else(|| ApiError::bad_request(format!("{name} is not a type of transaction.")))
    };
    let kinds: Vec<_> =
        query.split('&').filter_map(|part| part.strip_prefix("type=")).map(named).collect::<Result<_, _>>()?;
    if kinds.is_empty() { Err(ApiError::bad_request("type is required.")) } else { Ok(kinds) }
}
