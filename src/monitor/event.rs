//! What happens in the layers, as far as it is counted or logged.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use url::Url;
use uuid::Uuid;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request was answered, or was not.
    RequestFinished {
        /// One id for all attempts of a request.
        correlation_id: Uuid,
        /// Its method.
        method: &'static str,
        /// The address, without parameters.
        url: &'a Url,
        /// The endpoint's path.
        endpoint: &'a str,
        /// The status of the answer; `None` for no answer.
        status: Option<u16>,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How often it was sent before, those times with it that do not count as attempts (429).
        resends: u32,
        /// From sending the request to the end of the answer.
        took: Duration,
        /// The size of the body.
        bytes: u64,
        /// Why there is no whole answer.
        error: Option<&'a str>,
    },
    /// A file behind a link came, or did not.
    FileRequestFinished {
        /// One id for all attempts.
        correlation_id: Uuid,
        /// The link's host: the rest of it may open the file to whoever has it.
        host: &'a str,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// From sending the request to the end of the file.
        took: Duration,
        /// The size of what came.
        bytes: u64,
        /// Why it is not there whole.
        error: Option<&'a str>,
    },
    /// A request is about to be tried again.
    RetryScheduled,
    /// A request waited, or is about to.
    Waited {
        /// For what.
        cause: Wait,
        /// How long.
        time: Duration,
    },
    /// A token was fetched, or could not be.
    TokenFetched {
        /// Whether it was.
        succeeded: bool,
    },
    /// A token is used from now on.
    TokenInUse {
        /// When it ends.
        expires: DateTime<Utc>,
    },
    /// The circuit breaker opened, let a probe through, or closed.
    BreakerChanged {
        /// What it is now.
        phase: BreakerPhase,
    },
    /// Requests are held back by the limit.
    RateLimited {
        /// Since so long.
        lasting: Duration,
    },
    /// When the last complete read of a stream began.
    LastCompleteRead {
        /// The stream's name.
        stream: &'a str,
        /// How long ago that was.
        age: chrono::Duration,
    },
    /// A stream is read.
    StreamStarted {
        /// The stream's name.
        stream: &'a str,
    },
    /// All changes of a stream up to some time were read.
    SyncedThrough {
        /// The stream's name.
        stream: &'a str,
        /// That time.
        time: DateTime<Utc>,
    },
    /// Records of a stream were written.
    RecordsWritten {
        /// The stream's name.
        stream: &'a str,
        /// How many.
        records: u64,
    },
    /// It was told how many rows a stream will bring.
    RowsEstimated {
        /// The stream's name.
        stream: &'a str,
        /// How many.
        rows: u64,
    },
    /// A stream was closed.
    StreamEnded {
        /// The stream's name.
        stream: &'a str,
        /// Whether everything was read.
        is_complete: bool,
    },
    /// Records of a stream had a top-level field that its schema does not declare.
    UndeclaredField {
        /// The stream's name.
        stream: &'a str,
        /// The field's name.
        field: &'a str,
        /// How many records had it.
        records: u64,
    },
    /// A checkpoint of a stream was written.
    StateWritten {
        /// The stream's name.
        stream: &'a str,
    },
}

/// What a request waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// Navan's limit, or the configured ceiling.
    Limit,
    /// The backoff before another try.
    Backoff,
    /// The open circuit breaker.
    Breaker,
}

/// What the circuit breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerPhase {
    /// It lets all requests through.
    Closed,
    /// It lets one through, the probe.
    HalfOpen,
    /// It lets none through.
    Open,
}

/// Whoever makes something of events.
pub trait Listener {
    /// Something happened. Write-only: nothing that a listener does changes what the layers do.
    fn on(&self, event: &Event<'_>);
}

thread_local! {
    /// Everything but the writing to stdout happens on one thread, so its events find their listener without a lock, and
    /// tests that run side by side have listeners of their own.
    static LISTENER: RefCell<Option<Rc<dyn Listener>>> = const { RefCell::new(None) };
}

tokio::task_local! {
    /// The stream that is being read.
    static READING: Rc<str>;
}

/// Has all events of `read` be known as those of a read of `stream`, however deep below they are emitted.
pub async fn reading<T>(stream: &str, read: impl Future<Output = T>) -> T {
    READING.scope(stream.into(), read).await
}

/// The stream in whose read the event happened that is being told, if it was in one.
pub fn stream_being_read() -> Option<Rc<str>> {
    READING.try_get().ok()
}

/// Has the events of this thread go to `listener` from now on.
pub fn listen(listener: Rc<dyn Listener>) {
    LISTENER.set(Some(listener));
}

/// Tells the listener, if there is one.
pub fn emit(event: &Event<'_>) {
    let listener = LISTENER.with_borrow(Clone::clone);
    if let Some(listener) = listener {
        listener.on(event);
    }
}
