//! Pods that nothing else would end: those of a node that is gone, those that are being deleted and never had a node, and
//! those that were to be disrupted and then were not.
//!
//! Source: the behaviour of kube-controller-manager's `pod-garbage-collector-controller` and of its disruption controller.
//! Unlike there a node counts as gone only when its deletion was seen, so that tests may give pods to nodes that never
//! were; and pods that have ended are not counted and removed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Node, Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kubewright_runtime::{Context, Controller, Error, Manager, ObjectRef, Outcome, Reconciler, Watch};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::workloads::pods::this_one;

/// How long a node is missing before its pods are deleted: it may come back.
const QUARANTINE: Duration = Duration::from_secs(40);
/// How long a pod that was to be disrupted may take until it is being deleted.
const DISRUPTED_WITHIN: SignedDuration = SignedDuration::from_mins(2);
const DISRUPTED: &str = "DisruptionTarget";
/// The reason of a node itself, which may take as long as it likes.
const BY_NODE: &str = "TerminationByKubelet";

/// Adds the controllers to a manager.
pub(crate) fn add_to(manager: Manager) -> Manager {
    let nodes = Controller::new("pod-garbage-collector-controller", Watch::<Node>::all(), Orphans::default());
    let unscheduled = Watch::<Pod>::all().when(|change| {
        let pod = change.new.as_ref().map(|pod| pod.tree());
        pod.is_some_and(|pod| {
            pod["metadata"]["deletionTimestamp"].is_string() && text(&pod, "spec", "nodeName").is_empty()
        })
    });
    let disrupted = Watch::<Pod>::all().when(|change| {
        let pod = change.new.as_ref().map(|pod| pod.tree());
        let conditions = pod.as_ref().and_then(|pod| pod["status"]["conditions"].as_array());
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == DISRUPTED && one["status"] == "True"))
    });
    manager
        .controller(nodes)
        .controller(Controller::new("pod-garbage-collector-unscheduled", unscheduled, Unscheduled))
        .controller(Controller::new("disruption-controller-stale", disrupted, Undisrupted))
}

fn text<'a>(object: &'a Value, part: &str, field: &str) -> &'a str {
    object[part][field].as_str().unwrap_or_default()
}

/// Deletes the pods of nodes that are gone.
#[derive(Default)]
struct Orphans {
    /// Since when a node is missing.
    missing: Mutex<HashMap<String, Instant>>,
}

impl Reconciler for Orphans {
    type Object = Node;

    async fn reconcile(&self, node: Arc<Node>, _: &Context) -> Result<Outcome, Error> {
        self.missing.lock().remove(&node.name_any());
        Ok(Outcome::Settled)
    }

    async fn gone(&self, key: &ObjectRef, ctx: &Context) -> Result<Outcome, Error> {
        let been = self.missing.lock().entry(key.name.to_string()).or_insert_with(Instant::now).elapsed();
        if been < QUARANTINE {
            return Ok(Outcome::Recheck(QUARANTINE - been));
        }
        if Api::<Node>::all(ctx.client().clone()).get_opt(&key.name).await?.is_none() {
            let of_node = ListParams::default().fields(&format!("spec.nodeName={}", key.name));
            for pod in Api::<Pod>::all(ctx.client().clone()).list(&of_node).await? {
                let generation = pod.metadata.generation;
                let condition = json!({
                    "type": DISRUPTED, "status": "True", "reason": "DeletionByPodGC", "observedGeneration": generation,
                    "message": "PodGC: node no longer exists", "lastTransitionTime": Time(ctx.now()),
                });
                fail_and_delete(ctx, &pod, Some(condition)).await?;
            }
        }
        self.missing.lock().remove(&*key.name);
        Ok(Outcome::Settled)
    }
}

/// Ends pods that are being deleted and that no node has ever had: there is nobody else who could.
struct Unscheduled;

impl Reconciler for Unscheduled {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        let scheduled =
            pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).is_some_and(|node| !node.is_empty());
        // One that has ended waits for its finalizers only.
        if pod.metadata.deletion_timestamp.is_some() && !scheduled && !has_ended(&pod) {
            fail_and_delete(ctx, &pod, None).await?;
        }
        Ok(Outcome::Settled)
    }
}

/// Takes back that a pod is to be disrupted, when nobody has deleted it.
struct Undisrupted;

impl Reconciler for Undisrupted {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(condition) = stale_soon(&pod) else { return Ok(Outcome::Settled) };
        let since = condition.last_transition_time.as_ref().map_or(ctx.now(), |time| time.0);
        let left = (since + DISRUPTED_WITHIN).duration_since(ctx.now());
        if let Some(left) = Duration::try_from(left).ok().filter(|left| !left.is_zero()) {
            return Ok(Outcome::Recheck(left));
        }
        let condition = json!({
            "type": DISRUPTED, "status": "False", "reason": null, "message": null,
            "observedGeneration": pod.metadata.generation, "lastTransitionTime": Time(ctx.now()),
        });
        // With the version that was looked at: somebody may have renewed the condition.
        let metadata = json!({"uid": pod.metadata.uid, "resourceVersion": pod.metadata.resource_version});
        patch_status(ctx, &pod, &json!({"metadata": metadata, "status": {"conditions": [condition]}})).await?;
        Ok(Outcome::Settled)
    }
}

/// The condition of a pod that is to be disrupted, if it can get stale.
fn stale_soon(pod: &Pod) -> Option<&PodCondition> {
    if pod.metadata.deletion_timestamp.is_some() || has_ended(pod) {
        return None;
    }
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == DISRUPTED)?;
    (condition.status == "True" && condition.reason.as_deref() != Some(BY_NODE)).then_some(condition)
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

async fn fail_and_delete(ctx: &Context, pod: &Pod, condition: Option<Value>) -> Result<(), Error> {
    if !has_ended(pod) {
        let mut status = json!({"phase": "Failed", "observedGeneration": pod.metadata.generation});
        if let Some(condition) = condition {
            status["conditions"] = json!([condition]);
        }
        patch_status(ctx, pod, &json!({"metadata": {"uid": pod.metadata.uid}, "status": status})).await?;
    }
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &pod.namespace().unwrap_or_default());
    let params =
        DeleteParams { preconditions: Some(this_one(&pod.metadata)), ..DeleteParams::default() }.grace_period(0);
    match api.delete(&pod.name_any(), &params).await {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        result => result.map(drop).map_err(Error::from),
    }
}

/// Patches the status; a pod that is gone, or is another one by now, is let be.
async fn patch_status(ctx: &Context, pod: &Pod, patch: &Value) -> Result<(), Error> {
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &pod.namespace().unwrap_or_default());
    match api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch)).await {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        result => result.map(drop).map_err(Error::from),
    }
}
