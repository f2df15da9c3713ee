//! What a token says itself of whose it is, if it is one that can be read (a JWT). Nothing depends on that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

/// The claims under which a company may stand, the one for people first.
const COMPANY: [&str; 6] = ["company_name", "companyName", "company_uuid", "companyUuid", "company_id", "companyId"];

/// A name or number is not longer.
const MAX_LENGTH: usize = 100;

/// The company that a token names.
pub(super) fn company(token: &str) -> Option<String> {
    let mut parts = token.split('.').skip(1);
    let (Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next()) else { return None };
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    COMPANY.iter().find_map(|name| short_text(&claims[*name]))
}

/// A name or number, of one short line.
pub(super) fn short_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_short = !text.is_empty() && text.len() <= MAX_LENGTH && !text.chars().any(char::is_control);
    is_short.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_token_that_can_be_read_tells_its_company() {
        assert_eq!(
            company(&token(r#"{"companyId":4711,"company_name":" Example Ltd "}"#)).as_deref(),
            Some("Example Ltd")
        );
        assert_eq!(company(&token(r#"{"companyId":4711}"#)).as_deref(), Some("4711"));
    }

    #[test]
    fn of_any_other_nothing_is_known() {
        for token in ["", "a-token", "a.b.c", "a.b", &token(r#"{"sub":"somebody"}"#), &token("[]")] {
            assert_eq!(company(token), None, "{token}");
        }
    }
}
