//! Layer 4, the data sync pipeline: which streams there are, what to read next, and when it is safe to say so.
//!
//! [`Sync::run`] reads the chosen streams side by side. Each has a [`session`](session::Session), the only way by which
//! it speaks, and is read in one of three ways: a list that is one [`slice`](mod@slice), bookings by [`creation`] time in slices,
//! expenses in [`windows`]. Rows are written as their pages come, since order within a stream means nothing to Airbyte; a
//! checkpoint covers only what is complete without a gap, and follows all the rows that it covers.

pub mod conform;
mod creation;
mod fields;
mod json;
mod marker;
mod position;
mod session;
mod slice;
pub mod streams;
mod throttle;
mod time;
mod window;
mod windows;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::api::{Api, Form};
use crate::error::Error;
use crate::monitor::Monitor;
use crate::protocol::{ConfiguredCatalog, NO_CURSOR, Output, StreamStates, SyncMode};
use session::Session;
use streams::{STREAMS, Source, Stream};

/// What all streams of a read share.
struct Read<'a> {
    api: &'a Api,
    start_date: DateTime<Utc>,
    lookback_days: u32,
    transaction_types: &'a [String],
    /// How many requests of one kind are made ready at once; the pool decides which go.
    side_by_side: usize,
}

/// What of the configuration decides about what is read.
pub struct Scope {
    /// The earliest booking creation.
    pub start_date: DateTime<Utc>,
    /// How far an incremental read goes back, in days.
    pub lookback_days: u32,
    /// The expense types.
    pub transaction_types: Vec<String>,
    /// Requests in flight.
    pub max_concurrency: usize,
}

/// One read of the chosen streams.
pub struct Sync {
    api: Api,
    scope: Scope,
    sessions: Vec<Session>,
    states: StreamStates,
    monitor: Arc<Monitor>,
}

impl Sync {
    /// Prepares to read the streams of `catalog`, each from its state.
    ///
    /// # Errors
    /// A `config_error` that names a stream that there is not.
    pub fn new(
        api: Api,
        scope: Scope,
        catalog: ConfiguredCatalog,
        states: StreamStates,
        output: &Output,
        monitor: &Arc<Monitor>,
    ) -> Result<Self, Error> {
        let sessions = catalog.streams.into_iter().map(|configured| {
            let stream = Stream::named(&configured.name).ok_or_else(|| unknown(&configured.name))?;
            Session::new(stream, configured, output.clone(), Arc::clone(monitor))
        });
        let sessions = sessions.collect::<Result<_, _>>()?;
        Ok(Self { api, scope, sessions, states, monitor: Arc::clone(monitor) })
    }

    /// Reads everything; whether every stream was complete. A stream that fails says so itself, and the others go on.
    pub async fn run(&self) -> bool {
        let streams = join_all(self.sessions.iter().map(|session| self.stream(session)));
        let complete = tokio::select! {
            complete = streams => complete,
            never = throttle::report(&self.api, &self.sessions, &self.monitor) => match never {},
        };
        complete.into_iter().all(|complete| complete)
    }

    /// Ends a read that was cut off: the open streams write their last safe state and are incomplete. Whether there were
    /// any.
    pub fn interrupt(&self) -> bool {
        let open = self.sessions.iter().filter(|session| session.interrupt());
        open.count() > 0
    }

    /// The share of Navan's observed limit that was used, if one was seen.
    pub fn share_of_limit_used(&self) -> Option<f64> {
        self.api.share_of_limit_used()
    }

    async fn stream(&self, session: &Session) -> bool {
        let state = self.states.of(session.stream.name);
        session.start(state.filter(|state| goes_on_from(session, state)).cloned());
        let result = match state {
            Some(state) if marker::is_of_this_sync(state, &session.configured) => {
                tracing::info!("{}: this sync has read it already.", session.stream.name);
                session.checkpoint(state.clone());
                Ok(())
            }
            state => self.read(session, state).await,
        };
        session.end(&result);
        result.is_ok()
    }

    async fn read(&self, session: &Session, state: Option<&Value>) -> Result<(), Error> {
        // The token tells first whether anything can be read, and what time it is for Navan.
        self.api.scopes().await?;
        if let Some(read_at) = state.and_then(marker::read_at) {
            self.monitor.last_complete_read(session.stream.name, self.api.now() - read_at);
        }
        let read = Read {
            api: &self.api,
            start_date: self.scope.start_date,
            lookback_days: self.scope.lookback_days,
            transaction_types: &self.scope.transaction_types,
            side_by_side: self.scope.max_concurrency,
        };
        match session.stream.source {
            Source::List(path) => list(&read, session, path).await,
            Source::Bookings => creation::read(&read, session, state).await,
            Source::Expense => windows::read(&read, session, state).await,
        }
    }
}

/// Whether a stream is read from its state on, and not anew.
fn goes_on_from(session: &Session, state: &Value) -> bool {
    let configured = &session.configured;
    match session.stream.source {
        Source::Expense if configured.sync_mode == SyncMode::Incremental => true,
        _ => marker::is_of_this_sync(state, configured) || marker::resumes(state, configured),
    }
}

/// Reads a list that is one slice.
async fn list(read: &Read<'_>, session: &Session, path: &str) -> Result<(), Error> {
    let first = read.api.listing(path, 0, Form::default()).await?;
    session.estimate(first.total, first.estimated_bytes());
    let turn = tokio::sync::Mutex::new(());
    let how = slice::Reading { session, side_by_side: read.side_by_side, turn: &turn, open_ended: true };
    slice::read(how, first, |page, form| read.api.listing(path, page, form), |_| true).await?;
    session.checkpoint(json!({NO_CURSOR: true}));
    Ok(())
}

fn unknown(name: &str) -> Error {
    let known: Vec<_> = STREAMS.iter().map(|stream| stream.name).collect();
    Error::config(format!(
        "The configured catalog names a stream {name:?}, but there are only {}. Refresh the connection's schema in Airbyte, or correct the catalog.",
        known.join(", ")
    ))
}
