//! Cursors: where the next page of an expense type begins, with a checksum so that each is valid for its own query only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rng::mix;
use crate::table::Position;

/// The cursor of a page that ends with `last`, for the query whose fingerprint is `query`.
///
/// It is standard Base64 with `+`, `/` and `=`, so that a client that does not percent-encode it fails.
pub(crate) fn encode(query: u64, (key, index): Position) -> String {
    let mask = mix(query);
    let words = [query, key.cast_unsigned() ^ mask, index ^ mask.rotate_left(17)];
    let check = words.iter().fold(mask, |sum, word| mix(sum ^ word));
    let bytes: Vec<u8> = words.into_iter().chain([check]).flat_map(u64::to_be_bytes).collect();
    STANDARD.encode(bytes)
}

/// The position that [`encode`] was given; none if the cursor is another query's, or not a cursor.
pub(crate) fn decode(query: u64, cursor: &str) -> Option<Position> {
    let bytes = STANDARD.decode(cursor).ok().filter(|bytes| bytes.len() == 32)?;
    let mut words = bytes.chunks_exact(8).map(|word| u64::from_be_bytes(word.try_into().unwrap_or_default()));
    let (of, key, index) = (words.next()?, words.next()?, words.next()?);
    let mask = mix(query);
    let position = ((key ^ mask).cast_signed(), index ^ mask.rotate_left(17));
    (of == query && encode(query, position) == cursor).then_some(position)
}

/// A query's fingerprint.
pub(crate) fn fingerprint(parts: &[&str]) -> u64 {
    parts.iter().flat_map(|part| part.bytes().chain([0])).fold(0x6375_7273, |sum, byte| mix(sum ^ u64::from(byte)))
}

/// A request extension: the response is to repeat the cursor that the request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepeatCursor;
