//! The state that a read is given: what earlier reads wrote, in any of the forms in which clients hand it back.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::error::Error;

/// In a state: the stream was read to its end in this sync.
pub const FULL_REFRESH_COMPLETE: &str = "__ab_full_refresh_sync_complete";

/// In a state: there is nothing to remember. Counts as no state.
pub const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// The last state of each stream.
#[derive(Debug, Default, PartialEq)]
pub struct StreamStates(HashMap<String, Value>);

impl StreamStates {
    /// Reads a state file: a list of STATE payloads, one GLOBAL payload, STATE messages one a line (other messages and
    /// a last line cut short are passed over, so that a connector's own output will do), the legacy object of stream
    /// names, `{}`, `null` or nothing at all. Of two states of one stream the later counts.
    ///
    /// # Errors
    /// A `config_error` for what is none of these.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut states = Self::default();
        if text.is_empty() {
            return Ok(states);
        }
        match serde_json::from_str::<Value>(text) {
            Ok(whole) => states.take(whole)?,
            Err(error) => states.take_lines(text, &error)?,
        }
        Ok(states)
    }

    /// The state of a stream, unless it has none or one that says nothing.
    pub fn of(&self, stream: &str) -> Option<&Value> {
        self.0
            .get(stream)
            .filter(|state| state.as_object().is_some_and(|s| !s.is_empty() && !s.contains_key(NO_CURSOR)))
    }

    fn take_lines(&mut self, text: &str, whole: &serde_json::Error) -> Result<(), Error> {
        let lines: Vec<_> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
        let last = lines.len() - 1;
        for (position, (number, line)) in lines.into_iter().enumerate() {
            match serde_json::from_str::<Value>(line) {
                Ok(message) if message.get("type").is_some() => self.take(message)?,
                Err(_) if position == last && position > 0 => {}
                // One value over many lines, most likely.
                _ if position == 0 => return Err(broken(&whole.to_string())),
                _ => return Err(broken(&format!("line {} is no message of a connector", number + 1))),
            }
        }
        Ok(())
    }

    fn take(&mut self, value: Value) -> Result<(), Error> {
        match value {
            Value::Null => Ok(()),
            Value::Array(entries) => entries.into_iter().try_for_each(|entry| self.take(entry)),
            Value::Object(mut entry) => match entry.get("type").and_then(Value::as_str) {
                Some("STATE") => self.take(entry.remove("state").unwrap_or_default()),
                Some("STREAM") => self.take_stream(&entry.remove("stream").unwrap_or_default()),
                Some("GLOBAL") => self.take_global(&entry.remove("global").unwrap_or_default()),
                Some("LEGACY") => self.take(entry.remove("data").unwrap_or_default()),
                Some(_) => Ok(()),
                None if entry.contains_key("stream_descriptor") => self.take_stream(&Value::Object(entry)),
                None => {
                    self.0.extend(entry.into_iter().filter(|(_, state)| state.is_object()));
                    Ok(())
                }
            },
            other => Err(Error::config(format!(
                "The state file holds {other} where a state is expected. Give the state that an earlier read wrote, or none."
            ))),
        }
    }

    fn take_global(&mut self, global: &Value) -> Result<(), Error> {
        let states = global.get("stream_states").and_then(Value::as_array);
        states.into_iter().flatten().try_for_each(|state| self.take_stream(state))
    }

    fn take_stream(&mut self, stream: &Value) -> Result<(), Error> {
        let Some(name) = stream.pointer("/stream_descriptor/name").and_then(Value::as_str) else {
            return Err(Error::config(
                "The state file has an entry without `stream_descriptor.name`. Give the state that an earlier read wrote, or none.",
            ));
        };
        self.0.insert(name.to_owned(), stream.get("stream_state").cloned().unwrap_or_else(|| json!({})));
        Ok(())
    }
}

fn broken(how: &str) -> Error {
    Error::config(format!(
        "The state file is not valid JSON: {how}. Give the state that an earlier read wrote, or none."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Option<i64> {
        StreamStates::parse(text).unwrap().of("S")?.get("c")?.as_i64()
    }

    #[test]
    fn every_form_that_a_client_hands_back_is_read() {
        for text in [
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"S"},"stream_state":{"c":1}}}]"#,
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"S","namespace":null},"stream_state":{"c":1}},"global":null,"global_":null,"global_":null,"data":null}]"#,
            r#"{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[{"stream_descriptor":{"name":"S"},"stream_state":{"c":1}}]}}"#,
            r#"{"S":{"c":1}}"#,
            "{\"type\":\"RECORD\",\"record\":{}}\n{\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"S\"},\"stream_state\":{\"c\":0}}}}\n{\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"S\"},\"stream_state\":{\"c\":1}}}}\n{\"type\":\"STA",
        ] {
            assert_eq!(cursor(text), Some(1), "{text}");
        }
    }

    #[test]
    fn an_empty_form_is_no_state() {
        for text in [
            "",
            "  \n",
            "null",
            "{}",
            "[]",
            "\u{feff}{}",
            r#"{"S":{}}"#,
            r#"{"S":{"__ab_no_cursor_state_message":true}}"#,
        ] {
            assert_eq!(StreamStates::parse(text).unwrap().of("S"), None, "{text}");
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_named_by_its_number() {
        let log = r#"{"type":"LOG"}"#;
        let error = StreamStates::parse(&format!("{log}\n\n{log}{log}\n{log}\n")).unwrap_err();
        assert!(error.message().contains("line 3 is no message"), "{}", error.message());
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for text in
            ["{", "7", "\"x\"", "[1]", r#"[{"type":"STREAM"}]"#, "{\"type\":\"LOG\"}\nnonsense\n{\"type\":\"LOG\"}"]
        {
            assert!(StreamStates::parse(text).is_err(), "{text}");
        }
    }
}
