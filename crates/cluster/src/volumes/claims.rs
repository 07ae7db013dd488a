//! PersistentVolumeClaims: bound to a volume, kept while pods use them.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus, Pod,
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler};
use serde_json::json;

use super::{
    BIND_COMPLETED, BOUND_BY_CONTROLLER, BY_CLAIM, DRIVER, PROVISIONED_BY, PROVISIONER, annotate, matching, release,
};

/// Finalizer of a claim, which goes when no pod uses it.
const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// What binds claims.
pub(super) struct Claims;

impl Reconciler for Claims {
    type Object = PersistentVolumeClaim;

    async fn reconcile(&self, claim: Arc<PersistentVolumeClaim>, ctx: &Context) -> Result<Outcome, Error> {
        if claim.metadata.deletion_timestamp.is_some() {
            if !is_used(&claim, ctx)? {
                let namespace = claim.namespace().unwrap_or_default();
                let api = Api::<PersistentVolumeClaim>::namespaced(ctx.client().clone(), &namespace);
                release(&api, &claim, PROTECTION).await?;
            }
            return Ok(Outcome::Settled);
        }
        let named = claim.spec.as_ref().and_then(|spec| spec.volume_name.clone()).filter(|name| !name.is_empty());
        let volume = match &named {
            Some(name) => ctx.get::<PersistentVolume>(&ObjectRef::new(None, name))?,
            None => find(&claim, ctx).await?,
        };
        let completed = claim.annotations().contains_key(BIND_COMPLETED);
        match volume {
            Some(volume) if matching::is_reserved_for(&claim, &volume) || is_free(&volume) => {
                bind(&claim, volume, ctx).await?;
            }
            // What was bound and has lost its volume never gets another one.
            _ if completed => {
                let status = PersistentVolumeClaimStatus { phase: Some("Lost".into()), ..Default::default() };
                if ctx.set_status(&status).await? {
                    ctx.warning("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
                }
            }
            _ => {}
        }
        Ok(Outcome::Settled)
    }
}

fn is_free(volume: &PersistentVolume) -> bool {
    volume.spec.as_ref().is_some_and(|spec| spec.claim_ref.is_none())
}

/// A volume for a claim that has none: one that is there, or one that is made for it.
async fn find(claim: &PersistentVolumeClaim, ctx: &Context) -> Result<Option<PersistentVolume>, Error> {
    let volumes = ctx.list::<PersistentVolume>(None)?;
    if let Some(volume) = matching::best(claim, &volumes) {
        return Ok(Some(volume.clone()));
    }
    let class = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.clone()).unwrap_or_default();
    if class.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        ctx.normal("FailedBinding", message);
        return Ok(None);
    }
    let Some(class) = ctx.get::<StorageClass>(&ObjectRef::new(None, &class))? else {
        ctx.warning("ProvisioningFailed", format!("storageclass.storage.k8s.io {class:?} not found"));
        return Ok(None);
    };
    if class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer") && !is_used(claim, ctx)? {
        let message = "waiting for first consumer to be created before binding";
        ctx.normal("WaitForFirstConsumer", message);
        return Ok(None);
    }
    if class.provisioner != PROVISIONER {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system \
             administrator. If volume creation is delayed, please verify that the provisioner is running and correctly \
             registered.",
            class.provisioner
        );
        ctx.normal("ExternalProvisioning", message);
        return Ok(None);
    }
    provision(claim, &class, ctx).await.map(Some)
}

/// Makes a simulated volume.
async fn provision(
    claim: &PersistentVolumeClaim,
    class: &StorageClass,
    ctx: &Context,
) -> Result<PersistentVolume, Error> {
    let name = format!("pvc-{}", claim.uid().unwrap_or_default());
    let spec = claim.spec.clone().unwrap_or_default();
    let volume = json!({
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": spec.resources.and_then(|resources| resources.requests),
            "accessModes": spec.access_modes, "volumeMode": spec.volume_mode,
            "claimRef": reference(claim), "storageClassName": class.name_any(),
            "persistentVolumeReclaimPolicy": class.reclaim_policy.as_deref().unwrap_or("Delete"),
            "csi": {"driver": DRIVER, "volumeHandle": name},
        },
    });
    let api = Api::<PersistentVolume>::all(ctx.client().clone());
    match api.create(&PostParams::default(), &serde_json::from_value(volume)?).await {
        Ok(volume) => {
            ctx.normal("ProvisioningSucceeded", format!("Successfully provisioned volume {name}"));
            Ok(volume)
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(api.get(&name).await?),
        Err(error) => {
            ctx.warning("ProvisioningFailed", format!("Failed to create volume {name}: {error}"));
            Err(error.into())
        }
    }
}

fn reference(claim: &PersistentVolumeClaim) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("PersistentVolumeClaim".into()),
        namespace: claim.namespace(),
        name: claim.metadata.name.clone(),
        uid: claim.uid(),
        resource_version: claim.resource_version(),
        field_path: None,
    }
}

/// First the volume is taken, then the claim says that it has it: so no two claims have the same.
async fn bind(claim: &PersistentVolumeClaim, mut volume: PersistentVolume, ctx: &Context) -> Result<(), Error> {
    let taken = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()?.uid.clone());
    if taken.is_none_or(|uid| uid.is_empty()) {
        let reserved = !is_free(&volume);
        volume.spec.get_or_insert_default().claim_ref = Some(reference(claim));
        if !reserved {
            annotate(&mut volume, BOUND_BY_CONTROLLER);
        }
        let api = Api::<PersistentVolume>::all(ctx.client().clone());
        volume = api.replace(&volume.name_any(), &PostParams::default(), &volume).await?;
    }
    let mut bound = claim.clone();
    let spec = bound.spec.get_or_insert_default();
    let by_controller = spec.volume_name.as_deref().is_none_or(str::is_empty);
    if by_controller {
        spec.volume_name = Some(volume.name_any());
        annotate(&mut bound, BOUND_BY_CONTROLLER);
    }
    if annotate(&mut bound, BIND_COMPLETED) || by_controller {
        let api = Api::namespaced(ctx.client().clone(), &claim.namespace().unwrap_or_default());
        api.replace(&claim.name_any(), &PostParams::default(), &bound).await?;
    }
    let spec = volume.spec.unwrap_or_default();
    ctx.set_status(&PersistentVolumeClaimStatus {
        phase: Some("Bound".into()),
        access_modes: spec.access_modes,
        capacity: spec.capacity,
        ..PersistentVolumeClaimStatus::default()
    })
    .await?;
    Ok(())
}

/// Whether a pod that has a node uses it.
fn is_used(claim: &PersistentVolumeClaim, ctx: &Context) -> Result<bool, Error> {
    let key = format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any());
    let on_node =
        |pod: &Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).is_some_and(|n| !n.is_empty());
    Ok(ctx.list_by::<Pod>(BY_CLAIM, &key)?.iter().any(on_node))
}
