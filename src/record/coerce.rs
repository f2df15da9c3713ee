//! What becomes of a value that has not the promised form.
//!
//! It is brought to that form where nothing is lost by it; where something would be, its column is null, and the value stands in
//! [`_extra`](super::extra) as it came. Values of the promised form never come here but for times, all of which get the
//! same precision.

use std::borrow::Cow;

use super::edit::Replacement;
use super::escapes::unescaped;
use super::number;
use super::scanner::ValueKind;
use super::schema::{FieldRole, SchemaNode, StringFormat};
use super::timestamp::{self, Formatted};

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Coercion {
    /// It stays as it came.
    Keep,
    /// It is written so, which is worth no word: it was blank, or had another precision.
    Write(Replacement),
    /// It is written so, which is told.
    Repair(Replacement),
    /// It is written as the only one of an array, which is told.
    Wrap,
    /// Its column cannot hold it.
    Misfit,
}

/// Of the inside of a string.
pub(super) fn string(node: &SchemaNode, inside: &[u8]) -> Coercion {
    if node.takes_any_string {
        return Coercion::Keep;
    }
    if inside.is_empty() {
        let instead = if node.holds_strings() { "[]" } else { "null" };
        return Coercion::Write(Replacement::text(instead));
    }
    if node.promises(ValueKind::String) {
        return time(node.format, inside);
    }
    if node.promises(ValueKind::Boolean)
        && let Some(word) = truth(&unescaped(inside))
    {
        return Coercion::Repair(Replacement::text(word));
    }
    if node.promises(ValueKind::Integer) {
        return number_in_text(node, inside);
    }
    if node.holds_strings() { Coercion::Wrap } else { Coercion::Misfit }
}

/// Of a value that holds no others, is no string, and not of the promised kind.
pub(super) fn scalar(node: &SchemaNode, kind: ValueKind, text: &[u8]) -> Coercion {
    match kind {
        ValueKind::Integer | ValueKind::Number | ValueKind::OddNumber => number(node, text),
        ValueKind::Boolean => boolean(node),
        // Every column can be null, but the key is text.
        ValueKind::Null if node.role == FieldRole::Key => Coercion::Write(Replacement::text("\"\"")),
        // What is no number stands in quotes already.
        ValueKind::NotANumber if !node.promises(ValueKind::String) || node.format != StringFormat::Any => {
            Coercion::Misfit
        }
        _ => Coercion::Keep,
    }
}

fn number(node: &SchemaNode, text: &[u8]) -> Coercion {
    if node.promises(ValueKind::Integer) {
        return in_number_column(node, text).map_or(Coercion::Misfit, |written| match written {
            Cow::Borrowed(_) => Coercion::Keep,
            Cow::Owned(written) => Coercion::Write(Replacement::Text(written.into())),
        });
    }
    if !node.promises(ValueKind::String) {
        return Coercion::Misfit;
    }
    if node.format == StringFormat::Any {
        return Coercion::Repair(Replacement::Quoted);
    }
    match timestamp::epoch_in_format(text, node.format) {
        Some(time) => Coercion::Repair(Replacement::Text(format!("\"{time}\"").into())),
        None => Coercion::Misfit,
    }
}

fn boolean(node: &SchemaNode) -> Coercion {
    if node.promises(ValueKind::String) && node.format == StringFormat::Any {
        Coercion::Repair(Replacement::Quoted)
    } else {
        Coercion::Misfit
    }
}

fn time(format: StringFormat, inside: &[u8]) -> Coercion {
    let formatted = match timestamp::in_format(inside, format) {
        Formatted::NotATime => in_other_words(&unescaped(inside), format),
        formatted => formatted,
    };
    match formatted {
        Formatted::AsItIs => Coercion::Keep,
        Formatted::LacksMilliseconds(at) => Coercion::Write(Replacement::Milliseconds(at)),
        Formatted::Rewritten { text, only_precision } => {
            let written = Replacement::Text(format!("\"{text}\"").into());
            if only_precision { Coercion::Write(written) } else { Coercion::Repair(written) }
        }
        Formatted::NotATime => Coercion::Misfit,
    }
}

/// Of a time whose text is another than what stands in the row.
fn in_other_words(text: &[u8], format: StringFormat) -> Formatted {
    let text = String::from_utf8_lossy(text);
    match timestamp::in_format(text.as_bytes(), format) {
        Formatted::AsItIs => Formatted::Rewritten { text: text.into_owned(), only_precision: false },
        Formatted::LacksMilliseconds(at) => {
            Formatted::Rewritten { text: format!("{}.000{}", &text[..at], &text[at..]), only_precision: false }
        }
        formatted => formatted,
    }
}

fn number_in_text(node: &SchemaNode, inside: &[u8]) -> Coercion {
    if node.promises(ValueKind::Number) && number::is_plain(inside) {
        return Coercion::Repair(Replacement::Unquoted);
    }
    let text = unescaped(inside);
    let number = str::from_utf8(&text).ok().and_then(number::in_text);
    let written = number.and_then(|number| in_number_column(node, number.as_bytes()).map(Cow::into_owned));
    written.map_or(Coercion::Misfit, |written| Coercion::Repair(Replacement::Text(written.into())))
}

/// What a column of numbers holds of a number.
fn in_number_column<'a>(node: &SchemaNode, text: &'a [u8]) -> Option<Cow<'a, str>> {
    if !node.promises(ValueKind::Number) {
        return number::integer(text);
    }
    number::fits(text).then(|| str::from_utf8(text).ok().map(Cow::Borrowed))?
}

/// The words for true and false.
fn truth(text: &[u8]) -> Option<&'static str> {
    let is_any_of = |words: &[&str]| words.iter().any(|word| text.trim_ascii().eq_ignore_ascii_case(word.as_bytes()));
    if is_any_of(&["true", "yes", "y"]) {
        Some("true")
    } else if is_any_of(&["false", "no", "n"]) {
        Some("false")
    } else {
        None
    }
}
