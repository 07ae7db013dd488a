//! Who owns whom: a graph kept from what the informers say.
//!
//! Edges point from an owner's uid to its dependents. An owner that was never seen has no node, only edges; whether
//! it is gone or only not seen yet is found out with a live read before anything is deleted.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::ObjectMeta;

use super::{FOREGROUND, ORPHAN};

/// One object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    /// Its uid: the node's key.
    pub(crate) uid: String,
    /// `group/version`, or `v1`.
    pub(crate) api_version: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Its namespace; `None` for cluster-scoped objects.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

#[derive(Debug)]
struct Node {
    identity: Identity,
    /// uid of each owner, and whether this dependent blocks the owner's foreground deletion.
    owners: BTreeMap<String, bool>,
    /// On its way out.
    deleting: bool,
    /// Deleted with foreground or orphan propagation, and waiting for the collector.
    waits_for_collector: bool,
}

/// The graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Takes in an object as it is now; returns the uids that have to be looked at because of it.
    pub(crate) fn observe(&mut self, identity: Identity, meta: &ObjectMeta) -> Vec<String> {
        let uid = identity.uid.clone();
        let references = meta.owner_references.iter().flatten();
        let owners = references.map(|owner| (owner.uid.clone(), owner.block_owner_deletion == Some(true)));
        let deleting = meta.deletion_timestamp.is_some();
        let finalizers = meta.finalizers.as_deref().unwrap_or_default();
        let waits = deleting && finalizers.iter().any(|finalizer| finalizer == FOREGROUND || finalizer == ORPHAN);
        let node = Node { identity, owners: owners.collect(), deleting, waits_for_collector: waits };

        let mut affected = Vec::new();
        if waits || !node.owners.is_empty() {
            affected.push(uid.clone());
        }
        let before = self.nodes.remove(&uid).map(|old| old.owners).unwrap_or_default();
        // An owner in foreground deletion may go on once a dependent leaves it or no longer blocks it.
        for (owner, blocked) in &before {
            if node.owners.get(owner) != Some(blocked) {
                self.unlink(owner, &uid);
                affected.extend(self.waiting(owner));
            }
        }
        for owner in node.owners.keys() {
            self.dependents.entry(owner.clone()).or_default().insert(uid.clone());
        }
        if node.waits_for_collector {
            // They may have to go before their owner can.
            affected.extend(self.dependents_of(&uid).map(|dependent| dependent.uid.clone()));
        }
        self.nodes.insert(uid, node);
        affected
    }

    /// Takes out an object that is gone; returns the uids that have to be looked at because of it.
    pub(crate) fn forget(&mut self, uid: &str) -> Vec<String> {
        let Some(node) = self.nodes.remove(uid) else { return Vec::new() };
        let mut affected: Vec<String> = self.dependents_of(uid).map(|dependent| dependent.uid.clone()).collect();
        for owner in node.owners.keys() {
            self.unlink(owner, uid);
            affected.extend(self.waiting(owner));
        }
        affected
    }

    /// The object with this uid.
    pub(crate) fn identity(&self, uid: &str) -> Option<&Identity> {
        self.nodes.get(uid).map(|node| &node.identity)
    }

    /// The objects that name this uid as an owner.
    pub(crate) fn dependents_of(&self, uid: &str) -> impl Iterator<Item = &Identity> {
        let uids = self.dependents.get(uid).into_iter().flatten();
        uids.filter_map(|uid| self.nodes.get(uid)).map(|node| &node.identity)
    }

    /// The dependents whose owner reference says `blockOwnerDeletion`.
    pub(crate) fn blocking_dependents_of(&self, owner: &str) -> impl Iterator<Item = &Identity> {
        let uids = self.dependents.get(owner).into_iter().flatten();
        let nodes = uids.filter_map(|uid| self.nodes.get(uid));
        nodes.filter(|node| node.owners.get(owner) == Some(&true)).map(|node| &node.identity)
    }

    /// Whether the informers alone tell that nothing is to be done: all owners are there and none is on its way out.
    pub(crate) fn is_settled(&self, uid: &str) -> bool {
        self.nodes.get(uid).is_none_or(|node| {
            !node.waits_for_collector && node.owners.keys().all(|owner| self.is_solid(owner, &node.identity.namespace))
        })
    }

    /// Whether the owner was seen, is not on its way out, and may own objects of this namespace.
    pub(crate) fn is_solid(&self, owner: &str, dependents_namespace: &Option<String>) -> bool {
        self.nodes.get(owner).is_some_and(|node| {
            !node.deleting && (node.identity.namespace.is_none() || node.identity.namespace == *dependents_namespace)
        })
    }

    fn waiting(&self, uid: &str) -> Option<String> {
        self.nodes.get(uid).filter(|node| node.waits_for_collector).map(|node| node.identity.uid.clone())
    }

    fn unlink(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};

    use super::*;

    fn identity(uid: &str) -> Identity {
        let text = |text: &str| text.to_string();
        Identity { uid: text(uid), api_version: text("v1"), kind: text("ConfigMap"), namespace: None, name: text(uid) }
    }

    fn meta(owners: &[(&str, bool)], deleting_with: &[&str]) -> ObjectMeta {
        let owners = owners.iter().map(|(uid, block)| OwnerReference {
            uid: uid.to_string(),
            block_owner_deletion: Some(*block),
            ..OwnerReference::default()
        });
        ObjectMeta {
            owner_references: Some(owners.collect()),
            finalizers: Some(deleting_with.iter().map(ToString::to_string).collect()),
            deletion_timestamp: (!deleting_with.is_empty()).then_some(Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)),
            ..ObjectMeta::default()
        }
    }

    fn uids<'a>(identities: impl Iterator<Item = &'a Identity>) -> Vec<&'a str> {
        identities.map(|identity| identity.uid.as_str()).collect()
    }

    #[test]
    fn a_dependent_is_looked_at_when_it_appears_and_when_its_owner_goes() {
        let mut graph = Graph::default();
        assert_eq!(graph.observe(identity("child"), &meta(&[("owner", true)], &[])), ["child"]);
        assert!(graph.observe(identity("owner"), &meta(&[], &[])).is_empty());
        assert_eq!(graph.forget("owner"), ["child"]);
        assert!(graph.forget("owner").is_empty());
    }

    #[test]
    fn an_owner_in_foreground_deletion_is_looked_at_again_when_a_dependent_goes_or_stops_blocking() {
        let mut graph = Graph::default();
        graph.observe(identity("a"), &meta(&[("owner", true)], &[]));
        graph.observe(identity("b"), &meta(&[("owner", true)], &[]));
        assert_eq!(graph.observe(identity("owner"), &meta(&[], &[FOREGROUND])), ["owner", "a", "b"]);
        assert_eq!(uids(graph.blocking_dependents_of("owner")), ["a", "b"]);
        assert_eq!(graph.forget("a"), ["owner"]);
        assert_eq!(graph.observe(identity("b"), &meta(&[("owner", false)], &[])), ["b", "owner"]);
        assert_eq!(uids(graph.blocking_dependents_of("owner")), Vec::<&str>::new());
        assert_eq!(uids(graph.dependents_of("owner")), ["b"]);
    }

    #[test]
    fn an_owner_in_another_namespace_or_on_its_way_out_settles_nothing() {
        let mut graph = Graph::default();
        graph.observe(identity("child"), &meta(&[("owner", true)], &[]));
        assert!(!graph.is_settled("child"), "the owner was not seen");
        graph.observe(identity("owner"), &meta(&[], &[]));
        assert!(graph.is_settled("child"));
        graph.observe(identity("owner"), &meta(&[], &[FOREGROUND]));
        assert!(!graph.is_settled("child"));
        graph.observe(Identity { namespace: Some("other".into()), ..identity("owner") }, &meta(&[], &[]));
        assert!(!graph.is_settled("child"));
    }

    #[test]
    fn a_dependent_that_drops_its_owner_is_no_longer_its_dependent() {
        let mut graph = Graph::default();
        graph.observe(identity("child"), &meta(&[("one", false), ("two", false)], &[]));
        graph.observe(identity("child"), &meta(&[("two", false)], &[]));
        assert_eq!(uids(graph.dependents_of("one")), Vec::<&str>::new());
        assert_eq!(uids(graph.dependents_of("two")), ["child"]);
    }
}
