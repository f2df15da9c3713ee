//! How far a read by windows has come: what is complete, refused, broken, and left to be looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, Utc};

use super::missing::MissingRange;
use super::second_look::SecondLooks;
use super::window_reader::{ChangeWindow, FirstOfType, FirstWindow, WindowOutcome, WindowReading, WindowRefusal};
use crate::error::Error;
use crate::sync::state::time::midnight;
use crate::sync::state::{PartitionCursors, Watermark};

/// After so many windows of a type that fail for good, and none that can be read, the others are not asked for.
const MAX_FAILING: u32 = 2;

/// So many windows of a type are read again day by day if they fail; if more do, it is no single row that fails.
const MAX_SPLITS: u32 = 2;

/// How far a read has come.
pub(super) struct ReadProgress {
    pub(super) cursors: PartitionCursors,
    watermarks: HashMap<String, Watermark<DateTime<Utc>>>,
    /// Types of which a window was read.
    pub(super) read: BTreeSet<String>,
    /// Windows that were refused, or not asked for because another one of their type was, with how that one was.
    pub(super) refused: BTreeMap<String, (WindowRefusal, Vec<ChangeWindow>)>,
    /// Types of which nothing was read yet, and a window is being read.
    begun: BTreeSet<String>,
    /// By type, the first window that has rows.
    first_windows: BTreeMap<String, FirstOfType>,
    /// How many windows of a type were read again day by day.
    splits: BTreeMap<String, u32>,
    /// What could not be read, in words.
    pub(super) broken: Vec<MissingRange>,
    /// Types of which nothing could be read yet: how many windows failed for good.
    failing: BTreeMap<String, u32>,
    /// Those windows, and why.
    failed_first: Vec<(ChangeWindow, String, bool)>,
    /// By type, what stood in the way when it was last asked for.
    pub(super) obstacles: BTreeMap<String, Error>,
    /// Up to where a type is complete at most, since its last day could not be asked for.
    complete_to: HashMap<String, DateTime<Utc>>,
    pub(super) planned: usize,
    pub(super) done: usize,
    pub(super) rows: u64,
    pub(super) left_out: u64,
    /// Types that cannot be read, and how they are refused.
    pub(super) skipped: BTreeMap<String, WindowRefusal>,
    /// Types of which it was told that Navan does not heed the days.
    told_as_unfiltered: BTreeSet<String>,
    pub(super) second_looks: SecondLooks,
}

impl ReadProgress {
    pub(super) fn new(cursors: PartitionCursors, windows: &VecDeque<ChangeWindow>, end: DateTime<Utc>) -> Self {
        let mut starts: HashMap<_, Vec<_>> = HashMap::new();
        for window in windows {
            starts.entry(window.partition.clone()).or_default().push(window.starts);
        }
        let watermarks =
            starts.into_iter().map(|(partition, starts)| (partition, Watermark::new(end, starts))).collect();
        Self {
            cursors,
            watermarks,
            read: BTreeSet::new(),
            refused: BTreeMap::new(),
            begun: BTreeSet::new(),
            first_windows: BTreeMap::new(),
            splits: BTreeMap::new(),
            broken: Vec::new(),
            failing: BTreeMap::new(),
            failed_first: Vec::new(),
            obstacles: BTreeMap::new(),
            complete_to: HashMap::new(),
            planned: windows.len(),
            done: 0,
            rows: 0,
            left_out: 0,
            skipped: BTreeMap::new(),
            told_as_unfiltered: BTreeSet::new(),
            second_looks: SecondLooks::default(),
        }
    }

    /// The next window to read, without those that go by what is known of their type. Of a type of which nothing was read yet one goes
    /// alone: should the type give nothing, it takes no more than one place from the others.
    pub(super) fn next_of(&mut self, windows: &mut VecDeque<ChangeWindow>) -> Option<ChangeWindow> {
        loop {
            let may_go = |window: &ChangeWindow| {
                self.read.contains(&window.partition) || !self.begun.contains(&window.partition)
            };
            let mut at = windows.iter().position(may_go)?;
            let partition = &windows[at].partition;
            // What fails may be one day: another try is made far from it.
            if self.failing.contains_key(partition) && !self.read.contains(partition) {
                at = windows.iter().rposition(|window| window.partition == *partition)?;
            }
            let window = windows.remove(at)?;
            let window = self.put_off_if_refused(window).and_then(|window| self.fail_with_its_type(window));
            let Some(mut window) = window else { continue };
            if !self.read.contains(&window.partition) {
                self.begun.insert(window.partition.clone());
            }
            window.first = self.first_windows.get(&window.partition).cloned().unwrap_or_default();
            return Some(window);
        }
    }

    /// A window is being read no more.
    pub(super) fn put_down(&mut self, window: &ChangeWindow) {
        self.begun.remove(&window.partition);
    }

    /// Compares a window with the first of its type. Whether it has the same rows, which is seen for the first time.
    pub(super) fn compare(&mut self, window: &ChangeWindow, reading: &WindowReading) -> bool {
        let Some(ends) = reading.ends.filter(|_| window.read_before.is_none()) else { return false };
        let first = self.first_windows.entry(window.partition.clone()).or_default();
        match first {
            FirstOfType::Unread => {
                *first = FirstOfType::Known(Rc::new(FirstWindow { ends, written: reading.written.clone() }));
                false
            }
            FirstOfType::Known(_) if reading.is_first_again => self.told_as_unfiltered.insert(window.partition.clone()),
            FirstOfType::Known(_) => {
                *first = FirstOfType::Different;
                false
            }
            FirstOfType::Different => false,
        }
    }

    /// The days of a window that fails while others of its type can be read, so that only those are missed that really fail.
    pub(super) fn split(&mut self, window: &ChangeWindow) -> Option<Vec<ChangeWindow>> {
        let splits = self.splits.entry(window.partition.clone()).or_default();
        let is_one_day = window.days.start() == window.days.end();
        if is_one_day || *splits >= MAX_SPLITS || !self.read.contains(&window.partition) {
            return None;
        }
        *splits += 1;
        let days = window.days.start().iter_days().take_while(|day| day <= window.days.end());
        let part = |day| ChangeWindow { days: day..=day, starts: midnight(day), ..window.clone() };
        let parts: Vec<_> = days.map(part).collect();
        if let Some(watermark) = self.watermarks.get_mut(&window.partition) {
            watermark.split(window.starts, parts.iter().map(|part| part.starts));
        }
        self.planned += parts.len() - 1;
        Some(parts)
    }

    /// Takes note of a complete window; whether its type's cursor moved.
    pub(super) fn complete(&mut self, window: &ChangeWindow, rows: u64, not_yet: Option<NaiveDate>) -> bool {
        self.rows += rows;
        self.read.insert(window.partition.clone());
        if let Some(day) = not_yet {
            self.complete_to.insert(window.partition.clone(), midnight(day));
        }
        self.pass(window)
    }

    /// The same of one of which nothing can be read any more; that says nothing of its type.
    pub(super) fn pass(&mut self, window: &ChangeWindow) -> bool {
        self.done += 1;
        let reached = self.watermarks.get_mut(&window.partition).and_then(|mark| mark.complete(window.starts));
        let complete_to = self.complete_to.get(&window.partition).copied();
        reached.is_some_and(|through| {
            let through = complete_to.map_or(through, |complete_to| complete_to.min(through));
            self.cursors.advance(&window.partition, through)
        })
    }

    /// Takes note of a window that failed for good.
    pub(super) fn fail(&mut self, window: ChangeWindow, why: String, is_defect: bool) {
        if self.read.contains(&window.partition) {
            self.broken.push(window.missing(&why, is_defect));
            return;
        }
        *self.failing.entry(window.partition.clone()).or_default() += 1;
        self.failed_first.push((window, why, is_defect));
    }

    /// The windows that failed before any of their type was read, by their days, if the type can be read after all.
    pub(super) fn take_failed_first(&mut self) -> VecDeque<ChangeWindow> {
        let mut again = VecDeque::new();
        for (window, why, is_defect) in std::mem::take(&mut self.failed_first) {
            match self.split(&window) {
                Some(days) => again.extend(days),
                None => self.broken.push(window.missing(&why, is_defect)),
            }
        }
        again
    }

    /// What is missing, when all has been tried.
    pub(super) fn take_missing(&mut self) -> Vec<MissingRange> {
        let failed = std::mem::take(&mut self.failed_first);
        let mut missing: Vec<_> =
            failed.iter().map(|(window, why, is_defect)| window.missing(why, *is_defect)).collect();
        missing.append(&mut self.broken);
        missing
    }

    /// The same of one that is not even asked for, if its type gives nothing: each window takes minutes to fail.
    fn fail_with_its_type(&mut self, window: ChangeWindow) -> Option<ChangeWindow> {
        let failed = self.failing.get(&window.partition).copied().unwrap_or(0);
        if failed < MAX_FAILING || self.read.contains(&window.partition) {
            return Some(window);
        }
        self.broken.push(window.missing("not asked for, since no other window of it could be read", false));
        None
    }

    /// The types that can tell whether it is the API that fails, or only a window of that type: one that was read, or, before any was,
    /// each that has not failed.
    pub(super) fn witnesses(&self, types: &[String], of: &str) -> Vec<String> {
        if let Some(partition) = self.read.first() {
            return vec![partition.clone()];
        }
        let may_tell = |partition: &&String| *partition != of && !self.failing.contains_key(*partition);
        // Its own latest days may tell as well, if it is others that fail.
        types.iter().filter(may_tell).cloned().chain([of.to_owned()]).collect()
    }

    /// What stands between this machine and Navan shows in a window that could not be read.
    pub(super) fn note_obstacle(&mut self, window: &ChangeWindow, outcome: &WindowOutcome) {
        match outcome {
            WindowOutcome::Refused { obstacle: Some(error), .. }
            | WindowOutcome::Broken { obstacle: Some(error), .. } => {
                self.obstacles.insert(window.partition.clone(), error.clone());
            }
            WindowOutcome::Complete { .. } => {
                self.obstacles.remove(&window.partition);
            }
            _ => {}
        }
    }

    /// What stands there, if nothing of a type could be read for it. Of one that can be read, the windows are named, and so are those
    /// of one whose answers are no pages while others' are.
    pub(super) fn obstacle(&self) -> Option<Error> {
        let is_in_the_way = |partition: &str| {
            let is_only_broken = !self.read.is_empty() && !self.refused.contains_key(partition);
            !self.read.contains(partition) && !self.is_absent(partition) && !is_only_broken
        };
        self.obstacles.iter().find(|(partition, _)| is_in_the_way(partition)).map(|(_, error)| error.clone())
    }

    /// Whether Navan itself says that there is no such type: as a page for people, as servers do for a path that they do not know.
    /// That it is Navan's shows by the others, which come through. A 403 may well be about this machine.
    fn is_absent(&self, partition: &str) -> bool {
        let is_refused =
            self.refused.get(partition).is_some_and(|(refusal, _)| !matches!(refusal.status, 402 | 403 | 407 | 451));
        is_refused && !self.read.is_empty()
    }

    /// A window that was refused waits for the end of the read: by then it is known whether its type can be read at all.
    pub(super) fn put_off(&mut self, window: ChangeWindow, refusal: WindowRefusal) {
        let (_, windows) = self.refused.entry(window.partition.clone()).or_insert((refusal, Vec::new()));
        windows.push(window);
    }

    /// The same for a window whose type was refused, and of which nothing has been read.
    pub(super) fn put_off_if_refused(&mut self, window: ChangeWindow) -> Option<ChangeWindow> {
        match self.refused.get(&window.partition) {
            Some((refusal, _)) if !self.read.contains(&window.partition) => {
                let refusal = refusal.clone();
                self.put_off(window, refusal);
                None
            }
            _ => Some(window),
        }
    }

    /// The windows that were put off of types of which nothing could be read: the last of each type, since what is refused may be how
    /// far back the others reach, and the others.
    pub(super) fn take_refused_of_unread_types(&mut self) -> (VecDeque<ChangeWindow>, Vec<ChangeWindow>) {
        let read = &self.read;
        let of_unread_types = self.refused.extract_if(.., |partition, _| !read.contains(partition));
        let (mut last, mut others) = (VecDeque::new(), Vec::new());
        for (_, (_, mut windows)) in of_unread_types {
            windows.sort_by_key(|window| window.starts);
            last.extend(windows.pop());
            others.extend(windows);
        }
        (last, others)
    }

    /// The windows that were put off, of types that can be read.
    pub(super) fn refused_of_read_types(&mut self) -> VecDeque<ChangeWindow> {
        let read = &self.read;
        let of_read_types = self.refused.extract_if(.., |partition, _| read.contains(partition));
        of_read_types.flat_map(|(_, (_, windows))| windows).collect()
    }

    /// Whether a type is not there, as far as is known.
    pub(super) fn is_out_of_use(&self, partition: &str) -> bool {
        self.skipped.contains_key(partition) || self.refused.contains_key(partition) && !self.read.contains(partition)
    }
}
