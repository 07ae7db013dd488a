//! An ordered map that also knows how many objects there are between two keys.
//!
//! Entries lie in sorted runs, the runs in a vector. A lookup is two binary searches, reading in order walks through
//! contiguous memory, and counting adds up the lengths of the runs in between: a few hundred numbers for 100 000
//! entries. An insertion moves part of one run; half a run later, part of the vector of runs.

use std::ops::Bound;

use super::key::ObjectKey;

/// The map.
pub(super) struct CountedMap<V> {
    /// Never empty; no run but an only one is.
    runs: Vec<Run<V>>,
}

/// A value of a [`CountedMap`].
pub(super) trait Counted {
    /// Whether it counts. Values that do not are found nonetheless.
    fn counts(&self) -> bool;
}

struct Run<V> {
    /// More than all keys of the run before, at most the first key of this one. Not used in the first run.
    from: ObjectKey,
    entries: Vec<(ObjectKey, V)>,
    /// How many of the entries do not count.
    uncounted: usize,
}

/// Where an entry is. Valid until the next insertion or removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    run: usize,
    entry: usize,
}

/// Most entries of a run.
const RUN: usize = 256;

impl<V: Counted> CountedMap<V> {
    pub(super) fn new() -> Self {
        let first = Run { from: ObjectKey::new("", ""), entries: Vec::new(), uncounted: 0 };
        Self { runs: vec![first] }
    }

    /// Where `key` is, or where it is to be inserted.
    pub(super) fn find(&self, key: &str) -> Result<Position, Position> {
        let run = self.runs[1..].partition_point(|run| run.from.as_str() <= key);
        match self.runs[run].entries.binary_search_by(|(found, _)| found.as_str().cmp(key)) {
            Ok(entry) => Ok(Position { run, entry }),
            Err(entry) => Err(Position { run, entry }),
        }
    }

    /// The value at a place where [`Self::find`] found one.
    pub(super) fn at(&self, at: Position) -> &V {
        &self.runs[at.run].entries[at.entry].1
    }

    /// Changes the value at a place where [`Self::find`] found one.
    pub(super) fn change<R>(&mut self, at: Position, change: impl FnOnce(&mut V) -> R) -> R {
        let run = &mut self.runs[at.run];
        let value = &mut run.entries[at.entry].1;
        run.uncounted -= usize::from(!value.counts());
        let result = change(value);
        run.uncounted += usize::from(!value.counts());
        result
    }

    /// Inserts at a place where [`Self::find`] missed the key.
    pub(super) fn insert(&mut self, mut at: Position, key: ObjectKey, value: V) {
        if self.runs[at.run].entries.len() == RUN {
            // Keys that come in order leave full runs behind.
            let keep = if at.entry == RUN { RUN } else { RUN / 2 };
            let entries = self.runs[at.run].entries.split_off(keep);
            let from = entries.first().map_or(&key, |(first, _)| first).clone();
            let split = Run::new(from, entries);
            self.runs[at.run].uncounted -= split.uncounted;
            self.runs.insert(at.run + 1, split);
            // A key between the two halves ends the first: it is less than where the second starts.
            if at.entry > keep || keep == RUN {
                at = Position { run: at.run + 1, entry: at.entry - keep };
            }
        }
        let run = &mut self.runs[at.run];
        run.uncounted += usize::from(!value.counts());
        run.entries.insert(at.entry, (key, value));
    }

    /// Removes the entry at a place where [`Self::find`] found one.
    pub(super) fn remove(&mut self, at: Position) {
        let run = &mut self.runs[at.run];
        let (_, value) = run.entries.remove(at.entry);
        run.uncounted -= usize::from(!value.counts());
        let left_over = run.entries.len();
        if left_over == 0 && self.runs.len() > 1 {
            self.runs.remove(at.run);
            return;
        }
        // Runs that are nearly empty join a neighbour, with room to grow for both directions.
        if left_over < RUN / 4 && self.runs.len() > 1 {
            let left = at.run.saturating_sub(1);
            if self.runs[left].entries.len() + self.runs[left + 1].entries.len() <= RUN / 2 {
                let mut joined = self.runs.remove(left + 1);
                self.runs[left].entries.append(&mut joined.entries);
                self.runs[left].uncounted += joined.uncounted;
            }
        }
    }

    /// The entries within the bounds, in order.
    pub(super) fn range(
        &self,
        from: Bound<&str>,
        to: Bound<&str>,
    ) -> impl Iterator<Item = (&ObjectKey, &V)> + use<'_, V> {
        let (from, to) = (self.start(from), self.end(to));
        let runs = if from < to { from.run..(to.run + 1).min(self.runs.len()) } else { 0..0 };
        runs.flat_map(move |run| {
            let entries = &self.runs[run].entries;
            let first = if run == from.run { from.entry } else { 0 };
            let end = if run == to.run { to.entry } else { entries.len() };
            entries[first..end].iter().map(|(key, value)| (key, value))
        })
    }

    /// How many entries within the bounds count.
    pub(super) fn count(&self, from: Bound<&str>, to: Bound<&str>) -> usize {
        let (from, to) = (self.start(from), self.end(to));
        self.count_before(to).saturating_sub(self.count_before(from))
    }

    fn count_before(&self, at: Position) -> usize {
        let whole: usize = self.runs[..at.run].iter().map(|run| run.entries.len() - run.uncounted).sum();
        let part = match self.runs.get(at.run) {
            Some(run) if run.uncounted > 0 => {
                run.entries[..at.entry].iter().filter(|(_, value)| value.counts()).count()
            }
            _ => at.entry,
        };
        whole + part
    }

    fn start(&self, from: Bound<&str>) -> Position {
        match from {
            Bound::Unbounded => Position { run: 0, entry: 0 },
            Bound::Included(key) => self.find(key).unwrap_or_else(|at| at),
            Bound::Excluded(key) => self.after(key),
        }
    }

    fn end(&self, to: Bound<&str>) -> Position {
        match to {
            Bound::Unbounded => Position { run: self.runs.len(), entry: 0 },
            Bound::Included(key) => self.after(key),
            Bound::Excluded(key) => self.find(key).unwrap_or_else(|at| at),
        }
    }

    fn after(&self, key: &str) -> Position {
        self.find(key).map_or_else(|at| at, |at| Position { entry: at.entry + 1, ..at })
    }
}

impl<V: Counted> Run<V> {
    fn new(from: ObjectKey, entries: Vec<(ObjectKey, V)>) -> Self {
        let uncounted = entries.iter().filter(|(_, value)| !value.counts()).count();
        Self { from, entries, uncounted }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Counted for u32 {
        fn counts(&self) -> bool {
            !self.is_multiple_of(3)
        }
    }

    fn check(map: &CountedMap<u32>, model: &BTreeMap<ObjectKey, u32>, from: Bound<&str>, to: Bound<&str>) {
        let found: Vec<_> = map.range(from, to).collect();
        let expected: Vec<_> = model
            .iter()
            .filter(|(key, _)| match from {
                Bound::Included(from) => key.as_str() >= from,
                Bound::Excluded(from) => key.as_str() > from,
                Bound::Unbounded => true,
            })
            .filter(|(key, _)| match to {
                Bound::Included(to) => key.as_str() <= to,
                Bound::Excluded(to) => key.as_str() < to,
                Bound::Unbounded => true,
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(map.count(from, to), expected.iter().filter(|(_, value)| value.counts()).count());
        for (number, run) in map.runs.iter().enumerate() {
            assert!(map.runs.len() == 1 || !run.entries.is_empty());
            assert!(run.entries.len() <= RUN);
            assert!(number == 0 || run.from <= run.entries[0].0);
        }
    }

    fn put(map: &mut CountedMap<u32>, model: &mut BTreeMap<ObjectKey, u32>, key: ObjectKey, value: u32) {
        match map.find(key.as_str()) {
            Ok(at) => map.change(at, |old| *old = value),
            Err(at) => map.insert(at, key.clone(), value),
        }
        model.insert(key, value);
    }

    fn bound(kind: u8, key: &str) -> Bound<&str> {
        match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(key),
            _ => Bound::Excluded(key),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..Default::default() })]

        #[test]
        fn it_is_an_ordered_map_that_counts(
            keys in prop::collection::vec((0..1500u32, any::<u32>(), prop::bool::weighted(0.3)), 1..3000),
            ascending in 0..1000u32,
            ranges in prop::collection::vec((0..3u8, 0..1600u32, 0..3u8, 0..1600u32), 20),
            emptied in any::<bool>(),
        ) {
            let (mut map, mut model) = (CountedMap::new(), BTreeMap::new());
            let key = |number: u32| ObjectKey::new("ns", &format!("{number:05}"));
            for number in 0..ascending {
                put(&mut map, &mut model, key(number), number);
            }
            let removals = (0..1500).filter(|_| emptied).map(|number| (number * 7 % 1500, 0, true));
            for (number, value, remove) in keys.into_iter().chain(removals) {
                if !remove {
                    put(&mut map, &mut model, key(number), value);
                } else if model.remove(&key(number)).is_some() {
                    let at = map.find(key(number).as_str()).unwrap();
                    map.remove(at);
                }
            }
            for (from_kind, from, to_kind, to) in ranges {
                let (from, to) = (key(from), key(to));
                check(&map, &model, bound(from_kind, from.as_str()), bound(to_kind, to.as_str()));
            }
            prop_assert!(!emptied || map.runs.len() == 1);
            for (key, value) in &model {
                prop_assert_eq!(map.at(map.find(key.as_str()).unwrap()), value);
            }
        }
    }
}
