//! Simulated nodes: pods are scheduled, start, get ready, fail and end as on a real cluster, without a container.
//!
//! | file | what it holds |
//! |---|---|
//! | `node` | Node objects that look like working nodes |
//! | `scheduler` | gives pods a node |
//! | `usage` | what the pods of a node ask for, kept current |
//! | `placement` | whether a pod may go to a node: selectors, affinity, taints, room |
//! | `kubelet` | the life of pods on simulated nodes |
//! | `life` | what happens next to a pod; a pure function |
//! | `script` | annotations that stage failures |
//!
//! Any Node with the label `kubewright.dev/simulated: "true"` is a simulated one, so that tests can have more of them, with
//! labels, taints and sizes of their own. Not simulated: probes (a container is ready when it runs, unless an annotation
//! says otherwise), affinity between pods, spreading over zones, preemption, that volumes are bound before a pod
//! starts.

mod kubelet;
mod life;
mod node;
pub(crate) mod placement;
mod scheduler;
mod script;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kubewright_runtime::{Controller, ControllerOptions, Manager, ObjectRef, Watch};

use self::usage::Usage;
use crate::volumes;

pub(crate) use self::usage::value as quantity;

/// Tells simulated nodes from others.
const SIMULATED: &str = "kubewright.dev/simulated";

/// How simulated nodes behave.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// How many Nodes are made at the start, called `node-1`, `node-2`, …. Default: 1.
    pub count: usize,
    /// From a pod's arrival on its node until its containers run. Default: 50 ms.
    pub start: Duration,
    /// From running to ready. Default: 50 ms.
    pub ready: Duration,
    /// How long containers run that are not restarted, such as those of Jobs. Default: 100 ms.
    pub run: Duration,
    /// How long pods take to end, at most their grace period. Default: 50 ms.
    pub end: Duration,
}

impl Default for NodeOptions {
    fn default() -> Self {
        let moment = Duration::from_millis(50);
        Self { count: 1, start: moment, ready: moment, run: 2 * moment, end: moment }
    }
}

/// Adds the nodes, the scheduler and the kubelets to a manager.
pub(crate) fn add_to(manager: Manager, options: &NodeOptions) -> Manager {
    let count = options.count;
    let nodes = Controller::new("node", Watch::<Node>::all().labels(format!("{SIMULATED}=true")), node::Nodes);

    let usage = Arc::new(Usage::default());
    let observed = usage.clone();
    // The predicate sees every change of a pod in order: that is where the sums are kept.
    let pods = Watch::<Pod>::all().when(move |change| {
        observed.observe(change);
        change.new.as_ref().is_some_and(scheduler::wants_node)
    });
    let nodes_known = Arc::new(scheduler::Nodes::default());
    let observed = nodes_known.clone();
    let watched = Watch::<Node>::all().when(move |change| {
        observed.observe(change);
        false
    });
    let scheduler = scheduler::Scheduler { usage, nodes: nodes_known };
    // One at a time, so that two pods do not take the same room.
    let scheduling = Controller::new("default-scheduler", pods, scheduler).watches(watched, scheduler::none);

    let kubelets = Controller::new("kubelet", kubelet::pods(), kubelet::Kubelets::new(options.clone()))
        .watches(Watch::<Node>::all().labels(format!("{SIMULATED}=true")), |_| None::<ObjectRef>)
        .options(ControllerOptions { concurrency: 8, ..ControllerOptions::default() });
    manager
        .task("nodes", move |context| node::create(context.client, count))
        .task("storage-class", |context| volumes::create_class(context.client))
        .controller(nodes)
        .controller(scheduling)
        .controller(kubelets)
}
