//! Writing JSON by hand, straight into the page's body.

use crate::clock::DAY_MS;
use crate::rng::Rng;

const TWO_DIGITS: &str = "00010203040506070809101112131415161718192021222324252627282930313233343536373839\
                          40414243444546474849505152535455565758596061626364656667686970717273747576777879\
                          8081828384858687888990919293949596979899";

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

/// A row being written: where to, and the generator of its values.
///
/// Every object begins with a field that is always there, written by [`Row::begin_object`]; every later field
/// can then write its comma first without asking whether it is the first.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) out: &'a mut String,
    pub(crate) rng: Rng,
    /// Whether some of its numbers exceed a 64-bit float or a DECIMAL(38, 9).
    pub(crate) odd_numbers: bool,
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

    /// A field with a string, whose `value` is already escaped.
    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.field(name);
        self.quoted(value);
    }

    /// A string, already escaped.
    pub(crate) fn quoted(&mut self, value: &str) {
        self.out.push('"');
        self.out.push_str(value);
        self.out.push('"');
    }

    /// Decides whether an optional field has a value (`share` of 16), is null or is left out, and writes it if it is
    /// null. If this is true, the caller writes the field.
    pub(crate) fn is_present(&mut self, name: &str, share: u64) -> bool {
        let drawn = self.rng.next_u64() >> 60;
        if drawn == share {
            self.field(name);
            self.raw("null");
        }
        drawn < share
    }

    /// Optional strings, each picked from its own choices.
    pub(crate) fn optional_strings(&mut self, fields: &[(&str, &[&str])], share: u64) {
        for (name, choices) in fields {
            if self.is_present(name, share) {
                let value = self.rng.choose(choices);
                self.string(name, value);
            }
        }
    }

    /// An array of up to `most` strings.
    pub(crate) fn string_array(&mut self, name: &str, choices: &[&str], most: u64) {
        self.field(name);
        self.out.push('[');
        for nth in 0..self.rng.below(most + 1) {
            if nth > 0 {
                self.out.push(',');
            }
            let value = self.rng.choose(choices);
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

/// Hundredths as an amount: `1234` is `12.34`.
pub(crate) fn push_cents(out: &mut String, hundredths: u64) {
    push_integer(out, hundredths / 100);
    out.push('.');
    push_two_digits(out, hundredths % 100);
}

/// A UUID from 128 bits, marked as version 4.
pub(crate) fn push_uuid(out: &mut String, [high, low]: [u64; 2]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let high = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
    let low = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    let mut text = [b'-'; 36];
    let mut at = 0;
    for half in [high, low] {
        for byte in half.to_be_bytes() {
            if matches!(at, 8 | 13 | 18 | 23) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
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
