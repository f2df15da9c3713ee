//! The fields of an object, found by their names as they stand in a row.
//!
//! The names of a schema are known and few, so a table of our own compares four words instead of calling for a comparison of
//! bytes, and its hash is chosen so that no two names of the schema fall on one place. The steps are the same for each name, be it
//! short or long: a processor foresees them, which it cannot where they depend on the name.

use std::ops::Range;

/// Marks a free place in the table.
const FREE: u16 = u16::MAX;

/// The factor of the hash that is tried first: an odd number whose bits look random.
const FIRST_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// How many factors are tried before the table is made twice as large.
const TRIES_A_SIZE: u32 = 64;

/// How many bytes of a name are compared as words.
const HEAD: usize = 32;

/// Of each length of a name, which bits of the words belong to it.
const MASKS: [[u64; HEAD / 8]; HEAD + 1] = {
    let mut masks = [[0; HEAD / 8]; HEAD + 1];
    let mut byte = 0;
    while byte < HEAD {
        let mut length = byte + 1;
        while length <= HEAD {
            masks[length][byte / 8] |= 0xff << (8 * (byte % 8));
            length += 1;
        }
        byte += 1;
    }
    masks
};

/// The fields of an object, each with what is known of it.
pub(super) struct FieldIndex<T> {
    fields: Vec<Field<T>>,
    /// Their numbers, by the hash of their names, which this factor makes different for all of them. A table of numbers alone is so
    /// small that it stays in the processor's nearest cache.
    table: Vec<u16>,
    factor: u64,
}

/// What is compared lies beside what is then looked at, in one line of the processor's cache.
#[repr(C, align(64))]
struct Field<T> {
    head: Head,
    node: T,
    name: Box<[u8]>,
}

/// The first bytes of a name, filled up with zeros, and its length.
#[derive(Clone, Copy)]
struct Head {
    words: [u64; HEAD / 8],
    length: usize,
}

impl Head {
    /// Of the name at `name` in `text`.
    #[inline(always)]
    fn of(text: &[u8], name: &Range<usize>) -> Self {
        let length = name.end - name.start;
        // What follows the name in the text is masked away; only close to the text's end there may be too little of it.
        let words = match text.get(name.start..).and_then(|rest| rest.first_chunk::<HEAD>()) {
            Some(head) => words(head),
            None => words(&filled_up(&text[name.clone()])),
        };
        let mask = &MASKS[length.min(HEAD)];
        let [first, second, third, fourth] = words;
        Self { words: [first & mask[0], second & mask[1], third & mask[2], fourth & mask[3]], length }
    }

    /// Word by word, since each of them is in a register of its own.
    #[inline(always)]
    fn is(self, other: &Self) -> bool {
        let difference = |number: usize| self.words[number] ^ other.words[number];
        let length = (self.length ^ other.length) as u64;
        difference(0) | difference(1) | difference(2) | difference(3) | length == 0
    }

    #[inline(always)]
    fn hash(self, factor: u64) -> usize {
        let [first, second, third, fourth] = self.words;
        let all = first ^ second.rotate_left(29) ^ third.rotate_left(17) ^ fourth.rotate_left(41) ^ self.length as u64;
        (all.wrapping_mul(factor) >> 40) as usize
    }
}

#[inline(always)]
fn words(head: &[u8; HEAD]) -> [u64; HEAD / 8] {
    let mut words = [0; HEAD / 8];
    for (word, bytes) in words.iter_mut().zip(head.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[cold]
fn filled_up(name: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    for (to, from) in head.iter_mut().zip(name) {
        *to = *from;
    }
    head
}

impl<T> FieldIndex<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.fields.iter_mut().find(|field| *field.name == *name.as_bytes()).map(|field| &mut field.node)
    }

    /// Takes a field out, and what is known of it.
    pub(super) fn remove(&mut self, name: &str) -> Option<T> {
        let at = self.fields.iter().position(|field| *field.name == *name.as_bytes())?;
        let taken = self.fields.remove(at);
        *self = Self::of(std::mem::take(&mut self.fields));
        Some(taken.node)
    }

    /// Their names, with what is known of each.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut T)> {
        self.fields.iter_mut().map(|field| (str::from_utf8(&field.name).unwrap_or_default(), &mut field.node))
    }

    /// The same.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.fields.iter().map(|field| (str::from_utf8(&field.name).unwrap_or_default(), &field.node))
    }

    /// What is known of the field whose name stands at `name` in `text`, as it is written: a name with escapes is found by no other
    /// spelling.
    #[inline(always)]
    pub(super) fn get(&self, text: &[u8], name: &Range<usize>) -> Option<&T> {
        let head = Head::of(text, name);
        let field = self.fields.get(self.number(head)?)?;
        let is_it = head.is(&field.head) && (head.length <= HEAD || *field.name == text[name.clone()]);
        is_it.then_some(&field.node)
    }

    /// The number of the only field that can have a name that begins so.
    #[inline(always)]
    fn number(&self, head: Head) -> Option<usize> {
        self.table.get(head.hash(self.factor) & self.table.len().wrapping_sub(1)).map(|number| usize::from(*number))
    }
}

impl<'a, T> FromIterator<(&'a str, T)> for FieldIndex<T> {
    fn from_iter<I: IntoIterator<Item = (&'a str, T)>>(fields: I) -> Self {
        let field = |(name, node): (&str, T)| Field {
            head: Head::of(name.as_bytes(), &(0..name.len())),
            node,
            name: name.as_bytes().into(),
        };
        Self::of(fields.into_iter().map(field).collect())
    }
}

impl<T> FieldIndex<T> {
    fn of(fields: Vec<Field<T>>) -> Self {
        let (mut size, mut factor) = ((fields.len() * 4).next_power_of_two(), FIRST_FACTOR);
        loop {
            for _ in 0..TRIES_A_SIZE {
                if let Some(table) = place(&fields, size, factor) {
                    return Self { fields, table, factor };
                }
                factor = factor.wrapping_mul(FIRST_FACTOR) | 1;
            }
            size *= 2;
        }
    }
}

/// Each name on a place of its own; `None` if two fall on one.
fn place<T>(fields: &[Field<T>], size: usize, factor: u64) -> Option<Vec<u16>> {
    let mut table = vec![FREE; size];
    for (field, number) in fields.iter().zip(0..FREE) {
        let place = &mut table[field.head.hash(factor) & (size - 1)];
        if *place != FREE {
            return None;
        }
        *place = number;
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name_only() {
        let names = [
            "a",
            "ab",
            "b",
            "startLocalDateTime",
            "startXXXalDateTime",
            "a name of more than thirty-two bytes",
            "",
            "12345678",
        ];
        let index: FieldIndex<&str> = names.into_iter().map(|name| (name, name)).collect();
        for name in names {
            assert_eq!(index.get(name.as_bytes(), &(0..name.len())), Some(&name));
            let text = format!("{{\"{name}\": 1, \"and\": \"so on, for longer than a name\"}}");
            assert_eq!(index.get(text.as_bytes(), &(2..2 + name.len())), Some(&name));
        }
        for other in [
            "c",
            "abc",
            "startYYYalDateTime",
            "123456789",
            "\0a",
            "startLocalDateTim",
            "a name of more than thirty-two bits",
        ] {
            assert_eq!(index.get(other.as_bytes(), &(0..other.len())), None, "{other}");
        }
        assert_eq!(FieldIndex::<()>::from_iter([]).get(b"a", &(0..1)), None);
    }
}
