//! A request to Navan, and by which rules it is sent.

/// A request, to be sent as often as it takes.
pub struct Request<'a> {
    /// The endpoint's path, as logs and errors name it.
    pub endpoint: &'a str,
    /// The address, without parameters.
    pub url: url::Url,
    /// The region header's value, for the companies that need one.
    pub region: Option<&'static str>,
    /// What is sent.
    pub payload: Payload<'a>,
    /// By which rules.
    pub policy: RequestPolicy,
}

impl Request<'_> {
    /// Who is asked.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// What a request sends.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// GET with these parameters.
    Query(&'a [(&'a str, String)]),
    /// POST with this form.
    Form(&'a [(&'a str, &'a str)]),
}

impl Payload<'_> {
    /// The method by which it is sent.
    pub fn method(self) -> &'static str {
        match self {
            Self::Query(_) => "GET",
            Self::Form(_) => "POST",
        }
    }
}

/// The rules that differ between requests.
#[allow(clippy::struct_excessive_bools)] // each is a rule of its own, and none excludes another
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPolicy {
    /// Waits for the rate limiter and the circuit breaker, and reports to them. Without that, a 429 makes only this request
    /// wait.
    pub is_limited: bool,
    /// A 401 means that the token that it carries has to be renewed, and not that what it was had by is wrong.
    pub renews_token: bool,
    /// The parameters may stand in an error.
    pub shows_parameters: bool,
    /// The endpoint has answered properly before, so that one 403 or 404 says little.
    pub doubts_refusal: bool,
    /// Fewer tries than a request has by default.
    pub max_attempts: Option<u32>,
    /// How often it may be told that it is too early (429), if that is to be judged by its sender; else the limiter does.
    pub max_429s: Option<u32>,
}

impl RequestPolicy {
    /// A read of the API.
    pub const API: Self = Self {
        is_limited: true,
        renews_token: true,
        shows_parameters: true,
        doubts_refusal: false,
        max_attempts: None,
        max_429s: None,
    };

    /// A request for a token. It bypasses the rate limiter and the breaker, which may be waiting for just this token.
    pub const TOKEN: Self = Self {
        is_limited: false,
        renews_token: false,
        shows_parameters: false,
        doubts_refusal: false,
        max_attempts: None,
        max_429s: None,
    };
}
