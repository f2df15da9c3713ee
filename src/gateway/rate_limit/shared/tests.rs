//! The script on a real Redis, against the model; and what a process does when the store is away or says something odd.

use std::cell::Cell;
use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt as _;
use futures::future::join_all;
use redis::cmd;
use tokio::time::{Instant, advance, sleep, timeout};

use super::model::{LimitModel, SharedModel};
use super::*;
use crate::gateway::Timings;
use crate::secret::Secret;
use crate::shared_state::{EncryptionKey, SharedState, SharedStateConfig, Tenant};

#[allow(dead_code)] // it does more for others
#[path = "../../../../tests/it/redis_server.rs"]
mod redis_server;

use redis_server::RedisServer;

const S: Duration = Duration::from_secs(1);

/// The fields that are times.
const TIMES: [&str; 4] = ["until", "free", "busy", "last"];

fn shared_state(redis: &RedisServer) -> Rc<SharedState> {
    let key = EncryptionKey::parse(EncryptionKey::generate().unwrap().expose()).unwrap();
    let config = SharedStateConfig { redis_url: Secret::new(redis.url()), key };
    let (client_id, client_secret) = (&Secret::new("id".to_owned()), &Secret::new("secret".to_owned()));
    let tenant = Tenant { region: "us", token_url: "https://api.navan.com", client_id, client_secret };
    Rc::new(SharedState::of(&config, tenant).unwrap())
}

/// Any call, of a process that knows what `last` says, or something else.
fn any_call(rng: &mut Rng, last: Option<&StoreAnswer>) -> Call {
    let knows = rng.u8(..10) < 8;
    let (version, pause_number) =
        last.filter(|_| knows).map_or((rng.u64(..3), rng.u64(..3)), |last| (last.version, last.pause_number));
    let rate = *rng.choice(&[0.08, 0.3, 1.0, 6.4, 7.3, 40.0, 123.456, 800.0]).unwrap();
    let estimate = (rng.u8(..10) < 4).then(|| (rate, format!("estimate {}", rng.u32(..))));
    let wait = Duration::from_micros(rng.u64(..3_000_000));
    let pause = (estimate.is_some() && rng.bool()).then(|| NewPause { wait, saved: wait.min(S) * rng.u32(..2) });
    Call {
        count: rng.u32(..13),
        given_back: rng.u32(..4),
        answered: rng.u32(..20),
        refused: rng.u32(..3),
        known_answered: rng.u64(..1_000),
        known_refused: rng.u64(..1_000),
        version,
        pause_number,
        estimate,
        pause,
    }
}

#[tokio::test]
async fn the_script_does_what_the_model_does() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let shared = shared_state(&redis);
    let (name, mut connection) = (shared.name("limit"), redis.connect());
    let store = RedisLimit::of(shared);
    for seed in 0..200 {
        let rng = &mut Rng::with_seed(seed);
        cmd("DEL").arg(&name).exec(&mut connection).unwrap();
        let mut model = LimitModel::default();
        let mut last: Option<StoreAnswer> = None;
        for step in 0..60 {
            match rng.u8(..20) {
                // Time passes, or the clock is set back, which is the same as all times being others.
                0..5 if model.rate.is_some() => {
                    #[allow(clippy::cast_precision_loss)] // far below 2^53
                    let by = (rng.u64(..40_000_000) as f64) * if rng.u8(..8) == 0 { -100.0 } else { 1.0 };
                    let times = [&mut model.until, &mut model.free, &mut model.busy, &mut model.last];
                    for (field, time) in TIMES.into_iter().zip(times) {
                        *time = (*time - by).max(0.0);
                        cmd("HSET").arg(&name).arg(field).arg(format!("{time:.0}")).exec(&mut connection).unwrap();
                    }
                }
                5 => {
                    cmd("DEL").arg(&name).exec(&mut connection).unwrap();
                    model = LimitModel::default();
                }
                _ => {}
            }
            let call = any_call(rng, last.as_ref());
            let answer = store.call(call.clone()).await.unwrap();
            let now = u64::try_from(answer.now.as_micros()).unwrap();
            let (expected, told) = model.call(now, &call);
            assert_eq!(answer, expected, "seed {seed}, step {step}: {call:?}");
            if let Some((number, _)) = told {
                let mut pauses = store.pauses();
                let heard = pauses.wait_for(|pause| pause.is_some_and(|pause| pause.number == number));
                timeout(5 * S, heard).await.expect("a pause is told to all").unwrap();
            }
            last = Some(answer);
        }
    }
}

#[tokio::test]
async fn what_stands_in_the_place_of_the_state_and_is_none_is_replaced() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let shared = shared_state(&redis);
    let (name, mut connection) = (shared.name("limit"), redis.connect());
    let store = RedisLimit::of(shared);
    let begin = Call { count: 1, estimate: Some((20.0, "an estimate".to_owned())), ..Call::default() };
    let odd = [
        vec![],
        vec!["rate", "fast", "version", "5", "pause", "7"],
        vec!["rate", "20", "version", "5"],
        vec!["rate", "nan", "estimate", "x", "free", "nan", "until", "nan", "busy", "nan"],
        vec!["rate", "0", "estimate", "x", "answered", "-5"],
        vec!["rate", "1e300", "estimate", "x", "version", "1e300"],
        vec!["estimate", "x", "free", "never", "until", "inf"],
    ];
    for fields in odd {
        cmd("DEL").arg(&name).exec(&mut connection).unwrap();
        if fields.is_empty() {
            cmd("SET").arg(&name).arg("something else").exec(&mut connection).unwrap();
        } else {
            cmd("HSET").arg(&name).arg(&fields).exec(&mut connection).unwrap();
        }
        assert_eq!(store.call(Call { count: 1, ..Call::default() }).await.unwrap().rate, None, "{fields:?}");
        let answer = store.call(begin.clone()).await.unwrap();
        assert_eq!((answer.rate, answer.start), (Some(20.0), answer.now), "{fields:?}");
    }
    // What can be used is.
    let poison = ["free", "nan", "until", "nan", "busy", "-1", "answered", "1e300", "last", "inf"];
    cmd("HSET").arg(&name).arg(&poison).exec(&mut connection).unwrap();
    let answer = store.call(Call { count: 1, ..Call::default() }).await.unwrap();
    assert_eq!((answer.rate, answer.until), (Some(20.0), Duration::ZERO));
    assert!(answer.start <= answer.now, "{answer:?}");
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let store = RedisLimit::of(shared_state(&redis));
    for _ in 0..3 {
        store.call(Call::default()).await.expect("Redis is there");
        let mut connection = redis.connect();
        cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").exec(&mut connection).unwrap();
        cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes").exec(&mut connection).unwrap();
    }
}

fn model() -> Rc<SharedModel> {
    SharedModel::start(Duration::from_secs(1_800_000_000), Duration::from_millis(1))
}

fn sharing(store: &Rc<SharedModel>) -> RateLimiter {
    let limiter = RateLimiter::new(None, Timings::DEFAULT);
    limiter.share(Rc::clone(store) as Rc<dyn LimitStore>);
    limiter
}

async fn answer(limiter: &RateLimiter) {
    limiter.acquire().await.unwrap().record_answer(None);
}

/// Meets a limit after 9 s of ten requests a second.
async fn find_limit(limiter: &RateLimiter) {
    for _ in 0..90 {
        advance(S / 10).await;
        answer(limiter).await;
    }
    limiter.acquire().await.unwrap().record_429(Some(S), None).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_one_begins_is_kept_by_all_at_once() {
    let store = model();
    let (one, other) = (sharing(&store), sharing(&store));
    for _ in 0..10 {
        answer(&one).await;
        answer(&other).await;
    }
    let began = Instant::now();
    one.acquire().await.unwrap().record_429(Some(7 * S), None).unwrap();
    // It is told with the next request.
    let waits = [&one, &other].map(|limiter| {
        async move {
            answer(limiter).await;
            began.elapsed()
        }
        .boxed_local()
    });
    for wait in join_all(waits).await {
        assert!((7 * S..8 * S).contains(&wait), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_has_found_out_the_others_know_from_their_first_request_on() {
    let store = model();
    let one = sharing(&store);
    for _ in 0..3 {
        find_limit(&one).await;
    }
    answer(&one).await;
    let other = sharing(&store);
    assert_eq!(other.observed_limit(), None);
    answer(&other).await;
    let (known, told) = (one.observed_limit().unwrap(), other.observed_limit().unwrap());
    assert!((known - told).abs() < 0.02 * known, "{known} and {told}");
}

#[tokio::test(start_paused = true)]
async fn who_joins_in_the_middle_counts_what_was_answered_before_as_well() {
    let store = model();
    let one = sharing(&store);
    for _ in 0..200 {
        advance(S / 10).await;
        answer(&one).await;
    }
    let other = sharing(&store);
    answer(&other).await;
    other.acquire().await.unwrap().record_429(Some(S), None).unwrap();
    // 20 s of ten requests a second.
    let limit = other.observed_limit().unwrap();
    assert!((6.0..12.0).contains(&limit), "{limit}");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_for_the_end_of_a_pause_is_told_so() {
    let store = model();
    let (one, other) = (sharing(&store), RateLimiter::new(None, Timings::DEFAULT.for_check()));
    other.share(Rc::clone(&store) as Rc<dyn LimitStore>);
    answer(&one).await;
    one.acquire().await.unwrap().record_429(Some(600 * S), None).unwrap();
    let began = Instant::now();
    let ((), ()) = tokio::join!(answer(&one), async {
        sleep(S).await;
        let error = other.acquire().await.err();
        assert!(matches!(error, Some(LimitExceeded::TooLong(wait)) if wait > 590 * S), "{error:?}");
        assert!(began.elapsed() < 2 * S, "{:?}", began.elapsed());
    });
    assert!(began.elapsed() >= 600 * S);
}

#[tokio::test(start_paused = true)]
async fn nobody_seems_to_have_seen_a_limit_that_is_only_begun_with() {
    let store = model();
    let limiter = sharing(&store);
    let began = Instant::now();
    for _ in 0..30 {
        answer(&limiter).await;
    }
    assert!(began.elapsed() > S, "many that begin together do not begin at full speed");
    assert_eq!((limiter.observed_limit(), limiter.share_used()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn without_the_store_everything_goes_on_at_the_limit_that_is_known_and_with_it_again_later() {
    let store = model();
    let limiter = sharing(&store);
    find_limit(&limiter).await;
    answer(&limiter).await;
    let calls = store.calls.get();
    store.is_away.set(true);
    let began = Instant::now();
    for _ in 0..100 {
        answer(&limiter).await;
    }
    let took = began.elapsed();
    assert!(took > 5 * S && took < 20 * S, "{took:?}");
    assert_eq!(store.calls.get(), calls + 1, "it is left alone for a while");
    store.is_away.set(false);
    sleep(LONGEST_ABSENCE).await;
    for _ in 0..20 {
        answer(&limiter).await;
    }
    assert!(store.calls.get() > calls + 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_loses_its_memory_is_told_what_is_known() {
    let store = model();
    let limiter = sharing(&store);
    find_limit(&limiter).await;
    answer(&limiter).await;
    let known = limiter.observed_limit().unwrap();
    store.flush();
    for _ in 0..30 {
        answer(&limiter).await;
    }
    let other = sharing(&store);
    answer(&other).await;
    let told = other.observed_limit().unwrap();
    assert!(told >= 0.9 * known, "{known} and {told}");
}

#[tokio::test(start_paused = true)]
async fn the_slots_of_a_process_that_died_pass_by() {
    let store = model();
    let one = sharing(&store);
    // Leisurely, so that nobody minds how many it leases.
    for _ in 0..40 {
        advance(S / 10).await;
        answer(&one).await;
    }
    let held = one.state.borrow().share.as_ref().and_then(|share| share.slots.as_ref()).map_or(0, |slots| slots.left);
    assert!(held > 1, "{held} slots");
    drop(one);
    let other = sharing(&store);
    let began = Instant::now();
    answer(&other).await;
    assert!(began.elapsed() < 2 * S, "{:?}", began.elapsed());
}

/// A store that says what it likes.
struct Odd {
    estimates: Vec<&'static str>,
    calls: Cell<usize>,
    pauses: watch::Sender<Option<Pause>>,
}

impl LimitStore for Odd {
    fn call(&self, call: Call) -> LocalBoxFuture<'_, Result<StoreAnswer, Away>> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        let now = Duration::from_secs(1_800_000_000);
        let answer = StoreAnswer {
            now,
            rate: Some(1e9),
            start: now,
            version: call.version + 1,
            pause_number: 0,
            until: Duration::ZERO,
            answered: u64::MAX,
            refused: u64::MAX,
            known_answered: 0,
            known_refused: 0,
            busy: Duration::ZERO,
            busy_answered: 0,
            estimate: Some(self.estimates[number % self.estimates.len()].to_owned()),
        };
        async move { Ok(answer) }.boxed_local()
    }

    fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pauses.subscribe()
    }
}

#[tokio::test(start_paused = true)]
async fn an_estimate_that_nobody_can_have_made_is_not_believed() {
    let possible = LimitEstimate::assumed(Some(50.0), Duration::from_secs(1_800_000_000)).to_text().unwrap();
    let with = |from: &str, to: &str| {
        let text = possible.replace(from, to);
        assert_ne!(text, possible, "{from} is not in it");
        &*text.leak()
    };
    let estimates = vec![
        "",
        "{}",
        "null",
        with("\"limit\":50.0", "\"limit\":null"),
        with("\"seen\":50.0", "\"seen\":1e308"),
        with("\"in_a_row\":0", "\"in_a_row\":4294967295"),
        with("\"calm\":0", "\"calm\":18446744073709551615"),
        with("\"answers\":0", "\"answers\":18446744073709551615"),
        with("\"limit\":50.0", "\"limit\":1e300"),
        with("\"limit\":50.0", "\"limit\":-1.0"),
        with(r#""secs":75"#, r#""secs":18446744073709551615"#),
        with(r#""calm_since":{"secs":1800000000"#, r#""calm_since":{"secs":18446744073709551615"#),
        with(r#""since":{"secs":1800000000"#, r#""since":{"secs":18446744073709551615"#),
        with(r#""recent":"""#, r#""recent":7"#),
    ];
    let kinds = estimates.len();
    let store = Rc::new(Odd { estimates, calls: Cell::new(0), pauses: watch::Sender::new(None) });
    let limiter = RateLimiter::new(None, Timings::DEFAULT);
    limiter.share(Rc::clone(&store) as Rc<dyn LimitStore>);
    while store.calls.get() < kinds {
        answer(&limiter).await;
        assert_eq!(limiter.observed_limit(), None, "call {}", store.calls.get());
    }
}
