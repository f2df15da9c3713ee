//! Which rows an incremental read writes, and what it remembers of all that it sees.

use std::cell::RefCell;
use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use crate::record::{Identity, Row};
use crate::sync::state::time::whole_second;
use crate::sync::state::{Arrears, ListChanges, TrackedKeys};
use crate::sync::strategy::UNZONED_MARGIN;
use crate::sync::strategy::row_numbers::{RowVersion, WrittenVersions};

/// Of so many versions at least the latest are remembered.
const MAX_VERSIONS: usize = 20_000;

/// Which rows are written.
pub(super) struct ChangedRows {
    /// Those that were changed since then; all of them without it.
    since: Option<DateTime<Utc>>,
    /// Of those that earlier reads have left out, since when.
    arrears: Option<Arrears>,
    /// But for the versions that were written before.
    written_before: HashSet<u64>,
    /// Versions since then are remembered.
    remembered_since: DateTime<Utc>,
    /// What of the list was not tracked yet: its keys are.
    untracked: std::ops::Range<DateTime<Utc>>,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    versions: Vec<(DateTime<Utc>, u64)>,
    new_keys: TrackedKeys,
    written: HashSet<u128>,
    witness: Option<Witness>,
    known_key: Option<u128>,
    has_other_keys: bool,
}

/// A row that was changed after it was created, by which it shows whether the list can be asked for by change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness {
    pub(super) key: u128,
    pub(super) changed: DateTime<Utc>,
}

impl Witness {
    /// That row, if it is one.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let (key, created) = (row.uuid?, whole_second(row.created?));
        let changed = row.cursor.filter(|_| row.is_zoned)?;
        (created < whole_second(changed) - Duration::seconds(1)).then_some(Self { key, changed })
    }
}

impl ChangedRows {
    /// All rows, for a read that began then.
    pub(super) fn all(began: DateTime<Utc>, lookback: Duration) -> Self {
        Self {
            since: None,
            arrears: None,
            written_before: HashSet::new(),
            remembered_since: began - lookback,
            untracked: began..began,
            notes: RefCell::default(),
        }
    }

    /// What changed since `through`, less the look-back, for a read that began then and goes on from `state`.
    pub(super) fn since(state: &ListChanges, through: DateTime<Utc>, began: DateTime<Utc>, lookback: Duration) -> Self {
        let arrears = state.arrears.map(|arrears| Arrears { through: arrears.through - lookback, ..arrears });
        Self {
            since: Some(through - lookback),
            arrears,
            written_before: state.recent.iter().copied().collect(),
            untracked: state.tracked.end()..began,
            ..Self::all(began, lookback)
        }
    }

    /// The earliest change that may be written, if not all are.
    pub(super) fn earliest(&self) -> Option<DateTime<Utc>> {
        let since = self.since?;
        Some(self.arrears.map_or(since, |arrears| since.min(arrears.through)))
    }

    /// Since when a row must have changed to be written, if not all are.
    fn since_of(&self, row: &Row) -> Option<DateTime<Utc>> {
        let since = self.since?;
        let is_left_out = |arrears: &Arrears| row.created.is_none_or(|created| created < arrears.created_before);
        Some(self.arrears.filter(is_left_out).map_or(since, |arrears| since.min(arrears.through)))
    }

    /// Whether a row is to be written that holds this; it is taken note of.
    pub(super) fn wants(&self, row: &Row, data: &[u8]) -> bool {
        let version = version_of(row, data);
        let mut notes = self.notes.borrow_mut();
        let margin = if row.is_zoned { Duration::zero() } else { UNZONED_MARGIN };
        let is_recent = row.cursor.is_some_and(|changed| changed + margin >= self.remembered_since);
        let is_untracked = row.created.is_some_and(|created| self.untracked.contains(&whole_second(created)));
        notes.see(row, is_untracked);
        let Some(since) = self.since_of(row) else {
            notes.remember(row.cursor.filter(|_| is_recent), version);
            return true;
        };
        // What was created since has never been written, whatever it says of its last change.
        let is_changed = is_untracked || row.cursor.is_none_or(|changed| changed + margin >= since);
        let is_wanted = is_changed && (row.cursor.is_none() || !self.written_before.contains(&version));
        // A sweep looks back on all that was written since the last one.
        notes.remember(row.cursor.filter(|_| is_recent || is_wanted), version);
        if is_wanted {
            notes.written.extend(row.uuid);
        }
        is_wanted
    }

    /// The versions to be remembered, the oldest first.
    pub(super) fn versions(&self) -> Vec<u64> {
        let mut versions = std::mem::take(&mut self.notes.borrow_mut().versions);
        versions.sort_unstable();
        versions.dedup();
        versions.into_iter().map(|(_, version)| version).collect()
    }

    /// The keys of what was created since the list was tracked last.
    pub(super) fn take_new_keys(&self) -> TrackedKeys {
        std::mem::take(&mut self.notes.borrow_mut().new_keys)
    }

    /// Whether a row with this key was written.
    pub(super) fn has_written(&self, key: u128) -> bool {
        self.notes.borrow().written.contains(&key)
    }

    pub(super) fn witness(&self) -> Option<Witness> {
        self.notes.borrow().witness
    }

    /// The key of a row that there is.
    pub(super) fn known_key(&self) -> Option<u128> {
        self.notes.borrow().known_key
    }

    /// Whether rows came whose keys are no UUIDs.
    pub(super) fn has_other_keys(&self) -> bool {
        self.notes.borrow().has_other_keys
    }
}

impl Notes {
    /// Takes note of a version, and forgets the oldest ones if they are too many.
    fn remember(&mut self, changed: Option<DateTime<Utc>>, version: u64) {
        let Some(changed) = changed else { return };
        self.versions.push((changed, version));
        if self.versions.len() >= 2 * MAX_VERSIONS {
            self.versions.sort_unstable();
            self.versions.drain(..MAX_VERSIONS);
        }
    }

    fn see(&mut self, row: &Row, is_untracked: bool) {
        let Some(key) = row.uuid else {
            self.has_other_keys = true;
            return;
        };
        self.known_key = Some(key);
        if is_untracked {
            self.new_keys.insert(key);
        }
        // The latest one, so that few rows come with it.
        if let Some(witness) = Witness::of(row)
            && self.witness.is_none_or(|known| known.changed < witness.changed)
        {
            self.witness = Some(witness);
        }
    }
}

/// What tells this version of the row from all others.
fn version_of(row: &Row, data: &[u8]) -> u64 {
    let (Identity::Key(number) | Identity::Content(number)) = row.identity;
    WrittenVersions::mix(number, RowVersion::of(row, data))
}
