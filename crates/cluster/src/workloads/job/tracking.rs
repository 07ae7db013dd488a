//! Counts each pod of a Job exactly once (KEP-2307).
//!
//! ```text
//! a tracked pod has ended ─→ its uid stands in status.uncountedTerminatedPods ─→ its finalizer goes ─→ it is counted
//! ```
//! Each step is written before the next one begins, so that it goes on from there when the process stops in between.

use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kubewright_runtime::{Context, Error, ObjectRef, Stored};
use serde_json::json;

use super::failure_policy;
use super::indexes::Indexes;
use super::members::{FINALIZER, index, is_failed, is_indexed, is_tracked};
use super::tally::Tally;
use super::verdict::{Verdict, is};
use crate::workloads::pods;

/// Index of tracked pods by the namespace and name of their Job.
pub(super) const BY_JOB: &str = "job";

/// The label of a pod with the name of its Job.
const JOB_LABEL: &str = "batch.kubernetes.io/job-name";

/// How many pods may wait in the status to be counted; the rest waits for the next time.
const MOST_UNCOUNTED: usize = 500;

/// The Job of a tracked pod: the one that controls it, or the one that it was made for if nobody does.
pub(super) fn job_of(pod: &Stored) -> Option<ObjectRef> {
    pod.finalizers().find(|finalizer| *finalizer == FINALIZER)?;
    let name = match pod.controller() {
        Some(owner) if &*owner.kind == "Job" && &*owner.api_version == "batch/v1" => owner.name.to_string(),
        Some(_) => return None,
        None => pod.labels().find(|(label, _)| *label == JOB_LABEL)?.1.to_string(),
    };
    Some(ObjectRef::new(pod.namespace(), &name))
}

/// Lets go of tracked pods of a Job that nobody will count: those of a Job that is finished or gone, or an earlier one of
/// the same name. `counted` are the uids of those that will be.
pub(super) async fn release_uncounted(ctx: &Context, job: &ObjectRef, counted: &[Pod]) -> Result<(), Error> {
    let mut pods = ctx.list_by::<Pod>(BY_JOB, &job.to_string())?;
    pods.retain(|pod| is_tracked(pod) && counted.iter().all(|other| other.uid() != pod.uid()));
    join_all(pods.iter().map(|pod| release(ctx, pod))).await.into_iter().collect()
}

/// Takes the finalizer from a pod; one that is gone has none.
pub(super) async fn release(ctx: &Context, pod: &Pod) -> Result<(), Error> {
    if !is_tracked(pod) {
        return Ok(());
    }
    let api = Api::<Pod>::namespaced(ctx.client().clone(), &pod.namespace().unwrap_or_default());
    let patch = json!({"metadata": {"uid": pod.uid(), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}});
    match api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The first step: notes in the status which pods have ended and how the Job is going to end. Gives the pods to release.
pub(super) fn note<'a>(
    tally: &Tally<'a>,
    verdict: Option<&Verdict>,
    status: &mut JobStatus,
    now: Timestamp,
) -> Vec<&'a Pod> {
    let spec = tally.spec;
    let mut pods: Vec<&Pod> = tally.pods.iter().filter(|pod| is_tracked(pod)).collect();
    pods.sort_by_key(|pod| index(spec, pod));
    count(status, &uids(&pods));
    let mut uncounted = status.uncounted_terminated_pods.take().unwrap_or_default();
    let (mut good, mut bad) = (uncounted.succeeded.unwrap_or_default(), uncounted.failed.unwrap_or_default());
    let lost = verdict.is_some_and(|verdict| !verdict.good);
    let (mut released, mut new_indexes) = (Vec::new(), 0);
    for pod in pods {
        if good.len() + bad.len() + new_indexes >= MOST_UNCOUNTED {
            break;
        }
        if !may_go(tally, verdict, pod) {
            continue;
        }
        released.push(pod);
        let uid = pod.uid().unwrap_or_default();
        let place = index(spec, pod);
        if pods::phase(pod) == "Succeeded" && !bad.contains(&uid) {
            match &tally.by_index {
                // The index itself says that the pod is counted.
                Some(by_index) => {
                    new_indexes += usize::from(place.is_some_and(|place| !by_index.known.contains(place)));
                }
                None if !good.contains(&uid) => good.push(uid),
                None => {}
            }
        } else if (lost || is_failed(spec, pod))
            && !bad.contains(&uid)
            && (place.is_some() || !is_indexed(spec))
            && failure_policy::of(spec, pod).counts()
        {
            bad.push(uid);
        }
    }
    let some = |uids: Vec<String>| (!uids.is_empty()).then_some(uids);
    (uncounted.succeeded, uncounted.failed) = (some(good), some(bad));
    status.uncounted_terminated_pods = Some(uncounted);
    if let Some(by_index) = &tally.by_index {
        status.succeeded = number(by_index.succeeded.count());
        status.completed_indexes = Some(by_index.succeeded.to_string()).filter(|text| !text.is_empty());
        status.failed_indexes = by_index.failed.as_ref().map(Indexes::to_string);
    }
    if let Some(verdict) = verdict.filter(|verdict| !is(status, verdict.announcement())) {
        status.conditions.get_or_insert_default().push(verdict.condition(verdict.announcement(), now));
    }
    released
}

/// Whether the Job needs the pod no longer.
fn may_go(tally: &Tally<'_>, verdict: Option<&Verdict>, pod: &Pod) -> bool {
    let over = tally.job.metadata.deletion_timestamp.is_some() || verdict.is_some();
    let awaited = || {
        let last_failed = tally.by_index.iter().flat_map(|by_index| by_index.last_failed.values());
        last_failed.into_iter().any(|last| last.metadata.uid == pod.metadata.uid)
    };
    over || pods::phase(pod) == "Succeeded" || (is_failed(tally.spec, pod) && !awaited())
}

/// The last step: counts what was released, and tells the end when no pod is left. Gives the status if it has come.
/// `written` is the Job as the first step has left it.
pub(super) async fn conclude(
    ctx: &Context,
    tally: &Tally<'_>,
    verdict: Option<&Verdict>,
    mut written: Job,
    released: Vec<&Pod>,
) -> Result<Option<JobStatus>, Error> {
    let mut status = written.status.take().unwrap_or_default();
    let before = status.clone();
    let results = join_all(released.iter().map(|pod| release(ctx, pod))).await;
    let mut tracked = uids(&tally.pods.iter().filter(|pod| is_tracked(pod)).collect::<Vec<_>>());
    let mut failure = None;
    for (pod, result) in released.iter().zip(results) {
        match result {
            Ok(()) => {
                tracked.remove(pod.uid().unwrap_or_default().as_str());
            }
            Err(error) => failure = Some(error),
        }
    }
    count(&mut status, &tracked);
    let ended =
        verdict.filter(|_| failure.is_none() && tracked.is_empty() && status.terminating.unwrap_or_default() == 0);
    if let Some(verdict) = ended {
        let end = verdict.condition(verdict.end(), now(ctx));
        if verdict.good {
            status.completion_time = end.last_transition_time.clone();
        }
        status.conditions.get_or_insert_default().push(end);
    }
    written.status = Some(before);
    write(ctx, &written, &status).await?;
    failure.map_or(Ok(ended.map(|_| status)), Err)
}

/// Writes the status, if it is another one, and gives the Job with it. Nobody may have written the Job since it was read: the
/// counts go on from those that it had. An apply would leave out `uncountedTerminatedPods: {}` besides, which tells that the
/// Job is counted this way.
pub(super) async fn write(ctx: &Context, job: &Job, status: &JobStatus) -> Result<Job, Error> {
    if job.status.as_ref() == Some(status) {
        return Ok(job.clone());
    }
    let api = Api::<Job>::namespaced(ctx.client().clone(), &job.namespace().unwrap_or_default());
    let changed = Job { status: Some(status.clone()), ..job.clone() };
    Ok(api.replace_status(&job.name_any(), &PostParams::default(), &changed).await?)
}

/// The time, in the seconds that a status has.
pub(super) fn now(ctx: &Context) -> Timestamp {
    let now = ctx.now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn uids(pods: &[&Pod]) -> BTreeSet<String> {
    pods.iter().filter_map(|pod| pod.uid()).collect()
}

/// Counts what is in the list of the uncounted and is no longer tracked.
fn count(status: &mut JobStatus, tracked: &BTreeSet<String>) {
    let Some(uncounted) = &mut status.uncounted_terminated_pods else { return };
    let move_over = |uids: &mut Option<Vec<String>>, total: &mut Option<i32>| {
        let Some(list) = uids else { return };
        let before = list.len();
        list.retain(|uid| tracked.contains(uid));
        let counted = i32::try_from(before - list.len()).unwrap_or(i32::MAX);
        *total = number(total.unwrap_or_default().saturating_add(counted));
        if list.is_empty() {
            *uids = None;
        }
    };
    move_over(&mut uncounted.succeeded, &mut status.succeeded);
    move_over(&mut uncounted.failed, &mut status.failed);
}

/// Kubernetes leaves out counts of nothing.
pub(super) fn number(count: i32) -> Option<i32> {
    (count > 0).then_some(count)
}

/// Begins, or begins again, the time that a Job is active.
pub(super) fn begin(status: &mut JobStatus, now: Timestamp) {
    status.start_time = Some(Time(now));
}

/// The key of a Job.
pub(super) fn key(job: &Job) -> ObjectRef {
    ObjectRef::new(job.namespace().as_deref(), &job.name_any())
}
