//! The PersistentVolumeClaims of a StatefulSet's pods: made before the pod, and kept or deleted with it or with the set.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, PostParams};
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Context, Error, ObjectRef};

use super::identity::{self, ordinal};
use super::plan::is_wanted;
use crate::workloads::pods::controller_reference;

/// Creates the claims of a pod that are not there.
pub(super) async fn create(ctx: &Context, set: &StatefulSet, pod: &Pod) -> Result<(), Error> {
    let Some(ordinal) = ordinal(set, pod) else { return Ok(()) };
    let namespace = set.namespace().unwrap_or_default();
    let templates = set.spec.iter().flat_map(|spec| spec.volume_claim_templates.iter().flatten());
    for (template, (_, name)) in templates.zip(identity::claims(set, ordinal)) {
        if ctx.get::<PersistentVolumeClaim>(&ObjectRef::new(Some(&namespace), &name))?.is_some() {
            continue;
        }
        let mut claim = template.clone();
        claim.metadata.name = Some(name.clone());
        claim.metadata.namespace = Some(namespace.clone());
        // The set's own labels are how its claims are found.
        let selector = set.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
        claim.metadata.labels.get_or_insert_default().extend(selector);
        claim.metadata.owner_references = owners(set, None).filter(|owners| !owners.is_empty());
        claim.status = None;
        let api = Api::<PersistentVolumeClaim>::namespaced(ctx.client().clone(), &namespace);
        let (pod, owner) = (pod.name_any(), set.name_any());
        match api.create(&PostParams::default(), &claim).await {
            Ok(_) => {
                let message = format!("create Claim {name} Pod {pod} in StatefulSet {owner} success");
                ctx.normal("SuccessfulCreate", message);
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => {
                let message = format!("create Claim {name} for Pod {pod} in StatefulSet {owner} failed error: {error}");
                ctx.warning("FailedCreate", message);
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Sees to it that claims go with their pod or with the set, where the set says so (KEP-1847).
pub(super) async fn keep(ctx: &Context, set: &StatefulSet, pods: &[Pod]) -> Result<(), Error> {
    let namespace = set.namespace().unwrap_or_default();
    for pod in pods {
        let Some(ordinal) = ordinal(set, pod) else { continue };
        let condemned = (!is_wanted(set, ordinal)).then_some(pod);
        for (_, name) in identity::claims(set, ordinal) {
            let Some(claim) = ctx.get::<PersistentVolumeClaim>(&ObjectRef::new(Some(&namespace), &name))? else {
                continue;
            };
            let ours = |owner: &&OwnerReference| {
                Some(&owner.uid) == set.metadata.uid.as_ref() || Some(&owner.uid) == pod.metadata.uid.as_ref()
            };
            let present = claim.metadata.owner_references.clone().unwrap_or_default();
            // One that somebody else controls is theirs.
            if present.iter().any(|owner| owner.controller == Some(true) && !ours(&owner)) {
                continue;
            }
            let mut wanted: Vec<OwnerReference> = present.iter().filter(|owner| !ours(owner)).cloned().collect();
            wanted.extend(owners(set, condemned).unwrap_or_default());
            if wanted != present {
                let mut claim = claim;
                claim.metadata.owner_references = Some(wanted);
                let api = Api::<PersistentVolumeClaim>::namespaced(ctx.client().clone(), &namespace);
                api.replace(&name, &PostParams::default(), &claim).await?;
            }
        }
    }
    Ok(())
}

/// Who a claim goes with: the set, and with scaling down the pod that is too many.
fn owners(set: &StatefulSet, condemned: Option<&Pod>) -> Option<Vec<OwnerReference>> {
    let policy = set.spec.as_ref()?.persistent_volume_claim_retention_policy.as_ref()?;
    let deletes = |when: &Option<String>| when.as_deref() == Some("Delete");
    Some(match condemned {
        Some(pod) if deletes(&policy.when_scaled) => vec![of_pod(pod)],
        _ if deletes(&policy.when_deleted) => vec![controller_reference(set)],
        _ => Vec::new(),
    })
}

fn of_pod(pod: &Pod) -> OwnerReference {
    let mut reference = pod.controller_owner_ref(&()).unwrap_or_default();
    reference.block_owner_deletion = Some(true);
    reference
}
