//! What changed in a cache, for those who follow it.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::Notify;

use crate::informer::Handle;
use crate::{ObjectRef, Stored};

/// A change of one object, as far as one follower is concerned.
///
/// Changes of the same object that a follower has not yet taken become one, so that it may miss states in between but
/// never that something changed: an object that is added and deleted in between is told of as deleted; one that is
/// deleted and made anew as changed, with another uid.
#[derive(Debug, Clone)]
pub struct Delta {
    /// Which object.
    pub reference: ObjectRef,
    /// What the follower knew of it: the state in the last delta that it took; for an object that it has never heard of
    /// and that is gone, the last state in the cache. `None` for one that is new.
    pub old: Option<Stored>,
    /// The state now, `None` if the object is gone or does not match the watch's selectors any more.
    pub new: Option<Stored>,
    /// For an object that is gone: the final state, which the server sent with the deletion. `None` if the deletion was
    /// not seen when it happened but found by a relist; `old` is the last that is known then.
    pub last: Option<Stored>,
    /// It was there when the follower began, or in the first list.
    pub initial: bool,
}

/// The changes of a cache from some moment on: first all that it holds, then what changes.
///
/// A slow follower holds up nobody. It costs memory for each object that changed since it last looked, not for each
/// change.
#[derive(Debug)]
pub struct Deltas {
    queue: Arc<Queue>,
    /// Keeps the watch going.
    handle: Arc<Handle>,
}

/// What one follower has not yet taken.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    order: VecDeque<ObjectRef>,
    /// And whether the follower has never heard of the object.
    deltas: FxHashMap<ObjectRef, (Delta, bool)>,
    /// The follower has taken a change and not yet asked for the next.
    in_hand: bool,
}

/// How far a follower is behind, for others to see.
#[derive(Debug, Clone)]
pub struct Backlog(Weak<Queue>);

impl Backlog {
    /// Changes that the follower has not dealt with: those that it has not taken, and the one that it took last, until
    /// it asks for the next. 0 when it has ended.
    pub fn count(&self) -> usize {
        let Some(queue) = self.0.upgrade() else { return 0 };
        let pending = queue.pending.lock();
        pending.order.len() + usize::from(pending.in_hand)
    }
}

impl Deltas {
    pub(crate) fn new(queue: Arc<Queue>, handle: Arc<Handle>) -> Self {
        Self { queue, handle }
    }

    /// Waits for the next change; changes of different objects come in the order in which they first happened. `None`
    /// when the [`Caches`](crate::Caches) have been shut down and everything has been taken.
    ///
    /// It may be dropped at any time without losing a change.
    pub async fn next(&mut self) -> Option<Delta> {
        loop {
            let changed = self.queue.changed.notified();
            if let Some(delta) = self.queue.pop() {
                return Some(delta);
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = self.handle.shared.stopped() => return self.queue.pop(),
            }
        }
    }

    /// How far it is behind.
    pub fn backlog(&self) -> Backlog {
        Backlog(Arc::downgrade(&self.queue))
    }

    /// The next change, if there is one already.
    pub fn try_next(&mut self) -> Option<Delta> {
        self.queue.pop()
    }
}

impl Queue {
    fn pop(&self) -> Option<Delta> {
        let pending = &mut *self.pending.lock();
        pending.in_hand = !pending.order.is_empty();
        let reference = pending.order.pop_front()?;
        let delta = pending.deltas.remove(&reference).map(|(delta, _)| delta);
        if pending.order.is_empty() && pending.order.capacity() > 1024 {
            *pending = Pending { in_hand: true, ..Pending::default() };
        }
        delta
    }

    pub(crate) fn push(&self, delta: Delta) {
        let pending = &mut *self.pending.lock();
        match pending.deltas.entry(delta.reference.clone()) {
            Entry::Vacant(entry) => {
                pending.order.push_back(delta.reference.clone());
                let unheard = delta.old.is_none();
                entry.insert((delta, unheard));
            }
            Entry::Occupied(mut entry) => {
                let (known, unheard) = entry.get_mut();
                let Delta { old, new, last, initial, .. } = delta;
                if *unheard {
                    known.old = old.filter(|_| new.is_none());
                }
                (known.new, known.last) = (new, last);
                known.initial &= initial;
            }
        }
        self.changed.notify_one();
    }
}
