//! Children that go: those that are not wanted any more, and those whose owner is gone.

use std::collections::BTreeSet;

use kube::{
    api::{ApiResource, DeleteParams, Preconditions},
    core::Request,
};
use kubewright_cache::{ObjectRef, Stored};

use super::{
    ChildRef,
    apply::{ChildError, Wanted, deleting, path, same_kind},
    bond::{self, OWNER_UID, WAVE, belongs},
};
use crate::{Context, Error};

/// Which children of an owner may go.
pub(super) struct Prune<'a> {
    /// The children that are wanted.
    pub(super) wanted: Vec<&'a Wanted>,
    /// All waves, and whether each was applied.
    pub(super) waves: Vec<(&'a str, bool)>,
}

impl Prune<'_> {
    fn wants(&self, resource: &ApiResource, object: &ObjectRef) -> bool {
        self.wanted.iter().any(|wanted| wanted.is(resource, object))
    }

    /// The position of the child's wave; that of a wave which is no more comes last.
    fn wave(&self, child: &Stored) -> usize {
        let at = child.label(WAVE).and_then(|wave| self.waves.iter().position(|(name, _)| **name == *wave));
        at.unwrap_or(self.waves.len())
    }

    fn may_go(&self, child: &Stored) -> bool {
        match self.waves.get(self.wave(child)) {
            Some((_, applied)) => *applied,
            None => self.waves.iter().all(|(_, applied)| *applied),
        }
    }
}

impl Context {
    /// Deletes the children of the owner of this uid that are not wanted, those of the last wave first.
    pub(super) async fn prune(&self, uid: &str, prune: &Prune<'_>) -> (Vec<ChildRef>, Vec<ChildError>) {
        let mut seen = BTreeSet::new();
        let mut found: Vec<(usize, &ApiResource, Stored)> = Vec::new();
        for resource in &self.controller.owned {
            for store in self.controller.stores.of(&resource.group, &resource.plural) {
                let by_label = store.labelled_children_of_uid(uid);
                for stored in store.informer.owned_by(uid).into_iter().chain(by_label) {
                    let object = stored.reference();
                    let stays = deleting(&stored)
                        || !belongs(&stored, uid)
                        || prune.wants(resource, object)
                        || !prune.may_go(&stored);
                    if !stays && seen.insert((&resource.group, &resource.plural, object.clone())) {
                        found.push((prune.wave(&stored), resource, stored));
                    }
                }
            }
        }
        // The sort is stable: within a wave the order of the kinds and names stays.
        found.sort_by_key(|(wave, ..)| std::cmp::Reverse(*wave));
        let (mut pruned, mut faults) = (Vec::new(), Vec::new());
        for (_, resource, stored) in found {
            match self.delete(resource, &stored).await {
                Ok(true) => pruned.push(ChildRef { kind: resource.kind.clone(), object: stored.reference().clone() }),
                Ok(false) => {}
                Err(error) => faults.push(error),
            }
        }
        (pruned, faults)
    }

    /// Deletes the children that are tied by label to an object of this name which is no more: the garbage collector
    /// does not. `known` is the uid of the object that the cache has under this name.
    ///
    /// A cache may be behind, or not hold the owner because of its selectors: only the server knows that an owner is gone.
    pub(crate) async fn remove_orphans(
        &self,
        owner: &ApiResource,
        key: &ObjectRef,
        known: Option<&str>,
    ) -> Result<(), Error> {
        let name = bond::name(&owner.group, &owner.kind, key);
        let mut orphans: Vec<(&ApiResource, Stored)> = Vec::new();
        for store in self.controller.stores.0.iter() {
            for stored in store.labelled_children_of(&name) {
                let again = |(resource, one): &(&ApiResource, Stored)| {
                    same_kind(resource, &store.resource) && one.reference() == stored.reference()
                };
                let belongs = known.is_some_and(|uid| stored.label(OWNER_UID) == Some(uid));
                if !belongs && !deleting(&stored) && !orphans.iter().any(again) {
                    orphans.push((&store.resource, stored));
                }
            }
        }
        if orphans.is_empty() {
            return Ok(());
        }
        let live = self.live(key, owner).await?;
        let uid = live.as_ref().and_then(|live| live["metadata"]["uid"].as_str());
        for (resource, stored) in orphans {
            if uid.is_some() && stored.label(OWNER_UID) == uid {
                continue;
            }
            self.delete(resource, &stored).await?;
            tracing::info!(kind = resource.kind, object = %stored.reference(), owner = name, "deleted, as its owner is gone");
        }
        Ok(())
    }

    /// Deletes a child if it is still what was looked at. False: it is gone already.
    async fn delete(&self, resource: &ApiResource, stored: &Stored) -> Result<bool, ChildError> {
        let object = stored.reference();
        let preconditions = Preconditions {
            uid: Some(stored.uid().to_string()),
            resource_version: Some(stored.resource_version().to_string()),
        };
        let params = DeleteParams::background().preconditions(preconditions);
        let request = Request::new(path(resource, object)).delete(&object.name, &params);
        match self.request(object, &resource.kind, "deleted", request).await {
            Ok(_) => {
                tracing::debug!(kind = resource.kind, %object, "child deleted");
                Ok(true)
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
