//! Equal values kept once.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::Mutex;

use crate::stored::{Labels, Owner};

/// Below this many values it is not worth looking for unused ones.
const SWEEP_AT_LEAST: usize = 1024;

/// What the objects of all caches of a process have in common.
#[derive(Debug, Default)]
pub(crate) struct Interners {
    /// Namespaces, keys and values of labels, kinds.
    pub(crate) strings: Interner<str>,
    pub(crate) labels: Interner<Labels>,
    pub(crate) owners: Interner<[Owner]>,
}

/// A set of shared values. What nobody else uses any more is dropped now and then, at a cost that is constant for each
/// value.
#[derive(Debug)]
pub(crate) struct Interner<T: ?Sized>(Mutex<Table<T>>);

#[derive(Debug)]
struct Table<T: ?Sized> {
    values: HashTable<Arc<T>>,
    hasher: DefaultHashBuilder,
    sweep_at: usize,
}

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self(Mutex::new(Table { values: HashTable::new(), hasher, sweep_at: SWEEP_AT_LEAST }))
    }
}

impl<T: Hash + Eq + ?Sized> Interner<T> {
    /// The shared value that equals `value`; made by `make` if there is none.
    ///
    /// `Q` has to hash as `T` does.
    pub(crate) fn get<Q>(&self, value: &Q, equal: impl Fn(&T, &Q) -> bool, make: impl FnOnce() -> Arc<T>) -> Arc<T>
    where
        Q: Hash + ?Sized,
    {
        let table = &mut *self.0.lock();
        let hash = table.hasher.hash_one(value);
        if let Some(found) = table.values.find(hash, |other| equal(other, value)) {
            return found.clone();
        }
        let made = make();
        if table.values.len() >= table.sweep_at {
            table.values.retain(|value| Arc::strong_count(value) > 1);
            table.sweep_at = (table.values.len() * 2).max(SWEEP_AT_LEAST);
        }
        table.values.insert_unique(hash, made.clone(), |other| table.hasher.hash_one(other));
        made
    }
}

impl Interner<str> {
    pub(crate) fn text(&self, text: &str) -> Arc<str> {
        self.get(text, |one, other| one == other, || text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_are_kept_once() {
        let strings = Interner::<str>::default();
        assert!(Arc::ptr_eq(&strings.text("a"), &strings.text("a")));
        assert!(!Arc::ptr_eq(&strings.text("a"), &strings.text("b")));
    }

    #[test]
    fn what_nobody_uses_any_more_is_dropped() {
        let strings = Interner::<str>::default();
        let kept = strings.text("kept");
        for number in 0..100 * SWEEP_AT_LEAST {
            strings.text(&number.to_string());
        }
        assert!(strings.0.lock().values.len() <= 2 * SWEEP_AT_LEAST);
        assert!(Arc::ptr_eq(&strings.text("kept"), &kept));
    }
}
