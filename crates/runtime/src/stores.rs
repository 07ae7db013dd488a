//! The caches that one controller reads.

use kube::api::ApiResource;
use kubewright_cache::{Index, Informer, ObjectRef, Scope, Stored};

/// The cache of one watch.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    pub(crate) scope: Scope,
    pub(crate) informer: Informer,
    pub(crate) indexes: Vec<(String, Index)>,
}

/// All watches of a controller. A kind may be in it several times, with different namespaces or selectors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores(pub(crate) Vec<Store>);

/// A controller read a kind that it does not watch.
#[derive(Debug, thiserror::Error)]
#[error(
    "controller {controller} reads {plural}{at}{group}, which it does not watch: add .watches(Watch::<{kind}>::all(), …) \
     or .owns(…) to it, or read past the cache with ctx.client()",
    at = if group.is_empty() { "" } else { "." }
)]
pub(crate) struct NotWatched {
    pub(crate) controller: String,
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
}

impl Stores {
    /// The caches of a kind, in whatever version it is watched.
    pub(crate) fn of<'a>(&'a self, group: &'a str, plural: &'a str) -> impl Iterator<Item = &'a Store> {
        self.0.iter().filter(move |store| store.resource.group == group && store.resource.plural == plural)
    }

    pub(crate) fn first(&self, resource: &ApiResource) -> Option<&Store> {
        self.0.iter().find(|store| store.resource.group == resource.group && store.resource.plural == resource.plural)
    }

    pub(crate) fn get(&self, resource: &ApiResource, key: &ObjectRef) -> Option<Stored> {
        self.of(&resource.group, &resource.plural).find_map(|store| store.informer.get(key))
    }
}
