//! Reading a list whole, each time.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::missing::{self, MissingRange};
use super::page_sweep::{self, SweepOptions};
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy};
use crate::api::{ListQuery, Paging};
use crate::error::Error;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::sync::state::{Resume, no_cursor, resume_full_refresh};

/// A page-numbered list. Nothing in it tells how far a read has come, so there is nothing to resume from.
pub struct Snapshot {
    /// The list's path.
    pub endpoint: &'static str,
    /// Rows a page.
    pub page_size: u64,
}

impl Snapshot {
    async fn read_list(&self, read: &ReadContext<'_>) -> Result<(), ReadError> {
        let query = ListQuery::whole(self.endpoint, self.page_size);
        let first = page_sweep::first_page(read, &query, Paging::default()).await?;
        read.emitter.estimate(first.page().estimated_rows(), first.page().estimated_bytes());
        let request_order = tokio::sync::Mutex::new(());
        // Rows may be added and removed at once, so that one consistent sweep proves nothing.
        let options = SweepOptions { request_order: &request_order, verify_twice: true, excluded_second: None };
        let broken = page_sweep::sweep(read, &query, options, first).await?;
        if !broken.is_empty() {
            let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
            return Err(missing::error(&ranges).into());
        }
        read.emitter.checkpoint(no_cursor());
        Ok(())
    }
}

impl ReadStrategy for Snapshot {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh], is_resumable: false }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            let query = ListQuery::whole(self.endpoint, self.page_size).in_pages_of(1);
            target.api.numbered_page(&query, 0, Paging::default(), target.format).await?;
            Ok(())
        }
        .boxed_local()
    }

    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        resume_full_refresh(configured, state)
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, _: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.read_list(read).boxed_local()
    }
}
