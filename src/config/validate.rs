//! What the specification expects of a property, checked and put into words.

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::admin_pages::credentials_page;
use crate::error::Error;

/// Up to here a bad value is quoted. A secret pasted into the wrong field is longer.
const MAX_QUOTED: usize = 30;

/// Checks `given` against the schema.
///
/// # Errors
/// A `config_error` about the first bad property, in the order in which the user sees them.
pub(super) fn validate(schema: &Value, given: &Map<String, Value>) -> Result<(), Error> {
    for (name, property) in in_order(schema) {
        let required = schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
        match given.get(name) {
            None if required => return Err(Error::config(format!("`{name}` is missing: {}.", copy_from_navan()))),
            None => {}
            Some(Value::String(text)) if text.is_empty() => {
                return Err(Error::config(format!("`{name}` is empty: {}.", what_is_right(name, property))));
            }
            Some(value) => {
                let validator = jsonschema::options()
                    .with_draft(Draft::Draft7)
                    .should_validate_formats(true)
                    .build(property)
                    .map_err(|e| Error::system("The connector was built with a broken spec.json.").with_cause(e))?;
                // A schema takes 4.0 for an integer; nobody who means 4 writes it.
                let fraction = property["type"] == "integer" && !value.is_u64();
                if fraction || !validator.is_valid(value) {
                    let wrong = if is_secret(property) || value.to_string().len() > MAX_QUOTED {
                        "does not have the right form".to_owned()
                    } else {
                        format!("is {value}")
                    };
                    return Err(Error::config(format!("`{name}` {wrong}: {}.", what_is_right(name, property))));
                }
            }
        }
    }
    Ok(())
}

fn in_order(schema: &Value) -> Vec<(&String, &Value)> {
    let mut properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    properties.sort_by_key(|(_, property)| property["order"].as_i64());
    properties
}

fn is_secret(property: &Value) -> bool {
    property["airbyte_secret"] == Value::Bool(true)
}

fn copy_from_navan() -> String {
    format!("copy it from Navan's {}", credentials_page())
}

fn what_is_right(name: &str, property: &Value) -> String {
    if name.starts_with("client_") {
        return format!("{}, as text in quotes", copy_from_navan());
    }
    match property["type"].as_str() {
        Some("integer") => format!("give a whole number from {} to {}", property["minimum"], property["maximum"]),
        Some("number") => format!("give a number above {}", property["exclusiveMinimum"]),
        Some("array") => format!("give a list of one or more of {}, each once", words(&property["items"]["enum"])),
        _ if property["format"] == "date-time" => {
            format!("give a date that exists, with its time in UTC, such as {}", property["examples"][0])
        }
        _ if property["enum"].is_array() => format!("give one of {}", words(&property["enum"])),
        _ if is_secret(property) => "give it as text in quotes".to_owned(),
        _ => format!("give a text such as {}", property["examples"][0]),
    }
}

fn words(values: &Value) -> String {
    values.as_array().into_iter().flatten().map(Value::to_string).collect::<Vec<_>>().join(", ")
}
