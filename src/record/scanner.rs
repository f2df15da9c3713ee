//! Going over the text of a page once: its grammar, its UTF-8, the ends of its values.
//!
//! The scanner accepts what RFC 8259 calls JSON, and nothing else: it stops with an error at the first byte that is not as it
//! must be. It looks at one byte after the other, but for the inside of strings, where eight bytes at once are asked
//! whether any of them is special. On the way it notes what a line of output cannot hold as it is ([`Edit`]).

use std::ops::Range;

use super::edit::{Edit, Replacement};

/// What a value is, as its first byte tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// Of any length and precision.
    Number,
    /// Between quotes.
    String,
    /// Between brackets.
    Array,
    /// Between braces.
    Object,
}

/// The text is not what it must be; the scanner's position tells where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is not JSON, or ends too early.
    Syntax,
    /// It is not UTF-8.
    Encoding,
    /// It is JSON, but not of the promised shape.
    Shape(&'static str),
}

/// A position in the text of a page.
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// What the line of the row under way needs in other words, in the order of the text.
    pub(super) edits: Vec<Edit>,
    /// Whether the row under way holds something that readers of lines take for the end of one.
    pub(super) has_line_break: bool,
    /// The closing bytes of the arrays and objects that are being skipped: unlike the call stack, it cannot overflow.
    nesting: Vec<u8>,
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, edits: Vec::new(), has_line_break: false, nesting: Vec::new() }
    }

    /// The whole text.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The position, in bytes from the start.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The first byte of the next token, over white space; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.over_white_space(),
        }
    }

    /// Steps over the byte if it comes next, over white space.
    ///
    /// # Errors
    /// If another comes.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != byte {
            return Err(Malformed::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// The end of the text, over white space.
    ///
    /// # Errors
    /// If something else comes.
    pub fn end(&mut self) -> Result<(), Malformed> {
        if self.peek() == 0 && self.at == self.text.len() { Ok(()) } else { Err(Malformed::Syntax) }
    }

    /// Steps over an opening byte; whether there is anything before the closing one, which is stepped over if not.
    ///
    /// # Errors
    /// If another byte comes.
    #[inline]
    pub fn open(&mut self, opening: u8, closing: u8) -> Result<bool, Malformed> {
        self.expect(opening)?;
        let is_empty = self.peek() == closing;
        self.at += usize::from(is_empty);
        Ok(!is_empty)
    }

    /// After a member or an element: whether another follows, whose comma is stepped over, else the closing byte.
    ///
    /// # Errors
    /// If neither comes.
    #[inline]
    pub fn more(&mut self, closing: u8) -> Result<bool, Malformed> {
        let byte = self.peek();
        if byte != b',' && byte != closing {
            return Err(Malformed::Syntax);
        }
        self.at += 1;
        Ok(byte == b',')
    }

    /// Steps over a member's name and its colon; where the name stands, without quotes and as written.
    ///
    /// # Errors
    /// If it is none.
    #[inline]
    pub fn name(&mut self) -> Result<Range<usize>, Malformed> {
        // Almost always the quote comes next, no byte of the name is special, and the colon follows at once.
        let start = self.at + 1;
        if self.text.get(self.at) == Some(&b'"')
            && let Some(end) = next_special(self.text, start)
            && self.text[end] == b'"'
            && self.text.get(end + 1) == Some(&b':')
        {
            self.at = end + 2;
            return Ok(start..end);
        }
        self.unusual_name()
    }

    #[cold]
    fn unusual_name(&mut self) -> Result<Range<usize>, Malformed> {
        if self.peek() != b'"' {
            return Err(Malformed::Syntax);
        }
        let name = self.string()?;
        self.expect(b':')?;
        Ok(name)
    }

    /// Steps over the next value, whatever it is; where it stands.
    ///
    /// # Errors
    /// If it is none.
    pub fn skip(&mut self) -> Result<Range<usize>, Malformed> {
        self.peek();
        let start = self.at;
        self.skip_value()?;
        Ok(start..self.at)
    }

    /// Steps over a value without looking at it, with a stack of its own for what is nested.
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        let outside = self.nesting.len();
        loop {
            match self.peek() {
                b'{' => {
                    if self.open(b'{', b'}')? {
                        self.nesting.push(b'}');
                        self.name()?;
                        continue;
                    }
                }
                b'[' => {
                    if self.open(b'[', b']')? {
                        self.nesting.push(b']');
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value has ended, and with it perhaps those around it.
            loop {
                if self.nesting.len() == outside {
                    return Ok(());
                }
                let closing = self.nesting[self.nesting.len() - 1];
                if self.more(closing)? {
                    if closing == b'}' {
                        self.name()?;
                    }
                    break;
                }
                self.nesting.pop();
            }
        }
    }

    /// Steps over a value that holds no others.
    #[inline]
    pub(super) fn scalar(&mut self) -> Result<ValueKind, Malformed> {
        match self.peek() {
            b'"' => self.string().map(|_| ValueKind::String),
            b'n' => self.word(b"null", ValueKind::Null),
            b't' => self.word(b"true", ValueKind::Boolean),
            b'f' => self.word(b"false", ValueKind::Boolean),
            _ => self.number().map(|()| ValueKind::Number),
        }
    }

    #[inline]
    pub(super) fn word(&mut self, word: &[u8], kind: ValueKind) -> Result<ValueKind, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Malformed::Syntax);
        }
        self.at += word.len();
        Ok(kind)
    }

    /// Steps over a number: `-? (0 | [1-9] digits) (. digit+)? ([eE] [+-]? digit+)?`
    #[inline]
    pub(super) fn number(&mut self) -> Result<(), Malformed> {
        let mut at = self.at;
        at += usize::from(self.byte(at) == b'-');
        at = match self.byte(at) {
            b'0' => at + 1,
            _ => self.digits(at)?,
        };
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1;
            at += usize::from(matches!(self.byte(at), b'+' | b'-'));
            at = self.digits(at)?;
        }
        self.at = at;
        Ok(())
    }

    /// Behind the digits from `at` on, of which there must be one.
    #[inline]
    fn digits(&mut self, at: usize) -> Result<usize, Malformed> {
        let mut end = at;
        while self.byte(end).is_ascii_digit() {
            end += 1;
        }
        if end == at {
            self.at = at;
            return Err(Malformed::Syntax);
        }
        Ok(end)
    }

    /// Steps over a string whose opening quote comes next; where its inside stands, as written.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Range<usize>, Malformed> {
        let start = self.at + 1;
        let mut from = start;
        loop {
            let Some(special) = next_special(self.text, from) else {
                self.at = self.text.len();
                return Err(Malformed::Syntax);
            };
            match self.text[special] {
                b'"' => {
                    self.at = special + 1;
                    return Ok(start..special);
                }
                b'\\' => from = self.escape(special)?,
                byte if byte < b' ' => {
                    self.at = special;
                    return Err(Malformed::Syntax);
                }
                _ => from = self.beyond_ascii(special)?,
            }
        }
    }

    /// Behind the escape that begins at `at`. Halves of a surrogate pair may stand alone, as in most parsers.
    #[inline]
    fn escape(&mut self, at: usize) -> Result<usize, Malformed> {
        match self.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
            b'u' if (2..6).all(|digit| self.byte(at + digit).is_ascii_hexdigit()) => Ok(at + 6),
            _ => {
                self.at = at;
                Err(Malformed::Syntax)
            }
        }
    }

    /// Behind the character beyond ASCII that begins at `at`: the well-formed sequences of Unicode's table 3-7. The three
    /// that some readers take for the end of a line are noted.
    fn beyond_ascii(&mut self, at: usize) -> Result<usize, Malformed> {
        let is_tail = |byte: u8| byte & 0xc0 == 0x80;
        let length = match self.text[at..] {
            [0xc2..=0xdf, b, ..] if is_tail(b) => 2,
            [0xe0, 0xa0..=0xbf, c, ..] | [0xed, 0x80..=0x9f, c, ..] if is_tail(c) => 3,
            [0xe1..=0xec | 0xee | 0xef, b, c, ..] if is_tail(b) && is_tail(c) => 3,
            [0xf0, 0x90..=0xbf, c, d, ..] | [0xf4, 0x80..=0x8f, c, d, ..] if is_tail(c) && is_tail(d) => 4,
            [0xf1..=0xf3, b, c, d, ..] if is_tail(b) && is_tail(c) && is_tail(d) => 4,
            _ => {
                self.at = at;
                return Err(Malformed::Encoding);
            }
        };
        let escape = match self.text[at..at + length] {
            [0xc2, 0x85] => "\\u0085",
            [0xe2, 0x80, 0xa8] => "\\u2028",
            [0xe2, 0x80, 0xa9] => "\\u2029",
            _ => return Ok(at + length),
        };
        self.edits.push(Edit { span: at..at + length, replacement: Replacement::Text(escape) });
        self.has_line_break = true;
        Ok(at + length)
    }

    #[cold]
    fn over_white_space(&mut self) -> u8 {
        let start = self.at;
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.has_line_break = true,
                byte => {
                    if self.at > start {
                        self.edits.push(Edit { span: start..self.at, replacement: Replacement::WhiteSpace });
                    }
                    return byte;
                }
            }
            self.at += 1;
        }
    }

    /// The byte at `at`; 0 behind the end, which no token holds.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }
}

/// A byte in all eight places of a word.
const fn splat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The first byte from a position on that ends a string or needs a look: a quote, a backslash, a control character, or one
/// that is not ASCII. Names and values are short, so that eight bytes at a time pay where a search made for long
/// texts does not.
#[inline]
fn next_special(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        // Subtracting borrows into a byte's top bit if the byte was smaller. `!word` takes out the bytes beyond ASCII, whose
        // top bit says nothing, and `| word` adds them again as hits. Borrows can make false hits only above a true one.
        let quote = (word ^ splat(b'"')).wrapping_sub(splat(1));
        let backslash = (word ^ splat(b'\\')).wrapping_sub(splat(1));
        let control = word.wrapping_sub(splat(b' '));
        let hits = ((quote | backslash | control) & !word | word) & splat(0x80);
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(*byte, b'"' | b'\\' | 0..b' ' | 0x80..);
    text.get(at..)?.iter().position(is_special).map(|found| at + found)
}
