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
    for secret in secrets.iter().map(|secret| secret.expose()).filter(|secret| secret.len() >= MIN_SECRET) {
        text = text.replace(secret, REMOVED);
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

fn shown_word(word: &str) -> String {
    let is_address = word.contains('@');
    let is_token = word.len() >= MIN_TOKEN && word.bytes().any(|byte| byte.is_ascii_digit());
    if is_address || is_token { REMOVED.to_owned() } else { word.to_owned() }
}

/// What stands in double quotes may be a value; a name has neither blanks nor digits.
fn without_quotations(text: &str) -> String {
    let is_value = |part: &str| part.chars().any(|c| c.is_whitespace() || c.is_ascii_digit());
    let parts = text.split('"').enumerate();
    let shown = parts.map(|(number, part)| if number % 2 == 1 && is_value(part) { REMOVED } else { part });
    shown.collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_looks_like_one_are_taken_out() {
        let secrets =
            [Secret::new("my client".to_owned()), Secret::new("s3cr".to_owned()), Secret::new("no".to_owned())];
        let secrets: Vec<_> = secrets.iter().collect();
        for (text, shown) in [
            ("No client with requested id: my client", "No client with requested id: (removed)"),
            ("xs3crx is not right, no", "x(removed)x is not right, no"),
            ("token 3f1c9a52-7d0e-4b86-9a41-0c5d2e8f7b63 ended", "token (removed) ended"),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "Bearer (removed)"),
            ("user ada@example.com is unknown", "user (removed) is unknown"),
            ("bad row {\"id\":\"t-1\",\"amount\":\"3.30\"}", "bad row …"),
            ("<html>secret</html>", "…"),
            ("\"Dinner with Ada\" is no \"number\"", "\"(removed)\" is no \"number\""),
            ("The cursor is no longer valid.", "The cursor is no longer valid."),
            ("INVALID_CURSOR", "INVALID_CURSOR"),
        ] {
            assert_eq!(redact(text, &secrets), shown, "{text}");
        }
    }
}
