//! ReplicaSet and ReplicationController.

use serde_json::{Value, json};

use super::path::Path;
use super::pod;
use super::strategy::Strategy;
use super::tree::Tree;
use super::warnings;
use super::workload;
use crate::field::FieldError;

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct ReplicaSet;

impl Strategy for ReplicaSet {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        spec.default_to("replicas", 1);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"replicas": 0})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = workload::not_negative(spec, &["replicas", "minReadySeconds"], &SPEC);
        errors.extend(workload::selector(spec, "deployment", &SPEC));
        if workload::has_usable_selector(spec) {
            errors.extend(workload::replicated_template(spec, &SPEC.child("template")));
        } else {
            let value = spec.at("selector").clone();
            errors.push(FieldError::invalid(SPEC.child("selector"), value, "invalid label selector"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        errors.extend(workload::immutable(new.at("spec"), old.at("spec"), "selector", &SPEC));
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        counts(new)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::named_template(new, old)
    }
}

pub(super) struct ReplicationController;

impl Strategy for ReplicationController {
    fn default(&self, _: &str, object: &mut Value) {
        let labels = object.at("spec.template.metadata.labels").clone();
        let spec = object.ensure("spec");
        if spec.has("template") {
            pod::default_template(spec.ensure("template"));
        }
        spec.default_to("replicas", 1);
        if labels.is_object() {
            if spec.entries("selector").next().is_none() {
                spec.set("selector", labels.clone());
            }
            if object.entries("metadata.labels").next().is_none() {
                object.ensure("metadata").set("labels", labels);
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"replicas": 0})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = workload::not_negative(spec, &["minReadySeconds"], &SPEC);
        let selector = spec.at("selector");
        if spec.entries("selector").next().is_none() {
            errors.push(FieldError::required(SPEC.child("selector"), ""));
        }
        errors.extend(workload::not_negative(spec, &["replicas"], &SPEC));
        let path = SPEC.child("template");
        if !spec.has("template") {
            errors.push(FieldError::required(path, ""));
            return errors;
        }
        let held = json!({"selector": {"matchLabels": selector}, "template": spec.at("template")});
        errors.extend(workload::template_labels(&held, &path));
        errors.extend(pod::validate_template(spec.at("template"), &path));
        errors.extend(workload::endless_pods(spec, "ReplicationController", &path));
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        counts(new)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn field_value(&self, name: &str, object: &Value) -> String {
        object.int(name).unwrap_or_default().to_string()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::named_template(new, old)
    }
}

fn counts(object: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let status = object.at("status");
    let mut errors =
        workload::replica_counts(status, &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], &path);
    let available = status.int("availableReplicas").unwrap_or_default();
    if available > status.int("readyReplicas").unwrap_or_default() {
        let detail = "cannot be greater than readyReplicas";
        errors.push(FieldError::invalid(path.child("availableReplicas"), available, detail));
    }
    errors
}
