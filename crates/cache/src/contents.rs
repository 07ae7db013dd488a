//! The objects of a cache and the ways to find them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use kube::core::Selector;

use crate::index::{LabelIndex, UserIndex, expressions, matches_unlabelled};
use crate::{ObjectRef, Stored};

/// The objects of a cache. Each has a slot, by whose number the indexes know it.
#[derive(Default)]
pub(crate) struct Contents {
    keys: BTreeMap<ObjectRef, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    owned: HashMap<Arc<str>, BTreeSet<u32>>,
    labels: LabelIndex,
    unlabelled: BTreeSet<u32>,
    user: BTreeMap<u64, UserIndex>,
    next_index: u64,
    bytes: usize,
}

#[derive(Default)]
struct Slot {
    object: Option<Stored>,
    /// The last list that this object was in.
    pass: u32,
}

impl Contents {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn label_sets(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn get(&self, key: &ObjectRef) -> Option<&Stored> {
        self.keys.get(key).and_then(|&slot| self.object(slot))
    }

    /// All objects, or those of a namespace, in order.
    pub(crate) fn iter<'a>(&'a self, namespace: Option<&'a str>) -> impl Iterator<Item = &'a Stored> {
        let from = namespace.map(|namespace| ObjectRef::new(Some(namespace), ""));
        let range = match &from {
            Some(from) => self.keys.range(from..),
            None => self.keys.range::<ObjectRef, _>(..),
        };
        let inside = range.take_while(move |(key, _)| namespace.is_none() || key.namespace.as_deref() == namespace);
        inside.filter_map(|(_, &slot)| self.object(slot))
    }

    pub(crate) fn owned_by(&self, uid: &str) -> Vec<Stored> {
        self.in_order(self.owned.get(uid).into_iter().flatten().copied())
    }

    pub(crate) fn select(&self, namespace: Option<&str>, selector: &Selector) -> Vec<Stored> {
        let expressions = expressions(selector);
        let unlabelled = Some(&self.unlabelled).filter(|_| matches_unlabelled(&expressions));
        let slots = self.labels.select(&expressions).chain(unlabelled.into_iter().flatten().copied());
        let mut found = self.in_order(slots);
        found.retain(|object| namespace.is_none() || object.namespace() == namespace);
        found
    }

    pub(crate) fn add_index(&mut self, mut index: UserIndex) -> u64 {
        for &slot in self.keys.values() {
            if let Some(object) = self.object(slot) {
                index.insert(slot, object);
            }
        }
        let id = self.next_index;
        self.next_index += 1;
        self.user.insert(id, index);
        id
    }

    pub(crate) fn remove_index(&mut self, id: u64) {
        self.user.remove(&id);
    }

    /// The objects that an index has under a value, in order.
    pub(crate) fn by_index(&self, id: u64, value: &str) -> impl Iterator<Item = &Stored> {
        let slots = self.user.get(&id).into_iter().flat_map(|index| index.get(value));
        slots.filter_map(|slot| self.object(slot))
    }

    /// Puts an object in and gives back what was in its place.
    pub(crate) fn put(&mut self, object: Stored, pass: u32) -> Option<Stored> {
        let slot = match self.keys.get(object.reference()) {
            Some(&slot) => slot,
            None => {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(Slot::default());
                    // A slot for each of four thousand million objects would not fit into memory.
                    (self.slots.len() - 1) as u32
                });
                self.keys.insert(object.reference().clone(), slot);
                slot
            }
        };
        let old = self.slots[slot as usize].object.take();
        if let Some(old) = &old {
            self.unindex(slot, old, Some(&object));
        }
        self.index(slot, &object, old.as_ref());
        self.slots[slot as usize] = Slot { object: Some(object), pass };
        old
    }

    pub(crate) fn remove(&mut self, key: &ObjectRef) -> Option<Stored> {
        let slot = self.keys.remove(key)?;
        let old = self.slots[slot as usize].object.take();
        self.free.push(slot);
        if let Some(old) = &old {
            self.unindex(slot, old, None);
        }
        old
    }

    /// Notes that an object was in the list `pass`, or, with 0, in none.
    pub(crate) fn mark(&mut self, key: &ObjectRef, pass: u32) {
        if let Some(&slot) = self.keys.get(key) {
            self.slots[slot as usize].pass = pass;
        }
    }

    /// Those that were not in the list `pass`, in order.
    pub(crate) fn missing(&self, pass: u32) -> Vec<ObjectRef> {
        let missing = self.keys.iter().filter(|&(_, &slot)| self.slots[slot as usize].pass != pass);
        missing.map(|(key, _)| key.clone()).collect()
    }

    fn object(&self, slot: u32) -> Option<&Stored> {
        self.slots[slot as usize].object.as_ref()
    }

    fn in_order(&self, slots: impl Iterator<Item = u32>) -> Vec<Stored> {
        let mut found: Vec<Stored> = slots.filter_map(|slot| self.object(slot).cloned()).collect();
        found.sort_unstable_by(|one, other| one.reference().cmp(other.reference()));
        found
    }

    fn index(&mut self, slot: u32, object: &Stored, old: Option<&Stored>) {
        self.bytes += object.bytes();
        for owner in object.owners() {
            self.owned.entry(owner.uid.clone()).or_default().insert(slot);
        }
        if !old.is_some_and(|old| same_labels(old, object)) {
            match &object.0.labels {
                Some(labels) => self.labels.insert(slot, labels),
                None => _ = self.unlabelled.insert(slot),
            }
        }
        for index in self.user.values_mut() {
            index.insert(slot, object);
        }
    }

    fn unindex(&mut self, slot: u32, object: &Stored, new: Option<&Stored>) {
        self.bytes -= object.bytes();
        for owner in object.owners() {
            if let Some(slots) = self.owned.get_mut(&owner.uid) {
                slots.remove(&slot);
                if slots.is_empty() {
                    self.owned.remove(&owner.uid);
                }
            }
        }
        if !new.is_some_and(|new| same_labels(object, new)) {
            match &object.0.labels {
                Some(labels) => self.labels.remove(slot, labels),
                None => _ = self.unlabelled.remove(&slot),
            }
        }
        for index in self.user.values_mut() {
            index.remove(object);
        }
    }
}

/// Equal labels are one set.
fn same_labels(one: &Stored, other: &Stored) -> bool {
    match (&one.0.labels, &other.0.labels) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
