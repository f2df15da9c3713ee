//! The store in Redis: one script, and a channel on which pauses are told.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, Script};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Away, Call, LimitStore, Pause, StoreAnswer};
use crate::shared_state::{SharedState, Unavailable};

/// Slots a second that somebody can have told.
const RATES: RangeInclusive<f64> = 1e-5..=1e5;

/// From here on numbers are not whole any more in the script.
const MAX_NUMBER: u64 = 1 << 53;

/// What the script keeps, and the channel.
const STATE: &str = "limit";
const CHANNEL: &str = "limit-pauses";

/// The limit of one tenant in Redis.
pub struct RedisLimit {
    shared: Rc<SharedState>,
    script: Script,
    /// Kept from call to call.
    connection: RefCell<Option<MultiplexedConnection>>,
    pauses: Arc<watch::Sender<Option<Pause>>>,
}

/// What the script answers: the rate, the estimate, and numbers.
type Fields = [Option<String>; 13];

impl RedisLimit {
    /// That of the tenant whose state it is.
    pub fn of(shared: Rc<SharedState>) -> Self {
        let pauses = Arc::new(watch::Sender::new(None));
        Self { shared, script: Script::new(include_str!("limit.lua")), connection: RefCell::default(), pauses }
    }

    async fn ask(&self, call: &Call) -> Result<StoreAnswer, Unavailable> {
        let kept = self.connection.take();
        if let Some(connection) = kept {
            match self.ask_over(connection, call).await {
                // It may have been closed since nothing was said for so long.
                Err(Unavailable::Redis(_)) => {}
                answer => return answer,
            }
        }
        let pauses = Arc::clone(&self.pauses);
        let heard = move |message: &[u8]| {
            if let Some(pause) = read_pause(message) {
                pauses.send_replace(Some(pause));
            }
        };
        let connection = self.shared.listening(&self.shared.name(CHANNEL), heard).await?;
        self.ask_over(connection, call).await
    }

    async fn ask_over(&self, mut connection: MultiplexedConnection, call: &Call) -> Result<StoreAnswer, Unavailable> {
        let mut script = self.script.prepare_invoke();
        script.key(self.shared.name(STATE)).key(self.shared.name(CHANNEL));
        script.arg(call.count).arg(call.given_back).arg(call.answered).arg(call.refused);
        script.arg(call.known_answered).arg(call.known_refused).arg(call.version).arg(call.pause_number);
        match &call.estimate {
            Some((rate, estimate)) => script.arg(rate.to_string()).arg(estimate),
            None => script.arg("").arg(""),
        };
        match &call.pause {
            Some(pause) => script.arg(micros(pause.wait)).arg(micros(pause.saved)),
            None => script.arg("").arg(""),
        };
        let fields: Fields = self.shared.within(script.invoke_async(&mut connection)).await?;
        self.connection.replace(Some(connection));
        read(fields).ok_or_else(|| {
            Unavailable::Redis(RedisError::from((ErrorKind::UnexpectedReturnType, "the script answers something else")))
        })
    }
}

impl LimitStore for RedisLimit {
    fn call(&self, call: Call) -> LocalBoxFuture<'_, Result<StoreAnswer, Away>> {
        async move {
            self.ask(&call).await.map_err(|unavailable| {
                self.shared.tell(&unavailable);
                Away
            })
        }
        .boxed_local()
    }

    fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pauses.subscribe()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn read([rate, estimate, numbers @ ..]: Fields) -> Option<StoreAnswer> {
    let mut read = [0; 11];
    for (read, number) in read.iter_mut().zip(&numbers) {
        *read = number.as_deref()?.parse().ok()?;
    }
    let [
        version,
        pause_number,
        until,
        start,
        answered,
        refused,
        known_answered,
        known_refused,
        busy,
        busy_answered,
        now,
    ] = read;
    let rate = match rate {
        Some(rate) => Some(rate.parse().ok().filter(|rate| RATES.contains(rate))?),
        None => None,
    };
    Some(StoreAnswer {
        now: Duration::from_micros(now),
        rate,
        start: Duration::from_micros(start),
        version,
        pause_number,
        until: Duration::from_micros(until),
        answered,
        refused,
        known_answered,
        known_refused,
        busy: Duration::from_micros(busy),
        busy_answered,
        estimate,
    })
}

/// A pause's number, and how many microseconds are left of it.
fn read_pause(message: &[u8]) -> Option<Pause> {
    let (number, left) = std::str::from_utf8(message).ok()?.split_once(' ')?;
    let left = Duration::from_micros(left.parse().ok()?).min(LONGEST_TOLD);
    let number = number.parse().ok().filter(|number| *number < MAX_NUMBER)?;
    Some(Pause { number, until: Instant::now() + left })
}

/// What is longer is not told by a sync: it would have ended.
const LONGEST_TOLD: Duration = Duration::from_mins(20);
