//! What the scan of a row notes for the child streams.

use std::ops::Range;

use crate::record::scanner::ValueKind;
use crate::record::schema::NodeId;

/// Where the values stand that child streams need, each behind those inside it.
#[derive(Default)]
pub(crate) struct Captures {
    pub(super) values: Vec<Captured>,
    /// Members of captured objects that the schema does not declare.
    pub(super) undeclared: Vec<UndeclaredMember>,
}

/// A value.
pub(super) struct Captured {
    pub(super) node: NodeId,
    pub(super) kind: ValueKind,
    pub(super) span: Range<usize>,
    /// Where its edits begin.
    pub(super) mark: usize,
    /// Where it stands in the list around it.
    pub(super) index: usize,
}

/// A member that the schema does not declare.
pub(super) struct UndeclaredMember {
    /// The object that has it.
    pub(super) node: NodeId,
    /// Its name and value.
    pub(super) span: Range<usize>,
    /// Where its edits begin.
    pub(super) mark: usize,
}

impl Captures {
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.undeclared.clear();
    }

    pub(crate) fn value(&mut self, node: NodeId, kind: ValueKind, span: Range<usize>, mark: usize, index: usize) {
        self.values.push(Captured { node, kind, span, mark, index });
    }

    pub(crate) fn undeclared(&mut self, node: NodeId, span: Range<usize>, mark: usize) {
        self.undeclared.push(UndeclaredMember { node, span, mark });
    }
}

impl Captured {
    /// Whether `span` lies in it.
    pub(super) fn holds(&self, span: &Range<usize>) -> bool {
        self.span.start <= span.start && span.end <= self.span.end
    }
}
