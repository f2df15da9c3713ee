//! Streams by the names that people type.

use crate::error::Error;
use crate::protocol::SyncMode;
use crate::record::DELETED_COLUMN;
use crate::sync::Stream;

/// How many letters may be wrong in a name for it to be taken for another: one in so many.
const LETTERS_PER_WRONG_ONE: usize = 3;

/// A stream or one of the lists in its rows: whatever has rows of its own.
#[derive(Clone, Debug)]
pub struct NamedTable {
    /// Its name.
    pub name: &'static str,
    /// What else people call it.
    pub also_called: &'static [&'static str],
    /// Its JSON Schema.
    pub schema: &'static str,
    /// How it is read if nobody says otherwise.
    pub default_mode: SyncMode,
    /// The columns that tell its rows and their versions apart: key, cursor, and when a row was deleted, as far as it has them.
    pub tells_versions: Vec<&'static str>,
}

/// All that there are of some streams, parents before their children.
pub fn tables(streams: &[&'static Stream]) -> Vec<NamedTable> {
    let tables = streams.iter().flat_map(|stream| {
        let default_mode = SyncMode::default_of(stream.strategy.modes().sync_modes);
        let versions = stream.key.into_iter().chain(stream.cursor_field).chain([DELETED_COLUMN]).collect();
        let (name, also_called, schema) = (stream.name, stream.also_called, stream.schema);
        let own = NamedTable { name, also_called, schema, default_mode, tells_versions: versions };
        let children = stream.children.iter().map(move |child| {
            let cursor = child.rows.carried.iter().filter(|(field, _)| stream.cursor_field == Some(field));
            let key = child.key.iter().copied();
            let versions = key.chain(cursor.map(|(_, column)| *column)).collect();
            let (name, schema) = (child.name, child.schema);
            NamedTable { name, also_called: &[], schema, default_mode, tells_versions: versions }
        });
        [own].into_iter().chain(children)
    });
    tables.collect()
}

/// The one that is meant by a name: in any case of letters, with a plural's s, with other signs between the words, or by what else people
/// call it.
///
/// # Errors
/// A `config_error` that names the nearest one, or all.
pub fn find(name: &str, tables: &[NamedTable]) -> Result<NamedTable, Error> {
    let wanted: String =
        name.trim().chars().map(|sign| if sign.is_alphanumeric() { sign.to_ascii_uppercase() } else { '_' }).collect();
    let singular = wanted.strip_suffix('S').unwrap_or(&wanted);
    let is_meant = |table: &&NamedTable| {
        [wanted.as_str(), singular].contains(&table.name) || table.also_called.contains(&singular)
    };
    if let Some(table) = tables.iter().find(is_meant) {
        return Ok(table.clone());
    }
    let distance = |table: &&NamedTable| strsim::damerau_levenshtein(singular, table.name);
    let nearest = tables.iter().min_by_key(distance);
    let nearest = nearest.filter(|table| distance(table) <= table.name.len() / LETTERS_PER_WRONG_ONE);
    let hint = nearest
        .map_or_else(|| format!("there are {}.", names(tables)), |table| format!("did you mean {}?", table.name));
    Err(Error::config(format!("There is no stream {name:?}: {hint}")))
}

/// Their names, in words.
pub fn names(tables: &[NamedTable]) -> String {
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::STREAMS;

    #[test]
    fn a_stream_is_found_by_what_people_call_it() {
        let tables = tables(STREAMS);
        for (typed, name) in [
            ("BOOKING", "BOOKING"),
            ("bookings", "BOOKING"),
            (" Booking-Segments ", "BOOKING_SEGMENT"),
            ("transaction line items", "TRANSACTION_LINE_ITEM"),
            ("gl_code", "GL_CODE"),
            ("expenses", "TRANSACTION"),
            ("Receipt", "TRANSACTION_RECEIPT"),
        ] {
            assert_eq!(find(typed, &tables).unwrap().name, name, "{typed}");
        }
        let sentence = |typed| find(typed, &tables).unwrap_err().message().to_owned();
        assert_eq!(sentence("bokings"), "There is no stream \"bokings\": did you mean BOOKING?");
        assert!(
            sentence("hotels").starts_with("There is no stream \"hotels\": there are BOOKING, BOOKING_PASSENGER, ")
        );
    }
}
