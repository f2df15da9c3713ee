//! Writing JSON by hand, straight into the page's body.

use super::vocab::ODD_NOTES;
use crate::clock::DAY_MS;
use crate::rng::Rng;

const TWO_DIGITS: &str = "00010203040506070809101112131415161718192021222324252627282930313233343536373839\
                          40414243444546474849505152535455565758596061626364656667686970717273747576777879\
                          8081828384858687888990919293949596979899";

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampFormat {
    /// `2026-11-22T09:30:00.123Z`
    Millis,
    /// `2026-11-22T09:30:00Z`
    Seconds,
    /// `2026-11-22T09:30:00`, without an offset
    Local,
}

/// Which oddities rows have; a plain row has none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Odd {
    /// Numbers that exceed a 64-bit float or a DECIMAL(38, 9).
    pub(crate) numbers: bool,
    /// Texts with line breaks, quotes and the like, and needless escapes in others.
    pub(crate) texts: bool,
    /// Optional fields that are null or left out at random.
    pub(crate) gaps: bool,
}

/// A row being written: where to, which oddities it has, and the generator that decides on them.
///
/// Every object begins with a field that is always there, written by [`Row::begin_object`]; every later field
/// can then write its comma first without asking whether it is the first.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) out: &'a mut String,
    pub(crate) rng: Rng,
    pub(crate) odd: Odd,
}

impl Row<'_> {
    /// `{"name":`, the start of an object.
    pub(crate) fn begin_object(&mut self, name: &str) {
        self.out.push_str("{\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// `,"name":`, the start of a further field.
    pub(crate) fn field(&mut self, name: &str) {
        self.out.push_str(",\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// Anything that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.out.push_str(json);
    }

    /// A field with a string of Navan's own words, which need no escapes.
    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.field(name);
        self.out.push('"');
        self.out.push_str(value);
        self.out.push('"');
    }

    /// A field with a text of the company's.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.field(name);
        self.quoted(value);
    }

    /// A text that someone typed; an odd one can be anything.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        if self.odd.texts && self.rng.chance(6) {
            let note = self.rng.choose(&ODD_NOTES);
            self.string(name, note);
        } else {
            self.text(name, value);
        }
    }

    /// A field with a text that `write` puts together.
    pub(crate) fn composed(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        self.field(name);
        self.quoted_with(write);
    }

    /// A text.
    pub(crate) fn quoted(&mut self, value: &str) {
        self.quoted_with(|out| out.push_str(value));
    }

    fn quoted_with(&mut self, write: impl FnOnce(&mut String)) {
        self.out.push('"');
        let start = self.out.len();
        write(self.out);
        if self.odd.texts && self.rng.chance(2) {
            escape_needlessly(self.out, start);
        }
        self.out.push('"');
    }

    /// Whether an optional field has a value, and is to be written by the caller. Always, but where there are gaps: then
    /// in `share` of 16 rows; in the others it is null, which this writes, or is left out.
    pub(crate) fn is_present(&mut self, name: &str, share: u64) -> bool {
        if !self.odd.gaps {
            return true;
        }
        let drawn = self.rng.next_u64() >> 60;
        if drawn == share {
            self.field(name);
            self.raw("null");
        }
        drawn < share
    }

    /// Optional strings of Navan's own words.
    pub(crate) fn optional_strings(&mut self, share: u64, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            if self.is_present(name, share) {
                self.string(name, value);
            }
        }
    }

    /// Optional texts.
    pub(crate) fn optional_texts(&mut self, share: u64, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            if self.is_present(name, share) {
                self.text(name, value);
            }
        }
    }

    /// Optional texts that someone typed.
    pub(crate) fn optional_notes(&mut self, share: u64, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            if self.is_present(name, share) {
                self.note(name, value);
            }
        }
    }

    /// An optional text that `write` puts together.
    pub(crate) fn optional_composed(&mut self, share: u64, name: &str, write: impl FnOnce(&mut String)) {
        if self.is_present(name, share) {
            self.composed(name, write);
        }
    }

    /// An optional array of texts.
    pub(crate) fn optional_list(&mut self, share: u64, name: &str, values: &[&str]) {
        if self.is_present(name, share) {
            self.list(name, values);
        }
    }

    /// An array of texts.
    pub(crate) fn list(&mut self, name: &str, values: &[&str]) {
        self.field(name);
        self.out.push('[');
        for (nth, value) in values.iter().enumerate() {
            if nth > 0 {
                self.out.push(',');
            }
            self.quoted(value);
        }
        self.out.push(']');
    }

    /// A field with `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.field(name);
        self.raw(if value { "true" } else { "false" });
    }

    /// A field with a time (`ms` since the epoch), as a string.
    pub(crate) fn timestamp(&mut self, name: &str, ms: i64, format: TimestampFormat) {
        self.field(name);
        self.out.push('"');
        push_timestamp(self.out, ms, format);
        self.out.push('"');
    }

    /// A field with the UTC day of a time (`ms` since the epoch), as a string.
    pub(crate) fn date(&mut self, name: &str, ms: i64) {
        self.field(name);
        self.out.push('"');
        push_date(self.out, ms.div_euclid(DAY_MS));
        self.out.push('"');
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, value: impl itoa::Integer) {
        push_integer(self.out, value);
    }

    /// A UUID in quotes.
    pub(crate) fn uuid(&mut self, id: [u64; 2]) {
        self.out.push('"');
        push_uuid(self.out, id);
        self.out.push('"');
    }
}

/// A whole number.
pub(crate) fn push_integer(out: &mut String, value: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Hundredths as an amount: `-1234` is `-12.34`.
pub(crate) fn push_cents(out: &mut String, hundredths: i64) {
    if hundredths < 0 {
        out.push('-');
    }
    let hundredths = hundredths.unsigned_abs();
    push_integer(out, hundredths / 100);
    out.push('.');
    push_two_digits(out, hundredths % 100);
}

/// Millionths as a number: `1500000` is `1.500000`.
pub(crate) fn push_millionths(out: &mut String, millionths: i64) {
    if millionths < 0 {
        out.push('-');
    }
    let millionths = millionths.unsigned_abs();
    push_integer(out, millionths / 1_000_000);
    out.push('.');
    for pair in [millionths / 10_000, millionths / 100, millionths] {
        push_two_digits(out, pair % 100);
    }
}

/// Writes `out[start..]`, which has no escapes yet, with some that JSON allows and nobody needs.
fn escape_needlessly(out: &mut String, start: usize) {
    if out[start..].is_ascii() && !out[start..].contains(['/', '&']) {
        return;
    }
    let text = out.split_off(start);
    let mut units = [0; 2];
    for character in text.chars() {
        match character {
            '/' => out.push_str("\\/"),
            '&' => out.push_str("\\u0026"),
            _ if character.is_ascii() => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut units) {
                    out.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(char::from(HEX_DIGITS[usize::from(*unit >> shift & 15)]));
                    }
                }
            }
        }
    }
}

/// A UUID from 128 bits, marked as version 4.
pub(crate) fn push_uuid(out: &mut String, [high, low]: [u64; 2]) {
    let high = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
    let low = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    let mut text = [b'-'; 36];
    let mut at = 0;
    for half in [high, low] {
        for byte in half.to_be_bytes() {
            if matches!(at, 8 | 13 | 18 | 23) {
                at += 1;
            }
            text[at] = HEX_DIGITS[usize::from(byte >> 4)];
            text[at + 1] = HEX_DIGITS[usize::from(byte & 15)];
            at += 2;
        }
    }
    out.push_str(str::from_utf8(&text).unwrap_or_default());
}

/// The day `days` after 1970-01-01, as `YYYY-MM-DD`.
pub(crate) fn push_date(out: &mut String, days: i64) {
    // Howard Hinnant's civil_from_days, for years 0 to 9999.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (year, month, day) = (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs());
    push_two_digits(out, year / 100 % 100);
    push_two_digits(out, year % 100);
    out.push('-');
    push_two_digits(out, month);
    out.push('-');
    push_two_digits(out, day);
}

/// A time, `ms` after the epoch.
pub(crate) fn push_timestamp(out: &mut String, ms: i64, format: TimestampFormat) {
    push_date(out, ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS).unsigned_abs();
    out.push('T');
    push_two_digits(out, of_day / 3_600_000);
    out.push(':');
    push_two_digits(out, of_day / 60_000 % 60);
    out.push(':');
    push_two_digits(out, of_day / 1_000 % 60);
    if format == TimestampFormat::Millis {
        out.push('.');
        let millis = of_day % 1_000;
        push_two_digits(out, millis / 10);
        push_integer(out, millis % 10);
    }
    if format != TimestampFormat::Local {
        out.push('Z');
    }
}

/// Two digits of a number below 100.
fn push_two_digits(out: &mut String, number: u64) {
    let at = usize::try_from(number % 100).unwrap_or(0) * 2;
    out.push_str(&TWO_DIGITS[at..at + 2]);
}
