//! Limits of every kind, and how near to them a read comes.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;
use navan_sandbox::{ExpenseType, Fault, LimitAlgorithm, LimitHeaders, RateLimit, RetryAfter, Sandbox};
use tokio::time::{Instant, sleep};

use super::network::SimulatedNetwork;
use super::run::{self, Attempt};
use super::schedule::{Burst, Schedule};
use crate::clock;
use crate::gateway::SharedModel;

/// Navan's limit, in requests a second.
const RATE: f64 = 8.0;

/// The share of a limit that is used.
const USED: f64 = 0.8;

/// What a read is up against.
#[derive(Clone, Copy)]
struct Case {
    algorithm: LimitAlgorithm,
    headers: LimitHeaders,
    /// The share of the quota that somebody else uses.
    foreign: f64,
    /// How many answers in a hundred are a 429 that no limit causes.
    strays: u8,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}, {:?}, {} of it used by others, {} % strays",
            self.algorithm, self.headers, self.foreign, self.strays
        )
    }
}

impl Case {
    fn limit(self) -> RateLimit {
        RateLimit { per_second: RATE, burst: RATE, algorithm: self.algorithm, headers: self.headers, retry_after_s: 0 }
    }

    /// How much longer than the ideal a read takes, and how many of 100 requests the limit refuses.
    fn measure(self, seed: u64) -> (f64, f64) {
        let mut schedule = schedule(Some(self.limit()), self.bursts());
        schedule.settings.seed = seed;
        let attempt = read(&schedule, RATE * self.foreign);
        assert!(attempt.is_complete, "{self}: {:?}", attempt.warnings);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let (requests, over) = (attempt.requests as f64, attempt.over_the_limit as f64);
        let ideal = requests / (RATE * (1.0 - self.foreign) * USED);
        (attempt.took.as_secs_f64() / ideal, over / requests * 100.0)
    }

    fn bursts(self) -> Vec<Burst> {
        let stray = Fault::TooMany { retry_after: RetryAfter::Seconds(1) };
        (self.strays > 0)
            .then(|| Burst { from: 0, to: u64::MAX, percent: self.strays, kinds: vec![stray] })
            .into_iter()
            .collect()
    }
}

/// A company of some 3,000 pages, that is read at leisure.
fn schedule(limit: Option<RateLimit>, bursts: Vec<Burst>) -> Schedule {
    let quiet = Schedule::of(1);
    let types = vec![ExpenseType::CardTransactions, ExpenseType::ManualTransactions, ExpenseType::Fees];
    let mut config = quiet.config.clone();
    config["max_concurrency"] = 8.into();
    config["transaction_types"] = types.iter().map(|kind| kind.path()).collect();
    let settings = navan_sandbox::Settings {
        bookings: 0,
        users: 0,
        transactions: 4_000,
        limit,
        now: Some("2026-11-15T12:00:00Z".parse().unwrap()),
        ..navan_sandbox::Settings::odd()
    };
    Schedule {
        settings,
        config,
        types,
        is_incremental: true,
        tracks_bookings: false,
        bursts,
        changes_percent: 0,
        interruptions: Vec::new(),
        latency_ms: 100,
        reader_pause: Duration::ZERO,
        chosen: vec!["BOOKING", "TRANSACTION", "USER"],
        shares_limit: false,
        ..quiet
    }
}

fn simulate<T>(future: impl Future<Output = T>) -> T {
    fastrand::seed(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// A read beside somebody who makes so many requests a second.
fn read(schedule: &Schedule, foreign_per_second: f64) -> Attempt {
    simulate(async {
        let navan = Rc::new(Sandbox::in_process(schedule.settings.clone()));
        clock::set(navan.now());
        let network = Rc::new(SimulatedNetwork::new(Rc::clone(&navan), schedule.clone()));
        let foreign = async {
            loop {
                if foreign_per_second == 0.0 {
                    std::future::pending::<()>().await;
                }
                sleep(Duration::from_secs_f64(1.0 / foreign_per_second)).await;
                // It counts before it is seen to have no token.
                let request = Request::get("/v1/users").body(Body::empty()).unwrap();
                navan.call(request, None).await.unwrap();
            }
        };
        let no_states = BTreeMap::new();
        tokio::select! {
            biased;
            attempt = run::attempt(&network, schedule, 1, &no_states, None) => attempt,
            () = foreign => unreachable!(),
        }
    })
}

/// How often each limit is tried. Strays make much of it chance, so that the middle one counts.
const TRIALS: u64 = 5;

/// Of a hundred requests, so many may be refused by the limit itself.
const MOST_REFUSED_PERCENT: f64 = 2.0;

#[test]
fn a_read_comes_near_to_any_limit_and_hardly_over_it() {
    let algorithms = [
        LimitAlgorithm::TokenBucket,
        LimitAlgorithm::FixedWindow { ms: 10_000 },
        LimitAlgorithm::SlidingWindow { ms: 10_000 },
    ];
    let mut failed = 0;
    let mut table = String::new();
    for algorithm in algorithms {
        for headers in [LimitHeaders::None, LimitHeaders::RetryAfterSeconds, LimitHeaders::RateLimit] {
            for (foreign, strays) in [(0.0, 0), (0.0, 5), (0.3, 0), (0.3, 5)] {
                let case = Case { algorithm, headers, foreign, strays };
                let mut trials: Vec<_> = std::thread::scope(|scope| {
                    let threads: Vec<_> = (1..=TRIALS).map(|seed| scope.spawn(move || case.measure(seed))).collect();
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
                });
                let mut middle = |of: fn(&(f64, f64)) -> f64| {
                    trials.sort_by(|one, other| of(one).total_cmp(&of(other)));
                    of(&trials[trials.len() / 2])
                };
                let (slower, share) = (middle(|trial| trial.0), middle(|trial| trial.1));
                let most = if foreign > 0.0 { 1.5 } else { 1.15 };
                if slower > most || share >= MOST_REFUSED_PERCENT {
                    failed += 1;
                    table += "NOT HELD ";
                }
                let _ = writeln!(table, "{case}: {slower:.2} x, {share:.2} % over the limit");
            }
        }
    }
    assert!(failed == 0, "{failed} cases:\n{table}");
}

/// In a read of a few hundred requests each 429 counts: those in flight when the limit is met for the first time cannot be helped, and
/// to see it once more takes a few.
#[test]
fn a_short_read_learns_the_limit_at_little_cost() {
    for headers in [LimitHeaders::None, LimitHeaders::RetryAfterSeconds, LimitHeaders::RateLimit] {
        for (rate, latency_ms) in [(20.0, 5), (20.0, 50), (20.0, 200), (50.0, 5), (50.0, 50), (50.0, 200)] {
            let algorithm = LimitAlgorithm::TokenBucket;
            let limit = RateLimit { per_second: rate, burst: rate, algorithm, headers, retry_after_s: 0 };
            let mut schedule = schedule(Some(limit), Vec::new());
            schedule.settings.transactions = 400;
            schedule.latency_ms = latency_ms;
            let attempt = read(&schedule, 0.0);
            assert!(attempt.is_complete);
            let case = format!("{headers:?}, {rate} a second, {latency_ms} ms: {} requests", attempt.requests);
            assert!(attempt.over_the_limit <= 8 + 4, "{case}, {} over the limit", attempt.over_the_limit);
            #[allow(clippy::cast_precision_loss)] // far below 2^53
            let ideal = attempt.requests as f64 / (rate * USED);
            let took = attempt.took.as_secs_f64();
            assert!(took <= 1.15 * ideal, "{case} took {took:.1} s, ideal {ideal:.1} s");
        }
    }
}

/// 100 requests a minute, of which somebody else has left 5 for the second half of the minute.
#[test]
fn a_window_that_somebody_else_has_used_up_costs_little_more_than_its_rest() {
    for headers in [LimitHeaders::None, LimitHeaders::RetryAfterSeconds, LimitHeaders::RateLimit] {
        let per_second = 100.0 / 60.0;
        let algorithm = LimitAlgorithm::FixedWindow { ms: 60_000 };
        let limit = RateLimit { per_second, burst: 1.0, algorithm, headers, retry_after_s: 0 };
        let mut schedule = schedule(Some(limit), Vec::new());
        schedule.settings.transactions = 50;
        let attempt = read_after(&schedule, 95, Duration::from_secs(30));
        assert!(attempt.is_complete);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let ideal = 30.0 + (attempt.requests as f64 - 5.0) / (per_second * USED);
        let took = attempt.took.as_secs_f64();
        assert!(
            took <= 1.15 * ideal,
            "{headers:?}: {} requests took {took:.0} s, ideal {ideal:.0} s",
            attempt.requests
        );
    }
}

/// A read that begins after somebody has made so many requests, and so much time has passed.
fn read_after(schedule: &Schedule, requests: u32, time: Duration) -> Attempt {
    simulate(async {
        let navan = Rc::new(Sandbox::in_process(schedule.settings.clone()));
        clock::set(navan.now());
        let network = Rc::new(SimulatedNetwork::new(Rc::clone(&navan), schedule.clone()));
        for _ in 0..requests {
            navan.call(Request::get("/v1/users").body(Body::empty()).unwrap(), None).await.unwrap();
        }
        sleep(time).await;
        run::attempt(&network, schedule, 1, &BTreeMap::new(), None).await
    })
}

/// 429s that never stop, and that no rate causes, slow a read down by their waits, and no more.
#[test]
fn many_strays_do_not_make_a_read_crawl() {
    for (limit, percent) in [(false, 20), (false, 40), (true, 20), (true, 40)] {
        let case = Case {
            algorithm: LimitAlgorithm::TokenBucket,
            headers: LimitHeaders::RateLimit,
            foreign: 0.0,
            strays: percent,
        };
        let attempt = read(&schedule(limit.then(|| case.limit()), case.bursts()), 0.0);
        assert!(attempt.is_complete, "{percent} %: {:?}", attempt.warnings);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let requests = attempt.requests as f64;
        // Each asks everybody to wait for a second.
        let waits = requests * f64::from(percent) / 100.0;
        let most = 2.0 * (requests / (RATE * USED) + waits);
        let took = attempt.took.as_secs_f64();
        assert!(took <= most, "{percent} %, limit: {limit}: {requests} requests took {took:.0} s, at most {most:.0} s");
    }
}

#[test]
fn once_faults_stop_the_rest_takes_at_most_twice_as_long_as_a_clean_read() {
    let clean = read(&schedule(None, Vec::new()), 0.0);
    assert!(clean.is_complete);
    let kinds = [
        Fault::TooMany { retry_after: RetryAfter::None },
        Fault::TooMany { retry_after: RetryAfter::Seconds(2) },
        Fault::Status(502),
        Fault::Drop,
    ];
    for kind in kinds {
        // Of more server errors than that the circuit breaker may rightly make an outage.
        let percents: &[u8] = if matches!(kind, Fault::Status(_)) { &[20, 40] } else { &[20, 40, 60] };
        for &percent in percents {
            let burst = Burst { from: 0, to: 60, percent, kinds: vec![kind.clone()] };
            let spoiled = read(&schedule(None, vec![burst]), 0.0);
            assert!(spoiled.is_complete, "{kind:?} {percent} %: {:?}", spoiled.warnings);
            let after = spoiled.took_after(60);
            assert!(
                after <= clean.took * 2,
                "{percent} % {kind:?} in 60 requests: the rest took {after:?}, a clean read {:?}",
                clean.took
            );
        }
    }
}

/// What came of syncs side by side.
struct Together {
    requests: u64,
    /// How many of 100 requests the limit refused.
    refused_percent: f64,
    /// How much longer they took than the ideal.
    slower: f64,
    /// How many requests there were to one call of the store.
    per_call: f64,
}

/// A tenant: its company, with its limit, and what its syncs share.
struct Tenant {
    schedule: Schedule,
    limit: RateLimit,
    navan: Rc<Sandbox>,
    store: Rc<SharedModel>,
}

impl Tenant {
    fn new(limit: RateLimit) -> Self {
        let mut schedule = schedule(Some(limit.clone()), Vec::new());
        schedule.settings.transactions = 400;
        let navan = Rc::new(Sandbox::in_process(schedule.settings.clone()));
        clock::set(navan.now());
        let store = SharedModel::start(Duration::from_secs(1_800_000_000), Duration::from_millis(1));
        Self { schedule, limit, navan, store }
    }

    /// So many syncs at the same time.
    async fn read(&self, processes: u64) -> Together {
        let (began, calls_before) = (Instant::now(), self.store.calls.get());
        let attempts = join_all((0..processes).map(async |number| {
            let mut schedule = self.schedule.clone();
            schedule.settings.seed += number;
            let mut network = SimulatedNetwork::new(Rc::clone(&self.navan), schedule.clone());
            network.limit_store = Some(Rc::clone(&self.store));
            run::attempt(&Rc::new(network), &schedule, 1, &BTreeMap::new(), None).await
        }));
        let attempts = attempts.await;
        let warned: Vec<_> = attempts.iter().flat_map(|attempt| &attempt.warnings).collect();
        assert!(attempts.iter().all(|attempt| attempt.is_complete), "{warned:?}");
        let requests: u64 = attempts.iter().map(|attempt| attempt.requests).sum();
        let over: u64 = attempts.iter().map(|attempt| attempt.over_the_limit).sum();
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let (all, over, calls) = (requests as f64, over as f64, (self.store.calls.get() - calls_before) as f64);
        Together {
            requests,
            refused_percent: over / all * 100.0,
            slower: began.elapsed().as_secs_f64() / (all / (self.limit.per_second * USED)),
            per_call: all / calls,
        }
    }
}

/// The same where a quota ends all at once, which those notice late who have their turns already.
const MOST_REFUSED_PERCENT_OF_WINDOWS: f64 = 3.0;

#[test]
fn syncs_of_one_tenant_keep_to_its_limit_together() {
    let window = LimitAlgorithm::FixedWindow { ms: 10_000 };
    let mut cases = Vec::new();
    for algorithm in [LimitAlgorithm::TokenBucket, window] {
        for headers in [LimitHeaders::None, LimitHeaders::RetryAfterSeconds, LimitHeaders::RateLimit] {
            for (processes, per_second) in [(2, 8.0), (5, 8.0), (5, 50.0), (20, 8.0), (20, 50.0)] {
                let limit = RateLimit { per_second, burst: per_second, algorithm, headers, retry_after_s: 0 };
                cases.push((processes, limit));
            }
        }
    }
    let came: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .iter()
            .map(|(processes, limit)| {
                scope.spawn(|| simulate(async { Tenant::new(limit.clone()).read(*processes).await }))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (mut failed, mut table) = (0, String::new());
    for ((processes, limit), came) in cases.into_iter().zip(came) {
        let is_window = limit.algorithm == window;
        let most = if is_window { MOST_REFUSED_PERCENT_OF_WINDOWS } else { MOST_REFUSED_PERCENT };
        // The first quota of a window may be used at once, when nothing is known of it.
        let fastest = if is_window { 0.7 } else { 0.85 };
        if came.refused_percent >= most || !(fastest..=1.15).contains(&came.slower) {
            failed += 1;
            table += "NOT HELD ";
        }
        let Together { requests, refused_percent, slower, per_call } = came;
        let _ = writeln!(
            table,
            "{processes} syncs, {limit:?}: {requests} requests, {slower:.2} x, {refused_percent:.2} % over the limit, {per_call:.1} requests a call"
        );
    }
    assert!(failed == 0, "{failed} cases:\n{table}");
}

/// What one sync finds out, the next ones know, and need hardly a 429 for it. Ten requests cost one call.
#[test]
fn the_limit_that_was_found_out_is_kept_to_by_the_syncs_of_the_next_hour() {
    for headers in [LimitHeaders::None, LimitHeaders::RetryAfterSeconds] {
        let algorithm = LimitAlgorithm::TokenBucket;
        let limit = RateLimit { per_second: 50.0, burst: 50.0, algorithm, headers, retry_after_s: 0 };
        simulate(async {
            let tenant = Tenant::new(limit);
            for _ in 0..4 {
                tenant.read(2).await;
            }
            sleep(Duration::from_hours(1)).await;
            let came = tenant.read(20).await;
            let Together { refused_percent, slower, per_call, .. } = came;
            assert!(
                refused_percent < 0.5 && slower <= 1.15 && per_call >= 9.0,
                "{headers:?}: {slower:.2} x, {refused_percent:.2} % over the limit, {per_call:.1} requests a call"
            );
        });
    }
}
