//! Telling the platform what is being waited for: while Navan's limit pauses all requests, the open streams are
//! `RATE_LIMITED`, and the log says so again each minute, so that a waiting sync is not taken for a dead one.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::emitter::StreamEmitter;
use crate::api::Api;
use crate::monitor::{Event, emit};

/// Pauses that follow each other closely, which are one event to whoever watches.
struct LimitEpisode {
    began: Instant,
    /// The end of its last pause; `None` while one lasts.
    paused_until: Option<Instant>,
    next_log: Instant,
}

/// Reports pauses as long as it is polled.
pub(super) async fn report<'a>(api: &Api<'_>, emitters: impl Iterator<Item = &'a StreamEmitter> + Clone) -> Infallible {
    let mut pauses = api.pauses();
    let every = api.timings().log_interval;
    let mut episode: Option<LimitEpisode> = None;
    loop {
        let pause = *pauses.borrow_and_update();
        let now = Instant::now();
        match (pause, &mut episode) {
            (Some(_), Some(episode)) if episode.goes_on(now, every) => episode.paused_until = None,
            (Some(_), _) => {
                episode = Some(LimitEpisode { began: now, paused_until: None, next_log: now + every });
            }
            (None, Some(episode)) if episode.paused_until.is_none() => episode.paused_until = Some(now),
            (None, _) => {}
        }
        if pause.is_some() || episode.is_some() {
            emitters.clone().for_each(|emitter| emitter.rate_limited(pause));
        }
        if let Some(episode) = &episode {
            emit(&Event::RateLimited { lasting: episode.began.elapsed() });
        }
        let next_log = episode.as_ref().filter(|t| t.paused_until.is_none()).map(|t| t.next_log);
        tokio::select! {
            changed = pauses.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await; // the gateway is gone: nothing pauses any more
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
    fn goes_on(&self, now: Instant, pause_between: Duration) -> bool {
        self.paused_until.is_none_or(|until| now - until < pause_between)
    }
}
