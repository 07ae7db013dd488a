//! The workload controllers: what kube-controller-manager does for Deployments and their kin, as far as operators need it.
//!
//! | file | what it holds |
//! |---|---|
//! | `pods` | what all of them do with pods: finding theirs, making them, telling how they are |
//! | `replica_set` | as many pods as wanted |
//! | `deployment` | ReplicaSets, one for each version of the template, and the way from one to the next |
//! | `stateful_set` | pods with a name, a place in the order and storage of their own |
//! | `daemon_set` | one pod on each node that fits |
//! | `job` | pods that run until enough of them have succeeded |
//! | `cron_job` | Jobs at certain times |
//! | `disruption` | PodDisruptionBudgets: how many pods may be evicted |
//! | `revisions` | ControllerRevisions: the templates that a StatefulSet has had |
//! | `endpoints` | EndpointSlices: where the pods behind a Service are |
//! | `intstr`, `names` | percentages; generated parts of names |
//!
//! Each is a plain [`Reconciler`](kubewright_runtime::Reconciler). None counts on expectations of its own: the runtime does
//! not run a key before the caches have seen the key's own writes.

mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod intstr;
mod job;
mod names;
pub(crate) mod pods;
mod replica_set;
mod revisions;
mod stateful_set;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kubewright_runtime::{Controller, ControllerOptions, Manager, Watch};

/// Adds all of them to a manager.
pub(crate) fn add_to(manager: Manager) -> Manager {
    // Most of the time a worker waits for answers.
    let options = ControllerOptions { concurrency: 8, ..ControllerOptions::default() };
    let replica_sets = Controller::new("replicaset-controller", Watch::<ReplicaSet>::all(), replica_set::ReplicaSets)
        .owns(pods::watch())
        .options(options.clone());
    let deployments = Controller::new("deployment-controller", Watch::<Deployment>::all(), deployment::Deployments)
        .owns(deployment::replica_sets())
        .watches(deployment::pods_of_sets(), deployment::of_pod)
        .options(options.clone());
    manager
        .controller(replica_sets)
        .controller(deployments)
        .controller(stateful_set::controller(options.clone()))
        .controller(daemon_set::controller(options.clone()))
        .controller(job::controller(options.clone()))
        .controller(job::ttl_controller(options.clone()))
        .controller(cron_job::controller(options.clone()))
        .controller(disruption::controller(options.clone()))
        .controller(endpoints::controller(options))
}
