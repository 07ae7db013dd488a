//! Read your writes: a key does not run before the caches have seen what it last wrote.
//!
//! What a reconcile wrote (see [`writes`](crate::writes)) is expected in the caches of its controller. A key with
//! expectations that are not met is put aside until they are. Events, bookmarks and relists all carry the
//! resourceVersion up to which a cache has seen everything, and each of them meets the expectations up to there. A relist
//! that began after a write meets it whatever the versions are: a server restored from a backup has smaller ones. Where
//! nothing comes, an expectation lapses.

use std::{hash::Hash, time::Duration};

use kubewright_cache::{Informer, State};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::{Instant, sleep_until};

use crate::{
    stores::{Store, covers, selects},
    writes::{Effect, Write},
};

/// When an expectation lapses: far beyond what a watch that works ever needs.
const LAPSES: Duration = Duration::from_secs(60);
/// The same for caches with a selector, which may never see the object, and then wait for a bookmark in vain.
const LAPSES_SELECTED: Duration = Duration::from_secs(2);

/// What the keys of a controller wait for.
#[derive(Debug)]
pub(crate) struct Expectations<K>(Mutex<FxHashMap<K, Expected>>);

#[derive(Debug, Default)]
struct Expected {
    writes: Vec<Expectation>,
    /// Somebody waits for them already.
    awaited: bool,
}

/// A write that a cache has to see.
#[derive(Debug, Clone)]
struct Expectation {
    write: Write,
    informer: Informer,
    /// Relists of the cache that had begun when the write was noted: the next one begins after it.
    relists: u64,
    lapses: Instant,
}

/// Whether a key may run.
#[derive(Debug)]
pub(crate) enum Readiness {
    /// The caches have seen its writes.
    Ready,
    /// They have not; [`Wait::over`] tells when they have.
    Wait(Wait),
    /// They have not, and somebody waits for that already.
    Awaited,
}

/// Writes that caches have to see.
#[derive(Debug)]
pub(crate) struct Wait(Vec<Expectation>);

impl<K> Default for Expectations<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> Expectations<K> {
    /// Notes what a reconcile of `key` wrote, as far as the controller has caches of it: `stores` tells those of the kind.
    pub(crate) fn expect<'a>(&self, key: &K, writes: Vec<Write>, stores: impl Fn(&Write) -> Vec<&'a Store>) {
        let expected: Vec<Expectation> = writes
            .into_iter()
            .flat_map(|write| {
                let covering = stores(&write).into_iter().filter(|store| covers(&store.scope, &write.reference));
                let expectations = covering.map(|store| {
                    let lapses = Instant::now() + if selects(&store.scope) { LAPSES_SELECTED } else { LAPSES };
                    let relists = store.informer.health().relists;
                    Expectation { write: write.clone(), informer: store.informer.clone(), relists, lapses }
                });
                expectations.collect::<Vec<_>>()
            })
            .collect();
        // All or none: that an object is not there means something only once its creation has been seen.
        if !expected.iter().all(Expectation::met) {
            self.0.lock().entry(key.clone()).or_default().writes.extend(expected);
        }
    }

    /// Whether `key` may run. Who is told to wait calls [`Expectations::awaited`] afterwards.
    pub(crate) fn readiness(&self, key: &K) -> Readiness {
        let mut keys = self.0.lock();
        let Some(expected) = keys.get_mut(key) else { return Readiness::Ready };
        if expected.writes.iter().all(Expectation::met) {
            keys.remove(key);
            return Readiness::Ready;
        }
        if expected.awaited {
            return Readiness::Awaited;
        }
        expected.awaited = true;
        Readiness::Wait(Wait(expected.writes.clone()))
    }

    /// The wait for `key` is over.
    pub(crate) fn awaited(&self, key: &K) {
        if let Some(expected) = self.0.lock().get_mut(key) {
            expected.awaited = false;
        }
    }
}

impl Wait {
    /// Returns when the caches have seen all of the writes, or when they have lapsed.
    pub(crate) async fn over(self) {
        for expectation in self.0 {
            let mut revision = expectation.informer.revision();
            while !expectation.met() {
                tokio::select! {
                    changed = revision.changed() => if changed.is_err() { return },
                    () = sleep_until(expectation.lapses) => {
                        let Write { plural, reference, effect, .. } = &expectation.write;
                        tracing::warn!(%plural, object = %reference, ?effect, "the cache has not seen a write in time; going on without");
                    }
                }
            }
        }
    }
}

impl Expectation {
    fn met(&self) -> bool {
        let Write { reference, uid, effect, .. } = &self.write;
        let seen = match effect {
            Effect::Version(version) => *self.informer.revision().borrow() >= *version,
            Effect::Removed => self.informer.get(reference).is_none_or(|object| object.uid() != uid),
        };
        seen || self.relisted() || Instant::now() >= self.lapses
    }

    /// A list that began after the write holds it, whatever its version says.
    fn relisted(&self) -> bool {
        let health = self.informer.health();
        health.relists > self.relists && health.state == State::Watching
    }
}
