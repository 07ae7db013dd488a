//! The versions of a collection: what is there now, and what was there as far back as the history goes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::Compacted;
use super::event::Event;
use super::key::ObjectKey;
use super::stored::{EventType, Stored};

/// How much history is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// Objects by key with their older versions, and the log of events that made them.
///
/// Each version but the oldest readable one of an object has its event in the log. When an event leaves the log, the
/// versions that it superseded go with it, so forgetting costs the same as writing did.
#[derive(Debug)]
pub(super) struct History {
    objects: BTreeMap<ObjectKey, Versions>,
    log: VecDeque<Arc<Event>>,
    log_bytes: usize,
    /// Position of the log's first event, counted from the collection's beginning.
    first: u64,
    oldest: u64,
    live: usize,
    live_by_namespace: FxHashMap<Box<str>, usize>,
}

#[derive(Debug)]
struct Versions {
    newest: Arc<Stored>,
    #[expect(clippy::box_collection, reason = "most objects have none, and a pointer is a quarter of a VecDeque")]
    /// In order of revision. Absent for objects that nobody has changed lately.
    older: Option<Box<VecDeque<Arc<Stored>>>>,
}

impl History {
    pub(super) fn new(oldest: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            log_bytes: 0,
            first: 0,
            oldest,
            live: 0,
            live_by_namespace: FxHashMap::default(),
        }
    }

    /// The newest version of an object, unless it is deleted.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Arc<Stored>> {
        self.objects.get(key).map(|versions| &versions.newest).filter(|stored| stored.exists())
    }

    /// The oldest revision that can be read and watched from.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Objects that exist now, of a namespace or of all.
    pub(super) fn count(&self, namespace: Option<&str>) -> usize {
        namespace.map_or(self.live, |namespace| self.live_by_namespace.get(namespace).copied().unwrap_or(0))
    }

    /// The keys within the bounds, in order, each with its object as it was at `revision`, if it was there.
    pub(super) fn range<'a>(
        &'a self,
        bounds: (Bound<&str>, Bound<&str>),
        revision: u64,
    ) -> impl Iterator<Item = (&'a ObjectKey, Option<&'a Arc<Stored>>)> + use<'a> {
        self.objects.range::<str, _>(bounds).map(move |(key, versions)| (key, versions.at(revision)))
    }

    /// Position in the log of the first event after `revision`.
    pub(super) fn position(&self, revision: u64) -> Result<u64, Compacted> {
        if revision < self.oldest {
            return Err(Compacted { oldest: self.oldest });
        }
        Ok(self.first + self.log.partition_point(|event| event.revision() <= revision) as u64)
    }

    /// The events from a position on.
    pub(super) fn events(&self, position: u64) -> Result<impl Iterator<Item = &Arc<Event>>, Compacted> {
        let skip = position.checked_sub(self.first).ok_or(Compacted { oldest: self.oldest })?;
        Ok(self.log.range((skip as usize).min(self.log.len())..))
    }

    /// Position of the next event to come.
    pub(super) fn end(&self) -> u64 {
        self.first + self.log.len() as u64
    }

    /// Takes an object in as it was found on disk, without an event.
    pub(super) fn load(&mut self, object: Arc<Stored>) {
        self.count_change(object.key(), 1);
        self.objects.insert(object.key().clone(), Versions { newest: object, older: None });
    }

    /// Adds a version. Returns what has left the history, to be dropped outside of the lock.
    pub(super) fn apply(&mut self, object: Arc<Stored>, limits: Limits) -> Vec<Arc<Event>> {
        let previous = match self.objects.get_mut(object.key()) {
            Some(versions) => {
                let previous = std::mem::replace(&mut versions.newest, object.clone());
                versions.older.get_or_insert_default().push_back(previous.clone());
                Some(previous).filter(|stored| stored.exists())
            }
            None => {
                self.objects.insert(object.key().clone(), Versions { newest: object.clone(), older: None });
                None
            }
        };
        match object.event_type() {
            EventType::Added => self.count_change(object.key(), 1),
            EventType::Modified => {}
            EventType::Deleted => self.count_change(object.key(), -1),
        }
        let event = Event::new(object, previous);
        self.log_bytes += event.size();
        self.log.push_back(Arc::new(event));
        let mut forgotten = Vec::new();
        while self.log.len() > limits.events || self.log_bytes > limits.bytes {
            forgotten.extend(self.forget_first());
        }
        forgotten
    }

    /// Forgets what was before `revision`.
    pub(super) fn compact(&mut self, revision: u64) -> Vec<Arc<Event>> {
        let mut forgotten = Vec::new();
        while self.log.front().is_some_and(|event| event.revision() <= revision) {
            forgotten.extend(self.forget_first());
        }
        self.oldest = self.oldest.max(revision);
        forgotten
    }

    fn forget_first(&mut self) -> Option<Arc<Event>> {
        let event = self.log.pop_front()?;
        self.first += 1;
        self.log_bytes -= event.size();
        self.oldest = event.revision();
        if let Some(versions) = self.objects.get_mut(event.object().key())
            && versions.forget_before(event.revision())
        {
            self.objects.remove(event.object().key());
        }
        Some(event)
    }

    fn count_change(&mut self, key: &ObjectKey, change: isize) {
        self.live = self.live.saturating_add_signed(change);
        let namespace = key.namespace();
        match self.live_by_namespace.get_mut(namespace) {
            Some(count) => {
                *count = count.saturating_add_signed(change);
                if *count == 0 {
                    self.live_by_namespace.remove(namespace);
                }
            }
            None => {
                self.live_by_namespace.insert(namespace.into(), change.max(0) as usize);
            }
        }
    }
}

impl Versions {
    fn at(&self, revision: u64) -> Option<&Arc<Stored>> {
        if self.newest.revision() <= revision {
            return Some(&self.newest).filter(|stored| stored.exists());
        }
        let older = self.older.as_ref()?;
        let after = older.partition_point(|stored| stored.revision() <= revision);
        older.get(after.checked_sub(1)?).filter(|stored| stored.exists())
    }

    /// Drops what `revision` superseded. True if nothing is left to be remembered.
    fn forget_before(&mut self, revision: u64) -> bool {
        if let Some(older) = &mut self.older {
            while older.front().is_some_and(|stored| {
                stored.revision() < revision || (stored.revision() == revision && !stored.exists())
            }) {
                older.pop_front();
            }
            if older.is_empty() {
                self.older = None;
            }
        }
        self.older.is_none() && !self.newest.exists() && self.newest.revision() <= revision
    }
}
