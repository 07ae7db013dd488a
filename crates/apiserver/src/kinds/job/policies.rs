//! When a Job has failed or succeeded before its end: `podFailurePolicy` and `successPolicy`.

use serde_json::Value;

use super::indexes;
use crate::field::{FieldError, FieldErrorKind};
use crate::go_text::{Absent, internal_json};
use crate::kinds::metadata::too_long;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// The most rules of a success policy, and the longest list of indexes in one, in bytes.
const MOST_SUCCESS_RULES: usize = 20;
const LONGEST_INDEXES: usize = 64 * 1024;

pub(super) fn failure(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
    let valid = |values: &[&str]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("valid values: [{}]", quoted.join(" "))
    };
    let path = path.child("rules");
    let mut errors = Vec::new();
    for (index, rule) in spec.list("podFailurePolicy.rules").iter().enumerate() {
        let path = path.index(index);
        match rule.text("action") {
            "" => errors.push(FieldError::required(path.child("action"), valid(&ACTIONS))),
            action @ "FailIndex" if !spec.has("backoffLimitPerIndex") => {
                let detail = "requires the backoffLimitPerIndex to be set";
                errors.push(FieldError::invalid(path.child("action"), action, detail));
            }
            action if !ACTIONS.contains(&action) => {
                errors.push(FieldError::not_supported(path.child("action"), action, &ACTIONS));
            }
            _ => {}
        }
        if rule.has("onExitCodes") {
            errors.extend(exit_codes(spec, rule.at("onExitCodes"), &path.child("onExitCodes")));
        }
        let conditions = path.child("onPodConditions");
        for (index, condition) in rule.list("onPodConditions").iter().enumerate() {
            let path = conditions.index(index);
            let kind = condition.text("type");
            let wrong = names::qualified_name(kind);
            errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("type"), kind, message)));
            match condition.text("status") {
                "" => errors.push(FieldError::required(path.child("status"), valid(&STATUSES))),
                status if !STATUSES.contains(&status) => {
                    errors.push(FieldError::not_supported(path.child("status"), status, &STATUSES));
                }
                _ => {}
            }
        }
        let detail = match (rule.has("onExitCodes"), !rule.list("onPodConditions").is_empty()) {
            (true, true) => "specifying both OnExitCodes and OnPodConditions is not supported",
            (false, false) => "specifying one of OnExitCodes and OnPodConditions is required",
            _ => continue,
        };
        errors.push(FieldError::new(FieldErrorKind::InvalidUnshown, path, Value::Null, detail));
    }
    errors
}

pub(super) fn success(policy: &Value, completions: i64, path: &Path<'_>) -> Vec<FieldError> {
    let rules = policy.list("rules");
    let mut errors = Vec::new();
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(*path, detail));
    }
    if rules.len() > MOST_SUCCESS_RULES {
        let detail = format!("must have at most {MOST_SUCCESS_RULES} items");
        errors.push(FieldError::new(FieldErrorKind::TooMany, *path, rules.len().into(), detail));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
            let detail = "at least one of succeededCount or succeededIndexes must be specified";
            errors.push(FieldError::required(path, detail));
        }
        let mut named = None;
        if let Some(indexes) = rule.at("succeededIndexes").as_str() {
            let path = path.child("succeededIndexes");
            if indexes.len() > LONGEST_INDEXES {
                errors.push(too_long(path, LONGEST_INDEXES));
            }
            named = Some(indexes::count(indexes, completions).unwrap_or_else(|why| {
                errors.push(FieldError::invalid(path, indexes, format!("error parsing succeededIndexes: {why}")));
                0
            }));
        }
        let Some(count) = rule.int("succeededCount") else { continue };
        let path = path.child("succeededCount");
        if count < 0 {
            errors.push(FieldError::invalid(path, count, "must be greater than or equal to 0"));
        }
        let limits = [
            (Some(completions), "the number of specified completions"),
            (named, "the number of indexes in the specified succeededIndexes field"),
        ];
        for (limit, what) in limits.into_iter().filter_map(|(limit, what)| Some((limit?, what))) {
            if count > limit {
                let detail = format!("must be less than or equal to {limit} ({what})");
                errors.push(FieldError::invalid(path, count, detail));
            }
        }
    }
    errors
}

/// A success policy as the messages of a real server show it.
pub(super) fn success_shown(policy: &Value) -> String {
    let fields =
        [("SucceededIndexes", "succeededIndexes", Absent::Nil), ("SucceededCount", "succeededCount", Absent::Nil)];
    let rules: Vec<String> = policy.list("rules").iter().map(|rule| internal_json(rule, &fields)).collect();
    format!("{{\"Rules\":[{}]}}", rules.join(","))
}

fn exit_codes(spec: &Value, codes: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const OPERATORS: [&str; 2] = ["In", "NotIn"];
    let mut errors = Vec::new();
    let operator = codes.text("operator");
    if operator.is_empty() {
        errors.push(FieldError::required(path.child("operator"), "valid values: [\"In\" \"NotIn\"]"));
    } else if !OPERATORS.contains(&operator) {
        errors.push(FieldError::not_supported(path.child("operator"), operator, &OPERATORS));
    }
    if let Some(name) = codes.at("containerName").as_str() {
        let pod = spec.at("template.spec");
        let mut all = pod.list("containers").iter().chain(pod.list("initContainers"));
        if !all.any(|container| container.text("name") == name) {
            let detail = "must be one of the container or initContainer names in the pod template";
            errors.push(FieldError::invalid(path.child("containerName"), name, detail));
        }
    }
    let path = path.child("values");
    let values = codes.list("values");
    if values.is_empty() {
        errors.push(FieldError::invalid(path, codes.at("values").clone(), "at least one value is required"));
    }
    for (index, value) in values.iter().enumerate() {
        if operator == "In" && value == 0 {
            errors.push(FieldError::invalid(path.index(index), 0, "must not be 0 for the In operator"));
        }
        if values[..index].contains(value) {
            errors.push(FieldError::duplicate(path.index(index), value.clone()));
        }
    }
    if !values.is_sorted_by_key(Value::as_i64) {
        errors.push(FieldError::invalid(path, values.to_vec(), "must be ordered"));
    }
    errors
}
