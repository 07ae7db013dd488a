//! The next steps of a StatefulSet. With ordered pods there is at most one, and none while a pod before it is not available.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};

use super::identity::{first, identified, ordinal, pod, revision_of};
use crate::workloads::intstr::scaled;
use crate::workloads::pods::{self, Availability};

/// Something to do with a pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Create(Box<Pod>),
    Delete(Box<Pod>),
    /// It has lost labels that tell its place.
    Identify(Box<Pod>),
}

/// Whether the set wants a pod at this place.
pub(super) fn is_wanted(set: &StatefulSet, ordinal: i32) -> bool {
    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    (first(set)..first(set) + replicas).contains(&ordinal)
}

/// What to do now. `current` and `update` are the names of the revisions on the way from and to.
pub(super) fn plan(
    set: &StatefulSet,
    pods: &[Pod],
    current: &str,
    update: &str,
    current_template: Option<&PodTemplateSpec>,
    now: Timestamp,
) -> Vec<Step> {
    let Some(spec) = &set.spec else { return Vec::new() };
    let ordered = spec.pod_management_policy.as_deref() != Some("Parallel");
    let min_ready = spec.min_ready_seconds.unwrap_or_default();
    let is_available = |pod: &Pod| {
        pods::phase(pod) == "Running" && matches!(pods::availability(pod, min_ready, now), Availability::Yes)
    };
    let at = |place: i32| pods.iter().find(|pod| ordinal(set, pod) == Some(place));
    let places = first(set)..first(set) + spec.replicas.unwrap_or(1);

    let mut steps = Vec::new();
    for place in places.clone() {
        let step = match at(place) {
            None => {
                let old = is_kept(spec, place - first(set)).then_some(current_template).flatten();
                let (template, revision) = old.map_or((&spec.template, update), |template| (template, current));
                Some(Step::Create(Box::new(pod(set, template, revision, place))))
            }
            Some(pod) if matches!(pods::phase(pod), "Succeeded" | "Failed") => {
                if pod.metadata.deletion_timestamp.is_some() && ordered {
                    return steps;
                }
                pod.metadata.deletion_timestamp.is_none().then(|| Step::Delete(Box::new(pod.clone())))
            }
            Some(pod) => identified(set, pod).map(|pod| Step::Identify(Box::new(pod))),
        };
        let blocked = at(place).is_none_or(|pod| pod.metadata.deletion_timestamp.is_some() || !is_available(pod));
        steps.extend(step);
        if ordered && blocked {
            return steps;
        }
    }
    if ordered && !steps.is_empty() {
        return steps;
    }

    // Those beyond the number, the last first.
    let mut condemned: Vec<&Pod> =
        pods.iter().filter(|pod| ordinal(set, pod).is_some_and(|place| !is_wanted(set, place))).collect();
    condemned.sort_by_key(|pod| std::cmp::Reverse(ordinal(set, pod)));
    let first_unavailable = condemned.iter().rev().find(|pod| !is_available(pod)).and_then(|pod| ordinal(set, pod));
    for pod in condemned {
        let ending = pod.metadata.deletion_timestamp.is_some();
        if ordered && (ending || (!is_available(pod) && first_unavailable != ordinal(set, pod))) {
            return steps;
        }
        if !ending {
            steps.push(Step::Delete(Box::new(pod.clone())));
        }
        if ordered {
            return steps;
        }
    }
    if !steps.is_empty()
        || spec.update_strategy.as_ref().and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete")
    {
        return steps;
    }
    steps.extend(outdated(set, pods, update, is_available));
    steps
}

/// Pods of old revisions that may go now: the last first, as many as may be unavailable.
fn outdated(set: &StatefulSet, pods: &[Pod], update: &str, is_available: impl Fn(&Pod) -> bool) -> Vec<Step> {
    let Some(spec) = &set.spec else { return Vec::new() };
    let rolling = spec.update_strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    let replicas = spec.replicas.unwrap_or(1);
    let most =
        rolling.and_then(|rolling| rolling.max_unavailable.as_ref()).map_or(1, |most| scaled(most, replicas, true));
    let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or_default();
    let wanted = |pod: &&Pod| ordinal(set, pod).is_some_and(|place| is_wanted(set, place));
    let unavailable = pods.iter().filter(wanted).filter(|pod| !is_available(pod)).count();
    let may = usize::try_from(most.max(1)).unwrap_or(1).saturating_sub(unavailable);
    let mut old: Vec<&Pod> = pods
        .iter()
        .filter(wanted)
        .filter(|pod| ordinal(set, pod).is_some_and(|place| place - first(set) >= partition))
        .filter(|pod| revision_of(pod) != update && pod.metadata.deletion_timestamp.is_none())
        .collect();
    old.sort_by_key(|pod| std::cmp::Reverse(ordinal(set, pod)));
    old.into_iter().take(may).map(|pod| Step::Delete(Box::new(pod.clone()))).collect()
}

/// Whether a pod that is made anew at this place keeps the current template: before the partition, and everywhere while a
/// roll-out that goes by hand is under way.
fn is_kept(spec: &StatefulSetSpec, index: i32) -> bool {
    let strategy = spec.update_strategy.as_ref();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or_default();
    strategy.and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete") && index < partition
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(spec: Value) -> StatefulSet {
        let mut full = json!({
            "replicas": 3, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": []}},
        });
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(json!({"metadata": {"name": "db", "uid": "s"}, "spec": full})).unwrap()
    }

    fn member(set: &StatefulSet, place: i32, revision: &str, ready: bool) -> Pod {
        let mut member = pod(set, &set.spec.as_ref().unwrap().template, revision, place);
        let condition = json!({
            "type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        member.status = serde_json::from_value(json!({"phase": "Running", "conditions": [condition]})).unwrap();
        member
    }

    fn steps(set: &StatefulSet, pods: &[Pod]) -> Vec<String> {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let steps = plan(set, pods, "old", "new", Some(&set.spec.as_ref().unwrap().template), now);
        let name = |pod: &Pod| format!("{}@{}", pod.metadata.name.as_deref().unwrap(), revision_of(pod));
        let text = |step: &Step| match step {
            Step::Create(pod) => format!("+{}", name(pod)),
            Step::Delete(pod) => format!("-{}", name(pod)),
            Step::Identify(pod) => format!("~{}", name(pod)),
        };
        steps.iter().map(text).collect()
    }

    #[test]
    fn pods_come_one_by_one_each_when_the_one_before_is_available() {
        let set = set(json!({}));
        assert_eq!(steps(&set, &[]), ["+db-0@new"]);
        assert!(steps(&set, &[member(&set, 0, "new", false)]).is_empty());
        assert_eq!(steps(&set, &[member(&set, 0, "new", true)]), ["+db-1@new"]);
    }

    #[test]
    fn parallel_pods_come_and_go_together() {
        let set = set(json!({"podManagementPolicy": "Parallel"}));
        assert_eq!(steps(&set, &[]), ["+db-0@new", "+db-1@new", "+db-2@new"]);
        let five: Vec<Pod> = (0..5).map(|place| member(&set, place, "new", true)).collect();
        assert_eq!(steps(&set, &five), ["-db-4@new", "-db-3@new"]);
    }

    #[test]
    fn scaling_down_takes_the_last_first_and_waits_for_it() {
        let set = set(json!({"replicas": 1}));
        let mut three: Vec<Pod> = (0..3).map(|place| member(&set, place, "new", true)).collect();
        assert_eq!(steps(&set, &three), ["-db-2@new"]);
        three[2].metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        assert!(steps(&set, &three).is_empty());
    }

    #[test]
    fn a_new_template_goes_from_the_last_to_the_first() {
        let set = set(json!({}));
        let mut pods: Vec<Pod> = (0..3).map(|place| member(&set, place, "old", true)).collect();
        assert_eq!(steps(&set, &pods), ["-db-2@old"]);
        pods[2] = member(&set, 2, "new", false);
        assert!(steps(&set, &pods).is_empty(), "one at a time");
        pods[2] = member(&set, 2, "new", true);
        assert_eq!(steps(&set, &pods), ["-db-1@old"]);
    }

    #[test]
    fn a_partition_keeps_those_before_it() {
        let set = set(json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}));
        let mut pods: Vec<Pod> = (0..3).map(|place| member(&set, place, "old", true)).collect();
        assert_eq!(steps(&set, &pods), ["-db-2@old"]);
        pods[2] = member(&set, 2, "new", true);
        assert!(steps(&set, &pods).is_empty());
        pods.remove(1);
        assert_eq!(steps(&set, &pods), ["+db-1@old"], "one that is lost comes back as it was");
    }

    #[test]
    fn on_delete_leaves_them_to_be_deleted_by_hand() {
        let set = set(json!({"updateStrategy": {"type": "OnDelete"}}));
        let pods: Vec<Pod> = (0..3).map(|place| member(&set, place, "old", true)).collect();
        assert!(steps(&set, &pods).is_empty());
        assert_eq!(steps(&set, &pods[..2]), ["+db-2@new"]);
    }

    #[test]
    fn several_may_be_unavailable_where_the_set_says_so() {
        let set = set(json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}}));
        let pods: Vec<Pod> = (0..3).map(|place| member(&set, place, "old", true)).collect();
        assert_eq!(steps(&set, &pods), ["-db-2@old", "-db-1@old"]);
    }

    #[test]
    fn ordinals_may_begin_elsewhere_and_ended_pods_are_replaced() {
        let set = set(json!({"replicas": 2, "ordinals": {"start": 5}}));
        assert_eq!(steps(&set, &[]), ["+db-5@new"]);
        let mut ended = member(&set, 5, "new", false);
        ended.status.as_mut().unwrap().phase = Some("Failed".into());
        assert_eq!(steps(&set, &[ended]), ["-db-5@new"]);
    }
}
