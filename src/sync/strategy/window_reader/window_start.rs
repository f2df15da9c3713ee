//! The first page of a window, asked for in the ways that Navan may take it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::{Days, Duration, NaiveDate};
use tokio::time::timeout;

use super::{WindowError, WindowReader, WindowRefusal};
use crate::api::{ChangesPage, ChangesQuery};
use crate::gateway::Failure;
use crate::sync::state::time::retention_start;
use crate::sync::strategy::BRIEF_ATTEMPTS;

/// Which groups of fields are asked for.
#[derive(Debug)]
pub(in crate::sync::strategy) struct FieldGroups {
    /// Those at present.
    pub(in crate::sync::strategy) current: Cell<&'static str>,
    /// Those that every company is known to have.
    pub(in crate::sync::strategy) proven: &'static str,
    /// Whether a window has shown what comes of the current ones. Until then one goes ahead, or failures of many would look like an
    /// outage.
    pub(in crate::sync::strategy) are_settled: tokio::sync::Mutex<bool>,
    /// Types of which it was told that Navan says more rows than it gives.
    pub(in crate::sync::strategy) told_totals: RefCell<BTreeSet<String>>,
}

/// The first page of a window, and what it answers.
pub(super) struct WindowStart {
    pub(super) query: ChangesQuery,
    pub(super) page: ChangesPage,
    pub(super) not_yet: Option<NaiveDate>,
}

impl WindowReader<'_> {
    /// The first page, and the query that it answers. A refusal (400) does not say what it minds, so that what can be minded
    /// is left out, one after the other.
    pub(super) async fn start(&self, days: &RangeInclusive<NaiveDate>) -> Result<WindowStart, WindowError> {
        // The one ahead may be held for good, where others would not be.
        let patience = self.read.api.timings().max_backoff;
        let settling = timeout(patience, self.field_groups.are_settled.lock()).await.ok();
        let query = self.query.clone().on(days.clone()).with_groups(self.field_groups.current.get());
        let proven = query.clone().with_groups(self.field_groups.proven);
        let first = match settling.filter(|are_settled| !**are_settled) {
            Some(are_settled) => self.fetch_ahead(are_settled, &query, &proven).await,
            None => self.fetch_first(&query).await.map(|page| (query.clone(), page)),
        };
        let failure = match first {
            Ok((query, page)) => return Ok(WindowStart { query, page, not_yet: None }),
            Err(failure) => failure,
        };
        let Some(refusal) = WindowRefusal::of(&failure) else { return Err(WindowError::on_first_page(failure)) };
        if query.field_groups() != proven.field_groups()
            && self.fetch_unless_refused(&proven).await?.map(drop).is_some()
        {
            // One refusal may be chance.
            if let Some(page) = self.fetch_unless_refused(&query).await? {
                return Ok(WindowStart { query, page, not_yet: None });
            }
            if let Some(page) = self.fetch_unless_refused(&proven).await? {
                self.leave_out_groups(&refusal.words);
                return Ok(WindowStart { query: proven, page, not_yet: None });
            }
        }
        if refusal.status != 400 {
            return Err(WindowError::on_first_page(failure));
        }
        if let Some(later) = self.retention_turning(days) {
            return self.start_from(later, proven).await;
        }
        // Where the account lives, the last day may not have begun.
        let (last, day_before) = (*days.end(), *days.end() - Days::new(1));
        if last >= self.times.end.date_naive() {
            for query in [query, proven] {
                let earlier = query.clone().on(day_before.min(*days.start())..=day_before);
                if let Some(page) = self.fetch_unless_refused(&earlier).await? {
                    self.warn_not_yet(last);
                    return Ok(WindowStart { query: earlier, page, not_yet: Some(last) });
                }
            }
        }
        Err(WindowError::on_first_page(failure))
    }

    /// The same ahead of all other windows. If it fails with the groups that nobody is known to have, and not without them, they are
    /// left out.
    async fn fetch_ahead(
        &self,
        mut are_settled: tokio::sync::MutexGuard<'_, bool>,
        query: &ChangesQuery,
        proven: &ChangesQuery,
    ) -> Result<(ChangesQuery, ChangesPage), Failure> {
        let brief = query.clone().with_attempts(BRIEF_ATTEMPTS);
        let failure = match self.fetch_first(&brief).await {
            Ok(page) => {
                *are_settled = true;
                return Ok((query.clone(), page));
            }
            Err(failure) => failure,
        };
        let fails = matches!(failure, Failure::Exhausted { .. });
        if !fails && failure.as_obstacle().is_none() {
            return Err(failure);
        }
        *are_settled = true;
        if failure.was_answered() && query.field_groups() != proven.field_groups() {
            let without = proven.clone().with_attempts(BRIEF_ATTEMPTS);
            if self.fetch_first(&without).await.map(drop).is_ok()
                && self.fetch_first(&brief).await.map(drop).is_err()
                && let Ok(page) = self.fetch_first(&without).await
            {
                self.leave_out_groups(&failure.to_string());
                return Ok((proven.clone(), page));
            }
        }
        drop(are_settled);
        self.fetch_first(query).await.map(|page| (query.clone(), page))
    }

    async fn fetch_first(&self, query: &ChangesQuery) -> Result<ChangesPage, Failure> {
        self.read.api.changes_page(query, None, self.read.emitter.format()).await
    }

    /// The first page, unless the query is refused as well.
    async fn fetch_unless_refused(&self, query: &ChangesQuery) -> Result<Option<ChangesPage>, WindowError> {
        match self.fetch_first(query).await {
            Ok(page) => Ok(Some(page)),
            Err(failure) if WindowRefusal::of(&failure).is_some() => Ok(None),
            Err(failure) => Err(WindowError::on_first_page(failure)),
        }
    }

    /// Around the turn of a month Navan's retention may begin a month later than thought here: from which day on.
    fn retention_turning(&self, days: &RangeInclusive<NaiveDate>) -> Option<NaiveDate> {
        let now = self.read.api.now();
        let later = retention_start(now + Duration::days(1));
        (later > retention_start(now - Duration::days(1)) && *days.start() < later).then_some(later)
    }

    async fn start_from(&self, later: NaiveDate, query: ChangesQuery) -> Result<WindowStart, WindowError> {
        // If that is what Navan minds, it does not mind the day on which its retention begins.
        let last = *self.window.days.end();
        let query = query.on(later..=last.max(later));
        let page = self.fetch_first(&query).await.map_err(WindowError::on_first_page)?;
        self.warn_retention_passed(later);
        if last < later {
            return Err(WindowError::RetentionPassed);
        }
        Ok(WindowStart { query, page, not_yet: None })
    }

    fn leave_out_groups(&self, why: &str) {
        let before = self.field_groups.current.replace(self.field_groups.proven);
        if before != self.field_groups.proven {
            tracing::warn!(
                "{}: Navan does not give the groups of fields {before}; only {} are asked for ({why}).",
                self.read.emitter.name(),
                self.field_groups.proven
            );
        }
    }

    fn warn_not_yet(&self, day: NaiveDate) {
        tracing::warn!(
            "{}: Navan does not let {} be read for {day} yet, which has not begun where the account lives; the next read brings that day.",
            self.read.emitter.name(),
            self.window.partition,
        );
    }
}
