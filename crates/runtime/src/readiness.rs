//! Whether an object is ready for use, by what its status says.
//!
//! [`of`] knows the built-in kinds that take time, and judges all others by the conventions for conditions:
//!
//! | kind | ready when |
//! |---|---|
//! | Deployment, StatefulSet, DaemonSet, ReplicaSet | the newest revision is rolled out and available |
//! | Pod | it is Ready, or has succeeded |
//! | Job | it is complete |
//! | PersistentVolumeClaim | it is bound |
//! | Service | it has its address, if it is of type LoadBalancer; any other is at once |
//! | CustomResourceDefinition | it is established |
//! | APIService | it is available |
//! | Namespace | it is active |
//! | others | `status.observedGeneration`, if there, is that of the object, and the condition `Ready`, if there, is True |
//!
//! These are plain functions, to be put together with [`Readiness::and`] and in closures.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Whether an object is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can be used.
    Ready,
    /// Not yet, and why not.
    NotYet(String),
    /// It will not be without a change, and why not.
    Failed(String),
}

impl Readiness {
    /// Whether it can be used.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Ready if both are; otherwise the first reason why not, with a failure before a wait.
    pub fn and(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Ready, _) | (Self::NotYet(_), Self::Failed(_)) => other,
            _ => self,
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::NotYet(why) => write!(f, "not ready yet: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// Whether an object, as the server has it, is ready; see [the module](self) for what that means for which kind. One
/// that is being deleted never is.
///
/// A PersistentVolumeClaim whose class binds it at first use is not bound before a Pod uses it: don't wait for it
/// before making that Pod.
pub fn of(object: &Value) -> Readiness {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return not_yet("it is being deleted");
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("", "Namespace") => phase(object, &["Active"], &[]),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => condition(object, "Established"),
        ("apiregistration.k8s.io", "APIService") => condition(object, "Available"),
        _ => by_conventions(object),
    }
}

/// [`of`] for an object with a type.
pub fn of_object<K: Serialize>(object: &K) -> Readiness {
    match serde_json::to_value(object) {
        Ok(tree) => of(&tree),
        Err(error) => Readiness::Failed(format!("it can't be encoded: {error}")),
    }
}

/// Ready if the condition of this type is True, for the generation that the object has.
pub fn condition(object: &Value, kind: &str) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    match find_condition(object, kind) {
        Some(found) if outdated(object, found) => not_yet(format!("condition {kind} is of an older generation")),
        Some(found) if found["status"] == "True" => Readiness::Ready,
        Some(found) => not_yet(format!("condition {kind} is {}{}", text(&found["status"]), because(found))),
        None => not_yet(format!("there is no condition {kind} yet")),
    }
}

fn deployment(object: &Value) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    if let Some(stuck) = find_condition(object, "Progressing").filter(|c| c["reason"] == "ProgressDeadlineExceeded") {
        return Readiness::Failed(format!("the rollout does not get on{}", because(stuck)));
    }
    let wanted = replicas(object);
    let [updated, all, available] =
        ["updatedReplicas", "replicas", "availableReplicas"].map(|field| count(object, field));
    if updated < wanted {
        not_yet(format!("{updated} of {wanted} replicas are of the newest revision"))
    } else if all > updated {
        not_yet(format!("{} replicas of older revisions are left", all - updated))
    } else if available < wanted {
        not_yet(format!("{available} of {wanted} replicas are available"))
    } else {
        Readiness::Ready
    }
}

fn replica_set(object: &Value) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    at_least(count(object, "availableReplicas"), replicas(object), "replicas are available")
}

fn stateful_set(object: &Value) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    let wanted = replicas(object);
    let ready = at_least(count(object, "readyReplicas"), wanted, "replicas are ready");
    let strategy = &object["spec"]["updateStrategy"];
    if !ready.is_ready() || strategy["type"] == "OnDelete" {
        return ready;
    }
    match strategy["rollingUpdate"]["partition"].as_i64().unwrap_or_default() {
        0 if object["status"]["updateRevision"] == object["status"]["currentRevision"] => Readiness::Ready,
        // All Pods are of the newest revision, and the controller has not noted that yet.
        0 => at_least(count(object, "updatedReplicas"), wanted, "replicas are of the newest revision"),
        partition => {
            let updating = (wanted - partition).max(0);
            at_least(count(object, "updatedReplicas"), updating, "replicas are of the newest revision")
        }
    }
}

fn daemon_set(object: &Value) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    if object["status"]["observedGeneration"].is_null() {
        return not_yet("its controller has not seen it yet");
    }
    let wanted = count(object, "desiredNumberScheduled");
    let available = at_least(count(object, "numberAvailable"), wanted, "Pods are available");
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return available;
    }
    at_least(count(object, "updatedNumberScheduled"), wanted, "Pods are of the newest revision").and(available)
}

fn job(object: &Value) -> Readiness {
    let is_true = |kind| find_condition(object, kind).filter(|condition| condition["status"] == "True");
    if is_true("Complete").is_some() {
        Readiness::Ready
    } else if let Some(failed) = is_true("Failed") {
        Readiness::Failed(format!("the Job has failed{}", because(failed)))
    } else if object["spec"]["suspend"] == true {
        not_yet("the Job is suspended")
    } else {
        not_yet("the Job is not complete")
    }
}

fn pod(object: &Value) -> Readiness {
    let status = &object["status"];
    match text(&status["phase"]) {
        "Succeeded" => Readiness::Ready,
        "Failed" => Readiness::Failed(format!("the Pod has failed{}", because(status))),
        _ if find_condition(object, "Ready").is_some_and(|ready| ready["status"] == "True") => Readiness::Ready,
        phase => {
            let lists = ["initContainerStatuses", "containerStatuses"].into_iter();
            let containers = lists.flat_map(|list| status[list].as_array().into_iter().flatten());
            let mut waiting = containers.filter(|container| container["state"]["waiting"]["reason"].is_string());
            match (waiting.next(), find_condition(object, "Ready")) {
                (Some(container), _) => {
                    let reason = because(&container["state"]["waiting"]);
                    not_yet(format!("container {} waits{reason}", text(&container["name"])))
                }
                (None, Some(ready)) => not_yet(format!("it is {phase} and not Ready{}", because(ready))),
                (None, None) => not_yet(format!("it is {}", if phase.is_empty() { "Pending" } else { phase })),
            }
        }
    }
}

fn claim(object: &Value) -> Readiness {
    phase(object, &["Bound"], &["Lost"])
}

fn service(object: &Value) -> Readiness {
    let balanced = object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|list| !list.is_empty());
    if object["spec"]["type"] == "LoadBalancer" && !balanced {
        return not_yet("the load balancer has no address yet");
    }
    Readiness::Ready
}

fn phase(object: &Value, ready: &[&str], failed: &[&str]) -> Readiness {
    match text(&object["status"]["phase"]) {
        "" => not_yet("it has no phase yet"),
        phase if ready.contains(&phase) => Readiness::Ready,
        phase if failed.contains(&phase) => Readiness::Failed(format!("it is {phase}")),
        phase => not_yet(format!("it is {phase}")),
    }
}

fn by_conventions(object: &Value) -> Readiness {
    if let Some(behind) = behind(object) {
        return behind;
    }
    if let Some(stalled) = find_condition(object, "Stalled").filter(|stalled| stalled["status"] == "True") {
        return Readiness::Failed(format!("it is stalled{}", because(stalled)));
    }
    match find_condition(object, "Ready") {
        Some(_) => condition(object, "Ready"),
        None => Readiness::Ready,
    }
}

/// Its controller has not looked at this generation yet.
fn behind(object: &Value) -> Option<Readiness> {
    let observed = object["status"]["observedGeneration"].as_i64()?;
    let generation = object["metadata"]["generation"].as_i64()?;
    (observed < generation).then(|| not_yet("its controller has not seen the last change yet"))
}

fn outdated(object: &Value, condition: &Value) -> bool {
    let generation = object["metadata"]["generation"].as_i64();
    condition["observedGeneration"].as_i64().zip(generation).is_some_and(|(observed, generation)| observed < generation)
}

fn find_condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn because(condition: &Value) -> String {
    match (text(&condition["reason"]), text(&condition["message"])) {
        ("", "") => String::new(),
        (reason, "") => format!(" ({reason})"),
        ("", message) => format!(": {message}"),
        (reason, message) => format!(" ({reason}): {message}"),
    }
}

fn at_least(have: i64, wanted: i64, what: &str) -> Readiness {
    if have < wanted { not_yet(format!("{have} of {wanted} {what}")) } else { Readiness::Ready }
}

fn replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn count(object: &Value, field: &str) -> i64 {
    object["status"][field].as_i64().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn not_yet(why: impl Into<String>) -> Readiness {
    Readiness::NotYet(why.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(api_version: &str, kind: &str, spec: Value, status: Value) -> Readiness {
        of(
            &json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 2}, "spec": spec, "status": status}),
        )
    }

    fn waits(readiness: &Readiness, why: &str) -> bool {
        matches!(readiness, Readiness::NotYet(text) if text.contains(why))
    }

    fn failed(readiness: &Readiness, why: &str) -> bool {
        matches!(readiness, Readiness::Failed(text) if text.contains(why))
    }

    #[test]
    fn a_deployment_is_ready_when_its_newest_revision_is_available_and_no_older_one_is_left() {
        let at = |status: Value| kind("apps/v1", "Deployment", json!({"replicas": 2}), status);
        assert!(waits(&at(json!({})), "0 of 2 replicas are of the newest"));
        let old = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert!(waits(&at(old), "has not seen the last change"));
        let rolling = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2});
        assert!(waits(&at(rolling), "1 replicas of older revisions"));
        let starting = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1});
        assert!(waits(&at(starting), "1 of 2 replicas are available"));
        let done = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(at(done), Readiness::Ready);
        let stuck = json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}]});
        assert!(failed(&at(stuck), "too slow"));
        assert_eq!(kind("apps/v1", "Deployment", json!({"replicas": 0}), json!({})), Readiness::Ready);
    }

    #[test]
    fn a_stateful_set_is_ready_when_its_revision_is_rolled_out_as_far_as_its_partition_lets_it() {
        let at = |spec: Value, status: Value| kind("apps/v1", "StatefulSet", spec, status);
        let spec = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}});
        let rolling = json!({"readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
        assert!(waits(&at(spec.clone(), rolling.clone()), "1 of 3 replicas are of the newest"));
        let done = json!({"readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "b", "updateRevision": "b"});
        assert_eq!(at(spec.clone(), done), Readiness::Ready);
        assert!(waits(&at(spec, json!({"readyReplicas": 2})), "2 of 3 replicas are ready"));
        let partition = json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
        assert_eq!(at(partition, rolling.clone()), Readiness::Ready);
        let by_hand = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        assert_eq!(at(by_hand, rolling), Readiness::Ready);
    }

    #[test]
    fn a_daemon_set_is_ready_when_all_of_its_pods_are_new_and_available() {
        let at = |status: Value| kind("apps/v1", "DaemonSet", json!({}), status);
        assert!(waits(&at(json!({})), "not seen it"));
        let some = json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1});
        assert!(waits(&at(some), "1 of 2 Pods are available"));
        let all = json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2});
        assert_eq!(at(all), Readiness::Ready);
        assert_eq!(at(json!({"observedGeneration": 2})), Readiness::Ready, "no node wants it");
    }

    #[test]
    fn jobs_and_pods_are_ready_failed_or_wait_for_a_reason() {
        let job = |conditions: Value| kind("batch/v1", "Job", json!({}), json!({"conditions": conditions}));
        assert!(waits(&job(json!([])), "not complete"));
        assert_eq!(job(json!([{"type": "Complete", "status": "True"}])), Readiness::Ready);
        let gave_up = json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]);
        assert!(failed(&job(gave_up), "BackoffLimitExceeded"));
        let pod = |status: Value| kind("v1", "Pod", json!({}), status);
        assert!(waits(&pod(json!({})), "Pending"));
        let pulling = json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
        assert!(waits(&pod(pulling), "container web waits (ImagePullBackOff)"));
        assert_eq!(
            pod(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})),
            Readiness::Ready
        );
        assert_eq!(pod(json!({"phase": "Succeeded"})), Readiness::Ready);
        assert!(failed(&pod(json!({"phase": "Failed", "reason": "Evicted"})), "Evicted"));
    }

    #[test]
    fn claims_services_and_definitions_are_ready_when_they_can_be_used() {
        let claim = |phase: &str| kind("v1", "PersistentVolumeClaim", json!({}), json!({"phase": phase}));
        assert!(waits(&claim("Pending"), "Pending"));
        assert_eq!(claim("Bound"), Readiness::Ready);
        assert!(failed(&claim("Lost"), "Lost"));
        let service = |kind_of: &str, status: Value| kind("v1", "Service", json!({"type": kind_of}), status);
        assert_eq!(service("ClusterIP", json!({})), Readiness::Ready);
        assert!(waits(&service("LoadBalancer", json!({"loadBalancer": {}})), "no address"));
        let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
        assert_eq!(service("LoadBalancer", address), Readiness::Ready);
        let definition = |conditions: Value| {
            kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({"conditions": conditions}))
        };
        assert!(waits(&definition(json!([])), "no condition Established"));
        assert_eq!(definition(json!([{"type": "Established", "status": "True"}])), Readiness::Ready);
    }

    #[test]
    fn other_kinds_are_judged_by_the_conventions_for_conditions() {
        let at = |status: Value| kind("example.com/v1", "Thing", json!({}), status);
        assert_eq!(at(Value::Null), Readiness::Ready, "a kind without a status");
        assert!(waits(&at(json!({"observedGeneration": 1})), "last change"));
        let ready = |status: &str, generation: i64| {
            at(
                json!({"conditions": [{"type": "Ready", "status": status, "reason": "R", "observedGeneration": generation}]}),
            )
        };
        assert_eq!(ready("True", 2), Readiness::Ready);
        assert!(waits(&ready("True", 1), "older generation"));
        assert!(waits(&ready("False", 2), "condition Ready is False (R)"));
        let stalled = json!({"conditions": [{"type": "Stalled", "status": "True", "message": "no quota"}]});
        assert!(failed(&at(stalled), "no quota"));
        let leaving = json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert!(waits(&of(&leaving), "being deleted"));
    }

    #[test]
    fn a_failure_tells_more_than_a_wait() {
        let [wait, fail] = [Readiness::NotYet("w".into()), Readiness::Failed("f".into())];
        assert_eq!(wait.clone().and(fail.clone()), fail);
        assert_eq!(fail.clone().and(wait.clone()), fail);
        assert_eq!(Readiness::Ready.and(wait.clone()), wait);
        assert_eq!(Readiness::Ready.and(Readiness::Ready), Readiness::Ready);
    }
}
