//! What a stream remembers from one read to the next, typed, and how far the read under way has come.
//!
//! - [`FullRefreshState`]: a full refresh that was completed, or is on its way
//! - [`PartitionCursors`]: a cursor for each partition of an incremental stream
//! - [`ListChanges`]: a list by creation time, of which changes and deletions are read
//! - [`Watermark`]: how far a range is complete without a gap
//!
//! A state is understood once, when the read begins; what comes of it is a [`Resume`].

mod full_refresh;
mod key_sketch;
mod list_changes;
mod partition_cursors;
mod resume;
pub(super) mod time;
mod watermark;

use serde_json::{Value, json};

use crate::protocol::NO_CURSOR;

pub use full_refresh::FullRefreshState;
pub use key_sketch::KeySketch;
pub use list_changes::{Arrears, FilterProof, ListChanges, TrackedKeys, TrackedRange, TrackedRanges};
pub use partition_cursors::{PartitionCursors, UnsureDays};
pub use resume::{Resume, StreamState, resume_full_refresh, resume_list_changes, resume_partitions};
pub(super) use watermark::Watermark;

/// The state of a stream that has nothing to remember.
pub(super) fn no_cursor() -> Value {
    json!({NO_CURSOR: true})
}
