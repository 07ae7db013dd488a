//! Volumes: claims find theirs, and neither goes while it is in use.
//!
//! | file | what it holds |
//! |---|---|
//! | `claims` | PersistentVolumeClaims: bound to a volume, kept while pods use them |
//! | `phases` | PersistentVolumes: their phase, kept while they are bound, deleted with their claim |
//! | `matching` | whether a volume is one for a claim; pure |
//!
//! Volumes of a StorageClass with the provisioner `sim.kubewright.dev/volumes` are made when a claim needs one; simulated
//! nodes come with such a class, the default one. No data is kept anywhere. Not there: claims of generic ephemeral volumes,
//! resizing, recycling; other provisioners bring their own controllers.

mod claims;
mod matching;
mod phases;

use std::fmt::Debug;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use kubewright_runtime::{Controller, Error, Manager, ObjectRef, Stored, Watch};
use serde::de::DeserializeOwned;
use serde_json::json;

/// Who makes simulated volumes, as StorageClasses name it.
const PROVISIONER: &str = "sim.kubewright.dev/volumes";
/// What the volumes call their driver: names of drivers are domains alone.
const DRIVER: &str = "sim.kubewright.dev";

/// Index of pods by the claims that they name.
const BY_CLAIM: &str = "claim";

const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Adds the controllers to a manager.
pub(crate) fn add_to(manager: Manager) -> Manager {
    let claims = Controller::new("persistentvolume-binder", Watch::<PersistentVolumeClaim>::all(), claims::Claims)
        .reads(Watch::<Pod>::all().index(BY_CLAIM, claims_of))
        .watches(Watch::<PersistentVolume>::all(), claim_of)
        .reads(Watch::<StorageClass>::all());
    let volumes = Controller::new("persistentvolume-controller", Watch::<PersistentVolume>::all(), phases::Volumes)
        .watches(Watch::<PersistentVolumeClaim>::all(), |claim| {
            let name = claim.tree()["spec"]["volumeName"].as_str().map(str::to_string);
            name.map(|name| ObjectRef::new(None, &name))
        });
    manager.controller(claims).controller(volumes)
}

/// Creates the default StorageClass of simulated nodes, unless there is one of its name.
pub(crate) async fn create_class(client: Client) -> Result<(), Error> {
    let class = json!({
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
    });
    match Api::<StorageClass>::all(client).create(&PostParams::default(), &serde_json::from_value(class)?).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// The claims that a pod uses.
fn claims_of(pod: &Stored) -> Vec<String> {
    let (tree, namespace) = (pod.tree(), pod.namespace().unwrap_or_default());
    let volumes = tree["spec"]["volumes"].as_array().into_iter().flatten();
    let names = volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str());
    names.map(|name| format!("{namespace}/{name}")).collect()
}

/// The claim that a volume is for.
fn claim_of(volume: &Stored) -> Option<ObjectRef> {
    let tree = volume.tree();
    let reference = &tree["spec"]["claimRef"];
    Some(ObjectRef::new(reference["namespace"].as_str(), reference["name"].as_str()?))
}

/// Takes a finalizer from an object; one that is gone has none.
async fn release<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: ResourceExt + Clone + DeserializeOwned + Debug,
{
    if !object.finalizers().iter().any(|present| present == finalizer) {
        return Ok(());
    }
    let patch = json!({"metadata": {"uid": object.uid(), "$deleteFromPrimitiveList/finalizers": [finalizer]}});
    match api.patch(&object.name_any(), &PatchParams::default(), &Patch::Strategic(patch)).await {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// Adds an annotation; whether it was not there.
fn annotate<K: ResourceExt>(object: &mut K, name: &str) -> bool {
    object.annotations_mut().insert(name.into(), "yes".into()).is_none()
}
