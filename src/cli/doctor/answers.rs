//! What was seen of the answers to a path, as facts.

use serde_json::{Map, Value};

use crate::gateway::Observer;

/// The last status and its time, and the number of requests, of what was asked at a path.
pub(super) fn of(observer: &Observer, path: &str) -> Map<String, Value> {
    let seen = observer.seen();
    // An address may have a path of its own before Navan's.
    let of_path: Vec<_> = seen.iter().filter(|seen| seen.path.ends_with(path)).collect();
    let mut facts = Map::new();
    if let Some(last) = of_path.last() {
        facts.insert("status".to_owned(), last.status.into());
        facts.insert("ms".to_owned(), u64::try_from(last.took.as_millis()).unwrap_or(u64::MAX).into());
    }
    if of_path.len() > 1 {
        facts.insert("requests".to_owned(), of_path.len().into());
    }
    facts
}
