//! Rows inside rows: the lists in a parent's row as streams of their own, out of the same pass over its bytes.
//!
//! A child's declaration ([`ChildRows`]) says which of the parent's fields each of its rows carries, and where its lists are. It is
//! compiled onto the parent's schema: each place there that matters to a child gets a [`Target`]. The scan notes where the values of
//! such places stand ([`capture`]), and when a row has ended, they are written as [`lines`], with what the scan has noted about
//! them, so that a column here holds just what the parent's column holds. A value that the parent has no place for has
//! none here either: it stands in `_extra`, under its path in the child's row.

pub(super) mod capture;
mod lines;

use serde_json::json;

use super::schema::{Capture, NodeId, RowSchema, SchemaNode};
pub(super) use lines::{ChildWriter, RowParts};

/// The column that tells where in its list a row stands.
const INDEX: &str = "index";

/// Under which name what is no row stands in `_extra`.
const STRAY: &str = "row";

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
    path: &'static str,
    elements: Elements,
    /// A column that tells which list it is, and what stands there.
    label: Option<(&'static str, &'static str)>,
    /// More fields that its rows carry, and the columns for them.
    beside: &'static [(&'static str, &'static str)],
}

/// What the elements of a list become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elements {
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

/// A child stream that is wanted.
pub(super) struct ChildOutput {
    /// The line of its records up to the time of emission.
    pub(super) head: String,
    pub(super) rows: &'static ChildRows,
    pub(super) key: &'static [&'static str],
}

/// What a place in the parent's schema is to the children.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    None,
    /// A whole list, by its number.
    List(usize),
    /// An element of that list.
    Element(usize),
    /// A column of that list's rows.
    Column,
    /// An object whose members are columns.
    Group,
}

/// The child streams of a parent, compiled onto its schema.
#[derive(Default)]
pub(super) struct Children {
    formats: Vec<ChildFormat>,
    lists: Vec<ListFormat>,
    /// By the number of the place.
    targets: Vec<Target>,
    /// By the number of the place, as the child's rows have it: its path, and what stands before a column's value, `,"name":`.
    paths: Vec<String>,
    columns: Vec<Box<[u8]>>,
    /// The places that rows carry; a list may be one as well.
    carried: Vec<NodeId>,
    /// What the rows of children carry; most have that in common.
    carried_sets: Vec<Vec<CarriedColumn>>,
    /// The place of the parent's key.
    key: Option<NodeId>,
}

struct ChildFormat {
    /// The line of its records up to the time of emission.
    head: String,
    /// The number of its set.
    carried: usize,
    has_index: bool,
    /// Its rows are told apart by their values, so that each comes once.
    is_by_value: bool,
}

#[derive(PartialEq, Eq)]
struct CarriedColumn {
    slot: usize,
    /// `,"name":`
    name: Box<[u8]>,
    /// The parent's key, which is text in any case.
    is_key: bool,
}

struct ListFormat {
    child: usize,
    elements: Elements,
    /// `,"label":"text"`
    label: Box<[u8]>,
    beside: Vec<CarriedColumn>,
    /// `,"name":` of the column in which an element stands whole, if there is one.
    column: Box<[u8]>,
}

impl Children {
    /// Compiles declarations onto the schema of their parent, and marks there what the scan is to note.
    pub(super) fn compile(schema: &mut RowSchema, outputs: Vec<ChildOutput>) -> Self {
        let mut children = Self::for_places(schema.places());
        children.key = schema.key;
        for output in outputs {
            children.add(&mut schema.root, output);
        }
        let columns = children.paths.iter().map(|path| before_value(path));
        children.columns = columns.collect();
        children
    }

    fn for_places(places: usize) -> Self {
        Self { targets: vec![Target::None; places], paths: vec![String::new(); places], ..Self::default() }
    }

    fn add(&mut self, root: &mut SchemaNode, output: ChildOutput) {
        let child = self.formats.len();
        let carried = self.carry(root, output.rows.carried);
        let known = self.carried_sets.iter().position(|set| *set == carried);
        let carried = known.unwrap_or_else(|| {
            self.carried_sets.push(carried);
            self.carried_sets.len() - 1
        });
        for list in output.rows.lists {
            let beside = self.carry(root, list.beside);
            let label = list.label.map(|(column, text)| format!(",{}:{}", json!(column), json!(text)));
            let label = label.unwrap_or_default().into_bytes().into();
            let column = list.elements.column().map(before_value).unwrap_or_default();
            if let Some(node) = root.at_mut(list.path) {
                self.capture_list(node, list.elements);
            }
            self.lists.push(ListFormat { child, elements: list.elements, label, beside, column });
        }
        let is_in_key = |column: &str| output.key.contains(&column);
        self.formats.push(ChildFormat {
            head: output.head,
            carried,
            has_index: is_in_key(INDEX),
            is_by_value: output.rows.lists.iter().filter_map(|list| list.elements.column()).any(is_in_key),
        });
    }

    /// Slots for fields of the parent's row.
    fn carry(&mut self, root: &mut SchemaNode, fields: &[(&str, &str)]) -> Vec<CarriedColumn> {
        let mut column = |(field, column): &(&str, &str)| {
            let node = root.at_mut(field)?;
            node.capture = Capture::Value;
            let known = self.carried.iter().position(|place| *place == node.id);
            let slot = known.unwrap_or_else(|| {
                self.carried.push(node.id);
                self.carried.len() - 1
            });
            Some(CarriedColumn { slot, name: before_value(column), is_key: Some(node.id) == self.key })
        };
        fields.iter().filter_map(&mut column).collect()
    }

    /// Captures the next list, which is at this place.
    fn capture_list(&mut self, node: &mut SchemaNode, elements: Elements) {
        let number = self.lists.len();
        node.capture = Capture::Value;
        let path = elements.column().unwrap_or(STRAY);
        self.place(node.id, Target::List(number), path);
        let Some(items) = &mut node.items else { return };
        items.capture = Capture::Value;
        self.place(items.id, Target::Element(number), path);
        if elements == Elements::Objects {
            items.capture = Capture::Group;
            self.capture_members(items, "");
        }
    }

    fn capture_members(&mut self, node: &mut SchemaNode, prefix: &str) {
        for (name, member) in node.fields.iter_mut() {
            let column = format!("{prefix}{}", snake_case(name));
            if member.fields.is_empty() {
                member.capture = Capture::Value;
                self.place(member.id, Target::Column, &column);
                self.name_places_below(member, &column);
            } else {
                member.capture = Capture::Group;
                self.place(member.id, Target::Group, &column);
                self.capture_members(member, &format!("{column}_"));
            }
        }
    }

    /// Names the places inside a column.
    fn name_places_below(&mut self, node: &SchemaNode, path: &str) {
        let Some(items) = &node.items else { return };
        let path = format!("{path}[]");
        self.paths[usize::from(items.id)].clone_from(&path);
        self.name_places_below(items, &path);
        for (name, member) in items.fields.iter() {
            let path = format!("{path}.{name}");
            self.name_places_below(member, &path);
            self.paths[usize::from(member.id)] = path;
        }
    }

    fn place(&mut self, node: NodeId, target: Target, path: &str) {
        self.targets[usize::from(node)] = target;
        path.clone_into(&mut self.paths[usize::from(node)]);
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.formats.is_empty()
    }
}

/// `,"name":`
fn before_value(name: &str) -> Box<[u8]> {
    format!(",{}:", json!(name)).into_bytes().into()
}

impl Elements {
    /// The column in which an element stands whole.
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Objects => None,
            Self::Value(column) | Self::Texts(column) => Some(column),
        }
    }
}

/// The columns that come of a list, each with the path of what it holds, as far as that is a place in the parent's schema.
#[cfg(test)]
pub fn columns(schema: &str, list: &ChildList) -> Vec<(String, Option<String>)> {
    let mut schema = RowSchema::compile(schema, None, None, &[]).unwrap();
    let mut children = Children::for_places(schema.places());
    let node = schema.root.at_mut(list.path).unwrap_or_else(|| panic!("there is no {}", list.path));
    let whole = if node.items.is_some() { format!("{}[]", list.path) } else { list.path.to_owned() };
    children.capture_list(node, list.elements);
    let own = list.elements.column().map(|column| (column.to_owned(), Some(whole)));
    let label = list.label.map(|(column, _)| (column.to_owned(), None));
    let beside = list.beside.iter().map(|(field, column)| ((*column).to_owned(), Some((*field).to_owned())));
    let places = (0..).zip(children.targets.iter().zip(&children.paths));
    let members = places.filter(|(_, (target, _))| **target == Target::Column);
    let members = members.map(|(node, (_, column))| (column.clone(), Some(schema.path(node).to_owned())));
    own.into_iter().chain(label).chain(beside).chain(members).collect()
}

/// `countryCode` becomes `country_code`.
fn snake_case(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

#[cfg(test)]
mod tests;
