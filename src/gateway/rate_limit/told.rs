//! A limit that the server tells itself (`X-RateLimit-*`): what remains, until when. Of a window it is made sure that what is left lasts
//! until its end; what fills up again bit by bit tells how much there is at most.

use std::time::Duration;

use tokio::time::Instant;

use super::estimate::SHARE_OF_LIMIT;
use super::headers::RateLimitHeaders;
use super::{LimitExceeded, LimiterState, ProbeState, RateLimiter};

/// What resets more often is no window, but fills up bit by bit.
const SHORTEST_WINDOW: Duration = Duration::from_secs(2);

/// An answer says of the reset what was true when its request came, which may be so long ago.
const SLOWEST_ANSWER: Duration = Duration::from_secs(5);

/// A reset is told in whole seconds.
const LEAST_LEFT: f64 = 0.5;

/// Less than this part of the limit is the rest of a window.
const REST: f64 = 0.25;

/// A window of the server's that is longer means something else.
const MAX_WINDOW: Duration = Duration::from_hours(24);

/// The server's own window, from its headers.
#[derive(Clone, Copy)]
pub(super) struct ServerWindow {
    remaining: f64,
    resets_at: Instant,
    /// The first of its answers, and how far away it said that the reset was.
    first: (Instant, Duration),
}

impl ServerWindow {
    /// Whether its reset is as far away as it was a while ago.
    fn moves_on(self, reset_in: Duration, now: Instant) -> bool {
        let (when, was_in) = self.first;
        now.saturating_duration_since(when) > SLOWEST_ANSWER && reset_in + Duration::from_secs(1) > was_in
    }
}

impl RateLimiter {
    /// Follows the server's own numbers; returns the limit that they tell at present.
    pub(super) fn read(&self, state: &mut LimiterState, headers: RateLimitHeaders, now: Instant) -> Option<f64> {
        if headers.reset_in > MAX_WINDOW {
            return None; // no window is that long: it means something else
        }
        let at = state.at(now);
        state.tells = true;
        state.longest_reset = state.longest_reset.max(headers.reset_in);
        state.is_moving |= state.longest_reset <= SHORTEST_WINDOW
            || state.window.is_some_and(|window| {
                now + Duration::from_secs(1) < window.resets_at && window.moves_on(headers.reset_in, now)
            });
        if state.is_moving {
            state.window = None;
            if let Some(limit) = headers.limit {
                state.estimate.set_most(limit / state.longest_reset.as_secs_f64().max(1.0), at);
            }
            return None;
        }
        let is_first = state.window.is_none();
        let has_ended = state.window.is_some_and(|window| now >= window.resets_at);
        let known = state.window.filter(|window| now < window.resets_at && headers.remaining <= window.remaining);
        // The reset is told in whole seconds, so the earliest of a window's answers is the truest.
        let resets_at = known.map_or(now + headers.reset_in, |window| window.resets_at.min(now + headers.reset_in));
        let first = known.map_or((now, headers.reset_in), |window| window.first);
        state.window = Some(ServerWindow { remaining: headers.remaining, resets_at, first });
        if headers.remaining < 1.0 {
            if headers.reset_in > self.timings.max_retry_after {
                self.give_up(state, LimitExceeded::TooLong(headers.reset_in));
            } else {
                self.wait_for_reset(state, resets_at);
            }
            return None;
        }
        let allowed = headers.remaining / (resets_at - now).as_secs_f64().max(LEAST_LEFT);
        // Many together use the rest up rather than have it last: they would be given turns far beyond the window's end.
        if let (Some(_), Some(limit)) = (&state.share, state.estimate.observed())
            && (known.is_some() || headers.limit.is_some_and(|whole| headers.remaining < REST * whole))
            && allowed < REST * limit
            && resets_at - now <= self.timings.max_cooldown
        {
            self.wait_for_reset(state, resets_at);
            return None;
        }
        match state.estimate.observed() {
            // A window begins: the share is to be kept from its first request on.
            Some(limit) if known.is_none() && allowed < limit => state.estimate.set(allowed, at),
            // What was left of the one before says nothing of it.
            Some(limit) if has_ended => {
                let whole = headers.remaining / state.longest_reset.as_secs_f64().max(0.001);
                state.estimate.set(limit.max(whole), at);
            }
            // What others knew was of a window that has ended, perhaps.
            Some(limit) if is_first && state.share.is_some() && allowed > limit => state.estimate.set(allowed, at),
            // In the middle of one, what is left has to last until its end.
            Some(limit) if allowed < SHARE_OF_LIMIT * limit => state.estimate.set(allowed / SHARE_OF_LIMIT, at),
            Some(_) => {}
            None => state.estimate.set(allowed, at),
        }
        Some(allowed)
    }
    /// A cooldown that lasts longer stands: this may be the late answer to a request of before it.
    fn wait_for_reset(&self, state: &mut LimiterState, resets_at: Instant) {
        if state.cooldown.as_ref().is_none_or(|cooldown| cooldown.until < resets_at) {
            self.cooldown(state, resets_at, ProbeState::No);
            if let Some(share) = &mut state.share {
                share.begin_pause(resets_at, false, false);
            }
        }
    }
}
