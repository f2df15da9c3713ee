//! Properties that stand in an object of their own, as the platform's form shows them together. Everywhere else they are properties like
//! others, named `group.name`.

use serde_json::{Map, Value};

use super::spec;
use crate::error::Error;

/// The groups there are.
pub(super) const ALL: &[&str] = &["shared_state", "monitoring"];

/// What was given, with what stands in groups beside the rest.
///
/// # Errors
/// A `config_error` if one of the `groups` is no object.
pub(super) fn flat(given: Map<String, Value>, groups: &[&str]) -> Result<Map<String, Value>, Error> {
    let mut flat = Map::new();
    for (name, value) in given {
        match value {
            Value::Object(members) if groups.contains(&&*name) => {
                flat.extend(members.into_iter().map(|(member, value)| (format!("{name}.{member}"), value)));
            }
            Value::Null => {}
            Value::String(text) if groups.contains(&&*name) && text.trim().is_empty() => {}
            _ if groups.contains(&&*name) => {
                return Err(Error::config(format!(
                    "`{name}` must be an object with properties of its own, or left out."
                )));
            }
            value => {
                flat.insert(name, value);
            }
        }
    }
    Ok(flat)
}

/// The configuration's schema, in the same way.
///
/// # Errors
/// A `system_error` if spec.json was broken when the binary was built.
pub(super) fn flat_schema() -> Result<Value, Error> {
    let mut spec = spec()?;
    let mut schema = spec["connectionSpecification"].take();
    if let Value::Object(properties) = schema["properties"].take() {
        let mut flat = Map::new();
        for (name, mut property) in properties {
            let Some(Value::Object(members)) = property.get_mut("properties").map(Value::take) else {
                flat.insert(name, property);
                continue;
            };
            for (member, mut value) in members {
                // In the order of their group.
                value["order"] = property["order"].clone();
                flat.insert(format!("{name}.{member}"), value);
            }
        }
        schema["properties"] = Value::Object(flat);
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_are_those_of_the_specification() {
        let spec = spec().unwrap();
        let properties = spec["connectionSpecification"]["properties"].as_object().unwrap();
        let groups: Vec<_> = properties.iter().filter(|(_, property)| property["type"] == "object").collect();
        assert_eq!(groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ALL);
    }
}
