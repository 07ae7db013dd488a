//! Where keys lie: a slab whose slots are found by hash and linked into lists.
//!
//! A key is hashed once, by whoever adds it; from then on it is known by its slot. A key that is no longer in use stays where it
//! is, as most keys come again; when little else is left, all such are forgotten in one pass, which is in the order of memory
//! and not in that of hashes.

use std::hash::Hash;

use hashbrown::HashTable;

use crate::Priority;

/// A slab is given back to the allocator once nothing in it is in use and it has been larger than this.
const KEEP: usize = 4096;
/// No slot.
pub(crate) const NIL: u32 = u32::MAX;

/// Where a key waits. It may be worked on at the same time, unless it is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It waits for nothing.
    Idle,
    /// It waits for a worker, in the list of its priority.
    Queued,
    /// It is worked on and was added meanwhile.
    Again,
    /// It waits for its delay to be over.
    Delayed,
}

#[derive(Debug)]
pub(crate) struct Slot<K> {
    key: Option<K>,
    hash: u32,
    prev: u32,
    next: u32,
    pub(crate) place: Place,
    pub(crate) priority: Priority,
    pub(crate) working: bool,
    /// Its key is kept for the case that it comes again.
    unused: bool,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Delayed: when it is due. Queued or again: since when.
    pub(crate) at: u64,
    /// Order among what is queued, or among what is due at the same time.
    pub(crate) order: u64,
    /// Working: since when.
    pub(crate) started: u64,
}

#[derive(Debug)]
pub(crate) struct Slots<K> {
    table: HashTable<Entry>,
    slots: Vec<Slot<K>>,
    /// The first free slot; the others follow by `next`.
    free: u32,
    /// How many slots have a key that is not in use.
    unused: usize,
}

/// A slot in the table, with its hash, so that a table grows without a look at the slots.
#[derive(Debug)]
struct Entry {
    hash: u32,
    index: u32,
}

impl<K: Hash + Eq> Slots<K> {
    pub(crate) const fn new() -> Self {
        Self { table: HashTable::new(), slots: Vec::new(), free: NIL, unused: 0 }
    }

    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<u32>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let hash = short(hash);
        let found = self.table.find(long(hash), |entry| entry.hash == hash && self[entry.index].is(key));
        found.map(|entry| entry.index)
    }

    /// The slot of `key`, which is idle if it is new. It is in use from now on.
    pub(crate) fn find_or_insert(&mut self, hash: u64, key: K) -> u32 {
        let Self { table, slots, free, unused } = self;
        let hash = short(hash);
        let same = |entry: &Entry| entry.hash == hash && slots[entry.index as usize].is(&key);
        match table.entry(long(hash), same, |entry| long(entry.hash)) {
            hashbrown::hash_table::Entry::Occupied(entry) => {
                let index = entry.get().index;
                *unused -= usize::from(std::mem::take(&mut slots[index as usize].unused));
                index
            }
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let slot = Slot {
                    key: Some(key),
                    hash,
                    prev: NIL,
                    next: NIL,
                    place: Place::Idle,
                    priority: Priority::NORMAL,
                    working: false,
                    unused: false,
                    failures: 0,
                    at: 0,
                    order: 0,
                    started: 0,
                };
                let index = if *free == NIL {
                    slots.push(slot);
                    #[expect(clippy::expect_used, reason = "four thousand million keys do not fit into memory")]
                    u32::try_from(slots.len() - 1).ok().filter(|&index| index != NIL).expect("fewer keys than u32::MAX")
                } else {
                    let index = *free;
                    *free = slots[index as usize].next;
                    slots[index as usize] = slot;
                    index
                };
                entry.insert(Entry { hash, index });
                index
            }
        }
    }

    /// A key that is in no list is no longer in use.
    pub(crate) fn release(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if slot.unused {
            return;
        }
        slot.unused = true;
        self.unused += 1;
        if self.slots.len() <= KEEP {
            return;
        }
        if self.unused == self.table.len() {
            *self = Self::new();
        } else if self.unused >= self.slots.len() / 8 * 7 {
            self.sweep();
        }
    }

    /// Forgets all keys that are not in use.
    fn sweep(&mut self) {
        self.table = HashTable::with_capacity(self.table.len() - self.unused);
        self.unused = 0;
        for (index, slot) in (0..).zip(&mut self.slots) {
            if slot.unused {
                slot.unused = false;
                slot.key = None;
                slot.next = self.free;
                self.free = index;
            } else if slot.key.is_some() {
                let hash = slot.hash;
                self.table.insert_unique(long(hash), Entry { hash, index }, |entry| long(entry.hash));
            }
        }
    }

    pub(crate) fn push_back(&mut self, list: &mut List, index: u32) {
        let last = list.last;
        let slot = &mut self[index];
        (slot.prev, slot.next) = (last, NIL);
        match last {
            NIL => list.first = index,
            _ => self[last].next = index,
        }
        list.last = index;
        list.len += 1;
    }

    pub(crate) fn unlink(&mut self, list: &mut List, index: u32) {
        let (prev, next) = (self[index].prev, self[index].next);
        match prev {
            NIL => list.first = next,
            _ => self[prev].next = next,
        }
        match next {
            NIL => list.last = prev,
            _ => self[next].prev = prev,
        }
        list.len -= 1;
    }

    pub(crate) fn iter<'a>(&'a self, list: &List) -> impl Iterator<Item = &'a Slot<K>> {
        let at = |index: u32| (index != NIL).then(|| &self[index]);
        std::iter::successors(at(list.first), move |slot| at(slot.next))
    }

    /// How many keys are in use.
    pub(crate) fn len(&self) -> usize {
        self.table.len() - self.unused
    }
}

/// What is kept of a hash: half of it.
fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A hash for the table, whose first bits and last bits both have to differ.
fn long(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<K> Slot<K> {
    pub(crate) fn key(&self) -> &K {
        #[expect(
            clippy::expect_used,
            reason = "only free slots have no key, and no list and no worker holds a free slot"
        )]
        self.key.as_ref().expect("a slot in use has a key")
    }

    fn is<Q>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.key.as_ref().is_some_and(|own| own.borrow() == key)
    }
}

impl<K> std::ops::Index<u32> for Slots<K> {
    type Output = Slot<K>;
    fn index(&self, index: u32) -> &Slot<K> {
        &self.slots[index as usize]
    }
}

impl<K> std::ops::IndexMut<u32> for Slots<K> {
    fn index_mut(&mut self, index: u32) -> &mut Slot<K> {
        &mut self.slots[index as usize]
    }
}

/// A list of slots, linked through them: adding, taking and removing anywhere is one step.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) first: u32,
    last: u32,
    pub(crate) len: usize,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { first: NIL, last: NIL, len: 0 }
    }
}
