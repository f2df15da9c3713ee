//! Telling the platform what is being waited for: while Navan's limit holds back all requests, the open streams are
//! `RATE_LIMITED`, and the log says so again each minute, so that a waiting sync is not taken for a dead one.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::emitter::StreamEmitter;
use crate::api::Api;
use crate::monitor::{Event, emit};

/// Cooldowns that follow each other closely, which are one event to whoever watches.
struct LimitEpisode {
    began: Instant,
    /// The end of its last cooldown; `None` while one lasts.
    ended: Option<Instant>,
    next_log: Instant,
}

/// Reports cooldowns as long as it is polled.
pub(super) async fn report<'a>(
    api: &Api<'_>,
    emitters: impl Iterator<Item = &'a StreamEmitter<'a>> + Clone,
) -> Infallible {
    let mut cooldowns = api.cooldowns();
    let every = api.timings().log_interval;
    let mut episode: Option<LimitEpisode> = None;
    loop {
        let cooldown = *cooldowns.borrow_and_update();
        let now = Instant::now();
        match (cooldown, &mut episode) {
            (Some(_), Some(episode)) if episode.goes_on(now, every) => episode.ended = None,
            (Some(_), _) => {
                episode = Some(LimitEpisode { began: now, ended: None, next_log: now + every });
            }
            (None, Some(episode)) if episode.ended.is_none() => episode.ended = Some(now),
            (None, _) => {}
        }
        if cooldown.is_some() || episode.is_some() {
            emitters.clone().for_each(|emitter| emitter.rate_limited(cooldown));
        }
        if let Some(episode) = &episode {
            emit(&Event::RateLimited { lasting: episode.began.elapsed() });
        }
        let next_log = episode.as_ref().filter(|t| t.ended.is_none()).map(|t| t.next_log);
        tokio::select! {
            changed = cooldowns.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await; // the gateway is gone: nothing is held back any more
                }
            }
            () = sleep_until(next_log.unwrap_or(now)), if next_log.is_some() => {
                if let Some(episode) = &mut episode {
                    tracing::info!("Waiting for Navan's rate limit, for {} s now.", episode.began.elapsed().as_secs());
                    episode.next_log += every;
                }
            }
        }
    }
}

impl LimitEpisode {
    fn goes_on(&self, now: Instant, gap: Duration) -> bool {
        self.ended.is_none_or(|until| now - until < gap)
    }
}
