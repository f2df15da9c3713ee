//! Whether a row can have slipped out of sight while windows were read.
//!
//! A row that changes leaves the window in which it was: its time is another one. If Navan's cursor counts rows, those behind it
//! move up, and the first of the next page is in no page. Nothing in the window's own pages shows it; but the row that left is now
//! among the latest changes, with a time at which the window was being read. So once all windows are read, the latest changes are
//! asked for, and each window of several pages that was being read at the time of one is read once more, for what is new in it.
//! Until then the state says of such windows that they are unsure, so that a read that goes on from it looks at them too.
//!
//! Where rows do not tell when they changed, nothing can be seen of that. There a window of several pages is read until it has the
//! same rows twice.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};

use super::number_map::NumberMap;
use super::row_numbers::{RowNumbers, WrittenVersions};
use super::window_reader::{ChangeWindow, FirstOfType, WindowReading};
use super::{MAX_BARREN_PAGES, ReadContext, ReadError};
use crate::api::{ChangesQuery, NextPage};
use crate::gateway::Failure;
use crate::sync::state::UnsureDays;
use crate::sync::state::time::midnight;

/// How many versions of rows are remembered for it; of windows beyond, all rows are written again if need be.
const MAX_REMEMBERED: usize = 50_000;

/// How far Navan's clock can be from what is known of it.
const CLOCK_MARGIN: Duration = Duration::seconds(2);

/// The windows of several pages that were read, and the changes seen meanwhile.
#[derive(Default)]
pub(super) struct SecondLooks {
    /// Whether rows tell when they changed.
    rows_have_times: bool,
    /// Those that no look has cleared yet.
    unsure: Vec<ChangeWindow>,
    changes: BTreeMap<String, BTreeSet<DateTime<Utc>>>,
    /// Those that the next read has to look at.
    left: Vec<ChangeWindow>,
    /// What was read before then was read by an earlier read.
    began: DateTime<Utc>,
    /// Types whose latest changes were seen.
    looked_at: BTreeSet<String>,
    remembered: usize,
}

impl SecondLooks {
    /// Goes on with what an interrupted read left unsure, but for the days that are read anew by the `planned` windows.
    pub(super) fn resume<'a>(
        rows_have_times: bool,
        unsure: &BTreeMap<String, Vec<UnsureDays>>,
        partitions: &[String],
        planned: impl Iterator<Item = &'a ChangeWindow>,
        began: DateTime<Utc>,
    ) -> Self {
        let mut read_from = BTreeMap::new();
        for window in planned {
            let from = read_from.entry(&window.partition).or_insert(*window.days.start());
            *from = (*window.days.start()).min(*from);
        }
        let window = |partition: &String, unsure: &UnsureDays| {
            let day_before = read_from.get(partition).map_or(NaiveDate::MAX, |from| *from - Days::new(1));
            let days = *unsure.days.start()..=day_before.min(*unsure.days.end());
            let starts = midnight(*days.start());
            (!days.is_empty()).then(|| ChangeWindow {
                partition: partition.clone(),
                days,
                number: 0,
                starts,
                since: starts,
                written: WrittenVersions::default(),
                first: FirstOfType::Unread,
                was_throttled: false,
                rows_before: None,
                read_before: Some(unsure.read.clone()),
            })
        };
        let windows = unsure.iter().flat_map(|(partition, all)| all.iter().filter_map(|days| window(partition, days)));
        // What is not read any more waits for the read that takes it up again.
        let (unsure, left) = windows.partition(|window| partitions.contains(&window.partition));
        Self { rows_have_times, unsure, left, began, ..Self::default() }
    }

    /// As the stream's state holds it.
    pub(super) fn to_state(&self) -> BTreeMap<String, Vec<UnsureDays>> {
        let mut unsure = BTreeMap::<_, Vec<_>>::new();
        for window in self.unsure.iter().chain(&self.left) {
            let Some(read) = window.read_before.clone() else { continue };
            unsure.entry(window.partition.clone()).or_default().push(UnsureDays { days: window.days.clone(), read });
        }
        unsure
    }

    /// Since when a change can have moved a row of what is unsure; of what is read from `end` on in any case.
    pub(super) fn since(&self, end: DateTime<Utc>) -> DateTime<Utc> {
        let begun = self.unsure.iter().filter_map(|window| Some(*window.read_before.as_ref()?.start() - CLOCK_MARGIN));
        begun.fold(end, DateTime::min)
    }

    /// A window was read to its end.
    pub(super) fn read(&mut self, window: &ChangeWindow, reading: WindowReading) {
        let WindowReading { time, was_paged, changed_since, written, rows, .. } = reading;
        self.changes.entry(window.partition.clone()).or_default().extend(changed_since);
        let is_settled = !self.rows_have_times && window.rows_before == Some(rows);
        if was_paged && !is_settled {
            let mut window = ChangeWindow { read_before: Some(time), rows_before: Some(rows), ..window.clone() };
            let remembered = self.remembered + written.len();
            if remembered <= MAX_REMEMBERED {
                self.remembered = remembered;
                window.written = written;
            }
            self.unsure.push(window);
        }
    }

    /// A window stays unsure, and is not looked at again in this read.
    pub(super) fn leave(&mut self, window: ChangeWindow) {
        self.left.push(window);
    }

    /// The partitions whose windows can have lost a row.
    pub(super) fn unsure_types(&self) -> BTreeSet<String> {
        self.unsure.iter().map(|window| window.partition.clone()).collect()
    }

    /// Takes note of the changes that `query` asks for, of those that came after `since`.
    ///
    /// # Errors
    /// As for any request. A look that fails is told, and what is unsure stays so.
    pub(super) async fn look_for_changes(
        &mut self,
        read: &ReadContext<'_>,
        partition: &str,
        query: ChangesQuery,
        since: DateTime<Utc>,
    ) -> Result<(), ReadError> {
        if !self.rows_have_times {
            return Ok(());
        }
        let changes = self.changes.entry(partition.to_owned()).or_default();
        let why = match changes_of(read, query, since, changes).await {
            Ok(None) => {
                self.looked_at.insert(partition.to_owned());
                return Ok(());
            }
            Ok(Some(contradiction)) => contradiction.to_owned(),
            Err(failure @ (Failure::Exhausted { .. } | Failure::Refused(_))) => failure.to_string(),
            Err(failure) => return Err(failure.into()),
        };
        tracing::warn!(
            "{}: whether {partition} changed while it was read could not be seen ({why}); the next read looks again.",
            read.emitter.name()
        );
        Ok(())
    }

    /// The windows that were being read when a row of theirs may have changed. The others are cleared, if their partition was looked at.
    pub(super) fn take_suspects(&mut self) -> VecDeque<ChangeWindow> {
        let changes = std::mem::take(&mut self.changes);
        let looked_at = std::mem::take(&mut self.looked_at);
        let mut suspects = VecDeque::new();
        for window in std::mem::take(&mut self.unsure) {
            if self.rows_have_times && !looked_at.contains(&window.partition) {
                self.left.push(window);
                continue;
            }
            self.remembered = self.remembered.saturating_sub(window.written.len());
            let Some(read) = &window.read_before else { continue };
            // What left a window of an earlier read may have changed once more since, which hides when it did first.
            let until = if *read.start() < self.began { DateTime::<Utc>::MAX_UTC } else { *read.end() + CLOCK_MARGIN };
            let range = *read.start() - CLOCK_MARGIN..=until;
            if !self.rows_have_times
                || changes.get(&window.partition).is_some_and(|changes| changes.range(range).next().is_some())
            {
                suspects.push_back(window);
            }
        }
        suspects
    }
}

/// Follows the latest changes to their end, which may be contradicted: then what it says is told.
async fn changes_of(
    read: &ReadContext<'_>,
    query: ChangesQuery,
    since: DateTime<Utc>,
    changes: &mut BTreeSet<DateTime<Utc>>,
) -> Result<Option<&'static str>, Failure> {
    let (mut query, mut cursor) = (query, None::<String>);
    let (mut cursors, mut barren) = (HashSet::new(), 0);
    let (mut numbers, mut seen) = (RowNumbers::default(), NumberMap::default());
    loop {
        let page = match read.api.changes_page(&query, cursor.as_deref(), read.emitter.format()).await {
            Ok(page) => page,
            // Where the account lives, the last day may not have begun.
            Err(failure) if cursor.is_none() && failure.refused_with() == Some(400) => {
                let Some(shorter) = query.clone().without_last_day() else { return Err(failure) };
                query = shorter;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let (before, repeated) = (seen.len(), numbers.repeated());
        for row in page.rows.rows() {
            seen.get_or_insert(numbers.of(row), ());
        }
        barren = if seen.len() - before <= numbers.repeated() - repeated { barren + 1 } else { 0 };
        changes.extend(page.rows.rows().iter().filter_map(|row| row.cursor.filter(|changed| *changed > since)));
        match page.next {
            NextPage::None | NextPage::Doubtful(_) => return Ok(None),
            NextPage::Unreachable => return Ok(Some("more rows follow, but nothing leads there")),
            NextPage::Cursor(_) if barren >= MAX_BARREN_PAGES => return Ok(Some("its pages do not end")),
            NextPage::Cursor(next) if !cursors.insert(next.clone()) => return Ok(Some("its paging runs in a circle")),
            NextPage::Cursor(next) => cursor = Some(next),
        }
    }
}
