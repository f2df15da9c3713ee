//! What responses look like on the wire: how they are encoded, and how faults break them.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;

use crate::faults::Fault;
use crate::response::pretty;

/// Marks a response that is not to be sent: the connection closes instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionDrop;

/// The marker of a response that is not sent.
pub(crate) fn connection_drop() -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(ConnectionDrop);
    response
}

/// How a body is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    pub(crate) pretty: bool,
    pub(crate) gzip: bool,
}

/// Encodes a response, and breaks it if its fault says so.
pub(crate) async fn encode_body(response: Response, encoding: Encoding, fault: Option<&Fault>) -> Response {
    let breaks = matches!(fault, Some(Fault::Cut | Fault::TruncatedJson | Fault::Stall { .. }));
    if !(encoding.pretty || encoding.gzip || breaks) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // Bodies are whole in memory already, so reading one cannot fail.
    let mut body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let is_json = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if encoding.pretty && is_json {
        body = pretty(str::from_utf8(&body).unwrap_or_default()).into();
    }
    if matches!(fault, Some(Fault::TruncatedJson)) {
        body.truncate(body.len() / 2);
    }
    if encoding.gzip {
        body = gzip(&body);
        head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let body = match fault {
        Some(Fault::Cut) => {
            head.headers.insert(header::CONTENT_LENGTH, body.len().into());
            half_then_error(&body, Duration::from_millis(20))
        }
        Some(Fault::Stall { stall_ms }) => {
            head.headers.insert(header::CONTENT_LENGTH, body.len().into());
            half_then_error(&body, Duration::from_millis(*stall_ms))
        }
        _ => Body::from(body),
    };
    Response::from_parts(head, body)
}

/// Half of a body, then nothing for `pause`, then an error, upon which hyper closes the connection. Without a pause it
/// would close before the half is flushed.
fn half_then_error(body: &Bytes, pause: Duration) -> Body {
    let half = body.slice(..body.len() / 2);
    Body::from_stream(stream::unfold(Some(half), move |half| async move {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                tokio::time::sleep(pause).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
            None => None,
        }
    }))
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

/// An error, upon which hyper closes the connection, if that is what the response stands for.
pub(crate) fn close_if_dropped(response: Result<Response, Infallible>) -> io::Result<Response> {
    let Ok(response) = response;
    if response.extensions().get::<ConnectionDrop>().is_some() {
        return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    }
    Ok(response)
}
