//! Whether the list can be asked for by the time of the last change. Navan's description says so, and nobody is known to have tried
//! (docs/navan-api.md#bookings): so it is tried on the list itself, with a row of which it is known that it was changed after it was created.

use chrono::Duration;

use super::CreatedSlices;
use super::changed_rows::Witness;
use super::date_slice::DateSlice;
use crate::api::{Api, ListPage, ListQuery, Paging, TimeForm};
use crate::gateway::Failure;
use crate::record::{RecordFormat, Row};
use crate::sync::state::time::whole_second;
use crate::sync::strategy::BRIEF_ATTEMPTS;

/// The most pages that are looked through for the witness.
const MAX_PAGES: u64 = 5;

/// The form in which times have to be given, if the filter does what it should.
///
/// # Errors
/// As for any request, but for refusals and server errors, which are how Navan answers what it does not understand.
pub(super) async fn prove(
    list: &CreatedSlices,
    api: &Api<'_>,
    format: &RecordFormat,
    whole: DateSlice,
    witness: Witness,
) -> Result<Option<TimeForm>, Failure> {
    for form in [TimeForm::Seconds, TimeForm::Iso] {
        match is_honoured(list, api, format, whole, (witness, form)).await {
            Ok(true) => return Ok(Some(form)),
            Ok(false) | Err(Failure::Refused(_) | Failure::Exhausted { was_answered: true, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}

async fn is_honoured(
    list: &CreatedSlices,
    api: &Api<'_>,
    format: &RecordFormat,
    whole: DateSlice,
    (witness, form): (Witness, TimeForm),
) -> Result<bool, Failure> {
    let page = async |query: &ListQuery, number: u64| -> Result<ListPage, Failure> {
        let brief = query.clone().with_attempts(BRIEF_ATTEMPTS);
        api.numbered_page(&brief, number, Paging::default(), format).await
    };
    let since = whole_second(witness.changed) - Duration::seconds(1);
    let later = whole.to.max(witness.changed) + Duration::days(1);
    let Some(all) = page(&list.query(whole).in_pages_of(1), 0).await?.total else { return Ok(false) };
    // What changed since then is less than all, the witness among it, and nothing that changed before.
    let changed = list.query(whole).updated(Some((since..=later, form)));
    let mut has_witness = false;
    for number in 0..MAX_PAGES {
        let page = page(&changed, number).await?;
        let is_less = page.total.is_some_and(|total| total < all);
        let is_since = |row: &Row| row.cursor.is_some_and(|changed| changed >= since);
        if !is_less || !page.rows.rows().iter().all(is_since) {
            return Ok(false);
        }
        has_witness |= page.rows.rows().iter().any(|row| row.uuid == Some(witness.key));
        if has_witness || page.rows.is_empty() || page.pages.is_some_and(|pages| number + 1 >= pages) {
            break;
        }
    }
    // And nothing has changed yet that will change tomorrow.
    let nothing = list.query(whole).updated(Some((later..=later + Duration::days(1), form)));
    let nothing = page(&nothing, 0).await?;
    Ok(has_witness && nothing.rows.is_empty() && nothing.total.is_none_or(|total| total == 0))
}
