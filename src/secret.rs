//! Text that must not be seen: the credential and the tokens.

use zeroize::Zeroizing;

/// A secret text. It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log by accident, and its memory
/// is wiped when it is dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over, without a copy.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Another holder of the same text.
    pub fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
