//! `/sandbox/...`: what the owner of a [`crate::Sandbox`] can do, for those in other processes. These
//! requests need no token, do not count, and nothing ever goes wrong with them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::counts::Counts;
use crate::expense_type::ExpenseType;
use crate::faults::Faults;
use crate::ground_truth::GroundTruth;
use crate::limit::Limit;
use crate::settings::Settings;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;

type Shared = State<Arc<SandboxState>>;

pub(crate) fn router() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/touch", post(touch))
        .route("/insert", post(insert))
        .route("/delete", post(delete))
        .route("/faults", post(faults))
        .route("/limit", post(limit))
        .route("/clock", get(clock).post(set_clock))
        .route("/counts", get(counts))
        .route("/counts/reset", post(reset_counts))
        .route("/facts", get(ground_truth))
        .route("/rows", get(rows))
        .route("/settings", get(settings))
}

/// A stream by its name, as in `{"stream":"TRANSACTION","type":"fees"}`.
#[derive(Deserialize)]
struct Target {
    stream: Name,
    #[serde(rename = "type")]
    kind: Option<ExpenseType>,
    /// For `touch` and `delete`.
    index: Option<u64>,
    /// For `insert`; 1 if not given.
    count: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Name {
    Booking,
    Transaction,
    User,
}

type Bad = (StatusCode, String);

impl Target {
    fn stream(&self) -> Result<Stream, Bad> {
        Ok(match (self.stream, self.kind) {
            (Name::Booking, _) => Stream::Booking,
            (Name::User, _) => Stream::User,
            (Name::Transaction, Some(kind)) => Stream::Transaction(kind),
            (Name::Transaction, None) => return Err(bad("TRANSACTION needs a type")),
        })
    }

    fn index(&self) -> Result<u64, Bad> {
        self.index.ok_or_else(|| bad("index is missing"))
    }
}

fn bad(what: &str) -> Bad {
    (StatusCode::BAD_REQUEST, what.to_owned())
}

async fn touch(State(state): Shared, Json(target): Json<Target>) -> Result<Json<Value>, Bad> {
    Ok(Json(json!({ "found": state.touch(target.stream()?, target.index()?) })))
}

async fn insert(State(state): Shared, Json(target): Json<Target>) -> Result<Json<Value>, Bad> {
    Ok(Json(json!({ "indexes": state.insert(target.stream()?, target.count.unwrap_or(1)) })))
}

async fn delete(State(state): Shared, Json(target): Json<Target>) -> Result<Json<Value>, Bad> {
    Ok(Json(json!({ "found": state.delete(target.stream()?, target.index()?) })))
}

async fn faults(State(state): Shared, Json(faults): Json<Faults>) -> Json<Value> {
    state.set_faults(faults);
    Json(json!({}))
}

async fn limit(State(state): Shared, Json(limit): Json<Option<Limit>>) -> Json<Value> {
    state.set_limit(limit);
    Json(json!({}))
}

/// Either part may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    now: Option<DateTime<Utc>>,
    advance_s: Option<u64>,
}

async fn clock(State(state): Shared) -> Json<Value> {
    Json(json!({ "now": state.now() }))
}

async fn set_clock(State(state): Shared, Json(set): Json<SetClock>) -> Json<Value> {
    if let Some(now) = set.now {
        state.set_now(now);
    }
    state.advance(Duration::from_secs(set.advance_s.unwrap_or(0)));
    Json(json!({ "now": state.now() }))
}

async fn counts(State(state): Shared) -> Json<Counts> {
    Json(state.counts())
}

async fn reset_counts(State(state): Shared) -> Json<Value> {
    lock(&state.ledger).reset();
    Json(json!({}))
}

async fn settings(State(state): Shared) -> Json<Settings> {
    Json(state.settings.clone())
}

async fn ground_truth(State(state): Shared) -> Result<Json<GroundTruth>, StatusCode> {
    // All rows are made up for it, which may take seconds.
    let totals = tokio::task::spawn_blocking(move || state.ground_truth()).await;
    totals.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// All rows of a stream, one a line.
async fn rows(State(state): Shared, Query(target): Query<Target>) -> Result<Response, Bad> {
    const CHUNK_BYTES: usize = 256 * 1024;
    let chunks = stream::unfold(state.rows(target.stream()?), |mut rows| async move {
        let mut chunk = String::with_capacity(CHUNK_BYTES + 8192);
        while chunk.len() < CHUNK_BYTES && rows.write_next(&mut chunk) {
            chunk.push('\n');
        }
        let chunk = Ok::<_, std::convert::Infallible>(Bytes::from(chunk));
        chunk.as_ref().is_ok_and(|chunk| !chunk.is_empty()).then_some((chunk, rows))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(chunks)).into_response())
}
