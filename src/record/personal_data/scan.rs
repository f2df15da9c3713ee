//! What the scan of a row does with personal data, and with what may be some.

use std::borrow::Cow;
use std::ops::Range;

use super::{PersonalHash, PersonalMark, Treatment, listed};
use crate::record::coerce::{self, Coercion};
use crate::record::edit::Replacement;
use crate::record::row_scan::{RecordFormat, container_kind};
use crate::record::scanner::{Malformed, Scanner, ValueKind};
use crate::record::schema::{SchemaNode, StringFormat};

impl PersonalMark {
    /// Of a text at that place: where a list of texts is promised, it is one that came as text.
    #[inline(always)]
    pub(in crate::record) fn of_text_at(node: &SchemaNode) -> Self {
        match &node.items {
            Some(items) if items.personal != Self::None && node.holds_strings() => Self::List,
            _ => node.personal,
        }
    }
}

impl RecordFormat {
    /// What becomes of a string that is marked so, whose inside stands at `inside`, and whose edits begin at `mark`.
    #[cold]
    pub(in crate::record) fn personal_string(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        personal: PersonalMark,
        inside: Range<usize>,
        mark: usize,
    ) -> Coercion {
        let is_for_list = node.holds_strings();
        match self.schema.personal.treatment() {
            // The mark stands in the way of those that stay as they are.
            _ if inside.is_empty() && promises_any_string(node) => Coercion::Keep,
            _ if inside.is_empty() => coerce::string(node, b""),
            Treatment::Hash(hash) if personal == PersonalMark::List => {
                for value in listed(scanner.text(), inside) {
                    let hashed = hash.unquoted(&scanner.text()[value.clone()]);
                    scanner.edits.insert_in_order(mark, value, Replacement::Text(hashed.into()));
                }
                if is_for_list { Coercion::Wrap } else { Coercion::Keep }
            }
            _ if is_for_list => Coercion::Write(Replacement::text("[]")),
            _ => self.personal_text(node, &as_written(scanner, inside, mark)),
        }
    }

    /// What becomes of personal data that came as text, or as something that is brought to text.
    #[cold]
    pub(in crate::record) fn personal_text(&self, node: &SchemaNode, text: &[u8]) -> Coercion {
        match self.schema.personal.treatment() {
            Treatment::Hash(hash) if promises_any_string(node) => {
                Coercion::Write(Replacement::Text(hash.quoted(text).into()))
            }
            _ => Coercion::Write(Replacement::text("null")),
        }
    }

    /// The same of what holds other values: it stays only where that is promised, and every text in it is hashed.
    #[cold]
    pub(in crate::record) fn personal_container(
        &self,
        first: u8,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
    ) -> Result<(ValueKind, Coercion), Malformed> {
        let kind = container_kind(first);
        if node.promises(kind)
            && let Treatment::Hash(hash) = self.schema.personal.treatment()
        {
            hash_texts(scanner, hash)?;
            return Ok((kind, Coercion::Keep));
        }
        scanner.skip_value()?;
        Ok((kind, Coercion::Write(Replacement::text("null"))))
    }

    /// Scans a value of which no schema says whether there is personal data in it.
    #[inline(always)]
    pub(in crate::record) fn undeclared_value(&self, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        match self.schema.personal.of_undeclared() {
            Treatment::Pass => scanner.skip_value(),
            Treatment::Hash(hash) => hash_texts(scanner, hash),
            Treatment::Drop => {
                scanner.peek();
                let (start, mark) = (scanner.at(), scanner.edits.mark());
                scanner.skip_value()?;
                scanner.edits.insert(mark, start..scanner.at(), Replacement::text("null"));
                Ok(())
            }
        }
    }

    /// Whether `_extra` is left out.
    pub(in crate::record) fn drops_undeclared(&self) -> bool {
        matches!(self.schema.personal.of_undeclared(), Treatment::Drop)
    }
}

/// Scans a value, and makes hashes of all texts in it.
#[cold]
fn hash_texts(scanner: &mut Scanner<'_>, hash: &PersonalHash) -> Result<(), Malformed> {
    scanner.walk_value(|scanner, kind, start, mark| {
        let span = start..scanner.at();
        if kind == ValueKind::String && span.len() > 2 {
            let hashed = hash.quoted(&as_written(scanner, start + 1..span.end - 1, mark)).into();
            scanner.edits.insert(mark, span, Replacement::Text(hashed));
        }
    })
}

/// The inside of a string with its edits, which begin at `mark`.
pub(in crate::record) fn as_written<'a>(scanner: &Scanner<'a>, inside: Range<usize>, mark: usize) -> Cow<'a, [u8]> {
    if scanner.edits.mark() == mark {
        return Cow::Borrowed(&scanner.text()[inside]);
    }
    let mut written = Vec::new();
    scanner.edits.write(scanner.text(), inside, mark, &mut written);
    Cow::Owned(written)
}

/// Whether a string of any form is as promised.
fn promises_any_string(node: &SchemaNode) -> bool {
    node.promises(ValueKind::String) && node.format == StringFormat::Any
}
