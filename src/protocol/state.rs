//! The state that a read is given: what earlier reads wrote, in any of the forms in which clients hand it back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use serde::Deserialize;
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
    /// names, `{}`, `null` or nothing at all. Of two states of one stream the later counts. Of messages one a line, no more
    /// than one is held at a time.
    ///
    /// # Errors
    /// A `config_error` for what is none of these, or if the file cannot be read.
    pub fn read(mut file: impl BufRead) -> Result<Self, Error> {
        let mut states = Self::default();
        let Some(first) = next_line(&mut file)? else { return Ok(states) };
        if message_kind(&first).is_some() {
            states.take_line(&first)?;
            states.take_lines(file)?;
            return Ok(states);
        }
        // One value, over as many lines as it has.
        let mut whole = first.into_bytes();
        file.read_to_end(&mut whole).map_err(unreadable)?;
        match serde_json::from_str::<Value>(&String::from_utf8_lossy(&whole)) {
            Ok(value) => states.take(value)?,
            Err(error) => return Err(broken(&error.to_string())),
        }
        Ok(states)
    }

    /// The state of a stream, unless it has none or one that says nothing.
    pub fn of(&self, stream: &str) -> Option<&Value> {
        let says_nothing = |state: &Value| match state {
            Value::Null => true,
            Value::Object(state) => state.is_empty() || state.contains_key(NO_CURSOR),
            _ => false,
        };
        self.0.get(stream).filter(|state| !says_nothing(state))
    }

    /// The streams that have one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn take_lines(&mut self, mut file: impl BufRead) -> Result<(), Error> {
        let mut number = 1;
        // The last line may have been cut short; any other is an error.
        let mut cut_short = None;
        while let Some((line, lines)) = next_line_counted(&mut file)? {
            number += lines;
            if let Some(number) = cut_short {
                return Err(broken(&format!("line {number} is no message of a connector")));
            }
            if self.take_line(&line)? == LineKind::Other {
                cut_short = Some(number);
            }
        }
        if self.0.is_empty() {
            tracing::warn!(
                "The state file holds messages, but no STATE among them; everything is read from the beginning."
            );
        }
        Ok(())
    }

    fn take_line(&mut self, line: &str) -> Result<LineKind, Error> {
        let Some(kind) = message_kind(line) else { return Ok(LineKind::Other) };
        if matches!(&*kind, "STATE" | "STREAM" | "GLOBAL" | "LEGACY") {
            let message = serde_json::from_str(line).map_err(|e| broken(&e.to_string()))?;
            self.take(message)?;
        }
        Ok(LineKind::Message)
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
                // The payload of a STATE from before it had types.
                None if entry.get("data").is_some_and(Value::is_object) => {
                    self.take(entry.remove("data").unwrap_or_default())
                }
                None => entry.into_iter().try_for_each(|(name, state)| {
                    if !state.is_object() && !state.is_null() {
                        return Err(Error::config(format!(
                            "The state of {name} cannot be used: it is {}, not an object. Give the state that an earlier read wrote, or none.",
                            kind_in_words(&state)
                        )));
                    }
                    self.0.insert(name, state);
                    Ok(())
                }),
            },
            other => Err(Error::config(format!(
                "The state file holds {} where a state is expected. Give the state that an earlier read wrote, or none.",
                kind_in_words(&other)
            ))),
        }
    }

    fn take_global(&mut self, global: &Value) -> Result<(), Error> {
        let Some(states) = global.get("stream_states").and_then(Value::as_array) else {
            return Err(Error::config(
                "The state file has a GLOBAL state without a list of `stream_states`. Give the state that an earlier read wrote, or none.",
            ));
        };
        states.iter().try_for_each(|state| self.take_stream(state))
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

/// What a value is. What it says is not shown: a file that was given by mistake may hold anything.
pub fn kind_in_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Which message a line is, if it is one.
fn message_kind(line: &str) -> Option<Cow<'_, str>> {
    // A struct would be made of a list as well.
    let is_object = line.trim_ascii_start().starts_with('{');
    serde_json::from_str(line).ok().filter(|_| is_object).and_then(|Line { kind }| kind)
}

/// What a line of messages is.
#[derive(PartialEq)]
enum LineKind {
    Message,
    Other,
}

/// A message, as far as it is looked at to know which it is.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// The next line that is not blank.
fn next_line(file: &mut impl BufRead) -> Result<Option<String>, Error> {
    Ok(next_line_counted(file)?.map(|(line, _)| line))
}

/// The same, and how many lines further it is.
fn next_line_counted(file: &mut impl BufRead) -> Result<Option<(String, usize)>, Error> {
    let mut line = Vec::new();
    for lines in 1.. {
        line.clear();
        if file.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}');
        if !text.trim().is_empty() {
            return Ok(Some((text.to_owned(), lines)));
        }
    }
    Ok(None)
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn unreadable(error: std::io::Error) -> Error {
    Error::config(format!("The state file cannot be read: {error}."))
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
        StreamStates::read(text.as_bytes()).unwrap().of("S")?.get("c")?.as_i64()
    }

    #[test]
    fn every_form_that_a_client_hands_back_is_read() {
        for text in [
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"S"},"stream_state":{"c":1}}}]"#,
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"S","namespace":null},"stream_state":{"c":1}},"global":null,"global_":null,"global_":null,"data":null}]"#,
            r#"{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[{"stream_descriptor":{"name":"S"},"stream_state":{"c":1}}]}}"#,
            r#"{"S":{"c":1}}"#,
            r#"{"type":"STATE","state":{"data":{"S":{"c":1}}}}"#,
            "{\n  \"S\": {\n    \"c\": 1\n  }\n}",
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
            assert_eq!(StreamStates::read(text.as_bytes()).unwrap().of("S"), None, "{text}");
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_named_by_its_number() {
        let log = r#"{"type":"LOG"}"#;
        let error = StreamStates::read(format!("{log}\n\n{log}{log}\n{log}\n").as_bytes()).unwrap_err();
        assert!(error.message().contains("line 3 is no message"), "{}", error.message());
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for text in [
            "{",
            "7",
            "\"x\"",
            "[1]",
            r#"[{"type":"STREAM"}]"#,
            r#"{"foo":1}"#,
            r#"{"types":{},"modified_timestamp":"x"}"#,
            r#"{"type":"GLOBAL","global":null}"#,
            "{\"type\":\"LOG\"}\nnonsense\n{\"type\":\"LOG\"}",
        ] {
            assert!(StreamStates::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
