//! Gives pods a node: of those that they may go to, the one with the fewest pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::ResourceExt;
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler, Stored};
use std::time::Duration;

use super::placement::refusal;
use super::usage::{Usage, has_no_node};

/// The scheduler that pods have unless they name another one.
const NAME: &str = "default-scheduler";

/// A pod without room is looked at again after this time, as room may have become free.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Gives pods a node.
pub(super) struct Scheduler {
    pub(super) usage: Arc<Usage>,
}

/// Whether a pod waits for a node.
pub(super) fn wants_node(pod: &Stored) -> bool {
    pod.deletion_timestamp().is_none() && has_no_node(pod)
}

/// Nodes wake nobody by themselves: pods without room look again.
pub(super) fn none(_: &Stored) -> Option<ObjectRef> {
    None
}

impl Reconciler for Scheduler {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(spec) = &pod.spec else { return Ok(Outcome::Settled) };
        let has_node = spec.node_name.as_deref().is_some_and(|node| !node.is_empty());
        let gated = spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty());
        let mine = spec.scheduler_name.as_deref().is_none_or(|name| name == NAME);
        if has_node || gated || !mine || pod.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let nodes: Vec<Node> = ctx.list(None)?;
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        let mut best: Option<(i128, String)> = None;
        for node in nodes.iter().filter(|node| node.metadata.deletion_timestamp.is_none()) {
            let used = self.usage.of(&node.name_any());
            match refusal(&pod, node, &used) {
                Some(reason) => *refusals.entry(reason).or_default() += 1,
                None => {
                    let candidate = (used.get("pods").copied().unwrap_or_default(), node.name_any());
                    if best.as_ref().is_none_or(|best| candidate < *best) {
                        best = Some(candidate);
                    }
                }
            }
        }
        match best {
            Some((_, node)) => self.bind(ctx, &pod, &node).await,
            None => {
                unschedulable(ctx, &pod, nodes.len(), &refusals).await?;
                Ok(Outcome::After(LOOK_AGAIN))
            }
        }
    }
}

impl Scheduler {
    async fn bind(&self, ctx: &Context, pod: &Pod, node: &str) -> Result<Outcome, Error> {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(namespace.clone()),
            uid: pod.uid(),
            ..ObjectMeta::default()
        };
        let kind = Some("Node".to_string());
        let target = ObjectReference { kind, name: Some(node.into()), ..ObjectReference::default() };
        let body = serde_json::to_vec(&Binding { metadata, target })?;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
        let request = http::Request::post(path).header("content-type", "application/json").body(body)?;
        match ctx.client().request::<serde_json::Value>(request).await {
            Ok(_) => {
                self.usage.take(pod, node);
                ctx.normal("Scheduled", format!("Successfully assigned {namespace}/{name} to {node}"));
                Ok(Outcome::Settled)
            }
            // It is gone, or has a node by now.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Outcome::Settled),
            Err(error) => Err(error.into()),
        }
    }
}

async fn unschedulable(
    ctx: &Context,
    pod: &Pod,
    nodes: usize,
    refusals: &BTreeMap<String, usize>,
) -> Result<(), Error> {
    let reasons: Vec<String> = refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let message = match reasons.is_empty() {
        true => "no nodes available to schedule pods".to_string(),
        false => format!("0/{nodes} nodes are available: {}.", reasons.join(", ")),
    };
    let present = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let present = present.into_iter().find(|condition| condition.type_ == "PodScheduled");
    let since =
        present.filter(|present| present.status == "False").and_then(|present| present.last_transition_time.clone());
    let condition = PodCondition {
        type_: "PodScheduled".into(),
        status: "False".into(),
        reason: Some("Unschedulable".into()),
        message: Some(message.clone()),
        last_transition_time: since.or(Some(Time(ctx.now()))),
        ..PodCondition::default()
    };
    if ctx.set_status(&PodStatus { conditions: Some(vec![condition]), ..PodStatus::default() }).await? {
        ctx.warning("FailedScheduling", message);
    }
    Ok(())
}
