//! The fields that came without being declared, each with a number by which findings name it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::escapes::unescaped;
use super::scanner::Scanner;
use super::schema::NodeId;

/// How many names of fields that no schema declares are told apart.
const MAX_UNDECLARED: usize = 1_000;

/// The names of fields that came without being declared, by their numbers.
#[derive(Default)]
pub(super) struct UndeclaredFields {
    /// Each with the place of the object that had it.
    names: Vec<(String, NodeId)>,
    numbers: HashMap<Box<[u8]>, u16>,
}

impl UndeclaredFields {
    /// The name of that number.
    pub(super) fn name(&self, number: usize) -> String {
        self.names.get(number).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// The place of the object that has the field of that number.
    pub(super) fn object(&self, number: usize) -> Option<NodeId> {
        self.names.get(number).map(|(_, object)| *object)
    }

    /// The number of the field whose name stands at `name`, in the object at that place and path; the name's edits begin at `mark`.
    /// Beyond [`MAX_UNDECLARED`] of them all count as the last.
    pub(super) fn number(
        &mut self,
        scanner: &Scanner<'_>,
        (object, path): (NodeId, &str),
        name: Range<usize>,
        mark: usize,
    ) -> NodeId {
        let key = if path.is_empty() {
            Cow::Borrowed(&scanner.text()[name.clone()])
        } else {
            Cow::Owned([path.as_bytes(), b".", &scanner.text()[name.clone()]].concat())
        };
        if let Some(number) = self.numbers.get(&*key) {
            return *number;
        }
        let number = NodeId::try_from(self.names.len().min(MAX_UNDECLARED)).unwrap_or(NodeId::MAX);
        match self.names.len() {
            0..MAX_UNDECLARED => {
                let mut written = Vec::new();
                scanner.edits.write(scanner.text(), name, mark, &mut written);
                let name = String::from_utf8_lossy(&unescaped(&written)).into_owned();
                self.names.push((if path.is_empty() { name } else { format!("{path}.{name}") }, object));
                self.numbers.insert((*key).into(), number);
            }
            MAX_UNDECLARED => self.names.push(("(others)".to_owned(), self.names[0].1)),
            _ => {}
        }
        number
    }
}
