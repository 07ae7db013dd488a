//! Which objects a quota is about.

use serde_json::{Value, json};

use crate::kinds;
use crate::kinds::tree::Tree;

/// Whether an object of a resource is in the scopes of a quota. Of other objects than Pods and claims a quota with scopes
/// counts none.
pub fn matches(quota: &Value, group: &str, plural: &str, object: &Value) -> bool {
    let spec = quota.at("spec");
    let plain = spec.list("scopes").iter().map(|scope| json!({"scopeName": scope, "operator": "Exists"}));
    let mut all = plain.chain(spec.list("scopeSelector.matchExpressions").iter().cloned());
    all.all(|requirement| match (group, plural) {
        ("", "pods") => holds_for_pod(&requirement, object),
        ("", "persistentvolumeclaims") => holds_for_claim(&requirement, object),
        _ => false,
    })
}

fn holds_for_pod(requirement: &Value, pod: &Value) -> bool {
    let spec = pod.at("spec");
    let terminating = spec.int("activeDeadlineSeconds").is_some_and(|seconds| seconds >= 0);
    let best_effort = || kinds::quality_of_service(spec) == "BestEffort";
    match requirement.text("scopeName") {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        "PriorityClass" => selects(requirement, &[spec.text("priorityClassName")]),
        "CrossNamespacePodAffinity" => crosses_namespaces(spec.at("affinity")),
        _ => false,
    }
}

fn holds_for_claim(requirement: &Value, claim: &Value) -> bool {
    let names = [
        claim.text("spec.volumeAttributesClassName"),
        claim.text("status.currentVolumeAttributesClassName"),
        claim.text("status.modifyVolumeStatus.targetVolumeAttributesClassName"),
    ];
    requirement.text("scopeName") == "VolumeAttributesClass" && selects(requirement, &names)
}

/// Whether one of the names, of which empty ones are none, is selected.
fn selects(requirement: &Value, names: &[&str]) -> bool {
    let mut given = names.iter().filter(|name| !name.is_empty()).peekable();
    let listed = |name: &&&str| requirement.list("values").iter().any(|value| value == **name);
    match requirement.text("operator") {
        "Exists" => given.peek().is_some(),
        "DoesNotExist" => given.peek().is_none(),
        "In" => given.any(|name| listed(&name)),
        "NotIn" => given.peek().is_none() || given.any(|name| !listed(&name)),
        _ => false,
    }
}

fn crosses_namespaces(affinity: &Value) -> bool {
    let crosses = |term: &Value| !term.list("namespaces").is_empty() || term.has("namespaceSelector");
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let terms = affinity.at(kind);
        terms.list("requiredDuringSchedulingIgnoredDuringExecution").iter().any(crosses)
            || terms
                .list("preferredDuringSchedulingIgnoredDuringExecution")
                .iter()
                .any(|term| crosses(term.at("podAffinityTerm")))
    })
}
