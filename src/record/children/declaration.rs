//! Where the rows of a child stream are, as a stream's declaration says it.

/// Where in its parent's rows the rows of a child stream are.
#[derive(Clone, Copy)]
pub struct ChildRows {
    /// Top-level fields of the parent that each row carries, and the columns for them. The parent's key comes first.
    pub carried: &'static [(&'static str, &'static str)],
    /// The lists whose elements are the rows.
    pub lists: &'static [ChildList],
}

/// A list inside a row, or a single value that counts as a list of one.
#[derive(Clone, Copy)]
pub struct ChildList {
    /// Its path in the parent's row.
    pub(super) path: &'static str,
    pub(super) elements: Elements,
    /// A column that tells which list it is, and what stands there.
    pub(super) label: Option<(&'static str, &'static str)>,
    /// More fields that its rows carry, and the columns for them.
    pub(super) beside: &'static [(&'static str, &'static str)],
}

/// What the elements of a list become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// A column for each of their members; members of members are named `person_email`.
    Objects,
    /// It is a single value, which stands in this column.
    Value(&'static str),
    /// Texts, each in this column; where the list comes as one text, commas divide it.
    Texts(&'static str),
}

impl ChildList {
    /// Objects, whose members become columns.
    pub const fn objects(path: &'static str) -> Self {
        Self { path, elements: Elements::Objects, label: None, beside: &[] }
    }

    /// No list, but a single value, which stands in `column`.
    pub const fn value(path: &'static str, column: &'static str) -> Self {
        Self { path, elements: Elements::Value(column), label: None, beside: &[] }
    }

    /// Texts, which stand in `column`; where they come as one text, commas divide it.
    pub const fn texts(path: &'static str, column: &'static str) -> Self {
        Self { path, elements: Elements::Texts(column), label: None, beside: &[] }
    }

    /// With `text` in `column`, to tell the list from others.
    pub const fn labelled(self, column: &'static str, text: &'static str) -> Self {
        Self { label: Some((column, text)), ..self }
    }

    /// With more fields of the parent's row, and the columns for them.
    pub const fn beside(self, fields: &'static [(&'static str, &'static str)]) -> Self {
        Self { beside: fields, ..self }
    }
}

impl Elements {
    /// The column in which an element stands whole.
    pub(super) fn column(self) -> Option<&'static str> {
        match self {
            Self::Objects => None,
            Self::Value(column) | Self::Texts(column) => Some(column),
        }
    }
}
