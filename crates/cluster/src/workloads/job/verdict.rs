//! Whether a Job is over, and why.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{JobCondition, JobSpec, JobStatus, SuccessPolicy};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::failure_policy::{self, Means};
use super::indexes::Indexes;
use super::members::is_failed;
use super::tally::{ByIndex, Tally};
use crate::workloads::pods;

/// How a Job ends. It is told in two steps (KEP-3998): first what is going to be, then, when no pod is left, that it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) good: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Verdict {
    fn good(reason: &str, message: impl Into<String>) -> Option<Self> {
        Some(Self { good: true, reason: reason.into(), message: message.into() })
    }

    fn bad(reason: &str, message: impl Into<String>) -> Option<Self> {
        Some(Self { good: false, reason: reason.into(), message: message.into() })
    }

    /// The condition that announces the end.
    pub(super) fn announcement(&self) -> &'static str {
        if self.good { "SuccessCriteriaMet" } else { "FailureTarget" }
    }

    /// The condition that tells the end.
    pub(super) fn end(&self) -> &'static str {
        if self.good { "Complete" } else { "Failed" }
    }

    pub(super) fn condition(&self, kind: &str, now: Timestamp) -> JobCondition {
        condition(kind, "True", &self.reason, &self.message, now)
    }
}

/// A condition of a Job.
pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> JobCondition {
    JobCondition {
        type_: kind.into(),
        status: status.into(),
        reason: Some(reason.into()),
        message: Some(message.into()),
        last_probe_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    }
}

/// Whether the status has this condition, and it is true.
pub(super) fn is(status: &JobStatus, kind: &str) -> bool {
    find(status, kind).is_some()
}

/// Whether all has been told.
pub(super) fn is_finished(status: &JobStatus) -> bool {
    is(status, "Complete") || is(status, "Failed")
}

fn find<'a>(status: &'a JobStatus, kind: &str) -> Option<&'a JobCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind && condition.status == "True")
}

/// How the Job ends, if something has happened that ends it before its completions are reached. What was announced stays.
pub(super) fn of(tally: &Tally<'_>, status: &JobStatus, now: Timestamp) -> Option<Verdict> {
    let announced = |kind: &str, good: bool| {
        let condition = find(status, kind)?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Some(Verdict { good, reason: text(&condition.reason), message: text(&condition.message) })
    };
    announced("SuccessCriteriaMet", true)
        .or_else(|| announced("FailureTarget", false))
        .or_else(|| by_failure_policy(tally))
        .or_else(|| by_limits(tally, status, now))
        .or_else(|| by_indexes(tally))
}

fn by_failure_policy(tally: &Tally<'_>) -> Option<Verdict> {
    let failed = tally.pods.iter().filter(|pod| is_failed(tally.spec, pod));
    let message = failed.map(|pod| failure_policy::of(tally.spec, pod)).find_map(|means| match means {
        Means::JobFailed(message) => Some(message),
        _ => None,
    })?;
    Verdict::bad("PodFailurePolicy", message)
}

fn by_limits(tally: &Tally<'_>, status: &JobStatus, now: Timestamp) -> Option<Verdict> {
    let limit = tally.spec.backoff_limit.unwrap_or(6);
    if tally.failed > limit || has_restarted_too_often(tally, limit) {
        return Verdict::bad("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if time_left(tally.spec, status, now) == Some(Duration::ZERO) {
        return Verdict::bad("DeadlineExceeded", "Job was active longer than specified deadline");
    }
    None
}

/// Pods that are restarted in place never fail: their restarts count.
fn has_restarted_too_often(tally: &Tally<'_>, limit: i32) -> bool {
    let policy = tally.spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    let restarts = |pod: &Pod| -> i32 {
        let status = pod.status.iter();
        let containers =
            status.flat_map(|status| status.init_container_statuses.iter().chain(&status.container_statuses));
        containers.flatten().map(|container| container.restart_count).sum()
    };
    let alive = tally.pods.iter().filter(|pod| matches!(pods::phase(pod), "Running" | "Pending"));
    policy == Some("OnFailure") && alive.map(restarts).sum::<i32>() >= limit.max(1)
}

/// How long the Job may still be active; `None` without a deadline.
pub(super) fn time_left(spec: &JobSpec, status: &JobStatus, now: Timestamp) -> Option<Duration> {
    let seconds = u64::try_from(spec.active_deadline_seconds?).unwrap_or_default();
    let started = status.start_time.as_ref().filter(|_| spec.suspend != Some(true))?.0;
    let been = Duration::try_from(now.duration_since(started)).unwrap_or_default();
    Some(Duration::from_secs(seconds).saturating_sub(been))
}

fn by_indexes(tally: &Tally<'_>) -> Option<Verdict> {
    let ByIndex { succeeded, failed, .. } = tally.by_index.as_ref()?;
    let completions = tally.spec.completions.unwrap_or_default();
    let lost = failed.as_ref().map(Indexes::count).unwrap_or_default();
    if tally.spec.max_failed_indexes.is_some_and(|most| lost > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return Verdict::bad("MaxFailedIndexesExceeded", message);
    }
    if lost > 0 && lost + succeeded.count() >= completions {
        return Verdict::bad("FailedIndexes", "Job has failed indexes");
    }
    let rule = first_met(tally.spec.success_policy.as_ref()?, completions, succeeded)?;
    Verdict::good("SuccessPolicy", format!("Matched rules at index {rule}"))
}

/// The first rule of a successPolicy that is met (KEP-3998).
fn first_met(policy: &SuccessPolicy, completions: i32, succeeded: &Indexes) -> Option<usize> {
    if succeeded.is_empty() {
        return None;
    }
    policy.rules.iter().position(|rule| match &rule.succeeded_indexes {
        Some(wanted) => {
            let wanted = Indexes::parse(wanted, completions);
            let shared = wanted.shared(succeeded);
            !wanted.is_empty()
                && (shared == wanted.count() || rule.succeeded_count.is_some_and(|count| shared >= count))
        }
        None => rule.succeeded_count.is_some_and(|count| succeeded.count() >= count),
    })
}

/// Whether the Job has done all that it is there for: its completions, or, without a number of them, one success; and no
/// pod is active.
pub(super) fn completed(tally: &Tally<'_>, active: usize) -> Option<Verdict> {
    let wanted = tally.spec.completions.unwrap_or(1);
    if active > 0 || tally.succeeded < wanted {
        return None;
    }
    Verdict::good("CompletionsReached", "Reached expected number of succeeded pods")
}
