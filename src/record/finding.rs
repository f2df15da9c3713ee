//! What is worth a word about the rows that were scanned.

use super::schema::NodeId;

/// Something about a row, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The place in the schema, or the number of an undeclared field.
    pub(super) place: NodeId,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A value could not be brought to its promised form: its column is null, and it stands in `_extra`.
    Nulled,
    /// A value came in another form, and was brought to the promised one with nothing lost.
    Repaired,
    /// The row held half a surrogate pair, which is no character, or what is no JSON: it was replaced.
    Mended,
    /// The row has no key, or an empty one.
    NoKey,
    /// A top-level field that no schema declares.
    Undeclared,
    /// A member of an object in a list, of which no column of the list's own stream is made.
    UndeclaredMember,
}
