//! Checks of where pods may run: affinity, tolerations, topology spread.

use serde_json::{Value, json};

use super::spec::one_of;
use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::selector;
use crate::kinds::tree::Tree;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Checks `affinity`.
pub(super) fn affinity(affinity: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let node = affinity.at("nodeAffinity");
    let node_path = path.child("nodeAffinity");
    if node.has(REQUIRED) {
        errors.extend(validate_node_selector(node.at(REQUIRED), &node_path.child(REQUIRED)));
    }
    let preferred = node_path.child(PREFERRED);
    for (index, term) in node.list(PREFERRED).iter().enumerate() {
        let path = preferred.index(index);
        errors.extend(weight(term, &path));
        errors.extend(node_term(term.at("preference"), &path.child("preference")));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = affinity.at(kind);
        let path = path.child(kind);
        let required = path.child(REQUIRED);
        for (index, term) in pods.list(REQUIRED).iter().enumerate() {
            errors.extend(pod_term(term, &required.index(index)));
        }
        let preferred = path.child(PREFERRED);
        for (index, term) in pods.list(PREFERRED).iter().enumerate() {
            let path = preferred.index(index);
            errors.extend(weight(term, &path));
            errors.extend(pod_term(term.at("podAffinityTerm"), &path.child("podAffinityTerm")));
        }
    }
    errors
}

/// Adds to the selectors of a new pod what its `matchLabelKeys` and `mismatchLabelKeys` say about its own labels.
pub(super) fn apply_label_keys(pod: &mut Value) {
    let labels = pod.at("metadata.labels").clone();
    let Some(spec) = pod.field_mut("spec") else { return };
    for constraint in spec.each_mut("topologySpreadConstraints") {
        select_by_keys(constraint, &labels, &[("matchLabelKeys", "In")]);
    }
    let both = [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")];
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(pods) = spec.field_mut("affinity").and_then(|affinity| affinity.field_mut(kind)) else { continue };
        for term in pods.each_mut(REQUIRED) {
            select_by_keys(term, &labels, &both);
        }
        for term in pods.each_mut(PREFERRED).filter_map(|term| term.field_mut("podAffinityTerm")) {
            select_by_keys(term, &labels, &both);
        }
    }
}

fn select_by_keys(holder: &mut Value, labels: &Value, fields: &[(&str, &str)]) {
    // Without a selector nothing is selected, whatever the keys are.
    if !holder.at("labelSelector").is_object() {
        return;
    }
    let mut expressions = holder.list("labelSelector.matchExpressions").to_vec();
    for (field, operator) in fields {
        for key in holder.list(field).iter().filter_map(Value::as_str) {
            if let Some(value) = labels.get(key) {
                expressions.push(json!({"key": key, "operator": operator, "values": [value]}));
            }
        }
    }
    if !expressions.is_empty() {
        holder.ensure("labelSelector").set("matchExpressions", expressions);
    }
}

/// Checks the keys of labels that selectors are made of.
fn label_keys(holder: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let has_selector = holder.at("labelSelector").is_object();
    for field in ["matchLabelKeys", "mismatchLabelKeys"] {
        let keys = holder.list(field);
        let path = path.child(field);
        if !keys.is_empty() && !has_selector {
            errors.push(FieldError::forbidden(path, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            let key = key.as_str().unwrap_or_default();
            let wrong = names::qualified_name(key).into_iter();
            errors.extend(wrong.map(|message| FieldError::invalid(path.index(index), key, message)));
        }
    }
    let keys = holder.list("matchLabelKeys");
    let mut seen: Vec<&str> = holder.entries("labelSelector.matchLabels").map(|(key, _)| key.as_str()).collect();
    for expression in holder.list("labelSelector.matchExpressions") {
        let key = expression.text("key");
        // The keys have become expressions by now.
        if seen.contains(&key)
            && let Some(index) = keys.iter().rposition(|other| other == key)
        {
            let detail = "exists in both matchLabelKeys and labelSelector";
            errors.push(FieldError::invalid(path.index(index), key, detail));
        }
        seen.push(key);
    }
    let others = holder.list("mismatchLabelKeys");
    for (index, key) in keys.iter().enumerate().filter(|(_, key)| others.contains(key)) {
        let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(FieldError::invalid(path.child("matchLabelKeys").index(index), key.clone(), detail));
    }
    errors
}

/// Checks a node selector (`nodeSelectorTerms`).
pub(in crate::kinds) fn validate_node_selector(selector: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("nodeSelectorTerms");
    let terms = selector.list("nodeSelectorTerms");
    if terms.is_empty() {
        return vec![FieldError::required(path, "must have at least one node selector term")];
    }
    terms.iter().enumerate().flat_map(|(index, term)| node_term(term, &path.index(index))).collect()
}

/// Checks `tolerations`.
pub(super) fn tolerations(tolerations: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        let path = path.index(index);
        let (key, operator) = (toleration.text("key"), toleration.text("operator"));
        let (value, effect) = (toleration.text("value"), toleration.text("effect"));
        if key.is_empty() {
            if operator != "Exists" {
                let detail =
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
                errors.push(FieldError::invalid(path.child("operator"), operator, detail));
            }
        } else {
            for message in names::qualified_name(key) {
                errors.push(FieldError::invalid(path.child("key"), key, message));
            }
        }
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(FieldError::invalid(path.child("effect"), effect, detail));
        }
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    errors.push(FieldError::invalid(path.child("operator"), value, wrong.join(";")));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    let detail = "value must be empty when `operator` is 'Exists'";
                    errors.push(FieldError::invalid(path.child("operator"), value, detail));
                }
            }
            "Lt" | "Gt" => {
                let allowed = ["Equal", "Exists", "Lt", "Gt"];
                errors.push(FieldError::not_supported(path.child("operator"), operator, &allowed));
            }
            _ => errors.push(FieldError::not_supported(path.child("operator"), operator, &["Equal", "Exists"])),
        }
        if !effect.is_empty() {
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            errors.extend(one_of(effect, &effects, path.child("effect")));
        }
    }
    errors
}

/// Checks `topologySpreadConstraints`.
pub(super) fn spread(constraints: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, constraint) in constraints.iter().enumerate() {
        let path = path.index(index);
        let skew = constraint.int("maxSkew").unwrap_or_default();
        if skew <= 0 {
            errors.push(FieldError::invalid(path.child("maxSkew"), skew, "must be greater than zero"));
        }
        let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"));
        if key.is_empty() {
            errors.push(FieldError::required(path.child("topologyKey"), "can not be empty"));
        }
        let actions = ["DoNotSchedule", "ScheduleAnyway"];
        if !actions.contains(&action) {
            errors.push(FieldError::not_supported(path.child("whenUnsatisfiable"), action, &actions));
        }
        let repeated = constraints[index + 1..]
            .iter()
            .any(|other| (other.text("topologyKey"), other.text("whenUnsatisfiable")) == (key, action));
        if repeated {
            let value = format!("{{{key}, {action}}}");
            errors.push(FieldError::duplicate(path.child("{topologyKey, whenUnsatisfiable}"), value));
        }
        if let Some(domains) = constraint.int("minDomains") {
            if domains <= 0 {
                errors.push(FieldError::invalid(path.child("minDomains"), domains, "must be greater than zero"));
            }
            if action != "DoNotSchedule" {
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                errors.push(FieldError::invalid(path.child("minDomains"), domains, detail));
            }
        }
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if constraint.has(field) && !["Honor", "Ignore"].contains(&constraint.text(field)) {
                let value = constraint.text(field);
                errors.push(FieldError::not_supported(path.child(field), value, &["Honor", "Ignore"]));
            }
        }
        errors.extend(label_keys(constraint, &path));
        errors.extend(selector::validate(constraint.at("labelSelector"), &path.child("labelSelector")));
    }
    errors
}

fn weight(term: &Value, path: &Path<'_>) -> Option<FieldError> {
    let weight = term.int("weight").unwrap_or_default();
    let detail = "must be in the range 1-100";
    (!(1..=100).contains(&weight)).then(|| FieldError::invalid(path.child("weight"), weight, detail))
}

fn node_term(term: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let fields = path.child("matchFields");
    for (index, requirement) in term.list("matchFields").iter().enumerate() {
        let path = fields.index(index);
        let (key, values) = (requirement.text("key"), requirement.list("values"));
        match requirement.text("operator") {
            "In" | "NotIn" if values.len() != 1 => {
                let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                errors.push(FieldError::required(path.child("values"), detail));
            }
            "In" | "NotIn" => {}
            other => errors.push(FieldError::invalid(path.child("operator"), other, "not a valid selector operator")),
        }
        if key == "metadata.name" {
            let list = path.child("values");
            for (at, value) in values.iter().filter_map(Value::as_str).enumerate() {
                let wrong = names::dns_subdomain(value);
                errors.extend(wrong.into_iter().map(|message| FieldError::invalid(list.index(at), value, message)));
            }
        } else {
            errors.push(FieldError::invalid(path.child("key"), key, "not a valid field selector key"));
        }
    }
    let expressions = path.child("matchExpressions");
    for (index, requirement) in term.list("matchExpressions").iter().enumerate() {
        let path = expressions.index(index);
        let values = requirement.list("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(path.child("values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(path.child("values"), detail));
            }
            "Gt" | "Lt" if values.len() != 1 => {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.push(FieldError::required(path.child("values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.push(FieldError::invalid(path.child("operator"), other, "not a valid selector operator")),
        }
        let key = requirement.text("key");
        for message in names::qualified_name(key) {
            errors.push(FieldError::invalid(path.child("key"), key, message));
        }
        let list = path.child("values");
        for (at, value) in values.iter().filter_map(Value::as_str).enumerate() {
            for message in names::label_value(value) {
                errors.push(FieldError::invalid(list.index(at), value, message));
            }
        }
    }
    errors
}

fn pod_term(term: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = selector::validate(term.at("labelSelector"), &path.child("labelSelector"));
    errors.extend(selector::validate(term.at("namespaceSelector"), &path.child("namespaceSelector")));
    for namespace in term.list("namespaces").iter().filter_map(Value::as_str) {
        for message in names::dns_label(namespace) {
            errors.push(FieldError::invalid(path.child("namespace"), namespace, message));
        }
    }
    errors.extend(label_keys(term, path));
    let key = term.text("topologyKey");
    if key.is_empty() {
        errors.push(FieldError::required(path.child("topologyKey"), "can not be empty"));
    }
    for message in names::qualified_name(key) {
        errors.push(FieldError::invalid(path.child("topologyKey"), key, message));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_labels_become_expressions_with_the_values_of_the_pod() {
        let mut pod = json!({
            "metadata": {"labels": {"hash": "x"}},
            "spec": {
                "topologySpreadConstraints": [
                    {"matchLabelKeys": ["hash", "none"], "labelSelector": {"matchLabels": {"a": "b"}}},
                    {"matchLabelKeys": ["hash"]},
                ],
                "affinity": {"podAntiAffinity": {PREFERRED: [
                    {"podAffinityTerm": {"mismatchLabelKeys": ["hash"], "labelSelector": {}}}
                ]}},
            },
        });
        apply_label_keys(&mut pod);
        let expected = json!([{"key": "hash", "operator": "In", "values": ["x"]}]);
        assert_eq!(pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchExpressions"], expected);
        assert!(pod["spec"]["topologySpreadConstraints"][1].get("labelSelector").is_none());
        let term = &pod["spec"]["affinity"]["podAntiAffinity"][PREFERRED][0]["podAffinityTerm"];
        assert_eq!(term["labelSelector"]["matchExpressions"][0]["operator"], "NotIn");
    }
}
