//! What the status of a Job may become: conditions that go together, counters that only grow.

use serde_json::Value;

use super::indexes;
use crate::field::{FieldError, FieldErrorKind};
use crate::go_text::{Absent, internal_json};
use crate::kinds::path::Path;
use crate::kinds::tree::{Tree, same};
use crate::kinds::workload;

pub(super) fn validate(new: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let (status, before) = (new.at("status"), old.at("status"));
    let mut errors = workload::not_negative(status, &["active", "succeeded", "failed", "ready", "terminating"], &path);
    let mut uncounted: Vec<&Value> = Vec::new();
    for list in ["succeeded", "failed"] {
        let path = path.child("uncountedTerminatedPods");
        let path = path.child(list);
        for (index, uid) in status.at("uncountedTerminatedPods").list(list).iter().enumerate() {
            if uid == "" {
                errors.push(FieldError::invalid(path.index(index), "", "must not be empty"));
            } else if uncounted.contains(&uid) {
                errors.push(FieldError::duplicate(path.index(index), uid.clone()));
            } else {
                uncounted.push(uid);
            }
        }
    }
    let is = |status: &Value, kind: &str| {
        status.list("conditions").iter().any(|c| c.text("type") == kind && c.text("status") == "True")
    };
    let conditions = path.child("conditions");
    let refuse = |detail: &str| FieldError::new(FieldErrorKind::InvalidUnshown, conditions, Value::Null, detail);
    let (complete, failed) = (is(status, "Complete"), is(status, "Failed"));
    let finished = complete || failed;
    let became = |kind: &str| is(status, kind) && !is(before, kind);
    let changed = |field: &str| !same(status.at(field), before.at(field));
    if complete && failed && (became("Complete") || became("Failed")) {
        errors.push(refuse("cannot set Complete=True and Failed=true conditions"));
    }
    if complete && is(status, "FailureTarget") && (became("Complete") || became("FailureTarget")) {
        errors.push(refuse("cannot set Complete=True and FailureTarget=true conditions"));
    }
    if status.has("completionTime") && !complete && (changed("completionTime") || is(before, "Complete")) {
        let value = status.at("completionTime").clone();
        let detail = "cannot set completionTime when there is no Complete=True condition";
        errors.push(FieldError::invalid(path.child("completionTime"), value, detail));
    }
    if complete && !status.has("completionTime") && (became("Complete") || changed("completionTime")) {
        let detail = "completionTime is required for Complete jobs";
        errors.push(FieldError::required(path.child("completionTime"), detail));
    }
    if status.has("startTime")
        && status.has("completionTime")
        && status.text("completionTime") < status.text("startTime")
        && (changed("startTime") || changed("completionTime"))
    {
        let value = status.at("completionTime").clone();
        let detail = "must be equal to or after `startTime`";
        errors.push(FieldError::invalid(path.child("completionTime"), value, detail));
    }
    if failed && !is(status, "FailureTarget") && (became("Failed") || changed("failedIndexes")) {
        errors.push(refuse("cannot set Failed=True condition without the FailureTarget=true condition"));
    }
    if complete && !is(status, "SuccessCriteriaMet") && became("Complete") {
        errors.push(refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"));
    }
    let now_finished = finished && (became("Complete") || became("Failed"));
    let active = status.int("active").unwrap_or_default();
    if active > 0 && finished && (now_finished || changed("active")) {
        errors.push(FieldError::invalid(path.child("active"), active, "active>0 is invalid for finished job"));
    }
    if finished && !status.has("startTime") && (now_finished || changed("startTime")) {
        errors.push(FieldError::required(path.child("startTime"), "startTime is required for finished job"));
    }
    if finished && !uncounted.is_empty() && (now_finished || changed("uncountedTerminatedPods")) {
        let value = status.at("uncountedTerminatedPods");
        let fields = [("Succeeded", "succeeded", Absent::Nil), ("Failed", "failed", Absent::Nil)];
        let error =
            FieldError::invalid(path.child("uncountedTerminatedPods"), value.clone(), "must be empty for finished job");
        errors.push(error.showing(internal_json(value, &fields)));
    }
    errors.extend(index_lists(new, &changed, &path));
    let terminating = status.int("terminating").unwrap_or_default();
    if terminating > 0 && finished && (now_finished || changed("terminating")) {
        let detail = "terminating>0 is invalid for finished job";
        errors.push(FieldError::invalid(path.child("terminating"), terminating, detail));
    }
    let ready = status.int("ready").unwrap_or_default();
    if ready > active && (changed("ready") || changed("active")) {
        errors.push(FieldError::invalid(path.child("ready"), ready, "cannot set more ready pods than active"));
    }
    if is(status, "SuccessCriteriaMet") {
        for (kind, shown) in [("Failed", "Failed=true"), ("FailureTarget", "FailureTarget=true")] {
            if is(status, kind) {
                errors.push(refuse(&format!("cannot set SuccessCriteriaMet=True and {shown} conditions")));
            }
        }
    } else if complete && new.has("spec.successPolicy") {
        errors.push(refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"));
    }
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if is(before, kind) && !is(status, kind) {
            errors.push(refuse(&format!("cannot disable the terminal {kind}=True condition")));
        }
    }
    for field in ["failed", "succeeded"] {
        let count = status.int(field).unwrap_or_default();
        if count < before.int(field).unwrap_or_default() {
            errors.push(FieldError::invalid(path.child(field), count, format!("cannot decrease the {field} counter")));
        }
    }
    if before.has("startTime") && changed("startTime") && !new.flag("spec.suspend") {
        let value = status.at("startTime").clone();
        let detail = "field is immutable for unsuspended job once set";
        errors.push(FieldError::invalid(path.child("startTime"), value, detail));
    }
    if is(before, "SuccessCriteriaMet") && !is(status, "SuccessCriteriaMet") {
        errors.push(refuse("cannot disable the SuccessCriteriaMet=True condition"));
    }
    errors
}

/// Checks the indexes that have succeeded or failed, as far as they have changed.
fn index_lists(job: &Value, changed: &dyn Fn(&str) -> bool, path: &Path<'_>) -> Vec<FieldError> {
    let status = job.at("status");
    let (completed, failed) = (status.text("completedIndexes"), status.text("failedIndexes"));
    let (completed_path, failed_path) = (path.child("completedIndexes"), path.child("failedIndexes"));
    let (new_completed, new_failed) = (changed("completedIndexes"), changed("failedIndexes"));
    let completions = job.int("spec.completions");
    let limited = job.has("spec.backoffLimitPerIndex");
    let mut errors = Vec::new();
    if let Some(completions) = completions.filter(|_| new_completed)
        && let Err(why) = indexes::count(completed, completions)
    {
        errors.push(FieldError::invalid(completed_path, completed, format!("error parsing completedIndexes: {why}")));
    }
    if let Some(completions) = completions.filter(|_| new_failed && limited)
        && let Err(why) = indexes::count(failed, completions)
    {
        errors.push(FieldError::invalid(failed_path, failed, format!("error parsing failedIndexes: {why}")));
    }
    if new_completed && !completed.is_empty() && job.text("spec.completionMode") != "Indexed" {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        errors.push(FieldError::invalid(completed_path, completed, detail));
    }
    if new_failed && status.has("failedIndexes") && !limited {
        let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        errors.push(FieldError::invalid(failed_path, failed, detail));
    }
    let both = completions.filter(|_| new_completed || new_failed);
    if let Some(index) = both.and_then(|completions| indexes::overlap(completed, failed, completions)) {
        let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
        errors.push(FieldError::invalid(failed_path, failed, detail));
    }
    errors
}
