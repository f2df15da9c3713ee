//! An incremental read of a list by creation time.
//!
//! The first one brings everything. After that, what changed since the cursor is written, less a look-back, since changes may appear
//! late; what was written before of that is remembered. A change that comes later still, or that the filter has missed, the
//! weekly sweep brings, which reads the whole list.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::changed_rows::ChangedRows;
use super::date_slice::DateSlice;
use super::deletions::{self, RangeSwept};
use super::slice_reader::{SliceReader, SliceVisitor};
use super::{CreatedSlices, filter_proof, require_whole};
use crate::api::TimeForm;
use crate::record::Row;
use crate::sync::state::time::whole_second;
use crate::sync::state::{FilterProof, ListChanges, Resume, StreamState, TrackedRange, TrackedRanges};
use crate::sync::strategy::page_sweep::Swept;
use crate::sync::strategy::{ReadContext, ReadError};

/// How long a proof counts.
const PROOF_LASTS: Duration = Duration::days(7);

impl CreatedSlices {
    pub(super) async fn read_changes(&self, read: &ReadContext<'_>, resume: Resume) -> Result<(), ReadError> {
        let (start, end) = (whole_second(read.config.start_date), whole_second(read.began));
        let state = match resume {
            Resume::From(StreamState::List(state)) => *state,
            _ => ListChanges::first_read(end, start),
        };
        let Some(through) = state.through else {
            // Of one that was cut off, what was created earlier than it began with is not known.
            let goes_on = state.tracked.from == start && state.tracked.end() <= end;
            let state = if goes_on { state } else { ListChanges::first_read(end, start) };
            return self.read_first(read, state, end).await;
        };
        if through > end {
            tracing::warn!(
                "{}: the state says that changes were read up to {through}, but for Navan it is {end}; nothing is read before then. If the state is wrong, clear it.",
                read.emitter.name()
            );
            read.emitter.checkpoint(&state.to_state(self.fields.changed));
            return Ok(());
        }
        let state = self.follow_start_date(read, state, start).await?;
        let sweep_days = i64::from(read.config.booking_sweep_days);
        let is_swept = |at: DateTime<Utc>| sweep_days == 0 || end - at < Duration::days(sweep_days);
        if state.swept_at.is_none_or(is_swept) {
            return self.read_changed(read, state, through, end).await.map(drop);
        }
        // Where that is cheap, the changes go first, so that they do not hang on whether all can be read.
        let state = match proven_form(&state, end) {
            Some(_) => self.read_changed(read, state, through, end).await?,
            None => state,
        };
        self.sweep(read, state, end).await
    }

    /// Reads everything, going on where an interrupted first read was.
    async fn read_first(
        &self,
        read: &ReadContext<'_>,
        state: ListChanges,
        end: DateTime<Utc>,
    ) -> Result<(), ReadError> {
        let began = state.first_read_at.unwrap_or(end);
        let from = state.tracked.end();
        if from > state.tracked.from {
            tracing::info!("{}: going on with what was created from {from} on.", read.emitter.name());
        }
        let visitor = FirstRead {
            list: self,
            read,
            rows: ChangedRows::all(began, lookback(read)),
            state: RefCell::new(state),
            slices: RefCell::default(),
            end,
        };
        if from <= end {
            let slices = SliceReader { list: self, read, visitor: &visitor, updated: None, tells_size: true };
            require_whole(slices.read(vec![DateSlice { from, to: end }]).await?)?;
        }
        let FirstRead { rows, state, .. } = visitor;
        let state = ListChanges { first_read_at: None, swept_at: Some(began), ..state.into_inner() };
        self.end_read(read, state, &rows, began, true).await.map(drop)
    }

    /// Reads what was created between a `start_date` that was moved back and where the list began before; forgets what was created
    /// before one that was moved on.
    async fn follow_start_date(
        &self,
        read: &ReadContext<'_>,
        mut state: ListChanges,
        start: DateTime<Utc>,
    ) -> Result<ListChanges, ReadError> {
        let mut known = state.tracked;
        while known.from < start && !known.ranges.is_empty() {
            known.from = known.ranges.remove(0).to;
        }
        if known.from < start {
            known.from = start;
        }
        if known.from == start {
            return Ok(ListChanges { tracked: known, ..state });
        }
        tracing::info!("{}: reading what was created from {start} to {}.", read.emitter.name(), known.from);
        let visitor = RangeSweep::of(ChangedRows::all(whole_second(read.began), lookback(read)), vec![start]);
        let slices = SliceReader { list: self, read, visitor: &visitor, updated: None, tells_size: true };
        require_whole(slices.read(vec![DateSlice { from: start, to: known.from }]).await?)?;
        state.tracked = TrackedRanges::starting(start);
        let swept = visitor.into_ranges();
        state.tracked.push(known.from, swept.into_iter().next().map(|range| range.seen).unwrap_or_default());
        for range in known.ranges {
            state.tracked.push(range.to, range.keys);
        }
        Ok(state)
    }

    /// Reads what changed.
    async fn read_changed(
        &self,
        read: &ReadContext<'_>,
        mut state: ListChanges,
        through: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<ListChanges, ReadError> {
        let rows = ChangedRows::since(&state, through, end, lookback(read));
        let since = rows.earliest().unwrap_or(through);
        let proven = proven_form(&state, end);
        let begin = state.tracked.from;
        let (from, updated) = if let Some(form) = proven {
            // From a second earlier on, should it not include the one that it is asked for; and what has changed once more meanwhile.
            (begin, Some((since - Duration::seconds(1)..=end + Duration::days(1), form)))
        } else {
            let lately = end - Duration::days(i64::from(read.config.booking_lookback_days));
            (begin.max(lately.min(through - lookback(read))), None)
        };
        let name = read.emitter.name();
        if proven.is_some() {
            tracing::info!("{name}: asking for what changed since {since}.");
        } else {
            tracing::info!(
                "{name}: reading what was created since {from}, for what of it changed since {since}: it is not proved that Navan can be asked for changes alone."
            );
        }
        let visitor = RangeSweep::of(rows, vec![from]);
        if from <= end {
            let slices = SliceReader { list: self, read, visitor: &visitor, updated, tells_size: false };
            require_whole(slices.read(vec![DateSlice { from, to: end }]).await?)?;
        }
        if proven.is_none() && from > begin {
            state.leave_out(from, through);
        } else {
            state.arrears = None;
        }
        state.tracked.push(end, visitor.rows.take_new_keys());
        self.end_read(read, state, &visitor.rows, end, proven.is_none()).await
    }

    /// Reads the whole list, for what changed in it and what is gone from it: since the last sweep, as a change may have come too late for
    /// the reads in between. What they have written is remembered.
    async fn sweep(&self, read: &ReadContext<'_>, mut state: ListChanges, end: DateTime<Utc>) -> Result<(), ReadError> {
        tracing::info!("{}: reading all of it, for what changed and what was deleted.", read.emitter.name());
        let rows = ChangedRows::since(&state, state.swept_at.unwrap_or(end), end, lookback(read));
        let known = std::mem::replace(&mut state.tracked, TrackedRanges::starting(end));
        let mut slices: Vec<_> = known.iter().map(|(from, range)| DateSlice { from, to: range.to }).collect();
        if known.end() < end {
            slices.push(DateSlice { from: known.end(), to: end });
        }
        let visitor = RangeSweep::of(rows, slices.iter().map(|slice| slice.from).collect());
        let reader = SliceReader { list: self, read, visitor: &visitor, updated: None, tells_size: false };
        require_whole(reader.read(slices.clone()).await?)?;
        let (rows, swept) = visitor.into_parts();
        state.tracked = deletions::find(self, read, &rows, known, slices.into_iter().zip(swept).collect()).await?;
        (state.swept_at, state.arrears) = (Some(end), None);
        // Those of before are no longer looked back on.
        state.recent.clear();
        self.end_read(read, state, &rows, end, true).await.map(drop)
    }

    /// What is known now, and the last checkpoint.
    async fn end_read(
        &self,
        read: &ReadContext<'_>,
        mut state: ListChanges,
        rows: &ChangedRows,
        through: DateTime<Utc>,
        proves: bool,
    ) -> Result<ListChanges, ReadError> {
        if proves && let Some(witness) = rows.witness() {
            let whole = DateSlice { from: state.tracked.from, to: whole_second(read.began) };
            match filter_proof::prove(self, read.api, read.emitter.format(), whole, witness).await {
                Ok(form) => {
                    tell(read, form);
                    state.filter = Some(FilterProof { form, tested_at: whole_second(read.began) });
                }
                // The rows are written; the next read tries again.
                Err(failure) => tracing::info!(
                    "{}: whether Navan can be asked for changes alone could not be tried ({failure}).",
                    read.emitter.name()
                ),
            }
        }
        if rows.has_other_keys() {
            tracing::warn!(
                "{}: some rows have no key that is a UUID; should they be deleted at Navan, that is not noticed.",
                read.emitter.name()
            );
        }
        state.through = Some(through);
        state.remember(rows.versions());
        read.emitter.checkpoint(&state.to_state(self.fields.changed));
        Ok(state)
    }
}

/// The form in which Navan can be asked for changes, if that was proved not too long ago.
fn proven_form(state: &ListChanges, end: DateTime<Utc>) -> Option<TimeForm> {
    state.filter.filter(|proof| end - proof.tested_at < PROOF_LASTS).and_then(|proof| proof.form)
}

fn tell(read: &ReadContext<'_>, form: Option<TimeForm>) {
    if form.is_some() {
        tracing::info!("{}: Navan can be asked for what changed alone, which is proved.", read.emitter.name());
        return;
    }
    tracing::info!(
        "{}: Navan does not filter by the time of the last change as it should; changes are found by reading again what was created in the last {} days.",
        read.emitter.name(),
        read.config.booking_lookback_days
    );
}

fn lookback(read: &ReadContext<'_>) -> Duration {
    Duration::days(i64::from(read.config.lookback_days))
}

/// The first read.
struct FirstRead<'a> {
    list: &'a CreatedSlices,
    read: &'a ReadContext<'a>,
    rows: ChangedRows,
    state: RefCell<ListChanges>,
    /// Slices that are complete, but not without a gap, by where they begin.
    slices: RefCell<BTreeMap<DateTime<Utc>, TrackedRange>>,
    end: DateTime<Utc>,
}

impl SliceVisitor for FirstRead<'_> {
    fn wants(&self, row: &Row, data: &[u8]) -> bool {
        self.rows.wants(row, data)
    }

    fn slice_read(&self, slice: DateSlice, swept: Swept) {
        let mut slices = self.slices.borrow_mut();
        // One that is read for others takes their place.
        slices.retain(|from, _| !(slice.from..slice.to).contains(from));
        slices.insert(slice.from, TrackedRange { to: slice.to, keys: swept.seen });
    }

    fn reached(&self, up_to: DateTime<Utc>) {
        let mut state = self.state.borrow_mut();
        let mut slices = self.slices.borrow_mut();
        let open = slices.split_off(&up_to);
        for TrackedRange { to, keys } in std::mem::replace(&mut *slices, open).into_values() {
            state.tracked.push(to, keys);
        }
        if up_to < self.end {
            self.read.emitter.checkpoint(&state.to_state(self.list.fields.changed));
        }
    }
}

/// A read of ranges, of which it is known what each has when it has been read.
pub(super) struct RangeSweep {
    rows: ChangedRows,
    /// Where the ranges begin.
    starts: Vec<DateTime<Utc>>,
    ranges: RefCell<Vec<RangeSwept>>,
}

impl RangeSweep {
    pub(super) fn of(rows: ChangedRows, starts: Vec<DateTime<Utc>>) -> Self {
        let ranges = starts.iter().map(|_| RangeSwept::default()).collect();
        Self { rows, starts, ranges: RefCell::new(ranges) }
    }

    pub(super) fn into_ranges(self) -> Vec<RangeSwept> {
        self.ranges.into_inner()
    }

    fn into_parts(self) -> (ChangedRows, Vec<RangeSwept>) {
        (self.rows, self.ranges.into_inner())
    }
}

impl SliceVisitor for RangeSweep {
    fn wants(&self, row: &Row, data: &[u8]) -> bool {
        self.rows.wants(row, data)
    }

    fn slice_read(&self, slice: DateSlice, swept: Swept) {
        let number = self.starts.partition_point(|start| *start <= slice.from).saturating_sub(1);
        let mut ranges = self.ranges.borrow_mut();
        // Where all ranges were read as one list, it is not known which has what.
        if self.starts.get(number + 1).is_some_and(|next| *next < slice.to) {
            ranges.iter_mut().for_each(|range| range.is_consistent = false);
            return;
        }
        let Some(range) = ranges.get_mut(number) else { return };
        range.is_consistent &= swept.is_consistent;
        range.seen.add(&swept.seen);
        range.present.add(&swept.present);
    }

    fn reached(&self, _: DateTime<Utc>) {}
}
