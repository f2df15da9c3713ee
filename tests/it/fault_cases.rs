//! What the fault tests share: the faults, one small company, and a read whose output is searched for secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use navan_sandbox::{
    Every, ExpenseType, Fault, Faults, LimitAlgorithm, LimitHeaders, Outage, RateLimit, RetryAfter, Sandbox, Settings,
};
use serde::Deserialize;

use crate::harness::{Connector, Run};

/// By how much the connector's durations are shortened: a minute becomes 1.2 s.
pub(crate) const SCALE: f64 = 0.02;

/// The expense types that are read; each has two pages a week.
pub(crate) const TYPES: [ExpenseType; 2] = [ExpenseType::CardTransactions, ExpenseType::Fees];

/// How many cases run at once; they mostly wait.
const CONCURRENT_CASES: usize = 4;

/// A fault, or a rate limit, that a read has to survive.
#[derive(Clone)]
pub(crate) struct FaultCase {
    pub(crate) name: &'static str,
    pub(crate) faults: Faults,
    pub(crate) token_life: Option<Duration>,
    pub(crate) limit: Option<RateLimit>,
    /// It hits only requests with a cursor, of which each window has one.
    pub(crate) cursors_only: bool,
}

/// A company of 2,400 bookings, 2,400 users and 7,000 transactions a type: about 24, 24 and 36 requests. Its clock
/// starts on the second day of a month, so that there are nine weeks of transactions.
pub(crate) fn company() -> Settings {
    Settings {
        bookings: 2_400,
        users: 2_400,
        transactions: 7_000,
        now: Some("2026-11-02T09:00:00Z".parse().unwrap()),
        ..Settings::odd()
    }
}

/// Every fault that ends, on every `n`-th request. Those that cost a second, or a token, are on one request only, after
/// `after_requests`.
pub(crate) fn transient_faults(n: u64, after_requests: u64) -> Vec<FaultCase> {
    let case = FaultCase::every;
    let once = |name, fault| FaultCase::once(name, after_requests, fault);
    let past = RetryAfter::Raw("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
    let refused = |name, status| FaultCase { cursors_only: true, ..case(name, n + n % 2, Fault::RefuseCursor(status)) };
    vec![
        once("429 with seconds", Fault::TooMany { retry_after: RetryAfter::Seconds(1) }),
        once("429 with a date", Fault::TooMany { retry_after: RetryAfter::HttpDate(1) }),
        case("429 without Retry-After", n, Fault::TooMany { retry_after: RetryAfter::None }),
        case("429 with garbage", n, Fault::TooMany { retry_after: RetryAfter::Raw("soon".to_owned()) }),
        case("429 with a date in the past", n, Fault::TooMany { retry_after: past }),
        case("500", n, Fault::Status(500)),
        case("503", n, Fault::Status(503)),
        case("502 HTML", n, Fault::Html(502)),
        case("503 HTML", n, Fault::Html(503)),
        case("504 HTML", n, Fault::Html(504)),
        case("408", n, Fault::Status(408)),
        case("200 HTML", n, Fault::HtmlOk),
        case("cut body", n, Fault::Cut),
        case("truncated JSON", n, Fault::TruncatedJson),
        case("{}", n, Fault::NotPromised),
        case("dropped connection", n, Fault::Drop),
        case("stall", 3 * n, Fault::Stall { stall_ms: 5_000 }),
        // More than one could refuse two tokens to one request that other faults keep waiting: a config_error, as it should.
        once("revoked token", Fault::RevokeToken),
        FaultCase {
            token_life: Some(Duration::from_secs(1)),
            ..FaultCase::new("short token life", Faults { latency_ms: 150, ..Faults::default() })
        },
        refused("cursor refused with 400", 400),
        refused("cursor refused with 410", 410),
    ]
}

/// The rate limits that a server may have.
pub(crate) fn rate_limits() -> Vec<FaultCase> {
    let case = |name, algorithm, headers| FaultCase {
        limit: Some(RateLimit { per_second: 40.0, burst: 10.0, algorithm, headers, retry_after_s: 0 }),
        ..FaultCase::new(name, Faults::default())
    };
    let window = LimitAlgorithm::FixedWindow { ms: 1_000 };
    vec![
        case("a bucket that says nothing", LimitAlgorithm::TokenBucket, LimitHeaders::None),
        case("a bucket with Retry-After", LimitAlgorithm::TokenBucket, LimitHeaders::RetryAfterSeconds),
        case("a window that says nothing", window, LimitHeaders::None),
        case("a window with a date", window, LimitHeaders::RetryAfterDate),
        case("a window with X-RateLimit", window, LimitHeaders::RateLimit),
    ]
}

impl FaultCase {
    fn new(name: &'static str, faults: Faults) -> Self {
        Self { name, faults, token_life: None, limit: None, cursors_only: false }
    }

    fn every(name: &'static str, n: u64, fault: Fault) -> Self {
        let every = Every { n, offset: 0, fault, endpoint: None };
        Self::new(name, Faults { every: vec![every], ..Faults::default() })
    }

    fn once(name: &'static str, after_requests: u64, fault: Fault) -> Self {
        let outage = Outage { after_requests, for_requests: Some(1), for_ms: None, fault, endpoint: None };
        Self::new(name, Faults { outage: vec![outage], ..Faults::default() })
    }

    /// Both at once.
    pub(crate) fn combined_with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.faults.every.extend(other.faults.every.clone());
        both.faults.outage.extend(other.faults.outage.clone());
        both.faults.latency_ms += other.faults.latency_ms;
        both.token_life = both.token_life.or(other.token_life);
        both.limit = both.limit.or(other.limit.clone());
        both
    }

    /// Refuses cursors only within two requests after `after_requests`: a window whose cursor is refused twice fails, as it should,
    /// and other faults can hold one up until the next refusal.
    pub(crate) fn without_second_refusal(mut self, after_requests: u64) -> Self {
        if self.cursors_only {
            let once = |every: Every| Outage {
                after_requests,
                for_requests: Some(2),
                for_ms: None,
                fault: every.fault,
                endpoint: None,
            };
            self.faults.outage = self.faults.every.drain(..).map(once).collect();
        }
        self
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        let settings = company();
        let token_life = self.token_life.unwrap_or(settings.token_life);
        let limit = self.limit.clone();
        Sandbox::start(Settings { faults: self.faults.clone(), token_life, limit, ..settings }).unwrap()
    }
}

/// A connector with short durations, logging all that it can.
pub(crate) fn connector(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox)
        .config("transaction_types", TYPES.map(ExpenseType::path).to_vec())
        .environment("SOURCE_NAVAN_TIME_SCALE", SCALE)
        .environment("RUST_LOG", "trace")
}

/// The result of a read: all messages but the records, and the records' keys.
pub(crate) struct ReadResult {
    pub(crate) run: Run,
    pub(crate) keys: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Line {
    record: Record,
}

#[derive(Deserialize)]
struct Record {
    stream: String,
    data: Keys,
}

#[derive(Deserialize)]
struct Keys {
    uuid: Option<String>,
    id: Option<String>,
}

/// Reads, and searches the whole output for secrets.
///
/// # Panics
/// If the client secret or a token is in any output.
pub(crate) fn read(connector: &Connector, sandbox: &Sandbox) -> ReadResult {
    let output = connector.start("read").wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let tokens = sandbox.counts().tokens;
    for secret in tokens.iter().chain([&sandbox.settings().client_secret]) {
        assert!(!stdout.contains(&secret[..20]) && !stderr.contains(&secret[..20]), "a secret is in the output");
    }
    let (records, others): (Vec<_>, Vec<_>) =
        stdout.split_inclusive('\n').partition(|line| line.starts_with(r#"{"type":"RECORD""#));
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in records {
        let Record { stream, data } = serde_json::from_str::<Line>(line).unwrap().record;
        let key = if stream == "BOOKING" { data.uuid } else { data.id };
        keys.entry(stream).or_default().push(key.unwrap());
    }
    ReadResult { run: Run::new(output.status, others.concat(), stderr), keys }
}

/// The keys that the [`company`] has.
pub(crate) fn expected(stream: &str) -> &'static BTreeSet<String> {
    static KEYS: OnceLock<BTreeMap<&str, BTreeSet<String>>> = OnceLock::new();
    &KEYS.get_or_init(|| keys_of(&Sandbox::start(company()).unwrap()))[stream]
}

/// The keys that a sandbox has, of the [`TYPES`] only.
pub(crate) fn keys_of(sandbox: &Sandbox) -> BTreeMap<&'static str, BTreeSet<String>> {
    let key = |row: &String| {
        let keys = serde_json::from_str::<Keys>(row).unwrap();
        keys.uuid.or(keys.id).unwrap()
    };
    let transactions = TYPES.into_iter().flat_map(|kind| sandbox.transactions(kind));
    BTreeMap::from([
        ("BOOKING", sandbox.bookings().map(|row| key(&row)).collect()),
        ("TRANSACTION", transactions.map(|row| key(&row)).collect()),
        ("USER", sandbox.users().map(|row| key(&row)).collect()),
    ])
}

impl ReadResult {
    /// Why the read is not a success with each key of the streams exactly once; `None` if it is.
    pub(crate) fn why_incomplete(&self, streams: &[&str]) -> Option<String> {
        if self.run.status.code() != Some(0) {
            return Some(format!("{:?}: {:?}", self.run.status.code(), self.run.errors()));
        }
        streams.iter().find_map(|stream| {
            let keys = self.keys.get(*stream).map_or(&[][..], Vec::as_slice);
            let distinct: BTreeSet<_> = keys.iter().cloned().collect();
            if distinct.len() < keys.len() {
                return Some(format!("{} rows of {stream} came twice", keys.len() - distinct.len()));
            }
            let missing = expected(stream).difference(&distinct).count();
            (missing > 0 || distinct.len() != expected(stream).len()).then(|| format!("{stream} lacks {missing} rows"))
        })
    }
}

/// Runs `check` on each case, some at once, and fails with all of its complaints.
pub(crate) fn run_cases<T: Sync>(
    cases: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) -> Option<String> + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut complaints = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            complaints.extend(check(case).map(|complaint| format!("{}: {complaint}", name(case))));
        }
        complaints
    };
    let complaints: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONCURRENT_CASES).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(complaints.is_empty(), "{} of {} cases:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}
