//! The versions of a collection: what is there now, and what was there as far back as the history goes.

use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::counted::{Counted, CountedMap, Position};
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
pub(super) struct History {
    objects: CountedMap<Versions>,
    log: VecDeque<Arc<Event>>,
    log_bytes: usize,
    /// Position of the log's first event, counted from the collection's beginning.
    first: u64,
    oldest: u64,
}

/// Where [`History::find`] found an object, or would insert it.
pub(super) struct Place(Result<Position, Position>);

struct Versions {
    newest: Arc<Stored>,
    #[expect(clippy::box_collection, reason = "most objects have none, and a pointer is a quarter of a VecDeque")]
    /// In order of revision. Absent for objects that nobody has changed lately.
    older: Option<Box<VecDeque<Arc<Stored>>>>,
}

impl History {
    pub(super) fn new(oldest: u64) -> Self {
        Self { objects: CountedMap::new(), log: VecDeque::new(), log_bytes: 0, first: 0, oldest }
    }

    /// The newest version of an object, unless it is deleted.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Arc<Stored>> {
        self.at(&self.find(key))
    }

    /// Where an object is or is to be placed: for [`Self::at`] and [`Self::apply`], as long as nothing changes between.
    pub(super) fn find(&self, key: &ObjectKey) -> Place {
        Place(self.objects.find(key.as_str()))
    }

    /// The newest version at a place, unless it is deleted.
    pub(super) fn at(&self, place: &Place) -> Option<&Arc<Stored>> {
        let at = place.0.ok()?;
        Some(&self.objects.at(at).newest).filter(|stored| stored.exists())
    }

    /// The oldest revision that can be read and watched from.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The keys within the bounds, in order, each with its object as it was at `revision`, if it was there.
    pub(super) fn range<'a>(
        &'a self,
        from: Bound<&str>,
        to: Bound<&str>,
        revision: u64,
    ) -> impl Iterator<Item = (&'a ObjectKey, Option<&'a Arc<Stored>>)> + use<'a> {
        self.objects.range(from, to).map(move |(key, versions)| (key, versions.at(revision)))
    }

    /// How many objects there were within the bounds at `revision`, which is not compacted.
    ///
    /// Counts those of now, then takes back what has happened since: the more has, the longer it takes.
    pub(super) fn count(&self, from: Bound<&str>, to: Bound<&str>, revision: u64) -> usize {
        let since = self.log.partition_point(|event| event.revision() <= revision);
        let within = |event: &&Arc<Event>| RangeBounds::<str>::contains(&(from, to), event.object().key().as_str());
        let change: isize = self.log.range(since..).filter(within).map(|event| event.event_type().count_change()).sum();
        self.objects.count(from, to).saturating_add_signed(-change)
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
        if let Err(at) = self.objects.find(object.key().as_str()) {
            self.objects.insert(at, object.key().clone(), Versions { newest: object, older: None });
        }
    }

    /// Adds a version at the place of its key. Returns what has left the history, to be dropped outside of the lock.
    pub(super) fn apply(&mut self, place: Place, object: Arc<Stored>, limits: Limits) -> Vec<Arc<Event>> {
        let previous = match place.0 {
            Ok(at) => {
                let previous = self.objects.change(at, |versions| versions.supersede(object.clone()));
                Some(previous).filter(|stored| stored.exists())
            }
            Err(at) => {
                self.objects.insert(at, object.key().clone(), Versions { newest: object.clone(), older: None });
                None
            }
        };
        let event = Event::new(object, previous);
        self.log_bytes += event.size();
        self.log.push_back(Arc::new(event));
        let mut forgotten = Vec::new();
        // The newest event stays, so that watchers that keep up see everything whatever the limits.
        while self.log.len() > 1 && (self.log.len() > limits.events || self.log_bytes > limits.bytes) {
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
        // A creation superseded nothing: what was there before left with its deletion.
        if event.event_type() != EventType::Added
            && let Ok(at) = self.objects.find(event.object().key().as_str())
            && self.objects.change(at, |versions| versions.forget_before(event.revision()))
        {
            self.objects.remove(at);
        }
        Some(event)
    }
}

impl Counted for Versions {
    fn counts(&self) -> bool {
        self.newest.exists()
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

    /// Puts a newer version in. Returns the one before.
    fn supersede(&mut self, newer: Arc<Stored>) -> Arc<Stored> {
        let previous = std::mem::replace(&mut self.newest, newer);
        self.older.get_or_insert_default().push_back(previous.clone());
        previous
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
