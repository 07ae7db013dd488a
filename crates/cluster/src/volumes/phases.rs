//! PersistentVolumes: their phase, kept while they are bound, deleted with their claim where they say so.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, PersistentVolumeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler};

use super::matching::is_reserved_for;
use super::{PROVISIONED_BY, PROVISIONER, release};

/// Finalizer of a volume, which goes when it is not bound.
const PROTECTION: &str = "kubernetes.io/pv-protection";

/// What keeps volumes.
pub(super) struct Volumes;

impl Reconciler for Volumes {
    type Object = PersistentVolume;

    async fn reconcile(&self, volume: Arc<PersistentVolume>, ctx: &Context) -> Result<Outcome, Error> {
        let phase = phase(&volume, ctx)?;
        let before = volume.status.clone().unwrap_or_default();
        let changed = before.phase.as_deref() != Some(phase);
        let since = before.last_phase_transition_time.filter(|_| !changed);
        ctx.set_status(&PersistentVolumeStatus {
            phase: Some(phase.into()),
            last_phase_transition_time: since.or(Some(Time(ctx.now()))),
            ..PersistentVolumeStatus::default()
        })
        .await?;
        let api = Api::<PersistentVolume>::all(ctx.client().clone());
        let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
        let ours = volume.annotations().get(PROVISIONED_BY).map(String::as_str) == Some(PROVISIONER);
        if volume.metadata.deletion_timestamp.is_some() {
            if phase != "Bound" {
                release(&api, &volume, PROTECTION).await?;
            }
        } else if phase == "Released" && ours && policy == Some("Delete") {
            match api.delete(&volume.name_any(), &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                other => drop(other?),
            }
        }
        Ok(Outcome::Settled)
    }
}

fn phase(volume: &PersistentVolume, ctx: &Context) -> Result<&'static str, Error> {
    let Some(reference) = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()) else {
        return Ok("Available");
    };
    if reference.uid.as_deref().is_none_or(str::is_empty) {
        return Ok("Available");
    }
    let key = ObjectRef::new(reference.namespace.as_deref(), reference.name.as_deref().unwrap_or_default());
    let claim = ctx.get::<PersistentVolumeClaim>(&key)?.filter(|claim| is_reserved_for(claim, volume));
    let named = |claim: &PersistentVolumeClaim| claim.spec.as_ref().and_then(|spec| spec.volume_name.clone());
    Ok(match claim {
        None => "Released",
        Some(claim) if named(&claim) == volume.metadata.name => "Bound",
        // The claim is about to say so.
        Some(_) => match volume.status.as_ref().and_then(|status| status.phase.as_deref()) {
            Some("Bound") => "Bound",
            Some("Available") => "Available",
            _ => "Pending",
        },
    })
}
