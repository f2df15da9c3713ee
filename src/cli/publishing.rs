//! The metrics and spans of a read on their way out, while it goes on and when it has ended.

use std::convert::Infallible;
use std::future::pending;

use crate::api::Apis;
use crate::config::Config;
use crate::config::environment::METRICS_TEXTFILE;
use crate::error::Error;
use crate::gateway::Timings;
#[cfg(feature = "otlp")]
use crate::monitor::OtlpConfig;
use crate::monitor::{Monitor, OutletConfig};
#[cfg(feature = "metrics")]
use crate::{gateway, monitor::Outlet};
#[cfg(feature = "metrics")]
use std::rc::Rc;

/// What is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// For a connection.
    Sync,
    /// For files, by a person or a program of theirs.
    #[cfg(feature = "export")]
    Export,
}

#[cfg(feature = "otlp")]
impl Kind {
    /// What its trace is called.
    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            #[cfg(feature = "export")]
            Self::Export => "export",
        }
    }
}

/// What publishes them, if they are to go anywhere.
pub(super) struct Publishing {
    #[cfg(feature = "metrics")]
    outlet: Option<Rc<Outlet>>,
}

impl Publishing {
    /// Has `monitor` count for whatever is configured.
    ///
    /// # Errors
    /// If this build has no metrics, or cannot connect to anything.
    #[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
    pub(super) fn start(config: &Config, timings: &Timings, monitor: &Monitor, kind: Kind) -> Result<Self, Error> {
        // Only who runs the connector may name it: whoever edits a source must not say which files are written. OpenTelemetry's variables are
        // for the same people.
        let textfile = std::env::var_os(METRICS_TEXTFILE).filter(|path| !path.is_empty()).map(Into::into);
        let mut outlets = OutletConfig { textfile, ..config.monitoring.clone() };
        #[cfg(feature = "otlp")]
        {
            outlets.otlp = OtlpConfig::from_variables(kind.name(), |name| std::env::var(name).ok());
        }
        #[cfg(feature = "export")]
        if kind == Kind::Export {
            // It brings a connection's tables nothing, and must not pass for its last run.
            let of = outlets.connection.map(|name| format!("{name}-")).unwrap_or_default();
            outlets.connection = Some(of + "export");
        }
        #[cfg(feature = "metrics")]
        {
            let outlet = Outlet::new(&outlets, &config.account(), || gateway::plain_client(timings))?.map(Rc::new);
            if let Some(outlet) = &outlet {
                monitor.count_for(outlet);
            }
            Ok(Self { outlet })
        }
        #[cfg(not(feature = "metrics"))]
        if outlets.is_any() {
            Err(Error::config("This build has no metrics: leave out `monitoring`."))
        } else {
            Ok(Self {})
        }
    }

    /// Publishes again and again.
    #[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
    pub(super) async fn go_on(&self, apis: &Apis<'_>) -> Infallible {
        #[cfg(feature = "metrics")]
        if let Some(outlet) = &self.outlet {
            // 30 seconds, unless a build for development scales time.
            let every = apis.navan.timings().log_interval / 2;
            return outlet.keep_publishing(every, || apis.navan.limit_use()).await;
        }
        pending().await
    }

    /// Publishes what the read came to, and tells of what `monitor` has to alert of.
    #[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
    pub(super) async fn finish(&self, apis: &Apis<'_>, monitor: &Monitor, is_complete: bool) {
        #[cfg(feature = "metrics")]
        if let Some(outlet) = &self.outlet {
            let (observed, share_used) = apis.navan.limit_use();
            outlet.finish((observed, share_used), is_complete, &monitor.alerts(share_used)).await;
        }
    }
}
