//! What a Job's podFailurePolicy says to a pod that has failed (KEP-3329, KEP-3850).

use k8s_openapi::api::batch::v1::{JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

/// What a failed pod means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Means {
    /// It counts towards the limits.
    Counts,
    /// It is as if it had not been.
    Nothing,
    /// Its index has failed, whatever its limit is.
    IndexFailed,
    /// The Job has failed; the message says why.
    JobFailed(String),
}

impl Means {
    pub(super) fn counts(&self) -> bool {
        *self != Self::Nothing
    }
}

/// The first rule that fits decides; a pod that none fits counts.
pub(super) fn of(spec: &JobSpec, pod: &Pod) -> Means {
    let rules = spec.pod_failure_policy.iter().flat_map(|policy| &policy.rules);
    for (number, rule) in rules.enumerate() {
        let Some(why) = fits(rule, pod) else { continue };
        return match rule.action.as_str() {
            "Ignore" => Means::Nothing,
            "FailIndex" => Means::IndexFailed,
            "FailJob" => Means::JobFailed(format!("{why} matching FailJob rule at index {number}")),
            _ => Means::Counts,
        };
    }
    Means::Counts
}

/// Why the rule fits, if it does.
fn fits(rule: &PodFailurePolicyRule, pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let of = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    if let Some(codes) = &rule.on_exit_codes {
        let containers = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
        let (name, code) = containers.filter_map(|container| exit(container, codes)).next()?;
        return Some(format!("Container {name} for pod {of} failed with exit code {code}"));
    }
    let patterns = || rule.on_pod_conditions.iter().flatten();
    let matched = status.conditions.iter().flatten().find(|condition| {
        patterns().any(|pattern| {
            pattern.type_ == condition.type_ && pattern.status.as_deref().unwrap_or("True") == condition.status
        })
    })?;
    Some(format!("Pod {of} has condition {}", matched.type_))
}

/// The container's name and exit code, if it has failed with one of those that are meant.
fn exit<'a>(container: &'a ContainerStatus, codes: &PodFailurePolicyOnExitCodesRequirement) -> Option<(&'a str, i32)> {
    let code = container.state.as_ref()?.terminated.as_ref()?.exit_code;
    let meant = codes.container_name.as_ref().is_none_or(|name| *name == container.name);
    let listed = codes.values.contains(&code);
    let fits = match codes.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    };
    (meant && code != 0 && fits).then_some((container.name.as_str(), code))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(rules: Value) -> JobSpec {
        let template = json!({"spec": {"containers": []}});
        serde_json::from_value(json!({"template": template, "podFailurePolicy": {"rules": rules}})).unwrap()
    }

    fn failed(container: &str, code: i32, condition: &str) -> Pod {
        let state = json!({"name": container, "state": {"terminated": {"exitCode": code}}});
        let state = [state, json!({"image": "", "imageID": "", "ready": false, "restartCount": 0})];
        let mut merged = state[0].clone();
        merged.as_object_mut().unwrap().extend(state[1].as_object().unwrap().clone());
        let conditions = json!([{"type": condition, "status": "True"}]);
        serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "n"},
            "status": {"phase": "Failed", "containerStatuses": [merged], "conditions": conditions},
        }))
        .unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let spec = spec(json!([
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [3, 4]}},
            {"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [1]}},
        ]));
        assert_eq!(of(&spec, &failed("main", 3, "DisruptionTarget")), Means::Nothing);
        let message = "Container main for pod n/p failed with exit code 3 matching FailJob rule at index 1";
        assert_eq!(of(&spec, &failed("main", 3, "Other")), Means::JobFailed(message.into()));
        assert_eq!(of(&spec, &failed("other", 3, "Other")), Means::IndexFailed);
        assert_eq!(of(&spec, &failed("main", 1, "Other")), Means::Counts);
        assert_eq!(of(&spec, &failed("main", 0, "Other")), Means::Counts, "no rule speaks of success");
    }

    #[test]
    fn without_a_status_a_condition_has_to_be_true() {
        let spec = spec(json!([{"action": "FailJob", "onPodConditions": [{"type": "Odd"}]}]));
        let message = "Pod n/p has condition Odd matching FailJob rule at index 0";
        assert_eq!(of(&spec, &failed("main", 1, "Odd")), Means::JobFailed(message.into()));
    }
}
