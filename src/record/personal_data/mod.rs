//! Personal data on its way through: as it is, as hashes, or not at all.
//!
//! The schemas mark the fields that hold it (`x-personal-data`). Where it is to be hashed, a marked text becomes the HMAC-SHA-256 of itself under
//! the user's key, in 64 hexadecimal digits: the same text the same hash in every stream, so that tables can still be joined, and nobody who
//! has not the key can try names against it. What no schema declares may hold anything: there every text is hashed.

mod scan;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::ops::Range;

use aws_lc_rs::hmac;

use crate::config::{Config, PersonalDataMode};
use crate::record::escapes::unescaped;
use crate::record::scanner::ValueKind;
use crate::record::schema::{EXTRA, SchemaNode};
use crate::secret::Secret;
pub(super) use scan::as_written;

/// How a field holds personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::record) enum PersonalMark {
    None,
    /// As one value.
    Value,
    /// As values with commas between them.
    List,
}

/// What becomes of personal data in the rows of one stream.
#[derive(Default)]
pub struct PersonalData {
    treatment: Treatment,
    /// Paths of fields that stay as they are.
    exceptions: Vec<String>,
}

#[derive(Default)]
pub(in crate::record) enum Treatment {
    #[default]
    Pass,
    Hash(Box<PersonalHash>),
    Drop,
}

/// Makes hashes of personal data.
pub(in crate::record) struct PersonalHash {
    key: hmac::Key,
}

/// An exception names its stream first: `BOOKING.booker.department`.
fn of_stream<'a>(exception: &'a str, stream: &str) -> Option<&'a str> {
    exception.strip_prefix(stream)?.strip_prefix('.')
}

impl PersonalData {
    /// What `config` says of the rows of `stream`.
    pub fn of(config: &Config, stream: &str) -> Self {
        let treatment = match &config.personal_data.mode {
            PersonalDataMode::Pass => Treatment::Pass,
            PersonalDataMode::Hash(key) => Treatment::Hash(Box::new(PersonalHash::new(key))),
            PersonalDataMode::Drop => Treatment::Drop,
        };
        let exceptions = config.personal_data.exceptions.iter().filter_map(|path| of_stream(path, stream));
        Self { treatment, exceptions: exceptions.map(str::to_owned).collect() }
    }

    /// What becomes of what no schema declares.
    pub(in crate::record) fn of_undeclared(&self) -> &Treatment {
        if self.is_exception(EXTRA) { &Treatment::Pass } else { &self.treatment }
    }

    /// What becomes of marked fields, but for exceptions.
    pub(in crate::record) fn treatment(&self) -> &Treatment {
        &self.treatment
    }

    /// Takes the marks away that have no effect: with them a field costs more than others.
    pub(in crate::record) fn apply(&self, node: &mut SchemaNode, path_of: &impl Fn(&SchemaNode) -> String) {
        // What an open object or list holds is known as little as what no schema declares.
        let is_container = node.promises(ValueKind::Object) || node.promises(ValueKind::Array);
        if is_container && !node.takes_any_string && node.fields.is_empty() && node.items.is_none() {
            node.personal = PersonalMark::Value;
        }
        if node.personal != PersonalMark::None {
            if matches!(self.treatment, Treatment::Pass) || self.is_exception(&path_of(node)) {
                node.personal = PersonalMark::None;
            } else {
                node.takes_any_string = false;
            }
        }
        node.fields.iter_mut().for_each(|(_, field)| self.apply(field, path_of));
        if let Some(items) = &mut node.items {
            self.apply(items, path_of);
        }
    }

    /// Whether a path is one of the exceptions, or lies below one.
    fn is_exception(&self, path: &str) -> bool {
        self.exceptions.iter().any(|exception| {
            path.strip_prefix(exception.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

impl PersonalHash {
    fn new(key: &Secret) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()) }
    }

    /// The hash of the inside of a string, in quotes. An empty one stays.
    pub(in crate::record) fn quoted(&self, inside: &[u8]) -> String {
        format!("\"{}\"", self.hash(&unescaped(inside)))
    }

    /// The same of one value of several, without quotes.
    pub(in crate::record) fn unquoted(&self, inside: &[u8]) -> String {
        self.hash(unescaped(inside).trim_ascii())
    }

    fn hash(&self, text: &[u8]) -> String {
        // E-mail addresses are the same however they are written, and come in both ways.
        let lowered = text.contains(&b'@').then(|| String::from_utf8_lossy(text).to_lowercase());
        let tag = hmac::sign(&self.key, lowered.as_ref().map_or(text, String::as_bytes));
        let mut hash = String::with_capacity(64);
        for byte in tag.as_ref() {
            // Writing to a string does not fail.
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
}

/// Where the values stand that commas divide, without the blanks around them. `inside` is the inside of a string.
pub(in crate::record) fn listed(text: &[u8], inside: Range<usize>) -> Vec<Range<usize>> {
    let mut start = inside.start;
    let part = |part: &[u8]| {
        let blank = part.len() - part.trim_ascii_start().len();
        let value = start + blank..start + blank + part.trim_ascii().len();
        start += part.len() + 1;
        value
    };
    text[inside].split(|byte| *byte == b',').map(part).filter(|value| !value.is_empty()).collect()
}
