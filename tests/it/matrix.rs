//! What the fault tests share: the kinds of faults there are, one small company, and a run that is looked through for
//! secrets.

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

/// How many cases run side by side; they mostly wait.
const SIDE_BY_SIDE: usize = 4;

/// Something that goes wrong for a while.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) faults: Faults,
    pub(crate) token_life: Option<Duration>,
    pub(crate) limit: Option<RateLimit>,
    /// It can hit only requests with a cursor, and one a window.
    pub(crate) on_cursors: bool,
}

/// A company of 2,400 bookings, 2,400 users and 7,000 transactions a type: about 24, 24 and 36 requests. Its clock
/// stands on the second day of a month, so that there are nine weeks of transactions.
pub(crate) fn company() -> Settings {
    Settings {
        bookings: 2_400,
        users: 2_400,
        transactions: 7_000,
        now: Some("2026-11-02T09:00:00Z".parse().unwrap()),
        ..Settings::default()
    }
}

/// Each kind of fault that passes, hitting every `n`-th request; the kinds that cost a second, or a token, hit
/// one, after `late`.
pub(crate) fn kinds(n: u64, late: u64) -> Vec<Kind> {
    let every = |n, fault| Every { n, offset: 0, fault, endpoint: None };
    let kind = |name, n, fault| Kind {
        name,
        faults: Faults { every: vec![every(n, fault)], ..Faults::default() },
        token_life: None,
        limit: None,
        on_cursors: false,
    };
    let once = |name, fault| {
        let outage = Outage { after_requests: late, for_requests: Some(1), for_ms: None, fault, endpoint: None };
        Kind { faults: Faults { outage: vec![outage], ..Faults::default() }, ..kind(name, 0, Fault::Drop) }
    };
    let past = RetryAfter::Raw("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
    let refused = |name, status| Kind { on_cursors: true, ..kind(name, n + n % 2, Fault::RefuseCursor(status)) };
    vec![
        once("429 with seconds", Fault::TooMany { retry_after: RetryAfter::Seconds(1) }),
        once("429 with a date", Fault::TooMany { retry_after: RetryAfter::HttpDate(1) }),
        kind("429 without Retry-After", n, Fault::TooMany { retry_after: RetryAfter::None }),
        kind("429 with garbage", n, Fault::TooMany { retry_after: RetryAfter::Raw("soon".to_owned()) }),
        kind("429 with a date in the past", n, Fault::TooMany { retry_after: past }),
        kind("500", n, Fault::Status(500)),
        kind("503", n, Fault::Status(503)),
        kind("502 HTML", n, Fault::Html(502)),
        kind("503 HTML", n, Fault::Html(503)),
        kind("504 HTML", n, Fault::Html(504)),
        kind("408", n, Fault::Status(408)),
        kind("200 HTML", n, Fault::HtmlOk),
        kind("cut body", n, Fault::Cut),
        kind("truncated JSON", n, Fault::TruncatedJson),
        kind("{}", n, Fault::NotPromised),
        kind("dropped connection", n, Fault::Drop),
        kind("stall", 3 * n, Fault::Stall { stall_ms: 5_000 }),
        // More than one could refuse two tokens to one request that other faults keep waiting: a config_error, as it should.
        once("revoked token", Fault::RevokeToken),
        Kind {
            faults: Faults { latency_ms: 150, ..Faults::default() },
            token_life: Some(Duration::from_secs(1)),
            ..kind("short token life", 0, Fault::Drop)
        },
        refused("cursor refused with 400", 400),
        refused("cursor refused with 410", 410),
    ]
}

/// The limits that the server may keep.
pub(crate) fn limits() -> Vec<Kind> {
    let kind = |name, algorithm, headers| Kind {
        name,
        faults: Faults::default(),
        token_life: None,
        limit: Some(RateLimit { per_second: 40.0, burst: 10.0, algorithm, headers, retry_after_s: 0 }),
        on_cursors: false,
    };
    let window = LimitAlgorithm::FixedWindow { ms: 1_000 };
    vec![
        kind("a bucket that says nothing", LimitAlgorithm::TokenBucket, LimitHeaders::None),
        kind("a bucket with Retry-After", LimitAlgorithm::TokenBucket, LimitHeaders::RetryAfterSeconds),
        kind("a window that says nothing", window, LimitHeaders::None),
        kind("a window with a date", window, LimitHeaders::RetryAfterDate),
        kind("a window with X-RateLimit", window, LimitHeaders::RateLimit),
    ]
}

impl Kind {
    /// Both at once.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.faults.every.extend(other.faults.every.clone());
        both.faults.outage.extend(other.faults.outage.clone());
        both.faults.latency_ms += other.faults.latency_ms;
        both.token_life = both.token_life.or(other.token_life);
        both.limit = both.limit.or(other.limit.clone());
        both
    }

    /// Refuses cursors only within two requests after `late`: a window whose cursor is refused twice fails, as it should,
    /// and other faults can hold one up until the next refusal.
    pub(crate) fn refusing_no_window_twice(mut self, late: u64) -> Self {
        if self.on_cursors {
            let once = |every: Every| Outage {
                after_requests: late,
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

/// A read: all messages but the records, and the records' keys.
pub(crate) struct Read {
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

/// Reads, and looks for secrets in all that was said.
///
/// # Panics
/// If the client secret or a token is in any output.
pub(crate) fn read(connector: &Connector, sandbox: &Sandbox) -> Read {
    let output = connector.start("read").wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let tokens = sandbox.counts().tokens;
    for secret in tokens.iter().chain([&sandbox.settings().client_secret]) {
        assert!(!stdout.contains(&secret[..20]) && !stderr.contains(&secret[..20]), "a secret was said");
    }
    let (records, others): (Vec<_>, Vec<_>) =
        stdout.split_inclusive('\n').partition(|line| line.starts_with(r#"{"type":"RECORD""#));
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in records {
        let Record { stream, data } = serde_json::from_str::<Line>(line).unwrap().record;
        let key = if stream == "BOOKING" { data.uuid } else { data.id };
        keys.entry(stream).or_default().push(key.unwrap());
    }
    Read { run: Run::of(output.status, others.concat(), stderr), keys }
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

impl Read {
    /// Why this is not a success that brought each key of the streams exactly once, if it is not.
    pub(crate) fn is_not_whole(&self, streams: &[&str]) -> Option<String> {
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

/// Runs `check` on each case, some side by side, and fails with all that it complained of.
pub(crate) fn for_each<T: Sync>(
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
        let workers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(complaints.is_empty(), "{} of {} cases:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}
