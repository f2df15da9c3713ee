//! Going over the text of a page once: its grammar, its UTF-8, the ends of its values.
//!
//! The scanner accepts what RFC 8259 calls JSON, and nothing else: it stops with an error at the first byte that is not as it
//! must be. It looks at one byte after the other, but for the inside of strings, where sixteen bytes at once are asked
//! whether any of them is special ([`special_bytes`]). On the way it notes what a line of output cannot hold as it is ([`Edits`]).

use std::ops::Range;

use super::edit::{Edits, Replacement};
use super::number;
use super::special_bytes;

/// The longest number that is an integer of 64 bits for certain.
const MAX_INTEGER_LENGTH: usize = 18;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number of digits alone, few enough for 64 bits.
    Integer,
    /// A number that any column of numbers holds, by its length.
    Number,
    /// One with an exponent, or of more digits.
    OddNumber,
    /// `NaN` or `Infinity`, which are no JSON.
    NotANumber,
    /// Between quotes.
    String,
    /// Between brackets.
    Array,
    /// Between braces.
    Object,
}

impl ValueKind {
    /// Whether it is a number, of whatever size.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::OddNumber)
    }
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
    pub(super) edits: Edits,
    /// Whether something broken was replaced in the row under way.
    pub(super) is_mended: bool,
    /// Whether what is no JSON is mended, as far as it lies inside a value.
    pub(super) is_lenient: bool,
    /// The closing bytes of the arrays and objects that are being skipped: unlike the call stack, it cannot overflow.
    nesting: Vec<u8>,
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        let edits = Edits::default();
        Self { text, at: 0, edits, is_mended: false, is_lenient: false, nesting: Vec::new() }
    }

    /// The same, for a text that is known to be broken: inside strings, a raw control character counts as its escape and a byte
    /// that is not UTF-8 as U+FFFD; `NaN` and `Infinity` are values.
    pub fn lenient(text: &'a [u8]) -> Self {
        Self { is_lenient: true, ..Self::new(text) }
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
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
    pub fn name(&mut self) -> Result<Range<usize>, Malformed> {
        // Almost always the quote comes next, no byte of the name is special, and the colon follows at once.
        let start = self.at + 1;
        if self.text.get(self.at) == Some(&b'"')
            && let Some(end) = special_bytes::next(self.text, start)
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

    /// Steps over a value without looking at it.
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        self.walk_value(|_, _, _, _| {})
    }

    /// Steps over a value, with a stack of its own for what is nested. Of each value in it that holds no others, `visit` is told what it is, where it
    /// begins (it ends at the position), and where its edits do.
    #[inline(always)]
    pub(super) fn walk_value(
        &mut self,
        mut visit: impl FnMut(&mut Self, ValueKind, usize, usize),
    ) -> Result<(), Malformed> {
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
                    let (start, mark) = (self.at, self.edits.mark());
                    let kind = self.scalar()?;
                    visit(self, kind, start, mark);
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
    #[inline(always)]
    pub(super) fn scalar(&mut self) -> Result<ValueKind, Malformed> {
        match self.peek() {
            b'"' => self.string().map(|_| ValueKind::String),
            _ if self.is_lenient => self.lenient_scalar(),
            _ => self.strict_scalar(),
        }
    }

    #[inline(always)]
    fn strict_scalar(&mut self) -> Result<ValueKind, Malformed> {
        match self.byte(self.at) {
            b'n' => self.word(b"null", ValueKind::Null),
            b't' => self.word(b"true", ValueKind::Boolean),
            b'f' => self.word(b"false", ValueKind::Boolean),
            _ => self.number(),
        }
    }

    /// The same, or what stands in the place of a number and is none: `NaN`, `.5`, `+5`, `007`, `None`. It becomes text.
    #[cold]
    fn lenient_scalar(&mut self) -> Result<ValueKind, Malformed> {
        let start = self.at;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
        let end = start + self.text[start..].iter().take_while(is_part).count();
        if let Ok(kind) = self.strict_scalar()
            && self.at == end
        {
            return Ok(kind);
        }
        self.at = end;
        if end == start {
            return Err(Malformed::Syntax);
        }
        self.edits.truncate_at(start);
        self.edits.push(start..end, Replacement::Quoted);
        self.is_mended = true;
        Ok(ValueKind::NotANumber)
    }

    #[inline(always)]
    pub(super) fn word(&mut self, word: &[u8], kind: ValueKind) -> Result<ValueKind, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Malformed::Syntax);
        }
        self.at += word.len();
        Ok(kind)
    }

    /// Steps over a number: `-? (0 | [1-9] digits) (. digit+)? ([eE] [+-]? digit+)?`
    #[inline(always)]
    fn number(&mut self) -> Result<ValueKind, Malformed> {
        let start = self.at;
        let mut at = start + usize::from(self.byte(start) == b'-');
        at = match self.byte(at) {
            b'0' => at + 1,
            _ => self.digits(at)?,
        };
        let mut kind = ValueKind::Integer;
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
            kind = ValueKind::Number;
        }
        self.at = at;
        let length = at - start;
        if matches!(self.byte(at), b'e' | b'E') || length > number::MAX_PLAIN_LENGTH {
            return self.odd_number(start);
        }
        Ok(if length > MAX_INTEGER_LENGTH { ValueKind::Number } else { kind })
    }

    /// The same of one that may have an exponent, or is long. What readers of 64-bit floats refuse is written as text, where its
    /// column cannot hold it anyway.
    #[cold]
    fn odd_number(&mut self, start: usize) -> Result<ValueKind, Malformed> {
        if matches!(self.byte(self.at), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(self.at + 1), b'+' | b'-'));
            self.at = self.digits(self.at + 1 + sign)?;
        }
        if !number::is_readable(&self.text[start..self.at]) {
            self.edits.push(start..self.at, Replacement::Quoted);
        }
        Ok(ValueKind::OddNumber)
    }

    /// Behind the digits from `at` on, of which there must be one.
    #[inline(always)]
    fn digits(&mut self, at: usize) -> Result<usize, Malformed> {
        let mut end = at;
        loop {
            let Some(word) = self.text.get(end..).and_then(|rest| rest.first_chunk::<8>()) else {
                end = self.behind_digits_near_the_end(end);
                break;
            };
            // A digit's upper half is 3, and adding 6 to it does not reach beyond.
            let word = u64::from_le_bytes(*word);
            let others = (word & splat(0xf0) ^ splat(0x30)) | ((word & splat(0x0f)) + splat(0x06)) & splat(0x10);
            if others != 0 {
                end += others.trailing_zeros() as usize / 8;
                break;
            }
            end += 8;
        }
        if end == at {
            self.at = at;
            return Err(Malformed::Syntax);
        }
        Ok(end)
    }

    #[cold]
    fn behind_digits_near_the_end(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    /// Steps over a string whose opening quote comes next; where its inside stands, as written.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Range<usize>, Malformed> {
        let start = self.at + 1;
        match special_bytes::next(self.text, start) {
            Some(special) if self.text[special] == b'"' => {
                self.at = special + 1;
                Ok(start..special)
            }
            _ => self.string_with_specials(start),
        }
    }

    fn string_with_specials(&mut self, start: usize) -> Result<Range<usize>, Malformed> {
        let mut from = start;
        loop {
            let Some(special) = special_bytes::next(self.text, from) else {
                return self.malformed(self.text.len(), Malformed::Syntax);
            };
            match self.text[special] {
                b'"' => {
                    self.at = special + 1;
                    return Ok(start..special);
                }
                b'\\' => from = self.escape(special)?,
                byte if byte < b' ' => from = self.control_character(special)?,
                _ => from = self.beyond_ascii(special)?,
            }
        }
    }

    /// Behind the escape that begins at `at`. Half a surrogate pair, which is no character, is replaced.
    #[inline(always)]
    fn escape(&mut self, at: usize) -> Result<usize, Malformed> {
        match self.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
            b'u' => match self.utf16_unit(at) {
                Some(0xd800..0xdc00) if matches!(self.utf16_unit(at + 6), Some(0xdc00..0xe000)) => Ok(at + 12),
                Some(0xd800..0xe000) => {
                    self.edits.push(at..at + 6, Replacement::text("\\ufffd"));
                    self.is_mended = true;
                    Ok(at + 6)
                }
                Some(_) => Ok(at + 6),
                None => self.stray_backslash(at),
            },
            _ => self.stray_backslash(at),
        }
    }

    /// Behind a backslash that begins no escape, where it can be taken for the character.
    #[cold]
    fn stray_backslash(&mut self, at: usize) -> Result<usize, Malformed> {
        if !self.is_lenient {
            return self.malformed(at, Malformed::Syntax);
        }
        self.edits.push(at..at + 1, Replacement::text("\\\\"));
        self.is_mended = true;
        Ok(at + 1)
    }

    /// The number of the escape `\uXXXX` that begins at `at`.
    fn utf16_unit(&self, at: usize) -> Option<u32> {
        let [b'\\', b'u', digits @ ..] = self.text.get(at..at + 6)? else { return None };
        digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
    }

    /// Behind the raw control character at `at`, where it can be mended.
    #[cold]
    fn control_character(&mut self, at: usize) -> Result<usize, Malformed> {
        if !self.is_lenient {
            return self.malformed(at, Malformed::Syntax);
        }
        let escape = match self.text[at] {
            b'\t' => "\\t".into(),
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            other => format!("\\u{other:04x}").into(),
        };
        self.edits.push(at..at + 1, Replacement::Text(escape));
        self.is_mended = true;
        Ok(at + 1)
    }

    #[cold]
    fn malformed<T>(&mut self, at: usize, malformed: Malformed) -> Result<T, Malformed> {
        self.at = at;
        Err(malformed)
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
            _ if self.is_lenient => {
                self.edits.push(at..at + 1, Replacement::text("\\ufffd"));
                self.is_mended = true;
                return Ok(at + 1);
            }
            _ => return self.malformed(at, Malformed::Encoding),
        };
        let escape = match self.text[at..at + length] {
            [0xc2, 0x85] => "\\u0085",
            [0xe2, 0x80, 0xa8] => "\\u2028",
            [0xe2, 0x80, 0xa9] => "\\u2029",
            _ => return Ok(at + length),
        };
        self.edits.push(at..at + length, Replacement::text(escape));
        self.edits.has_line_break = true;
        Ok(at + length)
    }

    #[cold]
    fn over_white_space(&mut self) -> u8 {
        let start = self.at;
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.edits.has_line_break = true,
                byte => {
                    if self.at > start {
                        self.edits.push(start..self.at, Replacement::WhiteSpace);
                    }
                    return byte;
                }
            }
            self.at += 1;
        }
    }

    /// The byte at `at`; 0 behind the end, which no token holds.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }
}

/// A byte in all eight places of a word.
const fn splat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
