//! A limit that the syncs of a tenant have in common, through a real Redis.

use std::process::Stdio;
use std::time::{Duration, Instant};

use navan_sandbox::{LimitAlgorithm, LimitHeaders, RateLimit, Sandbox, Settings};
use redis::cmd;
use serde_json::json;

use crate::harness::{Connector, Run, assert_distinct};
use crate::redis_server::RedisServer;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Navan's limit, in requests a second.
const LIMIT: f64 = 50.0;

/// A company that takes some 60 requests, with that limit.
fn sandbox(transactions: u64) -> Sandbox {
    let limit = RateLimit {
        per_second: LIMIT,
        burst: LIMIT,
        algorithm: LimitAlgorithm::TokenBucket,
        headers: LimitHeaders::RetryAfterSeconds,
        retry_after_s: 0,
    };
    let settings = Settings { bookings: 40, transactions, users: 10, limit: Some(limit), ..Settings::default() };
    Sandbox::start(settings).unwrap()
}

fn sharing(sandbox: &Sandbox, redis: &RedisServer) -> Connector {
    Connector::against(sandbox).config("shared_state", json!({"redis_url": redis.url(), "encryption_key": KEY}))
}

fn assert_complete(sandbox: &Sandbox, run: &Run) {
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let truth = sandbox.ground_truth();
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len() as u64, truth.booking.rows);
    assert_eq!(assert_distinct(&run.keys("USER")).len() as u64, truth.user.rows);
}

/// What was told of shared state.
fn told(run: &Run) -> Vec<&str> {
    run.logs("WARN").into_iter().filter(|line| line.contains("hared state")).collect()
}

fn read_together(connectors: &[Connector]) -> Vec<Run> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = connectors.iter().map(|connector| scope.spawn(|| connector.read())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn twenty_syncs_that_start_together_keep_to_the_limit_with_one_token() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox(4);
    let connectors: Vec<_> = (0..20).map(|_| sharing(&sandbox, &redis)).collect();
    for run in read_together(&connectors) {
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run), [""; 0]);
    }
    let counts = sandbox.counts();
    assert_eq!(counts.token_requests, 1);
    let (requests, too_many) = (counts.requests, counts.too_many);
    assert!(requests > 600, "{requests} requests say little");
    assert!(too_many * 50 < requests, "{too_many} of {requests} requests were too many");
    // To find a limit it has to be met. Slower it may be on a machine that has other things to do.
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    let rate = requests as f64 / counts.seconds;
    assert!(rate <= 0.95 * LIMIT, "{rate:.1} requests a second");
}

/// The second ones know what the first have found out.
#[test]
fn what_is_known_of_the_limit_outlives_the_sync() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox(12);
    let read = || {
        let before = sandbox.counts();
        let connectors: Vec<_> = (0..4).map(|_| sharing(&sandbox, &redis)).collect();
        for run in read_together(&connectors) {
            assert_complete(&sandbox, &run);
        }
        let after = sandbox.counts();
        (after.requests - before.requests, after.too_many - before.too_many)
    };
    let (_, found_by) = read();
    let (requests, too_many) = read();
    assert!(too_many * 20 < requests, "{too_many} of {requests}, {found_by} before");
}

/// Something happens to Redis in the middle of a sync.
fn read_while(happens: impl FnOnce(&mut RedisServer), kept: impl FnOnce(&RedisServer)) -> Option<Vec<String>> {
    let mut redis = RedisServer::start(&[])?;
    let sandbox = sandbox(4);
    let connector = sharing(&sandbox, &redis);
    let process = connector.start("read");
    // What it writes is taken meanwhile, or it would wait for that.
    let output = std::thread::spawn(move || process.wait_with_output().unwrap());
    while sandbox.counts().requests < 20 && !output.is_finished() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!output.is_finished(), "nothing can happen in the middle");
    happens(&mut redis);
    let run = Run::from(output.join().unwrap());
    assert_complete(&sandbox, &run);
    kept(&redis);
    Some(told(&run).into_iter().map(str::to_owned).collect())
}

#[test]
fn a_redis_that_is_killed_in_the_middle_is_told_of_once() {
    let Some(told) = read_while(RedisServer::kill, |_| {}) else { return };
    assert!(matches!(&told[..], [line] if line.contains("cannot be reached")), "{told:?}");
}

#[cfg(unix)]
#[test]
fn a_redis_that_stops_answering_in_the_middle_is_told_of_once() {
    let Some(told) = read_while(|redis| redis.pause(), |_| {}) else { return };
    assert!(matches!(&told[..], [line] if line.contains("has not answered")), "{told:?}");
}

#[test]
fn a_redis_that_forgets_everything_in_the_middle_is_told_again() {
    let flush = |redis: &mut RedisServer| cmd("FLUSHALL").exec(&mut redis.connect()).unwrap();
    let kept = |redis: &RedisServer| {
        let names: Vec<String> = cmd("KEYS").arg("*:limit").query(&mut redis.connect()).unwrap();
        assert_eq!(names.len(), 1, "the limit is not there any more");
    };
    let Some(told) = read_while(flush, kept) else { return };
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_redis_that_becomes_full_in_the_middle_is_told_of_once() {
    let fill = |redis: &mut RedisServer| {
        let mut connection = redis.connect();
        for (setting, value) in [("maxmemory-policy", "noeviction"), ("maxmemory", "1")] {
            cmd("CONFIG").arg("SET").arg(setting).arg(value).exec(&mut connection).unwrap();
        }
    };
    let Some(told) = read_while(fill, |_| {}) else { return };
    assert!(matches!(&told[..], [line] if line.contains("OOM")), "{told:?}");
}

#[test]
fn a_sync_that_dies_keeps_nobody_waiting() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox(4);
    for _ in 0..3 {
        let connector = sharing(&sandbox, &redis);
        let mut process = connector.start_into("read", Stdio::null());
        let before = sandbox.counts().requests;
        while sandbox.counts().requests < before + 20 {
            std::thread::sleep(Duration::from_millis(10));
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let began = Instant::now();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert_eq!(told(&run), [""; 0]);
    // Some 60 requests, at 20 a second at the least; a slot that somebody waits for would take far longer.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
