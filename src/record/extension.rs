//! Objects in a row whose members are columns of the row: the extensions of a SCIM resource, which stand under long names of their own.
//!
//! Such an object is taken out of the row, and its members are written behind what stays, each under the name of its column. If it
//! has a member that no column takes, or is no object, it stands in `_extra` as it came.

use std::collections::BTreeMap;
use std::ops::Range;

use super::edit::Edits;
use super::field_index::FieldIndex;
use super::row_scan::{RecordFormat, RowScan};
use super::scanner::{Malformed, Scanner, ValueKind};
use super::schema::{NodeId, SchemaNode};

/// How the names of extensions begin (RFC 7643, section 3.3).
const PREFIX: &[u8] = b"urn:";

/// The columns that an extension has, or an object in it, by the names of its members.
pub(super) struct ExtensionColumns {
    members: FieldIndex<ExtensionMember>,
}

/// A member of an extension.
pub(super) enum ExtensionMember {
    /// It is a column.
    Column(Box<SchemaNode>),
    /// Its own members are.
    Object(ExtensionColumns),
}

/// The value of a column, in the object in which it came.
pub(super) struct ExtensionValue {
    /// The column's place in the schema.
    pub(super) node: NodeId,
    pub(super) span: Range<usize>,
    /// Where its edits begin.
    pub(super) mark: usize,
}

impl ExtensionColumns {
    /// Of paths such as `manager.value`, each with the place of its column.
    pub(super) fn new(columns: Vec<(&str, SchemaNode)>) -> Self {
        let mut members: Vec<(&str, ExtensionMember)> = Vec::new();
        let mut objects: BTreeMap<&str, Vec<(&str, SchemaNode)>> = BTreeMap::new();
        for (path, node) in columns {
            match path.split_once('.') {
                None => members.push((path, ExtensionMember::Column(Box::new(node)))),
                Some((object, rest)) => objects.entry(object).or_default().push((rest, node)),
            }
        }
        let objects = objects.into_iter().map(|(name, columns)| (name, ExtensionMember::Object(Self::new(columns))));
        Self { members: members.into_iter().chain(objects).collect() }
    }

    /// The places of the columns.
    pub(super) fn columns_mut(&mut self) -> Box<dyn Iterator<Item = &mut SchemaNode> + '_> {
        Box::new(self.members.iter_mut().flat_map(|(_, member)| match member {
            ExtensionMember::Column(node) => Box::new(std::iter::once(&mut **node)),
            ExtensionMember::Object(columns) => columns.columns_mut(),
        }))
    }

    /// Whether the name that stands at `name` is that of an extension.
    pub(super) fn is_extension(text: &[u8], name: &Range<usize>) -> bool {
        text[name.clone()].starts_with(PREFIX)
    }

    pub(super) fn member(&self, scanner: &Scanner<'_>, name: &Range<usize>) -> Option<&ExtensionMember> {
        self.members.get(scanner.text(), name)
    }
}

impl RecordFormat {
    /// Scans an extension, or an object in it, whose members are columns; whether they take all of it.
    #[cold]
    pub(super) fn extension(
        &self,
        scanner: &mut Scanner<'_>,
        columns: &ExtensionColumns,
        found: &mut RowScan,
    ) -> Result<bool, Malformed> {
        let first = scanner.peek();
        if first != b'{' {
            self.undeclared_value(scanner)?;
            return Ok(first == b'n');
        }
        let mut is_taken = true;
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            let name = scanner.name()?;
            is_taken &= match columns.member(scanner, &name) {
                Some(ExtensionMember::Column(node)) => self.extension_column(scanner, node, found)?,
                Some(ExtensionMember::Object(columns)) => self.extension(scanner, columns, found)?,
                None => {
                    let first = scanner.peek();
                    self.undeclared_value(scanner)?;
                    first == b'n'
                }
            };
            more = scanner.more(b'}')?;
        }
        Ok(is_taken)
    }

    /// Scans a member that is a column; whether it is the row's only value of that column.
    fn extension_column(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<bool, Malformed> {
        scanner.peek(); // white space before the value is none of it
        let mark = scanner.edits.mark();
        let (kind, span) = self.called_value(scanner, node, found)?;
        if kind == ValueKind::Null || found.extension.iter().any(|value| value.node == node.id) {
            return Ok(kind == ValueKind::Null);
        }
        found.extension.push(ExtensionValue { node: node.id, span, mark });
        Ok(true)
    }
}

/// Writes the columns, a comma before each.
pub(super) fn write_columns<'s>(
    text: &[u8],
    values: &[ExtensionValue],
    edits: &Edits,
    name_of: impl Fn(NodeId) -> &'s str,
    mut comma: &'static str,
    line: &mut Vec<u8>,
) -> &'static str {
    for ExtensionValue { node, span, mark, .. } in values {
        line.extend_from_slice(comma.as_bytes());
        line.push(b'"');
        // The names of columns are those of the schema, which need no escape.
        line.extend_from_slice(name_of(*node).as_bytes());
        line.extend_from_slice(b"\":");
        edits.write(text, span.clone(), *mark, line);
        comma = ",";
    }
    comma
}
