//! How definitions are compared: as a server reads them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// A definition without what the server puts in by itself.
pub(crate) fn comparable(crd: &CustomResourceDefinition) -> Value {
    let mut crd = crd.clone();
    crd.status = None;
    if let Some(annotations) = &mut crd.metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    crd.metadata.annotations = crd.metadata.annotations.filter(|annotations| !annotations.is_empty());
    let mut value = serde_json::to_value(crd).unwrap();
    for version in value["spec"]["versions"].as_array_mut().unwrap() {
        let schema = &mut version["schema"]["openAPIV3Schema"];
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        properties.remove("apiVersion");
        properties.remove("kind");
        if properties.get("metadata") == Some(&json!({"type": "object"})) {
            properties.remove("metadata");
        }
        if properties.is_empty() {
            schema.as_object_mut().unwrap().remove("properties");
        }
    }
    value
}

/// Fails with the first differences.
pub(crate) fn assert_same(expected: &CustomResourceDefinition, got: &CustomResourceDefinition) {
    let mut found = Vec::new();
    differences("", &comparable(expected), &comparable(got), &mut found);
    let name = expected.metadata.name.as_deref().unwrap_or_default();
    assert!(found.is_empty(), "{name}: {} differences:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
}

fn differences(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let (left, right) = (left.get(key), right.get(key));
                match (left, right) {
                    (Some(left), Some(right)) => differences(&format!("{path}/{key}"), left, right, found),
                    _ => found.push(format!("{path}/{key}: expected {left:?}, got {right:?}")),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (number, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}/{number}"), left, right, found);
            }
        }
        _ if expected != got => found.push(format!("{path}: expected {expected}, got {got}")),
        _ => {}
    }
}
