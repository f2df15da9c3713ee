//! Whose a host is, and what may be told of it.

use url::Url;

use crate::config::is_near;

/// The domain below which Navan's hosts are.
const NAVANS: &str = ".navan.com";

/// Whether it is one of Navan's.
pub(super) fn is_navans(url: &Url) -> bool {
    url.domain().is_some_and(|host| host.ends_with(NAVANS))
}

/// Whether it is this machine, or in a private network.
pub(super) fn is_own(url: &Url) -> bool {
    url.host().is_some_and(|host| is_near(&host))
}

/// Its name.
pub(super) fn name(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// What anybody may know of it.
pub(super) fn masked(url: &Url) -> &str {
    if is_navans(url) { name(url) } else { "(own host)" }
}
