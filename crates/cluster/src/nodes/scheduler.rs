//! Gives pods a node: of those that they may go to, the one with the fewest pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::ResourceExt;
use kubewright_runtime::{Context, Delta, Error, ObjectRef, Outcome, Reconciler, Stored};
use parking_lot::RwLock;

use super::placement::refusal;
use super::usage::{Usage, has_no_node};

/// The scheduler that pods have unless they name another one.
const NAME: &str = "default-scheduler";

/// A pod without room is looked at again after this time, as room may have become free.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Gives pods a node.
pub(super) struct Scheduler {
    pub(super) usage: Arc<Usage>,
    pub(super) nodes: Arc<Nodes>,
}

/// The nodes, decoded once for all pods that ask for one, and kept current from the changes of nodes.
#[derive(Default)]
pub(super) struct Nodes(RwLock<BTreeMap<String, Arc<Node>>>);

impl Nodes {
    /// Takes a change of a node into account.
    pub(super) fn observe(&self, change: &Delta) {
        // What can't be read gets no pods.
        let node = change.new.as_ref().and_then(|node| node.decode::<Node>().ok());
        let name = change.reference.name.to_string();
        match node.filter(|node| node.metadata.deletion_timestamp.is_none()) {
            Some(node) => _ = self.0.write().insert(name, Arc::new(node)),
            None => _ = self.0.write().remove(&name),
        }
    }

    /// All that are not on their way out, by name.
    fn all(&self) -> Vec<Arc<Node>> {
        self.0.read().values().cloned().collect()
    }
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
        let nodes = self.nodes.all();
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        let mut best: Option<(i128, String)> = None;
        for node in &nodes {
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
