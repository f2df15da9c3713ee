//! The endpoints, one file each.

mod bookings;
mod control;
mod expense;
mod token;
mod users;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::middleware;
use crate::response::ApiError;
use crate::settings::Region;
use crate::state::{SandboxState, lock};

/// Where tokens are fetched.
pub(crate) const TOKEN_PATH: &str = "/ta-auth/oauth/token";

/// All endpoints: Navan's, behind the middleware, and the sandbox's own, beside it.
pub(crate) fn router(state: &Arc<SandboxState>) -> Router {
    Router::new()
        .route(TOKEN_PATH, post(token::issue))
        .route("/v1/bookings", get(bookings::list))
        .route("/v1/users", get(users::list))
        .route("/v1/expense/{kind}", get(expense::list))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(state), middleware::intercept))
        .nest("/sandbox", control::router())
        .with_state(Arc::clone(state))
}

async fn unknown() -> ApiError {
    ApiError::Coded(StatusCode::NOT_FOUND, "NOT_FOUND", "No such resource.".to_owned())
}

/// The parameters of a query; of one that is repeated, the last.
type Parameters = HashMap<String, String>;

/// Checks region, token and scope, in this order.
fn authorise(state: &SandboxState, headers: &HeaderMap, scope: &str) -> Result<(), ApiError> {
    if state.settings.region == Region::Eu && headers.get("x-ta-region").is_none_or(|region| region != "EU") {
        return Err(ApiError::Bare(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let now = state.now();
    let good = middleware::bearer(headers).is_some_and(|token| lock(&state.tokens).is_good(token, now));
    if !good {
        return Err(ApiError::OAuth(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "The access token is invalid or expired",
        ));
    }
    if state.settings.scopes.iter().any(|granted| granted == scope) {
        return Ok(());
    }
    Err(ApiError::Coded(StatusCode::FORBIDDEN, "FORBIDDEN", format!("The scope {scope} is required.")))
}

/// A whole number within `range`; 400 if it is something else, `default` if it is absent.
fn number(
    parameters: &Parameters,
    name: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, ApiError> {
    let Some(given) = parameters.get(name) else {
        return Ok(default);
    };
    given
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| ApiError::bad_request(format!("{name} must be between {} and {}.", range.start(), range.end())))
}

/// The `page` object after the rows of a numbered page.
fn page_object(total: u64, page: u64, size: u64) -> String {
    format!(
        "\"page\":{{\"totalPages\":{},\"currentPage\":{page},\"pageSize\":{size},\"totalElements\":{total}}}",
        total.div_ceil(size)
    )
}
