//! The life of pods on simulated nodes, written into their status as a kubelet does.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use kubewright_runtime::{Context, Error, ObjectRef, Outcome, Reconciler, Watch};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::life::{self, Next, Place, Stage};
use super::node::internal_ip;
use super::script::Script;
use super::usage::has_no_node;
use super::{NodeOptions, SIMULATED};
use crate::workloads::pods::this_one;

/// Index of pods by their address.
const BY_ADDRESS: &str = "address";

/// The first address of pods; there are 2^18 of them.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 244, 0, 0]);
const ADDRESSES: u32 = 1 << 18;

/// Lets pods live.
pub(super) struct Kubelets {
    options: NodeOptions,
    /// The stage of each pod, and since when it is in it. Time stamps in a status are too coarse.
    since: Mutex<HashMap<ObjectRef, (Stage, Instant)>>,
    next_address: AtomicU32,
}

/// The pods that have a node.
pub(super) fn pods() -> Watch<Pod> {
    Watch::all()
        .when(|change| change.new.as_ref().is_none_or(|pod| !has_no_node(pod)))
        .index(BY_ADDRESS, |pod| pod.tree()["status"]["podIP"].as_str().map(str::to_string))
}

impl Kubelets {
    pub(super) fn new(options: NodeOptions) -> Self {
        Self { options, since: Mutex::default(), next_address: AtomicU32::new(1) }
    }

    /// How long the pod has been in its stage.
    fn been(&self, key: &ObjectRef, stage: Stage) -> std::time::Duration {
        let mut since = self.since.lock();
        let entry = since.entry(key.clone()).or_insert_with(|| (stage, Instant::now()));
        if entry.0 != stage {
            *entry = (stage, Instant::now());
        }
        entry.1.elapsed()
    }

    /// An address that no other pod has.
    fn address(&self, ctx: &Context, pod: &Pod) -> Result<String, Error> {
        if let Some(present) = pod.status.as_ref().and_then(|status| status.pod_ip.clone()) {
            return Ok(present);
        }
        for _ in 0..ADDRESSES {
            let number = self.next_address.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
            let address = Ipv4Addr::from(FIRST_ADDRESS + number).to_string();
            if ctx.list_by::<Pod>(BY_ADDRESS, &address)?.is_empty() {
                return Ok(address);
            }
        }
        Err(Error::temporary("all addresses of 10.244.0.0/14 are taken"))
    }
}

impl Reconciler for Kubelets {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).filter(|node| !node.is_empty())
        else {
            return Ok(Outcome::Settled);
        };
        let simulated = ctx.get::<Node>(&ObjectRef::new(None, &node))?;
        if simulated.is_none_or(|node| node.labels().get(SIMULATED).map(String::as_str) != Some("true")) {
            return Ok(Outcome::Settled);
        }
        let key = ObjectRef::new(pod.namespace().as_deref(), &pod.name_any());
        let stage = life::stage(&pod);
        let been = self.been(&key, stage);
        let script = Script::of(&pod.metadata);
        let next = life::next(&pod, &script, &self.options, been);
        if next == Next::Remove {
            return remove(ctx, &pod).await;
        }
        let to = match next {
            Next::Become(stage) => stage,
            Next::Stay(_) | Next::Remove => stage,
        };
        if to != Stage::Ending {
            let host_ip = internal_ip(&node);
            // A pod on the node's own network has the node's address.
            let shared = pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
            let pod_ip = match to {
                Stage::New | Stage::Creating => String::new(),
                _ if shared => host_ip.clone(),
                _ => self.address(ctx, &pod)?,
            };
            let place = Place { host_ip: &host_ip, pod_ip: &pod_ip };
            ctx.set_status(&life::status(&pod, to, &script, &place, ctx.now())).await?;
        }
        Ok(match next {
            Next::Stay(Some(wait)) => Outcome::After(wait),
            _ => Outcome::Settled,
        })
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.since.lock().remove(key);
        Ok(Outcome::Settled)
    }
}

async fn remove(ctx: &Context, pod: &Pod) -> Result<Outcome, Error> {
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &pod.namespace().unwrap_or_default());
    let params =
        DeleteParams { preconditions: Some(this_one(&pod.metadata)), ..DeleteParams::default() }.grace_period(0);
    match api.delete(&pod.name_any(), &params).await {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Outcome::Settled),
        other => Ok(other.map(|_| Outcome::Settled)?),
    }
}
