//! What happens in a simulated run, made of its seed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use navan_sandbox::{
    ExpenseType, Fault, Faults, LimitAlgorithm, LimitHeaders, ListShape, RateLimit, RetryAfter, Settings, UpdatedFilter,
};
use serde_json::{Value, json};

/// Requests from one number to another, each of which may have a fault.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    pub(super) from: u64,
    pub(super) to: u64,
    /// How likely a fault is, in a hundred.
    pub(super) percent: u8,
    pub(super) kinds: Vec<Fault>,
}

/// How an attempt ends before it is through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interruption {
    /// After so many messages.
    pub(super) after: usize,
    /// By a signal that is heeded; else all is over at once.
    pub(super) is_heeded: bool,
}

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) settings: Settings,
    /// The configuration, but for the credential and the address.
    pub(super) config: Value,
    pub(super) types: Vec<ExpenseType>,
    pub(super) is_incremental: bool,
    /// The same of bookings.
    pub(super) tracks_bookings: bool,
    pub(super) bursts: Vec<Burst>,
    /// How likely rows change at a request, in a hundred, and up to which request.
    pub(super) changes_percent: u8,
    pub(super) changes_until: u64,
    pub(super) interruptions: Vec<Interruption>,
    /// The longest latency of a request.
    pub(super) latency_ms: u64,
    /// How long the reader takes for a page.
    pub(super) reader_pause: Duration,
    /// Between the first sync and the second.
    pub(super) hours_between: u64,
    /// The streams that are read.
    pub(super) chosen: Vec<&'static str>,
    /// There is another process, with which the limit is shared.
    pub(super) shares_limit: bool,
}

impl Schedule {
    /// Of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let has_interruptions = rng.u8(..100) < 60;
        // In the middle of a month, so that its turn takes no row away.
        let now: DateTime<Utc> = "2026-11-08T00:00:00Z".parse().expect("a time");
        let now = now + TimeDelta::milliseconds(rng.i64(0..14 * 86_400_000));
        let types = choose(rng, &ExpenseType::ALL, 4);
        let shapes = [ListShape::Untold, ListShape::PageOnly, ListShape::SmallPages];
        let list_shape = if rng.u8(..100) < 25 { *rng.choice(&shapes).expect("a shape") } else { ListShape::Told };
        // Of a list that says nothing of its size, or untruths, nobody can tell that its rows have moved.
        let can_change = matches!(list_shape, ListShape::Told | ListShape::SmallPages);
        let settings = Settings {
            seed,
            bookings: *rng.choice(&[0, 5, 40, 41, 120, 250, 400]).expect("a number"),
            transactions: *rng.choice(&[0, 3, 20, 60, 150, 300]).expect("a number"),
            users: *rng.choice(&[0, 9, 10, 35, 60]).expect("a number"),
            now: Some(now),
            token_life: Duration::from_secs(*rng.choice(&[20, 400, 43_199]).expect("a number")),
            scim_users: rng.u8(..100) < 20,
            list_shape,
            mixed_types_every: rng.u64(0..5),
            new_field_every: rng.u64(0..5),
            shuffle_fields: rng.bool(),
            offset_cursors: rng.u8(..100) < 25,
            send_date: rng.u8(..100) < 90,
            updated_filter: *rng.choice(&[UpdatedFilter::Ignored, UpdatedFilter::Seconds]).expect("a filter"),
            finds_by_uuid: rng.bool(),
            limit: (rng.u8(..100) < 30).then(|| limit(rng)),
            faults: Faults::default(),
            ..Settings::odd()
        };
        let config = json!({
            "start_date": "2024-01-01T00:00:00Z",
            "max_concurrency": rng.u64(1..=8),
            "lookback_days": rng.u64(1..4),
            "booking_lookback_days": 3_660,
            "booking_sweep_days": rng.u64(0..2),
            "transaction_types": types.iter().map(|kind| kind.path()).collect::<Vec<_>>(),
        });
        Self {
            settings,
            config,
            types,
            is_incremental: rng.u8(..100) < 80,
            tracks_bookings: rng.bool(),
            bursts: (0..rng.u64(0..4)).map(|_| burst(rng)).collect(),
            changes_percent: if can_change && rng.bool() { rng.u8(0..20) } else { 0 },
            changes_until: rng.u64(0..300),
            interruptions: if has_interruptions { interruptions(rng) } else { Vec::new() },
            latency_ms: rng.u64(0..400),
            reader_pause: Duration::from_millis(if rng.bool() { 0 } else { rng.u64(0..200) }),
            hours_between: rng.u64(1..60),
            chosen: chosen(rng),
            shares_limit: rng.u8(..100) < 40,
        }
    }
}

/// Streams with children of theirs, without, and children alone.
fn chosen(rng: &mut Rng) -> Vec<&'static str> {
    let families = [
        ("BOOKING", &["BOOKING_PASSENGER", "BOOKING_SEGMENT"][..]),
        ("TRANSACTION", &["TRANSACTION_LINE_ITEM", "TRANSACTION_CUSTOM_FIELD", "TRANSACTION_BOOKING"]),
    ];
    let mut chosen = vec!["USER"];
    for (parent, children) in families {
        let kind = rng.u8(..10);
        if kind < 8 {
            chosen.push(parent);
        }
        if kind >= 5 {
            chosen.extend(choose(rng, children, children.len()));
        }
    }
    chosen
}

fn choose<T: Copy>(rng: &mut Rng, from: &[T], most: usize) -> Vec<T> {
    let mut all = from.to_vec();
    rng.shuffle(&mut all);
    all.truncate(rng.usize(1..=most));
    all
}

fn limit(rng: &mut Rng) -> RateLimit {
    let ms = *rng.choice(&[5_000, 10_000, 60_000]).expect("a number");
    let algorithms =
        [LimitAlgorithm::TokenBucket, LimitAlgorithm::FixedWindow { ms }, LimitAlgorithm::SlidingWindow { ms }];
    let headers = [
        LimitHeaders::None,
        LimitHeaders::RetryAfterSeconds,
        LimitHeaders::RetryAfterDate,
        LimitHeaders::RateLimit,
        LimitHeaders::RateLimitEpoch,
    ];
    RateLimit {
        per_second: rng.f64() * 15.0 + 2.0,
        burst: rng.f64() * 20.0 + 5.0,
        algorithm: *rng.choice(&algorithms).expect("an algorithm"),
        headers: *rng.choice(&headers).expect("headers"),
        retry_after_s: 0,
    }
}

fn burst(rng: &mut Rng) -> Burst {
    let retry_after =
        || [RetryAfter::None, RetryAfter::Seconds(3), RetryAfter::HttpDate(2), RetryAfter::Raw("soon".to_owned())];
    let mut all: Vec<_> = [500, 502, 503, 504, 408].map(Fault::Status).into();
    all.extend(retry_after().map(|retry_after| Fault::TooMany { retry_after }));
    all.extend([
        Fault::Html(502),
        Fault::Html(403),
        Fault::Html(404),
        Fault::HtmlOk,
        Fault::NotPromised,
        Fault::TruncatedJson,
        Fault::Cut,
        Fault::Drop,
        Fault::Stall { stall_ms: 70_000 },
        Fault::RevokeToken,
        Fault::RefuseCursor(400),
        Fault::RepeatCursor,
        Fault::Status(403),
        Fault::Status(404),
    ]);
    rng.shuffle(&mut all);
    all.truncate(rng.usize(1..=6));
    let from = rng.u64(0..250);
    let is_outage = rng.u8(..100) < 20;
    Burst {
        from,
        to: from + rng.u64(1..if is_outage { 30 } else { 120 }),
        percent: if is_outage { 100 } else { rng.u8(1..50) },
        kinds: if is_outage { vec![Fault::Status(503)] } else { all },
    }
}

fn interruptions(rng: &mut Rng) -> Vec<Interruption> {
    let one = |rng: &mut Rng| Interruption { after: rng.usize(1..900), is_heeded: rng.bool() };
    (0..rng.usize(1..5)).map(|_| one(rng)).collect()
}
