//! Node objects that look like working nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use kubewright_runtime::{Context, Error, Outcome, Reconciler};
use serde_json::json;

use super::SIMULATED;

/// The taint that a new node has until it is ready.
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// What a node has unless it says otherwise: room for anything that one wants to simulate.
const CAPACITY: [(&str, &str); 4] =
    [("cpu", "100000"), ("memory", "1000Ti"), ("ephemeral-storage", "1000Ti"), ("pods", "1000000")];

/// Creates the nodes that are to be there from the start.
pub(super) async fn create(client: Client, count: usize) -> Result<(), Error> {
    let api = Api::<Node>::all(client);
    for number in 1..=count {
        let name = format!("node-{number}");
        let labels = [
            (SIMULATED, "true"),
            ("kubernetes.io/hostname", name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", architecture()),
        ];
        let labels = labels.map(|(label, value)| (label.to_string(), value.to_string())).into();
        let metadata = ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() };
        match api.create(&PostParams::default(), &Node { metadata, ..Node::default() }).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// What tells of simulated nodes that they work.
pub(super) struct Nodes;

impl Reconciler for Nodes {
    type Object = Node;

    async fn reconcile(&self, node: Arc<Node>, ctx: &Context) -> Result<Outcome, Error> {
        if node.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        // The API server taints new nodes; on a real cluster the node lifecycle controller takes the taint off a ready one.
        let taints = || node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        if taints().any(|taint| taint.key == NOT_READY) {
            let api = Api::<Node>::all(ctx.client().clone());
            let others: Vec<&Taint> = taints().filter(|taint| taint.key != NOT_READY).collect();
            let metadata = json!({"uid": node.uid(), "resourceVersion": node.resource_version()});
            let patch = Patch::Merge(json!({"metadata": metadata, "spec": {"taints": others}}));
            match api.patch(&node.name_any(), &PatchParams::default(), &patch).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                other => drop(other?),
            }
        }
        ctx.set_status(&status(&node, ctx.now())).await?;
        Ok(Outcome::Settled)
    }
}

fn status(node: &Node, now: jiff::Timestamp) -> NodeStatus {
    let before = node.status.clone().unwrap_or_default();
    let quantity = |(name, amount): (&str, &str)| (name.to_string(), Quantity(amount.to_string()));
    let stock: BTreeMap<String, Quantity> = CAPACITY.into_iter().map(quantity).collect();
    // A size of its own stays.
    let capacity = before.capacity.filter(|capacity| !capacity.is_empty()).unwrap_or(stock);
    let allocatable = before.allocatable.filter(|amounts| !amounts.is_empty()).unwrap_or_else(|| capacity.clone());
    let present = before.conditions.unwrap_or_default();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        let same = present.iter().find(|condition| condition.type_ == kind && condition.status == status);
        same.cloned().unwrap_or_else(|| NodeCondition {
            type_: kind.into(),
            status: status.into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_heartbeat_time: Some(Time(now)),
            last_transition_time: Some(Time(now)),
        })
    };
    let enough = |kind: &str, reason: &str, what: &str| {
        condition(kind, "False", reason, &format!("kubelet has sufficient {what} available"))
    };
    let address = |kind: &str, address: String| NodeAddress { type_: kind.into(), address };
    let version = "v1.36.3+kubewright";
    NodeStatus {
        capacity: Some(capacity),
        allocatable: Some(allocatable),
        conditions: Some(vec![
            enough("MemoryPressure", "KubeletHasSufficientMemory", "memory"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            enough("PIDPressure", "KubeletHasSufficientPID", "PID"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]),
        addresses: Some(vec![
            address("InternalIP", internal_ip(&node.name_any())),
            address("Hostname", node.name_any()),
        ]),
        node_info: Some(NodeSystemInfo {
            architecture: architecture().into(),
            operating_system: "linux".into(),
            os_image: "simulated by kubewright".into(),
            kernel_version: "0".into(),
            container_runtime_version: "kubewright://0".into(),
            kubelet_version: version.into(),
            kube_proxy_version: version.into(),
            machine_id: node.uid().unwrap_or_default(),
            system_uuid: node.uid().unwrap_or_default(),
            boot_id: node.uid().unwrap_or_default(),
            ..NodeSystemInfo::default()
        }),
        ..NodeStatus::default()
    }
}

/// This machine's architecture by the name that Go and container images have for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An address of 172.30.0.0/16: the number in the name, or else one made of the name.
pub(super) fn internal_ip(name: &str) -> String {
    let number = name.rsplit('-').next().and_then(|number| number.parse::<u16>().ok());
    let hashed = || name.bytes().fold(0_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let [high, low] = number.unwrap_or_else(hashed).to_be_bytes();
    format!("172.30.{high}.{low}")
}
