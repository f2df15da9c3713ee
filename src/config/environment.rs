//! Properties from the environment: `NAVAN_` and a property's name in capitals.

use serde_json::{Map, Value};

use super::groups;
use super::meant;
use crate::error::Error;

/// With this the variables begin.
const PREFIX: &str = "NAVAN_";

/// The variable with the program that prints the key of shared state, which is no property.
pub const KEY_COMMAND: &str = "NAVAN_ENCRYPTION_KEY_COMMAND";

/// The variable with the file for metrics, which is none either.
pub const METRICS_TEXTFILE: &str = "NAVAN_METRICS_TEXTFILE";

/// What the sandbox calls its address, and the property that it is.
const URL: &str = "URL";
const API_URL: &str = "api_url";

/// The properties that some variables give, which are the environment's as a rule. One that is close to a property was meant to be it,
/// and is told.
///
/// # Errors
/// A `system_error` if spec.json was broken when the binary was built.
pub fn properties(variables: impl Iterator<Item = (String, String)>) -> Result<Map<String, Value>, Error> {
    let schema = groups::flat_schema()?;
    let Some(properties) = schema["properties"].as_object() else { return Ok(Map::new()) };
    // By the last part of their names: no two are alike in that.
    let known: Map<String, Value> =
        properties.iter().map(|(name, property)| (short(name).to_owned(), property.clone())).collect();
    let full = |short_name: &str| properties.keys().find(|name| short(name) == short_name).cloned();
    let mut given = Map::new();
    // Whoever unsets a variable by `NAVAN_…=` means that it is not there.
    for (variable, text) in variables.filter(|(_, text)| !text.is_empty()) {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        if [KEY_COMMAND, METRICS_TEXTFILE].contains(&&*variable) {
            continue;
        }
        let name = if name == URL { API_URL.to_owned() } else { name.to_ascii_lowercase() };
        match known.get(&name) {
            Some(property) => {
                given.insert(full(&name).unwrap_or(name), value(property, text));
            }
            None => {
                if let Some(meant) = meant(&name, &known) {
                    let meant = meant.to_ascii_uppercase();
                    tracing::warn!("{variable} in the environment is no property: did you mean {PREFIX}{meant}?");
                }
            }
        }
    }
    Ok(given)
}

/// Whether any variable gives a property.
///
/// # Errors
/// A `system_error` if spec.json was broken when the binary was built.
pub fn says_anything(mut variables: impl Iterator<Item = (String, String)>) -> Result<bool, Error> {
    let schema = groups::flat_schema()?;
    let known: Vec<_> =
        schema["properties"].as_object().into_iter().flat_map(Map::keys).map(|name| variable(name)).collect();
    let url = format!("{PREFIX}{URL}");
    Ok(variables.any(|(name, text)| !text.is_empty() && (name == url || known.contains(&name))))
}

/// The variable of a property.
pub fn variable(property: &str) -> String {
    format!("{PREFIX}{}", short(property).to_ascii_uppercase())
}

/// The last part of a property's name: without its group's.
fn short(property: &str) -> &str {
    property.rsplit('.').next().unwrap_or(property)
}

fn value(property: &Value, text: String) -> Value {
    match property["type"].as_str() {
        Some("integer" | "number") => serde_json::from_str(text.trim()).unwrap_or(Value::String(text)),
        Some("array") => serde_json::from_str(&text).unwrap_or_else(|_| words(&text)),
        _ => Value::String(text),
    }
}

/// A list as people write it: with commas.
fn words(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variable_is_a_property_of_its_type() {
        let given = [
            ("NAVAN_CLIENT_ID", "12345"),
            ("NAVAN_LOOKBACK_DAYS", " 7 "),
            ("NAVAN_REQUESTS_PER_SECOND", "fast"),
            ("NAVAN_TRANSACTION_TYPES", "fees, card-transactions,"),
            ("NAVAN_PERSONAL_DATA_EXCEPTIONS", r#"["BOOKING.purpose"]"#),
            ("NAVAN_REGION", ""),
            ("NAVAN_REDIS_URL", "redis://localhost"),
            ("NAVAN_URL", "http://localhost:1"),
            ("NAVAN_SANDBOX_BIN", "x"),
            ("PATH", "/bin"),
        ];
        let given = given.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(
            Value::Object(properties(given).unwrap()),
            json!({
                "api_url": "http://localhost:1",
                "client_id": "12345",
                "lookback_days": 7,
                "requests_per_second": "fast",
                "transaction_types": ["fees", "card-transactions"],
                "personal_data_exceptions": ["BOOKING.purpose"],
                "shared_state.redis_url": "redis://localhost",
            })
        );
    }
}
