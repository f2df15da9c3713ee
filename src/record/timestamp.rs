//! Dates and times as they stand in rows, in whichever of their usual forms, and as they are written.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::schema::StringFormat;

/// Bytes of `YYYY-MM-DD`.
const DATE_LENGTH: usize = 10;

/// Bytes of `YYYY-MM-DDTHH:MM:SS`.
const SECONDS_LENGTH: usize = 19;

/// Digits of a fraction, at least, so that all times of a column have one precision.
const FRACTION_DIGITS: usize = 3;

/// Seconds since 1970 from which a bare number is taken for a time (1973): smaller ones mean something else.
const MIN_EPOCH_SECONDS: u64 = 100_000_000;

/// From here on a bare number counts milliseconds (1973), as seconds it would be in the year 5138.
const MIN_EPOCH_MILLISECONDS: u64 = 100_000_000_000;

/// Beyond this (year 2286) it is no time either.
const END_OF_EPOCH_MILLISECONDS: u64 = 10_000_000_000_000;

/// Years in which digits without a break between date and time are taken for both.
const YEARS_OF_DIGITS: std::ops::Range<i32> = 1900..2200;

/// What a text becomes in a column of dates or times.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Formatted {
    /// It is as promised.
    AsItIs,
    /// It lacks milliseconds, which belong at this place.
    LacksMilliseconds(usize),
    /// The same time in the promised form; whether only its precision is another.
    Rewritten { text: String, only_precision: bool },
    /// It is no time.
    NotATime,
}

/// A time as a text has it.
struct TimeParts<'a> {
    /// To the second.
    local: NaiveDateTime,
    /// Digits behind the second.
    fraction: &'a str,
    /// Minutes east of UTC, if the text says.
    offset: Option<i64>,
}

/// A time in any of its usual forms; without an offset it counts as UTC.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    parse_zoned(text.as_bytes()).map(|(time, _)| time)
}

/// The same of a text that may be no UTF-8, and whether the text says where that is: without an offset it may be UTC or not.
pub(super) fn parse_zoned(text: &[u8]) -> Option<(DateTime<Utc>, bool)> {
    if let Some(time) = parse_usual(text) {
        return Some((time, true));
    }
    let parts = parse_any(str::from_utf8(text).ok()?)?;
    Some((parts.instant()?, parts.offset.is_some()))
}

/// The text of a date or time column, in the column's form.
pub(super) fn in_format(text: &[u8], format: StringFormat) -> Formatted {
    match format {
        StringFormat::Any => return Formatted::AsItIs,
        StringFormat::Date if text.len() == DATE_LENGTH && has_date(text) => return Formatted::AsItIs,
        StringFormat::Date => {}
        StringFormat::DateTime | StringFormat::LocalDateTime => {
            let clock = if format == StringFormat::DateTime { text.strip_suffix(b"Z") } else { Some(text) };
            match clock {
                Some(clock) if clock.len() == SECONDS_LENGTH && has_seconds(clock) => {
                    return Formatted::LacksMilliseconds(SECONDS_LENGTH);
                }
                Some(clock) if clock.len() == SECONDS_LENGTH + 4 && has_milliseconds(clock) => {
                    return Formatted::AsItIs;
                }
                _ => {}
            }
        }
    }
    let Ok(text) = str::from_utf8(text) else { return Formatted::NotATime };
    match parse_any(text) {
        Some(parts) => parts.formatted(text, format),
        None => Formatted::NotATime,
    }
}

/// A bare number in a column of dates or times: seconds or milliseconds since 1970, or a date's digits.
pub(super) fn epoch_in_format(number: &[u8], format: StringFormat) -> Option<String> {
    parse_digits(str::from_utf8(number).ok()?).map(|parts| parts.to_text(format))
}

/// The time that a bare number tells.
pub(super) fn parse_number(number: &[u8]) -> Option<DateTime<Utc>> {
    parse_digits(str::from_utf8(number).ok()?)?.instant()
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ` or the same without a fraction, which is how all rows but a few are written: several times
/// faster than what takes every form.
fn parse_usual(text: &[u8]) -> Option<DateTime<Utc>> {
    let clock = text.strip_suffix(b"Z")?;
    let milliseconds = match clock.len() {
        SECONDS_LENGTH if has_seconds(clock) => 0,
        23 if has_milliseconds(clock) => digits(&clock[20..]),
        _ => return None,
    };
    let date =
        NaiveDate::from_ymd_opt(i32::try_from(digits(&clock[..4])).ok()?, digits(&clock[5..7]), digits(&clock[8..10]))?;
    let (hour, minute, second) = (digits(&clock[11..13]), digits(&clock[14..16]), digits(&clock[17..19]));
    Some(date.and_hms_milli_opt(hour, minute, second, milliseconds)?.and_utc())
}

fn digits(text: &[u8]) -> u32 {
    text.iter().fold(0, |number, byte| number * 10 + u32::from(byte - b'0'))
}

/// Whether all are, which they are as a rule: so that is decided once, and not at each.
fn are_digits<const N: usize>(bytes: [&u8; N]) -> bool {
    bytes.iter().fold(true, |all, byte| all & byte.is_ascii_digit())
}

/// `YYYY-MM-DD` at the start, and a day that there is.
fn has_date(text: &[u8]) -> bool {
    let Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]) = text.first_chunk::<DATE_LENGTH>() else { return false };
    if !are_digits([y1, y2, y3, y4, m1, m2, d1, d2]) {
        return false;
    }
    let (year, month, day) = (digits(&text[..4]), digits(&text[5..7]), digits(&text[8..10]));
    let is_certain = year > 0 && (1..=12).contains(&month) && (1..=28).contains(&day);
    is_certain || is_day(year, month, day)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    year > 0 && i32::try_from(year).is_ok_and(|year| NaiveDate::from_ymd_opt(year, month, day).is_some())
}

/// A date, `T`, and a time to the second.
fn has_seconds(text: &[u8]) -> bool {
    let Some([b'T', h1, h2, b':', m1, m2, b':', s1, s2]) = text.get(DATE_LENGTH..SECONDS_LENGTH) else { return false };
    are_digits([h1, h2, m1, m2, s1, s2]) && (*h1, *h2) < (b'2', b'4') && *m1 < b'6' && *s1 < b'6' && has_date(text)
}

/// The same, and `.mmm`.
fn has_milliseconds(text: &[u8]) -> bool {
    matches!(&text[SECONDS_LENGTH..], [b'.', m1, m2, m3] if are_digits([m1, m2, m3])) && has_seconds(text)
}

/// A text that is read from left to right.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn eat(&mut self, character: char) -> bool {
        let rest = self.0.strip_prefix(character);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// All digits that come next.
    fn digits(&mut self) -> &'a str {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    /// So many digits, as a number.
    fn number(&mut self, length: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(length)?;
        if !head.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        head.parse().ok()
    }

    /// `YYYY-MM-DD` or `YYYYMMDD`.
    fn date(&mut self) -> Option<NaiveDate> {
        let year = self.number(4)?;
        let has_dashes = self.eat('-');
        let month = self.number(2)?;
        if has_dashes && !self.eat('-') {
            return None;
        }
        let day = self.number(2)?;
        is_day(year, month, day).then(|| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day))?
    }

    /// `HH:MM`, `HH:MM:SS`, or the same without colons.
    fn clock(&mut self) -> Option<NaiveTime> {
        let hour = self.number(2)?;
        let has_colons = self.eat(':');
        let minute = self.number(2)?;
        let has_seconds =
            if has_colons { self.eat(':') } else { self.0.starts_with(|next: char| next.is_ascii_digit()) };
        let second = if has_seconds { self.number(2)? } else { 0 };
        NaiveTime::from_hms_opt(hour, minute, second)
    }

    /// The digits behind a point or comma; none if neither comes.
    fn fraction(&mut self) -> Option<&'a str> {
        if !self.eat('.') && !self.eat(',') {
            return Some("");
        }
        let digits = self.digits();
        (!digits.is_empty()).then_some(digits)
    }
}

/// `Z`, `UTC`, `GMT`, `+HH`, `+HHMM` or `+HH:MM`, in minutes.
fn parse_offset(text: &str) -> Option<i64> {
    if ["z", "utc", "gmt"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, Reader(rest)),
        ("-", rest) => (-1, Reader(rest)),
        _ => return None,
    };
    let hours = rest.number(2)?;
    rest.eat(':');
    let minutes = if rest.0.is_empty() { 0 } else { rest.number(2)? };
    let is_offset = rest.0.is_empty() && hours < 24 && minutes < 60;
    is_offset.then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

fn parse_any(text: &str) -> Option<TimeParts<'_>> {
    parse_parts(text).or_else(|| parse_epoch(text))
}

/// Of digits alone.
fn parse_digits(text: &str) -> Option<TimeParts<'_>> {
    let is_date = |parts: &TimeParts<'_>| YEARS_OF_DIGITS.contains(&parts.local.year());
    parse_parts(text).filter(is_date).or_else(|| parse_epoch(text))
}

/// ISO 8601 in its usual forms. A date alone is its midnight.
fn parse_parts(text: &str) -> Option<TimeParts<'_>> {
    let mut reader = Reader(text.trim_ascii());
    let date = reader.date()?;
    if reader.0.is_empty() {
        return Some(TimeParts { local: date.and_time(NaiveTime::MIN), fraction: "", offset: None });
    }
    if !reader.eat('T') && !reader.eat('t') {
        let rest = reader.0.trim_start();
        let is_all_digits = YEARS_OF_DIGITS.contains(&date.year()) && has_only_digits(text.trim_ascii());
        if rest.len() == reader.0.len() && !is_all_digits {
            return None;
        }
        reader.0 = rest;
    }
    let local = date.and_time(reader.clock()?);
    let fraction = reader.fraction()?;
    let offset = match reader.0.trim_start() {
        "" => None,
        text => Some(parse_offset(text)?),
    };
    Some(TimeParts { local, fraction, offset })
}

/// `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`.
fn has_only_digits(text: &str) -> bool {
    matches!(text.len(), 12 | 14) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds since 1970, with a fraction perhaps, or milliseconds.
fn parse_epoch(text: &str) -> Option<TimeParts<'_>> {
    let mut reader = Reader(text.trim_ascii());
    let whole = reader.digits();
    let number: u64 = whole.parse().ok()?;
    let (seconds, fraction) = match number {
        MIN_EPOCH_SECONDS..MIN_EPOCH_MILLISECONDS => (number, reader.fraction()?),
        MIN_EPOCH_MILLISECONDS..END_OF_EPOCH_MILLISECONDS => (number / 1_000, &whole[whole.len() - FRACTION_DIGITS..]),
        _ => return None,
    };
    let local = DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?.naive_utc();
    reader.0.is_empty().then_some(TimeParts { local, fraction, offset: Some(0) })
}

impl TimeParts<'_> {
    fn instant(&self) -> Option<DateTime<Utc>> {
        let nanoseconds: i64 = format!("{:0<9}", self.fraction).get(..9)?.parse().ok()?;
        let offset = Duration::minutes(self.offset.unwrap_or_default());
        let time = self.local.checked_sub_signed(offset)?.checked_add_signed(Duration::nanoseconds(nanoseconds))?;
        Some(time.and_utc())
    }

    fn to_text(&self, format: StringFormat) -> String {
        if format == StringFormat::Date {
            return self.local.format("%Y-%m-%d").to_string();
        }
        let clock = self.local.format("%Y-%m-%dT%H:%M:%S");
        let offset = match self.offset {
            _ if format == StringFormat::LocalDateTime => String::new(),
            None | Some(0) => "Z".to_owned(),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        };
        format!("{clock}.{:0<FRACTION_DIGITS$}{offset}", self.fraction)
    }

    fn formatted(&self, before: &str, format: StringFormat) -> Formatted {
        let text = self.to_text(format);
        if text == before {
            return Formatted::AsItIs;
        }
        let only_precision = format != StringFormat::Date && to_the_second(before) == to_the_second(&text);
        Formatted::Rewritten { text, only_precision }
    }
}

/// A time and its offset, without the fraction between them.
fn to_the_second(text: &str) -> Option<(&str, &str)> {
    let (clock, rest) = text.split_at_checked(SECONDS_LENGTH)?;
    let offset =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|next: char| next.is_ascii_digit()));
    Some((clock, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, format: StringFormat) -> Option<String> {
        match in_format(text.as_bytes(), format) {
            Formatted::AsItIs => Some(text.to_owned()),
            Formatted::LacksMilliseconds(at) => Some(format!("{}.000{}", &text[..at], &text[at..])),
            Formatted::Rewritten { text, .. } => Some(text),
            Formatted::NotATime => None,
        }
    }

    #[test]
    fn a_time_is_read_in_each_of_its_usual_forms() {
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.000Z",
            "2026-01-02T03:04:05",
            "2026-01-02T04:04:05+01:00",
            "2026-01-02T03:04:05.000+0000",
            "2026-01-02T03:04:05+00",
            "2026-01-02 03:04:05 UTC",
            "2026-01-02t02:34:05-0030",
            "20260102T030405Z",
            " 2026-01-02T03:04:05z ",
        ] {
            assert_eq!(parse(text).unwrap().timestamp(), 1_767_323_045, "{text}");
        }
        assert_eq!(parse("2026-01-02T03:04:05.678Z").unwrap().timestamp_millis(), 1_767_323_045_678);
        assert_eq!(parse("2026-01-02T03:04:05,6789012345Z").unwrap().timestamp_subsec_nanos(), 678_901_234);
        assert_eq!(parse("2026-01-02").unwrap().timestamp(), 1_767_312_000);
        for text in ["soon", "", "2026-02-31T00:00:00Z", "2026-01-02T03:04:0xZ", "2026-01-02T03:04:05.Z", "2026-01-02T"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_time_is_written_as_rfc_3339_in_milliseconds() {
        for (text, expected) in [
            ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100Z"),
            ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"),
            ("2026-01-02T03:04:05.000+0000", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02 03:04:05+02", "2026-01-02T03:04:05.000+02:00"),
            ("2026-01-02T03:04-0930", "2026-01-02T03:04:00.000-09:30"),
            ("2026-01-02", "2026-01-02T00:00:00.000Z"),
            ("1763805600000", "2025-11-22T10:00:00.000Z"),
            ("1763805600.5", "2025-11-22T10:00:00.500Z"),
        ] {
            assert_eq!(written(text, StringFormat::DateTime).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_local_time_has_no_offset_and_a_date_no_time() {
        assert_eq!(written("2026-01-02T23:04:05", StringFormat::LocalDateTime).unwrap(), "2026-01-02T23:04:05.000");
        assert_eq!(
            written("2026-01-02T23:04:05+02:00", StringFormat::LocalDateTime).unwrap(),
            "2026-01-02T23:04:05.000"
        );
        assert_eq!(written("2026-01-02T23:04:05-09:00", StringFormat::Date).unwrap(), "2026-01-02");
        assert_eq!(written("20260102", StringFormat::Date).unwrap(), "2026-01-02");
        assert_eq!(epoch_in_format(b"1763805600000", StringFormat::Date).unwrap(), "2025-11-22");
    }

    #[test]
    fn what_is_no_time_stays_none() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "0000-01-01",
            "2026-1-2",
            "2016-12-31T23:59:60Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05 Europe/Paris",
            "1",
            "20261301",
            "99999999999999999999",
            "-1763805600",
            "N/A",
        ] {
            for format in [StringFormat::Date, StringFormat::DateTime, StringFormat::LocalDateTime] {
                assert_eq!(written(text, format), None, "{text}");
            }
        }
    }

    #[test]
    fn a_change_of_precision_is_told_from_one_of_form() {
        let only_precision = |text: &str| match in_format(text.as_bytes(), StringFormat::DateTime) {
            Formatted::Rewritten { only_precision, .. } => only_precision,
            other => panic!("{text}: {other:?}"),
        };
        assert!(only_precision("2026-01-02T03:04:05.1Z"));
        assert!(only_precision("2026-01-02T03:04:05+01:00"));
        assert!(!only_precision("2026-01-02T03:04:05+0100"));
        assert!(!only_precision("2026-01-02 03:04:05Z"));
        assert!(!only_precision("2026-01-02T03:04:05"));
    }
}
