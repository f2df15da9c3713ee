//! Properties from the environment: `NAVAN_` and a property's name in capitals.

use serde_json::{Map, Value};

use super::spec;
use crate::error::Error;

/// With this the variables begin.
pub const PREFIX: &str = "NAVAN_";

/// The properties that some variables give, which are the environment's as a rule.
///
/// # Errors
/// A `config_error` that names a variable that cannot be read, and a `system_error` if spec.json was broken when the binary was built.
pub fn properties(variables: impl Fn(&str) -> Option<String>) -> Result<Map<String, Value>, Error> {
    let spec = spec()?;
    let mut given = Map::new();
    for (name, property) in spec["connectionSpecification"]["properties"].as_object().into_iter().flatten() {
        let variable = format!("{PREFIX}{}", name.to_ascii_uppercase());
        // Whoever unsets a variable by `NAVAN_…=` means that it is not there.
        let Some(text) = variables(&variable).filter(|text| !text.is_empty()) else { continue };
        let value = match property["type"].as_str() {
            Some("integer" | "number") => serde_json::from_str(text.trim()).unwrap_or(Value::String(text)),
            Some("array") => serde_json::from_str(&text).unwrap_or_else(|_| words(&text)),
            _ => Value::String(text),
        };
        given.insert(name.clone(), value);
    }
    Ok(given)
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
        let given = |name: &str| {
            let text = match name {
                "NAVAN_CLIENT_ID" => "12345",
                "NAVAN_LOOKBACK_DAYS" => " 7 ",
                "NAVAN_REQUESTS_PER_SECOND" => "fast",
                "NAVAN_TRANSACTION_TYPES" => "fees, card-transactions,",
                "NAVAN_PERSONAL_DATA_EXCEPTIONS" => r#"["BOOKING.purpose"]"#,
                "NAVAN_REGION" => "",
                _ => return None,
            };
            Some(text.to_owned())
        };
        assert_eq!(
            Value::Object(properties(given).unwrap()),
            json!({
                "client_id": "12345",
                "lookback_days": 7,
                "requests_per_second": "fast",
                "transaction_types": ["fees", "card-transactions"],
                "personal_data_exceptions": ["BOOKING.purpose"],
            })
        );
    }
}
