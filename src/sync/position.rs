//! How far each expense type was read: TRANSACTION's state.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::time;
use crate::error::Error;

/// The field under which the cursor stands, in rows and in the state.
const CURSOR: &str = "modified_timestamp";

/// The position of each type that was read before. A type that has none was never read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Positions {
    through: BTreeMap<String, DateTime<Utc>>,
    /// Where a state without types says that all of them stand.
    everywhere: Option<DateTime<Utc>>,
}

impl Positions {
    /// Reads the stream's state.
    ///
    /// # Errors
    /// A `config_error` if it holds something else than times.
    pub(super) fn from_state(stream: &str, state: &Value) -> Result<Self, Error> {
        let mut positions = Self::default();
        let Some(types) = state.get("types").and_then(Value::as_object) else {
            positions.everywhere = time::in_state(stream, state, CURSOR)?;
            return Ok(positions);
        };
        for (kind, entry) in types {
            if let Some(through) = time::in_state(stream, entry, "synced_through")? {
                positions.through.insert(kind.clone(), through);
            }
        }
        Ok(positions)
    }

    /// The stream's state. Its cursor is the earliest position of the types in use, where one that was never read
    /// counts as the floor.
    pub(super) fn to_state(&self, in_use: &[&str], floor: NaiveDate) -> Value {
        let floor = time::midnight(floor);
        let earliest = in_use.iter().map(|kind| self.of(kind).unwrap_or(floor)).min().unwrap_or(floor);
        let mut through = self.through.clone();
        for kind in in_use {
            if let Some(everywhere) = self.everywhere {
                through.entry((*kind).to_owned()).or_insert(everywhere);
            }
        }
        let types: serde_json::Map<_, _> =
            through.into_iter().map(|(kind, through)| (kind, json!({"synced_through": written(through)}))).collect();
        json!({CURSOR: written(earliest), "types": types})
    }

    /// The position of a type.
    pub(super) fn of(&self, kind: &str) -> Option<DateTime<Utc>> {
        self.through.get(kind).copied().or(self.everywhere)
    }

    /// Moves a type's position on, never back; returns whether it moved.
    pub(super) fn advance(&mut self, kind: &str, through: DateTime<Utc>) -> bool {
        let moves = self.of(kind).is_none_or(|before| through > before);
        if moves {
            self.through.insert(kind.to_owned(), through);
        }
        moves
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor() -> NaiveDate {
        "2026-09-01".parse().unwrap()
    }

    #[test]
    fn the_cursor_is_the_earliest_position_in_use() {
        let state = json!({"modified_timestamp": "x", "types": {
            "fees": {"synced_through": "2026-11-02T00:00:00Z"}, "repayments": {"synced_through": "2026-11-01T00:00:00Z"},
            "disputes": {"synced_through": "2026-10-01T00:00:00Z"}}});
        let positions = Positions::from_state("S", &state).unwrap();
        let cursor = |in_use: &[&str]| positions.to_state(in_use, floor())[CURSOR].clone();
        assert_eq!(cursor(&["fees", "repayments"]), "2026-11-01T00:00:00Z");
        assert_eq!(cursor(&["fees"]), "2026-11-02T00:00:00Z");
        assert_eq!(cursor(&["fees", "never-read"]), "2026-09-01T00:00:00Z");
        assert_eq!(
            positions.to_state(&["fees"], floor())["types"]["disputes"]["synced_through"],
            "2026-10-01T00:00:00Z"
        );
    }

    #[test]
    fn a_state_without_types_counts_for_every_type() {
        let mut positions = Positions::from_state("S", &json!({"modified_timestamp": "2026-11-01T00:00:00Z"})).unwrap();
        assert_eq!(positions.of("anything"), time::parse("2026-11-01T00:00:00Z"));
        positions.advance("fees", time::parse("2026-11-05T00:00:00Z").unwrap());
        let state = positions.to_state(&["fees", "disputes"], floor());
        assert_eq!(state["types"]["disputes"]["synced_through"], "2026-11-01T00:00:00Z");
        assert_eq!(state["modified_timestamp"], "2026-11-01T00:00:00Z");
    }

    #[test]
    fn a_position_never_moves_back() {
        let mut positions = Positions::default();
        let (early, late) =
            (time::parse("2026-11-01T00:00:00Z").unwrap(), time::parse("2099-01-01T00:00:00Z").unwrap());
        assert!(positions.advance("fees", late));
        assert!(!positions.advance("fees", early));
        assert_eq!(positions.of("fees"), Some(late));
    }

    #[test]
    fn a_state_that_holds_no_times_is_refused() {
        for state in [
            json!({"types": {"fees": {"synced_through": "soon"}}}),
            json!({"types": {"fees": {"synced_through": 7}}}),
            json!({"modified_timestamp": false}),
        ] {
            let error = Positions::from_state("TRANSACTION", &state).unwrap_err();
            assert!(error.message().starts_with("The state of TRANSACTION cannot be used"), "{error}");
        }
    }
}
