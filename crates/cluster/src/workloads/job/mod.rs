//! Jobs: pods that run until enough of them have succeeded.
//!
//! ```text
//! Job, its pods ─→ tally: what has happened ─→ verdict: is it over ─┬ no ─→ manage: create, delete ─┐
//!                                                                   └ yes ─→ delete what is active ─┴→ tracking: count, status
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `tally` | what the pods say; pure |
//! | `verdict` | whether the Job is over, and why; pure |
//! | `failure_policy` | what a failed pod means; pure |
//! | `indexes` | sets of completion indexes |
//! | `members` | how pods are made, which go when there are too many |
//! | `backoff` | how long to wait after failures |
//! | `tracking` | counts each pod exactly once |
//! | `ttl` | deletes Jobs some time after their end |
//!
//! A Job whose `managedBy` names another controller is left alone. Not there: PodGroups of `spec.scheduling`.

mod backoff;
mod failure_policy;
mod indexes;
mod members;
mod tally;
mod tracking;
mod ttl;
mod verdict;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Reconciler, Watch};
use parking_lot::Mutex;

use self::backoff::Backoff;
use self::members::{FINALIZER, is_indexed, replaces_only_failed};
use self::tally::Tally;
use self::tracking::{key, number};
use self::verdict::{Verdict, is_finished};
use super::pods;

pub(super) use self::ttl::controller as ttl_controller;

/// How many pods one reconcile creates or deletes at most.
const BURST: usize = 500;

/// This controller, as `spec.managedBy` names it.
const NAME: &str = "kubernetes.io/job-controller";

/// What runs Jobs.
#[derive(Default)]
pub(super) struct Jobs {
    /// By key, with the uid. As in kube-controller-manager it does not outlive the process.
    backoffs: Mutex<HashMap<ObjectRef, (String, Backoff)>>,
}

/// Its controller.
pub(super) fn controller(options: ControllerOptions) -> Controller {
    let index = |pod: &kubewright_runtime::Stored| tracking::job_of(pod).map(|job| job.to_string());
    Controller::new("job-controller", Watch::<Job>::all(), Jobs::default())
        .owns(pods::watch().index(tracking::BY_JOB, index))
        // Also those without a controller, whose finalizer has to go.
        .watches(Watch::<Pod>::all(), tracking::job_of)
        .options(options)
}

impl Reconciler for Jobs {
    type Object = Job;

    async fn reconcile(&self, job: Arc<Job>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(spec) = &job.spec else { return Ok(Outcome::Settled) };
        let Some(selector) = spec.selector.as_ref().filter(|_| is_ours(spec)) else { return Ok(Outcome::Settled) };
        let mut status = job.status.clone().unwrap_or_default();
        if is_finished(&status) {
            self.backoffs.lock().remove(&key(&job));
            tracking::release_uncounted(ctx, &key(&job), &[]).await?;
            return Ok(Outcome::Settled);
        }
        let pods = pods::claim(ctx, &*job, selector, Some(FINALIZER)).await?;
        tracking::release_uncounted(ctx, &key(&job), &pods).await?;
        let now = tracking::now(ctx);
        status.uncounted_terminated_pods.get_or_insert_default();
        let tally = Tally::of(&job, spec, &status, &pods);
        if status.start_time.is_none() && !tally.is_suspended() {
            tracking::begin(&mut status, now);
        }
        let backoff = self.backoff(&job).after(&tally.newly_succeeded, &tally.newly_failed);
        let mut work = Work::of(&tally);
        let mut verdict = verdict::of(&tally, &status, now);
        if verdict.is_some() {
            work.delete(ctx, &tally.active, Finalizer::Stays).await;
            // What could not be deleted may still do something.
            verdict = verdict.filter(|_| work.done.is_ok());
        } else {
            work.later = verdict::time_left(spec, &status, now);
            let managed = job.metadata.deletion_timestamp.is_none();
            if managed {
                work.manage(ctx, &tally, backoff, now).await;
            }
            verdict = verdict::completed(&tally, work.active);
            if managed && verdict.is_none() {
                tell_suspension(ctx, &tally, &mut status, now);
            }
        }
        work.write(&mut status);
        let released = tracking::note(&tally, verdict.as_ref(), &mut status, now);
        let written = tracking::write(ctx, &job, &status).await?;
        self.backoffs.lock().insert(key(&job), (job.uid().unwrap_or_default(), backoff));
        let ended = tracking::conclude(ctx, &tally, verdict.as_ref(), written, released).await?;
        if let (Some(status), Some(verdict)) = (ended, &verdict) {
            tell_end(ctx, spec, &status, verdict);
        }
        work.done?;
        Ok(work.later.map_or(Outcome::Settled, Outcome::After))
    }

    async fn gone(&self, key: &ObjectRef, ctx: &Context) -> Result<Outcome, Error> {
        self.backoffs.lock().remove(key);
        tracking::release_uncounted(ctx, key, &[]).await?;
        Ok(Outcome::Settled)
    }
}

impl Jobs {
    fn backoff(&self, job: &Job) -> Backoff {
        let backoffs = self.backoffs.lock();
        let known = backoffs.get(&key(job)).filter(|(uid, _)| Some(uid) == job.metadata.uid.as_ref());
        known.map(|(_, backoff)| *backoff).unwrap_or_default()
    }
}

fn is_ours(spec: &JobSpec) -> bool {
    spec.managed_by.as_deref().is_none_or(|name| name == NAME)
}

/// Whether pods keep the finalizer when they are deleted: then they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finalizer {
    Stays,
    Goes,
}

/// What one reconcile does with pods, and what it leaves.
struct Work {
    active: usize,
    ready: usize,
    terminating: usize,
    later: Option<Duration>,
    done: Result<(), Error>,
}

impl Work {
    fn of(tally: &Tally<'_>) -> Self {
        Self {
            active: tally.active.len(),
            ready: tally.active.iter().filter(|pod| pods::is_ready(pod)).count(),
            terminating: tally.terminating.len(),
            later: None,
            done: Ok(()),
        }
    }

    /// Brings the number of pods to what it should be.
    async fn manage(&mut self, ctx: &Context, tally: &Tally<'_>, backoff: Backoff, now: Timestamp) {
        let wanted = if tally.is_suspended() { 0 } else { wanted(tally) };
        let least = self.active.saturating_sub(wanted);
        let mut surplus = members::surplus(tally.spec, &tally.active, least);
        if !surplus.is_empty() {
            surplus.truncate(BURST);
            return self.delete(ctx, &surplus, Finalizer::Goes).await;
        }
        let ending = if replaces_only_failed(tally.spec) { self.terminating } else { 0 };
        let missing = wanted.saturating_sub(ending + self.active).min(BURST);
        if missing == 0 {
            return;
        }
        if tally.spec.backoff_limit_per_index.is_none() {
            let wait = backoff.left(now);
            if !wait.is_zero() {
                return self.look_again(wait);
            }
        }
        let places = match &tally.by_index {
            Some(_) => self.free_places(tally, missing, now).into_iter().map(Some).collect(),
            None => vec![None; missing],
        };
        self.create(ctx, tally, &places).await;
    }

    /// The indexes that get a pod now. If all of them have to wait for their turn, it is looked at again then.
    fn free_places(&mut self, tally: &Tally<'_>, most: usize, now: Timestamp) -> Vec<i32> {
        let Some(by_index) = &tally.by_index else { return Vec::new() };
        let mut taken = by_index.succeeded.union(&members::indexes(tally.active.iter().copied()));
        if replaces_only_failed(tally.spec) {
            taken = taken.union(&members::indexes(tally.terminating.iter().copied()));
        }
        if let Some(failed) = &by_index.failed {
            taken = taken.union(failed);
        }
        let wait = |place: &i32| {
            by_index.last_failed.get(place).map_or(Duration::ZERO, |pod| backoff::left_for_index(pod, now))
        };
        let (free, waiting): (Vec<i32>, Vec<i32>) = taken
            .missing(tally.spec.completions.unwrap_or_default(), most)
            .into_iter()
            .partition(|place| wait(place).is_zero());
        if let Some(wait) = waiting.iter().map(wait).min() {
            self.look_again(wait);
        }
        free
    }

    fn look_again(&mut self, wait: Duration) {
        self.later = Some(self.later.map_or(wait, |known| known.min(wait)));
    }

    /// Creates in batches that double, so that one that is refused does not mean hundreds of refusals.
    async fn create(&mut self, ctx: &Context, tally: &Tally<'_>, places: &[Option<i32>]) {
        let namespace = tally.job.namespace().unwrap_or_default();
        let (mut left, mut batch) = (places, 1);
        while !left.is_empty() {
            let (now, rest) = left.split_at(batch.min(left.len()));
            let new = now.iter().map(|place| {
                let by_index = tally.by_index.as_ref();
                let before = place.and_then(|place| by_index?.last_failed.get(&place).copied());
                members::pod(tally.job, tally.spec, *place, before)
            });
            let new: Vec<Pod> = new.collect();
            for created in join_all(new.iter().map(|pod| pods::create(ctx, &namespace, pod))).await {
                match created {
                    Ok(created) => self.active += usize::from(created.is_some()),
                    Err(error) => self.done = Err(error),
                }
            }
            if self.done.is_err() {
                return;
            }
            (left, batch) = (rest, batch * 2);
        }
    }

    async fn delete(&mut self, ctx: &Context, doomed: &[&Pod], finalizer: Finalizer) {
        let delete = async |pod: &Pod| {
            if finalizer == Finalizer::Goes {
                tracking::release(ctx, pod).await?;
            }
            pods::delete(ctx, pod).await
        };
        for (pod, deleted) in doomed.iter().zip(join_all(doomed.iter().map(|pod| delete(pod))).await) {
            match deleted {
                Ok(()) => {
                    self.active -= 1;
                    self.terminating += 1;
                    self.ready -= usize::from(pods::is_ready(pod));
                }
                Err(error) => self.done = Err(error),
            }
        }
    }

    fn write(&self, status: &mut JobStatus) {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        status.active = number(count(self.active));
        status.ready = Some(count(self.ready));
        status.terminating = Some(count(self.terminating));
    }
}

/// How many pods should be active: no more than are still to succeed. Without a number of completions no new ones come after
/// the first success.
fn wanted(tally: &Tally<'_>) -> usize {
    let parallelism = usize::try_from(tally.spec.parallelism.unwrap_or(1)).unwrap_or_default();
    match tally.spec.completions {
        None if tally.succeeded > 0 => tally.active.len(),
        None => parallelism,
        Some(completions) => {
            parallelism.min(usize::try_from(completions.saturating_sub(tally.succeeded)).unwrap_or_default())
        }
    }
}

/// The condition `Suspended`. A Job that goes on begins anew to be active.
fn tell_suspension(ctx: &Context, tally: &Tally<'_>, status: &mut JobStatus, now: Timestamp) {
    let conditions = status.conditions.get_or_insert_default();
    let present = conditions.iter_mut().find(|condition| condition.type_ == "Suspended");
    let (is, event, text) = match tally.is_suspended() {
        true => ("True", "Suspended", ("JobSuspended", "Job suspended")),
        false => ("False", "Resumed", ("JobResumed", "Job resumed")),
    };
    let condition = verdict::condition("Suspended", is, text.0, text.1, now);
    match present {
        Some(present) if present.status == is => return,
        Some(present) => *present = condition,
        None if tally.is_suspended() => conditions.push(condition),
        None => return,
    }
    ctx.normal(event, text.1);
    status.start_time = None;
    if !tally.is_suspended() {
        tracking::begin(status, now);
    }
}

fn tell_end(ctx: &Context, spec: &JobSpec, status: &JobStatus, verdict: &Verdict) {
    if !verdict.good {
        return ctx.warning(&verdict.reason, &verdict.message);
    }
    if spec.completions.is_some_and(|wanted| status.succeeded.unwrap_or_default() > wanted) && !is_indexed(spec) {
        ctx.warning("TooManySucceededPods", "Too many succeeded pods running after completion count reached");
    }
    ctx.normal("Completed", "Job completed");
}
