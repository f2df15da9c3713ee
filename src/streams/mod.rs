//! The streams there are, one file each: what identifies a row, which scope it takes, how it is read.
//!
//! Each is a value that the engine in [`crate::sync`] reads; it knows none of them by name. To add one: write its file here and
//! its schema in schemas/, add it to [`STREAMS`], and give the sandbox a route. Everything else follows from the list.

mod booking;
mod custom_field;
mod gl_code;
mod lookup;
mod scim_user;
mod tax_mapping;
mod transaction;
mod transaction_receipt;
mod user;

use crate::config::Config;
use crate::error::Error;
use crate::record::RowSchema;
pub use crate::sync::Stream;
pub(crate) use lookup::{NamedTable, find, names, tables};

/// Every stream, in the order in which `discover` offers them.
pub static STREAMS: &[&Stream] = &[
    &booking::BOOKING,
    &transaction::TRANSACTION,
    &transaction_receipt::TRANSACTION_RECEIPT,
    &custom_field::CUSTOM_FIELD,
    &gl_code::GL_CODE,
    &tax_mapping::TAX_MAPPING,
    &user::USER,
    &scim_user::SCIM_USER,
];

/// Those that a configuration opens.
pub(crate) fn offered(config: &Config) -> Vec<&'static Stream> {
    STREAMS.iter().copied().filter(|stream| stream.access.is_configured(config)).collect()
}

/// # Errors
/// A `config_error` that names an exception from the rule for personal data that is no field of a stream.
pub(crate) fn check_exceptions(config: &Config) -> Result<(), Error> {
    for exception in &config.personal_data.exceptions {
        let (name, path) = exception.split_once('.').unwrap_or((exception, ""));
        let stream = STREAMS.iter().find(|stream| stream.names().any(|known| known == name));
        let Some(stream) = stream else {
            return Err(Error::config(format!(
                "`personal_data_exceptions` has {exception:?}, and there is no stream {name:?}: give the stream and the field, such as BOOKING.purpose."
            )));
        };
        if stream.name != name {
            return Err(Error::config(format!(
                "`personal_data_exceptions` has {exception:?}: the rows of {name} follow those of {}, so give the field there.",
                stream.name
            )));
        }
        if !RowSchema::compile(stream.schema, None, None, &[])?.has_place(path) {
            return Err(Error::config(format!(
                "`personal_data_exceptions` has {exception:?}, and {name} has no field {path:?}: docs/streams.md lists them all."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod docs;
#[cfg(test)]
mod erd;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::config;
    use crate::record::children;
    use crate::record::{ERROR_COLUMN, PATH_COLUMN};

    pub(super) fn file(name: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    }

    #[test]
    fn the_walk_through_the_adding_of_a_stream_has_all_of_its_parts() {
        let (page, code) = (include_str!("../../docs/architecture.md"), include_str!("../sync/stream.rs"));
        for (kind, begins) in
            [("Stream", "DEPARTMENT: Stream = Stream {"), ("ChildStream", "children: &[ChildStream {")]
        {
            let example = page.split(begins).nth(1).unwrap().split("```").next().unwrap();
            let declared = code.split(&format!("pub struct {kind} {{")).nth(1).unwrap().split("\n}").next().unwrap();
            let parts = declared.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
            let parts: Vec<_> = parts.map(|(part, _)| part).collect();
            assert!(parts.len() > 4);
            for part in parts {
                assert!(example.contains(&format!("{part}:")), "{part} of {kind}");
            }
        }
    }

    #[test]
    fn the_fields_that_a_stream_names_are_in_its_schema() {
        for stream in STREAMS {
            let schema: Value = serde_json::from_str(stream.schema).unwrap();
            let named = stream
                .key
                .into_iter()
                .chain(stream.cursor_field)
                .chain(stream.created_field)
                .chain(stream.coerced.iter().copied());
            for field in named {
                assert!(place(&schema, field).is_object(), "{}: {field}", stream.name);
            }
        }
    }

    #[test]
    fn every_schema_has_the_column_of_what_it_has_no_place_for() {
        let children = STREAMS.iter().flat_map(|stream| stream.children);
        let schemas = STREAMS.iter().map(|stream| (stream.name, stream.schema));
        for (name, schema) in schemas.chain(children.map(|child| (child.name, child.schema))) {
            let schema: Value = serde_json::from_str(schema).unwrap();
            assert_eq!(schema["properties"]["_extra"]["type"], serde_json::json!(["null", "object"]), "{name}");
        }
    }

    /// The schema of the place at a path.
    fn place<'a>(schema: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(schema, |schema, name| match name.strip_suffix("[]") {
            Some(name) => &schema["properties"][name]["items"],
            None => &schema["properties"][name],
        })
    }

    #[test]
    fn the_columns_of_a_child_are_those_of_its_schema_with_the_types_that_they_have_in_its_parent() {
        let form = |schema: &Value| {
            ["type", "format", "airbyte_type", "items", "x-personal-data"].map(|name| kind_of(&schema[name]))
        };
        for (stream, child) in
            STREAMS.iter().flat_map(|stream| stream.children.iter().map(move |child| (stream, child)))
        {
            let parent: Value = serde_json::from_str(stream.schema).unwrap();
            let schema: Value = serde_json::from_str(child.schema).unwrap();
            let declared = schema["properties"].as_object().unwrap();
            let carried = child.rows.carried;
            let of_lists = child.rows.lists.iter().flat_map(|list| children::columns(stream.schema, list));
            let of_lists: Vec<_> = of_lists.collect();
            let mut columns = BTreeSet::from(["_extra"]);
            columns.extend(child.key.iter().chain(carried.iter().map(|(_, column)| column)));
            columns.extend(of_lists.iter().map(|(column, _)| column.as_str()));
            columns.extend(child.files.iter().flat_map(|_| [PATH_COLUMN, ERROR_COLUMN]));
            assert_eq!(columns, declared.keys().map(String::as_str).collect(), "{}", child.name);
            for (field, column) in carried {
                assert_eq!(form(&declared[*column]), form(&parent["properties"][field]), "{}.{column}", child.name);
            }
            for (column, path) in &of_lists {
                if let Some(path) = path.as_ref().filter(|_| !child.key.contains(&column.as_str())) {
                    assert_eq!(form(&declared[column]), form(place(&parent, path)), "{}.{column}", child.name);
                }
            }
            assert_eq!(schema["title"], child.name);
            assert_eq!(schema["required"], serde_json::json!(child.key), "{}", child.name);
        }
    }

    /// A schema without its words.
    fn kind_of(schema: &Value) -> Value {
        match schema {
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "description")
                .map(|(name, of)| (name.clone(), kind_of(of)))
                .collect(),
            other => other.clone(),
        }
    }

    #[test]
    fn whatever_lists_the_streams_lists_them_all() {
        let metadata = file("metadata.yaml");
        let (_, suggested) = metadata.split_once("suggestedStreams:").unwrap();
        let catalog: Value = serde_json::from_str(&file("integration_tests/configured_catalog.json")).unwrap();
        let names: Vec<_> = STREAMS.iter().flat_map(|stream| stream.names()).collect();
        let chosen =
            catalog["streams"].as_array().unwrap().iter().map(|entry| entry["stream"]["name"].as_str().unwrap());
        assert_eq!(chosen.collect::<Vec<_>>(), names);
        for name in names {
            assert!(suggested.contains(&format!("      - {name}\n")), "metadata.yaml: {name}");
        }
    }

    #[test]
    fn each_table_of_the_docs_that_lists_streams_lists_them_all() {
        let mut tables = 0;
        for name in ["docs/streams.md", "docs/airbyte.md", "docs/navan-api.md", "docs/reliability.md"] {
            let text = file(name);
            // A table of one column's fields (`| stream | field |`) lists those that have any.
            for table in text
                .split("\n\n")
                .filter(|part| part.starts_with("| stream |") && !part.starts_with("| stream | field |"))
            {
                tables += 1;
                for stream in STREAMS {
                    assert!(table.contains(&format!("\n| `{}` |", stream.name)), "{name}: {} in\n{table}", stream.name);
                }
            }
        }
        assert!(tables >= 5, "{tables} tables");
        for name in STREAMS.iter().flat_map(|stream| stream.names()) {
            assert!(file("docs/streams.md").contains(&format!("\n| `{name}` |")), "docs/streams.md: {name}");
        }
    }

    #[test]
    fn the_specification_names_every_scope_that_a_stream_takes() {
        let spec = config::spec().unwrap();
        let words = spec["connectionSpecification"]["properties"]["client_id"]["description"].as_str().unwrap();
        for stream in STREAMS {
            assert!(stream.access.scope().is_none_or(|scope| words.contains(scope)), "{:?}", stream.access);
        }
    }
}
