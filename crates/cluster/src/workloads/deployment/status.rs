//! What is told of a Deployment.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::limits::max_unavailable;
use super::plan::{actual, wanted};
use super::sets::{Sets, spec};

const AVAILABLE: &str = "Available";
const PROGRESSING: &str = "Progressing";
const REPLICA_FAILURE: &str = "ReplicaFailure";

/// Where `progressDeadlineSeconds` has this value there is no deadline.
const NO_DEADLINE: i32 = i32::MAX;

/// The status, and when to look again just because time passes. `created` is the ReplicaSet that was just created.
pub(super) fn status(
    deployment: &Deployment,
    sets: &Sets,
    created: Option<&str>,
    now: Timestamp,
) -> (DeploymentStatus, Option<Duration>) {
    let spec = spec(deployment);
    let before = deployment.status.clone().unwrap_or_default();
    let count = |counted: &dyn Fn(&ReplicaSet) -> i32| sets.all().map(counted).sum::<i32>();
    let of = |read: fn(&k8s_openapi::api::apps::v1::ReplicaSetStatus) -> Option<i32>| {
        move |set: &ReplicaSet| set.status.as_ref().and_then(read).unwrap_or_default()
    };
    let available = count(&of(|status| status.available_replicas));
    let some = |number: i32| (number > 0).then_some(number);
    let mut status = DeploymentStatus {
        observed_generation: deployment.metadata.generation,
        replicas: some(count(&actual)),
        updated_replicas: some(sets.new.as_ref().map(actual).unwrap_or_default()),
        ready_replicas: some(count(&of(|status| status.ready_replicas))),
        available_replicas: some(available),
        unavailable_replicas: some((sets.wanted() - available).max(0)),
        terminating_replicas: Some(count(&of(|status| status.terminating_replicas))),
        collision_count: before.collision_count,
        conditions: before.conditions.clone(),
    };
    let minimum = if available >= wanted(deployment) - max_unavailable(&spec) {
        condition(AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    } else {
        let message = "Deployment does not have minimum availability.";
        condition(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)
    };
    set(&mut status, minimum);
    if deployment.metadata.deletion_timestamp.is_some() {
        return (status, None);
    }
    let deadline = spec.progress_deadline_seconds.filter(|seconds| *seconds != NO_DEADLINE);
    match deadline {
        None => remove(&mut status, PROGRESSING),
        Some(deadline) => progress(deployment, sets, created, &before, &mut status, deadline, now),
    }
    match failure(sets) {
        Some(failure) => set(&mut status, failure),
        None => remove(&mut status, REPLICA_FAILURE),
    }
    let later = deadline.and_then(|deadline| until_deadline(deployment, &status, deadline, now));
    (status, later)
}

/// The condition that tells whether the roll-out gets on.
fn progress(
    deployment: &Deployment,
    sets: &Sets,
    created: Option<&str>,
    before: &DeploymentStatus,
    status: &mut DeploymentStatus,
    deadline: i32,
    now: Timestamp,
) {
    let paused = spec(deployment).paused == Some(true);
    let present = find(status, PROGRESSING).cloned();
    let reason = present.as_ref().and_then(|condition| condition.reason.clone()).unwrap_or_default();
    if paused {
        if reason != "ProgressDeadlineExceeded" {
            set(status, condition(PROGRESSING, "Unknown", "DeploymentPaused", "Deployment is paused", now));
        }
        return;
    }
    if reason == "DeploymentPaused" {
        set(status, condition(PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed", now));
    }
    if let Some(created) = created {
        let message = format!("Created new replica set \"{created}\"");
        set(status, condition(PROGRESSING, "True", "NewReplicaSetCreated", &message, now));
        return;
    }
    let subject = match &sets.new {
        Some(new) => format!("ReplicaSet \"{}\"", new.name_any()),
        None => format!("Deployment \"{}\"", deployment.name_any()),
    };
    if present.is_none()
        && let Some(new) = &sets.new
    {
        let message = format!("Found new replica set \"{}\"", new.name_any());
        set(status, condition(PROGRESSING, "True", "FoundNewReplicaSet", &message, now));
    }
    let settled = status.replicas == status.updated_replicas && reason == "NewReplicaSetAvailable";
    if settled {
        return;
    }
    if is_complete(deployment, status) {
        let message = format!("{subject} has successfully progressed.");
        set(status, condition(PROGRESSING, "True", "NewReplicaSetAvailable", &message, now));
    } else if is_progressing(before, status) {
        let mut progressing =
            condition(PROGRESSING, "True", "ReplicaSetUpdated", &format!("{subject} is progressing."), now);
        if let Some(present) = present.filter(|present| present.status == "True") {
            progressing.last_transition_time = present.last_transition_time;
        }
        // Each bit of progress counts anew, even where the words stay the same.
        remove(status, PROGRESSING);
        set(status, progressing);
    } else if is_overdue(status, deadline, now) {
        let message = format!("{subject} has timed out progressing.");
        set(status, condition(PROGRESSING, "False", "ProgressDeadlineExceeded", &message, now));
    }
}

fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let wanted = wanted(deployment);
    [status.updated_replicas, status.replicas, status.available_replicas]
        .iter()
        .all(|count| count.unwrap_or_default() == wanted)
}

fn is_progressing(before: &DeploymentStatus, status: &DeploymentStatus) -> bool {
    let number = |count: Option<i32>| count.unwrap_or_default();
    let old = |status: &DeploymentStatus| number(status.replicas) - number(status.updated_replicas);
    number(status.updated_replicas) > number(before.updated_replicas)
        || old(status) < old(before)
        || number(status.ready_replicas) > number(before.ready_replicas)
        || number(status.available_replicas) > number(before.available_replicas)
}

fn is_overdue(status: &DeploymentStatus, deadline: i32, now: Timestamp) -> bool {
    let Some(present) = find(status, PROGRESSING) else { return false };
    match present.reason.as_deref() {
        Some("NewReplicaSetAvailable") => false,
        Some("ProgressDeadlineExceeded") => true,
        _ => due(present, deadline).is_some_and(|due| due < now),
    }
}

fn until_deadline(
    deployment: &Deployment,
    status: &DeploymentStatus,
    deadline: i32,
    now: Timestamp,
) -> Option<Duration> {
    let present = find(status, PROGRESSING)?;
    let over = matches!(present.reason.as_deref(), Some("ProgressDeadlineExceeded" | "NewReplicaSetAvailable"));
    if over || is_complete(deployment, status) || spec(deployment).paused == Some(true) {
        return None;
    }
    let wait = due(present, deadline)?.duration_since(now).max(SignedDuration::ZERO) + SignedDuration::from_secs(1);
    Duration::try_from(wait).ok()
}

fn due(condition: &DeploymentCondition, deadline: i32) -> Option<Timestamp> {
    let since = condition.last_update_time.as_ref()?.0;
    since.checked_add(SignedDuration::from_secs(deadline.into())).ok()
}

/// What keeps a ReplicaSet from its pods; the new one's first.
fn failure(sets: &Sets) -> Option<DeploymentCondition> {
    let conditions = sets.new.iter().chain(&sets.old).filter_map(|set| set.status.as_ref()?.conditions.as_ref());
    let failure = conditions.flatten().find(|condition| condition.type_ == REPLICA_FAILURE)?;
    Some(DeploymentCondition {
        type_: failure.type_.clone(),
        status: failure.status.clone(),
        reason: failure.reason.clone(),
        message: failure.message.clone(),
        last_transition_time: failure.last_transition_time.clone(),
        last_update_time: failure.last_transition_time.clone(),
    })
}

fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> DeploymentCondition {
    DeploymentCondition {
        type_: kind.into(),
        status: status.into(),
        reason: Some(reason.into()),
        message: Some(message.into()),
        last_transition_time: Some(Time(now)),
        last_update_time: Some(Time(now)),
    }
}

fn find<'a>(status: &'a DeploymentStatus, kind: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

/// Sets a condition unless it says the same with the same reason already; then it stays as it is, with its times.
fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    if let Some(present) = find(status, &condition.type_) {
        if present.status == condition.status && present.reason == condition.reason {
            return;
        }
        if present.status == condition.status {
            condition.last_transition_time = present.last_transition_time.clone();
        }
    }
    remove(status, &condition.type_.clone());
    status.conditions.get_or_insert_default().push(condition);
}

fn remove(status: &mut DeploymentStatus, kind: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_ != kind);
    }
}
