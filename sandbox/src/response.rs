//! Response bodies: pages of rows, and the error formats of Navan's API, which are not uniform.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::settings::ListShape;

/// An error response.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// A status and nothing else.
    Bare(StatusCode),
    /// `{"error":{"code","message"}}`
    Coded(StatusCode, &'static str, String),
    /// `{"error","error_description"}`
    OAuth(StatusCode, &'static str, &'static str),
}

impl ApiError {
    /// 400 with a message.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::Coded(StatusCode::BAD_REQUEST, "BAD_REQUEST", message.into())
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::Coded(StatusCode::NOT_FOUND, "NOT_FOUND", "No such resource.".to_owned())
    }

    /// 429.
    pub(crate) fn too_many_requests() -> Self {
        Self::Coded(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Rate limit exceeded.".to_owned())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Bare(status) => return status.into_response(),
            Self::Coded(status, code, message) => (status, json!({"error": {"code": code, "message": message}})),
            Self::OAuth(status, error, description) => {
                (status, json!({"error": error, "error_description": description}))
            }
        };
        json_response(status, body.to_string())
    }
}

/// A response with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// The error page of a proxy.
pub(crate) fn html_page(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let body = format!(
        "<html>\r\n<head><title>{code} {reason}</title></head>\r\n<body>\r\n<center><h1>{code} {reason}</h1></center>\r\n\
         <hr><center>cloudfront</center>\r\n</body>\r\n</html>\r\n",
        code = status.as_u16(),
    );
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

/// Appends `rows` as a JSON array; `write` appends one of them.
pub(crate) fn write_array<T>(body: &mut String, rows: &[T], mut write: impl FnMut(&mut String, &T)) {
    body.push('[');
    for (nth, row) in rows.iter().enumerate() {
        if nth > 0 {
            body.push(',');
        }
        write(body, row);
    }
    body.push(']');
}

/// The `page` object after the `rows` of a numbered page, with the comma before it; nothing where nothing is told.
pub(crate) fn page_object(shape: ListShape, total: u64, page: u64, size: u64, rows: usize) -> String {
    let (pages, total) = match shape {
        ListShape::Untold => return String::new(),
        ListShape::PageOnly => (1, rows as u64),
        ListShape::Told | ListShape::SmallPages => (total.div_ceil(size), total),
    };
    format!(",\"page\":{{\"totalPages\":{pages},\"currentPage\":{page},\"pageSize\":{size},\"totalElements\":{total}}}")
}

/// Spreads compact JSON over many lines.
pub(crate) fn pretty(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 3 / 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut start = 0;
    for (at, byte) in compact.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let closing = matches!(byte, b'}' | b']');
        if !closing && !matches!(byte, b'{' | b'[' | b',' | b':') {
            continue;
        }
        out.push_str(&compact[start..at]);
        start = at + 1;
        if closing {
            break_line(&mut out, depth);
        }
        out.push(char::from(byte));
        match byte {
            b':' => out.push(' '),
            b'{' | b'[' | b',' => break_line(&mut out, depth),
            _ => {}
        }
    }
    out.push_str(&compact[start..]);
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn pretty_json_is_the_same_json() {
        let compact = r#"{"a":[1,{"b":"x,\"{y\\"},[]],"c":{}}"#;
        let pretty = super::pretty(compact);
        assert!(pretty.lines().count() > 5);
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(parse(&pretty), parse(compact));
    }
}
