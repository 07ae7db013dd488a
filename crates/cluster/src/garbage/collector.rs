//! Looks at one object of the graph at a time and does what is decided about it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, PartialObjectMeta, TypeMeta};
use kube::discovery::{Scope as DiscoveryScope, pinned_kind};
use kube::{Client, ResourceExt};
use parking_lot::Mutex;
use serde_json::json;

use super::decide::{Action, OwnerState, Propagation, decide};
use super::graph::{Graph, Identity};
use super::{FOREGROUND, ORPHAN};

/// Why an object could not be dealt with; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectorError {
    /// An owner reference or object names a kind that the server does not serve.
    #[error(
        "{what} is of kind {kind} in {api_version}, which the server does not serve; install its definition or remove the reference"
    )]
    UnknownKind { what: String, api_version: String, kind: String },
    /// The API server refused a call.
    #[error("garbage collection of {what}: {cause}")]
    Api { what: String, cause: Box<kube::Error> },
}

/// The graph, and the means to act on it.
pub(crate) struct Collector {
    client: Client,
    graph: Mutex<Graph>,
    /// Served kinds by (apiVersion, kind), with whether they are namespaced.
    kinds: Mutex<BTreeMap<(String, String), (ApiResource, bool)>>,
}

impl Collector {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, graph: Mutex::default(), kinds: Mutex::default() }
    }

    /// Makes a kind known, so that references to it can be followed.
    pub(crate) fn learn_kind(&self, resource: &ApiResource, namespaced: bool) {
        let key = (resource.api_version.clone(), resource.kind.clone());
        self.kinds.lock().insert(key, (resource.clone(), namespaced));
    }

    /// Takes in an object as it is now; returns the uids to attend to.
    pub(crate) fn observe(&self, resource: &ApiResource, meta: &ObjectMeta) -> Vec<String> {
        let identity = Identity {
            uid: meta.uid.clone().unwrap_or_default(),
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone().unwrap_or_default(),
        };
        self.graph.lock().observe(identity, meta)
    }

    /// Takes out an object that is gone; returns the uids to attend to.
    pub(crate) fn forget(&self, uid: &str) -> Vec<String> {
        self.graph.lock().forget(uid)
    }

    /// Does what has to be done about one object.
    pub(crate) async fn attend(&self, uid: &str) -> Result<(), CollectorError> {
        let identity = {
            let graph = self.graph.lock();
            match graph.identity(uid) {
                Some(identity) if !graph.is_settled(uid) => identity.clone(),
                _ => return Ok(()),
            }
        };
        // The informers may be behind: whoever is deleted is deleted on what the server says now.
        let Some(live) = self.live(&identity).await? else { return Ok(()) };
        let mut owners = Vec::new();
        for reference in live.metadata.owner_references.iter().flatten() {
            owners.push(self.owner_state(&identity, reference).await?);
        }
        let (blocked, has_dependents) = {
            let graph = self.graph.lock();
            (graph.blocking_dependents_of(uid).next().is_some(), graph.dependents_of(uid).next().is_some())
        };
        match decide(&live.metadata, &owners, blocked, has_dependents) {
            // What it waits for is attended to by itself, and wakes it again.
            Action::Keep | Action::AwaitDependents => Ok(()),
            Action::DropOwners(uids) => self.drop_owners(&identity, &live.metadata, &uids).await,
            Action::Delete(propagation) => self.delete(&identity, &live.metadata, propagation).await,
            Action::Release(finalizer) => self.release(&identity, &live.metadata, finalizer).await,
            Action::OrphanDependents => {
                self.orphan_dependents(uid).await?;
                self.release(&identity, &live.metadata, ORPHAN).await
            }
        }
    }

    async fn owner_state(&self, item: &Identity, owner: &OwnerReference) -> Result<OwnerState, CollectorError> {
        if self.graph.lock().is_solid(&owner.uid, &item.namespace) {
            return Ok(OwnerState::Solid);
        }
        let identity = Identity {
            uid: owner.uid.clone(),
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            namespace: item.namespace.clone(),
            name: owner.name.clone(),
        };
        let Some(live) = self.live(&identity).await? else { return Ok(OwnerState::Absent) };
        let waits = live.metadata.deletion_timestamp.is_some() && live.finalizers().iter().any(|f| f == FOREGROUND);
        let blocks = owner.block_owner_deletion == Some(true);
        Ok(if waits && blocks { OwnerState::WaitsForDependents } else { OwnerState::Solid })
    }

    async fn orphan_dependents(&self, owner: &str) -> Result<(), CollectorError> {
        let dependents: Vec<Identity> = self.graph.lock().dependents_of(owner).cloned().collect();
        for dependent in dependents {
            if let Some(live) = self.live(&dependent).await? {
                self.drop_owners(&dependent, &live.metadata, &[owner.to_string()]).await?;
            }
        }
        Ok(())
    }

    /// The object as the server has it, if it is still the same one.
    async fn live(&self, identity: &Identity) -> Result<Option<PartialObjectMeta<DynamicObject>>, CollectorError> {
        let found =
            self.api(identity).await?.get_metadata_opt(&identity.name).await.map_err(|e| failed(identity, e))?;
        Ok(found.filter(|object| object.metadata.uid.as_deref() == Some(&identity.uid)))
    }

    async fn drop_owners(&self, item: &Identity, meta: &ObjectMeta, gone: &[String]) -> Result<(), CollectorError> {
        let kept: Vec<_> = meta.owner_references.iter().flatten().filter(|owner| !gone.contains(&owner.uid)).collect();
        self.patch(item, meta, json!({"ownerReferences": kept})).await
    }

    async fn release(&self, item: &Identity, meta: &ObjectMeta, finalizer: &str) -> Result<(), CollectorError> {
        let kept: Vec<_> = meta.finalizers.iter().flatten().filter(|name| *name != finalizer).collect();
        self.patch(item, meta, json!({"finalizers": kept})).await
    }

    async fn patch(
        &self,
        item: &Identity,
        meta: &ObjectMeta,
        mut change: serde_json::Value,
    ) -> Result<(), CollectorError> {
        change["uid"] = json!(meta.uid);
        change["resourceVersion"] = json!(meta.resource_version);
        let patch = Patch::Merge(json!({"metadata": change}));
        let done = self.api(item).await?.patch_metadata(&item.name, &PatchParams::default(), &patch).await;
        ignore_gone(item, done.map(drop))
    }

    async fn delete(&self, item: &Identity, meta: &ObjectMeta, how: Propagation) -> Result<(), CollectorError> {
        let params = DeleteParams {
            propagation_policy: Some(match how {
                Propagation::Background => PropagationPolicy::Background,
                Propagation::Foreground => PropagationPolicy::Foreground,
                Propagation::Orphan => PropagationPolicy::Orphan,
            }),
            preconditions: Some(Preconditions {
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        tracing::debug!(
            kind = item.kind,
            namespace = item.namespace,
            name = item.name,
            ?how,
            "deleting: its owners are gone"
        );
        ignore_gone(item, self.api(item).await?.delete(&item.name, &params).await.map(drop))
    }

    /// The kind of an object. One that is not known may have been installed a moment ago: the server is asked.
    async fn kind(&self, identity: &Identity) -> Result<(ApiResource, bool), CollectorError> {
        let Identity { api_version, kind, .. } = identity;
        let known = self.kinds.lock().get(&(api_version.clone(), kind.clone())).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let unknown = || CollectorError::UnknownKind {
            what: shown(identity),
            api_version: api_version.clone(),
            kind: kind.clone(),
        };
        let types = TypeMeta { api_version: api_version.clone(), kind: kind.clone() };
        let gvk = GroupVersionKind::try_from(&types).map_err(|_| unknown())?;
        match pinned_kind(&self.client, &gvk).await {
            Ok((resource, capabilities)) => {
                let namespaced = capabilities.scope == DiscoveryScope::Namespaced;
                self.learn_kind(&resource, namespaced);
                Ok((resource, namespaced))
            }
            Err(kube::Error::Api(status)) if status.code != 404 => Err(failed(identity, kube::Error::Api(status))),
            Err(kube::Error::Api(_) | kube::Error::Discovery(_)) => Err(unknown()),
            Err(error) => Err(failed(identity, error)),
        }
    }

    async fn api(&self, identity: &Identity) -> Result<Api<DynamicObject>, CollectorError> {
        let (resource, namespaced) = self.kind(identity).await?;
        Ok(match &identity.namespace {
            Some(namespace) if namespaced => Api::namespaced_with(self.client.clone(), namespace, &resource),
            _ => Api::all_with(self.client.clone(), &resource),
        })
    }
}

fn ignore_gone(item: &Identity, result: Result<(), kube::Error>) -> Result<(), CollectorError> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map_err(|error| failed(item, error)),
    }
}

fn failed(item: &Identity, error: kube::Error) -> CollectorError {
    CollectorError::Api { what: shown(item), cause: Box::new(error) }
}

fn shown(item: &Identity) -> String {
    format!("{} {}/{}", item.kind, item.namespace.as_deref().unwrap_or_default(), item.name)
}
