//! The streams there are, one file each: what identifies a row, which scope it takes, how it is read.
//!
//! Each is a value that the engine in [`crate::sync`] reads; it knows none of them by name. To add one: write its file here and
//! its schema in schemas/, add it to [`STREAMS`], and give the sandbox a route. Everything else follows from the list.

mod booking;
mod transaction;
mod user;

pub use crate::sync::Stream;

/// Every stream, in the order in which `discover` offers them.
pub static STREAMS: &[&Stream] = &[&booking::BOOKING, &transaction::TRANSACTION, &user::USER];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::config;

    fn file(name: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    }

    #[test]
    fn the_fields_that_a_stream_names_are_in_its_schema() {
        for stream in STREAMS {
            let schema: Value = serde_json::from_str(stream.schema).unwrap();
            let named = [stream.key].into_iter().chain(stream.cursor_field).chain(stream.coerced.iter().copied());
            for field in named {
                assert!(schema["properties"][field].is_object(), "{}: {field}", stream.name);
            }
        }
    }

    #[test]
    fn whatever_lists_the_streams_lists_them_all() {
        let metadata = file("metadata.yaml");
        let (_, suggested) = metadata.split_once("suggestedStreams:").unwrap();
        let catalog: Value = serde_json::from_str(&file("integration_tests/configured_catalog.json")).unwrap();
        let names = STREAMS.iter().map(|stream| stream.name);
        let chosen =
            catalog["streams"].as_array().unwrap().iter().map(|entry| entry["stream"]["name"].as_str().unwrap());
        assert_eq!(chosen.collect::<Vec<_>>(), names.clone().collect::<Vec<_>>());
        for name in names {
            assert!(suggested.contains(&format!("      - {name}\n")), "metadata.yaml: {name}");
        }
    }

    #[test]
    fn each_table_of_the_docs_that_lists_streams_lists_them_all() {
        let mut tables = 0;
        for name in ["README.md", "docs/airbyte.md", "docs/navan-api.md", "docs/reliability.md"] {
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
    }

    #[test]
    fn the_specification_names_every_scope_that_a_stream_takes() {
        let spec = config::spec().unwrap();
        let words = spec["connectionSpecification"]["properties"]["client_id"]["description"].as_str().unwrap();
        for stream in STREAMS {
            assert!(words.contains(stream.oauth_scope), "{}", stream.oauth_scope);
        }
    }
}
