//! Watches that a controller has not declared: of kinds that a reconcile reads, and of single objects that none of the
//! declared watches brings. Made with the first read, and ended when no key reads the kind or the object any more.

use kubewright_cache::{Backlog, ObjectRef, Scope};
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;

use crate::{relations::Kind, stores::Store};

/// The watches of a controller that were not declared.
#[derive(Debug, Default)]
pub(crate) struct OnDemand(Mutex<Vec<Entry>>);

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// The one object that it is about; `None`: it is about the kind.
    pub(crate) object: Option<ObjectRef>,
    pub(crate) store: Store,
    pub(crate) backlog: Backlog,
    pub(crate) _feed: AbortOnDropHandle<()>,
}

impl OnDemand {
    /// The watch of this part of a kind, which `make` makes if there is none yet.
    pub(crate) fn get_or<E>(
        &self,
        kind: &Kind,
        scope: &Scope,
        make: impl FnOnce() -> Result<Entry, E>,
    ) -> Result<Store, E> {
        let mut entries = self.0.lock();
        let fits = |entry: &&Entry| entry.kind == *kind && entry.store.scope == *scope;
        if let Some(entry) = entries.iter().find(fits) {
            return Ok(entry.store.clone());
        }
        let entry = make()?;
        let store = entry.store.clone();
        entries.push(entry);
        Ok(store)
    }

    /// Ends the watches of a kind, unless somebody has begun to read it again.
    pub(crate) fn end(&self, kind: &Kind, is_read: impl Fn() -> bool) {
        let mut entries = self.0.lock();
        if !is_read() {
            entries.retain(|entry| entry.kind != *kind);
        }
    }

    /// Ends the watches of single objects that are not read any more.
    pub(crate) fn end_unread(&self, is_read: impl Fn(&Kind, &ObjectRef) -> bool) {
        self.0.lock().retain(|entry| entry.object.as_ref().is_none_or(|object| is_read(&entry.kind, object)));
    }

    /// In whatever cluster.
    pub(crate) fn stores(&self) -> Vec<Store> {
        self.0.lock().iter().map(|entry| entry.store.clone()).collect()
    }

    /// Changes that their feeds have not dealt with.
    pub(crate) fn backlog(&self) -> usize {
        self.0.lock().iter().map(|entry| entry.backlog.count()).sum()
    }
}
