//! What all workload controllers do with pods.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::core::{Selector, SelectorExt};
use kube::{Resource, ResourceExt};
use kubewright_runtime::{Context, Error, Watch};
use serde_json::json;

/// Index of pods by the uid of their controller.
const BY_CONTROLLER: &str = "controller";

/// Index of pods without a controller by their namespace.
const ORPHANS: &str = "orphans";

/// Watches pods, with the indexes that [`claim`] goes by.
pub(crate) fn watch() -> Watch<Pod> {
    Watch::all()
        .index(BY_CONTROLLER, |pod| pod.controller().map(|owner| owner.uid.to_string()))
        .index(ORPHANS, |pod| pod.controller().is_none().then(|| pod.namespace().unwrap_or_default().to_string()))
}

/// A reference that makes `owner` the controller of what has it.
pub(crate) fn controller_reference<K: Resource<DynamicType = ()>>(owner: &K) -> OwnerReference {
    let mut reference = owner.controller_owner_ref(&()).unwrap_or_default();
    reference.block_owner_deletion = Some(true);
    reference
}

/// A selector that matches nothing where it can't be read; the API server lets no such one in.
pub(crate) fn selector(labels: &LabelSelector) -> Option<Selector> {
    Selector::try_from(labels.clone()).ok()
}

/// The pods of `owner`: those that it controls already, without those that no longer match, which are released; and
/// orphans that match, which are adopted. An owner that is being deleted adopts nothing. `finalizer` is one that pods have
/// as long as they are the owner's.
pub(crate) async fn claim<K>(
    ctx: &Context,
    owner: &K,
    labels: &LabelSelector,
    finalizer: Option<&str>,
) -> Result<Vec<Pod>, Error>
where
    K: Resource<DynamicType = ()>,
{
    let (namespace, uid) = (owner.namespace().unwrap_or_default(), owner.uid().unwrap_or_default());
    let Some(selector) = selector(labels) else { return Ok(Vec::new()) };
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &namespace);
    let ending = owner.meta().deletion_timestamp.is_some();
    let mut claimed = Vec::new();
    for pod in ctx.list_by::<Pod>(BY_CONTROLLER, &uid)? {
        if selector.matches(pod.labels()) {
            claimed.push(pod);
        } else if !ending && pod.metadata.deletion_timestamp.is_none() {
            let mut release = json!({"metadata": {
                "uid": pod.uid(), "ownerReferences": [{"$patch": "delete", "uid": uid}],
            }});
            if let Some(finalizer) = finalizer {
                release["metadata"]["$deleteFromPrimitiveList/finalizers"] = json!([finalizer]);
            }
            gone_is_fine(api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(release)).await)?;
        }
    }
    if ending {
        return Ok(claimed);
    }
    for pod in ctx.list_by::<Pod>(ORPHANS, &namespace)? {
        if pod.metadata.deletion_timestamp.is_some() || !selector.matches(pod.labels()) {
            continue;
        }
        let mut adopt = json!({"metadata": {"uid": pod.uid(), "ownerReferences": [controller_reference(owner)]}});
        if let Some(finalizer) = finalizer {
            adopt["metadata"]["finalizers"] = json!([finalizer]);
        }
        let adopted = api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(adopt)).await;
        claimed.extend(gone_is_fine(adopted)?);
    }
    Ok(claimed)
}

/// Neither over nor on its way out.
pub(crate) fn is_active(pod: &Pod) -> bool {
    !matches!(phase(pod), "Succeeded" | "Failed") && pod.metadata.deletion_timestamp.is_none()
}

/// On its way out, and not over yet.
pub(crate) fn is_terminating(pod: &Pod) -> bool {
    !matches!(phase(pod), "Succeeded" | "Failed") && pod.metadata.deletion_timestamp.is_some()
}

/// The phase, `""` before there is one.
pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// A condition of the pod.
pub(crate) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

/// How often the container that was restarted most was.
pub(crate) fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.map(|status| status.restart_count).max().unwrap_or_default()
}

/// Whether the pod is ready.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

/// Since when it is ready.
pub(crate) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let condition = condition(pod, "Ready").filter(|condition| condition.status == "True")?;
    condition.last_transition_time.as_ref().map(|time| time.0)
}

/// Whether the pod has been ready for so long, and if not although it is ready, how long that will take.
pub(crate) fn availability(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> Availability {
    if !is_ready(pod) {
        return Availability::No;
    }
    let wanted = Duration::from_secs(u64::try_from(min_ready_seconds).unwrap_or_default());
    let Some(since) = ready_since(pod) else { return Availability::No };
    let been = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    if wanted.is_zero() || been >= wanted { Availability::Yes } else { Availability::In(wanted - been) }
}

/// See [`availability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It is.
    Yes,
    /// It will be then, if it stays ready.
    In(Duration),
    /// It is not ready.
    No,
}

/// A pod of the template, controlled by `owner`; its name is still to be made or set.
pub(crate) fn from_template<K: Resource<DynamicType = ()>>(template: &PodTemplateSpec, owner: &K) -> Pod {
    let metadata = template.metadata.clone().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: Some(vec![controller_reference(owner)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// The start of generated names: with the name as far as it fits.
pub(crate) fn name_prefix(owner: &str) -> String {
    format!("{owner}-")
}

/// Creates a pod and says so in an event. `None`: the namespace is going.
pub(crate) async fn create(ctx: &Context, namespace: &str, pod: &Pod) -> Result<Option<Pod>, Error> {
    match Api::<Pod>::namespaced(ctx.client().clone(), namespace).create(&PostParams::default(), pod).await {
        Ok(created) => {
            ctx.normal("SuccessfulCreate", format!("Created pod: {}", created.name_any()));
            Ok(Some(created))
        }
        Err(error) if namespace_is_going(&error) => Ok(None),
        Err(error) => {
            ctx.warning("FailedCreate", format!("Error creating: {error}"));
            Err(error.into())
        }
    }
}

/// Deletes a pod and says so in an event.
pub(crate) async fn delete(ctx: &Context, pod: &Pod) -> Result<(), Error> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &namespace);
    let params = DeleteParams { preconditions: Some(this_one(&pod.metadata)), ..DeleteParams::default() };
    match api.delete(&name, &params).await {
        Ok(_) => {
            ctx.normal("SuccessfulDelete", format!("Deleted pod: {name}"));
            Ok(())
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => {
            ctx.warning("FailedDelete", format!("Error deleting: {error}"));
            Err(error.into())
        }
    }
}

/// Only this object, not a later one of its name.
pub(crate) fn this_one(metadata: &ObjectMeta) -> kube::api::Preconditions {
    kube::api::Preconditions { uid: metadata.uid.clone(), resource_version: None }
}

/// Whether a create failed because the namespace is being deleted.
pub(crate) fn namespace_is_going(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

fn gone_is_fine(result: Result<Pod, kube::Error>) -> Result<Option<Pod>, Error> {
    match result {
        Ok(pod) => Ok(Some(pod)),
        // It is gone, or is another one by now.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
