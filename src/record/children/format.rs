//! The child streams of a parent, compiled onto its schema.

use serde_json::json;

use super::declaration::{ChildRows, Elements};
use crate::record::personal_data::{PersonalMark, Treatment};
use crate::record::schema::{Capture, NodeId, RowSchema, SchemaNode};

/// The column that tells where in its list a row stands.
pub(super) const INDEX: &str = "index";

/// Under which name what is no row stands in `_extra`.
const STRAY: &str = "row";

/// In whose rows something is that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// In the parent's only.
    Parent,
    /// In the parent's, and in those of this child, by its number.
    Child(usize),
    /// In those of the parent and of all its children.
    All,
}

/// A child stream that is wanted.
pub(in crate::record) struct ChildOutput {
    /// The line of its records up to the time of emission.
    pub(in crate::record) head: String,
    pub(in crate::record) rows: &'static ChildRows,
    pub(in crate::record) key: &'static [&'static str],
}

/// What a place in the parent's schema is to the children.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
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
pub(in crate::record) struct Children {
    pub(super) formats: Vec<ChildFormat>,
    pub(super) lists: Vec<ListFormat>,
    /// By the number of the place.
    pub(super) targets: Vec<Target>,
    /// By the number of the place, as the child's rows have it: its path, and what stands before a column's value, `,"name":`.
    pub(super) paths: Vec<String>,
    /// By the number of the place: the child that has it in its rows.
    owners: Vec<Option<usize>>,
    pub(super) columns: Vec<Box<[u8]>>,
    /// The places that rows carry; a list may be one as well.
    pub(super) carried: Vec<NodeId>,
    /// What the rows of children carry; most have that in common.
    pub(super) carried_sets: Vec<Vec<CarriedColumn>>,
    /// The place of the parent's key.
    pub(super) key: Option<NodeId>,
}

pub(super) struct ChildFormat {
    /// The line of its records up to the time of emission.
    pub(super) head: String,
    /// The number of its set.
    pub(super) carried: usize,
    pub(super) has_index: bool,
    /// Its rows are told apart by their values, so that each comes once.
    pub(super) is_by_value: bool,
}

#[derive(PartialEq, Eq)]
pub(super) struct CarriedColumn {
    pub(super) slot: usize,
    /// `,"name":`
    pub(super) name: Box<[u8]>,
    /// The parent's key, which is text in any case.
    pub(super) is_key: bool,
}

pub(super) struct ListFormat {
    pub(super) child: usize,
    pub(super) elements: Elements,
    /// `,"label":"text"`
    pub(super) label: Box<[u8]>,
    pub(super) beside: Vec<CarriedColumn>,
    /// `,"name":` of the column in which an element stands whole, if there is one.
    pub(super) column: Box<[u8]>,
    /// Its elements are personal data that is left out.
    pub(super) is_dropped: bool,
}

impl Children {
    /// Compiles declarations onto the schema of their parent, and marks there what the scan is to note.
    pub(in crate::record) fn compile(schema: &mut RowSchema, outputs: Vec<ChildOutput>) -> Self {
        let mut children = Self::for_places(schema.places());
        children.key = schema.key;
        let drops_personal_data = matches!(schema.personal.treatment(), Treatment::Drop);
        for output in outputs {
            children.add(&mut schema.root, output, drops_personal_data);
        }
        let columns = children.paths.iter().map(|path| before_value(path));
        children.columns = columns.collect();
        children
    }

    fn for_places(places: usize) -> Self {
        Self {
            targets: vec![Target::None; places],
            paths: vec![String::new(); places],
            owners: vec![None; places],
            ..Self::default()
        }
    }

    fn add(&mut self, root: &mut SchemaNode, output: ChildOutput, drops_personal_data: bool) {
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
            let mut is_dropped = false;
            if let Some(node) = root.at_mut(list.path) {
                let of_items = node.items.as_ref().map_or(PersonalMark::None, |items| items.personal);
                is_dropped = drops_personal_data && of_items != PersonalMark::None;
                self.capture_list(node, list.elements);
            }
            self.lists.push(ListFormat { child, elements: list.elements, label, beside, column, is_dropped });
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
        self.place(items.id, Target::None, &path);
        self.name_places_below(items, &path);
        for (name, member) in items.fields.iter() {
            let path = format!("{path}.{name}");
            self.place(member.id, Target::None, &path);
            self.name_places_below(member, &path);
        }
    }

    /// What a place is to the child that is being added.
    fn place(&mut self, node: NodeId, target: Target, path: &str) {
        let node = usize::from(node);
        self.targets[node] = target;
        path.clone_into(&mut self.paths[node]);
        self.owners[node] = Some(self.formats.len());
    }

    /// Which of the children has a place in its rows, by its number; or whether all of them carry it.
    pub(in crate::record) fn owner(&self, place: NodeId) -> Owner {
        match self.owners.get(usize::from(place)).copied().flatten() {
            Some(child) => Owner::Child(child),
            None if self.carried.contains(&place) => Owner::All,
            None => Owner::Parent,
        }
    }

    /// Whether there are none.
    pub(in crate::record) fn is_empty(&self) -> bool {
        self.formats.is_empty()
    }
}

/// `,"name":`
fn before_value(name: &str) -> Box<[u8]> {
    format!(",{}:", json!(name)).into_bytes().into()
}

/// The columns that come of a list, each with the path of what it holds, as far as that is a place in the parent's schema.
#[cfg(test)]
pub fn columns(schema: &str, list: &super::ChildList) -> Vec<(String, Option<String>)> {
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
pub(super) fn snake_case(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}
