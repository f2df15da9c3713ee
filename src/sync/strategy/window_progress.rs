//! How far a read by windows has come: what is complete, refused, broken, and left to be looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, NaiveDate, Utc};

use super::missing::MissingRange;
use super::second_look::SecondLooks;
use super::window_reader::{ChangeWindow, WindowOutcome};
use crate::error::Error;
use crate::sync::state::time::midnight;
use crate::sync::state::{PartitionCursors, Watermark};

/// After so many windows of a type that fail for good, and none that can be read, the others are not asked for.
const MAX_FAILING: u32 = 2;

/// How far a read has come.
pub(super) struct ReadProgress {
    pub(super) cursors: PartitionCursors,
    watermarks: HashMap<String, Watermark<DateTime<Utc>>>,
    /// Types of which a window was read.
    pub(super) read: BTreeSet<String>,
    /// Windows that were refused, or not asked for because another one of their type was, with the status that said so.
    pub(super) refused: BTreeMap<String, (u16, Vec<ChangeWindow>)>,
    /// What could not be read, in words.
    pub(super) broken: Vec<MissingRange>,
    /// Types of which nothing could be read yet: how many windows failed for good.
    failing: BTreeMap<String, u32>,
    /// By type, what stood in the way when it was last asked for.
    pub(super) obstacles: BTreeMap<String, Error>,
    /// Up to where a type is complete at most, since its last day could not be asked for.
    complete_to: HashMap<String, DateTime<Utc>>,
    pub(super) planned: usize,
    pub(super) done: usize,
    pub(super) rows: u64,
    pub(super) left_out: u64,
    /// Types that cannot be read, with the status that said so.
    pub(super) skipped: BTreeMap<String, u16>,
    pub(super) second_looks: SecondLooks,
}

impl ReadProgress {
    pub(super) fn new(cursors: PartitionCursors, windows: &VecDeque<ChangeWindow>, end: DateTime<Utc>) -> Self {
        let mut starts: HashMap<_, Vec<_>> = HashMap::new();
        for window in windows {
            starts.entry(window.expense_type.clone()).or_default().push(window.starts);
        }
        let watermarks =
            starts.into_iter().map(|(expense_type, starts)| (expense_type, Watermark::new(end, starts))).collect();
        Self {
            cursors,
            watermarks,
            read: BTreeSet::new(),
            refused: BTreeMap::new(),
            broken: Vec::new(),
            failing: BTreeMap::new(),
            obstacles: BTreeMap::new(),
            complete_to: HashMap::new(),
            planned: windows.len(),
            done: 0,
            rows: 0,
            left_out: 0,
            skipped: BTreeMap::new(),
            second_looks: SecondLooks::default(),
        }
    }

    /// Takes note of a complete window; whether its type's cursor moved.
    pub(super) fn complete(&mut self, window: &ChangeWindow, rows: u64, not_yet: Option<NaiveDate>) -> bool {
        self.rows += rows;
        self.read.insert(window.expense_type.clone());
        if let Some(day) = not_yet {
            self.complete_to.insert(window.expense_type.clone(), midnight(day));
        }
        self.pass(window)
    }

    /// The same of one of which nothing can be read any more; that says nothing of its type.
    pub(super) fn pass(&mut self, window: &ChangeWindow) -> bool {
        self.done += 1;
        let reached = self.watermarks.get_mut(&window.expense_type).and_then(|mark| mark.complete(window.starts));
        let complete_to = self.complete_to.get(&window.expense_type).copied();
        reached.is_some_and(|through| {
            let through = complete_to.map_or(through, |complete_to| complete_to.min(through));
            self.cursors.advance(&window.expense_type, through)
        })
    }

    /// Takes note of a window that failed for good.
    pub(super) fn fail(&mut self, window: &ChangeWindow, why: &str, is_defect: bool) {
        self.broken.push(window.missing(why, is_defect));
        if !self.read.contains(&window.expense_type) {
            *self.failing.entry(window.expense_type.clone()).or_default() += 1;
        }
    }

    /// The same of one that is not even asked for, if its type gives nothing: each window takes minutes to fail.
    pub(super) fn fail_with_its_type(&mut self, window: ChangeWindow) -> Option<ChangeWindow> {
        let failed = self.failing.get(&window.expense_type).copied().unwrap_or(0);
        if failed < MAX_FAILING || self.read.contains(&window.expense_type) {
            return Some(window);
        }
        self.broken.push(window.missing("not asked for, since no other window of it could be read", false));
        None
    }

    /// The types that can tell an outage of the API from one of some windows: one that was read, or, before any was, each that has
    /// not failed.
    pub(super) fn witnesses(&self, types: &[String]) -> Vec<String> {
        if let Some(expense_type) = self.read.first() {
            return vec![expense_type.clone()];
        }
        types.iter().filter(|expense_type| !self.failing.contains_key(*expense_type)).cloned().collect()
    }

    /// What stands between this machine and Navan shows in a window that could not be read.
    pub(super) fn note_obstacle(&mut self, window: &ChangeWindow, outcome: &WindowOutcome) {
        match outcome {
            WindowOutcome::Refused { obstacle: Some(error), .. }
            | WindowOutcome::Broken { obstacle: Some(error), .. } => {
                self.obstacles.insert(window.expense_type.clone(), error.clone());
            }
            WindowOutcome::Complete { .. } => {
                self.obstacles.remove(&window.expense_type);
            }
            _ => {}
        }
    }

    /// What stands there, if nothing of a type could be read for it. Of one that can be read, the windows are named, and so are those
    /// of one whose answers are no pages while others' are.
    pub(super) fn obstacle(&self) -> Option<Error> {
        let is_in_the_way = |expense_type: &str| {
            let is_only_broken = !self.read.is_empty() && !self.refused.contains_key(expense_type);
            !self.read.contains(expense_type) && !self.is_absent(expense_type) && !is_only_broken
        };
        self.obstacles.iter().find(|(expense_type, _)| is_in_the_way(expense_type)).map(|(_, error)| error.clone())
    }

    /// Whether Navan itself says that there is no such type: as a page for people, as servers do for a path that they do not know.
    /// That it is Navan's shows by the others, which come through. A 403 may well be about this machine.
    fn is_absent(&self, expense_type: &str) -> bool {
        let is_refused =
            self.refused.get(expense_type).is_some_and(|(status, _)| matches!(status, 400 | 404 | 405 | 422));
        is_refused && !self.read.is_empty()
    }

    /// A window that was refused waits for the end of the read: by then it is known whether its type can be read at all.
    pub(super) fn put_off(&mut self, window: ChangeWindow, status: u16) {
        let (_, windows) = self.refused.entry(window.expense_type.clone()).or_insert((status, Vec::new()));
        windows.push(window);
    }

    /// The same for a window whose type was refused, and of which nothing has been read.
    pub(super) fn put_off_if_refused(&mut self, window: ChangeWindow) -> Option<ChangeWindow> {
        match self.refused.get(&window.expense_type) {
            Some((status, _)) if !self.read.contains(&window.expense_type) => {
                let status = *status;
                self.put_off(window, status);
                None
            }
            _ => Some(window),
        }
    }

    /// The windows that were put off of types of which nothing could be read: the first of each type, and the others.
    pub(super) fn take_refused_of_unread_types(&mut self) -> (VecDeque<ChangeWindow>, Vec<ChangeWindow>) {
        let read = &self.read;
        let of_unread_types = self.refused.extract_if(.., |expense_type, _| !read.contains(expense_type));
        let (mut first, mut others) = (VecDeque::new(), Vec::new());
        for (_, (_, windows)) in of_unread_types {
            let mut windows = windows.into_iter();
            first.extend(windows.next());
            others.extend(windows);
        }
        (first, others)
    }

    /// The windows that were put off, of types that can be read.
    pub(super) fn refused_of_read_types(&mut self) -> VecDeque<ChangeWindow> {
        let read = &self.read;
        let of_read_types = self.refused.extract_if(.., |expense_type, _| read.contains(expense_type));
        of_read_types.flat_map(|(_, (_, windows))| windows).collect()
    }

    /// Whether a type is not there, as far as is known.
    pub(super) fn is_out_of_use(&self, expense_type: &str) -> bool {
        self.skipped.contains_key(expense_type)
            || self.refused.contains_key(expense_type) && !self.read.contains(expense_type)
    }
}
