//! A stretch of creation time that is asked for at once.

use chrono::{DateTime, Duration, Utc};

/// A stretch of creation times, whole seconds. Navan includes both ends, so neighbours share a second; its rows belong to the
/// later slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DateSlice {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

impl DateSlice {
    /// Splits it into so many slices of equal length; fewer if it has fewer seconds.
    pub(super) fn split(self, parts: u64) -> Vec<Self> {
        let seconds = (self.to - self.from).num_seconds();
        let parts = i64::try_from(parts).unwrap_or(2).min(seconds);
        let edge = |number: i64| self.from + Duration::seconds(seconds * number / parts);
        (0..parts).map(|number| Self { from: edge(number), to: edge(number + 1) }).collect()
    }

    /// The second before it, unless there was none.
    pub(super) fn second_before(self) -> DateTime<Utc> {
        (self.from - Duration::seconds(1)).max(DateTime::UNIX_EPOCH)
    }

    /// The seconds at its edges whose rows are its neighbours' to write. Of all others the server's filter decides whether they lie in
    /// the range.
    pub(super) fn seconds_of_others(self, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        [(self.second_before(), self.from), (self.to, end)]
            .into_iter()
            .filter(|(at, edge)| at != edge)
            .map(|(at, _)| at)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn the_slices_of_a_range_cover_it_and_share_their_edges() {
        let whole = DateSlice { from: at(100), to: at(1_103) };
        for parts in 2..=8 {
            let slices = whole.split(parts);
            assert_eq!((slices[0].from, slices[slices.len() - 1].to), (whole.from, whole.to));
            assert!(slices.windows(2).all(|two| two[0].to == two[1].from));
            assert!(slices.iter().all(|slice| slice.from < slice.to));
        }
        assert_eq!(DateSlice { from: at(0), to: at(2) }.split(8).len(), 2);
    }

    #[test]
    fn a_row_belongs_to_exactly_one_slice_whether_or_not_navan_includes_the_ends() {
        let (start, end) = (1_000, 1_090);
        let slices = DateSlice { from: at(start), to: at(end) }.split(3);
        for (includes_from, includes_to) in [(true, true), (false, true), (true, false)] {
            for second in start..end {
                let gives_it = |slice: &&DateSlice| {
                    let (from, to) = (slice.second_before(), slice.to);
                    (from < at(second) || includes_from && from == at(second))
                        && (at(second) < to || includes_to && at(second) == to)
                };
                let that_have_it = slices.iter().filter(gives_it);
                let owners = that_have_it.filter(|slice| !slice.seconds_of_others(at(end)).contains(&at(second)));
                assert_eq!(owners.count(), 1, "second {second}, {includes_from}, {includes_to}");
            }
        }
    }
}
