//! The state of a full refresh: on its way, or read to its end.
//!
//! The completed marker comes back in two situations. Airbyte hands it back when it tries the same sync again because
//! another stream had failed: then nothing more is to be read. Other clients hand back every state at the next sync: then
//! everything is to be read anew. Only the id of the sync tells them apart, and only if the catalog calls the stream a
//! full refresh: `PyAirbyte` writes one and the same id into every catalog, but calls all streams incremental.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::time;
use crate::error::Error;
use crate::protocol::{ConfiguredStream, FULL_REFRESH_COMPLETE};
use crate::record::timestamp;

const NEXT_CREATED_FROM: &str = "next_created_from";
const READ_AT: &str = "read_at";
const SYNC_ID: &str = "sync_id";

/// A checkpoint or the completed marker of a full refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullRefreshState {
    completed: bool,
    /// Everything created before it is written.
    pub(in crate::sync) next_created_from: Option<DateTime<Utc>>,
    /// When the read began that the marker completes.
    started_at: Option<DateTime<Utc>>,
    /// Which sync it is of, if the platform told.
    sync_id: Option<i64>,
}

impl FullRefreshState {
    /// The marker: everything was read, by a read that began then.
    pub fn completed(sync_id: Option<i64>, started_at: DateTime<Utc>) -> Self {
        Self { completed: true, started_at: Some(started_at), sync_id, ..Self::default() }
    }

    /// A checkpoint: everything created before `next` is written.
    pub fn created_up_to(next: DateTime<Utc>, sync_id: Option<i64>) -> Self {
        Self { next_created_from: Some(next), sync_id, ..Self::default() }
    }

    /// The checkpoint in `state`, with the time up to which it covers.
    ///
    /// # Errors
    /// A `config_error` if it has something else than a time there.
    pub(super) fn checkpoint(stream: &str, state: &Value) -> Result<Self, Error> {
        Ok(Self { next_created_from: time::in_state(stream, state, NEXT_CREATED_FROM)?, ..Self::marker(state) })
    }

    /// As the stream's state holds it.
    pub fn to_state(&self) -> Value {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| json!(time::to_text(time)));
        let fields = [
            (FULL_REFRESH_COMPLETE, self.completed.then(|| json!(true))),
            (NEXT_CREATED_FROM, time(self.next_created_from)),
            (READ_AT, time(self.started_at)),
            (SYNC_ID, self.sync_id.map(|id| json!(id))),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(present.collect::<Map<_, _>>())
    }

    /// When the last complete read began, if `state` tells.
    pub fn last_read_at(state: &Value) -> Option<DateTime<Utc>> {
        Self::marker(state).started_at
    }

    /// What a state says of completeness, and of which sync it is.
    pub(super) fn marker(state: &Value) -> Self {
        Self {
            completed: state[FULL_REFRESH_COMPLETE] == Value::Bool(true),
            next_created_from: None,
            started_at: state[READ_AT].as_str().and_then(timestamp::parse),
            sync_id: state[SYNC_ID].as_i64(),
        }
    }

    /// Whether it says that this very sync has read the stream already.
    pub(super) fn already_completed(&self, configured: &ConfiguredStream) -> bool {
        !configured.is_incremental() && self.completed && self.sync_id.is_some() && self.sync_id == configured.sync_id
    }

    /// Whether a full refresh goes on from it: it must not be known to be of another sync.
    pub(super) fn can_resume(&self, configured: &ConfiguredStream) -> bool {
        let other_sync = matches!((self.sync_id, configured.sync_id), (Some(one), Some(other)) if one != other);
        !configured.is_incremental() && !self.completed && !other_sync
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SyncMode;

    fn configured(sync_mode: SyncMode, sync_id: Option<i64>) -> ConfiguredStream {
        ConfiguredStream {
            name: "S".to_owned(),
            namespace: None,
            sync_mode,
            sync_id,
            overwrites: false,
            include_files: false,
        }
    }

    fn state(text: &Value) -> FullRefreshState {
        FullRefreshState::marker(text)
    }

    #[test]
    fn only_the_marker_of_a_known_and_equal_sync_ends_a_full_refresh_at_once() {
        let marker = |id| FullRefreshState::completed(id, Utc::now());
        let (full, incremental) = (SyncMode::FullRefresh, SyncMode::Incremental);
        assert!(marker(Some(7)).already_completed(&configured(full, Some(7))));
        assert!(!marker(Some(7)).already_completed(&configured(full, Some(8))));
        assert!(!marker(None).already_completed(&configured(full, None)));
        assert!(!marker(Some(7)).already_completed(&configured(full, None)));
        assert!(!marker(Some(7)).already_completed(&configured(incremental, Some(7))));
        assert!(!state(&json!({"sync_id": 7})).already_completed(&configured(full, Some(7))));
    }

    #[test]
    fn a_full_refresh_resumes_unless_its_state_is_of_another_sync() {
        let full = |id| configured(SyncMode::FullRefresh, id);
        assert!(state(&json!({"sync_id": 7})).can_resume(&full(Some(7))));
        assert!(state(&json!({})).can_resume(&full(Some(7))));
        assert!(state(&json!({"sync_id": 7})).can_resume(&full(None)));
        assert!(!state(&json!({"sync_id": 7})).can_resume(&full(Some(8))));
        assert!(!FullRefreshState::completed(Some(7), Utc::now()).can_resume(&full(Some(7))));
        assert!(!state(&json!({})).can_resume(&configured(SyncMode::Incremental, None)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at = timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        for (written, text) in [
            (
                FullRefreshState::completed(Some(7), at),
                r#"{"__ab_full_refresh_sync_complete":true,"read_at":"2026-11-22T10:00:00Z","sync_id":7}"#,
            ),
            (FullRefreshState::created_up_to(at, None), r#"{"next_created_from":"2026-11-22T10:00:00Z"}"#),
        ] {
            assert_eq!(written.to_state().to_string(), text);
            assert_eq!(FullRefreshState::checkpoint("S", &serde_json::from_str(text).unwrap()).unwrap(), written);
        }
    }
}
