//! A map by the numbers of rows that takes little more memory than what it holds.
//!
//! A hash table has room for up to twice as many entries as it holds, and for three times as many while it grows. Here only the
//! latest entries are in one. Now and then they are merged into two arrays, of the numbers in ascending order and of their
//! values, which grow in place.

use std::collections::hash_map::Entry;

use foldhash::HashMap;

/// How many entries wait to be merged, at least and at most: few beside those that were, but not so few that merging takes long.
const MIN_RECENT: usize = 256;
const MAX_RECENT: usize = 8 * 1024;
const SHARE_OF_RECENT: usize = 16;

/// Values by numbers.
#[derive(Default)]
pub(super) struct NumberMap<V> {
    /// Ascending.
    numbers: Vec<u64>,
    /// Of each its value.
    values: Vec<V>,
    recent: HashMap<u64, V>,
}

impl<V: Copy + Default> NumberMap<V> {
    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len() + self.recent.len()
    }

    /// The value of a number, and whether it is a new one: then it is this.
    pub(super) fn get_or_insert(&mut self, number: u64, value: V) -> (&mut V, bool) {
        if let Ok(at) = self.numbers.binary_search(&number) {
            return (&mut self.values[at], false);
        }
        if self.recent.len() >= (self.numbers.len() / SHARE_OF_RECENT).clamp(MIN_RECENT, MAX_RECENT) {
            self.merge();
            return self.get_or_insert(number, value);
        }
        match self.recent.entry(number) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => (entry.insert(value), true),
        }
    }

    /// All numbers with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, V)> {
        let merged = self.numbers.iter().copied().zip(self.values.iter().copied());
        merged.chain(self.recent.iter().map(|(number, value)| (*number, *value)))
    }

    /// Puts the recent entries where they belong, from the last to the first, so that each other one moves once.
    fn merge(&mut self) {
        let mut recent: Vec<_> = self.recent.drain().collect();
        recent.sort_unstable_by_key(|(number, _)| *number);
        let mut unmoved = self.numbers.len();
        let len = unmoved + recent.len();
        self.numbers.reserve_exact(recent.len());
        self.numbers.resize(len, 0);
        self.values.reserve_exact(recent.len());
        self.values.resize(len, V::default());
        while let Some((number, value)) = recent.pop() {
            let keep = self.numbers[..unmoved].partition_point(|other| *other < number);
            self.numbers.copy_within(keep..unmoved, keep + recent.len() + 1);
            self.values.copy_within(keep..unmoved, keep + recent.len() + 1);
            self.numbers[keep + recent.len()] = number;
            self.values[keep + recent.len()] = value;
            unmoved = keep;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_hash_map_holds() {
        let (mut map, mut expected) = (NumberMap::<u64>::default(), HashMap::default());
        let mut number = 1_u64;
        for round in 0..200_000_u64 {
            // xorshift; some numbers come again, and the ends of the range are among them.
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            let number = match round % 1_000 {
                0 => round / 10_000,
                1 => u64::MAX - round / 10_000,
                _ if round % 3 == 0 => number & 0xff00_0000_0000_0fff,
                _ => number,
            };
            let is_known = expected.contains_key(&number);
            let (value, is_new) = map.get_or_insert(number, round);
            assert_eq!((*value, is_new), (*expected.entry(number).or_insert(round), !is_known));
            *value += 1;
            *expected.get_mut(&number).unwrap() += 1;
        }
        assert_eq!(map.len(), expected.len());
        assert!(map.numbers.is_sorted() && map.numbers.len() > 100_000 && !map.recent.is_empty());
        assert!(map.iter().all(|(number, value)| expected.remove(&number) == Some(value)));
        assert!(expected.is_empty());
    }
}
