//! Byte strings as eight bytes each, to be told apart in little memory. Two have the same by a chance that a million users or rows
//! of a window need not fear.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;

/// The same for the same bytes, in this process.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
