//! What may change in a running pod.

use serde_json::Value;

use super::placement;
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::kinds::addresses;
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
    if !old.list("schedulingGates").is_empty() {
        errors.extend(still_gated(new, old));
    }
    if !equal(&comparable(new, old), old) {
        errors.push(FieldError::forbidden(
            SPEC,
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n",
        ));
    }
    errors
}

/// A pod that the scheduler has not got yet may be told more about where to run, and nothing else than before.
fn still_gated(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let selector = new.at("nodeSelector");
    if old.entries("nodeSelector").any(|(key, value)| selector.get(key) != Some(value)) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        let selector = if selector.is_null() { Value::Object(serde_json::Map::new()) } else { selector.clone() };
        errors.push(FieldError::invalid(SPEC.child("nodeSelector"), selector, detail));
    }
    let path = Path::new("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    let place = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let (terms, before) = (new.list(place), old.list(place));
    if before.is_empty() {
        return errors;
    }
    if terms.len() != before.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        let error = FieldError::invalid(path, terms.to_vec(), detail);
        errors.push(error.showing(terms_shown(terms)));
        return errors;
    }
    for (index, (term, before)) in terms.iter().zip(before).enumerate() {
        let fields = ["matchExpressions", "matchFields"];
        let grown = fields.iter().all(|field| term.list(field).starts_with(before.list(field)));
        let was_empty = fields.iter().all(|field| before.list(field).is_empty());
        let is_empty = fields.iter().all(|field| term.list(field).is_empty());
        if !grown || was_empty && !is_empty {
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.push(FieldError::invalid(path.index(index), term.clone(), detail).showing(term_shown(term)));
        }
    }
    errors
}

/// Terms of a node selector as the real server shows its internal structs.
pub(in crate::kinds) fn terms_shown(terms: &[Value]) -> String {
    let shown: Vec<String> = terms.iter().map(term_shown).collect();
    if shown.is_empty() { "null".to_owned() } else { format!("[{}]", shown.join(",")) }
}

/// A term of a node selector as the real server shows its internal struct.
fn term_shown(term: &Value) -> String {
    let list = |field: &str| {
        let requirement =
            [("Key", "key", Absent::Text), ("Operator", "operator", Absent::Text), ("Values", "values", Absent::Nil)];
        let all: Vec<String> = term.list(field).iter().map(|one| internal_json(one, &requirement)).collect();
        if all.is_empty() { "null".to_owned() } else { format!("[{}]", all.join(",")) }
    };
    format!("{{\"MatchExpressions\":{},\"MatchFields\":{}}}", list("matchExpressions"), list("matchFields"))
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
    let node = status.text("nominatedNodeName");
    if node != before.text("nominatedNodeName") && !node.is_empty() {
        let path = path.child("nominatedNodeName");
        errors.extend(names::dns_subdomain(node).into_iter().map(|message| FieldError::invalid(path, node, message)));
        if !old.text("spec.nodeName").is_empty() {
            errors.push(FieldError::forbidden(path, "may not be set on pods that are already bound to a node"));
        }
    }
    if let Some(generation) = status.int("observedGeneration").filter(|generation| *generation < 0) {
        let detail = "must be a non-negative integer";
        errors.push(FieldError::invalid(path.child("observedGeneration"), generation, detail));
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
    errors.extend(claim_statuses(new, &path.child("resourceClaimStatuses")));
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
    errors.extend(addresses_of(status, before, "podIPs", &path.child("podIPs")));
    let hosts = status.list("hostIPs");
    let path = path.child("hostIPs");
    if let Some(first) = hosts.first().map(|host| host.text("ip")).filter(|first| *first != status.text("hostIP")) {
        errors.push(FieldError::invalid(path.index(0).child("ip"), first, "must be equal to `hostIP`"));
    }
    errors.extend(addresses_of(status, before, "hostIPs", &path));
    errors
}

fn claim_statuses(pod: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let statuses = pod.list("status.resourceClaimStatuses");
    let mut errors = Vec::new();
    for (index, status) in statuses.iter().enumerate() {
        let path = path.index(index);
        let name = status.text("name");
        if !pod.list("spec.resourceClaims").iter().any(|claim| claim.text("name") == name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.push(FieldError::invalid(path.child("name"), name, detail));
        }
        if statuses[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(path.child("name"), name));
        }
        if let Some(claim) = status.at("resourceClaimName").as_str() {
            let wrong = names::dns_subdomain(claim).into_iter();
            errors.extend(wrong.map(|message| FieldError::invalid(path.child("resourceClaimName"), claim, message)));
        }
    }
    errors
}

/// At most one address of each family; those that were there before are let be.
fn addresses_of(status: &Value, before: &Value, list: &str, path: &Path<'_>) -> Vec<FieldError> {
    let texts: Vec<&str> = status.list(list).iter().map(|one| one.text("ip")).collect();
    let mut errors = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if !before.list(list).iter().any(|old| old.text("ip") == *text) {
            errors.extend(addresses::ip(text, path.index(index)));
        }
    }
    let families: Vec<bool> = texts.iter().map(|text| text.contains(':')).collect();
    if texts.len() > 1 && (texts.len() > 2 || families[0] == families[1]) {
        let detail = "may specify no more than one IP for each IP family";
        let shown: Vec<String> = texts.iter().map(|text| format!("{{\"IP\":{}}}", Value::from(*text))).collect();
        let error = FieldError::invalid(*path, status.list(list).to_vec(), detail);
        errors.push(error.showing(format!("[{}]", shown.join(","))));
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
