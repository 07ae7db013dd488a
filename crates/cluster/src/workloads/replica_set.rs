//! ReplicaSets: as many pods as wanted.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kubewright_runtime::{Context, Error, Outcome, Reconciler};

use super::pods::{self, Availability};

/// How many pods one reconcile creates or deletes at most.
const BURST: usize = 500;

/// What keeps ReplicaSets at their number.
pub(crate) struct ReplicaSets;

impl Reconciler for ReplicaSets {
    type Object = ReplicaSet;

    async fn reconcile(&self, set: Arc<ReplicaSet>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(spec) = &set.spec else { return Ok(Outcome::Settled) };
        let all = pods::claim(ctx, &*set, &spec.selector, None).await?;
        let terminating = all.iter().filter(|pod| pods::is_terminating(pod)).count();
        let active: Vec<Pod> = all.into_iter().filter(pods::is_active).collect();
        let managed = if set.metadata.deletion_timestamp.is_none() { manage(ctx, &set, &active).await } else { Ok(()) };
        let (status, later) = status(&set, &active, terminating, managed.as_ref().err(), ctx.now());
        ctx.set_status(&status).await?;
        managed?;
        Ok(later.map_or(Outcome::Settled, Outcome::After))
    }
}

async fn manage(ctx: &Context, set: &ReplicaSet, active: &[Pod]) -> Result<(), Error> {
    let wanted = wanted(set);
    if active.len() < wanted {
        return create(ctx, set, (wanted - active.len()).min(BURST)).await;
    }
    let surplus = (active.len() - wanted).min(BURST);
    let deleted = join_all(first_to_go(active, surplus, ctx.now()).into_iter().map(|pod| pods::delete(ctx, pod))).await;
    deleted.into_iter().collect()
}

/// Creates in batches that double, so that one that is refused does not mean hundreds of refusals.
async fn create(ctx: &Context, set: &ReplicaSet, count: usize) -> Result<(), Error> {
    let namespace = set.namespace().unwrap_or_default();
    let Some(template) = set.spec.as_ref().and_then(|spec| spec.template.as_ref()) else { return Ok(()) };
    let mut pod = pods::from_template(template, set);
    pod.metadata.generate_name = Some(pods::name_prefix(&set.name_any()));
    let (mut left, mut batch) = (count, 1);
    while left > 0 {
        let now = batch.min(left);
        let created = join_all((0..now).map(|_| pods::create(ctx, &namespace, &pod))).await;
        if created.into_iter().collect::<Result<Vec<_>, _>>()?.iter().any(Option::is_none) {
            return Ok(());
        }
        (left, batch) = (left - now, batch * 2);
    }
    Ok(())
}

pub(super) fn wanted(set: &ReplicaSet) -> usize {
    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    usize::try_from(replicas).unwrap_or_default()
}

/// Those that are missed least: without a node, not running, not ready, cheap by annotation, on nodes that have several,
/// ready for less time (by powers of two), often restarted, young.
fn first_to_go(pods: &[Pod], count: usize, now: Timestamp) -> Vec<&Pod> {
    let mut on_node: HashMap<&str, usize> = HashMap::new();
    for pod in pods.iter().filter(|pod| pods::is_ready(pod)) {
        *on_node.entry(node(pod)).or_default() += 1;
    }
    let mut order: Vec<&Pod> = pods.iter().collect();
    order.sort_by(|one, other| {
        let rank = |pod: &Pod| {
            let phase = match pods::phase(pod) {
                "Running" => 2,
                "Unknown" => 1,
                _ => 0,
            };
            let crowd = on_node.get(node(pod)).copied().unwrap_or_default();
            (!node(pod).is_empty(), phase, pods::is_ready(pod), deletion_cost(pod), Reverse(crowd))
        };
        rank(one)
            .cmp(&rank(other))
            .then_with(|| younger(pods::ready_since(one), pods::ready_since(other), now))
            .then_with(|| pods::restarts(other).cmp(&pods::restarts(one)))
            .then_with(|| younger(created(one), created(other), now))
            .then_with(|| one.metadata.uid.cmp(&other.metadata.uid))
    });
    order.truncate(count);
    order
}

fn node(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

fn deletion_cost(pod: &Pod) -> i32 {
    let cost = pod.annotations().get("controller.kubernetes.io/pod-deletion-cost");
    cost.and_then(|cost| cost.parse().ok()).unwrap_or_default()
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// Younger first, where ages of the same power of two seconds count as equal (KEP-2185).
fn younger(one: Option<Timestamp>, other: Option<Timestamp>, now: Timestamp) -> Ordering {
    let age = |at: Option<Timestamp>| {
        let seconds = now.duration_since(at?).as_secs();
        Some(u64::try_from(seconds).unwrap_or_default().checked_ilog2().map_or(-1, i64::from))
    };
    age(one).cmp(&age(other))
}

/// The status, and when it will be another one just because time passes.
fn status(
    set: &ReplicaSet,
    active: &[Pod],
    terminating: usize,
    failure: Option<&Error>,
    now: Timestamp,
) -> (ReplicaSetStatus, Option<Duration>) {
    let spec = set.spec.clone().unwrap_or_default();
    let min_ready = spec.min_ready_seconds.unwrap_or_default();
    let labels = spec.template.and_then(|template| template.metadata?.labels).unwrap_or_default();
    let (mut labelled, mut ready, mut available, mut later) = (0, 0, 0, None::<Duration>);
    for pod in active {
        labelled += i32::from(labels.iter().all(|(name, value)| pod.labels().get(name) == Some(value)));
        ready += i32::from(pods::is_ready(pod));
        match pods::availability(pod, min_ready, now) {
            Availability::Yes => available += 1,
            Availability::In(time) => later = Some(later.map_or(time, |known| known.min(time))),
            Availability::No => {}
        }
    }
    let count = i32::try_from(active.len()).unwrap_or(i32::MAX);
    let status = ReplicaSetStatus {
        replicas: count,
        fully_labeled_replicas: (labelled > 0).then_some(labelled),
        ready_replicas: (ready > 0).then_some(ready),
        available_replicas: (available > 0).then_some(available),
        terminating_replicas: i32::try_from(terminating).ok(),
        observed_generation: set.metadata.generation,
        conditions: conditions(set, active.len(), failure, now),
    };
    (status, later)
}

fn conditions(
    set: &ReplicaSet,
    active: usize,
    failure: Option<&Error>,
    now: Timestamp,
) -> Option<Vec<ReplicaSetCondition>> {
    let kind = "ReplicaFailure";
    let mut conditions = set.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    match failure {
        None => conditions.retain(|condition| condition.type_ != kind),
        Some(_) if conditions.iter().any(|condition| condition.type_ == kind) => {}
        Some(error) => conditions.push(ReplicaSetCondition {
            type_: kind.into(),
            status: "True".into(),
            reason: Some(if active < wanted(set) { "FailedCreate" } else { "FailedDelete" }.into()),
            message: Some(error.to_string()),
            last_transition_time: Some(Time(now)),
        }),
    }
    (!conditions.is_empty()).then_some(conditions)
}
