//! Where metrics are to go, as it was configured.

use std::path::PathBuf;

use url::Url;

#[cfg(feature = "otlp")]
use super::otlp::OtlpConfig;

/// Where metrics are to go; nowhere by default.
#[derive(Clone, Default)]
pub struct OutletConfig {
    /// A Pushgateway's address, which may hold its password.
    pub pushgateway: Option<Url>,
    /// The address of Slack's or `PagerDuty`'s that alerts go to, which is a secret.
    pub webhook: Option<Url>,
    /// Whose metrics they are, if that is to be told by a name and not by a hash of the account.
    pub tenant: Option<String>,
    /// Of which of the tenant's connections they are.
    pub connection: Option<String>,
    /// A file that `node_exporter` reads, which is nothing that a source configures.
    pub textfile: Option<PathBuf>,
    /// OpenTelemetry's collectors, which its own variables name.
    #[cfg(feature = "otlp")]
    pub otlp: Option<OtlpConfig>,
}

impl OutletConfig {
    /// Whether they are to go anywhere.
    pub fn is_any(&self) -> bool {
        #[cfg(feature = "otlp")]
        if self.otlp.is_some() {
            return true;
        }
        self.pushgateway.is_some() || self.textfile.is_some() || self.webhook.is_some()
    }
}
