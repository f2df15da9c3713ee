//! What was deleted. Navan marks it nowhere: a deleted row comes in no answer any more.
//!
//! Of each range of creation time the state has a sketch of the keys that were written. Against the keys that the range has now it names those that
//! are gone. None is taken for deleted on that alone: each is asked for once more by its key, or where Navan does not answer that, the
//! range is read again. A deletion is written as a record with the key, the times that make it the latest version, and when it was found;
//! deduplicating destinations take the row out.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::CreatedSlices;
use super::changed_rows::ChangedRows;
use super::date_slice::DateSlice;
use super::slice_reader::{SliceReader, SliceVisitor};
use crate::api::{ListPage, ListQuery, Paging};
use crate::gateway::Failure;
use crate::record::Row;
use crate::sync::state::time::to_text;
use crate::sync::state::{TrackedKeys, TrackedRanges};
use crate::sync::strategy::page_sweep::Swept;
use crate::sync::strategy::{BRIEF_ATTEMPTS, ReadContext, ReadError};

/// Of so many rows no more than one may be gone: where more are, it is more likely that something is wrong.
const ONE_GONE_IN: u64 = 20;

/// What a range has now.
pub(super) struct RangeSwept {
    /// All its parts were read, and nothing that their pages say speaks against their rows being all.
    pub(super) is_consistent: bool,
    /// The keys that came at all.
    pub(super) seen: TrackedKeys,
    /// The keys that it had in the end.
    pub(super) present: TrackedKeys,
}

impl Default for RangeSwept {
    fn default() -> Self {
        Self { is_consistent: true, seen: TrackedKeys::default(), present: TrackedKeys::default() }
    }
}

/// Compares what a sweep has found with what was `known`, and writes the deletions, and rows that should have come before. Returns what is
/// known now.
///
/// # Errors
/// As for any request.
pub(super) async fn find(
    list: &CreatedSlices,
    read: &ReadContext<'_>,
    rows: &ChangedRows,
    known: TrackedRanges,
    swept: Vec<(DateSlice, RangeSwept)>,
) -> Result<TrackedRanges, ReadError> {
    let mut search = Search { list, read, can_look_up: None, rows };
    let mut tracked = TrackedRanges::starting(known.from);
    let mut known = known.ranges.into_iter();
    for (slice, range) in swept {
        let keys = match known.next() {
            Some(known) => search.compare(slice, known.keys, range).await?,
            // What was created since the last sweep.
            None => range.seen,
        };
        tracked.push(slice.to, keys);
    }
    Ok(tracked)
}

/// A search for what is gone.
struct Search<'a> {
    list: &'a CreatedSlices,
    read: &'a ReadContext<'a>,
    rows: &'a ChangedRows,
    /// Whether Navan finds a row by its key, once that is known.
    can_look_up: Option<bool>,
}

/// What is known of the differences of a range.
#[derive(Default)]
struct Confirmed {
    deleted: Vec<u128>,
    /// Those that may be.
    open: Vec<u128>,
    /// Rows that should have been written, and did not come.
    missing: BTreeSet<u128>,
}

/// What comes of asking for a row by its key.
enum Answer {
    Present(Box<ListPage>),
    Absent,
    /// It does not tell.
    Unclear,
}

impl Search<'_> {
    /// Compares a range with what was known of it; what is known now.
    async fn compare(
        &mut self,
        slice: DateSlice,
        mut known: TrackedKeys,
        swept: RangeSwept,
    ) -> Result<TrackedKeys, ReadError> {
        let RangeSwept { is_consistent, present, .. } = swept;
        let name = self.read.emitter.name();
        let DateSlice { from, to } = slice;
        if !is_consistent {
            tracing::warn!(
                "{name}: what was deleted of what was created from {from} to {to} cannot be told this time, as the pages do not agree with each other."
            );
            return Ok(known);
        }
        if present.rows == 0 && known.rows > 0 {
            tracing::warn!(
                "{name}: of {} rows created from {from} to {to}, none is there any more; none is taken for deleted. If they were, a full refresh of the stream shows it.",
                known.rows
            );
            return Ok(known);
        }
        let Some(difference) = known.sketch.difference(&present.sketch) else {
            tracing::warn!(
                "{name}: of what was created from {from} to {to}, {} rows were known and {} are there now: too many differ to tell which were deleted. A full refresh of the stream shows it; what is there is written.",
                known.rows,
                present.rows
            );
            return Ok(self.read_again(slice, Wanted::All).await?.present);
        };
        let (gone, new) = (difference.gone, difference.new);
        let unwritten: HashSet<_> = new.iter().copied().filter(|key| !self.rows.has_written(*key)).collect();
        if gone.len() as u64 * ONE_GONE_IN > known.rows {
            tracing::warn!(
                "{name}: of {} rows created from {from} to {to}, {} are no longer there, which is more than is taken for deletions. If they were deleted, a full refresh of the stream shows it.",
                known.rows,
                gone.len()
            );
            let missing = self.write_rows(slice, unwritten).await?;
            for key in new.difference(&missing) {
                known.insert(*key);
            }
            return Ok(known);
        }
        let Confirmed { deleted, open, missing } = self.confirm(slice, gone, unwritten).await?;
        for key in deleted {
            self.write_deletion(from, key).await;
        }
        let mut now = present;
        for key in open {
            now.insert(key);
        }
        for key in missing {
            now.remove(key);
        }
        Ok(now)
    }

    /// Which of these rows are deleted, and of which that cannot be told yet. Rows that were not written before are.
    async fn confirm(
        &mut self,
        slice: DateSlice,
        gone: BTreeSet<u128>,
        unwritten: HashSet<u128>,
    ) -> Result<Confirmed, ReadError> {
        let mut confirmed = Confirmed::default();
        let mut unclear = HashSet::new();
        for key in gone {
            match self.look_up(key).await? {
                Answer::Absent => confirmed.deleted.push(key),
                Answer::Present(_) => tracing::warn!(
                    "{}: the row {} comes in no page of what was created then, but by its key; it is not taken for deleted.",
                    self.read.emitter.name(),
                    text_of(key)
                ),
                Answer::Unclear => {
                    unclear.insert(key);
                }
            }
        }
        if unclear.is_empty() {
            confirmed.missing = self.write_rows(slice, unwritten).await?;
            return Ok(confirmed);
        }
        let wanted = unwritten.union(&unclear).copied().collect();
        let again = self.read_again(slice, Wanted::Keys(wanted)).await?;
        confirmed.missing = unwritten.difference(&again.sighted).copied().collect();
        for key in unclear.difference(&again.sighted) {
            let list = if again.is_consistent { &mut confirmed.deleted } else { &mut confirmed.open };
            list.push(*key);
        }
        Ok(confirmed)
    }

    /// Asks for a row by its key. Whether Navan answers such a request as it should, a row that is there shows first.
    async fn look_up(&mut self, key: u128) -> Result<Answer, ReadError> {
        let can = match (self.can_look_up, self.rows.known_key()) {
            (Some(can), _) => can,
            (None, Some(known)) => matches!(self.ask(known).await?, Answer::Present(_)),
            (None, None) => false,
        };
        self.can_look_up = Some(can);
        if can { self.ask(key).await } else { Ok(Answer::Unclear) }
    }

    async fn ask(&self, key: u128) -> Result<Answer, ReadError> {
        let query = ListQuery::whole(self.list.endpoint, self.list.page_size)
            .only(self.list.id_parameter, text_of(key))
            .with_attempts(BRIEF_ATTEMPTS);
        match self.read.api.numbered_page(&query, 0, Paging::default(), self.read.emitter.format()).await {
            Ok(page) if page.rows.is_empty() && !page.says_nothing => Ok(Answer::Absent),
            Ok(page) if page.rows.rows().iter().any(|row| row.uuid == Some(key)) => Ok(Answer::Present(Box::new(page))),
            Ok(_) | Err(Failure::Refused(_) | Failure::Exhausted { .. }) => Ok(Answer::Unclear),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes rows that are there, though no read has brought them; which of them did not come.
    async fn write_rows(&mut self, slice: DateSlice, mut keys: HashSet<u128>) -> Result<BTreeSet<u128>, ReadError> {
        let all: Vec<_> = keys.iter().copied().collect();
        for key in all {
            if let Answer::Present(page) = self.look_up(key).await? {
                let ListPage { mut rows, permit, .. } = *page;
                rows.retain(|row, _| row.uuid == Some(key));
                self.read.emitter.write(rows).await;
                drop(permit);
                keys.remove(&key);
            }
        }
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let again = self.read_again(slice, Wanted::Keys(keys.clone())).await?;
        Ok(keys.difference(&again.sighted).copied().collect())
    }

    /// Reads a range once more, and writes those of its rows.
    async fn read_again(&self, slice: DateSlice, wanted: Wanted) -> Result<LookedAgain, ReadError> {
        let visitor = SecondSweep { wanted, again: RefCell::default() };
        let reader =
            SliceReader { list: self.list, read: self.read, visitor: &visitor, updated: None, tells_size: false };
        let broken = reader.read(vec![slice]).await?;
        let mut again = visitor.again.into_inner();
        again.is_consistent &= broken.is_empty();
        Ok(again)
    }

    async fn write_deletion(&self, created: DateTime<Utc>, key: u128) {
        let fields = &self.list.fields;
        // Whatever was written of the row had changed before.
        let found = to_text(self.read.api.now().max(self.read.began) + Duration::seconds(1));
        let data = json!({
            fields.key: text_of(key),
            fields.created: to_text(created),
            fields.changed: found,
            fields.deleted: found,
        });
        self.read.emitter.write_record(&data).await;
    }
}

fn text_of(key: u128) -> String {
    Uuid::from_u128(key).as_hyphenated().to_string()
}

/// What a range is read once more for.
enum Wanted {
    All,
    Keys(HashSet<u128>),
}

/// What came of that.
struct LookedAgain {
    is_consistent: bool,
    present: TrackedKeys,
    /// Those of the wanted keys that came.
    sighted: HashSet<u128>,
}

impl Default for LookedAgain {
    fn default() -> Self {
        Self { is_consistent: true, present: TrackedKeys::default(), sighted: HashSet::new() }
    }
}

/// A second sweep of a range.
struct SecondSweep {
    wanted: Wanted,
    again: RefCell<LookedAgain>,
}

impl SliceVisitor for SecondSweep {
    fn wants(&self, row: &Row, _: &[u8]) -> bool {
        match &self.wanted {
            Wanted::All => true,
            Wanted::Keys(keys) => {
                let wanted = row.uuid.filter(|key| keys.contains(key));
                self.again.borrow_mut().sighted.extend(wanted);
                wanted.is_some()
            }
        }
    }

    fn slice_read(&self, _: DateSlice, swept: Swept) {
        let mut again = self.again.borrow_mut();
        again.is_consistent &= swept.is_consistent;
        again.present.add(&swept.present);
    }

    fn reached(&self, _: DateTime<Utc>) {}
}
