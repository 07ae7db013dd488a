//! Kinds that several group-versions serve, stored once and converted on the way in and out.
//!
//! Versions of a custom resource differ in nothing but `apiVersion` (conversion strategy None). Of the built-in kinds,
//! Event (core and events.k8s.io) and HorizontalPodAutoscaler (autoscaling v1 and v2) have fields of other names.

use serde_json::{Map, Value, json};

use crate::registry::Resource;

/// Whether objects of this resource are stored with other fields than it serves.
pub(super) fn changes_fields(resource: &Resource) -> bool {
    !resource.is_custom() && resource.api_version != resource.storage_api_version
}

/// Whether other group-versions serve the same objects with other fields, or may have another schema for them.
pub(super) fn has_several_versions(resource: &Resource) -> bool {
    match resource.kind.as_str() {
        "Event" => matches!(resource.group.as_str(), "" | "events.k8s.io"),
        "HorizontalPodAutoscaler" => resource.group == "autoscaling",
        _ => resource.custom.as_ref().is_some_and(|custom| custom.several_versions),
    }
}

/// From the stored version to the one that `resource` serves.
pub(super) fn to_version(resource: &Resource, mut object: Value) -> Value {
    if changes_fields(resource) && object["apiVersion"] == resource.storage_api_version.as_str() {
        match resource.kind.as_str() {
            "Event" => core_event_to_new(&mut object),
            "HorizontalPodAutoscaler" => autoscaler_v2_to_v1(&mut object),
            _ => {}
        }
    }
    object["apiVersion"] = resource.api_version.as_str().into();
    object
}

/// From the version that `resource` serves to the stored one.
pub(super) fn to_storage(resource: &Resource, mut object: Value) -> Value {
    if changes_fields(resource) {
        match resource.kind.as_str() {
            "Event" => new_event_to_core(&mut object),
            "HorizontalPodAutoscaler" => autoscaler_v1_to_v2(&mut object),
            _ => {}
        }
    }
    object["kind"] = resource.kind.as_str().into();
    object["apiVersion"] = resource.storage_api_version.as_str().into();
    object
}

/// The group that objects are stored in.
pub(super) fn storage_group(resource: &Resource) -> &str {
    resource.storage_api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Lets `act` work on an object in the form that its kind's rules are written for.
pub(super) fn in_storage_form<R>(resource: &Resource, object: &mut Value, act: impl FnOnce(&mut Value) -> R) -> R {
    if !changes_fields(resource) {
        return act(object);
    }
    *object = to_storage(resource, object.take());
    let result = act(object);
    *object = to_version(resource, object.take());
    result
}

/// Core name → name in events.k8s.io.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn core_event_to_new(event: &mut Value) {
    if let Some(event) = event.as_object_mut() {
        for (old, new) in EVENT_FIELDS {
            rename(event, old, new);
        }
    }
}

fn new_event_to_core(event: &mut Value) {
    if let Some(event) = event.as_object_mut() {
        for (old, new) in EVENT_FIELDS {
            rename(event, new, old);
        }
    }
}

fn rename(object: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = object.remove(from) {
        object.insert(to.into(), value);
    }
}

/// Annotation of autoscaling/v1 objects that holds the metrics which v1 has no fields for.
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
/// The same for the metrics in the status.
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
/// The same for the conditions.
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
/// The same for the behaviour.
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

fn is_cpu_utilization(metric: &Value, source: &str) -> bool {
    metric["type"] == "Resource" && metric["resource"]["name"] == "cpu" && {
        metric["resource"][source]["averageUtilization"].is_number()
    }
}

fn autoscaler_v2_to_v1(object: &mut Value) {
    let mut kept: Vec<(&str, Value)> = Vec::new();
    if let Some(spec) = object["spec"].as_object_mut() {
        if let Some(Value::Array(mut metrics)) = spec.remove("metrics") {
            if let Some(at) = metrics.iter().position(|metric| is_cpu_utilization(metric, "target")) {
                let cpu = metrics.remove(at);
                let target = cpu["resource"]["target"]["averageUtilization"].clone();
                spec.insert("targetCPUUtilizationPercentage".into(), target);
            }
            if !metrics.is_empty() {
                kept.push((METRICS, Value::Array(metrics)));
            }
        }
        if let Some(behavior) = spec.remove("behavior") {
            kept.push((BEHAVIOR, behavior));
        }
    }
    if let Some(status) = object["status"].as_object_mut() {
        if let Some(Value::Array(metrics)) = status.remove("currentMetrics") {
            if let Some(cpu) = metrics.iter().find(|metric| is_cpu_utilization(metric, "current")) {
                let current = cpu["resource"]["current"]["averageUtilization"].clone();
                status.insert("currentCPUUtilizationPercentage".into(), current);
            }
            if !metrics.is_empty() {
                kept.push((CURRENT_METRICS, Value::Array(metrics)));
            }
        }
        if let Some(conditions) = status.remove("conditions").filter(|c| c.as_array().is_some_and(|c| !c.is_empty())) {
            kept.push((CONDITIONS, conditions));
        }
    }
    for (annotation, value) in kept {
        object["metadata"]["annotations"][annotation] = value.to_string().into();
    }
}

fn autoscaler_v1_to_v2(object: &mut Value) {
    let mut taken = |annotation: &str| -> Option<Value> {
        let annotations = object["metadata"].get_mut("annotations")?.as_object_mut()?;
        let text = annotations.remove(annotation)?;
        serde_json::from_str(text.as_str()?).ok()
    };
    let (metrics, behavior) = (taken(METRICS), taken(BEHAVIOR));
    let (current, conditions) = (taken(CURRENT_METRICS), taken(CONDITIONS));
    let metadata = &mut object["metadata"];
    if metadata["annotations"].as_object().is_some_and(Map::is_empty)
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.remove("annotations");
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        let mut all = match metrics {
            Some(Value::Array(metrics)) => metrics,
            _ => Vec::new(),
        };
        if let Some(target) = spec.remove("targetCPUUtilizationPercentage").filter(Value::is_number) {
            let target = json!({"type": "Utilization", "averageUtilization": target});
            all.insert(0, json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
        }
        if !all.is_empty() {
            spec.insert("metrics".into(), all.into());
        }
        if let Some(behavior) = behavior {
            spec.insert("behavior".into(), behavior);
        }
    }
    if let Some(status) = object["status"].as_object_mut() {
        status.remove("currentCPUUtilizationPercentage");
        for (name, value) in [("currentMetrics", current), ("conditions", conditions)] {
            if let Some(value) = value {
                status.insert(name.into(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_keeps_everything_through_version_1() {
        let object = json!({
            "metadata": {"name": "a"},
            "spec": {"maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
            ]},
            "status": {"desiredReplicas": 1, "conditions": [{"type": "AbleToScale", "status": "True"}]},
        });
        let mut converted = object.clone();
        autoscaler_v2_to_v1(&mut converted);
        assert_eq!(converted["spec"]["targetCPUUtilizationPercentage"], 80);
        assert!(converted["spec"].get("metrics").is_none());
        autoscaler_v1_to_v2(&mut converted);
        assert_eq!(converted, object);
    }

    #[test]
    fn events_of_both_groups_hold_the_same() {
        let event = json!({"involvedObject": {"kind": "Pod"}, "message": "m", "count": 2, "reason": "r"});
        let mut converted = event.clone();
        core_event_to_new(&mut converted);
        assert_eq!(converted, json!({"regarding": {"kind": "Pod"}, "note": "m", "deprecatedCount": 2, "reason": "r"}));
        new_event_to_core(&mut converted);
        assert_eq!(converted, event);
    }
}
