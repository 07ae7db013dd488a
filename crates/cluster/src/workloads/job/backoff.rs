//! How long a Job waits with the next pod after some have failed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::members::{failures, ignored_failures};
use crate::workloads::pods;

/// The wait after the first failure; it doubles with each further one.
const FIRST: Duration = Duration::from_secs(10);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(600);

/// The failures since the last success.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
    last: Option<Timestamp>,
}

impl Backoff {
    /// With pods that have ended since.
    pub(super) fn after(self, succeeded: &[&Pod], failed: &[&Pod]) -> Self {
        let mut times: Vec<Timestamp> = failed.iter().map(|pod| finished(pod)).collect();
        let before = match succeeded.iter().map(|pod| finished(pod)).max() {
            None => self,
            Some(success) => {
                times.retain(|time| *time > success);
                Self::default()
            }
        };
        let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Self { failures: before.failures.saturating_add(count), last: times.into_iter().max().or(before.last) }
    }

    /// What is left of the wait.
    pub(super) fn left(self, now: Timestamp) -> Duration {
        self.last.map_or(Duration::ZERO, |last| left(self.failures, last, now))
    }
}

/// What is left of the wait for an index whose last pod is this failed one.
pub(super) fn left_for_index(pod: &Pod, now: Timestamp) -> Duration {
    left(failures(pod).saturating_add(ignored_failures(pod)).saturating_add(1), finished(pod), now)
}

fn left(failures: u32, last: Timestamp, now: Timestamp) -> Duration {
    if failures == 0 {
        return Duration::ZERO;
    }
    let wait = FIRST.saturating_mul(2_u32.saturating_pow(failures - 1)).min(LONGEST);
    let been = Duration::try_from(now.duration_since(last)).unwrap_or_default();
    wait.saturating_sub(been)
}

/// When a pod has ended: when its last container did; else when it ceased to be ready, else when it was deleted.
pub(super) fn finished(pod: &Pod) -> Timestamp {
    let created = pod.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let deleted = || {
        let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or_default();
        let at = pod.metadata.deletion_timestamp.as_ref()?.0;
        at.checked_sub(SignedDuration::from_secs(grace)).ok()
    };
    let unready = || {
        let condition = pods::condition(pod, "Ready").filter(|condition| condition.status == "False")?;
        condition.last_transition_time.as_ref().map(|time| time.0)
    };
    containers_finished(pod).or_else(unready).or_else(deleted).unwrap_or(created)
}

/// `None` while one of the containers runs; sidecars end last.
fn containers_finished(pod: &Pod) -> Option<Timestamp> {
    let status = pod.status.as_ref()?;
    let sidecar = |name: &str| {
        let mut inits = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
        inits.any(|init| init.name == name && init.restart_policy.as_deref() == Some("Always"))
    };
    let sidecars = status.init_container_statuses.iter().flatten().filter(|status| sidecar(&status.name));
    let mut last = None;
    for container in status.container_statuses.iter().flatten().chain(sidecars) {
        let finished = container.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()?.0;
        last = last.max(Some(finished));
    }
    last
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn ended(seconds: i64) -> Pod {
        let terminated = json!({"exitCode": 1, "finishedAt": at(seconds).to_string()});
        let status = json!({"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": terminated}});
        serde_json::from_value(json!({"status": {"containerStatuses": [status]}})).unwrap()
    }

    #[test]
    fn the_wait_doubles_with_each_failure_up_to_ten_minutes() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.left(at(0)), Duration::ZERO);
        for wait in [10, 20, 40, 80, 160, 320, 600, 600] {
            backoff = backoff.after(&[], &[&ended(0)]);
            assert_eq!(backoff.left(at(0)), Duration::from_secs(wait));
        }
        assert_eq!(backoff.left(at(599)), Duration::from_secs(1));
        assert_eq!(backoff.left(at(700)), Duration::ZERO);
    }

    #[test]
    fn a_success_forgives_what_came_before_it() {
        let backoff = Backoff::default().after(&[], &[&ended(0), &ended(1)]);
        assert_eq!(backoff.after(&[&ended(5)], &[]), Backoff::default());
        let later = backoff.after(&[&ended(5)], &[&ended(4), &ended(6)]);
        assert_eq!(later.left(at(6)), Duration::from_secs(10), "only the failure after it counts");
    }

    #[test]
    fn a_pod_ended_when_it_was_deleted_if_nothing_else_is_known() {
        let pod: Pod = serde_json::from_value(json!({"metadata": {
            "creationTimestamp": at(0).to_string(), "deletionTimestamp": at(40).to_string(), "deletionGracePeriodSeconds": 30,
        }}))
        .unwrap();
        assert_eq!(finished(&pod), at(10));
    }
}
