//! A set of the numbers of rows, of any size: memory holds hardly more than a byte of each.
//!
//! The numbers themselves are in a [`store`], which is a file once they are many. Memory has a *tag* of each, some of its bits, and
//! where those begin that share their upper bits. A number whose tag is not there is a new one; for one whose tag is, the number in
//! the store is looked at, so that none is ever taken for another.
//!
//! The numbers are hashes, and so spread evenly. The latest are in a hash table, until they are merged with the others.

mod store;

use std::io;

use foldhash::HashSet;
use store::Store;

use crate::error::Error;

/// How many numbers wait to be merged, at least and at most: few beside those that were, but not so few that merging takes long, and as
/// many as a hash table takes before it grows.
const MIN_RECENT: usize = 7 * 32;
const MAX_RECENT: usize = 7 * 1_024;
const SHARE_OF_RECENT: usize = 16;

/// So many numbers share their upper bits, or half as many: each number that is looked for has as many tags to be compared with.
const NUMBERS_A_BUCKET: usize = 32;

/// In a tag: that the number was [marked](NumberSet::mark). The other bits are the number's lowest.
const MARK: u8 = 1 << 7;

/// How many numbers are moved at once when others are merged with them.
const BLOCK: usize = 4 * 1_024;

/// Numbers, each marked or not.
#[derive(Default)]
pub(super) struct NumberSet {
    /// The latest, all of which are marked.
    recent: HashSet<u64>,
    /// The others, ascending.
    store: Store,
    /// Of each of these its tag.
    tags: Vec<u8>,
    /// Where each bucket begins, of numbers with the same upper bits; and at the end, how many numbers there are.
    starts: Vec<u32>,
}

/// What a number was before it was marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// It was not in the set.
    pub(super) is_new: bool,
    /// It was not marked.
    pub(super) was_unmarked: bool,
}

impl NumberSet {
    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.tags.len() + self.recent.len()
    }

    /// Puts a number into the set, if it is not there, and marks it.
    ///
    /// # Errors
    /// A `system_error` if the store's file fails.
    pub(super) fn mark(&mut self, number: u64) -> Result<Marked, Error> {
        if self.recent.contains(&number) {
            return Ok(Marked { is_new: false, was_unmarked: false });
        }
        if let Some(at) = self.find(number).map_err(failed)? {
            let was_unmarked = self.tags[at] & MARK == 0;
            self.tags[at] |= MARK;
            return Ok(Marked { is_new: false, was_unmarked });
        }
        if self.recent.len() >= (self.tags.len() / SHARE_OF_RECENT).clamp(MIN_RECENT, MAX_RECENT) {
            self.merge().map_err(failed)?;
        }
        self.recent.insert(number);
        Ok(Marked { is_new: true, was_unmarked: true })
    }

    /// Takes the mark off all numbers.
    ///
    /// # Errors
    /// A `system_error` if the store's file fails.
    pub(super) fn unmark_all(&mut self) -> Result<(), Error> {
        self.merge().map_err(failed)?;
        for tag in &mut self.tags {
            *tag &= !MARK;
        }
        Ok(())
    }

    /// Where a number is in the store.
    fn find(&self, number: u64) -> io::Result<Option<usize>> {
        let Some(bucket) = self.starts.len().checked_sub(2).map(|last| bucket(number, last)) else { return Ok(None) };
        for at in self.starts[bucket] as usize..self.starts[bucket + 1] as usize {
            if self.tags[at] & !MARK == tag(number) && self.store.get(at)? == number {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Puts the latest numbers where they belong, from the last to the first, so that each other one moves once.
    fn merge(&mut self) -> io::Result<()> {
        if self.recent.is_empty() {
            return Ok(());
        }
        let mut recent: Vec<u64> = self.recent.drain().collect();
        recent.sort_unstable();
        let (mut unread, len) = (self.tags.len(), self.tags.len() + recent.len());
        self.store.grow(recent.len())?;
        self.tags.reserve_exact(recent.len());
        self.tags.resize(len, 0);
        let buckets = (len / NUMBERS_A_BUCKET).next_power_of_two();
        self.starts.clear();
        self.starts.reserve_exact(buckets + 1);
        self.starts.resize(buckets + 1, 0);

        // Those of the store that were read and have not moved, and those that have their place, but are not written: from the last on.
        let (mut unmoved, mut moved) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        for place in (0..len).rev() {
            if unmoved.is_empty() {
                let begin = unread.saturating_sub(BLOCK);
                self.store.read(begin..unread, &mut unmoved)?;
                unread = begin;
            }
            let number = match (unmoved.last(), recent.last()) {
                (Some(old), new) if new.is_none_or(|new| new < old) => {
                    self.tags[place] = self.tags[unread + unmoved.len() - 1];
                    unmoved.pop()
                }
                _ => {
                    self.tags[place] = recent.last().map_or(0, |new| tag(*new)) | MARK;
                    recent.pop()
                }
            };
            let Some(number) = number else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            self.starts[bucket(number, buckets - 1) + 1] += 1;
            moved.push(number);
            if moved.len() == BLOCK || place == 0 {
                // What was not read yet lies before them.
                moved.reverse();
                self.store.write(place, &moved)?;
                moved.clear();
            }
        }
        for bucket in 0..buckets {
            self.starts[bucket + 1] += self.starts[bucket];
        }
        Ok(())
    }
}

fn failed(error: io::Error) -> Error {
    Error::system("The temporary file with the keys of the rows so far cannot be read or written. Name a directory that can be, in TMPDIR.")
        .with_cause(error)
}

/// The bucket of a number, by its upper bits. There are as many as a power of two, of which the last has this index.
fn bucket(number: u64, last: usize) -> usize {
    let bits = (last + 1).trailing_zeros();
    number.checked_shr(u64::BITS - bits).and_then(|bucket| usize::try_from(bucket).ok()).unwrap_or(0)
}

fn tag(number: u64) -> u8 {
    number.to_le_bytes()[0] & !MARK
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Marks numbers in a set, and in a hash map, in three rounds.
    fn mark_many(mut set: NumberSet) -> NumberSet {
        let mut expected: HashMap<u64, bool> = HashMap::new();
        let mut random = fastrand::Rng::with_seed(1);
        for round in 0..3_u64 {
            for count in 0..100_000_u64 {
                // Some numbers come again, and the ends of the range are among them.
                let number = random.u64(..);
                let number = match count % 1_000 {
                    0 => count / 10_000,
                    1 => u64::MAX - count / 10_000,
                    _ if count % 3 == 0 => number & 0xff00_0000_0000_1fff,
                    _ if round > 0 && count % 2 == 0 => *expected.keys().next().unwrap(),
                    _ => number,
                };
                let was_marked = expected.insert(number, true);
                let marked = Marked { is_new: was_marked.is_none(), was_unmarked: was_marked != Some(true) };
                assert_eq!(set.mark(number).unwrap(), marked, "{number:x}");
            }
            assert_eq!(set.len(), expected.len());
            for (number, was_marked) in &expected {
                assert_eq!(set.mark(*number).unwrap(), Marked { is_new: false, was_unmarked: !was_marked });
            }
            set.unmark_all().unwrap();
            for is_marked in expected.values_mut() {
                *is_marked = false;
            }
        }
        set
    }

    #[test]
    fn it_holds_what_a_hash_map_holds_in_a_file_and_in_memory() {
        let set = mark_many(NumberSet::default());
        assert!(set.store.is_file() && set.len() > 100_000);
        let set = mark_many(NumberSet { store: Store::in_memory(), ..NumberSet::default() });
        assert!(!set.store.is_file() && set.len() > 100_000);
    }

    #[test]
    fn numbers_that_begin_alike_are_told_apart() {
        let mut set = NumberSet::default();
        for number in 0..2_000 {
            assert_eq!(set.mark(number << 7).unwrap(), Marked { is_new: true, was_unmarked: true });
        }
        set.unmark_all().unwrap();
        assert_eq!(set.mark(3 << 7).unwrap(), Marked { is_new: false, was_unmarked: true });
        assert_eq!(set.mark(3 << 7 | 1).unwrap(), Marked { is_new: true, was_unmarked: true });
    }
}
