//! Navan's own words, fit to be shown: without this run's secrets, and without anything that looks like one or like a row.

use crate::secret::Secret;

/// What stands in the place of what was taken out.
const REMOVED: &str = "(removed)";

/// So much of a text is looked at; more is never shown.
const MAX_LENGTH: usize = 4_000;

/// A shorter secret is none, and would take half of every sentence with it.
const MIN_SECRET: usize = 4;

/// From here on a word with a digit in it may be an identifier or a token.
const MIN_TOKEN: usize = 16;

/// The text without what must not be seen.
pub(super) fn redact(text: &str, secrets: &[&Secret]) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).take(MAX_LENGTH).collect();
    let mut secrets: Vec<_> =
        secrets.iter().map(|secret| secret.expose()).filter(|secret| secret.len() >= MIN_SECRET).collect();
    // One may hold another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        text = without(&text, secret);
    }
    // From where data begins, be it JSON or a page, it may be a row.
    let words = text.split(['{', '[', '<']).next().unwrap_or_default();
    let is_cut = words.len() < text.len();
    let mut shown: Vec<_> = without_quotations(words).split_whitespace().map(shown_word).collect();
    if is_cut {
        shown.push("…".to_owned());
    }
    shown.join(" ")
}

/// The text without the secret, in whichever case of letters it stands there.
fn without(text: &str, secret: &str) -> String {
    let (lower, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let (mut shown, mut from) = (String::new(), 0);
    for (at, _) in lower.match_indices(&secret) {
        shown += &text[from..at];
        shown += REMOVED;
        from = at + secret.len();
    }
    shown + &text[from..]
}

fn shown_word(word: &str) -> String {
    let is_address = word.contains('@');
    let is_token = word.len() >= MIN_TOKEN && word.bytes().any(|byte| byte.is_ascii_digit());
    if is_address || is_token { REMOVED.to_owned() } else { word.to_owned() }
}

/// What stands in quotes may be a value, unless it is written as names of parameters and codes are.
fn without_quotations(text: &str) -> String {
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(start) = opening_quote(rest) {
        let quote = &rest[start..=start];
        let Some(length) = rest[start + 1..].find(quote) else { break };
        let (before, quoted) = (&rest[..=start], &rest[start + 1..start + 1 + length]);
        shown += before;
        shown += if is_name(quoted) { quoted } else { REMOVED };
        shown += quote;
        rest = &rest[start + length + 2..];
    }
    shown + rest
}

/// Where the next quotation begins: an apostrophe within a word begins none.
fn opening_quote(text: &str) -> Option<usize> {
    let begins = |at: usize| !text[..at].ends_with(|before: char| before.is_alphanumeric());
    text.match_indices(['"', '\'']).map(|(at, _)| at).find(|at| text[*at..].starts_with('"') || begins(*at))
}

/// `snake_case`, `date_modified.from`, `UPPER_CASE`.
fn is_name(text: &str) -> bool {
    let is_of = |allowed: fn(&char) -> bool| text.chars().all(|c| allowed(&c) || matches!(c, '_' | '.'));
    let is_compound = text.contains('_');
    is_compound && is_of(char::is_ascii_lowercase) || is_of(char::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_looks_like_one_are_taken_out() {
        let secrets = [
            Secret::new("my client".to_owned()),
            Secret::new("s3cr".to_owned()),
            Secret::new("no".to_owned()),
            Secret::new("my client secret".to_owned()),
        ];
        let secrets: Vec<_> = secrets.iter().collect();
        for (text, shown) in [
            ("No client with requested id: my client", "No client with requested id: (removed)"),
            ("xs3crx is not right, no", "x(removed)x is not right, no"),
            ("token 3f1c9a52-7d0e-4b86-9a41-0c5d2e8f7b63 ended", "token (removed) ended"),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "Bearer (removed)"),
            ("user ada@example.com is unknown", "user (removed) is unknown"),
            ("bad row {\"id\":\"t-1\",\"amount\":\"3.30\"}", "bad row …"),
            ("<html>secret</html>", "…"),
            ("\"Dinner with Ada\" is no \"page_size\"", "\"(removed)\" is no \"page_size\""),
            ("Invalid value 'Dinner with Ada' for 'description'", "Invalid value '(removed)' for '(removed)'"),
            ("\"Starbucks\" isn't a merchant's 'NAME'", "\"(removed)\" isn't a merchant's 'NAME'"),
            ("an \"open end", "an \"open end"),
            ("my client secret, my client", "(removed), (removed)"),
            ("The cursor is no longer valid.", "The cursor is no longer valid."),
            ("INVALID_CURSOR", "INVALID_CURSOR"),
        ] {
            assert_eq!(redact(text, &secrets), shown, "{text}");
        }
    }
}
