//! Times in rows and states.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveDateTime, SubsecRound as _, Utc};
use serde_json::Value;

use crate::error::Error;

/// A time as Navan writes it; without an offset it counts as UTC.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
    local.ok().map(|time| time.and_utc())
}

/// Without its fraction.
pub(super) fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(0)
}

/// The time under `field` of a stream's state, if the state has it.
///
/// # Errors
/// A `config_error` if it has, but it is not a time.
pub(super) fn in_state(stream: &str, state: &Value, field: &str) -> Result<Option<DateTime<Utc>>, Error> {
    match state.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(parse) {
            Some(time) => Ok(Some(time)),
            None => Err(Error::config(format!(
                "The state of {stream} cannot be used: `{field}` is {value}, not a time such as 2026-01-31T00:00:00Z. Give the state that an earlier read wrote, or none."
            ))),
        },
    }
}

/// The first day whose changes can still be read: the first of the month two months back
/// (docs/navan-api.md#expense-floor).
pub(super) fn floor(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let first_of_month = today.with_day(1).unwrap_or(today);
    first_of_month - Months::new(2)
}

/// The start of a day.
pub(super) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_first_of_the_month_two_months_back() {
        let floor = |text| floor(parse(text).unwrap()).to_string();
        assert_eq!(floor("2026-11-22T10:00:00Z"), "2026-09-01");
        assert_eq!(floor("2026-11-30T23:59:59Z"), "2026-09-01");
        assert_eq!(floor("2026-12-01T00:00:00Z"), "2026-10-01");
        assert_eq!(floor("2027-01-31T00:00:00Z"), "2026-11-01");
    }

    #[test]
    fn times_are_read_with_and_without_offset() {
        for text in
            ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05.000"]
        {
            assert_eq!(parse(text).unwrap().timestamp(), 1_767_323_045, "{text}");
        }
        assert_eq!(parse("soon"), None);
    }
}
