//! Deployment.

use serde_json::Value;

use super::path::Path;
use super::pod;
use super::strategy::{Strategy, differs_outside};
use super::tree::{Tree, same};
use super::warnings;
use super::workload;
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct Deployment;

impl Strategy for Deployment {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        spec.default_to("replicas", 1);
        spec.default_to("revisionHistoryLimit", 10);
        spec.default_to("progressDeadlineSeconds", 600);
        let strategy = spec.ensure("strategy");
        strategy.default_text("type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate" {
            let rolling = strategy.ensure("rollingUpdate");
            rolling.default_to("maxUnavailable", "25%");
            rolling.default_to("maxSurge", "25%");
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn generation_changes(&self, new: &Value, old: &Value) -> bool {
        // Annotations count, because they are copied to ReplicaSets.
        differs_outside(new, old, &["apiVersion", "kind", "metadata", "status"])
            || !same(new.at("metadata.annotations"), old.at("metadata.annotations"))
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        new.ensure("metadata").copy_field("labels", old.at("metadata"));
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = workload::not_negative(spec, &["replicas"], &SPEC);
        errors.extend(workload::selector(spec, "deployment", &SPEC));
        if workload::has_usable_selector(spec) {
            errors.extend(workload::replicated_template(spec, &SPEC.child("template")));
        } else {
            let value = spec.at("selector").clone();
            errors.push(FieldError::invalid(SPEC.child("selector"), value, "invalid label selector"));
        }
        errors.extend(strategy(spec.at("strategy")));
        errors.extend(workload::not_negative(spec, &["minReadySeconds", "revisionHistoryLimit"], &SPEC));
        errors.extend(workload::not_negative(spec, &["progressDeadlineSeconds"], &SPEC));
        if let Some(deadline) = spec.int("progressDeadlineSeconds")
            && deadline <= spec.int("minReadySeconds").unwrap_or_default()
        {
            let detail = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid(SPEC.child("progressDeadlineSeconds"), deadline, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        errors.extend(workload::immutable(new.at("spec"), old.at("spec"), "selector", &SPEC));
        errors
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let path = Path::new("status");
        let status = new.at("status");
        let counters = ["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"];
        let mut errors = workload::replica_counts(status, &counters, &path);
        let available = status.int("availableReplicas").unwrap_or_default();
        if available > status.int("readyReplicas").unwrap_or_default() {
            let detail = "cannot be greater than readyReplicas";
            errors.push(FieldError::invalid(path.child("availableReplicas"), available, detail));
        }
        let collisions = status.int("collisionCount").unwrap_or_default();
        if old.int("status.collisionCount").is_some_and(|before| collisions < before) {
            errors.push(FieldError::invalid(path.child("collisionCount"), collisions, "cannot be decremented"));
        }
        errors
    }

    fn reset_fields(&self, subresource: &str) -> &'static [&'static str] {
        match subresource {
            "" => &["status"],
            "status" => &["spec", "metadata.labels"],
            _ => &[],
        }
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::named_template(new, old)
    }
}

fn strategy(strategy: &Value) -> Vec<FieldError> {
    let path = SPEC.child("strategy");
    let rolling = strategy.at("rollingUpdate");
    let rolling_path = path.child("rollingUpdate");
    match strategy.text("type") {
        "Recreate" if rolling.is_object() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            vec![FieldError::forbidden(rolling_path, detail)]
        }
        "Recreate" => Vec::new(),
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            let unavailable_path = rolling_path.child("maxUnavailable");
            let mut errors = workload::count_or_percent(unavailable, unavailable_path);
            errors.extend(workload::count_or_percent(surge, rolling_path.child("maxSurge")));
            if workload::is_zero(unavailable) && workload::is_zero(surge) {
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.push(FieldError::invalid(unavailable_path, unavailable.clone(), detail));
            }
            errors.extend(workload::at_most_all(unavailable, unavailable_path));
            errors
        }
        other => {
            let fields = [("MaxUnavailable", "maxUnavailable", Absent::Nil), ("MaxSurge", "maxSurge", Absent::Nil)];
            let shown = if rolling.is_object() { internal_json(rolling, &fields) } else { "null".to_owned() };
            let error = FieldError::not_supported(path, strategy.clone(), &["Recreate", "RollingUpdate"]);
            vec![error.showing(format!("{{\"Type\":{},\"RollingUpdate\":{shown}}}", Value::from(other)))]
        }
    }
}
