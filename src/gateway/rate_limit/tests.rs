use futures::future::join_all;
use tokio::time::{advance, timeout};

use super::*;

const S: Duration = Duration::from_secs(1);

fn limiter() -> RateLimiter {
    RateLimiter::new(None, Timings::DEFAULT)
}

/// The rate at which requests go at present, in requests a second.
fn rate(limiter: &RateLimiter) -> f64 {
    limiter.state.borrow().bucket.rate().unwrap()
}

fn assert_rate(limiter: &RateLimiter, expected: f64) {
    let rate = rate(limiter);
    assert!((rate - expected).abs() < 1e-6, "{rate} instead of {expected}");
}

/// `answers` requests, one after another, each of which takes `each`.
async fn answers(limiter: &RateLimiter, answers: u32, each: Duration) {
    for _ in 0..answers {
        let permit = limiter.acquire().await.unwrap();
        advance(each).await;
        permit.record_answer(None);
    }
}

async fn record_429(limiter: &RateLimiter, retry_after: Option<Duration>) {
    limiter.acquire().await.unwrap().record_429(retry_after, None).unwrap();
}

/// How long the next request waits for its turn; its permit comes along.
async fn wait_of(limiter: &RateLimiter) -> (Duration, RatePermit<'_>) {
    let asked = Instant::now();
    let permit = limiter.acquire().await.unwrap();
    (asked.elapsed(), permit)
}

#[allow(clippy::unnecessary_wraps)] // as `record_answer` takes it
fn headers(remaining: f64, seconds: u64) -> Option<RateLimitHeaders> {
    Some(RateLimitHeaders { remaining, limit: None, reset_in: Duration::from_secs(seconds) })
}

#[tokio::test(start_paused = true)]
async fn until_a_limit_is_seen_nothing_waits() {
    let limiter = limiter();
    let asked = Instant::now();
    for _ in 0..1_000 {
        limiter.acquire().await.unwrap().record_answer(None);
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_429_with_retry_after_makes_everybody_wait_that_long() {
    let limiter = limiter();
    record_429(&limiter, Some(7 * S)).await;
    let asked = Instant::now();
    let waits = join_all((0..4).map(async |_| {
        limiter.acquire().await.unwrap().record_answer(None);
        asked.elapsed()
    }));
    assert!(waits.await.into_iter().all(|wait| wait >= 7 * S));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_retry_after_pauses_a_second_and_doubles() {
    let limiter = limiter();
    let mut waits = Vec::new();
    record_429(&limiter, None).await;
    for _ in 0..8 {
        let (waited, probe) = wait_of(&limiter).await;
        waits.push(waited.as_secs());
        probe.record_429(None, None).unwrap();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_success_starts_the_doubling_anew() {
    let limiter = limiter();
    record_429(&limiter, None).await;
    wait_of(&limiter).await.1.record_429(None, None).unwrap();
    wait_of(&limiter).await.1.record_answer(None);
    record_429(&limiter, None).await;
    assert_eq!(wait_of(&limiter).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn a_single_request_ends_a_cooldown_of_unknown_length() {
    let limiter = limiter();
    record_429(&limiter, None).await;
    let (_, probe) = wait_of(&limiter).await;
    assert!(timeout(3_600 * S, limiter.acquire()).await.is_err(), "a second request went beside the probe");
    let (permit, ()) = tokio::join!(limiter.acquire(), async { probe.record_answer(None) });
    permit.unwrap().record_answer(None);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_lets_another_go() {
    let limiter = limiter();
    record_429(&limiter, None).await;
    let (_, probe) = wait_of(&limiter).await;
    let (next, ()) = tokio::join!(timeout(S, limiter.acquire()), async { drop(probe) });
    assert!(next.unwrap().unwrap().probe);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_429_ends_the_sync_tells_all_who_wait() {
    let limiter = limiter();
    record_429(&limiter, None).await;
    let (_, probe) = wait_of(&limiter).await;
    assert!(probe.record_429(Some(3_600 * S), None).is_err());
    let next = timeout(60 * S, limiter.acquire()).await.expect("the other streams wait forever");
    assert_eq!(next.err(), Some(LimitExceeded::TooLong(3_600 * S)));
}

#[tokio::test(start_paused = true)]
async fn the_429s_to_requests_of_before_the_cooldown_are_one_event() {
    let limiter = limiter();
    let passes = join_all((0..4).map(async |_| limiter.acquire().await.unwrap())).await;
    for permit in passes {
        permit.record_429(None, None).unwrap();
    }
    assert_eq!(wait_of(&limiter).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn a_late_429_of_before_the_cooldown_does_not_prolong_it() {
    let limiter = limiter();
    let (first, late) = (limiter.acquire().await.unwrap(), limiter.acquire().await.unwrap());
    first.record_429(Some(2 * S), None).unwrap();
    advance(S).await;
    late.record_429(Some(10 * S), None).unwrap();
    assert_eq!(wait_of(&limiter).await.0, S);
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_80_percent_of_the_answers_over_their_time_and_the_wait() {
    let limiter = limiter();
    answers(&limiter, 90, S / 10).await; // 9 s
    record_429(&limiter, Some(S)).await;
    assert_rate(&limiter, 0.8 * 90.0 / 9.5);
}

#[tokio::test(start_paused = true)]
async fn waits_that_add_up_count_as_asked_for() {
    let limiter = limiter();
    answers(&limiter, 90, S / 10).await; // 9 s
    record_429(&limiter, None).await; // 1 s
    wait_of(&limiter).await.1.record_429(None, None).unwrap(); // 2 s, of which half may have been too long
    assert_rate(&limiter, 0.8 * 90.0 / 11.0);
}

#[tokio::test(start_paused = true)]
async fn a_429_before_any_answer_tells_no_rate() {
    let limiter = limiter();
    record_429(&limiter, Some(S)).await;
    assert!(limiter.state.borrow().bucket.rate().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_429_never_raises_the_rate() {
    let limiter = limiter();
    answers(&limiter, 20, S / 2).await;
    record_429(&limiter, Some(S)).await;
    let before = rate(&limiter);
    advance(2 * S).await;
    let passes = join_all((0..2).map(async |_| limiter.acquire().await.unwrap())).await;
    for permit in passes {
        permit.record_answer(None);
    }
    record_429(&limiter, Some(S / 1_000)).await;
    assert!(rate(&limiter) <= before * 1.05);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_was_seen_twice_is_kept_to_for_a_while_and_then_grows_by_a_percent_a_second() {
    let limiter = limiter();
    answers(&limiter, 100, S / 20).await;
    record_429(&limiter, Some(5 * S)).await;
    answers(&limiter, 100, S / 20).await;
    for _ in 0..3 {
        record_429(&limiter, Some(S)).await;
    }
    let before = rate(&limiter);
    let began = Instant::now();
    let requests_for = async |time| {
        while began.elapsed() < time {
            limiter.acquire().await.unwrap().record_answer(None);
        }
        rate(&limiter) / before
    };
    let kept = requests_for(75 * S).await;
    assert!((kept - 1.0).abs() < 0.02, "{kept}");
    let grown = requests_for(137 * S).await;
    assert!((1.7..1.9).contains(&grown), "{grown}"); // 1.01^60 = 1.82
}

#[tokio::test(start_paused = true)]
async fn the_rate_does_not_grow_while_nobody_queues() {
    let limiter = limiter();
    answers(&limiter, 100, S / 20).await;
    record_429(&limiter, Some(S)).await;
    advance(2 * S).await;
    let before = rate(&limiter);
    answers(&limiter, 60, S).await;
    assert_rate(&limiter, before);
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_holds_before_and_after_a_limit_is_seen() {
    let limiter = RateLimiter::new(Some(5.0), Timings::DEFAULT);
    let began = Instant::now();
    for _ in 0..50 {
        limiter.acquire().await.unwrap().record_answer(None);
    }
    assert!(began.elapsed() >= 9 * S, "{:?}", began.elapsed());
    limiter.acquire().await.unwrap().record_answer(headers(1_000.0, 10));
    limiter.acquire().await.unwrap().record_answer(headers(990.0, 10));
    assert!(rate(&limiter) <= 5.0);
}

#[tokio::test(start_paused = true)]
async fn headers_set_80_percent_of_what_remains_over_the_time_to_the_reset() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(100.0, 10));
    assert_rate(&limiter, 8.0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_window_has_to_last_until_its_end() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(100.0, 10));
    limiter.acquire().await.unwrap().record_answer(headers(30.0, 10));
    assert_rate(&limiter, 3.0);
}

#[tokio::test(start_paused = true)]
async fn nothing_remaining_pauses_until_the_reset() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(0.0, 12));
    assert_eq!(wait_of(&limiter).await.0, 12 * S);
}

#[tokio::test(start_paused = true)]
async fn nothing_remaining_does_not_shorten_a_cooldown_that_was_asked_for() {
    let limiter = limiter();
    let (late, throttled) = (limiter.acquire().await.unwrap(), limiter.acquire().await.unwrap());
    throttled.record_429(Some(30 * S), None).unwrap();
    late.record_answer(headers(0.0, 5));
    assert_eq!(wait_of(&limiter).await.0, 30 * S);
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_an_hour_is_spread_over_it() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(3_600.0, 3_600));
    assert_rate(&limiter, 0.8);
}

#[tokio::test(start_paused = true)]
async fn a_quota_used_up_for_longer_than_a_sync_should_wait_ends_it() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(0.0, 3_600));
    assert_eq!(limiter.acquire().await.err(), Some(LimitExceeded::TooLong(3_600 * S)));
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_is_no_observed_limit() {
    let limiter = RateLimiter::new(Some(10.0), Timings::DEFAULT);
    answers(&limiter, 30, S / 100).await;
    assert_eq!(limiter.share_used(), None);
}

#[tokio::test(start_paused = true)]
async fn a_reset_beyond_any_window_is_not_believed() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(0.0, 25 * 3_600));
    assert_eq!(wait_of(&limiter).await.0, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_15_minutes_is_waited_for_and_no_longer_one() {
    let limiter = limiter();
    let most = 900 * S;
    record_429(&limiter, Some(most)).await;
    let (waited, permit) = wait_of(&limiter).await;
    assert_eq!(waited, most);
    assert_eq!(permit.record_429(Some(most + S), None), Err(LimitExceeded::TooLong(most + S)));
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_without_a_success_ends_the_sync() {
    let limiter = limiter();
    let began = Instant::now();
    let ended = loop {
        if let Err(ended) = limiter.acquire().await.unwrap().record_429(Some(60 * S), None) {
            break ended;
        }
    };
    assert!(matches!(ended, LimitExceeded::TooOften(lasting) if lasting >= 1_800 * S));
    assert!(began.elapsed() <= 1_900 * S);
}

#[tokio::test(start_paused = true)]
async fn a_success_starts_the_half_hour_anew() {
    let limiter = limiter();
    for _ in 0..10 {
        record_429(&limiter, Some(600 * S)).await;
        record_429(&limiter, Some(600 * S)).await;
        limiter.acquire().await.unwrap().record_answer(None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_is_published_with_its_end_and_then_cleared() {
    let limiter = limiter();
    let cooldowns = limiter.cooldowns();
    record_429(&limiter, Some(30 * S)).await;
    let told = cooldowns.borrow().unwrap().until_ms;
    assert!((told - clock::now().timestamp_millis() - 30_000).abs() < 5_000);
    limiter.acquire().await.unwrap().record_answer(None);
    assert!(cooldowns.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_of_unknown_length_is_published_until_its_probe_is_answered() {
    let limiter = limiter();
    let cooldowns = limiter.cooldowns();
    record_429(&limiter, None).await;
    let (_, probe) = wait_of(&limiter).await;
    assert!(cooldowns.borrow().is_some());
    probe.record_answer(None);
    assert!(cooldowns.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn after_a_cooldown_requests_do_not_come_all_at_once() {
    let limiter = limiter();
    answers(&limiter, 100, S / 20).await;
    record_429(&limiter, Some(10 * S)).await;
    advance(10 * S).await;
    let began = Instant::now();
    for _ in 0..=10 {
        limiter.acquire().await.unwrap().record_answer(None);
    }
    // At the rate that was seen they take 1.8 s; it grows meanwhile.
    assert!(began.elapsed() >= S, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_share_used_is_known_only_once_a_limit_is() {
    let limiter = limiter();
    answers(&limiter, 90, S / 10).await;
    assert_eq!(limiter.share_used(), None);
    record_429(&limiter, Some(S)).await;
    answers(&limiter, 90, Duration::ZERO).await;
    let share = limiter.share_used().unwrap();
    assert!((0.5..0.85).contains(&share), "{share}");
}

#[tokio::test(start_paused = true)]
async fn a_stray_429_after_few_answers_is_waited_for_and_forgotten_within_a_minute() {
    let limiter = limiter();
    answers(&limiter, 5, S / 10).await;
    record_429(&limiter, Some(20 * S)).await;
    let began = Instant::now();
    limiter.acquire().await.unwrap().record_answer(None);
    assert!(began.elapsed() >= 20 * S);
    while began.elapsed() < 60 * S {
        limiter.acquire().await.unwrap().record_answer(None);
    }
    assert!(rate(&limiter) > 100.0, "{}", rate(&limiter));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_was_seen_once_is_back_within_a_minute() {
    let limiter = limiter();
    answers(&limiter, 100, S / 100).await;
    record_429(&limiter, Some(20 * S)).await;
    let low = rate(&limiter);
    let began = Instant::now();
    while began.elapsed() < 60 * S {
        limiter.acquire().await.unwrap().record_answer(None);
    }
    assert!(rate(&limiter) > 20.0 * low, "{} after {low}", rate(&limiter));
}

#[tokio::test(start_paused = true)]
async fn strays_below_a_limit_that_was_seen_change_no_rate() {
    let limiter = limiter();
    answers(&limiter, 100, S / 20).await;
    record_429(&limiter, Some(S)).await;
    let before = rate(&limiter);
    for _ in 0..100 {
        answers(&limiter, 24, Duration::ZERO).await;
        record_429(&limiter, Some(S / 10)).await;
    }
    assert!(rate(&limiter) >= before, "{} after {before}", rate(&limiter));
}

#[tokio::test(start_paused = true)]
async fn a_tiny_retry_after_counts_as_a_tenth_of_a_second() {
    let limiter = limiter();
    record_429(&limiter, Some(Duration::from_millis(1))).await;
    assert!(wait_of(&limiter).await.0 >= S / 10);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_would_make_one_request_wait_for_hours_ends_the_sync_and_says_so() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(3.0, 80_000));
    let error = loop {
        match limiter.acquire().await {
            Ok(permit) => permit.record_answer(None),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LimitExceeded::SlowPace(wait) if wait > 15 * 60 * S), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_makes_a_request_wait_for_minutes_is_told() {
    let limiter = limiter();
    limiter.acquire().await.unwrap().record_answer(headers(6.0, 600));
    limiter.acquire().await.unwrap().record_answer(None);
    let mut cooldowns = limiter.cooldowns();
    let told = timeout(S, async { cooldowns.changed().await.unwrap() });
    let (told, _) = tokio::join!(told, timeout(2 * S, limiter.acquire()));
    assert!(told.is_ok() && limiter.cooldowns().borrow().is_some());
}
