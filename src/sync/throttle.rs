//! Telling the platform what is being waited for: while Navan's limit pauses all requests, the open streams are
//! `RATE_LIMITED`, and the log says so again each minute, so that a waiting sync is not taken for a dead one.

use std::convert::Infallible;

use tokio::time::{Instant, sleep_until};

use super::session::Session;
use crate::api::Api;
use crate::gateway::Pause;
use crate::monitor::Monitor;

/// Reports pauses as long as it is polled.
pub(super) async fn report(api: &Api, sessions: &[Session], monitor: &Monitor) -> Infallible {
    let mut pauses = api.pauses();
    let every = api.timings().notice;
    let mut since = None;
    let mut next_notice = Instant::now();
    loop {
        let pause = *pauses.borrow_and_update();
        match pause {
            Some(_) => {
                if since.is_none() {
                    next_notice = Instant::now() + every;
                }
                since.get_or_insert_with(Instant::now);
                tell(sessions, pause);
            }
            None => {
                if since.take().is_some() {
                    tell(sessions, None);
                }
            }
        }
        loop {
            tokio::select! {
                changed = pauses.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await; // the gateway is gone: nothing pauses any more
                    }
                    break;
                }
                () = sleep_until(next_notice), if since.is_some() => {
                    let lasting = since.map_or_else(Default::default, |since| since.elapsed());
                    tracing::info!("Waiting for Navan's rate limit, for {} s now.", lasting.as_secs());
                    monitor.throttled(lasting);
                    next_notice += every;
                }
            }
        }
    }
}

fn tell(sessions: &[Session], pause: Option<Pause>) {
    for session in sessions {
        session.throttle(pause);
    }
}
