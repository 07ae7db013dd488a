//! Which resources are served, and by what schema, strategy and columns.
//!
//! Built-in resources come from the discovery documents of the real server, custom ones from the
//! CustomResourceDefinitions in the store. Readers take a snapshot without a lock.

mod builtin;
mod custom;
mod resource;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::store::Store;

pub use resource::{Resource, Subresource};

pub(crate) use custom::{Conversion, ScalePaths, from_definition};

/// group, version, plural.
type Key = (String, String, String);

/// The resources that are served.
#[derive(Debug)]
pub struct Registry {
    resources: ArcSwap<BTreeMap<Key, Arc<Resource>>>,
}

impl Registry {
    /// The built-in resources, with their collections in `store`.
    pub(crate) fn new(store: &Store) -> Self {
        let resources = builtin::resources(store).into_iter().map(|resource| (key(&resource), Arc::new(resource)));
        Self { resources: ArcSwap::from_pointee(resources.collect()) }
    }

    /// The resource of a path.
    pub fn resolve(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        // Building the key costs less than a nested map would on every snapshot.
        self.resources.load().get(&(group.to_string(), version.to_string(), plural.to_string())).cloned()
    }

    /// All resources, by group, version and plural name.
    pub fn resources(&self) -> Vec<Arc<Resource>> {
        self.resources.load().values().cloned().collect()
    }

    /// The resource that serves a kind.
    pub fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        let resources = self.resources.load();
        resources.values().find(|r| r.group == group && r.version == version && r.kind == kind).cloned()
    }

    /// Whether the group serves anything.
    pub fn has_group(&self, group: &str) -> bool {
        let first = (group.to_string(), String::new(), String::new());
        self.resources.load().range(first..).next().is_some_and(|((found, _, _), _)| found == group)
    }

    /// Serves these custom resources, and no others.
    pub(crate) fn serve_custom(&self, custom: impl Iterator<Item = Resource>) {
        let mut resources = (**self.resources.load()).clone();
        resources.retain(|_, resource| !resource.is_custom());
        for resource in custom {
            // A built-in resource of that name stays what it is.
            resources.entry(key(&resource)).or_insert_with(|| Arc::new(resource));
        }
        self.resources.store(Arc::new(resources));
    }
}

fn key(resource: &Resource) -> Key {
    (resource.group.clone(), resource.version.clone(), resource.plural.clone())
}
