//! The fields of an object, found by their names as they stand in a row.
//!
//! The names of a schema are known and few, so a table of our own needs no more than the length of a name and its first and
//! last eight bytes to find it, and compares words instead of calling for a comparison of bytes.

/// Marks a free place in the table.
const FREE: u16 = u16::MAX;

/// The fields of an object, each with what is known of it.
pub(super) struct FieldIndex<T> {
    fields: Vec<Field<T>>,
    /// Numbers of fields by the hash of their names; at least half of the places are free, so that each search ends soon.
    table: Vec<u16>,
}

struct Field<T> {
    name: Box<[u8]>,
    ends: Ends,
    node: T,
}

/// What of a name is compared first: its length, and its first and last eight bytes, or all of it if it is shorter.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    length: usize,
    first: u64,
    last: u64,
}

impl Ends {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        };
        Self { length: name.len(), first, last }
    }

    #[inline]
    fn hash(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29) ^ self.length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize
    }
}

impl<T> FieldIndex<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let number = self.position(name.as_bytes())?;
        Some(&mut self.fields[number].node)
    }

    /// What is known of the field of that name, as it is written: a name with escapes is found by no other spelling.
    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        self.position(name).map(|number| &self.fields[number].node)
    }

    #[inline]
    fn position(&self, name: &[u8]) -> Option<usize> {
        let ends = Ends::of(name);
        let mut place = ends.hash();
        loop {
            let number = *self.table.get(place & (self.table.len().wrapping_sub(1)))?;
            if number == FREE {
                return None;
            }
            let field = &self.fields[usize::from(number)];
            if field.ends == ends && (name.len() <= 16 || *field.name == *name) {
                return Some(usize::from(number));
            }
            place += 1;
        }
    }
}

impl<'a, T> FromIterator<(&'a str, T)> for FieldIndex<T> {
    fn from_iter<I: IntoIterator<Item = (&'a str, T)>>(fields: I) -> Self {
        let fields: Vec<_> = fields
            .into_iter()
            .map(|(name, node)| Field { name: name.as_bytes().into(), ends: Ends::of(name.as_bytes()), node })
            .collect();
        let mut table = vec![FREE; (fields.len() * 4).next_power_of_two()];
        for (field, number) in fields.iter().zip(0u16..) {
            let mut place = field.ends.hash();
            while table[place & (table.len() - 1)] != FREE {
                place += 1;
            }
            let mask = table.len() - 1;
            table[place & mask] = number;
        }
        Self { fields, table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name_only() {
        let names =
            ["a", "ab", "b", "startLocalDateTime", "startXXXalDateTime", "start_Local_DateTime", "", "12345678"];
        let index: FieldIndex<&str> = names.into_iter().map(|name| (name, name)).collect();
        for name in names {
            assert_eq!(index.get(name.as_bytes()), Some(&name));
        }
        for other in ["c", "abc", "startYYYalDateTime", "123456789", "\0a", "startLocalDateTim"] {
            assert_eq!(index.get(other.as_bytes()), None, "{other}");
        }
        assert_eq!(FieldIndex::<()>::from_iter([]).get(b"a"), None);
    }
}
