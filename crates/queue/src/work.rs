//! A key in the hands of a worker.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::Priority;
use crate::queue::Shared;
use crate::state::Taken;

/// A key that is worked on: nobody else gets it until this is dropped.
///
/// A worker says how it went ([`forget`](Self::forget), [`retry`](Self::retry), [`again_after`](Self::again_after)) and
/// then lets go with [`done`](Self::done). If it is dropped by a panic instead, the key is retried with backoff.
#[must_use = "the key is free for others as soon as this is dropped"]
pub struct Work<K: Hash + Eq + Clone> {
    shared: Arc<Shared<K>>,
    index: u32,
    key: K,
    priority: Priority,
    failures: u32,
    /// It has failed in this worker's hands.
    failed: AtomicBool,
}

impl<K: Hash + Eq + Clone> Work<K> {
    pub(crate) fn new(shared: Arc<Shared<K>>, taken: Taken<K>) -> Self {
        let Taken { index, key, priority, failures, waited } = taken;
        if let Some(observer) = &shared.observer {
            observer.waited(priority, Duration::from_nanos(waited));
        }
        Self { shared, index, key, priority, failures, failed: AtomicBool::new(false) }
    }

    /// What to work on.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The priority at which it was handed out.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// How often the work on this key had failed in a row when it was handed out.
    pub fn retries(&self) -> u32 {
        self.failures
    }

    /// It succeeded: the next failure starts at the base of the backoff.
    pub fn forget(&self) {
        // Who has never failed has nothing to be forgotten; only the one who holds the key can fail.
        if self.failures > 0 || self.failed.load(Ordering::Relaxed) {
            self.shared.forget(self.index);
        }
    }

    /// It failed: queues the key again, at the same priority, after its backoff or when the overall limit lets it,
    /// whichever is later. Tells how long that will be. What is added meanwhile comes earlier.
    pub fn retry(&self) -> Duration {
        self.failed.store(true, Ordering::Relaxed);
        self.shared.retry(self.index, self.priority)
    }

    /// Queues the key again after `delay`, which is no failure.
    pub fn again_after(&self, delay: Duration, priority: Priority) {
        self.shared.again_after(self.index, priority, delay);
    }

    /// The work has ended.
    pub fn done(self) {}
}

impl<K: Hash + Eq + Clone> Drop for Work<K> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.retry();
        }
        self.shared.done(self.index);
    }
}

impl<K: Hash + Eq + Clone + fmt::Debug> fmt::Debug for Work<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("key", &self.key).field("priority", &self.priority).finish_non_exhaustive()
    }
}
