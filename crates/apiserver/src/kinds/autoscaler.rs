//! HorizontalPodAutoscaler. Defaults are set in the version that was sent; the rest sees the `v2` form.

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::strategy::Strategy;
use super::tree::Tree;
use super::workload;
use crate::field::FieldError;

const SPEC: Path<'static> = Path::new("spec");
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

pub(super) struct HorizontalPodAutoscaler;

impl Strategy for HorizontalPodAutoscaler {
    fn default(&self, version: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_to("minReplicas", 1);
        if version == "v1" {
            return;
        }
        if spec.list("metrics").is_empty() {
            spec.set(
                "metrics",
                json!([{"type": "Resource", "resource": {
                    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
            );
        }
        if let Some(behavior) = spec.field_mut("behavior").filter(|behavior| behavior.is_object()) {
            let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
            let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
            let up = behavior.ensure("scaleUp");
            up.default_to("stabilizationWindowSeconds", 0);
            up.default_to("selectPolicy", "Max");
            up.default_to("policies", json!([pods, percent]));
            let down = behavior.ensure("scaleDown");
            down.default_to("selectPolicy", "Max");
            down.default_to("policies", json!([percent]));
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"desiredReplicas": 0, "currentMetrics": null})
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let (least, most) = (spec.int("minReplicas"), spec.int("maxReplicas").unwrap_or_default());
        let mut errors = Vec::new();
        if let Some(least) = least.filter(|least| *least < 1) {
            let detail = "must be greater than or equal to 1";
            errors.push(FieldError::invalid(SPEC.child("minReplicas"), least, detail));
        }
        let path = SPEC.child("maxReplicas");
        if most == 0 {
            errors.push(FieldError::required(path, "must be set and greater than 0"));
        } else if most < 0 {
            errors.push(FieldError::invalid(path, most, "must be greater than or equal to 1"));
        }
        if least.is_some_and(|least| most < least) {
            errors.push(FieldError::invalid(path, most, "must be greater than or equal to `minReplicas`"));
        }
        errors.extend(reference(spec.at("scaleTargetRef"), &SPEC.child("scaleTargetRef")));
        let path = SPEC.child("metrics");
        for (index, metric) in spec.list("metrics").iter().enumerate() {
            errors.extend(validate_metric(metric, &path.index(index)));
        }
        let path = SPEC.child("behavior");
        for direction in ["scaleUp", "scaleDown"] {
            let rules = spec.at("behavior").at(direction);
            if rules.is_object() {
                errors.extend(validate_rules(rules, &path.child(direction)));
            }
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        workload::not_negative(new.at("status"), &["currentReplicas", "desiredReplicas"], &Path::new("status"))
    }
}

fn reference(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["kind", "name"] {
        let text = reference.text(field);
        if text.is_empty() {
            errors.push(FieldError::required(path.child(field), ""));
        }
        for message in names::path_segment(text, false) {
            errors.push(FieldError::invalid(path.child(field), text, message));
        }
    }
    let version = reference.text("apiVersion");
    if version.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {version}");
        errors.push(FieldError::invalid(path.child("apiVersion"), version, detail));
    } else if !version.contains('/') {
        errors.push(FieldError::invalid(path.child("apiVersion"), version, "apiVersion must specify API group"));
    }
    errors
}

fn validate_metric(metric: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kind = metric.text("type");
    let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    if kind.is_empty() {
        errors.push(FieldError::required(path.child("type"), "must specify a metric source type"));
    }
    let known = kinds.contains(&kind);
    if !known {
        errors.push(FieldError::not_supported(path.child("type"), kind, &kinds));
    }
    let given: Vec<&str> = SOURCES.iter().map(|(_, field)| *field).filter(|field| metric.has(field)).collect();
    if let Some(first) = given.first() {
        errors.extend(validate_source(first, metric.at(first), &path.child(first)));
    }
    let expected = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, field)| *field);
    match expected {
        Some(field) if !metric.has(field) => {
            let detail = "must populate information for the given metric source";
            errors.push(FieldError::required(path.child(field), detail));
        }
        Some(_) => {}
        None => errors.push(FieldError::not_supported(path.child("type"), kind, &kinds)),
    }
    if given.len() != 1 {
        for field in given.iter().filter(|field| Some(**field) != expected) {
            errors.push(FieldError::forbidden(path.child(field), "must populate the given metric source only"));
        }
    }
    errors
}

fn validate_source(kind: &str, source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let target = source.at("target");
    let target_path = path.child("target");
    match kind {
        "object" => {
            let described = source.at("describedObject");
            // It may be of the core group.
            let found = reference(described, &path.child("describedObject"));
            errors.extend(found.into_iter().filter(|error| !error.field.ends_with(".apiVersion")));
        }
        "resource" | "containerResource" => {
            if source.text("name").is_empty() {
                errors.push(FieldError::required(path.child("name"), "must specify a resource name"));
            }
            if kind == "containerResource" && source.text("container").is_empty() {
                errors.push(FieldError::required(path.child("container"), "must specify a container"));
            }
        }
        _ => {}
    }
    if matches!(kind, "object" | "external" | "pods") {
        let metric = path.child("metric");
        let name = source.text("metric.name");
        if name.is_empty() {
            errors.push(FieldError::required(metric.child("name"), "must specify a metric name"));
        }
        for message in names::path_segment(name, false) {
            errors.push(FieldError::invalid(metric.child("name"), name, message));
        }
    }
    errors.extend(validate_target(target, &target_path));
    let (value, average, utilization) =
        (target.has("value"), target.has("averageValue"), target.has("averageUtilization"));
    let missing = match kind {
        "object" if !value && !average => Some(("averageValue", "must set either a target value or averageValue")),
        "external" if !value && !average => {
            Some(("averageValue", "must set either a target value for metric or a per-pod target"))
        }
        "pods" if !average => Some(("averageValue", "must specify a positive target averageValue")),
        "resource" | "containerResource" if !utilization && !average => {
            Some(("averageUtilization", "must set either a target raw value or a target utilization"))
        }
        _ => None,
    };
    errors.extend(missing.map(|(field, detail)| FieldError::required(target_path.child(field), detail)));
    if kind == "external" && value && average {
        let detail = "may not set both a target value for metric and a per-pod target";
        errors.push(FieldError::forbidden(target_path.child("value"), detail));
    }
    if matches!(kind, "resource" | "containerResource") && utilization && average {
        let detail = "may not set both a target raw value and a target utilization";
        errors.push(FieldError::forbidden(target_path.child("averageValue"), detail));
    }
    errors
}

fn validate_target(target: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kind = target.text("type");
    if kind.is_empty() {
        errors.push(FieldError::required(path.child("type"), "must specify a metric target type"));
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(path.child("type"), kind, detail));
    }
    for field in ["value", "averageValue"] {
        let amount = super::quantity::Quantity::parse(target.at(field));
        if amount.is_some_and(|amount| !amount.is_positive()) {
            errors.push(FieldError::invalid(path.child(field), target.at(field).clone(), "must be positive"));
        }
    }
    if let Some(percent) = target.int("averageUtilization").filter(|percent| *percent < 1) {
        errors.push(FieldError::invalid(path.child("averageUtilization"), percent, "must be greater than 0"));
    }
    errors
}

fn validate_rules(rules: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let window = path.child("stabilizationWindowSeconds");
    match rules.int("stabilizationWindowSeconds") {
        Some(seconds) if seconds < 0 => {
            errors.push(FieldError::invalid(window, seconds, "must be greater than or equal to zero"));
        }
        Some(seconds) if seconds > 3600 => {
            errors.push(FieldError::invalid(window, seconds, "must be less than or equal to 3600"));
        }
        _ => {}
    }
    let selects = ["Disabled", "Max", "Min"];
    let select = rules.text("selectPolicy");
    if rules.has("selectPolicy") && !selects.contains(&select) {
        errors.push(FieldError::not_supported(path.child("selectPolicy"), select, &selects));
    }
    let tolerance = super::quantity::Quantity::parse(rules.at("tolerance"));
    if let Some(tolerance) = tolerance.filter(super::quantity::Quantity::is_negative) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(path.child("tolerance"), tolerance.text(), detail));
    }
    let list = path.child("policies");
    if rules.list("policies").is_empty() {
        errors.push(FieldError::required(list, "must specify at least one Policy"));
    }
    for (index, policy) in rules.list("policies").iter().enumerate() {
        let path = list.index(index);
        let kinds = ["Percent", "Pods"];
        if !kinds.contains(&policy.text("type")) {
            errors.push(FieldError::not_supported(path.child("type"), policy.text("type"), &kinds));
        }
        for field in ["value", "periodSeconds"] {
            let number = policy.int(field).unwrap_or_default();
            if number <= 0 {
                errors.push(FieldError::invalid(path.child(field), number, "must be greater than zero"));
            }
        }
        if let Some(seconds) = policy.int("periodSeconds").filter(|seconds| *seconds > 1800) {
            let detail = "must be less than or equal to 1800";
            errors.push(FieldError::invalid(path.child("periodSeconds"), seconds, detail));
        }
    }
    errors
}
