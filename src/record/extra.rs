//! What the schema has no place for: the column `_extra`, and what `meta.changes` says of it.
//!
//! A value that cannot be brought to its promised form is null in its column; here it stands under its path, as it came. A top-level
//! field that no schema declares would get no column at all; here it stands under its name. So nothing of a row is lost, and
//! nothing of it breaks a load.

use std::ops::Range;

use serde_json::json;

use super::edit::Edits;

/// A stretch of a row that stands in `_extra`.
pub(super) struct Extra {
    /// The path of a value that left its column null; a field that no schema declares carries its own name.
    pub(super) path: Option<String>,
    /// The value, or the field's name and value.
    pub(super) span: Range<usize>,
    /// Where the edits inside it begin.
    pub(super) mark: usize,
}

/// Writes `"_extra":{…}`.
pub(super) fn write_column(text: &[u8], extras: &[Extra], edits: &Edits, line: &mut Vec<u8>) {
    line.extend_from_slice(br#""_extra":{"#);
    for (number, Extra { path, span, mark }) in extras.iter().enumerate() {
        if number > 0 {
            line.push(b',');
        }
        if let Some(path) = path {
            line.extend_from_slice(json!(path).to_string().as_bytes());
            line.push(b':');
        }
        edits.write(text, span.clone(), *mark, line);
    }
    line.push(b'}');
}

/// Writes `,"meta":{"changes":[…]}` if a column was made null.
pub(super) fn write_changes(extras: &[Extra], line: &mut Vec<u8>) {
    let change = |path: &String| json!({"field": path, "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"});
    let changes: Vec<_> = extras.iter().filter_map(|extra| extra.path.as_ref()).map(change).collect();
    if !changes.is_empty() {
        line.extend_from_slice(format!(r#","meta":{}"#, json!({"changes": changes})).as_bytes());
    }
}
