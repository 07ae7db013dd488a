//! What may change in a running pod.

use serde_json::Value;

use super::placement;
use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::{Tree, equal};

const SPEC: Path<'static> = Path::new("spec");

/// Checks an update of the spec.
pub(super) fn validate(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for list in ["containers", "initContainers"] {
        let path = SPEC.child(list);
        if new.list(list).len() != old.list(list).len() {
            errors.push(FieldError::forbidden(path, "pod updates may not add or remove containers"));
            return errors;
        }
        for (index, container) in new.list(list).iter().enumerate() {
            if container.text("image").trim().is_empty() {
                errors.push(FieldError::required(path.index(index).child("image"), ""));
            }
        }
    }
    let path = SPEC.child("activeDeadlineSeconds");
    match (new.int("activeDeadlineSeconds"), old.int("activeDeadlineSeconds")) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            errors.push(FieldError::invalid(path, seconds, names::between(0, i32::MAX.into())));
            return errors;
        }
        (Some(seconds), Some(before)) if before < seconds => {
            errors.push(FieldError::invalid(path, seconds, "must be less than or equal to previous value"));
            return errors;
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid(path, Value::Null, detail));
        }
        _ => {}
    }
    let path = SPEC.child("tolerations");
    let without_seconds = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration.drop_field("tolerationSeconds");
        toleration
    };
    let kept: Vec<Value> = new.list("tolerations").iter().map(without_seconds).collect();
    if old.list("tolerations").iter().all(|toleration| kept.contains(&without_seconds(toleration))) {
        errors.extend(placement::tolerations(new.list("tolerations"), &path));
    } else {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden(path, detail));
    }
    let path = SPEC.child("schedulingGates");
    for (index, gate) in new.list("schedulingGates").iter().enumerate() {
        if !old.list("schedulingGates").contains(gate) {
            let detail = "only deletion is allowed, but found new scheduling gate ".to_string()
                + &format!("'{}'", gate.text("name"));
            errors.push(FieldError::forbidden(path.index(index).child("name"), detail));
        }
    }
    if !equal(&comparable(new, old), old) {
        errors.push(FieldError::forbidden(
            SPEC,
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n",
        ));
    }
    errors
}

/// Checks an update of the status.
pub(super) fn validate_status(new: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let (status, before) = (new.at("status"), old.at("status"));
    let mut errors = Vec::new();
    let conditions = path.child("conditions");
    for (index, condition) in status.list("conditions").iter().enumerate() {
        let kind = condition.text("type");
        if !matches!(kind, "PodScheduled" | "Ready" | "Initialized") {
            for message in names::qualified_name(kind) {
                errors.push(FieldError::invalid(conditions.index(index).child("Type"), kind, message));
            }
        }
    }
    if status.text("qosClass") != before.text("qosClass") {
        errors.push(FieldError::invalid(path.child("qosClass"), status.text("qosClass"), "field is immutable"));
    }
    for (list, policy) in [("containerStatuses", new.text("spec.restartPolicy")), ("initContainerStatuses", "Always")] {
        let path = path.child(list);
        // A container that has ended stays ended, unless it is restarted.
        if policy == "Always" || (list == "containerStatuses" && policy == "OnFailure") {
            continue;
        }
        for (index, container) in before.list(list).iter().enumerate() {
            let name = container.text("name");
            let now = status.list(list).iter().find(|other| other.text("name") == name);
            if container.has("state.terminated") && now.is_some_and(|now| !now.has("state.terminated")) {
                let detail = "may not be transitioned to non-terminated state";
                errors.push(FieldError::forbidden(path.index(index).child("state"), detail));
            }
        }
    }
    if status.has("extendedResourceClaimStatus") {
        let path = path.child("extendedResourceClaimStatus");
        let claim = status.at("extendedResourceClaimStatus");
        if claim.list("requestMappings").is_empty() {
            let detail = "at least one request mapping is required";
            errors.push(FieldError::required(path.child("requestMappings"), detail));
        }
        let name = claim.text("resourceClaimName");
        let path = path.child("resourceClaimName");
        if name.is_empty() {
            errors.push(FieldError::required(path, ""));
        } else {
            errors.extend(names::dns_subdomain(name).into_iter().map(|m| FieldError::invalid(path, name, m)));
        }
    }
    errors
}

/// The new spec with everything that may change taken from the old one.
fn comparable(new: &Value, old: &Value) -> Value {
    let mut new = new.clone();
    for list in ["containers", "initContainers"] {
        for (container, before) in new.each_mut(list).zip(old.list(list)) {
            container.copy_field("image", before);
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        new.copy_field(field, old);
    }
    if old.int("terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0)
        && new.int("terminationGracePeriodSeconds") == Some(1)
    {
        new.copy_field("terminationGracePeriodSeconds", old);
    }
    // A pod that is not yet given to the scheduler may still be told where to run.
    if !old.list("schedulingGates").is_empty() {
        new.copy_field("nodeSelector", old);
        let node = old.at("affinity.nodeAffinity").clone();
        if node.is_null() {
            if let Some(affinity) = new.field_mut("affinity") {
                affinity.drop_field("nodeAffinity");
            }
        } else {
            new.ensure("affinity").set("nodeAffinity", node);
        }
    }
    new
}
