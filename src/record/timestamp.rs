//! Dates and times as they stand in rows.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Bytes of `YYYY-MM-DD`.
pub(super) const DATE_LENGTH: usize = 10;

/// A time as Navan writes it; without an offset it counts as UTC.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Some(time) = parse_usual(text.as_bytes()) {
        return Some(time);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
    local.ok().map(|time| time.and_utc())
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ` or the same without a fraction, which is how all rows but a few are written: several times
/// faster than what takes every form.
fn parse_usual(text: &[u8]) -> Option<DateTime<Utc>> {
    let digits = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    };
    let milliseconds = match (text.len(), text.last()) {
        (20, Some(b'Z')) => 0,
        (24, Some(b'Z')) if text[19] == b'.' => digits(20, 23)?,
        _ => return None,
    };
    if [text[4], text[7], text[10], text[13], text[16]] != *b"--T::" {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(digits(0, 4)?).ok()?, digits(5, 7)?, digits(8, 10)?)?;
    Some(date.and_hms_milli_opt(digits(11, 13)?, digits(14, 16)?, digits(17, 19)?, milliseconds)?.and_utc())
}

/// `YYYY-MM-DD` at the start.
fn starts_with_date(text: &[u8]) -> bool {
    let Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]) = text.first_chunk::<DATE_LENGTH>() else { return false };
    [y1, y2, y3, y4, m1, m2, d1, d2].into_iter().all(u8::is_ascii_digit)
}

/// `YYYY-MM-DD` and nothing else.
pub(super) fn is_date(text: &[u8]) -> bool {
    text.len() == DATE_LENGTH && starts_with_date(text)
}

/// A date, `T`, and a time at least to the minute; with an offset or without one, as asked.
pub(super) fn is_date_time(text: &[u8], with_offset: bool) -> bool {
    starts_with_date(text)
        && text.len() >= 16
        && text[10] == b'T'
        && text[11].is_ascii_digit()
        && text[13] == b':'
        && with_offset == (text.ends_with(b"Z") || text[11..].iter().any(|byte| matches!(byte, b'+' | b'-')))
}

/// A date with a time behind it.
pub(super) fn is_longer_than_a_date(text: &[u8]) -> bool {
    text.len() > DATE_LENGTH && starts_with_date(text) && matches!(text[DATE_LENGTH], b'T' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_offset() {
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.000Z",
            "2026-01-02T03:04:05",
            "2026-01-02T04:04:05+01:00",
            "2026-01-02T03:04:05.000",
        ] {
            assert_eq!(parse(text).unwrap().timestamp(), 1_767_323_045, "{text}");
        }
        assert_eq!(parse("2026-01-02T03:04:05.678Z").unwrap().timestamp_millis(), 1_767_323_045_678);
        for text in ["soon", "2026-02-31T00:00:00Z", "2026-01-02T03:04:0xZ"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
