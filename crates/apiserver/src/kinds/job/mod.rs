//! Job.

mod indexes;
mod policies;
mod spec;
mod status;

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::pod;
use super::selector;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use super::warnings;
use super::workload;
use crate::field::FieldError;
use crate::status::ApiResult;
pub(super) use spec::validate_spec;

const SPEC: Path<'static> = Path::new("spec");
const CONTROLLER_LABEL: &str = "batch.kubernetes.io/controller-uid";
const OLD_CONTROLLER_LABEL: &str = "controller-uid";
const NAME_LABEL: &str = "batch.kubernetes.io/job-name";
const OLD_NAME_LABEL: &str = "job-name";

pub(super) struct Job;

impl Strategy for Job {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        if !spec.has("completions") && !spec.has("parallelism") {
            spec.set("completions", 1);
        }
        spec.default_to("parallelism", 1);
        let limit = if spec.has("backoffLimitPerIndex") { i32::MAX } else { 6 };
        spec.default_to("backoffLimit", limit);
        spec.default_to("completionMode", "NonIndexed");
        spec.default_to("suspend", false);
        let policy = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
        spec.default_to("podReplacementPolicy", policy);
        spec.default_to("manualSelector", false);
        default_failure_policy(spec);
        labels_from_template(object);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", self.empty_status());
        if !object.flag("spec.manualSelector") {
            let (name, uid) = (object.text("metadata.name").to_string(), object.text("metadata.uid").to_string());
            let from_template = object.at("metadata.labels") == object.at("spec.template.metadata.labels");
            if from_template {
                object.ensure("metadata").drop_field("labels");
            }
            let spec = object.ensure("spec");
            let labels = spec.ensure("template").ensure("metadata").ensure("labels");
            for (label, value) in
                [(OLD_NAME_LABEL, &name), (NAME_LABEL, &name), (OLD_CONTROLLER_LABEL, &uid), (CONTROLLER_LABEL, &uid)]
            {
                labels.default_to(label, value.as_str());
            }
            spec.ensure("selector").ensure("matchLabels").default_to(CONTROLLER_LABEL, uid);
        }
        labels_from_template(object);
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        labels_from_template(new);
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = generated_selector(object);
        let spec = object.at("spec");
        errors.extend(validate_spec(spec, &SPEC));
        errors.extend(selector_and_labels(spec));
        let completions = spec.int("completions").unwrap_or_default();
        if spec.text("completionMode") == "Indexed" && completions > 0 {
            let name = object.text("metadata.name");
            let longest = format!("{name}-{}", completions - 1);
            if !names::dns_label(&longest).is_empty() {
                let detail = format!("will not able to create pod with invalid DNS label: {longest}");
                errors.push(FieldError::invalid("metadata.name", name, detail));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let (spec, before) = (new.at("spec"), old.at("spec"));
        // The spec is checked once for itself and once more as part of the update.
        errors.extend(validate_spec(spec, &SPEC));
        errors.extend(selector_and_labels(spec));
        if spec.text("completionMode") != "Indexed" {
            errors.extend(workload::immutable(spec, before, "completions", &SPEC));
        } else if !same(spec.at("completions"), before.at("completions"))
            && spec.has("completions")
            && spec.int("completions") != spec.int("parallelism")
        {
            let value = spec.at("completions").clone();
            let detail = "can only be modified in tandem with spec.parallelism";
            errors.push(FieldError::invalid(SPEC.child("completions"), value, detail));
        }
        errors.extend(workload::immutable(spec, before, "selector", &SPEC));
        errors.extend(template_change(spec, before, old));
        for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
            errors.extend(workload::immutable(spec, before, field, &SPEC));
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        status::validate(new, old)
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.successful"]
    }

    fn field_value(&self, _: &str, object: &Value) -> String {
        object.int("status.succeeded").unwrap_or_default().to_string()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::named_template(new, old)
    }
}

/// A Job without labels has those of its template, the generated ones included.
fn labels_from_template(job: &mut Value) {
    let labels = job.at("spec.template.metadata.labels").clone();
    if labels.is_object() && job.entries("metadata.labels").next().is_none() {
        job.ensure("metadata").set("labels", labels);
    }
}

pub(super) fn default_failure_policy(spec: &mut Value) {
    let Some(policy) = spec.field_mut("podFailurePolicy") else { return };
    for rule in policy.each_mut("rules") {
        for condition in rule.each_mut("onPodConditions") {
            condition.default_text("status", "True");
        }
    }
}

fn selector_and_labels(spec: &Value) -> Vec<FieldError> {
    let path = SPEC.child("selector");
    let one = spec.at("selector");
    let mut errors = Vec::new();
    if one.is_null() {
        errors.push(FieldError::required(path, ""));
    }
    let wrong = selector::validate(one, &path);
    let labels = spec.at("template.metadata.labels");
    let held = wrong.is_empty();
    errors.extend(wrong);
    if held && (one.is_null() || !selector::matches(one, labels)) {
        let template = SPEC.child("template");
        let metadata = template.child("metadata");
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(metadata.child("labels"), labels.clone(), detail));
    }
    errors
}

fn generated_selector(object: &Value) -> Vec<FieldError> {
    let spec = object.at("spec");
    let mut errors = Vec::new();
    if spec.flag("manualSelector") || !spec.has("selector") {
        return errors;
    }
    let (name, uid) = (object.text("metadata.name"), object.text("metadata.uid"));
    let template = SPEC.child("template");
    let metadata = template.child("metadata");
    let labels_path = metadata.child("labels");
    let labels = spec.at("template.metadata.labels");
    let expected = [(OLD_CONTROLLER_LABEL, uid), (OLD_NAME_LABEL, name), (CONTROLLER_LABEL, uid), (NAME_LABEL, name)];
    for (label, value) in expected {
        match labels.get(label) {
            None => errors.push(FieldError::required(labels_path.key(label), format!("must be '{value}'"))),
            Some(found) if found != value => {
                let detail = format!("must be '{value}'");
                errors.push(FieldError::invalid(labels_path.key(label), labels.clone(), detail));
            }
            Some(_) => {}
        }
    }
    let labels: serde_json::Map<String, Value> =
        expected.into_iter().map(|(label, value)| (label.to_string(), json!(value))).collect();
    if !selector::matches(spec.at("selector"), &Value::Object(labels)) {
        let value = spec.at("selector").clone();
        errors.push(FieldError::invalid(SPEC.child("selector"), value, "`selector` not auto-generated"));
    }
    errors
}

/// The template is fixed; a Job that has not begun may still be told where to run.
fn template_change(spec: &Value, before: &Value, old: &Value) -> Option<FieldError> {
    let mut template = before.at("template").clone();
    let new = spec.at("template");
    let ended = |condition: &Value| condition.text("type") == "Suspended" && condition.text("status") == "True";
    let stopped = !old.has("status.startTime") || old.list("status.conditions").iter().any(ended);
    let mutable = before.flag("suspend") && stopped && old.int("status.active").unwrap_or_default() == 0;
    if mutable {
        for field in ["labels", "annotations"] {
            template.ensure("metadata").copy_field(field, new.at("metadata"));
        }
        let pod = template.ensure("spec");
        for field in ["nodeSelector", "tolerations", "schedulingGates"] {
            pod.copy_field(field, new.at("spec"));
        }
        pod.ensure("affinity").copy_field("nodeAffinity", new.at("spec.affinity"));
        for list in ["containers", "initContainers"] {
            for (container, other) in pod.each_mut(list).zip(new.at("spec").list(list)) {
                container.copy_field("resources", other);
            }
        }
    }
    let path = SPEC.child("template");
    if same(new, &template) {
        None
    } else if mutable {
        Some(FieldError::invalid(path.child("spec"), new.at("spec").clone(), "field is immutable"))
    } else {
        Some(FieldError::invalid(path, new.clone(), "field is immutable"))
    }
}
