//! What copying adds to a value, taken away before anything looks at it.

use serde_json::{Map, Value};

/// The labels that Navan's admin page puts around a credential, or a header around a token, which a copy of the line carries along.
const LABELS: [&str; 8] =
    ["Bearer ", "Client ID:", "Client ID", "Client Secret:", "Secret Key:", "Secret Key", "Client Secret", "Copy key"];

/// Pairs of quotes that come along from documents and chats.
const QUOTES: [(char, char); 5] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];

/// The properties given, strings normalized, nulls left out, and what is missing filled in from the schema's defaults.
pub(super) fn normalize(given: Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let normalized = given.into_iter().map(|(name, value)| (name, normalized_value(value)));
    let mut normalized: Map<String, Value> =
        normalized.filter(|(name, value)| !value.is_null() && (value != "" || required(name))).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = property.get("default") {
            normalized.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    normalized
}

fn normalized_value(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let normalized = normalized_text(&text);
            drop(zeroize::Zeroizing::new(text)); // it may be the secret
            Value::String(normalized)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(normalized_value).collect()),
        other => other,
    }
}

fn normalized_text(text: &str) -> String {
    let visible: zeroize::Zeroizing<String> =
        zeroize::Zeroizing::new(text.chars().filter(|c| !is_invisible(*c)).collect());
    let mut rest = visible.trim();
    while let Some(shorter) = LABELS.iter().find_map(|label| strip_label(rest, label)).or_else(|| strip_quotes(rest)) {
        rest = shorter.trim();
    }
    rest.to_owned()
}

/// Characters that come along from web pages unseen: controls, zero-width ones, joiners, marks of direction, variants.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}'
        )
}

fn strip_quotes(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(opening, closing)| text.strip_prefix(*opening)?.strip_suffix(*closing))
}

/// `text` without `label` at its start or end, if it is there in any case of letters.
fn strip_label<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let at_start = text.get(..label.len()).filter(|start| start.eq_ignore_ascii_case(label));
    if at_start.is_some() {
        return text.get(label.len()..);
    }
    let cut = text.len().checked_sub(label.len())?;
    text.get(cut..).filter(|end| end.eq_ignore_ascii_case(label)).and_then(|_| text.get(..cut))
}
