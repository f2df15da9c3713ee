//! Where in Navan an admin has to go.

/// The page of Navan's where an admin finds the integrations.
pub const INTEGRATIONS_PAGE: &str = "Admin > Travel admin > Settings > Integrations";

/// The page of Navan's where credentials are made.
pub fn credentials_page() -> String {
    format!("{INTEGRATIONS_PAGE} > Navan API credentials")
}
