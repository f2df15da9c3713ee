//! Another order of the fields of each row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::rng::mix;

/// How many bytes of rows are remembered.
const MOST_REMEMBERED: usize = 256 * 1024 * 1024;

/// Gives rows other orders of their fields, and remembers them: that takes several times as long as all else about a row, and who
/// measures a reader of such rows has it read them many times.
#[derive(Debug, Default)]
pub(super) struct Shuffler(Mutex<Remembered>);

/// Rows by their seeds, and how many bytes these are.
#[derive(Debug, Default)]
struct Remembered {
    rows: HashMap<u64, Shuffled>,
    bytes: usize,
}

/// A row as it was, and in its other order.
#[derive(Debug)]
struct Shuffled {
    before: Box<str>,
    after: Box<str>,
}

impl Shuffler {
    /// Reorders the fields of the row `out[start..]`; `seed` is the row's own.
    pub(super) fn shuffle(&self, out: &mut String, start: usize, seed: u64) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = remembered.rows.get(&seed).filter(|known| *known.before == out[start..]) {
            out.truncate(start);
            out.push_str(&known.after);
            return;
        }
        let before: Box<str> = out[start..].into();
        shuffle_fields(out, start, seed);
        if remembered.bytes < MOST_REMEMBERED {
            remembered.bytes += 2 * before.len();
            remembered.rows.insert(seed, Shuffled { before, after: out[start..].into() });
        }
    }
}

/// Reorders the members of every object in `out[start..]`, which is compact JSON whose keys have no escapes.
///
/// The order follows from `seed` and the names, so it is the same whichever optional fields there are. Only the order
/// changes: every value keeps its bytes.
fn shuffle_fields(out: &mut String, start: usize, seed: u64) {
    let json = out.split_off(start);
    write_value(out, &json, seed);
}

fn write_value(out: &mut String, json: &str, seed: u64) {
    match json.as_bytes().first() {
        Some(b'{') => {
            let mut members = elements(json);
            members.sort_by_cached_key(|member| name_hash(member, seed));
            write_elements(out, '{', '}', &members, |out, member| {
                let (name, value) = member.split_at(value_start(member));
                out.push_str(name);
                write_value(out, value, seed);
            });
        }
        Some(b'[') => write_elements(out, '[', ']', &elements(json), |out, item| write_value(out, item, seed)),
        _ => out.push_str(json),
    }
}

fn write_elements(out: &mut String, open: char, close: char, elements: &[&str], write: impl Fn(&mut String, &str)) {
    out.push(open);
    for (nth, element) in elements.iter().enumerate() {
        if nth > 0 {
            out.push(',');
        }
        write(out, element);
    }
    out.push(close);
}

/// The members of an object, or the items of an array.
fn elements(json: &str) -> Vec<&str> {
    let inner = &json[1..json.len() - 1];
    let mut elements = Vec::new();
    let (mut depth, mut in_string, mut escaped, mut start) = (0_usize, false, false, 0);
    for (at, byte) in inner.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                elements.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner.is_empty() {
        elements.push(&inner[start..]);
    }
    elements
}

/// Where the value of `"name":value` begins.
fn value_start(member: &str) -> usize {
    member.find("\":").map_or(0, |quote| quote + 2)
}

fn name_hash(member: &str, seed: u64) -> u64 {
    member[..value_start(member)].bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::{Shuffler, shuffle_fields};

    fn shuffled(json: &str, seed: u64) -> String {
        let mut out = format!("[{json}");
        shuffle_fields(&mut out, 1, seed);
        out.split_off(1)
    }

    #[test]
    fn another_order_is_the_same_json() {
        let json = r#"{"a":{"x":"}\",\\","y":[],"z":{}},"b":[{"c":1.0E-7,"d":"\":"},[2,1]],"e":null}"#;
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let orders: std::collections::HashSet<_> = (0..50).map(|seed| shuffled(json, seed)).collect();
        assert!(orders.len() > 10);
        assert!(orders.iter().all(|order| parse(order) == parse(json) && order.len() == json.len()));
    }

    #[test]
    fn a_field_that_is_left_out_does_not_move_the_others() {
        for seed in 0..50 {
            let all = shuffled(r#"{"a":1,"b":2,"c":3}"#, seed);
            let some = shuffled(r#"{"a":1,"c":3}"#, seed);
            assert_eq!(all.find("\"a\"") < all.find("\"c\""), some.find("\"a\"") < some.find("\"c\""));
        }
    }

    #[test]
    fn a_row_that_is_remembered_is_the_same_until_it_changes() {
        let shuffler = Shuffler::default();
        let in_order = |json: &str| {
            let mut out = format!("[{json}");
            shuffler.shuffle(&mut out, 1, 7);
            out
        };
        for json in [r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1,"b":2,"c":4}"#] {
            let mut expected = format!("[{json}");
            shuffle_fields(&mut expected, 1, 7);
            assert_eq!((in_order(json), in_order(json)), (expected.clone(), expected));
        }
    }
}
