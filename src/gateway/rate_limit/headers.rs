//! What an answer's headers say about the limit. Navan publishes none, and its headers come and go, so everything here
//! is optional, and what cannot be read counts as not sent.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::clock;

/// Above this, an `X-RateLimit-Reset` is a time (epoch seconds) and not a duration (seconds).
const MIN_EPOCH: f64 = 1e9;

/// An answer's `X-RateLimit-*`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::gateway) struct RateLimitHeaders {
    /// Requests left until the reset.
    pub(in crate::gateway) remaining: f64,
    /// Requests that a whole window allows, if told.
    pub(in crate::gateway) limit: Option<f64>,
    /// Time to the reset.
    pub(in crate::gateway) reset_in: Duration,
}

/// The server's `Date`.
pub(in crate::gateway) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// How long the server asks to wait, in seconds or until a date (read against the server's own clock). `None` for one
/// that is absent, in the past, zero, or unreadable.
pub(in crate::gateway) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => (http_date(text)? - date(headers).unwrap_or_else(clock::now)).to_std().ok()?,
    };
    (!wait.is_zero()).then_some(wait)
}

/// The `X-RateLimit-*` headers, if both that are needed are there and readable.
pub(in crate::gateway) fn rate_limit(headers: &HeaderMap) -> Option<RateLimitHeaders> {
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    // Less than nothing is what some servers say where there is no limit.
    let remaining = number("x-ratelimit-remaining").filter(|remaining| *remaining >= 0.0)?;
    let reset: f64 = number("x-ratelimit-reset")?;
    let limit = number("x-ratelimit-limit").filter(|limit| *limit >= 1.0);
    let seconds = if reset < MIN_EPOCH {
        reset
    } else {
        #[allow(clippy::cast_precision_loss)] // epoch seconds are far below 2^53
        let now = date(headers).unwrap_or_else(clock::now).timestamp() as f64;
        reset - now
    };
    let reset_in = Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero())?;
    Some(RateLimitHeaders { remaining, limit, reset_in })
}

/// Which headers speak of a limit, whatever they are called, each with its value where that is a number or a date.
pub(in crate::gateway) fn about_limit(headers: &HeaderMap) -> BTreeMap<String, String> {
    let is_about = |name: &str| name == RETRY_AFTER.as_str() || name.replace('-', "").contains("ratelimit");
    let told = headers.iter().filter(|(name, _)| is_about(name.as_str())).map(|(name, value)| {
        let value = value.to_str().unwrap_or_default().trim();
        let is_harmless = value.parse::<f64>().is_ok() || http_date(value).is_some();
        (name.as_str().to_owned(), if is_harmless { value } else { "(another form)" }.to_owned())
    });
    told.collect()
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(text).ok().map(DateTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let after = |value| retry_after(&headers(&[date, ("retry-after", value)]));
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("1.5"), Some(Duration::from_millis(1_500)));
        assert_eq!(after("Sun, 22 Nov 2026 10:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(after("Sun, 22 Nov 2026 09:59:30 GMT"), None, "in the past");
        assert_eq!(after("Fri, 22 Nov 2126 10:00:00 GMT").map(|d| d.as_secs() / 86_400), Some(36_524), "absurdly far");
        for garbage in ["soon", "-1", "0", "NaN", "inf", ""] {
            assert_eq!(after(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn headers_about_a_limit_are_found_by_their_names() {
        let headers = headers(&[
            ("retry-after", "7"),
            ("x-ratelimit-remaining", "12"),
            ("x-rate-limit-policy", "tenant 4711"),
            ("content-length", "3"),
        ]);
        let told: Vec<_> = about_limit(&headers).into_iter().collect();
        let told: Vec<_> = told.iter().map(|(name, value)| (&**name, &**value)).collect();
        let expected =
            [("retry-after", "7"), ("x-rate-limit-policy", "(another form)"), ("x-ratelimit-remaining", "12")];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_reset_is_read_as_a_duration_and_as_a_time() {
        let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let read =
            |reset: &str| rate_limit(&headers(&[date, ("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", reset)]));
        let expected = Some(RateLimitHeaders { remaining: 12.0, limit: None, reset_in: Duration::from_secs(30) });
        assert_eq!(read("30"), expected);
        assert_eq!(read("1795341630"), expected);
        assert_eq!(read("1795341600"), None, "no time left");
        assert_eq!(read("x"), None);
        let none_left = headers(&[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "30")]);
        assert_eq!(rate_limit(&none_left), None, "less than nothing is no limit");
    }
}
