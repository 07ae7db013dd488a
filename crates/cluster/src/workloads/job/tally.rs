//! What the pods of a Job say about it.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::backoff::finished;
use super::failure_policy::{self, Means};
use super::indexes::Indexes;
use super::members::{self, failures, ignored_failures, index, is_failed, is_indexed, is_tracked};
use crate::workloads::pods;

/// The state of a Job, from its status and its pods.
pub(super) struct Tally<'a> {
    pub(super) job: &'a Job,
    pub(super) spec: &'a JobSpec,
    pub(super) pods: &'a [Pod],
    pub(super) active: Vec<&'a Pod>,
    pub(super) terminating: Vec<&'a Pod>,
    /// Those that have ended, and that the status does not know of.
    pub(super) newly_succeeded: Vec<&'a Pod>,
    pub(super) newly_failed: Vec<&'a Pod>,
    /// All successes and all failures that count, whether or not the status has them.
    pub(super) succeeded: i32,
    pub(super) failed: i32,
    pub(super) by_index: Option<ByIndex<'a>>,
}

/// The state of the indexes.
pub(super) struct ByIndex<'a> {
    /// Those that the status knows to be done.
    pub(super) known: Indexes,
    pub(super) succeeded: Indexes,
    /// Where each index has a limit of its own.
    pub(super) failed: Option<Indexes>,
    /// The last failed pod of each index that waits for another one. It is not let go before: it holds the count.
    pub(super) last_failed: BTreeMap<i32, &'a Pod>,
}

impl<'a> Tally<'a> {
    pub(super) fn of(job: &'a Job, spec: &'a JobSpec, status: &JobStatus, pods: &'a [Pod]) -> Self {
        let uncounted = status.uncounted_terminated_pods.clone().unwrap_or_default();
        let (known_good, known_bad) = (uncounted.succeeded.unwrap_or_default(), uncounted.failed.unwrap_or_default());
        let active: Vec<&Pod> = pods.iter().filter(|pod| pods::is_active(pod)).collect();
        // What has no finalizer any more has been counted.
        let valid = |pod: &&Pod| is_tracked(pod) && (!is_indexed(spec) || index(spec, pod).is_some());
        let unknown = |pod: &&Pod, known: &[String]| pod.uid().is_none_or(|uid| !known.contains(&uid));
        let newly = |known: &[String], has_ended: &dyn Fn(&Pod) -> bool| -> Vec<&Pod> {
            pods.iter().filter(valid).filter(|pod| unknown(pod, known) && has_ended(pod)).collect()
        };
        let newly_succeeded = newly(&known_good, &|pod| pods::phase(pod) == "Succeeded");
        let newly_failed = newly(&known_bad, &|pod| is_failed(spec, pod));
        let counted = newly_failed.iter().filter(|pod| failure_policy::of(spec, pod).counts()).count();
        let total = |known: Option<i32>, more: usize| {
            known.unwrap_or_default().saturating_add(i32::try_from(more).unwrap_or(i32::MAX))
        };
        let by_index = is_indexed(spec).then(|| ByIndex::of(spec, status, pods, &active));
        let succeeded = match &by_index {
            Some(by_index) => by_index.succeeded.count(),
            None => total(status.succeeded, newly_succeeded.len() + known_good.len()),
        };
        Self {
            job,
            spec,
            pods,
            terminating: pods.iter().filter(|pod| pods::is_terminating(pod)).collect(),
            failed: total(status.failed, counted + known_bad.len()),
            active,
            newly_succeeded,
            newly_failed,
            succeeded,
            by_index,
        }
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.spec.suspend == Some(true)
    }
}

impl<'a> ByIndex<'a> {
    fn of(spec: &JobSpec, status: &JobStatus, pods: &'a [Pod], active: &[&Pod]) -> Self {
        let completions = spec.completions.unwrap_or_default();
        let read = |text: &Option<String>| Indexes::parse(text.as_deref().unwrap_or_default(), completions);
        let tracked = || pods.iter().filter(|pod| is_tracked(pod));
        let known = read(&status.completed_indexes);
        let done = tracked().filter(|pod| pods::phase(pod) == "Succeeded").filter_map(|pod| index(spec, pod));
        let succeeded = known.union(&done.collect());
        let failed = spec.backoff_limit_per_index.map(|limit| {
            let lost = tracked().filter(|pod| has_lost_index(spec, pod, limit)).filter_map(|pod| index(spec, pod));
            read(&status.failed_indexes).union(&lost.collect())
        });
        let mut last_failed: BTreeMap<i32, &Pod> = BTreeMap::new();
        if let Some(failed) = &failed {
            let settled = succeeded.union(failed).union(&members::indexes(active.iter().copied()));
            for pod in tracked().filter(|pod| is_failed(spec, pod)) {
                let Some(index) = index(spec, pod).filter(|index| !settled.contains(*index)) else { continue };
                let rank = |pod: &Pod| (failures(pod).saturating_add(ignored_failures(pod)), finished(pod));
                let last = last_failed.entry(index).or_insert(pod);
                if rank(pod) >= rank(last) {
                    *last = pod;
                }
            }
        }
        Self { known, succeeded, failed, last_failed }
    }
}

/// Whether with this pod its index has failed.
fn has_lost_index(spec: &JobSpec, pod: &Pod, limit: i32) -> bool {
    is_failed(spec, pod)
        && match failure_policy::of(spec, pod) {
            Means::IndexFailed => true,
            Means::Nothing => false,
            Means::Counts | Means::JobFailed(_) => i64::from(failures(pod)) >= i64::from(limit),
        }
}
