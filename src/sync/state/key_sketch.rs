//! Which keys a set has gained and lost, without keeping the keys: a set-reconciliation sketch.
//!
//! The sketch is an invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011). Each key is added to four of its cells: to the count, to
//! the sum of keys (by exclusive or), and to a sum of check values. What two sets have in common cancels out when their sketches are
//! subtracted, and what is left can be read off cell by cell, as long as it is not much more than half as many keys as there are cells.
//! Sketches of two sets without a common key add up to that of both.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How many cells each key is in, one in each part of the table.
const PARTS: usize = 4;

/// How many cells a part has: enough for some 20 keys of difference in all.
const CELLS_A_PART: usize = 12;

/// The bytes of a cell as states hold it.
const CELL_BYTES: usize = 22;

/// A set of keys of 128 bits, as far as it can be compared with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySketch {
    cells: Vec<Cell>,
}

/// Counts may overflow: what is left of two sets that are alike is small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    count: i16,
    keys: u128,
    checks: u32,
}

/// What one set has and another has not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyDifference {
    /// Keys of the first set only.
    pub gone: BTreeSet<u128>,
    /// Keys of the second set only.
    pub new: BTreeSet<u128>,
}

impl Default for KeySketch {
    fn default() -> Self {
        Self { cells: vec![Cell::default(); PARTS * CELLS_A_PART] }
    }
}

impl KeySketch {
    /// Adds a key that is not in the set.
    pub fn insert(&mut self, key: u128) {
        self.change(key, 1);
    }

    /// Takes out a key that is in the set.
    pub fn remove(&mut self, key: u128) {
        self.change(key, -1);
    }

    /// Adds a set that has no key in common with this one.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i16::wrapping_add);
    }

    /// What a set has lost and gained to become `now`; `None` if that is too much to be told.
    pub fn difference(&self, now: &Self) -> Option<KeyDifference> {
        let mut rest = self.clone();
        rest.combine(now, i16::wrapping_sub);
        let mut difference = KeyDifference::default();
        while let Some(Cell { count, keys, .. }) = rest.cells.iter().copied().find(Cell::holds_one_key) {
            let is_first_time = if count > 0 { difference.gone.insert(keys) } else { difference.new.insert(keys) };
            // The same key again and again: a cell that only looks as if it held one.
            if !is_first_time {
                return None;
            }
            rest.change(keys, -count);
        }
        rest.cells.iter().all(|cell| *cell == Cell::default()).then_some(difference)
    }

    fn change(&mut self, key: u128, by: i16) {
        for part in 0..PARTS {
            let cell = &mut self.cells[part * CELLS_A_PART + place(key, part)];
            cell.count = cell.count.wrapping_add(by);
            cell.keys ^= key;
            cell.checks ^= check(key);
        }
    }

    fn combine(&mut self, other: &Self, count: impl Fn(i16, i16) -> i16) {
        for (cell, other) in self.cells.iter_mut().zip(&other.cells) {
            cell.count = count(cell.count, other.count);
            cell.keys ^= other.keys;
            cell.checks ^= other.checks;
        }
    }

    /// As states hold it.
    pub fn to_text(&self) -> String {
        let bytes = self.cells.iter().flat_map(|Cell { count, keys, checks }| {
            let head = count.to_le_bytes().into_iter().chain(keys.to_le_bytes());
            head.chain(checks.to_le_bytes()).collect::<Vec<_>>()
        });
        STANDARD_NO_PAD.encode(bytes.collect::<Vec<_>>())
    }

    /// What [`Self::to_text`] wrote; `None` if it is something else.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let cells = bytes.chunks(CELL_BYTES).map(|cell| {
            let (count, rest) = cell.split_first_chunk()?;
            let (keys, checks) = rest.split_first_chunk()?;
            let checks = u32::from_le_bytes(checks.try_into().ok()?);
            Some(Cell { count: i16::from_le_bytes(*count), keys: u128::from_le_bytes(*keys), checks })
        });
        let cells = cells.collect::<Option<Vec<_>>>()?;
        (cells.len() == PARTS * CELLS_A_PART).then_some(Self { cells })
    }
}

impl Cell {
    fn holds_one_key(&self) -> bool {
        matches!(self.count, 1 | -1) && self.checks == check(self.keys)
    }
}

/// In which cell of a part a key is.
fn place(key: u128, part: usize) -> usize {
    // The remainder is below the number of cells.
    #[allow(clippy::cast_possible_truncation)]
    let place = (mixed(key, part as u64) % CELLS_A_PART as u64) as usize;
    place
}

#[allow(clippy::cast_possible_truncation)] // of a hash any bits will do
fn check(key: u128) -> u32 {
    mixed(key, PARTS as u64) as u32
}

/// A hash that never changes, as states are read by later versions: splitmix64's finalizer over both halves.
#[allow(clippy::cast_possible_truncation)] // both halves are taken
fn mixed(key: u128, salt: u64) -> u64 {
    let finalize = |mut bits: u64| {
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    };
    let high = finalize(((key >> 64) as u64).wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    finalize(high ^ key as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many keys that nobody would guess.
    fn keys(count: u64, salt: u64) -> impl Iterator<Item = u128> {
        (0..count).map(move |number| {
            u128::from(mixed(u128::from(number), salt)) << 64 | u128::from(mixed(u128::from(number), !salt))
        })
    }

    fn sketch(keys: impl IntoIterator<Item = u128>) -> KeySketch {
        let mut sketch = KeySketch::default();
        for key in keys {
            sketch.insert(key);
        }
        sketch
    }

    #[test]
    fn what_a_large_set_has_lost_and_gained_is_named() {
        let before = sketch(keys(100_000, 1));
        for (lost, gained) in [(0, 0), (1, 0), (0, 1), (7, 0), (7, 9), (10, 5)] {
            let mut now = before.clone();
            let (gone, new): (BTreeSet<_>, BTreeSet<_>) = (keys(lost, 1).collect(), keys(gained, 2).collect());
            for key in &gone {
                now.remove(*key);
            }
            for key in &new {
                now.insert(*key);
            }
            assert_eq!(before.difference(&now), Some(KeyDifference { gone, new }), "{lost}, {gained}");
        }
    }

    #[test]
    fn almost_all_differences_of_twenty_keys_are_named_and_no_wrong_ones() {
        let mut named = 0;
        for round in 0..1_000 {
            for count in [20, 60] {
                let gone: BTreeSet<_> = keys(count, 1_000 + round).collect();
                // More than the cells can tell apart are not told at all.
                if let Some(difference) = sketch(gone.iter().copied()).difference(&KeySketch::default()) {
                    assert_eq!(difference, KeyDifference { gone, new: BTreeSet::new() });
                    named += u32::from(count == 20);
                }
            }
        }
        assert!(named >= 970, "{named}");
    }

    #[test]
    fn sketches_of_parts_add_up_to_that_of_the_whole() {
        let mut parts = sketch(keys(1_000, 1));
        parts.add(&sketch(keys(500, 2)));
        assert_eq!(parts, sketch(keys(1_000, 1).chain(keys(500, 2))));
    }

    #[test]
    fn it_is_written_and_read_again_in_less_than_one_and_a_half_kilobytes() {
        let sketch = sketch(keys(5_000, 1));
        let text = sketch.to_text();
        assert!(text.len() < 1_450, "{}", text.len());
        assert_eq!(KeySketch::from_text(&text), Some(sketch));
        for broken in ["", "AAAA", "no base64!", &text[4..]] {
            assert_eq!(KeySketch::from_text(broken), None, "{broken}");
        }
    }
}
