//! How far a range is complete without a gap, while its parts are completed in any order.

use std::collections::BTreeSet;

/// The parts of a range that are still open, by where they start. Everything before the first of them is complete.
pub(in crate::sync) struct Watermark<T> {
    open: BTreeSet<T>,
    end: T,
    /// Up to where it was last said to be complete.
    reached: Option<T>,
}

impl<T: Ord + Copy> Watermark<T> {
    /// For a range that ends at `end`, whose parts start at `starts`.
    pub(in crate::sync) fn new(end: T, starts: impl IntoIterator<Item = T>) -> Self {
        Self { open: starts.into_iter().collect(), end, reached: None }
    }

    /// A part became several.
    pub(in crate::sync) fn split(&mut self, start: T, parts: impl IntoIterator<Item = T>) {
        self.open.remove(&start);
        self.open.extend(parts);
    }

    /// A part is complete; up to where the range now is, if that moved.
    pub(in crate::sync) fn complete(&mut self, start: T) -> Option<T> {
        let was_first = self.open.first() == Some(&start);
        self.open.remove(&start);
        let reached = self.open.first().copied().unwrap_or(self.end);
        if !was_first || self.reached.is_some_and(|before| reached <= before) {
            return None;
        }
        self.reached = Some(reached);
        self.reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_the_first_open_part_is_complete() {
        let mut watermark = Watermark::new(40, [0, 10, 20, 30]);
        assert_eq!(watermark.complete(10), None);
        assert_eq!(watermark.complete(0), Some(20));
        assert_eq!(watermark.complete(30), None);
        assert_eq!(watermark.complete(20), Some(40));
    }

    #[test]
    fn a_part_that_is_split_is_complete_when_its_parts_are() {
        let mut watermark = Watermark::new(40, [0]);
        watermark.split(0, [0, 10, 20]);
        assert_eq!(watermark.complete(10), None);
        watermark.split(0, [0, 5]);
        assert_eq!(watermark.complete(0), Some(5));
        assert_eq!(watermark.complete(5), Some(20));
        assert_eq!(watermark.complete(20), Some(40));
    }
}
