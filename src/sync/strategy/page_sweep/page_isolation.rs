//! Reading around what fails for good: a page that answers with errors, however often it is asked for, is read in smaller
//! pages, so that only the rows are missed that really cannot be read. Where all smaller pages fail as well it is no single row that
//! does, and the page is named as a whole.
//!
//! Whether it is the page that fails or the API, another page tells, which was answered before. It is asked for after each
//! failure: if it is answered, the failure is the page's own; if not, there is an outage, which is waited out or ends the
//! stream as any other.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::PageSweep;
use crate::api::{ListQuery, Paging};
use crate::gateway::Failure;
use crate::sync::strategy::missing::BrokenRows;
use crate::sync::strategy::{BRIEF_ATTEMPTS, ReadError};

/// How often what cannot be taken apart any further is begun anew before it is given up: in all, it is tried as often as any
/// other request, or chance alone would lose rows where many requests fail.
const LAST_ROUNDS: u32 = 4;

/// Into how many parts a page is taken apart, if it can be: they have to fit together.
const PARTS: [u64; 2] = [10, 5];

/// What became of a page that was taken apart.
#[derive(Default)]
pub(super) struct Isolated {
    /// How many rows it gave.
    pub(super) given: u64,
    pub(super) broken: Vec<BrokenRows>,
}

impl Isolated {
    /// How many rows it has, as far as is known.
    pub(super) fn rows(&self) -> u64 {
        self.given + self.broken.iter().map(|rows| rows.count).sum::<u64>()
    }
}

/// Reads what can be read of the page `number`, of which `failure` is known.
///
/// # Errors
/// If it is the API that fails.
pub(super) async fn isolate(sweep: &PageSweep<'_>, number: u64, failure: Failure) -> Result<Isolated, ReadError> {
    let isolated = isolate_alone(sweep, number, failure).await?;
    // What came of it was written, wherever it came from.
    sweep.seen.borrow_mut().sweep.note_page(number, isolated.rows(), false);
    Ok(isolated)
}

async fn isolate_alone(sweep: &PageSweep<'_>, number: u64, failure: Failure) -> Result<Isolated, ReadError> {
    // One suspicion at a time: several would look like an outage to the circuit breaker.
    let _alone = sweep.read.suspicion.lock().await;
    prove_api_works(sweep).await?;
    let size = sweep.size.get();
    let again = sweep.query.clone().with_attempts(BRIEF_ATTEMPTS);
    match try_page(sweep, &again, number).await? {
        PageAnswer::Read(given) => return Ok(Isolated { given, ..Isolated::default() }),
        PageAnswer::Absent(refused) => {
            sweep.note_absent(number, refused.to_string());
            return Ok(Isolated::default());
        }
        PageAnswer::Failed(_) => prove_api_works(sweep).await?,
    }
    tracing::warn!("{}: page {number} of {} fails: {failure}", sweep.read.emitter.name(), sweep.query.describe());
    // SCIM pages may have any size, so that parts of one would not fit together.
    let is_divisible = sweep.paging == Paging::PageNumber;
    let mut isolated = Isolated::default();
    let why = failure.to_string();
    take_apart(sweep, number, if is_divisible { size } else { 1 }, failure, &mut isolated).await?;
    let whole_page = BrokenRows::new(number * size, size, sweep.query.describe(), why);
    // A page before the last is full. If its parts do not bring as many rows, some are missing, and nobody knows which.
    let is_short = isolated.rows() < if sweep.has_page_behind(number) { size } else { 1 };
    if is_divisible && is_short || !is_divisible && !isolated.broken.is_empty() {
        isolated.broken = vec![whole_page];
    }
    Ok(isolated)
}

fn take_apart<'a>(
    sweep: &'a PageSweep<'_>,
    number: u64,
    size: u64,
    failure: Failure,
    isolated: &'a mut Isolated,
) -> LocalBoxFuture<'a, Result<(), ReadError>> {
    async move {
        if size <= 1 {
            insist(sweep, number, size, failure, isolated).await?;
            return Ok(());
        }
        // Else into its rows.
        let parts = PARTS.into_iter().find(|parts| size.is_multiple_of(*parts)).unwrap_or(size);
        let part_size = size / parts;
        let query = sweep.query.clone().in_pages_of(part_size).with_attempts(BRIEF_ATTEMPTS);
        let (mut has_read, mut failed, mut absent) = (false, Vec::new(), None);
        for part in number * parts..(number + 1) * parts {
            match try_page(sweep, &query, part).await? {
                PageAnswer::Read(given) => {
                    has_read = true;
                    isolated.given += given;
                    // What has rows behind it is not absent.
                    failed.extend(absent.take().filter(|_| given > 0));
                }
                // The list ends within this page, if twice in a row.
                PageAnswer::Absent(failure) if has_read => {
                    if absent.replace((part, failure)).is_some() {
                        break;
                    }
                }
                PageAnswer::Absent(failure) | PageAnswer::Failed(failure) => {
                    prove_api_works(sweep).await?;
                    failed.push((part, failure));
                }
            }
        }
        // Where every part fails it is no single row that does, and to look for one would take hours.
        if !has_read && part_size > 1 {
            insist(sweep, number, size, failure, isolated).await?;
            return Ok(());
        }
        for (part, failure) in failed {
            take_apart(sweep, part, part_size, failure, isolated).await?;
        }
        Ok(())
    }
    .boxed_local()
}

/// Tries what has failed already and cannot be taken apart.
async fn insist(
    sweep: &PageSweep<'_>,
    number: u64,
    size: u64,
    failure: Failure,
    isolated: &mut Isolated,
) -> Result<(), ReadError> {
    let query = sweep.query.clone().in_pages_of(size).with_attempts(BRIEF_ATTEMPTS);
    let mut last = failure;
    for _ in 1..LAST_ROUNDS {
        match try_page(sweep, &query, number).await? {
            PageAnswer::Read(given) => {
                isolated.given += given;
                return Ok(());
            }
            PageAnswer::Absent(failure) | PageAnswer::Failed(failure) => last = failure,
        }
        prove_api_works(sweep).await?;
    }
    let (of, why) = (sweep.query.describe(), last.to_string());
    isolated.broken.push(BrokenRows::new(number * size, size, of, why));
    Ok(())
}

/// What became of a page.
enum PageAnswer {
    /// It gave so many rows.
    Read(u64),
    Failed(Failure),
    /// The list has no such page, or refuses it.
    Absent(Failure),
}

/// Reads a page, if it can be read.
async fn try_page(sweep: &PageSweep<'_>, query: &ListQuery, number: u64) -> Result<PageAnswer, ReadError> {
    match sweep.read.api.list_page(query, number, sweep.paging, sweep.read.emitter.format()).await {
        Ok(page) => Ok(PageAnswer::Read(sweep.write(page).await?)),
        Err(failure @ Failure::Exhausted { .. }) => Ok(PageAnswer::Failed(failure)),
        Err(failure @ Failure::Refused(_)) => Ok(PageAnswer::Absent(failure)),
        Err(failure) => Err(failure.into()),
    }
}

/// Asks for a page that was answered before, as often as any request is tried.
async fn prove_api_works(sweep: &PageSweep<'_>) -> Result<(), ReadError> {
    let good = sweep.good_page.get();
    sweep.read.api.list_page(sweep.query, good, sweep.paging, sweep.read.emitter.format()).await?;
    Ok(())
}
