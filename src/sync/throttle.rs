//! Telling the platform what is being waited for: while Navan's limit pauses all requests, the open streams are
//! `RATE_LIMITED`, and the log says so again each minute, so that a waiting sync is not taken for a dead one.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::session::Session;
use crate::api::Api;
use crate::gateway::Pause;
use crate::monitor::Monitor;

/// Pauses that follow each other closely are one throttling.
struct Throttling {
    began: Instant,
    /// The end of its last pause; `None` while one lasts.
    paused_until: Option<Instant>,
    next_notice: Instant,
}

/// Reports pauses as long as it is polled.
pub(super) async fn report(api: &Api, sessions: &[Session], monitor: &Monitor) -> Infallible {
    let mut pauses = api.pauses();
    let every = api.timings().notice;
    let mut throttling: Option<Throttling> = None;
    loop {
        let pause = *pauses.borrow_and_update();
        let now = Instant::now();
        match (pause, &mut throttling) {
            (Some(_), Some(throttling)) if throttling.goes_on(now, every) => throttling.paused_until = None,
            (Some(_), _) => {
                throttling = Some(Throttling { began: now, paused_until: None, next_notice: now + every });
            }
            (None, Some(throttling)) if throttling.paused_until.is_none() => throttling.paused_until = Some(now),
            (None, _) => {}
        }
        if pause.is_some() || throttling.is_some() {
            tell(sessions, pause);
        }
        if let Some(throttling) = &throttling {
            monitor.throttled(throttling.began.elapsed());
        }
        let next_notice = throttling.as_ref().filter(|t| t.paused_until.is_none()).map(|t| t.next_notice);
        tokio::select! {
            changed = pauses.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await; // the gateway is gone: nothing pauses any more
                }
            }
            () = sleep_until(next_notice.unwrap_or(now)), if next_notice.is_some() => {
                if let Some(throttling) = &mut throttling {
                    tracing::info!("Waiting for Navan's rate limit, for {} s now.", throttling.began.elapsed().as_secs());
                    throttling.next_notice += every;
                }
            }
        }
    }
}

impl Throttling {
    fn goes_on(&self, now: Instant, pause_between: Duration) -> bool {
        self.paused_until.is_none_or(|until| now - until < pause_between)
    }
}

fn tell(sessions: &[Session], pause: Option<Pause>) {
    for session in sessions {
        session.throttle(pause);
    }
}
