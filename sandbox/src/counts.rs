//! What was asked of the sandbox, for tests to look at.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What was asked and answered since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// API requests, those to the token endpoint not among them.
    pub requests: u64,
    /// How often each path (without its query) was answered by each status; 0: the connection was
    /// dropped or the caller went away. The token endpoint is among them.
    pub answers: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// The tokens themselves, so that tests can look for them where they must not be. Never reset.
    pub tokens: Vec<String>,
    /// API requests being answered at once, at most.
    pub max_in_flight: u64,
    /// API requests answered 429, by the limit or by a fault.
    pub too_many: u64,
    /// How often each kind of fault was injected.
    pub faults: BTreeMap<String, u64>,
    /// How many different `X-Correlation-ID` were seen.
    pub correlation_ids: u64,
    /// From the first API request to the last, in seconds of real time.
    pub seconds: f64,
    /// The last requests (`log_size` of the settings), in the order in which they were answered.
    pub log: Vec<Logged>,
}

impl Counts {
    /// How often the path was answered by the status.
    #[must_use]
    pub fn answered(&self, path: &str, status: u16) -> u64 {
        self.answers.get(path).and_then(|by_status| by_status.get(&status)).copied().unwrap_or(0)
    }
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When it came, in ms of real time since the first request of any kind.
    pub at_ms: u64,
    /// Its method.
    pub method: String,
    /// Its path and query as they were sent.
    pub target: String,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// Its `X-Correlation-ID`.
    pub correlation_id: Option<String>,
}

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) is_token: bool,
}

/// The counting itself.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    counts: Counts,
    log: VecDeque<Logged>,
    log_size: usize,
    /// Hashes, so that a long run does not keep a text a request.
    correlation_ids: HashSet<u64>,
    in_flight: u64,
    began: Option<Instant>,
    first: Option<Instant>,
}

impl Ledger {
    pub(crate) fn new(log_size: usize) -> Self {
        Self { log_size, ..Self::default() }
    }

    /// Forgets all but the requests on their way.
    pub(crate) fn reset(&mut self) {
        *self = Self { log_size: self.log_size, in_flight: self.in_flight, ..Self::default() };
    }

    pub(crate) fn arrived(&mut self, call: &Call) {
        self.began.get_or_insert(call.at);
        if let Some(id) = &call.correlation_id {
            self.correlation_ids.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(id));
        }
        if call.is_token {
            self.counts.token_requests += 1;
            return;
        }
        self.counts.requests += 1;
        let first = *self.first.get_or_insert(call.at);
        let seconds = call.at.saturating_duration_since(first).as_secs_f64();
        self.counts.seconds = self.counts.seconds.max(seconds);
        self.in_flight += 1;
        self.counts.max_in_flight = self.counts.max_in_flight.max(self.in_flight);
    }

    pub(crate) fn answered(&mut self, call: &Call, status: u16) {
        if !call.is_token {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.counts.too_many += u64::from(status == 429);
        }
        *self.counts.answers.entry(call.path.clone()).or_default().entry(status).or_default() += 1;
        let began = self.began.unwrap_or(call.at);
        let at_ms = call.at.saturating_duration_since(began).as_millis();
        let query = call.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        self.log.push_back(Logged {
            at_ms: u64::try_from(at_ms).unwrap_or(u64::MAX),
            method: call.method.clone(),
            target: format!("{}{query}", call.path),
            status,
            correlation_id: call.correlation_id.clone(),
        });
        while self.log.len() > self.log_size {
            self.log.pop_front();
        }
    }

    pub(crate) fn injected(&mut self, fault: &str) {
        *self.counts.faults.entry(fault.to_owned()).or_default() += 1;
    }

    pub(crate) fn issued_token(&mut self) {
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
