//! Finding objects by what they hold: their labels, and what functions of the user say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use kube::core::{Expression, Selector};

use crate::stored::Labels;
use crate::{ObjectRef, Stored};

/// Finds objects by label.
///
/// Objects with equal labels share one set of labels, and most objects have labels like others, so that it is enough to
/// look for the sets. Objects without labels are in no set.
#[derive(Debug, Default)]
pub(crate) struct LabelIndex {
    sets: BTreeMap<u32, Set>,
    /// From the address of a set of labels to its number. Equal sets are one, so that the address says it all.
    numbers: HashMap<usize, u32>,
    next: u32,
    /// The sets that have a label of this key and value.
    pairs: HashMap<(Arc<str>, Arc<str>), BTreeSet<u32>>,
}

#[derive(Debug)]
struct Set {
    labels: Arc<Labels>,
    slots: BTreeSet<u32>,
}

type ValuesOf = dyn Fn(&Stored) -> Vec<String> + Send + Sync;

/// What a function of the user finds in the objects.
pub(crate) struct UserIndex {
    values_of: Box<ValuesOf>,
    /// In the order of their references, so that the first few can be had without the others.
    slots: BTreeMap<String, BTreeMap<ObjectRef, u32>>,
}

impl LabelIndex {
    pub(crate) fn insert(&mut self, slot: u32, labels: &Arc<Labels>) {
        let number = *self.numbers.entry(Arc::as_ptr(labels).addr()).or_insert_with(|| {
            let number = self.next;
            self.next = self.next.wrapping_add(1);
            for (key, value) in &labels.0 {
                self.pairs.entry((key.clone(), value.clone())).or_default().insert(number);
            }
            self.sets.insert(number, Set { labels: labels.clone(), slots: BTreeSet::new() });
            number
        });
        if let Some(set) = self.sets.get_mut(&number) {
            set.slots.insert(slot);
        }
    }

    pub(crate) fn remove(&mut self, slot: u32, labels: &Arc<Labels>) {
        let address = Arc::as_ptr(labels).addr();
        let Some(&number) = self.numbers.get(&address) else { return };
        let Some(set) = self.sets.get_mut(&number) else { return };
        set.slots.remove(&slot);
        if set.slots.is_empty() {
            self.sets.remove(&number);
            self.numbers.remove(&address);
            for (key, value) in &labels.0 {
                let pair = (key.clone(), value.clone());
                if let Some(sets) = self.pairs.get_mut(&pair) {
                    sets.remove(&number);
                    if sets.is_empty() {
                        self.pairs.remove(&pair);
                    }
                }
            }
        }
    }

    /// The objects that a selector matches, of those that have labels at all.
    pub(crate) fn select<'a>(&'a self, selector: &'a [Expression]) -> impl Iterator<Item = u32> + 'a {
        // The equality that the fewest sets fulfil narrows it down; the others are looked at set by set.
        let narrowed = selector.iter().filter_map(|expression| match expression {
            Expression::Equal(key, value) => Some(self.with_label(key, value)),
            _ => None,
        });
        let narrowest = narrowed.min_by_key(|sets| sets.map_or(0, BTreeSet::len));
        let candidates: Box<dyn Iterator<Item = &Set>> = match narrowest {
            Some(sets) => Box::new(sets.into_iter().flatten().filter_map(|number| self.sets.get(number))),
            None => Box::new(self.sets.values()),
        };
        let matching = candidates.filter(|set| matches(selector, |key| set.labels.get(key)));
        matching.flat_map(|set| set.slots.iter().copied())
    }

    /// How many different sets of labels the objects have.
    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    fn with_label(&self, key: &str, value: &str) -> Option<&BTreeSet<u32>> {
        self.pairs.get(&Pair(key, value))
    }
}

/// A label to look for, without owning it.
#[derive(Hash)]
struct Pair<'a>(&'a str, &'a str);

impl hashbrown::Equivalent<(Arc<str>, Arc<str>)> for Pair<'_> {
    fn equivalent(&self, (key, value): &(Arc<str>, Arc<str>)) -> bool {
        *self.0 == **key && *self.1 == **value
    }
}

impl UserIndex {
    pub(crate) fn new(values_of: impl Fn(&Stored) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self { values_of: Box::new(values_of), slots: BTreeMap::new() }
    }

    pub(crate) fn insert(&mut self, slot: u32, object: &Stored) {
        for value in (self.values_of)(object) {
            self.slots.entry(value).or_default().insert(object.reference().clone(), slot);
        }
    }

    pub(crate) fn remove(&mut self, object: &Stored) {
        for value in (self.values_of)(object) {
            if let Some(slots) = self.slots.get_mut(&value) {
                slots.remove(object.reference());
                if slots.is_empty() {
                    self.slots.remove(&value);
                }
            }
        }
    }

    /// The objects of this value, in the order of their references.
    pub(crate) fn get(&self, value: &str) -> impl Iterator<Item = u32> {
        self.slots.get(value).into_iter().flatten().map(|(_, slot)| *slot)
    }
}

/// The expressions of a selector.
pub(crate) fn expressions(selector: &Selector) -> Vec<Expression> {
    selector.clone().into_iter().collect()
}

/// Whether an object without labels matches.
pub(crate) fn matches_unlabelled(selector: &[Expression]) -> bool {
    matches(selector, |_| None)
}

/// Whether labels match.
pub(crate) fn matches<'a>(selector: &[Expression], label: impl Fn(&str) -> Option<&'a str>) -> bool {
    selector.iter().all(|expression| match expression {
        Expression::In(key, values) => label(key).is_some_and(|value| values.contains(value)),
        Expression::NotIn(key, values) => label(key).is_none_or(|value| !values.contains(value)),
        Expression::Equal(key, value) => label(key) == Some(value),
        Expression::NotEqual(key, value) => label(key) != Some(value),
        Expression::Exists(key) => label(key).is_some(),
        Expression::DoesNotExist(key) => label(key).is_none(),
    })
}
