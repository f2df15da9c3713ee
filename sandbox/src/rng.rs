//! The pseudo-random numbers that rows are generated from.

/// A `SplitMix64` generator. It is seeded with what identifies a row, so that a row is always generated the same way
/// and none has to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// The rng of row `index` of the stream `tag`, as of its `version`.
    pub(crate) fn for_row(seed: u64, tag: u64, index: u64, version: u64) -> Self {
        // Mixed one after another: with a sum, row 1 of stream 0 would equal row 0 of stream 1.
        Self(mix(mix(mix(mix(seed) ^ tag) ^ index) ^ version))
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number from 0 to `limit - 1`; `limit` must fit 32 bits. 0 if `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((self.next_u64() >> 32) * limit) >> 32
    }

    /// A number from `low` to `high`, both included, of a range that fits 32 bits.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).cast_unsigned() + 1).cast_signed()
    }

    /// True with a probability of `times` in 16.
    pub(crate) fn chance(&mut self, times: u64) -> bool {
        self.next_u64() >> 60 < times
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[as_index(self.below(choices.len() as u64))]
    }
}

/// A small number as an index.
#[expect(clippy::cast_possible_truncation, reason = "always below the length of a slice")]
fn as_index(number: u64) -> usize {
    number as usize
}

/// `SplitMix64`'s finaliser: a bijection, so different inputs never give the same output.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
