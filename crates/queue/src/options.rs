//! What a queue can be told at its making, and the priorities of keys.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::{Backoff, Limit, Observer};

/// How soon a key is handed out: higher before lower, equal ones first in, first out.
///
/// Any number can be used; the queue keeps one list for each that occurs. The constants are those of
/// controller-runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i8);

impl Priority {
    /// For what can wait: the first list and resyncs.
    pub const LOW: Self = Self(-100);
    /// For fresh changes.
    pub const NORMAL: Self = Self(0);
    /// For what must overtake fresh changes.
    pub const HIGH: Self = Self(100);
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a [`WorkQueue`](crate::WorkQueue) can be told.
#[derive(Clone)]
pub struct Options {
    /// How long a key waits after a failure. Default: 5 ms, doubled each time, up to 1000 s, shortened at random by up
    /// to a fifth.
    pub backoff: Backoff,
    /// An overall limit for retries of all keys together, or `None` for no limit. Default: 10 a second, bursts of 100,
    /// as client-go has it.
    pub limit: Option<Limit>,
    /// Each so-manieth hand-out goes to the priority whose front key has waited the longest instead of the highest one,
    /// so that none starves. A key of any priority is therefore handed out after at most this many hand-outs for each
    /// key that was queued before it. 1 takes no notice of priorities at all. Default: 8.
    pub oldest_every: NonZeroU32,
    /// Seed of the jitter. Replicas should differ in it. Default: 0.
    pub seed: u64,
    /// Is told how long keys waited and were worked on. Without one the queue reads no clock for them, and the
    /// durations in [`Stats`](crate::Stats) are zero. Default: none.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            limit: Some(Limit::default()),
            oldest_every: const { NonZeroU32::new(8).unwrap() },
            seed: 0,
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("backoff", &self.backoff)
            .field("limit", &self.limit)
            .field("oldest_every", &self.oldest_every)
            .field("seed", &self.seed)
            .field("observer", &self.observer.is_some())
            .finish()
    }
}
