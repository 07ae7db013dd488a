//! What to do with one object: a pure function of what is known about it, its owners and its dependents.
//!
//! Source: the behaviour of kube-controller-manager's garbage collector, as the documentation of owners and
//! dependents and of cascading deletion describes it.

use kube::core::ObjectMeta;

use super::{FOREGROUND, ORPHAN};

/// What is known about one owner reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnerState {
    /// The owner is there.
    Solid,
    /// There is no object with that uid.
    Absent,
    /// The owner is in foreground deletion and waits for this dependent, which blocks it.
    WaitsForDependents,
}

/// What the collector does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing: it has a living owner, or none, or is on its way out.
    Keep,
    /// Remove the references to these owners; others keep the object.
    DropOwners(Vec<String>),
    /// Delete it.
    Delete(Propagation),
    /// Dependents block it: they go first.
    AwaitDependents,
    /// It was deleted in the foreground and nothing blocks it any more: let it go.
    Release(&'static str),
    /// Remove the references to it from its dependents, then let it go.
    OrphanDependents,
}

/// `propagationPolicy` of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// Decides about an object. `owners` are the states of its owner references in their order; `blocked` and
/// `has_dependents` tell whether any dependent blocks its deletion, and whether there is any at all.
pub(crate) fn decide(meta: &ObjectMeta, owners: &[OwnerState], blocked: bool, has_dependents: bool) -> Action {
    let has_finalizer = |name| meta.finalizers.iter().flatten().any(|finalizer| finalizer == name);
    if meta.deletion_timestamp.is_some() {
        return match (has_finalizer(ORPHAN), has_finalizer(FOREGROUND), blocked) {
            (true, _, _) => Action::OrphanDependents,
            (false, true, true) => Action::AwaitDependents,
            (false, true, false) => Action::Release(FOREGROUND),
            (false, false, _) => Action::Keep,
        };
    }
    let references = meta.owner_references.as_deref().unwrap_or_default();
    if references.is_empty() {
        return Action::Keep;
    }
    if owners.contains(&OwnerState::Solid) {
        let leaving = references.iter().zip(owners).filter(|(_, state)| **state != OwnerState::Solid);
        let leaving: Vec<String> = leaving.map(|(owner, _)| owner.uid.clone()).collect();
        return if leaving.is_empty() { Action::Keep } else { Action::DropOwners(leaving) };
    }
    if owners.contains(&OwnerState::WaitsForDependents) && has_dependents {
        // The owner must outlive the dependents of its dependents as well.
        return Action::Delete(Propagation::Foreground);
    }
    Action::Delete(if has_finalizer(ORPHAN) {
        Propagation::Orphan
    } else if has_finalizer(FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};

    use super::OwnerState::{Absent, Solid, WaitsForDependents};
    use super::*;

    fn meta(owners: &[&str], finalizers: &[&str], deleting: bool) -> ObjectMeta {
        let owners = owners.iter().map(|uid| OwnerReference { uid: uid.to_string(), ..OwnerReference::default() });
        ObjectMeta {
            owner_references: Some(owners.collect()),
            finalizers: Some(finalizers.iter().map(ToString::to_string).collect()),
            deletion_timestamp: deleting.then_some(Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn an_object_goes_when_none_of_its_owners_is_left() {
        let decided = |states: &[OwnerState]| decide(&meta(&["a", "b"], &[], false), states, false, false);
        assert_eq!(decided(&[Solid, Solid]), Action::Keep);
        assert_eq!(decided(&[Solid, Absent]), Action::DropOwners(vec!["b".into()]));
        assert_eq!(decided(&[Absent, Absent]), Action::Delete(Propagation::Background));
        assert_eq!(decide(&meta(&[], &[], false), &[], false, true), Action::Keep);
    }

    #[test]
    fn the_objects_own_finalizer_chooses_how_it_is_deleted() {
        let decided = |finalizer: &str| decide(&meta(&["a"], &[finalizer], false), &[Absent], false, true);
        assert_eq!(decided(ORPHAN), Action::Delete(Propagation::Orphan));
        assert_eq!(decided(FOREGROUND), Action::Delete(Propagation::Foreground));
    }

    #[test]
    fn foreground_deletion_goes_down_the_tree_before_it_comes_up() {
        let child = meta(&["a"], &[], false);
        assert_eq!(decide(&child, &[WaitsForDependents], false, true), Action::Delete(Propagation::Foreground));
        assert_eq!(decide(&child, &[WaitsForDependents], false, false), Action::Delete(Propagation::Background));
        let owner = meta(&[], &[FOREGROUND], true);
        assert_eq!(decide(&owner, &[], true, true), Action::AwaitDependents);
        assert_eq!(decide(&owner, &[], false, true), Action::Release(FOREGROUND));
    }

    #[test]
    fn orphaned_dependents_lose_their_reference_before_the_owner_goes() {
        assert_eq!(decide(&meta(&[], &[ORPHAN], true), &[], true, true), Action::OrphanDependents);
        assert_eq!(decide(&meta(&["a"], &["other"], true), &[Absent], false, false), Action::Keep);
    }
}
