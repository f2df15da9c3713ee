//! How far a list by creation time has been read for what changed in it: the state of its incremental reads.
//!
//! Beside the cursor it has, for stretches of creation time, a sketch of the keys that were written, by which deletions are found without
//! keeping the keys; what is known of the list's filter by change; and which of the latest versions were written, so that a look back
//! over them writes none of them twice.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::KeySketch;
use super::resume::{require_known, require_object};
use super::time::{self, to_text};
use crate::api::TimeForm;
use crate::error::Error;
use crate::protocol::kind_in_words;

const CREATED_FROM: &str = "created_from";
const FIRST_READ_AT: &str = "first_read_at";
const SWEPT_AT: &str = "swept_at";
const RANGES: &str = "ranges";
const RECENT: &str = "recent";
const UPDATED_FILTER: &str = "updated_filter";
const ARREARS: &str = "arrears";

/// How many rows neighbouring ranges have at most after they were made one: each costs the state a kilobyte and a half.
const MAX_ROWS_A_RANGE: u64 = 12_000;

/// How long a state is to be at most, and what a range and a remembered version take of it.
const MAX_BYTES: usize = 280_000;
const BYTES_A_RANGE: usize = 1_500;
const BYTES_A_VERSION: usize = 11;

/// How many versions are remembered in any case, and at most; what is written twice beyond them does no harm.
const MIN_RECENT: usize = 1_000;
const MAX_RECENT: usize = 10_000;

/// The state.
#[derive(Clone, Debug, PartialEq)]
pub struct ListChanges {
    /// All changes up to then are written; none as long as the list is read for the first time.
    pub(in crate::sync) through: Option<DateTime<Utc>>,
    /// When the first read began, as long as it is on its way.
    pub(in crate::sync) first_read_at: Option<DateTime<Utc>>,
    /// When the whole list was last read.
    pub(in crate::sync) swept_at: Option<DateTime<Utc>>,
    pub(in crate::sync) filter: Option<FilterProof>,
    pub(in crate::sync) tracked: TrackedRanges,
    /// What reads since then have left out.
    pub(in crate::sync) arrears: Option<Arrears>,
    /// What tells the latest versions apart that were written.
    pub(in crate::sync) recent: Vec<u64>,
}

/// Rows of which not all changes are written up to the cursor: they were not read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrears {
    /// Those that were created before then.
    pub(in crate::sync) created_before: DateTime<Utc>,
    /// Up to then they are.
    pub(in crate::sync) through: DateTime<Utc>,
}

/// Whether the list can be asked for by the time of the last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterProof {
    /// In which form it takes times; `None` if it does not do what it should.
    pub(in crate::sync) form: Option<TimeForm>,
    pub(in crate::sync) tested_at: DateTime<Utc>,
}

/// Stretches of creation time without a gap, with what was written of each.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedRanges {
    /// Where the first begins.
    pub(in crate::sync) from: DateTime<Utc>,
    pub(in crate::sync) ranges: Vec<TrackedRange>,
}

/// One of them; it begins where the one before it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedRange {
    /// Where it ends; what was created in that second is the next one's.
    pub(in crate::sync) to: DateTime<Utc>,
    pub(in crate::sync) keys: TrackedKeys,
}

/// The keys of rows, as far as they can be compared with others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedKeys {
    pub(in crate::sync) rows: u64,
    pub(in crate::sync) sketch: KeySketch,
}

impl TrackedKeys {
    pub(in crate::sync) fn insert(&mut self, key: u128) {
        self.rows += 1;
        self.sketch.insert(key);
    }

    pub(in crate::sync) fn remove(&mut self, key: u128) {
        self.rows = self.rows.saturating_sub(1);
        self.sketch.remove(key);
    }

    pub(in crate::sync) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sketch.add(&other.sketch);
    }
}

impl TrackedRanges {
    /// None yet.
    pub(in crate::sync) fn starting(from: DateTime<Utc>) -> Self {
        Self { from, ranges: Vec::new() }
    }

    /// Where the last ends.
    pub(in crate::sync) fn end(&self) -> DateTime<Utc> {
        self.ranges.last().map_or(self.from, |range| range.to)
    }

    /// Each with where it begins.
    pub(in crate::sync) fn iter(&self) -> impl Iterator<Item = (DateTime<Utc>, &TrackedRange)> {
        let starts = [self.from].into_iter().chain(self.ranges.iter().map(|range| range.to));
        starts.zip(&self.ranges)
    }

    /// Adds one behind the last. Neighbours become one as long as they are small.
    pub(in crate::sync) fn push(&mut self, to: DateTime<Utc>, keys: TrackedKeys) {
        if to <= self.end() {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if last.keys.rows + keys.rows <= MAX_ROWS_A_RANGE => {
                last.to = to;
                last.keys.add(&keys);
            }
            _ => self.ranges.push(TrackedRange { to, keys }),
        }
    }
}

impl ListChanges {
    /// Of a list that has not been read yet, from that creation time on.
    pub(in crate::sync) fn first_read(began: DateTime<Utc>, from: DateTime<Utc>) -> Self {
        Self {
            through: None,
            first_read_at: Some(began),
            swept_at: None,
            filter: None,
            arrears: None,
            tracked: TrackedRanges::starting(from),
            recent: Vec::new(),
        }
    }

    /// What was created before `from` was not read, of which all changes were written up to `through`, or less far before.
    pub(in crate::sync) fn leave_out(&mut self, from: DateTime<Utc>, through: DateTime<Utc>) {
        let through = self.arrears.map_or(through, |before| before.through);
        self.arrears = Some(Arrears { created_before: from, through });
    }

    /// Remembers these versions as well, the last ones if they are too many.
    pub(in crate::sync) fn remember(&mut self, versions: Vec<u64>) {
        let known: HashSet<_> = versions.iter().copied().collect();
        self.recent.retain(|version| !known.contains(version));
        self.recent.extend(versions);
        let room = MAX_BYTES.saturating_sub(self.tracked.ranges.len() * BYTES_A_RANGE) / BYTES_A_VERSION;
        let surplus = self.recent.len().saturating_sub(room.clamp(MIN_RECENT, MAX_RECENT));
        self.recent.drain(..surplus);
    }

    /// Forgets the versions that another state does not remember: of those it is not known that the other's streams have them.
    pub(in crate::sync) fn forget_unless_in(&mut self, other: &Self) {
        let known: HashSet<_> = other.recent.iter().copied().collect();
        self.recent.retain(|version| known.contains(version));
    }

    /// Whether it can stand for another state of the same list: a read that goes on from it brings all that one from the other would.
    pub(in crate::sync) fn stands_for(&self, other: &Self) -> bool {
        let place = |state: &Self| (state.through, state.arrears, state.tracked.from);
        self.through.is_some() && place(self) == place(other) && self.swept_at <= other.swept_at
    }

    /// Understands a stream's state; `None` if it is of another kind of read, so that an incremental one begins anew.
    ///
    /// # Errors
    /// A `config_error` if it has something else than what belongs there.
    pub(super) fn parse(stream: &str, cursor_field: &str, state: &Value) -> Result<Option<Self>, Error> {
        if state.get(cursor_field).is_none_or(Value::is_null) {
            return Ok(None);
        }
        let required = |field: &str| {
            time::in_state(stream, state, field)?.ok_or_else(|| {
                Error::config(format!(
                    "The state of {stream} cannot be used: it has no `{field}`. Give the state that an earlier read wrote, or none."
                ))
            })
        };
        let (through, first_read_at) = (required(cursor_field)?, time::in_state(stream, state, FIRST_READ_AT)?);
        let mut tracked = TrackedRanges::starting(required(CREATED_FROM)?);
        for range in list(stream, RANGES, state)? {
            require_object(stream, RANGES, range)?;
            require_known(stream, RANGES, range, &["to", "rows", "sketch"])?;
            let to = time::in_state(stream, range, "to")?;
            let sketch = range["sketch"].as_str().and_then(KeySketch::from_text);
            let (Some(to), Some(rows), Some(sketch)) = (to, range["rows"].as_u64(), sketch) else {
                return Err(no_part_of_a_state(stream, RANGES));
            };
            if to <= tracked.end() {
                return Err(no_part_of_a_state(stream, RANGES));
            }
            tracked.ranges.push(TrackedRange { to, keys: TrackedKeys { rows, sketch } });
        }
        Ok(Some(Self {
            through: first_read_at.is_none().then_some(through),
            first_read_at,
            swept_at: time::in_state(stream, state, SWEPT_AT)?,
            filter: filter(stream, state)?,
            arrears: arrears(stream, state)?,
            tracked,
            recent: recent(stream, state)?,
        }))
    }

    /// As the stream's state holds it. As long as the list is read for the first time, no change is sure to be written.
    pub(in crate::sync) fn to_state(&self, cursor_field: &str) -> Value {
        let range = |range: &TrackedRange| json!({"to": to_text(range.to), "rows": range.keys.rows, "sketch": range.keys.sketch.to_text()});
        let time = |time: DateTime<Utc>| json!(to_text(time));
        let recent: Vec<_> = self.recent.iter().flat_map(|version| version.to_le_bytes()).collect();
        let filter = |proof: FilterProof| {
            let form = proof.form.map(|form| match form {
                TimeForm::Seconds => "seconds",
                TimeForm::Iso => "iso",
            });
            json!({"form": form, "tested_at": to_text(proof.tested_at)})
        };
        let arrears = |arrears: Arrears| json!({"created_before": to_text(arrears.created_before), "through": to_text(arrears.through)});
        let fields = [
            (cursor_field, Some(time(self.through.unwrap_or(DateTime::UNIX_EPOCH)))),
            (CREATED_FROM, Some(time(self.tracked.from))),
            (FIRST_READ_AT, self.first_read_at.map(time)),
            (SWEPT_AT, self.swept_at.map(time)),
            (UPDATED_FILTER, self.filter.map(filter)),
            (ARREARS, self.arrears.map(arrears)),
            (RANGES, Some(self.tracked.ranges.iter().map(range).collect())),
            (RECENT, (!recent.is_empty()).then(|| json!(STANDARD_NO_PAD.encode(recent)))),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(present.collect::<Map<_, _>>())
    }
}

fn list<'a>(stream: &str, field: &str, state: &'a Value) -> Result<&'a [Value], Error> {
    match state.get(field) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(no_part_of_a_state(stream, field)),
    }
}

fn filter(stream: &str, state: &Value) -> Result<Option<FilterProof>, Error> {
    let Some(filter) = state.get(UPDATED_FILTER).filter(|filter| !filter.is_null()) else { return Ok(None) };
    require_object(stream, UPDATED_FILTER, filter)?;
    let form = match &filter["form"] {
        Value::Null => None,
        Value::String(form) if form == "seconds" => Some(TimeForm::Seconds),
        Value::String(form) if form == "iso" => Some(TimeForm::Iso),
        _ => return Err(no_part_of_a_state(stream, UPDATED_FILTER)),
    };
    Ok(time::in_state(stream, filter, "tested_at")?.map(|tested_at| FilterProof { form, tested_at }))
}

fn arrears(stream: &str, state: &Value) -> Result<Option<Arrears>, Error> {
    let Some(arrears) = state.get(ARREARS).filter(|arrears| !arrears.is_null()) else { return Ok(None) };
    require_object(stream, ARREARS, arrears)?;
    let time = |field| time::in_state(stream, arrears, field)?.ok_or_else(|| no_part_of_a_state(stream, ARREARS));
    Ok(Some(Arrears { created_before: time("created_before")?, through: time("through")? }))
}

fn recent(stream: &str, state: &Value) -> Result<Vec<u64>, Error> {
    let text = match state.get(RECENT) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) => text,
        Some(other) => {
            return Err(Error::config(format!(
                "The state of {stream} cannot be used: `{RECENT}` is {}, not a text. Give the state that an earlier read wrote, or none.",
                kind_in_words(other)
            )));
        }
    };
    let bytes = STANDARD_NO_PAD.decode(text).ok().filter(|bytes| bytes.len().is_multiple_of(8));
    let bytes = bytes.ok_or_else(|| no_part_of_a_state(stream, RECENT))?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|version| u64::from_le_bytes(*version)).collect())
}

fn no_part_of_a_state(stream: &str, field: &str) -> Error {
    Error::config(format!(
        "The state of {stream} cannot be used: `{field}` is not what this connector writes there. Give the state that an earlier read wrote, or none."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::timestamp::parse;

    const CURSOR: &str = "lastModified";

    fn at(text: &str) -> DateTime<Utc> {
        parse(text).unwrap()
    }

    fn keys(from: u128, count: u64) -> TrackedKeys {
        let mut keys = TrackedKeys::default();
        for number in 0..count {
            keys.insert(from + u128::from(number));
        }
        keys
    }

    fn state() -> ListChanges {
        let mut tracked = TrackedRanges::starting(at("2015-01-01T00:00:00Z"));
        tracked.push(at("2020-01-01T00:00:00Z"), keys(1, 3));
        ListChanges {
            through: Some(at("2026-11-22T10:00:00Z")),
            first_read_at: None,
            swept_at: Some(at("2026-11-20T10:00:00Z")),
            filter: Some(FilterProof { form: Some(TimeForm::Iso), tested_at: at("2026-11-20T10:00:00Z") }),
            arrears: Some(Arrears { created_before: at("2025-11-20T10:00:00Z"), through: at("2026-11-20T10:00:00Z") }),
            tracked,
            recent: vec![7, u64::MAX],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let first = ListChanges::first_read(at("2026-11-22T10:00:00Z"), at("2015-01-01T00:00:00Z"));
        for written in [state(), first, ListChanges { filter: None, arrears: None, recent: Vec::new(), ..state() }] {
            let text = written.to_state(CURSOR).to_string();
            let read = ListChanges::parse("S", CURSOR, &serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read, Some(written), "{text}");
        }
    }

    #[test]
    fn a_state_of_another_kind_begins_anew_and_one_that_holds_something_else_is_refused() {
        for other in [json!({"next_created_from": "2020-01-01T00:00:00Z"}), json!({}), json!({CURSOR: null})] {
            assert_eq!(ListChanges::parse("S", CURSOR, &other).unwrap(), None);
        }
        let cases = [
            (CURSOR, json!("soon")),
            (CREATED_FROM, json!(null)),
            (RANGES, json!({})),
            (RANGES, json!([{"to": "2020-01-01T00:00:00Z", "rows": 1, "sketch": "AAAA"}])),
            (RANGES, json!([{"to": "2014-01-01T00:00:00Z", "rows": 0, "sketch": KeySketch::default().to_text()}])),
            (RANGES, json!([7])),
            (RECENT, json!("AAAA")),
            (RECENT, json!(7)),
            (UPDATED_FILTER, json!({"form": "miles", "tested_at": "2026-11-20T10:00:00Z"})),
            (FIRST_READ_AT, json!(7)),
            (ARREARS, json!({"created_before": "2026-11-20T10:00:00Z"})),
        ];
        for (field, broken) in cases {
            let mut state = state().to_state(CURSOR);
            state[field] = broken;
            let error = ListChanges::parse("BOOKING", CURSOR, &state).unwrap_err();
            assert!(error.message().starts_with("The state of BOOKING cannot be used"), "{state}: {error}");
        }
    }

    #[test]
    fn a_state_that_stands_for_another_remembers_only_what_both_have_written() {
        let mut one = state();
        let other = ListChanges { recent: vec![9, 7], ..state() };
        assert!(one.stands_for(&other));
        one.forget_unless_in(&other);
        assert_eq!(one.recent, [7]);
    }

    #[test]
    fn small_neighbours_become_one_and_a_million_rows_take_less_than_300_kilobytes() {
        let mut state = state();
        state.tracked = TrackedRanges::starting(at("2015-01-01T00:00:00Z"));
        state.remember((0..100_000).collect());
        let mut random = fastrand::Rng::with_seed(7);
        let (mut rows, mut number) = (0, 0);
        while rows < 1_000_000 {
            // As slices have them: up to 50 pages of 100 rows, unevenly.
            let count = random.u64(1_500..=5_000);
            rows += count;
            number += 1;
            state
                .tracked
                .push(at("2015-01-01T00:00:00Z") + chrono::Duration::days(number), keys(random.u128(..), count));
        }
        let text = state.to_state(CURSOR).to_string();
        assert!(text.len() < 300_000, "{} bytes, {} ranges", text.len(), state.tracked.ranges.len());
        assert_eq!(state.recent.last(), Some(&99_999));
        let all: u64 = state.tracked.ranges.iter().map(|range| range.keys.rows).sum();
        assert_eq!(all, rows);
    }
}
