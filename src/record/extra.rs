//! What the schema has no place for: the column `_extra`, and what `meta.changes` says of it.
//!
//! A value that cannot be brought to its promised form is null in its column; here it stands under its path, as it came. A top-level
//! field that no schema declares would get no column at all; here it stands under its name. So nothing of a row is lost, and
//! nothing of it breaks a load.

use std::ops::Range;

use serde_json::json;

use super::edit::Edits;
use super::schema::{NodeId, RowSchema, with_indices};

/// A stretch of a row that stands in `_extra`.
pub(super) struct Extra {
    /// Which column it left null; a field that no schema declares is in none, and carries its own name.
    pub(super) misfit: Option<Misfit>,
    /// The value, or the field's name and value.
    pub(super) span: Range<usize>,
    /// Where the edits inside it begin.
    pub(super) mark: usize,
}

/// Where a value was that its column cannot hold.
pub(super) struct Misfit {
    /// The place in the schema.
    pub(super) node: NodeId,
    /// Which elements of the arrays around it it is in.
    pub(super) indices: Box<[usize]>,
}

impl Misfit {
    /// Its path, with the numbers of the elements.
    pub(super) fn path(&self, schema: &RowSchema) -> String {
        with_indices(schema.path(self.node), &self.indices)
    }
}

/// Writes `"_extra":{…}`; where its value stands in the line.
pub(super) fn write_column(
    text: &[u8],
    extras: &[Extra],
    edits: &Edits,
    schema: &RowSchema,
    line: &mut Vec<u8>,
) -> Range<usize> {
    line.extend_from_slice(br#""_extra":{"#);
    let start = line.len() - 1;
    for (number, Extra { misfit, span, mark }) in extras.iter().enumerate() {
        if number > 0 {
            line.push(b',');
        }
        if let Some(misfit) = misfit {
            line.extend_from_slice(json!(misfit.path(schema)).to_string().as_bytes());
            line.push(b':');
        }
        edits.write(text, span.clone(), *mark, line);
    }
    line.push(b'}');
    start..line.len()
}

/// Writes `,"meta":{"changes":[…]}` if columns were made null: those at these paths.
pub(super) fn write_changes<'a>(paths: impl Iterator<Item = &'a str>, line: &mut Vec<u8>) {
    let change = |path: &str| json!({"field": path, "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"});
    let changes: Vec<_> = paths.map(change).collect();
    if !changes.is_empty() {
        line.extend_from_slice(format!(r#","meta":{}"#, json!({"changes": changes})).as_bytes());
    }
}
