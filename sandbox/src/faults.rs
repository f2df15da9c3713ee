//! The faults that can be configured; `fault_schedule` decides when, `middleware` and `wire` make it happen.

use serde::{Deserialize, Serialize};

/// All faults; by default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Added latency of each response, in ms.
    pub latency_ms: u64,
    /// Faults that come again and again. If several rules hit one request, the first one holds.
    pub every: Vec<Every>,
    /// Faults that begin at some request and stay.
    pub outage: Vec<Outage>,
    /// Rows that come, go and change while they are read.
    pub drift: Option<RowDrift>,
}

/// A fault that hits each n-th request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// Every how many matching requests; 1 hits each of them, 0 none.
    pub n: u64,
    /// Which ones: counted from 1 (anew when the faults are set), those whose number modulo `n` is this.
    /// 0 is the n-th, the 2n-th and so on.
    #[serde(default)]
    pub offset: u64,
    /// The fault.
    pub fault: Fault,
    /// The start of the path of matching requests; none: all API requests, but not the token endpoint.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// A fault that begins at some request and hits all that follow, forever or for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// How many matching requests pass before it begins.
    pub after_requests: u64,
    /// How many requests it hits.
    #[serde(default)]
    pub for_requests: Option<u64>,
    /// How long it lasts from its first hit, in ms of real time. With both, whichever ends first.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// The fault.
    pub fault: Fault,
    /// As in [`Every`].
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// A fault of one request. In JSON `"drop"`, `{"status":503}`, `{"stall":{"stall_ms":500}}`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// This status without a body.
    Status(u16),
    /// This status with a proxy's HTML page.
    Html(u16),
    /// 200 with an HTML page.
    HtmlOk,
    /// The promised `Content-Length`, half of the body, then the connection closes.
    Cut,
    /// A complete HTTP response whose JSON ends halfway.
    TruncatedJson,
    /// 200 with `{}`.
    NotPromised,
    /// The connection closes without a response.
    Drop,
    /// Half of the body, then nothing.
    Stall {
        /// For how long (ms); then the connection closes.
        #[serde(default = "two_minutes")]
        stall_ms: u64,
    },
    /// The request's token becomes invalid; a new one works.
    RevokeToken,
    /// The credential is deleted: no token works any more and there are no new ones.
    RevokeCredential,
    /// A 429 that no rate limit causes.
    TooMany {
        /// What its `Retry-After` says.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// If the request carries a cursor, this status.
    RefuseCursor(u16),
    /// If the request carries a cursor, the response's `next_cursor` is that same cursor.
    RepeatCursor,
    /// 302 to somewhere else.
    Redirect {
        /// Where to.
        to: String,
    },
}

fn two_minutes() -> u64 {
    120_000
}

impl Fault {
    /// Its name as in JSON, under which it is counted.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Html(_) => "html",
            Self::HtmlOk => "html_ok",
            Self::Cut => "cut",
            Self::TruncatedJson => "truncated_json",
            Self::NotPromised => "not_promised",
            Self::Drop => "drop",
            Self::Stall { .. } => "stall",
            Self::RevokeToken => "revoke_token",
            Self::RevokeCredential => "revoke_credential",
            Self::TooMany { .. } => "too_many",
            Self::RefuseCursor(_) => "refuse_cursor",
            Self::RepeatCursor => "repeat_cursor",
            Self::Redirect { .. } => "redirect",
        }
    }
}

/// The `Retry-After` of a 429.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// There is none.
    #[default]
    None,
    /// So many seconds.
    Seconds(u64),
    /// An HTTP date so many seconds from now, by the sandbox's clock.
    HttpDate(u64),
    /// This text, whatever it is.
    Raw(String),
}

/// Rows that come, go and change while a stream is read page by page, so that others move between pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowDrift {
    /// Which stream.
    pub stream: PagedStream,
    /// After each how many page requests of that stream.
    pub every_pages: u64,
    /// How many rows are inserted each time, among those up to the end of the page that was requested.
    #[serde(default)]
    pub insert: u64,
    /// How many of those rows are changed each time.
    #[serde(default)]
    pub touch: u64,
    /// How many of those rows are removed each time.
    #[serde(default)]
    pub delete: u64,
    /// After how many times the rows come to rest.
    pub max: u64,
}

/// A stream whose pages are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PagedStream {
    /// `/v1/bookings`
    Booking,
    /// `/v1/users`
    User,
}
