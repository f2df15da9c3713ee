//! How a stream is read. A stream names one of these; they know nothing of it but what its declaration says.
//!
//! - [`Snapshot`]: a list, whole, each time
//! - [`OptionalList`]: the same, of a list that a company may not have
//! - [`CreatedSlices`]: a list by creation time, in slices, resumable
//! - [`ChangeWindows`]: partitions by the time of the last change, in windows, incremental
//!
//! The first two read a [`whole_list`]. Numbered pages are gone over with a [`page_sweep`], changes followed with a [`window_reader`].

mod change_trials;
mod change_windows;
mod created_slices;
mod missing;
mod number_map;
mod number_set;
mod number_trials;
mod optional_list;
mod page_sweep;
mod partitions;
mod row_numbers;
mod second_look;
mod snapshot;
mod survey;
mod whole_list;
mod window_progress;
mod window_reader;

use chrono::{DateTime, Duration, Utc};
use futures::future::LocalBoxFuture;
use serde_json::Value;

pub use change_windows::ChangeWindows;
pub use created_slices::{ChangeFields, CreatedSlices};
pub use optional_list::OptionalList;
pub use partitions::Partitions;
pub use snapshot::Snapshot;
pub use survey::{Answer, Surveyed, SurveyedPage, Tried};

use super::emitter::StreamEmitter;
use super::state::{Resume, resume_full_refresh};
use crate::api::{Access, Api};
use crate::config::Config;
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::record::RecordFormat;

/// How far a time without an offset can be from the UTC that it is taken for.
const UNZONED_MARGIN: Duration = Duration::hours(14);

/// Pages in a row that bring no new row, after which that is told.
const BARREN_PAGES_TOLD: u32 = 3;

/// The same, after which what they belong to is taken for endless.
const MAX_BARREN_PAGES: u32 = 100;

/// Tries of a page where another page can tell whether it is the API that fails: fewer than the server errors in a row that open the
/// circuit breaker.
const BRIEF_ATTEMPTS: u32 = 2;

/// A way to read a stream.
pub trait ReadStrategy: Sync {
    /// In which modes it reads.
    fn modes(&self) -> Modes;

    /// What `check` does: asks for one row, to see whether the stream can be read.
    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>>;

    /// What the stream's endpoints show of themselves: asks each for its first page.
    fn survey<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Surveyed>>;

    /// Tries what nobody is sure of about such lists (docs/navan-api.md), as far as asking for pages tells. Only for a stream that can
    /// be read.
    fn try_out<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Tried>>;

    /// Where a read begins that is given this state. Decided once, before the read. A strategy that knows only full refreshes has no
    /// rule of its own.
    ///
    /// # Errors
    /// A `config_error` if the state cannot be understood.
    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        resume_full_refresh(configured, state)
    }

    /// Reads all that the state does not cover, with checkpoints on the way.
    fn read<'a>(&'a self, read: &'a ReadContext<'a>, resume: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>>;
}

/// In which modes a strategy reads.
#[derive(Clone, Copy, Debug)]
pub struct Modes {
    /// What a user can choose from.
    pub sync_modes: &'static [SyncMode],
    /// Whether an interrupted read goes on where it was.
    pub is_resumable: bool,
}

/// What a probe works with.
#[derive(Clone, Copy)]
pub struct ProbeTarget<'a> {
    /// Navan's API.
    pub api: &'a Api<'a>,
    /// What the user configured.
    pub config: &'a Config,
    /// How the stream's rows become records.
    pub format: &'a RecordFormat,
}

/// What a read works with.
pub struct ReadContext<'a> {
    /// Navan's API.
    pub(super) api: &'a Api<'a>,
    /// What the user configured.
    pub(super) config: &'a Config,
    /// What the user chose.
    pub(super) configured: &'a ConfiguredStream,
    /// When the sync began, on Navan's clock: what is created or changed later is the next one's.
    pub(super) began: DateTime<Utc>,
    /// Where records and checkpoints go.
    pub(super) emitter: &'a StreamEmitter<'a>,
    /// Held while a page is taken apart that fails for good.
    pub(super) suspicion: tokio::sync::Mutex<()>,
}

/// Why a stream could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A request ended without its answer.
    #[error(transparent)]
    Request(#[from] Failure),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

impl ReadError {
    /// The words for the user, of a stream that is opened so; `scopes` says which scope each stream takes.
    pub fn into_error(self, access: Access, scopes: &str) -> Error {
        match self {
            Self::Request(failure) => access.into_error(failure, scopes),
            Self::Other(error) => error,
        }
    }
}
