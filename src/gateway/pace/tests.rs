use futures::future::join_all;
use tokio::time::{advance, timeout};

use super::*;

const S: Duration = Duration::from_secs(1);

fn pace() -> Pace {
    Pace::new(None, Timings::DEFAULT)
}

/// The rate at which requests go at present, in requests a second.
fn rate(pace: &Pace) -> f64 {
    pace.state.lock().bucket.rate().unwrap()
}

fn assert_rate(pace: &Pace, expected: f64) {
    let rate = rate(pace);
    assert!((rate - expected).abs() < 1e-6, "{rate} instead of {expected}");
}

/// `answers` requests, one after another, each of which takes `each`.
async fn answers(pace: &Pace, answers: u32, each: Duration) {
    for _ in 0..answers {
        let pass = pace.admit().await.unwrap();
        advance(each).await;
        pass.answered(None);
    }
}

async fn throttled(pace: &Pace, retry_after: Option<Duration>) {
    pace.admit().await.unwrap().throttled(retry_after).unwrap();
}

/// How long the next request waits for its turn; its pass comes along.
async fn wait_of(pace: &Pace) -> (Duration, Pass<'_>) {
    let asked = Instant::now();
    let pass = pace.admit().await.unwrap();
    (asked.elapsed(), pass)
}

#[allow(clippy::unnecessary_wraps)] // as `answered` takes it
fn reading(remaining: f64, seconds: u64) -> Option<Reading> {
    Some(Reading { remaining, reset_in: Duration::from_secs(seconds) })
}

#[tokio::test(start_paused = true)]
async fn until_a_limit_is_seen_nothing_waits() {
    let pace = pace();
    let asked = Instant::now();
    for _ in 0..1_000 {
        pace.admit().await.unwrap().answered(None);
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_429_with_retry_after_makes_everybody_wait_that_long() {
    let pace = pace();
    throttled(&pace, Some(7 * S)).await;
    let asked = Instant::now();
    let waits = join_all((0..4).map(async |_| {
        pace.admit().await.unwrap().answered(None);
        asked.elapsed()
    }));
    assert!(waits.await.into_iter().all(|wait| wait >= 7 * S));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_retry_after_pauses_a_second_and_doubles() {
    let pace = pace();
    let mut waits = Vec::new();
    throttled(&pace, None).await;
    for _ in 0..8 {
        let (waited, probe) = wait_of(&pace).await;
        waits.push(waited.as_secs());
        probe.throttled(None).unwrap();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_success_starts_the_doubling_anew() {
    let pace = pace();
    throttled(&pace, None).await;
    wait_of(&pace).await.1.throttled(None).unwrap();
    wait_of(&pace).await.1.answered(None);
    throttled(&pace, None).await;
    assert_eq!(wait_of(&pace).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn a_single_request_ends_a_pause_of_unknown_length() {
    let pace = pace();
    throttled(&pace, None).await;
    let (_, probe) = wait_of(&pace).await;
    assert!(timeout(3_600 * S, pace.admit()).await.is_err(), "a second request went beside the probe");
    let (pass, ()) = tokio::join!(pace.admit(), async { probe.answered(None) });
    pass.unwrap().answered(None);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_lets_another_go() {
    let pace = pace();
    throttled(&pace, None).await;
    let (_, probe) = wait_of(&pace).await;
    let (next, ()) = tokio::join!(timeout(S, pace.admit()), async { drop(probe) });
    assert!(next.unwrap().unwrap().probe);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_429_ends_the_sync_tells_all_who_wait() {
    let pace = pace();
    throttled(&pace, None).await;
    let (_, probe) = wait_of(&pace).await;
    assert!(probe.throttled(Some(3_600 * S)).is_err());
    let next = timeout(60 * S, pace.admit()).await.expect("the other streams wait forever");
    assert_eq!(next.err(), Some(Throttled::TooLong(3_600 * S)));
}

#[tokio::test(start_paused = true)]
async fn the_429s_to_requests_of_before_the_pause_are_one_event() {
    let pace = pace();
    let passes = join_all((0..4).map(async |_| pace.admit().await.unwrap())).await;
    for pass in passes {
        pass.throttled(None).unwrap();
    }
    assert_eq!(wait_of(&pace).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn a_late_429_of_before_the_pause_does_not_prolong_it() {
    let pace = pace();
    let (first, late) = (pace.admit().await.unwrap(), pace.admit().await.unwrap());
    first.throttled(Some(2 * S)).unwrap();
    advance(S).await;
    late.throttled(Some(10 * S)).unwrap();
    assert_eq!(wait_of(&pace).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_80_percent_of_the_answers_over_their_time_and_the_wait() {
    let pace = pace();
    answers(&pace, 90, S / 10).await; // 9 s
    throttled(&pace, Some(S)).await;
    assert_rate(&pace, 0.8 * 90.0 / 10.0);
}

#[tokio::test(start_paused = true)]
async fn waits_that_add_up_count_as_asked_for() {
    let pace = pace();
    answers(&pace, 90, S / 10).await; // 9 s
    throttled(&pace, None).await; // 1 s
    wait_of(&pace).await.1.throttled(None).unwrap(); // 2 s
    assert_rate(&pace, 0.8 * 90.0 / 12.0);
}

#[tokio::test(start_paused = true)]
async fn a_429_before_any_answer_tells_no_rate() {
    let pace = pace();
    throttled(&pace, Some(S)).await;
    assert!(pace.state.lock().bucket.rate().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_429_never_raises_the_rate() {
    let pace = pace();
    answers(&pace, 10, S).await;
    throttled(&pace, Some(S)).await;
    let before = rate(&pace);
    advance(2 * S).await;
    let passes = join_all((0..2).map(async |_| pace.admit().await.unwrap())).await;
    for pass in passes {
        pass.answered(None);
    }
    throttled(&pace, Some(S / 1_000)).await;
    assert!(rate(&pace) <= before * 1.05);
}

#[tokio::test(start_paused = true)]
async fn the_rate_grows_by_a_percent_a_second_while_requests_queue() {
    let pace = pace();
    answers(&pace, 100, S / 20).await;
    throttled(&pace, Some(S)).await;
    let before = rate(&pace);
    let began = Instant::now();
    while began.elapsed() < 61 * S {
        pace.admit().await.unwrap().answered(None);
    }
    let grown = rate(&pace) / before;
    assert!((1.7..1.9).contains(&grown), "{grown}"); // 1.01^60 = 1.82
}

#[tokio::test(start_paused = true)]
async fn the_rate_does_not_grow_while_nobody_queues() {
    let pace = pace();
    answers(&pace, 100, S / 20).await;
    throttled(&pace, Some(S)).await;
    advance(2 * S).await;
    let before = rate(&pace);
    answers(&pace, 60, S).await;
    assert_rate(&pace, before);
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_holds_before_and_after_a_limit_is_seen() {
    let pace = Pace::new(Some(5.0), Timings::DEFAULT);
    let began = Instant::now();
    for _ in 0..50 {
        pace.admit().await.unwrap().answered(None);
    }
    assert!(began.elapsed() >= 9 * S, "{:?}", began.elapsed());
    pace.admit().await.unwrap().answered(reading(1_000.0, 10));
    pace.admit().await.unwrap().answered(reading(990.0, 10));
    assert!(rate(&pace) <= 5.0);
}

#[tokio::test(start_paused = true)]
async fn headers_set_80_percent_of_what_remains_over_the_time_to_the_reset() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(100.0, 10));
    assert_rate(&pace, 8.0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_window_has_to_last_until_its_end() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(100.0, 10));
    pace.admit().await.unwrap().answered(reading(30.0, 10));
    assert_rate(&pace, 3.0);
}

#[tokio::test(start_paused = true)]
async fn nothing_remaining_pauses_until_the_reset() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(0.0, 12));
    assert_eq!(wait_of(&pace).await.0, 12 * S);
}

#[tokio::test(start_paused = true)]
async fn nothing_remaining_does_not_shorten_a_pause_that_was_asked_for() {
    let pace = pace();
    let (late, throttled) = (pace.admit().await.unwrap(), pace.admit().await.unwrap());
    throttled.throttled(Some(30 * S)).unwrap();
    late.answered(reading(0.0, 5));
    assert_eq!(wait_of(&pace).await.0, 30 * S);
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_an_hour_is_spread_over_it() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(3_600.0, 3_600));
    assert_rate(&pace, 0.8);
}

#[tokio::test(start_paused = true)]
async fn a_quota_used_up_for_longer_than_a_sync_should_wait_ends_it() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(0.0, 3_600));
    assert_eq!(pace.admit().await.err(), Some(Throttled::TooLong(3_600 * S)));
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_is_no_observed_limit() {
    let pace = Pace::new(Some(10.0), Timings::DEFAULT);
    answers(&pace, 30, S / 100).await;
    assert_eq!(pace.share_used(), None);
}

#[tokio::test(start_paused = true)]
async fn a_reset_beyond_any_window_is_not_believed() {
    let pace = pace();
    pace.admit().await.unwrap().answered(reading(0.0, 25 * 3_600));
    assert_eq!(wait_of(&pace).await.0, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_15_minutes_is_waited_for_and_no_longer_one() {
    let pace = pace();
    let most = 900 * S;
    throttled(&pace, Some(most)).await;
    let (waited, pass) = wait_of(&pace).await;
    assert_eq!(waited, most);
    assert_eq!(pass.throttled(Some(most + S)), Err(Throttled::TooLong(most + S)));
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_without_a_success_ends_the_sync() {
    let pace = pace();
    let began = Instant::now();
    let ended = loop {
        if let Err(ended) = pace.admit().await.unwrap().throttled(Some(60 * S)) {
            break ended;
        }
    };
    assert!(matches!(ended, Throttled::TooOften(lasting) if lasting >= 1_800 * S));
    assert!(began.elapsed() <= 1_900 * S);
}

#[tokio::test(start_paused = true)]
async fn a_success_starts_the_half_hour_anew() {
    let pace = pace();
    for _ in 0..100 {
        throttled(&pace, Some(600 * S)).await;
        throttled(&pace, Some(600 * S)).await;
        pace.admit().await.unwrap().answered(None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_published_with_its_end_and_then_cleared() {
    let pace = pace();
    let pauses = pace.pauses();
    throttled(&pace, Some(30 * S)).await;
    let told = pauses.borrow().unwrap().until_ms;
    assert!((told - Utc::now().timestamp_millis() - 30_000).abs() < 5_000);
    pace.admit().await.unwrap().answered(None);
    assert!(pauses.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_unknown_length_is_published_until_its_probe_is_answered() {
    let pace = pace();
    let pauses = pace.pauses();
    throttled(&pace, None).await;
    let (_, probe) = wait_of(&pace).await;
    assert!(pauses.borrow().is_some());
    probe.answered(None);
    assert!(pauses.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_requests_do_not_come_all_at_once() {
    let pace = pace();
    answers(&pace, 100, S / 20).await;
    throttled(&pace, Some(10 * S)).await;
    advance(10 * S).await;
    let began = Instant::now();
    for _ in 0..=10 {
        pace.admit().await.unwrap().answered(None);
    }
    let at_most = 10.0 / (0.8 * 100.0 / 15.0);
    assert!(began.elapsed().as_secs_f64() >= at_most * 0.9, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_share_used_is_known_only_once_a_limit_is() {
    let pace = pace();
    answers(&pace, 90, S / 10).await;
    assert_eq!(pace.share_used(), None);
    throttled(&pace, Some(S)).await;
    answers(&pace, 90, Duration::ZERO).await;
    let share = pace.share_used().unwrap();
    assert!((0.5..0.85).contains(&share), "{share}");
}
