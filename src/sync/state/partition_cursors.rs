//! How far each expense type was read: the state of an incremental stream.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::resume::{require_known, require_object};
use super::time;
use super::time::to_text;
use crate::error::Error;
use crate::protocol::kind_in_words;

/// The cursor of each type that was read before. A type that has none was never read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionCursors {
    synced_through: BTreeMap<String, DateTime<Utc>>,
    /// Where a state without types says that all of them are.
    default: Option<DateTime<Utc>>,
    /// What was read, but may have lost a row to the page before, by type.
    pub(in crate::sync) unsure: BTreeMap<String, Vec<UnsureDays>>,
}

/// Days of which a row may have slipped out of sight if one changed while they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsureDays {
    pub(in crate::sync) days: RangeInclusive<NaiveDate>,
    /// From when to when they were read.
    pub(in crate::sync) read: RangeInclusive<DateTime<Utc>>,
}

impl PartitionCursors {
    /// Understands a stream's state.
    ///
    /// # Errors
    /// A `config_error` if it has something else than a time where one belongs.
    pub(super) fn parse(stream: &str, cursor_field: &str, state: &Value) -> Result<Self, Error> {
        let mut cursors = Self::default();
        let Some(types) = state.get("types").filter(|types| !types.is_null()) else {
            cursors.default = time::in_state(stream, state, cursor_field)?;
            return Ok(cursors);
        };
        require_object(stream, "types", types)?;
        for (partition, entry) in types.as_object().into_iter().flatten().filter(|(_, entry)| !entry.is_null()) {
            require_object(stream, &format!("types.{partition}"), entry)?;
            require_known(stream, &format!("types.{partition}"), entry, &["synced_through", "unsure"])?;
            if let Some(through) = time::in_state(stream, entry, "synced_through")? {
                cursors.synced_through.insert(partition.clone(), through);
            }
            let unsure = match entry.get("unsure") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(days)) => {
                    days.iter().map(|days| UnsureDays::parse(stream, days)).collect::<Result<_, _>>()?
                }
                Some(other) => {
                    return Err(Error::config(format!(
                        "The state of {stream} cannot be used: `unsure` is {}, not a list. Give the state that an earlier read wrote, or none.",
                        kind_in_words(other)
                    )));
                }
            };
            if !unsure.is_empty() {
                cursors.unsure.insert(partition.clone(), unsure);
            }
        }
        Ok(cursors)
    }

    /// The stream's state. Its cursor is the earliest of the types in use, where one that was never read counts as the
    /// start of the retention.
    pub fn to_state(&self, cursor_field: &str, in_use: &[&str], retention: NaiveDate) -> Value {
        let retention = time::midnight(retention);
        let of = |partition: &&str| self.synced_through(partition).unwrap_or(retention);
        let earliest = in_use.iter().map(of).min().unwrap_or(retention);
        let mut synced_through = self.synced_through.clone();
        for partition in in_use {
            if let Some(default) = self.default {
                synced_through.entry((*partition).to_owned()).or_insert(default);
            }
        }
        let entry = |(partition, through): (String, DateTime<Utc>)| {
            let mut entry = json!({"synced_through": to_text(through)});
            if let Some(unsure) = self.unsure.get(&partition).filter(|unsure| !unsure.is_empty()) {
                entry["unsure"] = unsure.iter().map(UnsureDays::to_state).collect();
            }
            (partition, entry)
        };
        let types: serde_json::Map<_, _> = synced_through.into_iter().map(entry).collect();
        json!({cursor_field: to_text(earliest), "types": types})
    }

    /// Up to when all changes of a type are written.
    pub fn synced_through(&self, partition: &str) -> Option<DateTime<Utc>> {
        self.synced_through.get(partition).copied().or(self.default)
    }

    /// Whether a type was read before. What counts for every type says nothing of one.
    pub fn knows(&self, partition: &str) -> bool {
        self.synced_through.contains_key(partition)
    }

    /// Moves a type's cursor on, never back; whether it moved.
    pub fn advance(&mut self, partition: &str, through: DateTime<Utc>) -> bool {
        let moves = self.synced_through(partition).is_none_or(|before| through > before);
        if moves {
            self.synced_through.insert(partition.to_owned(), through);
        }
        moves
    }
}

impl UnsureDays {
    fn parse(stream: &str, state: &Value) -> Result<Self, Error> {
        require_object(stream, "unsure", state)?;
        let time = |field| {
            let missing = || {
                Error::config(format!(
                    "The state of {stream} cannot be used: an entry of `unsure` has no `{field}`. Give the state that an earlier read wrote, or none."
                ))
            };
            time::in_state(stream, state, field)?.ok_or_else(missing)
        };
        let day = |field| time(field).map(|time| time.date_naive());
        let (read_from, read_to) = (time("read_from")?, time("read_to")?);
        Ok(Self { days: day("from")?..=day("to")?, read: read_from..=read_to.max(read_from) })
    }

    fn to_state(&self) -> Value {
        let day = |day: &NaiveDate| to_text(time::midnight(*day));
        json!({
            "from": day(self.days.start()),
            "to": day(self.days.end()),
            "read_from": to_text(*self.read.start()),
            "read_to": to_text(*self.read.end()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::timestamp::parse;

    const CURSOR: &str = "modified_timestamp";

    fn retention() -> NaiveDate {
        "2026-09-01".parse().unwrap()
    }

    #[test]
    fn the_cursor_is_the_earliest_cursor_in_use() {
        let state = json!({"modified_timestamp": "x", "types": {
            "fees": {"synced_through": "2026-11-02T00:00:00Z"}, "repayments": {"synced_through": "2026-11-01T00:00:00Z"},
            "disputes": {"synced_through": "2026-10-01T00:00:00Z"}}});
        let cursors = PartitionCursors::parse("S", CURSOR, &state).unwrap();
        let cursor = |in_use: &[&str]| cursors.to_state(CURSOR, in_use, retention())[CURSOR].clone();
        assert_eq!(cursor(&["fees", "repayments"]), "2026-11-01T00:00:00Z");
        assert_eq!(cursor(&["fees"]), "2026-11-02T00:00:00Z");
        assert_eq!(cursor(&["fees", "never-read"]), "2026-09-01T00:00:00Z");
        assert_eq!(
            cursors.to_state(CURSOR, &["fees"], retention())["types"]["disputes"]["synced_through"],
            "2026-10-01T00:00:00Z"
        );
    }

    #[test]
    fn a_state_without_types_counts_for_every_type() {
        let mut cursors =
            PartitionCursors::parse("S", CURSOR, &json!({"modified_timestamp": "2026-11-01T00:00:00Z"})).unwrap();
        assert_eq!(cursors.synced_through("anything"), parse("2026-11-01T00:00:00Z"));
        cursors.advance("fees", parse("2026-11-05T00:00:00Z").unwrap());
        let state = cursors.to_state(CURSOR, &["fees", "disputes"], retention());
        assert_eq!(state["types"]["disputes"]["synced_through"], "2026-11-01T00:00:00Z");
        assert_eq!(state["modified_timestamp"], "2026-11-01T00:00:00Z");
    }

    #[test]
    fn days_that_are_unsure_stay_so_from_one_read_to_the_next() {
        let state = json!({"modified_timestamp": "2026-11-02T00:00:00Z", "types": {"fees": {
            "synced_through": "2026-11-02T00:00:00Z",
            "unsure": [{"from": "2026-10-01T00:00:00Z", "to": "2026-10-07T00:00:00Z",
                "read_from": "2026-11-02T00:00:00Z", "read_to": "2026-11-02T00:00:09Z"}]}}});
        let cursors = PartitionCursors::parse("S", CURSOR, &state).unwrap();
        assert_eq!(cursors.unsure["fees"].len(), 1);
        assert_eq!(cursors.to_state(CURSOR, &["fees"], retention()), state);
        for broken in [json!([{}]), json!([7]), json!([{"from": "soon"}]), json!("x")] {
            let mut state = state.clone();
            state["types"]["fees"]["unsure"] = broken;
            assert!(PartitionCursors::parse("S", CURSOR, &state).is_err(), "{state}");
        }
    }

    #[test]
    fn a_cursor_never_moves_back() {
        let mut cursors = PartitionCursors::default();
        let (early, late) = (parse("2026-11-01T00:00:00Z").unwrap(), parse("2099-01-01T00:00:00Z").unwrap());
        assert!(cursors.advance("fees", late));
        assert!(!cursors.advance("fees", early));
        assert_eq!(cursors.synced_through("fees"), Some(late));
    }

    #[test]
    fn a_state_that_holds_no_times_is_refused() {
        for state in [
            json!({"types": {"fees": {"synced_through": "soon"}}}),
            json!({"types": {"fees": {"synced_through": 7}}}),
            json!({"modified_timestamp": false}),
            json!({"types": []}),
            json!({"types": "text"}),
            json!({"types": {"fees": "2026-01-01"}}),
        ] {
            let error = PartitionCursors::parse("TRANSACTION", CURSOR, &state).unwrap_err();
            assert!(error.message().starts_with("The state of TRANSACTION cannot be used"), "{error}");
        }
    }
}
