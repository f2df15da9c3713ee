//! Walking over a row without building anything from it.
//!
//! A row reaches this module only after `serde_json` has found its page to be whole JSON, so the walk need not check the
//! grammar again: it looks for the ends of values and skips what nobody asks for. On text that is not JSON it would stop
//! early; it never leaves the text and never fails.

use memchr::{memchr2, memchr2_iter};

/// A byte in all eight places of a word.
const fn everywhere(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// A position in the text of a row.
pub(super) struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

/// What a value is, as its first byte tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The position, in bytes from the start.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What the next value is.
    pub(super) fn kind(&mut self) -> Kind {
        match self.peek() {
            b'"' => Kind::String,
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b't' | b'f' => Kind::Boolean,
            b'n' | 0 => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// Steps into an object or array, over its first byte.
    pub(super) fn enter(&mut self) {
        self.peek();
        self.at += 1;
    }

    /// Whether the object has another member, whose name comes next; its end is stepped over.
    pub(super) fn member(&mut self) -> bool {
        self.more(b'}')
    }

    /// The member's name, without quotes and as written.
    pub(super) fn name(&mut self) -> &'a [u8] {
        let name = self.string();
        self.colon();
        name
    }

    /// Steps over the member's name if it is `quoted`, quotes included.
    pub(super) fn takes(&mut self, quoted: &[u8]) -> bool {
        let taken = self.text.get(self.at..self.at + quoted.len()).is_some_and(|next| same(next, quoted));
        if taken {
            self.at += quoted.len();
            self.colon();
        }
        taken
    }

    /// Whether the array has another element; its end is stepped over.
    pub(super) fn element(&mut self) -> bool {
        self.more(b']')
    }

    /// Steps over the next value.
    pub(super) fn skip(&mut self) -> &'a [u8] {
        let kind = self.kind();
        let start = self.at;
        match kind {
            Kind::String => {
                self.string();
            }
            Kind::Array | Kind::Object => self.skip_nested(),
            _ => {
                // Numbers and words end where something begins that is in neither.
                let rest = &self.text[self.at..];
                let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')));
                self.at += length.unwrap_or(rest.len());
            }
        }
        &self.text[start..self.at]
    }

    /// Steps over a string, and gives what stands between its quotes, as written.
    pub(super) fn string(&mut self) -> &'a [u8] {
        self.peek();
        let start = (self.at + 1).min(self.text.len());
        let mut end = start;
        while let Some(found) = quote_or_backslash(self.text, end) {
            if self.text[found] == b'"' {
                self.at = found + 1;
                return &self.text[start..found];
            }
            end = (found + 2).min(self.text.len());
        }
        self.at = self.text.len();
        &self.text[start..]
    }

    fn colon(&mut self) {
        if self.peek() == b':' {
            self.at += 1;
        }
    }

    fn skip_nested(&mut self) {
        let mut depth = 0usize;
        while self.at < self.text.len() {
            match self.text[self.at] {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn more(&mut self, end: u8) -> bool {
        if self.peek() == b',' {
            self.at += 1;
        }
        let next = self.peek();
        if next == end {
            self.at += 1;
        }
        next != end && next != 0
    }

    /// The next byte that is not white space, which is all that JSON has up to the space; 0 at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        while let Some(byte) = self.text.get(self.at) {
            if *byte > b' ' {
                return *byte;
            }
            self.at += 1;
        }
        0
    }
}

/// The next `"` or `\` from a position on. Names and values are short, so that looking at eight bytes at once pays
/// where a call to a search made for long texts does not.
fn quote_or_backslash(text: &[u8], from: usize) -> Option<usize> {
    let (words, rest) = text.get(from..)?.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zeros(word ^ everywhere(b'"')) | zeros(word ^ everywhere(b'\\'));
        if hits != 0 {
            return Some(from + 8 * number + hits.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(from + 8 * words.len() + at)
}

/// Whether two texts of one length are the same; for the length of a name, faster than a call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(end), Some(other_end)) => {
            let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
            end == other_end && words.into_iter().all(|(word, other)| word == other)
        }
        _ => one.iter().zip(other).all(|(byte, other)| byte == other),
    }
}

/// The top bit of each byte that is zero; above the lowest such byte, possibly of others too.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(everywhere(1)) & !word & everywhere(0x80)
}

/// Characters inside strings that JSON allows as they are, but that some readers of lines take for the end of one
/// (Python's `splitlines`, and with it Airbyte's test harness), and what stands for them as well.
const UNICODE_LINE_BREAKS: [(char, &str); 3] =
    [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];

/// Whether a row holds line breaks, which would end its line too early.
pub(super) fn has_line_breaks(row: &str) -> bool {
    memchr2(b'\n', b'\r', row.as_bytes()).is_some() || !row.is_ascii() && has_unicode_line_breaks(row.as_bytes())
}

/// Looks for the first bytes of the three characters, which few others share.
fn has_unicode_line_breaks(row: &[u8]) -> bool {
    memchr2_iter(0xc2, 0xe2, row).any(|at| matches!(row[at..], [0xc2, 0x85, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..]))
}

/// Appends `row` to `compact` without the white space between its tokens, and with its other line breaks escaped.
pub(super) fn compact(row: &str, compact: &mut String) {
    let bytes = row.as_bytes();
    let mut start = 0;
    let mut quotes = memchr2_iter(b'"', b'\\', bytes);
    let mut inside = false;
    let mut escaped = None;
    loop {
        let quote = quotes.by_ref().find(|at| {
            let literal = escaped == Some(*at);
            escaped = (!literal && bytes[*at] == b'\\').then_some(at + 1);
            !literal && bytes[*at] == b'"'
        });
        let end = quote.map_or(bytes.len(), |at| at + 1);
        let piece = &row[start..end];
        if inside {
            push_escaped(piece, compact);
        } else {
            compact.extend(piece.chars().filter(|c| !c.is_ascii_whitespace()));
        }
        if quote.is_none() {
            return;
        }
        inside = !inside;
        start = end;
    }
}

fn push_escaped(mut piece: &str, into: &mut String) {
    while let Some(at) = piece.find(UNICODE_LINE_BREAKS.map(|(character, _)| character)) {
        into.push_str(&piece[..at]);
        let character = piece[at..].chars().next().unwrap_or_default();
        let escape = UNICODE_LINE_BREAKS.iter().find(|(known, _)| *known == character);
        into.push_str(escape.map_or("", |(_, escape)| escape));
        piece = &piece[at + character.len_utf8()..];
    }
    into.push_str(piece);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~\\n\\t\"\\\\é{}\\[\\],:]*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-z\"\\\\{ ]{0,6}", inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    /// The members of the object in `text`, found by walking.
    fn walked(text: &str) -> Vec<(String, String)> {
        let mut walk = Walk::new(text.as_bytes());
        walk.enter();
        let mut members = Vec::new();
        while walk.member() {
            let name = walk.name();
            let value = walk.skip();
            members.push((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()));
        }
        assert_eq!(walk.at(), text.trim_end().len());
        members
    }

    proptest! {
        #[test]
        fn walking_finds_the_members_that_a_parser_finds(value in prop::collection::btree_map("[a-z{\"\\\\]{0,5}", json(), 0..8), pretty: bool) {
            let value = Value::from_iter(value);
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let found: Vec<(String, Value)> = walked(&text)
                .into_iter()
                .map(|(name, value)| (serde_json::from_str(&format!("\"{name}\"")).unwrap(), serde_json::from_str(&value).unwrap()))
                .collect();
            let expected: Vec<(String, Value)> = value.as_object().unwrap().clone().into_iter().collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_compacted_row_is_what_a_compact_server_would_have_sent(value in json()) {
            let mut compacted = String::new();
            compact(&serde_json::to_string_pretty(&value).unwrap(), &mut compacted);
            prop_assert_eq!(compacted, serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn a_compacted_row_is_one_line_for_every_reader(text in "[a\u{85}\u{2028}\u{2029}\"\\\\é]*") {
            let value = Value::from(vec![text]);
            let row = serde_json::to_string(&value).unwrap();
            let mut compacted = String::new();
            compact(&row, &mut compacted);
            prop_assert!(!has_line_breaks(&compacted));
            prop_assert_eq!(serde_json::from_str::<Value>(&compacted).unwrap(), value);
        }

        #[test]
        fn no_text_makes_the_walk_leave_it(text in "[{}\\[\\]\",:\\\\ a1]*") {
            let mut walk = Walk::new(text.as_bytes());
            walk.enter();
            while walk.at() < text.len() && walk.member() {
                let before = walk.at();
                walk.name();
                walk.skip();
                if walk.at() == before { break; }
            }
        }
    }
}
