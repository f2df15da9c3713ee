//! Counts and a log of the requests, for tests to look at.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The requests and responses since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// API requests, without those to the token endpoint.
    pub requests: u64,
    /// How often each path (without its query) was answered with each status; 0: the connection was
    /// dropped or the client went away. The token endpoint is included.
    pub answers: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// The tokens themselves, so that tests can look for them where they must not be. Never reset.
    pub tokens: Vec<String>,
    /// The most API requests that were in flight at once.
    pub max_in_flight: u64,
    /// API requests answered with 429, by the rate limit or by a fault.
    pub too_many: u64,
    /// How often each fault was injected, by its name in JSON.
    pub faults: BTreeMap<String, u64>,
    /// How many different `X-Correlation-ID` were seen.
    pub correlation_ids: u64,
    /// From the first API request to the last, in seconds of real time.
    pub seconds: f64,
    /// The last requests (`log_size` of the settings), in the order in which they ended.
    pub log: Vec<LoggedRequest>,
}

impl Counts {
    /// How many responses of this status the path has given.
    #[must_use]
    pub fn responses(&self, path: &str, status: u16) -> u64 {
        self.answers.get(path).and_then(|by_status| by_status.get(&status)).copied().unwrap_or(0)
    }
}

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// When it came, in ms of real time since the first request of any kind.
    pub at_ms: u64,
    /// Its method.
    pub method: String,
    /// Its path and query as they were sent.
    pub target: String,
    /// The status of the response; 0 if there was none.
    pub status: u16,
    /// Its `X-Correlation-ID`.
    pub correlation_id: Option<String>,
}

/// A request in flight.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) is_token: bool,
}

/// Keeps the counts.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    counts: Counts,
    log: VecDeque<LoggedRequest>,
    log_size: usize,
    /// Hashes, so that a long run keeps eight bytes a request and not a string.
    correlation_ids: HashSet<u64>,
    in_flight: u64,
    /// When the first request of any kind came.
    began: Option<Instant>,
    /// When the first API request came.
    first_request: Option<Instant>,
}

impl Recorder {
    pub(crate) fn new(log_size: usize) -> Self {
        Self { log_size, ..Self::default() }
    }

    /// Forgets all but the requests in flight.
    pub(crate) fn reset(&mut self) {
        *self = Self { log_size: self.log_size, in_flight: self.in_flight, ..Self::default() };
    }

    pub(crate) fn started(&mut self, request: &RequestInfo) {
        self.began.get_or_insert(request.at);
        if let Some(id) = &request.correlation_id {
            self.correlation_ids.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(id));
        }
        if request.is_token {
            self.counts.token_requests += 1;
            return;
        }
        self.counts.requests += 1;
        let first = *self.first_request.get_or_insert(request.at);
        let seconds = request.at.saturating_duration_since(first).as_secs_f64();
        self.counts.seconds = self.counts.seconds.max(seconds);
        self.in_flight += 1;
        self.counts.max_in_flight = self.counts.max_in_flight.max(self.in_flight);
    }

    pub(crate) fn finished(&mut self, request: &RequestInfo, status: u16) {
        if !request.is_token {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.counts.too_many += u64::from(status == 429);
        }
        *self.counts.answers.entry(request.path.clone()).or_default().entry(status).or_default() += 1;
        let began = self.began.unwrap_or(request.at);
        let at_ms = request.at.saturating_duration_since(began).as_millis();
        let query = request.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        self.log.push_back(LoggedRequest {
            at_ms: u64::try_from(at_ms).unwrap_or(u64::MAX),
            method: request.method.clone(),
            target: format!("{}{query}", request.path),
            status,
            correlation_id: request.correlation_id.clone(),
        });
        while self.log.len() > self.log_size {
            self.log.pop_front();
        }
    }

    pub(crate) fn fault_injected(&mut self, fault: &str) {
        *self.counts.faults.entry(fault.to_owned()).or_default() += 1;
    }

    pub(crate) fn token_issued(&mut self) {
        self.counts.tokens_issued += 1;
    }

    /// The counts so far, with the tokens that were `issued`.
    pub(crate) fn counts(&self, issued: &[String]) -> Counts {
        Counts {
            tokens: issued.to_vec(),
            correlation_ids: self.correlation_ids.len() as u64,
            log: self.log.iter().cloned().collect(),
            ..self.counts.clone()
        }
    }
}
