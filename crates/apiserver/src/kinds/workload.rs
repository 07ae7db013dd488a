//! What Deployment, ReplicaSet, StatefulSet, DaemonSet and Job have in common: checks of counts, percentages,
//! selectors.

use serde_json::Value;

use super::path::Path;
use super::pod;
use super::selector;
use super::tree::{Tree, same};
use crate::field::FieldError;

/// A number that is not negative; an absent one is right.
pub(super) fn not_negative(object: &Value, fields: &[&str], path: &Path<'_>) -> Vec<FieldError> {
    let negative = |field: &&&str| object.int(field).is_some_and(|number| number < 0);
    fields
        .iter()
        .filter(negative)
        .map(|field| {
            let detail = "must be greater than or equal to 0";
            FieldError::invalid(path.child(field), object.at(field).clone(), detail)
        })
        .collect()
}

/// A count or a percentage: `3`, `25%`.
pub(super) fn count_or_percent(value: &Value, path: Path<'_>) -> Vec<FieldError> {
    match value {
        Value::String(text) if percent(value).is_none() => {
            let detail = super::names::regex(
                "a valid percent string must be a numeric string followed by an ending '%'",
                "[0-9]+%",
                &["1%", "93%"],
            );
            vec![FieldError::invalid(path, text.as_str(), detail)]
        }
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            vec![FieldError::invalid(path, value.clone(), "must be greater than or equal to 0")]
        }
        _ => Vec::new(),
    }
}

/// No more than `100%`.
pub(super) fn at_most_all(value: &Value, path: Path<'_>) -> Option<FieldError> {
    let more = percent(value).is_some_and(|percent| percent > 100);
    more.then(|| FieldError::invalid(path, value.clone(), "must not be greater than 100%"))
}

/// Whether a count or percentage is zero.
pub(super) fn is_zero(value: &Value) -> bool {
    // A text without a percent sign is refused elsewhere, and counts as its number here.
    let number = || value.as_str().and_then(|text| text.parse().ok());
    percent(value).or(value.as_i64()).or_else(number).unwrap_or_default() == 0
}

/// Required, checked, and not empty.
pub(super) fn selector(spec: &Value, kind: &str, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("selector");
    let one = spec.at("selector");
    if one.is_null() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = selector::validate(one, &path);
    if selector::is_empty(one) {
        errors.push(FieldError::invalid(path, one.clone(), format!("empty selector is invalid for {kind}")));
    }
    errors
}

/// Whether the selector of a spec can be used, so that the template can be held against it.
pub(super) fn has_usable_selector(spec: &Value) -> bool {
    selector::validate(spec.at("selector"), &Path::new("")).is_empty()
}

/// The labels of the template must match the selector.
pub(super) fn template_labels(spec: &Value, path: &Path<'_>) -> Option<FieldError> {
    let labels = spec.at("template.metadata.labels");
    let one = spec.at("selector");
    // No selector at all matches nothing, an empty one everything.
    if !one.is_null() && selector::matches(one, labels) {
        return None;
    }
    let path = path.child("metadata");
    Some(FieldError::invalid(path.child("labels"), labels.clone(), "`selector` does not match template `labels`"))
}

/// Pods of these kinds are restarted for ever, and have no deadline.
pub(super) fn endless_pods(spec: &Value, kind: &str, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("spec");
    let pod = spec.at("template.spec");
    let mut errors = Vec::new();
    if pod.text("restartPolicy") != "Always" {
        let value = pod.text("restartPolicy");
        errors.push(FieldError::not_supported(path.child("restartPolicy"), value, &["Always"]));
    }
    if pod.has("activeDeadlineSeconds") {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(FieldError::forbidden(path.child("activeDeadlineSeconds"), detail));
    }
    errors
}

/// Template of a ReplicaSet or Deployment.
pub(super) fn replicated_template(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = template_labels(spec, path).into_iter().collect();
    errors.extend(pod::validate_template(spec.at("template"), path));
    errors.extend(endless_pods(spec, "ReplicaSet", path));
    errors
}

/// `spec.FIELD: Invalid value: …: field is immutable`
pub(super) fn immutable(new: &Value, old: &Value, field: &str, path: &Path<'_>) -> Option<FieldError> {
    (!same(new.at(field), old.at(field)))
        .then(|| FieldError::invalid(path.child(field), new.at(field).clone(), "field is immutable"))
}

/// Counters of a status: none negative, none but the first greater than `replicas`.
pub(super) fn replica_counts(status: &Value, counters: &[&str], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = not_negative(status, &["observedGeneration", "replicas"], path);
    errors.extend(not_negative(status, counters, path));
    errors.extend(not_negative(status, &["terminatingReplicas", "collisionCount"], path));
    let replicas = status.int("replicas").unwrap_or_default();
    for field in counters.iter().filter(|field| **field != "unavailableReplicas") {
        let count = status.int(field).unwrap_or_default();
        if count > replicas {
            errors.push(FieldError::invalid(path.child(field), count, "cannot be greater than status.replicas"));
        }
    }
    errors
}

fn percent(value: &Value) -> Option<i64> {
    let digits = value.as_str()?.strip_suffix('%')?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().unwrap_or(i64::MAX))
}
