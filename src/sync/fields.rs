//! The fields of an object, found by name while walking over one.
//!
//! Rows of one stream have their fields in one order, some left out now and then. So the field that followed the one
//! before last time is tried first, then the one that followed that; a map by name is asked only when both are wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::json::Walk;

/// The fields of an object, each with what is known of it.
pub(super) struct Fields<T> {
    in_order: Vec<Field<T>>,
    by_name: FxHashMap<Box<[u8]>, usize>,
    first: Next,
}

struct Field<T> {
    /// The name in quotes, as it stands in a row.
    quoted: Vec<u8>,
    known: T,
    next: Next,
}

/// The number of the field that came next, last time; a guess that costs little when it is wrong, so the order in which
/// threads see it does not matter.
#[derive(Default)]
struct Next(AtomicUsize);

impl<T> Fields<T> {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The field of that name.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let number = *self.by_name.get(name.as_bytes())?;
        self.in_order.get_mut(number).map(|field| &mut field.known)
    }

    /// Steps over the name of the next member; what is known of it, if anything. `before` is the field before it.
    pub(super) fn step(&self, walk: &mut Walk<'_>, before: &mut Option<usize>) -> Option<&T> {
        let next = before.map_or(&self.first, |before| &self.in_order[before].next);
        let guess = next.0.load(Ordering::Relaxed);
        let number = self.taken(walk, guess).or_else(|| {
            let further = self.in_order.get(guess)?.next.0.load(Ordering::Relaxed);
            self.taken(walk, further)
        });
        let number = number.or_else(|| {
            let number = *self.by_name.get(walk.name())?;
            next.0.store(number, Ordering::Relaxed);
            Some(number)
        })?;
        *before = Some(number);
        Some(&self.in_order[number].known)
    }

    fn taken(&self, walk: &mut Walk<'_>, number: usize) -> Option<usize> {
        self.in_order.get(number).filter(|field| walk.takes(&field.quoted)).map(|_| number)
    }
}

impl<'a, T> FromIterator<(&'a str, T)> for Fields<T> {
    fn from_iter<I: IntoIterator<Item = (&'a str, T)>>(fields: I) -> Self {
        let mut by_name = FxHashMap::default();
        let fields = fields.into_iter().enumerate().map(|(number, (name, known))| {
            by_name.insert(name.as_bytes().into(), number);
            Field { quoted: format!("\"{name}\"").into_bytes(), known, next: Next::default() }
        });
        Self { in_order: fields.collect(), by_name, first: Next::default() }
    }
}
