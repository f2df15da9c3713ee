//! Times in states, and the days that they stand for.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, SecondsFormat, SubsecRound as _, Utc};
use serde_json::Value;

use crate::error::Error;
use crate::protocol::kind_in_words;
use crate::record::timestamp::parse;

/// A time as states hold it.
pub(in crate::sync) fn to_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Without its fraction.
pub(in crate::sync) fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
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
                "The state of {stream} cannot be used: `{field}` is {}, not a time such as 2026-01-31T00:00:00Z. Give the state that an earlier read wrote, or none.",
                kind_in_words(value)
            ))),
        },
    }
}

/// The first day whose changes can still be read: the first of the month two months back
/// (docs/navan-api.md#expense-retention).
pub(in crate::sync) fn retention_start(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let first_of_month = today.with_day(1).unwrap_or(today);
    first_of_month - Months::new(2)
}

/// The start of a day.
pub(in crate::sync) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retention_starts_on_the_first_of_the_month_two_months_back() {
        let start = |text| retention_start(parse(text).unwrap()).to_string();
        assert_eq!(start("2026-11-22T10:00:00Z"), "2026-09-01");
        assert_eq!(start("2026-11-30T23:59:59Z"), "2026-09-01");
        assert_eq!(start("2026-12-01T00:00:00Z"), "2026-10-01");
        assert_eq!(start("2027-01-31T00:00:00Z"), "2026-11-01");
    }
}
