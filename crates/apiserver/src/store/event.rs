//! What watchers are told.

use std::sync::{Arc, OnceLock};

use super::stored::{EventType, Stored};

/// One change of one object. Shared by all watchers, as are the forms made of it.
#[derive(Debug)]
pub struct Event {
    object: Arc<Stored>,
    previous: Option<Arc<Stored>>,
    entered: OnceLock<Arc<Stored>>,
    left: OnceLock<Arc<Stored>>,
}

impl Event {
    pub(super) fn new(object: Arc<Stored>, previous: Option<Arc<Stored>>) -> Self {
        Self { object, previous, entered: OnceLock::new(), left: OnceLock::new() }
    }

    /// The revision of the change.
    pub fn revision(&self) -> u64 {
        self.object.revision()
    }

    /// What has happened to the object.
    pub fn event_type(&self) -> EventType {
        self.object.event_type()
    }

    /// The object after the change; of a deletion its final state, with the revision of the deletion.
    pub fn object(&self) -> &Arc<Stored> {
        &self.object
    }

    /// The object before the change, if there was one.
    pub fn previous(&self) -> Option<&Arc<Stored>> {
        self.previous.as_ref()
    }

    /// What a watcher with a selector is to be sent, or `None` if the change does not concern it.
    ///
    /// An object that the selector matches only now is `ADDED`; one that it no longer matches is `DELETED`, in its
    /// previous state and with the revision of the change, as on a real server.
    pub fn for_selector(&self, matches: impl Fn(&Stored) -> bool) -> Option<&Arc<Stored>> {
        let before = self.previous.as_ref().filter(|previous| matches(previous));
        let now = self.event_type() != EventType::Deleted && matches(&self.object);
        match (before, now) {
            (None, false) => None,
            (None, true) if self.event_type() == EventType::Added => Some(&self.object),
            (None, true) => Some(self.entered.get_or_init(|| Arc::new(self.object.retyped(EventType::Added, None)))),
            (Some(_), true) => Some(&self.object),
            (Some(_), false) if self.event_type() == EventType::Deleted => Some(&self.object),
            (Some(previous), false) => {
                Some(self.left.get_or_init(|| Arc::new(previous.retyped(EventType::Deleted, Some(self.revision())))))
            }
        }
    }

    /// Bytes of memory that are free once the event is forgotten.
    pub(super) fn size(&self) -> usize {
        let superseded = self.previous.as_ref().map_or(0, |previous| previous.size());
        let deleted = if self.event_type() == EventType::Deleted { self.object.size() } else { 0 };
        superseded + deleted + std::mem::size_of::<Self>() + std::mem::size_of::<Stored>()
    }
}
