//! The caches that one controller reads.

use std::{borrow::Cow, sync::Arc};

use kube::{
    api::ApiResource,
    core::{Expression, Selector},
};
use kubewright_cache::{Index, Informer, ObjectRef, Scope, Stored};

use crate::owned::bond::{OWNER_UID, named_owner};

/// The cache of one watch.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    /// `None`: the one that the controller is at home in.
    pub(crate) cluster: Option<Arc<str>>,
    pub(crate) scope: Scope,
    pub(crate) informer: Informer,
    pub(crate) indexes: Vec<(String, Index)>,
    /// Finds children that are tied by label, by the name of their owner.
    pub(crate) labelled: Option<Index>,
}

/// All watches of a controller in one cluster. A kind may be in it several times, with different namespaces or selectors.
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

/// Whether a cache of this scope can have an object of this name. What is in the object is not known here.
pub(crate) fn covers(scope: &Scope, object: &ObjectRef) -> bool {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    let fields = scope.fields.as_deref().unwrap_or_default().split(',').filter_map(|field| field.split_once('='));
    let fits = |(field, value): (&str, &str)| match field {
        "metadata.name" => value.trim_start_matches('=') == &*object.name,
        "metadata.namespace" => value.trim_start_matches('=') == namespace,
        _ => true,
    };
    scope.namespace.as_deref().is_none_or(|wanted| wanted == namespace) && { fields }.all(fits)
}

/// Whether a cache of this scope may leave out objects for what is in them.
pub(crate) fn selects(scope: &Scope) -> bool {
    scope.labels.is_some() || scope.fields.is_some()
}

impl Store {
    /// The children that are tied by label to an owner of this name.
    pub(crate) fn labelled_children_of(&self, owner: &str) -> Vec<Stored> {
        self.labelled.as_ref().map(|by_name| by_name.get(owner)).unwrap_or_default()
    }

    /// The children that are tied by label to the owner of this uid.
    pub(crate) fn labelled_children_of_uid(&self, uid: &str) -> Vec<Stored> {
        let uid = Selector::from_iter([Expression::Equal(OWNER_UID.into(), uid.into())]);
        if self.labelled.is_some() { self.informer.select(None, &uid) } else { Vec::new() }
    }
}

impl Stores {
    /// Makes the children among these kinds be found that are tied to their owner by label.
    pub(crate) fn index_children(&mut self, owned: &[ApiResource]) {
        let is_owned = |store: &Store| {
            owned.iter().any(|kind| kind.group == store.resource.group && kind.plural == store.resource.plural)
        };
        for store in self.0.iter_mut().filter(|store| is_owned(store)) {
            let owner = |child: &Stored| named_owner(child).map(Cow::into_owned).into_iter().collect();
            store.labelled = Some(store.informer.add_index(owner));
        }
    }

    /// The caches of a kind, in whatever version it is watched.
    pub(crate) fn of<'a, 'n>(
        &'a self,
        group: &'n str,
        plural: &'n str,
    ) -> impl Iterator<Item = &'a Store> + use<'a, 'n> {
        self.0.iter().filter(move |store| store.resource.group == group && store.resource.plural == plural)
    }

    pub(crate) fn first(&self, resource: &ApiResource) -> Option<&Store> {
        self.0.iter().find(|store| store.resource.group == resource.group && store.resource.plural == resource.plural)
    }

    pub(crate) fn get(&self, resource: &ApiResource, key: &ObjectRef) -> Option<Stored> {
        self.of(&resource.group, &resource.plural).find_map(|store| store.informer.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_it_does_not_rule_out_by_name() {
        let scope = |namespace: Option<&str>, fields: &str| Scope {
            namespace: namespace.map(str::to_string),
            fields: Some(fields.to_string()).filter(|fields| !fields.is_empty()),
            ..Scope::default()
        };
        let object = ObjectRef::new(Some("ns"), "a");
        for (namespace, fields) in
            [(None, ""), (Some("ns"), "metadata.name=a"), (None, "metadata.name==a,type=x"), (None, "metadata.name!=b")]
        {
            assert!(covers(&scope(namespace, fields), &object), "{namespace:?} {fields}");
        }
        for (namespace, fields) in
            [(Some("other"), ""), (None, "metadata.name=b"), (None, "type=x,metadata.namespace=b")]
        {
            assert!(!covers(&scope(namespace, fields), &object), "{namespace:?} {fields}");
        }
    }
}
