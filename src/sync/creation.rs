//! Reading a list by creation time, resumably: BOOKING.
//!
//! The range from `start_date` to T0, the time at which the read began, is cut until a piece has few enough pages to be
//! read as one [`slice`](super::slice). Pieces are worked off in the order of time, a few side by side, so that the
//! contiguous part that is complete grows from the start; each time it does, a checkpoint tells how far it reaches.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::Read;
use super::conform::Found;
use super::marker;
use super::session::Session;
use super::slice;
use super::time;
use crate::error::Error;
use crate::gateway::Failure;

/// The most pages that are read as one slice: it bounds the keys that are held, and what a retry reads again.
const PAGES_MOST: u64 = 50;

/// Into how many pages a range is aimed to be cut, leaving room for unevenness.
const PAGES_AIMED_AT: u64 = 40;

/// Into how many pieces a range is cut at once: more would cost a request for each that turns out empty.
const PIECES_MOST: u64 = 8;

/// How many pieces are worked on side by side, so that the pool of requests does not run dry between two.
const SIDE_BY_SIDE: usize = 3;

/// In the state: everything created before it is written.
const NEXT: &str = "next_created_from";

/// A piece of the range, whole seconds. Navan includes both ends, so neighbours share a second; its rows belong to the
/// later piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// What came of looking at a piece.
enum Looked {
    /// It was read, and is complete.
    Done(Piece),
    /// It was too large.
    Cut(Piece, Vec<Piece>),
}

/// Reads all bookings that the given state does not cover.
pub(super) async fn read(read: &Read<'_>, session: &Session, state: Option<&Value>) -> Result<(), Error> {
    let end = time::whole_second(read.api.now());
    let configured = &session.configured;
    let resumed = match state {
        Some(state) if marker::resumes(state, configured) => time::in_state(session.stream.name, state, NEXT)?,
        _ => None,
    };
    if let Some(from) = resumed {
        tracing::info!("{}: going on with what was created from {from} on.", session.stream.name);
    }
    let start = time::whole_second(resumed.unwrap_or(read.start_date));
    if start <= end {
        all_pieces(read, session, Piece { from: start, to: end }).await?;
    }
    session.checkpoint(marker::complete(configured.sync_id, end));
    Ok(())
}

async fn all_pieces(read: &Read<'_>, session: &Session, whole: Piece) -> Result<(), Failure> {
    let turn = tokio::sync::Mutex::new(());
    let mut waiting = BTreeSet::from([whole]);
    let mut begun = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    let mut reached = whole.from;
    loop {
        while running.len() < SIDE_BY_SIDE
            && let Some(piece) = waiting.pop_first()
        {
            begun.insert(piece);
            running.push(one_piece(read, session, piece, whole.to, &turn));
        }
        let Some(looked) = running.next().await else { return Ok(()) };
        match looked? {
            Looked::Cut(piece, pieces) => {
                begun.remove(&piece);
                waiting.extend(pieces);
            }
            Looked::Done(piece) => {
                begun.remove(&piece);
                let first_open = [begun.first(), waiting.first()].into_iter().flatten().map(|piece| piece.from).min();
                if let Some(next) = first_open.filter(|next| *next > reached) {
                    reached = next;
                    session.checkpoint(position(next, session.configured.sync_id));
                }
            }
        }
    }
}

async fn one_piece(
    read: &Read<'_>,
    session: &Session,
    piece: Piece,
    end: DateTime<Utc>,
    turn: &tokio::sync::Mutex<()>,
) -> Result<Looked, Failure> {
    let created = piece.from..=piece.to;
    let first = read.api.bookings(&created, 0).await?;
    session.estimate(first.total, first.estimated_bytes());
    if first.pages > PAGES_MOST && piece.to - piece.from > Duration::seconds(1) {
        return Ok(Looked::Cut(piece, piece.cut(first.pages)));
    }
    let belongs = |found: &Found<'_>| piece.holds(found.time.and_then(time::parse), end);
    let how = slice::Reading { session, side_by_side: read.side_by_side, turn, open_ended: false };
    slice::read(how, first, |number, _| read.api.bookings(&created, number), belongs).await?;
    Ok(Looked::Done(piece))
}

impl Piece {
    /// Cuts it into pieces of equal length, as many as `pages` ask for.
    fn cut(self, pages: u64) -> Vec<Self> {
        let seconds = (self.to - self.from).num_seconds();
        let pieces = pages.div_ceil(PAGES_AIMED_AT).clamp(2, PIECES_MOST);
        let pieces = i64::try_from(pieces).unwrap_or(2).min(seconds);
        let edge = |number: i64| self.from + Duration::seconds(seconds * number / pieces);
        (0..pieces).map(|number| Self { from: edge(number), to: edge(number + 1) }).collect()
    }

    /// Whether a row created then is this piece's to write: all are but those of the second that it shares with the next
    /// piece, which has them too. Whether the others lie in its range is for Navan to say.
    fn holds(self, created: Option<DateTime<Utc>>, end: DateTime<Utc>) -> bool {
        self.to == end || created.is_none_or(|created| time::whole_second(created) != self.to)
    }
}

fn position(next: DateTime<Utc>, sync_id: Option<i64>) -> Value {
    let mut state = json!({ NEXT: next.to_rfc3339_opts(SecondsFormat::Secs, true) });
    if let Some(sync_id) = sync_id {
        state["sync_id"] = sync_id.into();
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn the_pieces_of_a_range_cover_it_and_share_their_edges() {
        let whole = Piece { from: at(100), to: at(1_103) };
        for pages in [51, 100, 400, 100_000] {
            let pieces = whole.cut(pages);
            assert_eq!((pieces[0].from, pieces[pieces.len() - 1].to), (whole.from, whole.to));
            assert!(pieces.windows(2).all(|two| two[0].to == two[1].from));
            assert!(pieces.iter().all(|piece| piece.from < piece.to));
        }
        assert_eq!(Piece { from: at(0), to: at(2) }.cut(1_000).len(), 2);
    }

    #[test]
    fn a_row_belongs_to_exactly_one_piece() {
        let pieces = Piece { from: at(0), to: at(90) }.cut(100);
        for second in 0..=90 {
            let that_have_it = pieces.iter().filter(|piece| piece.from <= at(second) && at(second) <= piece.to);
            let owners = that_have_it.filter(|piece| piece.holds(Some(at(second)), at(90))).count();
            assert_eq!(owners, 1, "second {second}");
        }
    }
}
