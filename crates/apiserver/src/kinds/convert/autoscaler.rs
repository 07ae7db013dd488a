//! HorizontalPodAutoscaler: `autoscaling/v1` and `autoscaling/v2`.
//!
//! v1 has a field for the CPU target only. All else that v2 has travels in annotations, as JSON in v1's older shapes.

use serde_json::{Map, Value, json};

use super::rename;
use crate::kinds::tree::Tree;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const TOLERANCES: [&str; 2] =
    ["autoscaling.alpha.kubernetes.io/scale-down-tolerance", "autoscaling.alpha.kubernetes.io/scale-up-tolerance"];

pub(super) fn to_v2(object: &mut Value) {
    let encoded = |key: &str| -> Option<Value> {
        let text = object.at("metadata.annotations").get(key)?.as_str()?;
        serde_json::from_str(text).ok()
    };
    let (others, behavior) = (encoded(METRICS), encoded(BEHAVIOR));
    let (current, conditions) = (encoded(CURRENT_METRICS), encoded(CONDITIONS));
    drop_annotations(object);
    object.set("apiVersion", "autoscaling/v2");

    let spec = object.ensure("spec");
    let cpu = spec.int("targetCPUUtilizationPercentage");
    spec.drop_field("targetCPUUtilizationPercentage");
    let mut metrics: Vec<Value> = Vec::new();
    if let Some(Value::Array(others)) = others {
        metrics.extend(others.iter().map(metric_to_v2));
    }
    metrics.extend(cpu.map(cpu_metric));
    if metrics.is_empty() {
        metrics.push(cpu_metric(80));
    }
    spec.set("metrics", metrics);
    if let Some(behavior @ Value::Object(_)) = behavior {
        spec.set("behavior", with_case(behavior, str::to_ascii_lowercase));
    }

    let Some(status) = object.field_mut("status").filter(|status| status.is_object()) else { return };
    let cpu = status.int("currentCPUUtilizationPercentage");
    status.drop_field("currentCPUUtilizationPercentage");
    if let Some(Value::Array(current)) = current {
        status.set("currentMetrics", current.iter().map(status_to_v2).collect::<Vec<_>>());
    } else if let Some(percent) = cpu {
        let resource = json!({"name": "cpu", "current": {"averageUtilization": percent}});
        status.set("currentMetrics", json!([{"type": "Resource", "resource": resource}]));
    }
    if let Some(conditions @ Value::Array(_)) = conditions {
        status.set("conditions", conditions);
    }
}

pub(super) fn from_v2(object: &mut Value) {
    object.set("apiVersion", "autoscaling/v1");
    let mut annotations: Vec<(&str, String)> = Vec::new();

    let spec = object.ensure("spec");
    let is_cpu = |metric: &Value, path: &str| {
        metric.text("type") == "Resource" && metric.text("resource.name") == "cpu" && metric.has(path)
    };
    const TARGET: &str = "resource.target.averageUtilization";
    const CURRENT: &str = "resource.current.averageUtilization";
    let metrics = spec.list("metrics").to_vec();
    let cpu = metrics.iter().find(|metric| is_cpu(metric, TARGET)).and_then(|metric| metric.int(TARGET));
    let others: Vec<Value> = metrics.iter().filter(|metric| !is_cpu(metric, TARGET)).map(metric_to_v1).collect();
    if !others.is_empty() {
        annotations.push((METRICS, in_go_order(&others.into())));
    }
    spec.drop_field("metrics");
    if let Some(cpu) = cpu {
        spec.set("targetCPUUtilizationPercentage", cpu);
    }
    if let Some(behavior) = spec.field_mut("behavior").map(Value::take).filter(Value::is_object) {
        annotations.push((BEHAVIOR, in_go_order(&behavior_to_v1(behavior))));
    }
    spec.drop_field("behavior");

    if let Some(status) = object.field_mut("status").filter(|status| status.is_object()) {
        let current = status.list("currentMetrics").to_vec();
        if !current.is_empty() {
            let shown: Vec<Value> = current.iter().map(status_to_v1).collect();
            annotations.push((CURRENT_METRICS, in_go_order(&shown.into())));
        }
        let cpu = current.iter().rfind(|metric| is_cpu(metric, CURRENT)).and_then(|metric| metric.int(CURRENT));
        status.drop_field("currentMetrics");
        if let Some(cpu) = cpu {
            status.set("currentCPUUtilizationPercentage", cpu);
        }
        let conditions = status.list("conditions").to_vec();
        if !conditions.is_empty() {
            annotations.push((CONDITIONS, in_go_order(&conditions.into())));
        }
        status.drop_field("conditions");
    }
    if !annotations.is_empty() {
        let target = object.ensure("metadata").ensure("annotations");
        for (key, text) in annotations {
            target.set(key, text);
        }
    }
}

/// v2 has fields for what these annotations say, so it does not keep them.
pub(super) fn drop_annotations(object: &mut Value) {
    let Some(metadata) = object.field_mut("metadata") else { return };
    let Some(annotations) = metadata.field_mut("annotations") else { return };
    for key in [METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS].iter().chain(&TOLERANCES) {
        annotations.drop_field(key);
    }
    if annotations.as_object().is_some_and(Map::is_empty) {
        metadata.drop_field("annotations");
    }
}

fn cpu_metric(percent: i64) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

const SOURCES: [&str; 5] = ["resource", "containerResource", "pods", "object", "external"];

/// What a metric names, in v1's words.
fn identity_to_v1(source: &mut Value, selector: &str) {
    if let Some(mut metric) = source.field_mut("metric").map(Value::take) {
        source.drop_field("metric");
        rename(&mut metric, &[("name", "metricName"), ("selector", selector)]);
        for (field, value) in metric.as_object().into_iter().flatten() {
            source.set(field, value.clone());
        }
    }
    rename(source, &[("describedObject", "target")]);
}

fn identity_to_v2(source: &mut Value, selector: &str) {
    let mut metric = json!({});
    metric.copy_field("metricName", source);
    metric.copy_field(selector, source);
    source.drop_field("metricName");
    source.drop_field(selector);
    rename(&mut metric, &[("metricName", "name"), (selector, "selector")]);
    source.set("metric", metric);
}

fn metric_to_v1(metric: &Value) -> Value {
    let mut out = json!({"type": metric.at("type")});
    for kind in SOURCES {
        let Some(mut source) = metric.get(kind).cloned() else { continue };
        let target = source.at("target").clone();
        source.drop_field("target");
        let mut take = |from: &str, to: &str| {
            if target.has(from) {
                source.set(to, target.at(from).clone());
            }
        };
        match kind {
            "resource" | "containerResource" => {
                take("averageUtilization", "targetAverageUtilization");
                take("averageValue", "targetAverageValue");
            }
            "pods" => take("averageValue", "targetAverageValue"),
            "external" => {
                take("value", "targetValue");
                take("averageValue", "targetAverageValue");
            }
            _ => {
                take("value", "targetValue");
                take("averageValue", "averageValue");
                // Not a pointer in v1: there is always a value.
                source.default_to("targetValue", "0");
            }
        }
        match kind {
            "pods" | "object" => identity_to_v1(&mut source, "selector"),
            "external" => identity_to_v1(&mut source, "metricSelector"),
            _ => {}
        }
        out.set(kind, source);
    }
    out
}

fn metric_to_v2(metric: &Value) -> Value {
    let mut out = json!({"type": metric.at("type")});
    for kind in SOURCES {
        let Some(mut source) = metric.get(kind).cloned() else { continue };
        let mut target = json!({});
        for (from, to) in [
            ("targetAverageUtilization", "averageUtilization"),
            ("targetAverageValue", "averageValue"),
            ("targetValue", "value"),
        ] {
            if let Some(value) = source.field_mut(from).map(Value::take) {
                source.drop_field(from);
                target.set(to, value);
            }
        }
        if kind == "object" {
            rename(&mut source, &[("target", "describedObject")]);
            if let Some(average) = source.field_mut("averageValue").map(Value::take) {
                source.drop_field("averageValue");
                target.set("averageValue", average);
                if target.at("value") == "0" {
                    target.drop_field("value");
                }
            }
        }
        let kind_of_target = match kind {
            "resource" | "containerResource" if target.has("averageUtilization") => "Utilization",
            "object" if !target.has("averageValue") => "Value",
            "external" if target.has("value") => "Value",
            _ => "AverageValue",
        };
        target.set("type", kind_of_target);
        match kind {
            "pods" | "object" => identity_to_v2(&mut source, "selector"),
            "external" => identity_to_v2(&mut source, "metricSelector"),
            _ => {}
        }
        source.set("target", target);
        out.set(kind, source);
    }
    out
}

fn status_to_v1(metric: &Value) -> Value {
    let mut out = json!({"type": metric.at("type")});
    for kind in SOURCES {
        let Some(mut source) = metric.get(kind).cloned() else { continue };
        let current = source.at("current").clone();
        source.drop_field("current");
        let average = if kind == "object" { "averageValue" } else { "currentAverageValue" };
        for (from, to) in
            [("averageUtilization", "currentAverageUtilization"), ("averageValue", average), ("value", "currentValue")]
        {
            if current.has(from) {
                source.set(to, current.at(from).clone());
            }
        }
        // Not pointers in v1: there is always a value.
        match kind {
            "object" | "external" => source.default_to("currentValue", "0"),
            _ => source.default_to("currentAverageValue", "0"),
        }
        match kind {
            "pods" | "object" => identity_to_v1(&mut source, "selector"),
            "external" => identity_to_v1(&mut source, "metricSelector"),
            _ => {}
        }
        out.set(kind, source);
    }
    out
}

fn status_to_v2(metric: &Value) -> Value {
    let mut out = json!({"type": metric.at("type")});
    for kind in SOURCES {
        let Some(mut source) = metric.get(kind).cloned() else { continue };
        let average = if kind == "object" { "averageValue" } else { "currentAverageValue" };
        let mut current = json!({});
        for (from, to) in
            [("currentAverageUtilization", "averageUtilization"), (average, "averageValue"), ("currentValue", "value")]
        {
            if let Some(value) = source.field_mut(from).map(Value::take) {
                source.drop_field(from);
                current.set(to, value);
            }
        }
        rename(&mut source, &[("target", "describedObject")]);
        match kind {
            "pods" | "object" => identity_to_v2(&mut source, "selector"),
            "external" => identity_to_v2(&mut source, "metricSelector"),
            _ => {}
        }
        source.set("current", current);
        out.set(kind, source);
    }
    out
}

/// The annotation has the names of Go's fields, and says null where there is nothing.
fn behavior_to_v1(mut behavior: Value) -> Value {
    for direction in ["scaleUp", "scaleDown"] {
        if let Some(rules) = behavior.field_mut(direction).filter(|rules| rules.is_object()) {
            for field in ["stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"] {
                rules.default_to(field, Value::Null);
            }
        }
    }
    with_case(behavior, str::to_ascii_uppercase)
}

/// Changes the first letter of all field names.
fn with_case(value: Value, change: fn(&str) -> String) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let end = name.chars().next().map_or(0, char::len_utf8);
                (change(&name[..end]) + &name[end..], with_case(value, change))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.into_iter().map(|value| with_case(value, change)).collect(),
        other => other,
    }
}

/// JSON with fields in the order in which Go writes them.
fn in_go_order(value: &Value) -> String {
    const ORDER: [&str; 35] = [
        "type",
        "status",
        "observedGeneration",
        "lastTransitionTime",
        "reason",
        "message",
        "target",
        "kind",
        "name",
        "apiVersion",
        "metricName",
        "metricSelector",
        "targetValue",
        "currentValue",
        "targetAverageUtilization",
        "currentAverageUtilization",
        "targetAverageValue",
        "currentAverageValue",
        "selector",
        "averageValue",
        "container",
        "matchLabels",
        "matchExpressions",
        "key",
        "operator",
        "values",
        "ScaleUp",
        "ScaleDown",
        "StabilizationWindowSeconds",
        "SelectPolicy",
        "Policies",
        "Type",
        "Value",
        "PeriodSeconds",
        "Tolerance",
    ];
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
            let texts =
                fields.iter().map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), in_go_order(value)));
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(in_go_order).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
