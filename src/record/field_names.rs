//! The names of the fields that rows came with, for who holds them against the schema. No value is among them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::batch::RecordBatch;
use super::finding::FindingKind;
use super::row_scan::RecordFormat;

/// Names of fields.
#[derive(Clone, Debug, Default)]
pub struct FieldNames {
    /// Columns that came.
    pub given: BTreeSet<String>,
    /// Fields that no schema declares.
    pub undeclared: BTreeSet<String>,
    /// Places of values that could not be brought to the promised form.
    pub misfits: BTreeSet<String>,
}

impl RecordFormat {
    /// The names in a page's rows.
    pub fn field_names(&self, batch: &RecordBatch) -> FieldNames {
        let mut names = FieldNames::default();
        for row in batch.rows() {
            // What ends the line stands behind the row.
            let mut values = Deserializer::from_slice(batch.data(row)).into_iter::<BTreeMap<String, &RawValue>>();
            let columns = values.next().and_then(Result::ok).unwrap_or_default();
            names.given.extend(columns.into_keys());
        }
        for finding in batch.findings() {
            match finding.kind {
                FindingKind::Undeclared | FindingKind::UndeclaredMember => {
                    names.undeclared.insert(shown(self.place(finding)));
                }
                FindingKind::Nulled => {
                    names.misfits.insert(shown(self.place(finding)));
                }
                FindingKind::Repaired | FindingKind::Mended | FindingKind::NoKey => {}
            }
        }
        names
    }
}

/// A name as it is, if it looks like one: where an object has keys of a company's own, one may be anything.
fn shown(name: String) -> String {
    let is_name = name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.[]-:".contains(&b));
    if is_name { name } else { "(an odd name)".to_owned() }
}
