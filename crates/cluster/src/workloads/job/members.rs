//! The pods of a Job: how one is made, what its index is, whether it is counted yet, which go when there are too many.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use kube::ResourceExt;

use super::failure_policy;
use super::indexes::Indexes;
use crate::workloads::pods;

/// Finalizer of a pod that its Job has not counted yet (KEP-2307).
pub(super) const FINALIZER: &str = "batch.kubernetes.io/job-tracking";

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";
const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
const IGNORED_FAILURES: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// How long the fixed part of a generated name is at most.
const LONGEST_PREFIX: usize = 58;

pub(super) fn is_indexed(spec: &JobSpec) -> bool {
    spec.completion_mode.as_deref() == Some("Indexed")
}

/// Whether a pod is only replaced when it has failed, not while it ends (KEP-3939).
pub(super) fn replaces_only_failed(spec: &JobSpec) -> bool {
    spec.pod_replacement_policy.as_deref() == Some("Failed")
}

/// Whether the Job still has to count the pod.
pub(super) fn is_tracked(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Whether the pod has failed, or will not do any more what it is there for.
pub(super) fn is_failed(spec: &JobSpec, pod: &Pod) -> bool {
    let phase = pods::phase(pod);
    let ending = pod.metadata.deletion_timestamp.is_some() && phase != "Succeeded";
    phase == "Failed" || (ending && !replaces_only_failed(spec))
}

/// The index of the pod, if it has one that the Job has.
pub(super) fn index(spec: &JobSpec, pod: &Pod) -> Option<i32> {
    let index = any_index(pod)?;
    (index < spec.completions.unwrap_or_default()).then_some(index)
}

fn any_index(pod: &Pod) -> Option<i32> {
    pod.annotations().get(INDEX)?.parse().ok().filter(|index| *index >= 0)
}

/// How often pods of the index had failed when this one was made.
pub(super) fn failures(pod: &Pod) -> u32 {
    count(pod, FAILURES)
}

/// The same for failures that do not count.
pub(super) fn ignored_failures(pod: &Pod) -> u32 {
    count(pod, IGNORED_FAILURES)
}

fn count(pod: &Pod, annotation: &str) -> u32 {
    let number: Option<i32> = pod.annotations().get(annotation).and_then(|number| number.parse().ok());
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

/// A pod of the Job. With an index it says so; `before` is the failed pod of the index that it takes the place of.
pub(super) fn pod(job: &Job, spec: &JobSpec, index: Option<i32>, before: Option<&Pod>) -> Pod {
    let mut pod = pods::from_template(&spec.template, job);
    let finalizers = pod.metadata.finalizers.get_or_insert_default();
    if !finalizers.iter().any(|present| present == FINALIZER) {
        finalizers.push(FINALIZER.into());
    }
    let name = job.name_any();
    let Some(index) = index else {
        pod.metadata.generate_name = Some(pods::name_prefix(&name));
        return pod;
    };
    let suffix = format!("-{index}-");
    let kept: String = name.chars().take(LONGEST_PREFIX - suffix.len()).collect();
    pod.metadata.generate_name = Some(format!("{kept}{suffix}"));
    pod.metadata.labels.get_or_insert_default().insert(INDEX.into(), index.to_string());
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert(INDEX.into(), index.to_string());
    if spec.backoff_limit_per_index.is_some() {
        annotate_failures(annotations, spec, before);
    }
    if let Some(pod_spec) = &mut pod.spec {
        pod_spec.hostname = Some(format!("{name}-{index}"));
        let inits = pod_spec.init_containers.iter_mut().flatten();
        inits.chain(&mut pod_spec.containers).for_each(tell_index);
    }
    pod
}

fn annotate_failures(annotations: &mut BTreeMap<String, String>, spec: &JobSpec, before: Option<&Pod>) {
    let (mut counted, mut ignored) = before.map_or((0, 0), |pod| (failures(pod), ignored_failures(pod)));
    if let Some(pod) = before {
        *if failure_policy::of(spec, pod).counts() { &mut counted } else { &mut ignored } += 1;
    }
    annotations.insert(FAILURES.into(), counted.to_string());
    if ignored > 0 {
        annotations.insert(IGNORED_FAILURES.into(), ignored.to_string());
    }
}

fn tell_index(container: &mut Container) {
    let variables = container.env.get_or_insert_default();
    if variables.iter().any(|variable| variable.name == INDEX_VARIABLE) {
        return;
    }
    let field = ObjectFieldSelector { field_path: format!("metadata.labels['{INDEX}']"), api_version: None };
    let source = EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() };
    variables.push(EnvVar { name: INDEX_VARIABLE.into(), value_from: Some(source), value: None });
}

/// The indexes that pods have.
pub(super) fn indexes<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Indexes {
    pods.into_iter().filter_map(any_index).collect()
}

/// The active pods that have to go: those without an index of the Job, all but one of each index, and as many more as it
/// takes for `least` of them. Those that have not come far go first.
pub(super) fn surplus<'a>(spec: &JobSpec, active: &[&'a Pod], least: usize) -> Vec<&'a Pod> {
    let mut order = active.to_vec();
    order.sort_by_key(|pod| progress(pod));
    let mut going = Vec::new();
    if is_indexed(spec) {
        let mut taken = BTreeSet::new();
        // From the end: of two with the same index the one that has come further stays.
        let stays: BTreeSet<usize> = (0..order.len())
            .rev()
            .filter(|place| index(spec, order[*place]).is_some_and(|index| taken.insert(index)))
            .collect();
        let mut place = 0;
        order.retain(|pod| {
            let stays = stays.contains(&place);
            if !stays {
                going.push(*pod);
            }
            place += 1;
            stays
        });
    }
    let more = least.saturating_sub(going.len());
    going.extend(order.into_iter().take(more));
    going
}

type Progress = (bool, u8, bool, Reverse<Option<jiff::Timestamp>>, Reverse<i32>, Reverse<Option<jiff::Timestamp>>);

/// How far a pod has come: on a node, running, ready and for how long, rarely restarted, old.
fn progress(pod: &Pod) -> Progress {
    let on_node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).is_some_and(|node| !node.is_empty());
    let phase = match pods::phase(pod) {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    };
    let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (
        on_node,
        phase,
        pods::is_ready(pod),
        Reverse(pods::ready_since(pod)),
        Reverse(pods::restarts(pod)),
        Reverse(created),
    )
}
