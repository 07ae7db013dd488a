//! CronJobs: Jobs at certain times.
//!
//! A Job is named after the minute that it was due, so that none is started twice. Of several times that were missed only
//! the last one is made up for. Without `timeZone` a schedule is UTC.

mod schedule;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use kubewright_runtime::{Context, Controller, ControllerOptions, Error, Outcome, Reconciler, Watch};

use self::schedule::{Schedule, ScheduleError, time_zone};
use super::pods::{controller_reference, namespace_is_going, this_one};

/// Index of Jobs by the uid of their controller.
const BY_CONTROLLER: &str = "controller";

const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// How much later than due a Job is started, so that clocks that differ a little agree that it is due.
const PADDING: Duration = Duration::from_millis(100);

/// What starts Jobs.
struct CronJobs;

/// Its controller.
pub(super) fn controller(options: ControllerOptions) -> Controller {
    let jobs = Watch::<Job>::all().index(BY_CONTROLLER, |job| job.controller().map(|owner| owner.uid.to_string()));
    Controller::new("cronjob-controller", Watch::<CronJob>::all(), CronJobs).owns(jobs).options(options)
}

impl Reconciler for CronJobs {
    type Object = CronJob;

    async fn reconcile(&self, cron: Arc<CronJob>, ctx: &Context) -> Result<Outcome, Error> {
        let spec = &cron.spec;
        let api = Api::namespaced(ctx.client().clone(), &cron.namespace().unwrap_or_default());
        let status = cron.status.clone().unwrap_or_default();
        let mut work = Work { cron: &cron, spec, ctx, api, status };
        let jobs = ctx.list_by::<Job>(BY_CONTROLLER, &cron.uid().unwrap_or_default())?;
        work.clean_up(&jobs).await;
        work.look_at(&jobs).await?;
        let idle = cron.metadata.deletion_timestamp.is_some() || spec.suspend == Some(true);
        let outcome = if idle { Ok(Outcome::Settled) } else { work.start().await };
        ctx.set_status(&work.status).await?;
        outcome
    }
}

/// One reconcile.
struct Work<'a> {
    cron: &'a CronJob,
    spec: &'a CronJobSpec,
    ctx: &'a Context,
    api: Api<Job>,
    status: CronJobStatus,
}

impl Work<'_> {
    /// Deletes the oldest of the Jobs that are over, where there are more of them than are to be kept.
    async fn clean_up(&mut self, jobs: &[Job]) {
        let limits =
            [("Complete", self.spec.successful_jobs_history_limit), ("Failed", self.spec.failed_jobs_history_limit)];
        for (kind, limit) in limits {
            let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { continue };
            let mut over: Vec<&Job> = jobs.iter().filter(|job| end(job) == Some(kind)).collect();
            over.sort_by_key(|job| {
                let started = job.status.as_ref().and_then(|status| Some(status.start_time.as_ref()?.0));
                (started.is_none(), started, job.name_any())
            });
            for job in over.iter().take(over.len().saturating_sub(limit)) {
                if job.metadata.deletion_timestamp.is_none() {
                    // One that stays is tried again with the next change.
                    let _ = self.delete(&job.metadata).await;
                }
            }
        }
    }

    /// Takes note of Jobs that are over or gone.
    async fn look_at(&mut self, jobs: &[Job]) -> Result<(), Error> {
        for job in jobs {
            let known = self.is_active(job.metadata.uid.as_deref());
            let name = job.name_any();
            match end(job) {
                None if !known => {
                    let message = format!("Saw a job that the controller did not create or forgot: {name}");
                    self.ctx.warning("UnexpectedJob", message);
                }
                None => {}
                Some(condition) => {
                    if known {
                        self.forget(job.metadata.uid.as_deref());
                        let message = format!("Saw completed job: {name}, condition: {condition}");
                        self.ctx.normal("SawCompletedJob", message);
                    }
                    let completed = job.status.as_ref().and_then(|status| status.completion_time.clone());
                    let last = self.status.last_successful_time.take();
                    self.status.last_successful_time = last.max(completed.filter(|_| condition == "Complete"));
                }
            }
        }
        for active in self.status.active.clone().unwrap_or_default() {
            if jobs.iter().any(|job| job.uid() == active.uid) {
                continue;
            }
            // Nobody may control it any more: then it runs still.
            let name = active.name.unwrap_or_default();
            if self.api.get_opt(&name).await?.is_none_or(|job| job.uid() != active.uid) {
                self.forget(active.uid.as_deref());
                self.ctx.normal("MissingJob", format!("Active job went missing: {name}"));
            }
        }
        Ok(())
    }

    /// Starts what is due, and tells when there will be something again.
    async fn start(&mut self) -> Result<Outcome, Error> {
        let schedule = match Schedule::parse(&self.spec.schedule, self.spec.time_zone.as_deref()) {
            Ok(schedule) => schedule,
            Err(ScheduleError::Zone(zone)) => {
                let message = format!("invalid timeZone: {zone:?}: unknown time zone {zone}");
                self.ctx.warning("UnknownTimeZone", message);
                return Ok(Outcome::Settled);
            }
            Err(error) => {
                let message = format!("unparseable schedule: {:?} : {error}", self.spec.schedule);
                self.ctx.warning("UnparseableSchedule", message);
                return Ok(Outcome::Settled);
            }
        };
        let now = self.ctx.now();
        let created = self.cron.metadata.creation_timestamp.as_ref();
        let anchor = self.status.last_schedule_time.as_ref().or(created).map_or(now, |time| time.0);
        let deadline = self.spec.starting_deadline_seconds.map(SignedDuration::from_secs);
        let earliest = deadline.and_then(|deadline| now.checked_sub(deadline).ok());
        let from = earliest.map_or(anchor, |earliest| earliest.max(anchor));
        if let Some(due) = schedule.due(anchor, from, now) {
            if due.many {
                let message =
                    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                self.ctx.warning("TooManyMissedTimes", message);
            }
            self.start_at(due.last).await?;
        }
        let Some(next) = schedule.next(anchor, now) else { return Ok(Outcome::Settled) };
        let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        Ok(Outcome::After(wait + PADDING))
    }

    async fn start_at(&mut self, due: Timestamp) -> Result<(), Error> {
        let job = job(self.cron, self.spec, due)?;
        let active = self.status.active.clone().unwrap_or_default();
        let started = active.iter().any(|active| active.name == job.metadata.name);
        if started || self.status.last_schedule_time == Some(Time(due)) {
            return Ok(());
        }
        match self.spec.concurrency_policy.as_deref() {
            Some("Forbid") if !active.is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.ctx.normal("JobAlreadyActive", message);
                return Ok(());
            }
            Some("Replace") => {
                for active in active {
                    let metadata = ObjectMeta { name: active.name, uid: active.uid, ..ObjectMeta::default() };
                    self.delete(&metadata).await?;
                }
            }
            _ => {}
        }
        let job = match self.api.create(&PostParams::default(), &job).await {
            Ok(created) => {
                self.ctx.normal("SuccessfulCreate", format!("Created job {}", created.name_any()));
                created
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                // It was started when the process stopped before it could take note, or is somebody else's.
                let present = self.api.get(&job.name_any()).await?;
                let owners = present.owner_references();
                if !owners.iter().any(|owner| Some(&owner.uid) == self.cron.metadata.uid.as_ref()) {
                    return Ok(());
                }
                present
            }
            Err(error) if namespace_is_going(&error) => return Ok(()),
            Err(error) => {
                self.ctx.warning("FailedCreate", format!("Error creating job: {error}"));
                return Err(error.into());
            }
        };
        self.status.active.get_or_insert_default().push(ObjectReference {
            api_version: Some("batch/v1".into()),
            kind: Some("Job".into()),
            name: job.metadata.name.clone(),
            namespace: job.metadata.namespace.clone(),
            uid: job.metadata.uid.clone(),
            resource_version: job.metadata.resource_version.clone(),
            field_path: None,
        });
        self.status.last_schedule_time = Some(Time(due));
        Ok(())
    }

    async fn delete(&mut self, job: &ObjectMeta) -> Result<(), Error> {
        let name = job.name.as_deref().unwrap_or_default();
        let params = DeleteParams { preconditions: Some(this_one(job)), ..DeleteParams::background() };
        match self.api.delete(name, &params).await {
            Ok(_) => self.ctx.normal("SuccessfulDelete", format!("Deleted job {name}")),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => {
                self.ctx.warning("FailedDelete", format!("Deleted job: {error}"));
                return Err(error.into());
            }
        }
        self.forget(job.uid.as_deref());
        Ok(())
    }

    fn is_active(&self, uid: Option<&str>) -> bool {
        self.status.active.iter().flatten().any(|active| active.uid.as_deref() == uid)
    }

    fn forget(&mut self, uid: Option<&str>) {
        let mut active = self.status.active.take().unwrap_or_default();
        active.retain(|active| active.uid.as_deref() != uid);
        self.status.active = (!active.is_empty()).then_some(active);
    }
}

/// How the Job has ended, if it has.
fn end(job: &Job) -> Option<&'static str> {
    let conditions = || job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    ["Complete", "Failed"]
        .into_iter()
        .find(|kind| conditions().any(|condition| condition.type_ == *kind && condition.status == "True"))
}

/// The Job that was due then.
fn job(cron: &CronJob, spec: &CronJobSpec, due: Timestamp) -> Result<Job, Error> {
    let template = spec.job_template.metadata.clone().unwrap_or_default();
    let zone = spec.time_zone.as_deref().map_or(Ok(TimeZone::UTC), time_zone)?;
    let local = due.to_zoned(zone);
    let offset = if local.offset().is_zero() { "Z".to_string() } else { local.strftime("%:z").to_string() };
    let mut annotations = template.annotations.unwrap_or_default();
    annotations.insert(SCHEDULED_AT.into(), format!("{}{offset}", local.strftime("%Y-%m-%dT%H:%M:%S")));
    let metadata = ObjectMeta {
        name: Some(format!("{}-{}", cron.name_any(), due.as_second().div_euclid(60))),
        namespace: cron.namespace(),
        labels: template.labels,
        annotations: Some(annotations),
        owner_references: Some(vec![controller_reference(cron)]),
        ..ObjectMeta::default()
    };
    Ok(Job { metadata, spec: spec.job_template.spec.clone(), status: None })
}
