//! Where a read begins, decided once on what an earlier one left.

use serde_json::Value;

use super::{FullRefreshState, ListChanges, PartitionCursors};
use crate::error::Error;
use crate::protocol::{ConfiguredStream, FULL_REFRESH_COMPLETE, NO_CURSOR, kind_in_words};

/// What a state of either mode may have, but for a cursor.
const OURS: [&str; 6] = [FULL_REFRESH_COMPLETE, NO_CURSOR, "next_created_from", "read_at", "sync_id", "types"];

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
    /// Of an incremental read by partitions.
    Partitions(PartitionCursors),
    /// Of an incremental read of a list.
    List(Box<ListChanges>),
}

/// Where a full refresh begins that is given `state`.
///
/// # Errors
/// A `config_error` if the state has something else than a time where one belongs.
pub fn resume_full_refresh(configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
    let Some(state) = state else { return Ok(Resume::Beginning) };
    require_object(&configured.name, "", state)?;
    require_known(&configured.name, "", state, &OURS)?;
    let marker = FullRefreshState::marker(state);
    if marker.already_completed(configured) {
        return Ok(Resume::AlreadyCompleted);
    }
    if !marker.can_resume(configured) {
        return Ok(Resume::Beginning);
    }
    // Only now: what is not gone on from need not be understood.
    let checkpoint = FullRefreshState::checkpoint(&configured.name, state)?;
    Ok(Resume::From(StreamState::FullRefresh(checkpoint)))
}

/// Where an incremental read begins that is given `state`, whose cursor stands under `cursor_field`.
///
/// # Errors
/// As for [`resume_full_refresh`].
pub fn resume_partitions(
    configured: &ConfiguredStream,
    cursor_field: &str,
    state: Option<&Value>,
) -> Result<Resume, Error> {
    let Some(state) = state else { return Ok(Resume::Beginning) };
    require_object(&configured.name, "", state)?;
    require_known(&configured.name, "", state, &[&OURS[..], &[cursor_field]].concat())?;
    let cursors = PartitionCursors::parse(&configured.name, cursor_field, state)?;
    Ok(Resume::From(StreamState::Partitions(cursors)))
}

/// Where a read of a list begins that is given `state`, whose cursor stands under `cursor_field` if it is of an incremental read. A state of the
/// other mode begins anew; so does one that says that everything was read, since it does not say what.
///
/// # Errors
/// As for [`resume_full_refresh`].
pub fn resume_list_changes(
    configured: &ConfiguredStream,
    cursor_field: &str,
    state: Option<&Value>,
) -> Result<Resume, Error> {
    let Some(given) = state else { return Ok(Resume::Beginning) };
    require_object(&configured.name, "", given)?;
    let is_of_changes = given.get(cursor_field).is_some_and(|cursor| !cursor.is_null());
    if !configured.is_incremental() {
        return if is_of_changes { Ok(Resume::Beginning) } else { resume_full_refresh(configured, state) };
    }
    require_known(&configured.name, "", given, &[&OURS[..], &[cursor_field]].concat())?;
    let changes = ListChanges::parse(&configured.name, cursor_field, given)?;
    Ok(changes.map_or(Resume::Beginning, |changes| Resume::From(StreamState::List(Box::new(changes)))))
}

/// # Errors
/// A `config_error` if an object at `place` of a stream's state has members, but none of the `known` ones: then it is no state of this
/// connector.
pub(super) fn require_known(stream: &str, place: &str, state: &Value, known: &[&str]) -> Result<(), Error> {
    let mut members = state.as_object().into_iter().flatten().map(|(name, _)| name).peekable();
    if members.peek().is_none() || members.any(|name| known.contains(&name.as_str())) {
        return Ok(());
    }
    let place = if place.is_empty() { "it".to_owned() } else { format!("`{place}`") };
    Err(Error::config(format!(
        "The state of {stream} cannot be used: {place} has none of the properties that this connector writes ({}). Give the state that an earlier read wrote, or none.",
        known.join(", ")
    )))
}

/// # Errors
/// A `config_error` if what stands at `place` of a stream's state is no object.
pub(super) fn require_object(stream: &str, place: &str, state: &Value) -> Result<(), Error> {
    if state.is_object() {
        return Ok(());
    }
    let place = if place.is_empty() { "it".to_owned() } else { format!("`{place}`") };
    Err(Error::config(format!(
        "The state of {stream} cannot be used: {place} is {}, not an object. Give the state that an earlier read wrote, or none.",
        kind_in_words(state)
    )))
}
