//! What endpoints have in common in reading a request.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use axum::http::{HeaderMap, StatusCode};

use crate::response::ApiError;
use crate::settings::Region;
use crate::state::{SandboxState, lock};
use crate::tokens::bearer_token;

/// Query parameters; of a repeated one, the last.
pub(super) type Parameters = HashMap<String, String>;

/// Checks region, token and scope, in this order.
pub(super) fn authorize(state: &SandboxState, headers: &HeaderMap, scope: &str) -> Result<(), ApiError> {
    if state.settings.region == Region::Eu && headers.get("x-ta-region").is_none_or(|region| region != "EU") {
        return Err(ApiError::Bare(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let now = state.now();
    let valid = bearer_token(headers).is_some_and(|token| lock(&state.tokens).is_valid(token, now));
    if !valid {
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

/// An integer parameter; `default` if it is absent, 400 if it is not an integer within `range`.
pub(super) fn parse_integer(
    parameters: &Parameters,
    name: &str,
    default: u64,
    range: RangeInclusive<u64>,
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
