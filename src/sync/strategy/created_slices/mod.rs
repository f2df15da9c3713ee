//! Reading a list by creation time: in full and resumably, or for what changed in it.
//!
//! The range from `start_date` to T0, the time at which the read began, is read by slices ([`slice_reader`]). A full refresh writes all rows,
//! and each time the contiguous part that is complete grows, a checkpoint tells how far it reaches.
//!
//! An incremental read writes what [`changes`] there are since its cursor. It asks for them alone where it is proved that Navan's
//! filter by change does what it should ([`filter_proof`]), and else reads again what was created not too long ago. Once a week the
//! whole list is read, which shows what was deleted ([`deletions`]).

mod changed_rows;
mod changes;
mod date_slice;
mod deletions;
mod filter_proof;
mod slice_reader;
mod trials;

use chrono::{DateTime, Duration, Utc};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::missing::{self, BrokenRows, MissingRange};
use super::page_sweep::Swept;
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy, Surveyed, SurveyedPage, Tried};
use crate::api::{ListQuery, Paging};
use crate::error::Error;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::record::Row;
use crate::sync::state::time::whole_second;
use crate::sync::state::{FullRefreshState, Resume, StreamState, resume_list_changes};
use date_slice::DateSlice;
use slice_reader::{SliceReader, SliceVisitor};

/// A page-numbered list that can be asked for by the creation time of its rows.
pub struct CreatedSlices {
    /// The list's path.
    pub endpoint: &'static str,
    /// Rows a page.
    pub page_size: u64,
    /// The most pages that are read as one slice: it bounds the keys that are held, and what a retry reads again.
    pub pages_per_slice: u64,
    /// The parameter by which a single row is asked for.
    pub id_parameter: &'static str,
    /// What deletions are written with.
    pub fields: ChangeFields,
}

/// The fields of the records by which a destination learns of changes.
pub struct ChangeFields {
    /// The key.
    pub key: &'static str,
    /// When the row was created.
    pub created: &'static str,
    /// When it was last changed: the cursor.
    pub changed: &'static str,
    /// When it was found to be deleted.
    pub deleted: &'static str,
}

impl CreatedSlices {
    fn query(&self, slice: DateSlice) -> ListQuery {
        ListQuery::whole(self.endpoint, self.page_size).created(slice.second_before()..=slice.to)
    }

    async fn read_in_full(&self, read: &ReadContext<'_>, resume: Resume) -> Result<(), ReadError> {
        let end = whole_second(read.began);
        let resumed = match resume {
            Resume::From(StreamState::FullRefresh(state)) => state.next_created_from,
            _ => None,
        };
        let resumed = resumed.filter(|from| {
            let is_ahead = *from > end;
            if is_ahead {
                tracing::warn!(
                    "{}: the state says that all was read that was created before {from}, but for Navan it is {end}; the read begins anew.",
                    read.emitter.name()
                );
            }
            !is_ahead
        });
        if let Some(from) = resumed {
            tracing::info!("{}: going on with what was created from {from} on.", read.emitter.name());
        }
        let start = whole_second(resumed.unwrap_or(read.config.start_date));
        if start <= end {
            let visitor = FullRefresh { read, end };
            let slices = SliceReader { list: self, read, visitor: &visitor, updated: None, tells_size: true };
            require_whole(slices.read(vec![DateSlice { from: start, to: end }]).await?)?;
        }
        read.emitter.checkpoint(&FullRefreshState::completed(read.configured.sync_id, end).to_state());
        Ok(())
    }
}

/// # Errors
/// One that names what could not be read.
fn require_whole(broken: Vec<BrokenRows>) -> Result<(), Error> {
    let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
    if ranges.is_empty() { Ok(()) } else { Err(missing::error(&ranges)) }
}

/// A full refresh: it writes all rows.
struct FullRefresh<'a> {
    read: &'a ReadContext<'a>,
    end: DateTime<Utc>,
}

impl SliceVisitor for FullRefresh<'_> {
    fn wants(&self, _: &Row, _: &[u8]) -> bool {
        true
    }

    fn slice_read(&self, _: DateSlice, _: Swept) {}

    fn reached(&self, up_to: DateTime<Utc>) {
        // At the end of the range the completed marker says it.
        if up_to < self.end {
            let sync_id = self.read.configured.sync_id;
            self.read.emitter.checkpoint(&FullRefreshState::created_up_to(up_to, sync_id).to_state());
        }
    }
}

impl ReadStrategy for CreatedSlices {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh, SyncMode::Incremental], is_resumable: true }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            let now = target.api.now();
            let month = DateSlice { from: now - Duration::days(30), to: now };
            let query = self.query(month).in_pages_of(1);
            target.api.numbered_page(&query, 0, Paging::default(), target.format).await?;
            Ok(())
        }
        .boxed_local()
    }

    fn survey<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Surveyed>> {
        async move {
            let query = self.query(trials::whole(target)).in_pages_of(1);
            let page = target.api.numbered_page(&query, 0, Paging::default(), target.format).await;
            let page = page.map(|page| SurveyedPage::of_list(&page, target.format)).map_err(Into::into);
            vec![Surveyed { endpoint: self.endpoint.to_owned(), page, may_be_absent: false }]
        }
        .boxed_local()
    }

    fn try_out<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Tried>> {
        trials::run(self, target).boxed_local()
    }

    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        resume_list_changes(configured, self.fields.changed, state)
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, resume: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            if read.configured.is_incremental() {
                Box::pin(self.read_changes(read, resume)).await
            } else {
                self.read_in_full(read, resume).await
            }
        }
        .boxed_local()
    }
}
