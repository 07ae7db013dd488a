//! DaemonSet.

use serde_json::{Value, json};

use super::path::Path;
use super::pod;
use super::selector;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use super::workload;
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::status::ApiResult;

const SPEC: Path<'static> = Path::new("spec");

/// The template generation, which `apps/v1` no longer has as a field, is kept in this annotation.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) struct DaemonSet;

impl Strategy for DaemonSet {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        pod::default_template(spec.ensure("template"));
        let strategy = spec.ensure("updateStrategy");
        strategy.default_text("type", "RollingUpdate");
        let rolls = strategy.text("type") == "RollingUpdate";
        if rolls || strategy.at("rollingUpdate").is_object() {
            let rolling = strategy.ensure("rollingUpdate");
            // With another strategy the real server shows the zero values of its internal type.
            rolling.default_to("maxUnavailable", i32::from(rolls));
            rolling.default_to("maxSurge", 0);
        }
        spec.default_to("revisionHistoryLimit", 10);
        set_template_generation(object, template_generation(object));
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", self.empty_status());
        set_template_generation(object, template_generation(object).max(1));
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        let changed = !same(new.at("spec.template"), old.at("spec.template"));
        set_template_generation(new, template_generation(old) + i64::from(changed));
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let path = SPEC.child("selector");
        let one = spec.at("selector");
        let mut errors = selector::validate(one, &path);
        let template = SPEC.child("template");
        let labels = spec.at("template.metadata.labels");
        // Without a selector nothing matches, unlike with an empty one.
        if errors.is_empty() && (one.is_null() || !selector::matches(one, labels)) {
            let metadata = template.child("metadata");
            let detail = "`selector` does not match template `labels`";
            errors.push(FieldError::invalid(metadata.child("labels"), labels.clone(), detail));
        }
        if !one.is_null() && selector::is_empty(one) {
            errors.push(FieldError::invalid(path, one.clone(), "empty selector is invalid for daemonset"));
        }
        errors.extend(pod::validate_template(spec.at("template"), &template));
        errors.extend(workload::endless_pods(spec, "DaemonSet", &template));
        errors.extend(workload::not_negative(spec, &["minReadySeconds"], &SPEC));
        errors.extend(update_strategy(spec.at("updateStrategy")));
        errors.extend(workload::not_negative(spec, &["revisionHistoryLimit"], &SPEC));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let changed = workload::immutable(new.at("spec"), old.at("spec"), "selector", &SPEC);
        changed.into_iter().chain(self.validate(new)).collect()
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        set_template_generation(new, template_generation(old));
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let counters = [
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ];
        workload::not_negative(new.at("status"), &counters, &Path::new("status"))
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let count = |object: &Value| template_generation(object);
        if old.is_some_and(|old| count(old) == count(new)) {
            return Vec::new();
        }
        pod::template_warnings(new.at("spec.template"), &SPEC.child("template"))
    }
}

fn template_generation(object: &Value) -> i64 {
    let text = object.at("metadata.annotations").get(TEMPLATE_GENERATION).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn set_template_generation(object: &mut Value, generation: i64) {
    object.ensure("metadata").ensure("annotations").set(TEMPLATE_GENERATION, generation.to_string());
}

fn update_strategy(strategy: &Value) -> Vec<FieldError> {
    let path = SPEC.child("updateStrategy");
    match strategy.text("type") {
        "OnDelete" => Vec::new(),
        "RollingUpdate" => {
            let path = path.child("rollingUpdate");
            let rolling = strategy.at("rollingUpdate");
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            let (unavailable_path, surge_path) = (path.child("maxUnavailable"), path.child("maxSurge"));
            let mut errors = workload::count_or_percent(unavailable, unavailable_path);
            errors.extend(workload::count_or_percent(surge, surge_path));
            errors.extend(workload::at_most_all(unavailable, unavailable_path));
            errors.extend(workload::at_most_all(surge, surge_path));
            match (workload::is_zero(unavailable), workload::is_zero(surge)) {
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    errors.push(FieldError::invalid(surge_path, surge.clone(), detail));
                }
                (true, true) => {
                    errors.push(FieldError::required(unavailable_path, "cannot be 0 when maxSurge is 0"));
                }
                _ => {}
            }
            errors
        }
        other => {
            let rolling = strategy.at("rollingUpdate");
            let fields =
                [("MaxUnavailable", "maxUnavailable", Absent::Number), ("MaxSurge", "maxSurge", Absent::Number)];
            let shown = if rolling.is_object() { internal_json(rolling, &fields) } else { "null".to_owned() };
            let error = FieldError::not_supported(path, strategy.clone(), &["RollingUpdate", "OnDelete"]);
            vec![error.showing(format!("{{\"Type\":{},\"RollingUpdate\":{shown}}}", Value::from(other)))]
        }
    }
}
