//! What a stream remembers from one read to the next, typed, and how far the read under way has come.
//!
//! - [`FullRefreshState`]: a full refresh that was completed, or is on its way
//! - [`PartitionCursors`]: a cursor for each partition of an incremental stream
//! - [`Watermark`]: how far a range is complete without a gap
//!
//! A state is understood once, when the read begins; what comes of it is a [`Resume`].

mod full_refresh;
mod partition_cursors;
pub(super) mod time;
mod watermark;

use serde::Serialize;

pub use full_refresh::FullRefreshState;
pub use partition_cursors::PartitionCursors;
pub(super) use watermark::Watermark;

/// Where a read begins.
#[derive(Clone, Debug)]
pub enum Resume {
    /// Nowhere: this very sync has read the stream already.
    AlreadyCompleted,
    /// Where an earlier attempt or read was.
    From(StreamState),
    /// At the beginning.
    Beginning,
}

/// What an earlier attempt or read left.
#[derive(Clone, Debug)]
pub enum StreamState {
    /// Of a full refresh.
    FullRefresh(FullRefreshState),
    /// Of an incremental read.
    Partitions(PartitionCursors),
}

/// The state of a stream that has nothing to remember.
#[derive(Debug, Serialize)]
pub struct NoCursor {
    #[serde(rename = "__ab_no_cursor_state_message")]
    marker: bool,
}

impl Default for NoCursor {
    fn default() -> Self {
        Self { marker: true }
    }
}
