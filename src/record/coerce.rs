//! Values that come in two forms.
//!
//! Bytes change only where they must: a value that Navan is known to send in two forms gets the one that the schema promises.

use super::edit::Replacement;
use super::scanner::ValueKind;
use super::schema::{Format, SchemaNode};
use super::timestamp;

/// What a field that comes in two forms is written as; `None` if it has the promised form, or one that is a mismatch.
pub(super) fn coercion(node: &SchemaNode, kind: ValueKind, value: &[u8]) -> Option<Replacement> {
    match kind {
        ValueKind::String if value == b"\"\"" && node.promises(ValueKind::Array) => Some(Replacement::Text("[]")),
        ValueKind::Boolean if !node.promises(kind) && node.promises(ValueKind::String) => Some(Replacement::Quoted),
        ValueKind::String
            if node.format == Format::Date && timestamp::is_longer_than_a_date(&value[1..value.len() - 1]) =>
        {
            Some(Replacement::Date)
        }
        _ => None,
    }
}
