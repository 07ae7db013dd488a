//! All objects of one resource.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockWriteGuard};
use tokio::sync::Notify;

use super::error::{Compacted, WriteError};
use super::event::Event;
use super::history::{History, Limits, Place};
use super::key::ObjectKey;
use super::stored::Stored;
use super::watch::Watch;

/// All objects of one resource, such as `deployments.apps`.
pub struct Collection {
    group: Box<str>,
    resource: Box<str>,
    history: RwLock<History>,
    /// [`History::end`], for watchers that look whether there is anything new.
    end: AtomicU64,
    /// Revision of the newest change.
    changed: AtomicU64,
    news: Notify,
    clock: Arc<Clock>,
    limits: Limits,
}

/// How far the store as a whole has come. Shared by its collections.
#[derive(Debug, Default)]
pub(super) struct Clock {
    visible: AtomicU64,
    floor: AtomicU64,
}

/// Which objects to read.
#[derive(Default, Clone)]
pub struct RangeRequest<'a> {
    /// Only objects of this namespace. Default: all.
    pub namespace: Option<&'a str>,
    /// Only the object of this name, which is found without visiting others; without a namespace only those that are in
    /// none. Default: whatever the name.
    pub name: Option<&'a str>,
    /// Only objects whose keys come after this one: the last key of the page before. Default: from the first.
    pub after: Option<ObjectKey>,
    /// Read the state at this revision. Default: the newest. Revisions to come are read as the newest one, so check
    /// [`Store::revision`](super::Store::revision) first.
    pub revision: Option<u64>,
    /// At most this many objects; 0, the default, for all.
    pub limit: usize,
    /// Only objects for which this is true. Called with the collection locked: must be quick and not use the store.
    pub filter: Option<&'a (dyn Fn(&Stored) -> bool + Sync)>,
}

/// What was read: a consistent state of the collection, or a page of it.
#[derive(Debug, Clone)]
pub struct Range {
    /// The objects in order of their keys.
    pub items: Vec<Arc<Stored>>,
    /// Whether there are objects behind the last one, whether the filter takes them or not.
    pub more: bool,
    /// How many objects there are behind the last one. Unknown if there was a filter.
    ///
    /// Counted without visiting them; what has happened since the revision is gone through, at most the history.
    pub remaining: Option<usize>,
    /// The revision of the state.
    pub revision: u64,
}

/// The keys that a read is about.
struct Bounds {
    after: Option<ObjectKey>,
    /// The first key, and the one behind the last.
    keys: Option<(String, String)>,
}

/// How many keys are visited before the lock is given back to writers.
const CHUNK: usize = 1024;

impl Collection {
    pub(super) fn new(group: &str, resource: &str, clock: Arc<Clock>, limits: Limits) -> Self {
        Self {
            group: group.into(),
            resource: resource.into(),
            history: RwLock::new(History::new(clock.floor())),
            end: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            news: Notify::new(),
            clock,
            limits,
        }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The resource in plural, such as `deployments`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The newest version of an object.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<Stored>> {
        self.history.read().get(key).cloned()
    }

    /// How many objects there are, in a namespace or in all.
    pub fn count(&self, namespace: Option<&str>) -> usize {
        let bounds = Bounds::new(namespace, None, None);
        let history = self.history.read();
        history.count(bounds.from(), bounds.to(), history.oldest().max(self.clock.visible()))
    }

    /// The revision of the newest change; 0 if there was none. After a start from disk, deletions do not count.
    pub fn revision(&self) -> u64 {
        self.changed.load(Ordering::Acquire)
    }

    /// Reads many objects as they were at one revision. Long reads let writers in between.
    pub fn range(&self, request: RangeRequest<'_>) -> Result<Range, Compacted> {
        match self.read_range(&request, CHUNK) {
            // The history moved on during a long read: now without letting writers in.
            Err(_) if request.revision.is_none() => self.read_range(&request, usize::MAX),
            result => result,
        }
    }

    /// Watches changes after revision `from`.
    pub fn watch(self: &Arc<Self>, from: u64) -> Result<Watch, Compacted> {
        let position = self.history.read().position(from)?;
        Ok(Watch::new(self.clone(), position, from))
    }

    /// Forgets what was before `revision`, and with it the possibility to read or watch from there.
    pub fn compact(&self, revision: u64) {
        let forgotten = self.history.write().compact(revision.min(self.clock.visible()));
        drop(forgotten);
    }

    /// Whether a write may go on, given the newest version: `expected` is `None` for a creation.
    pub(super) fn check(newest: Option<&Arc<Stored>>, expected: Option<u64>) -> Result<(), WriteError> {
        match (newest, expected) {
            (None, None) => Ok(()),
            (Some(current), None) => Err(WriteError::Exists(current.clone())),
            (None, Some(_)) => Err(WriteError::NotFound),
            (Some(current), Some(expected)) if current.revision() == expected => Ok(()),
            (Some(current), Some(_)) => Err(WriteError::Changed { current: current.clone() }),
        }
    }

    /// Adds the version that `make` makes of the newest one. Watchers are told by [`Self::notify`].
    pub(super) fn write(
        &self,
        key: &ObjectKey,
        make: impl FnOnce(Option<&Arc<Stored>>) -> Result<Arc<Stored>, WriteError>,
    ) -> Result<Arc<Stored>, WriteError> {
        let history = self.history.write();
        let place = history.find(key);
        let stored = make(history.at(&place))?;
        self.add(history, place, stored.clone());
        Ok(stored)
    }

    /// Adds a version that was checked before. Watchers are told by [`Self::notify`].
    pub(super) fn publish(&self, stored: Arc<Stored>) {
        let history = self.history.write();
        let place = history.find(stored.key());
        self.add(history, place, stored);
    }

    /// Takes an object in as it was found on disk.
    pub(super) fn load(&self, object: Arc<Stored>) {
        self.changed.fetch_max(object.revision(), Ordering::AcqRel);
        self.history.write().load(object);
    }

    fn add(&self, mut history: RwLockWriteGuard<'_, History>, place: Place, stored: Arc<Stored>) {
        let revision = stored.revision();
        let forgotten = history.apply(place, stored, self.limits);
        self.changed.store(revision, Ordering::Release);
        self.end.store(history.end(), Ordering::Release);
        drop(history);
        // Freeing memory needs no lock.
        drop(forgotten);
    }

    pub(super) fn notify(&self) {
        self.news.notify_waiters();
    }

    pub(super) fn news(&self) -> &Notify {
        &self.news
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn visible(&self) -> u64 {
        self.clock.visible()
    }

    /// Moves up to `limit` events from `position` on to `batch`.
    pub(super) fn take_events(
        &self,
        position: u64,
        limit: usize,
        batch: &mut impl Extend<Arc<Event>>,
    ) -> Result<(), Compacted> {
        batch.extend(self.history.read().events(position)?.take(limit).cloned());
        Ok(())
    }

    fn read_range(&self, request: &RangeRequest<'_>, chunk: usize) -> Result<Range, Compacted> {
        let limit = if request.limit == 0 { usize::MAX } else { request.limit };
        let visible = self.clock.visible();
        let mut revision = request.revision.map_or(visible, |revision| revision.min(visible));
        let mut bounds = Bounds::new(request.namespace, request.name, request.after.as_ref());
        let mut items: Vec<Arc<Stored>> = Vec::new();
        loop {
            let history = self.history.read();
            if revision < history.oldest() {
                if request.revision.is_some() || !items.is_empty() {
                    return Err(Compacted { oldest: history.oldest() });
                }
                revision = history.oldest();
            }
            let mut visited = 0;
            let mut last = None;
            for (key, found) in history.range(bounds.from(), bounds.to(), revision).take(chunk) {
                visited += 1;
                if let Some(object) = found {
                    if items.len() == limit {
                        let from = last.map_or(bounds.from(), |last: &ObjectKey| Bound::Excluded(last.as_str()));
                        let remaining = request.filter.is_none().then(|| history.count(from, bounds.to(), revision));
                        return Ok(Range { items, more: true, remaining, revision });
                    }
                    if request.filter.is_none_or(|matches| matches(object)) {
                        items.push(object.clone());
                    }
                }
                last = Some(key);
            }
            match last {
                Some(last) if visited == chunk => bounds.after = Some(last.clone()),
                _ => {
                    let remaining = request.filter.is_none().then_some(0);
                    return Ok(Range { items, more: false, remaining, revision });
                }
            }
        }
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("group", &self.group)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

impl Bounds {
    fn new(namespace: Option<&str>, name: Option<&str>, after: Option<&ObjectKey>) -> Self {
        let keys = match (namespace, name) {
            (namespace, Some(name)) => {
                let key = ObjectKey::new(namespace.unwrap_or_default(), name);
                Some((key.as_str().to_owned(), format!("{}\0", key.as_str())))
            }
            // `0` is the character after `/`.
            (Some(namespace), None) => Some((format!("{namespace}/"), format!("{namespace}0"))),
            (None, None) => None,
        };
        Self { after: after.cloned(), keys }
    }

    fn from(&self) -> Bound<&str> {
        let first = self.keys.as_ref().map(|(first, _)| first.as_str());
        match &self.after {
            Some(after) if first.is_none_or(|first| first <= after.as_str()) => Bound::Excluded(after.as_str()),
            _ => first.map_or(Bound::Unbounded, Bound::Included),
        }
    }

    fn to(&self) -> Bound<&str> {
        self.keys.as_ref().map_or(Bound::Unbounded, |(_, end)| Bound::Excluded(end.as_str()))
    }
}

impl Clock {
    pub(super) fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    pub(super) fn advance(&self, revision: u64) {
        self.visible.store(revision, Ordering::Release);
    }

    /// The oldest revision that collections made from now on can be read at.
    pub(super) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    pub(super) fn raise_floor(&self, revision: u64) {
        self.floor.fetch_max(revision, Ordering::AcqRel);
    }
}
