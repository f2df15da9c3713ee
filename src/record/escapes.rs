//! The inside of a string, as it is meant.

use std::borrow::Cow;

/// The inside of a string without its escapes.
pub(super) fn unescaped(inside: &[u8]) -> Cow<'_, [u8]> {
    if !inside.contains(&b'\\') {
        return Cow::Borrowed(inside);
    }
    let quoted = [b"\"", inside, b"\""].concat();
    // Half a surrogate pair has no character; it makes no difference to what is asked of these texts.
    serde_json::from_slice::<String>(&quoted).map_or(Cow::Borrowed(inside), |text| Cow::Owned(text.into_bytes()))
}
