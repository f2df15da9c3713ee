//! Reading around what fails for good: a page that answers with errors, however often it is asked for, is read in smaller
//! pages, so that only the rows are missed that really cannot be read. Where all smaller pages fail as well it is no single row that
//! does, and the page is named as a whole.
//!
//! Whether it is the page that fails or the API, another page tells, which was answered before. It is asked for after each
//! failure: if it is answered, the failure is the page's own; if not, there is an outage, which is waited out or ends the
//! stream as any other.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::ReadError;
use super::missing::MissingRange;
use super::page_sweep::PageSweep;
use crate::api::{ListQuery, Paging};
use crate::gateway::Failure;

/// Tries of a page before it is suspected: fewer than the server errors in a row that open the circuit breaker.
pub(super) const ATTEMPTS: u32 = 2;

/// How often what cannot be taken apart any further is begun anew before it is given up: in all, it is tried as often as any
/// other request, or chance alone would lose rows where many requests fail.
const LAST_ROUNDS: u32 = 4;

/// Into how many parts a page is taken apart.
const PARTS: u64 = 10;

/// Rows of a list that could not be read.
#[derive(Debug)]
pub(super) struct BrokenRows {
    /// The first of them, counted from 0.
    from: u64,
    count: u64,
    /// What the list was asked for.
    of: String,
    why: String,
}

impl From<BrokenRows> for MissingRange {
    fn from(BrokenRows { from, count, of, why }: BrokenRows) -> Self {
        Self { what: format!("rows {} to {} of {of} ({why})", from + 1, from + count), is_defect: false }
    }
}

/// Reads what can be read of the page `number`, of which `failure` is known. Returns the rest.
///
/// # Errors
/// If it is the API that fails.
pub(super) async fn isolate(
    sweep: &PageSweep<'_>,
    number: u64,
    failure: Failure,
) -> Result<Vec<BrokenRows>, ReadError> {
    // One suspicion at a time: several would look like an outage to the circuit breaker.
    let _alone = sweep.read.suspicion.lock().await;
    prove_api_works(sweep).await?;
    let size = sweep.query.page_size(sweep.paging);
    let again = sweep.query.clone().with_attempts(ATTEMPTS);
    match try_page(sweep, &again, number).await? {
        PageAnswer::Read => return Ok(Vec::new()),
        PageAnswer::Absent(refused) => {
            sweep.note_refused(refused);
            return Ok(Vec::new());
        }
        PageAnswer::Failed(_) => prove_api_works(sweep).await?,
    }
    tracing::warn!("{}: page {number} of {} fails: {failure}", sweep.read.emitter.name(), sweep.query.describe());
    // SCIM pages may have any size, so that parts of one would not fit together.
    let is_divisible = sweep.paging == Paging::PageNumber;
    let mut broken = Vec::new();
    take_apart(sweep, number, if is_divisible { size } else { 1 }, failure, &mut broken).await?;
    if !is_divisible {
        for rows in &mut broken {
            (rows.from, rows.count) = (number * size, size);
        }
    }
    Ok(broken)
}

fn take_apart<'a>(
    sweep: &'a PageSweep<'_>,
    number: u64,
    size: u64,
    failure: Failure,
    broken: &'a mut Vec<BrokenRows>,
) -> LocalBoxFuture<'a, Result<(), ReadError>> {
    async move {
        if size < PARTS {
            broken.extend(insist(sweep, number, size, failure).await?);
            return Ok(());
        }
        let part_size = size / PARTS;
        let query = sweep.query.clone().in_pages_of(part_size).with_attempts(ATTEMPTS);
        let (mut has_read, mut failed) = (false, Vec::new());
        for part in number * PARTS..(number + 1) * PARTS {
            match try_page(sweep, &query, part).await? {
                PageAnswer::Read => has_read = true,
                // The list ends within this page.
                PageAnswer::Absent(_) if has_read => break,
                PageAnswer::Absent(failure) | PageAnswer::Failed(failure) => {
                    prove_api_works(sweep).await?;
                    failed.push((part, failure));
                }
            }
        }
        // Where every part fails it is no single row that does, and to look for one would take hours.
        if !has_read && part_size > 1 {
            broken.extend(insist(sweep, number, size, failure).await?);
            return Ok(());
        }
        for (part, failure) in failed {
            take_apart(sweep, part, part_size, failure, broken).await?;
        }
        Ok(())
    }
    .boxed_local()
}

/// Tries what has failed already and cannot be taken apart; what is broken for good.
async fn insist(
    sweep: &PageSweep<'_>,
    number: u64,
    size: u64,
    failure: Failure,
) -> Result<Option<BrokenRows>, ReadError> {
    let query = sweep.query.clone().in_pages_of(size).with_attempts(ATTEMPTS);
    let mut last = failure;
    for _ in 1..LAST_ROUNDS {
        match try_page(sweep, &query, number).await? {
            PageAnswer::Read => return Ok(None),
            PageAnswer::Absent(failure) | PageAnswer::Failed(failure) => last = failure,
        }
        prove_api_works(sweep).await?;
    }
    Ok(Some(BrokenRows { from: number * size, count: size, of: sweep.query.describe(), why: last.to_string() }))
}

/// What became of a page.
enum PageAnswer {
    Read,
    Failed(Failure),
    /// The list has no such page: 403 or 404.
    Absent(Failure),
}

/// Reads a page, if it can be read.
async fn try_page(sweep: &PageSweep<'_>, query: &ListQuery, number: u64) -> Result<PageAnswer, ReadError> {
    match sweep.read.api.list_page(query, number, sweep.paging, sweep.read.emitter.format()).await {
        Ok(page) => {
            sweep.write(page).await?;
            Ok(PageAnswer::Read)
        }
        Err(failure @ Failure::Exhausted { .. }) => Ok(PageAnswer::Failed(failure)),
        Err(failure) if matches!(failure.refused_with(), Some(403 | 404)) => Ok(PageAnswer::Absent(failure)),
        Err(failure) => Err(failure.into()),
    }
}

/// Asks for a page that was answered before, as often as any request is tried.
async fn prove_api_works(sweep: &PageSweep<'_>) -> Result<(), ReadError> {
    let good = sweep.good_page.get();
    sweep.read.api.list_page(sweep.query, good, sweep.paging, sweep.read.emitter.format()).await?;
    Ok(())
}
