//! What a stream lacks that was read around something that fails for good.

use crate::error::Error;

/// How many ranges are named.
const MAX_NAMED: usize = 5;

/// A part of a stream that could not be read.
#[derive(Clone, Debug)]
pub(super) struct MissingRange {
    /// What it is, and why it could not be read.
    pub(super) what: String,
    /// The API contradicts itself, or what is known of it: asking again will hardly help.
    pub(super) is_defect: bool,
}

/// Rows of a list that could not be read.
#[derive(Debug)]
pub(super) struct BrokenRows {
    /// The first of them, counted from 0.
    from: u64,
    pub(super) count: u64,
    /// What the list was asked for.
    of: String,
    why: String,
}

impl BrokenRows {
    /// So many rows, from the row `from` on, of what the list was asked for.
    pub(super) fn new(from: u64, count: u64, of: String, why: String) -> Self {
        Self { from, count, of, why }
    }
}

impl From<BrokenRows> for MissingRange {
    fn from(BrokenRows { from, count, of, why }: BrokenRows) -> Self {
        Self { what: format!("rows {} to {} of {of} ({why})", from + 1, from + count), is_defect: false }
    }
}

/// The error of a stream of which all has been read but these.
pub(super) fn error(ranges: &[MissingRange]) -> Error {
    let mut what: Vec<_> = ranges.iter().take(MAX_NAMED).map(|range| range.what.as_str()).collect();
    let others = format!("{} more", ranges.len().saturating_sub(MAX_NAMED));
    if ranges.len() > MAX_NAMED {
        what.push(&others);
    }
    let what = what.join("; ");
    if ranges.iter().any(|range| range.is_defect) {
        return Error::system(format!(
            "Navan did not give {what}. All else has been read and written. Please report this with the log."
        ));
    }
    Error::transient(format!(
        "Navan did not give {what}. All else has been read and written, and the next sync asks for it again. If it goes on, ask Navan's support about these rows."
    ))
}
