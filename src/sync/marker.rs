//! The state that says that a full refresh was read to its end, and which attempts a state belongs to.
//!
//! The completed marker comes back in two situations. Airbyte hands it back when it tries the same sync again because
//! another stream had failed: then nothing more is to be read. Other clients hand back every state at the next sync: then
//! everything is to be read anew. Only the id of the sync tells them apart, and only if the catalog calls the stream a
//! full refresh: `PyAirbyte` writes one and the same id into every catalog, but calls all streams incremental.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::time;
use crate::protocol::{ConfiguredStream, FULL_REFRESH_COMPLETE, SyncMode};

/// When the read began that the marker completes.
const READ_AT: &str = "read_at";

/// The marker.
pub(super) fn complete(sync_id: Option<i64>, read_at: DateTime<Utc>) -> Value {
    let mut marker = json!({
        FULL_REFRESH_COMPLETE: true,
        READ_AT: read_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    });
    if let Some(sync_id) = sync_id {
        marker["sync_id"] = sync_id.into();
    }
    marker
}

/// Whether `state` says that this very sync has read the stream already.
pub(super) fn is_of_this_sync(state: &Value, configured: &ConfiguredStream) -> bool {
    configured.sync_mode == SyncMode::FullRefresh
        && is_complete(state)
        && sync_id(state).is_some()
        && sync_id(state) == configured.sync_id
}

/// Whether a full refresh goes on from `state`: it must not be known to be of another sync.
pub(super) fn resumes(state: &Value, configured: &ConfiguredStream) -> bool {
    let other_sync = matches!((sync_id(state), configured.sync_id), (Some(one), Some(other)) if one != other);
    configured.sync_mode == SyncMode::FullRefresh && !is_complete(state) && !other_sync
}

/// When the last complete read began, if `state` tells.
pub(super) fn read_at(state: &Value) -> Option<DateTime<Utc>> {
    state.get(READ_AT)?.as_str().and_then(time::parse)
}

fn is_complete(state: &Value) -> bool {
    state[FULL_REFRESH_COMPLETE] == Value::Bool(true)
}

fn sync_id(state: &Value) -> Option<i64> {
    state["sync_id"].as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(sync_mode: SyncMode, sync_id: Option<i64>) -> ConfiguredStream {
        ConfiguredStream { name: "S".to_owned(), namespace: None, sync_mode, sync_id, overwrites: false }
    }

    #[test]
    fn only_the_marker_of_a_known_and_equal_sync_ends_a_full_refresh_at_once() {
        let marker = |id| complete(id, Utc::now());
        let (full, incremental) = (SyncMode::FullRefresh, SyncMode::Incremental);
        assert!(is_of_this_sync(&marker(Some(7)), &configured(full, Some(7))));
        assert!(!is_of_this_sync(&marker(Some(7)), &configured(full, Some(8))));
        assert!(!is_of_this_sync(&marker(None), &configured(full, None)));
        assert!(!is_of_this_sync(&marker(Some(7)), &configured(full, None)));
        assert!(!is_of_this_sync(&marker(Some(7)), &configured(incremental, Some(7))));
        assert!(!is_of_this_sync(&json!({"sync_id": 7}), &configured(full, Some(7))));
    }

    #[test]
    fn a_full_refresh_resumes_unless_its_state_is_of_another_sync() {
        let full = |id| configured(SyncMode::FullRefresh, id);
        assert!(resumes(&json!({"sync_id": 7}), &full(Some(7))));
        assert!(resumes(&json!({}), &full(Some(7))));
        assert!(resumes(&json!({"sync_id": 7}), &full(None)));
        assert!(!resumes(&json!({"sync_id": 7}), &full(Some(8))));
        assert!(!resumes(&complete(Some(7), Utc::now()), &full(Some(7))));
        assert!(!resumes(&json!({}), &configured(SyncMode::Incremental, None)));
    }
}
