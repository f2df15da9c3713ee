//! Layer 4, the data sync pipeline: what to read next, and when it is safe to say so.
//!
//! [`SyncRun::run`] reads the chosen streams side by side, those that are in the same rows by one read ([`read_plan`]). What a stream is, its [`stream`] declaration says; how it is read, the
//! [`strategy`] that it names; where that begins, the [`state`] that the read is given. All that a stream says goes through its
//! [`emitter`] to the sink. Rows are written as their pages come, since order within a stream means nothing to Airbyte; a
//! checkpoint covers only what is complete without a gap, and follows all the rows that it covers.

mod emitter;
mod rate_limit_status;
mod read_plan;
mod state;
pub mod strategy;
mod stream;

use std::cell::OnceCell;
use std::convert::Infallible;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::{join_all, select_all};
use serde_json::Value;

use crate::api::{Api, Apis};
use crate::config::Config;
use crate::error::Error;
use crate::files::FileTransfer;
use crate::monitor::{self, Event, emit};
use crate::protocol::{ConfiguredCatalog, ConfiguredStream, StreamStates};
use crate::sink::Sink;
use emitter::StreamEmitter;
use state::{FullRefreshState, Resume};
use strategy::{ReadContext, ReadError};
pub use stream::{ChildStream, RecordOptions, Stream, scopes_in_words};

/// One read of the chosen streams.
pub struct SyncRun<'a> {
    apis: &'a Apis<'a>,
    config: &'a Config,
    reads: Vec<StreamRead<'a>>,
    /// Which scope each stream takes, in words.
    scopes: String,
    /// What time it was for Navan when the first read began.
    began: OnceCell<DateTime<Utc>>,
}

/// One read of a stream, for the stream itself, for children of it, or for both.
struct StreamRead<'a> {
    stream: &'static Stream,
    /// What the user chose, which is the same for all that are read by it but for their names.
    configured: ConfiguredStream,
    emitter: StreamEmitter<'a>,
    /// The state as it was given.
    given: Option<Value>,
    resume: Result<Resume, Error>,
}

impl<'a> SyncRun<'a> {
    /// Prepares to read those of `streams` and of their children that `catalog` chooses, each from its state, with the `files` behind their
    /// rows if there is something that fetches them.
    ///
    /// # Errors
    /// A `config_error` that names a stream that there is not.
    pub fn new(
        apis: &'a Apis<'a>,
        config: &'a Config,
        streams: &[&'static Stream],
        catalog: ConfiguredCatalog,
        states: &StreamStates,
        files: Option<&Rc<FileTransfer<'a>>>,
        sink: &Rc<dyn Sink>,
    ) -> Result<Self, Error> {
        let is_known = |name: &str| streams.iter().any(|stream| stream.names().any(|known| known == name));
        if let Some(unknown) = catalog.streams.iter().find(|wanted| !is_known(&wanted.name)) {
            return Err(unknown_stream(&unknown.name, streams));
        }
        for wanted in &catalog.streams {
            let stream = streams.iter().find(|stream| stream.names().any(|name| *name == wanted.name));
            stream.map_or(Ok(()), |stream| stream.access.require_configured(config, &wanted.name))?;
        }
        for name in states.names().filter(|name| !is_known(name)) {
            tracing::warn!("The state names a stream {name:?}, which there is not; that part of it has no effect.");
        }
        let reads =
            read_plan::plan(streams, catalog, states).into_iter().map(|planned| planned.prepare(config, files, sink));
        let reads = reads.collect::<Result<_, _>>()?;
        Ok(Self { apis, config, reads, scopes: scopes_in_words(streams), began: OnceCell::new() })
    }

    /// Reads everything; whether every stream was complete. A stream that fails says so itself, and the others go on.
    pub async fn run(&self) -> bool {
        let streams = self.reads.iter().map(|read| monitor::reading(read.emitter.name(), self.read_stream(read)));
        let streams = join_all(streams);
        let complete = tokio::select! {
            biased; // so that the same answers always give the same messages
            complete = streams => complete,
            never = select_all(self.apis.all().map(|api| self.report_limit(api).boxed_local())) => match never.0 {},
        };
        complete.into_iter().all(|complete| complete)
    }

    /// Ends a read that was cut off: the open streams write their last safe state and are incomplete. Whether there were
    /// any.
    pub fn interrupt(&self) -> bool {
        let open = self.reads.iter().filter(|read| read.emitter.interrupt());
        open.count() > 0
    }

    /// Tells of the limit of one of the APIs, as long as it is polled.
    async fn report_limit(&self, api: &Api<'_>) -> Infallible {
        let reads = self.reads.iter().filter(|read| std::ptr::eq(self.apis.of(read.stream.access), api));
        rate_limit_status::report(api, reads.map(|read| &read.emitter)).await
    }

    async fn read_stream(&self, read: &StreamRead<'_>) -> bool {
        let emitter = &read.emitter;
        // A state that cannot be used is safe for nobody.
        let goes_on = matches!(read.resume, Ok(Resume::From(_) | Resume::AlreadyCompleted));
        emitter.start(read.given.as_ref().filter(|_| goes_on));
        let result = match &read.resume {
            Ok(Resume::AlreadyCompleted) => {
                tracing::info!("{}: this sync has read it already.", emitter.name());
                emitter.checkpoint(read.given.as_ref().unwrap_or(&Value::Null));
                Ok(())
            }
            Ok(resume) => self.read_from(read, resume.clone()).await,
            Err(error) => Err(error.clone()),
        };
        emitter.end(&result);
        result.is_ok()
    }

    /// T0, which is the same for all streams of Navan's.
    fn began(&self, api: &Api<'_>) -> DateTime<Utc> {
        *self.began.get_or_init(|| {
            let now = api.now();
            self.config.end_date.map_or(now, |end| end.min(now))
        })
    }

    async fn read_from(&self, read: &StreamRead<'_>, resume: Resume) -> Result<(), Error> {
        let emitter = &read.emitter;
        let last_read_at = read.given.as_ref().and_then(FullRefreshState::last_read_at);
        let api = self.apis.of(read.stream.access);
        // The token tells first whether anything can be read, and what time it is for Navan.
        api.scopes().await?;
        // A read that is to end in the past says nothing of how old its rows are.
        if let Some(last) = last_read_at.filter(|_| self.config.end_date.is_none()) {
            emit(&Event::LastCompleteRead { stream: emitter.name(), age: api.now() - last });
        }
        let context = ReadContext {
            api,
            config: self.config,
            configured: &read.configured,
            // Another server has another clock.
            began: if read.stream.access.takes_navans_token() { self.began(api) } else { api.now() },
            emitter,
            suspicion: tokio::sync::Mutex::default(),
        };
        let result = read.stream.strategy.read(&context, resume).await;
        result.map_err(|error: ReadError| error.into_error(read.stream.access, &self.scopes))
    }
}

fn unknown_stream(name: &str, streams: &[&Stream]) -> Error {
    let known: Vec<_> = streams.iter().flat_map(|stream| stream.names()).collect();
    Error::config(format!(
        "The configured catalog names a stream {name:?}, but there are only {}. Refresh the connection's schema in Airbyte, or correct the catalog.",
        known.join(", ")
    ))
}
