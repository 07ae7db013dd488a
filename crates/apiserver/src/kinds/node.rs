//! Node.

use serde_json::{Value, json};

use super::addresses;
use super::names;
use super::path::Path;
use super::strategy::{KindContext, Strategy};
use super::tree::Tree;
use crate::field::FieldError;
use crate::status::ApiResult;

const SPEC: Path<'static> = Path::new("spec");

pub(super) struct Node;

impl Strategy for Node {
    fn default(&self, _: &str, object: &mut Value) {
        if let Some(status) = object.field_mut("status").filter(|status| status.is_object())
            && !status.has("allocatable")
        {
            status.copy_to("capacity", "allocatable");
        }
        // podCIDR is the first of podCIDRs.
        let spec = object.ensure("spec");
        let first = spec.list("podCIDRs").first().cloned();
        match first {
            Some(first) if spec.text("podCIDR").is_empty() => spec.set("podCIDR", first),
            // When they disagree, the single one counts.
            Some(first) if first != spec["podCIDR"] => {
                let range = spec.at("podCIDR").clone();
                spec.set("podCIDRs", vec![range]);
            }
            None if !spec.text("podCIDR").is_empty() => {
                let range = spec.at("podCIDR").clone();
                spec.set("podCIDRs", vec![range]);
            }
            _ => {}
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        // A kubelet brings its status along, so it is not dropped. Admission keeps pods off until the node is ready.
        drop_config_source(object);
        let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
        let mut taints = object.list("spec.taints").to_vec();
        let same = |other: &Value| other["key"] == taint["key"] && other["effect"] == taint["effect"];
        if !taints.iter().any(same) {
            taints.push(taint);
            object.ensure("spec").set("taints", taints);
        }
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        drop_config_source(new);
        Ok(())
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let unused = !new.text("spec.externalID").is_empty();
        let text = "spec.externalID: this field is deprecated, and is unused by Kubernetes";
        unused.then(|| text.to_owned()).into_iter().collect()
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = taints(object.list("spec.taints"));
        errors.extend(declared_features(object.list("status.declaredFeatures")));
        let path = SPEC.child("podCIDRs");
        let ranges = object.list("spec.podCIDRs");
        for (index, range) in ranges.iter().filter_map(Value::as_str).enumerate() {
            errors.extend(addresses::cidr(range, path.index(index)));
        }
        let is_v6 = |range: &Value| range.as_str().is_some_and(|range| range.contains(':'));
        let mixed = ranges.iter().any(is_v6) && !ranges.iter().all(is_v6);
        if ranges.len() > 2 || (ranges.len() == 2 && !mixed) {
            let detail = "may specify no more than one CIDR for each IP family";
            errors.push(FieldError::invalid(path, ranges.to_vec(), detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let (spec, before) = (new.at("spec"), old.at("spec"));
        let mut errors = self.validate(new);
        if !before.list("podCIDRs").is_empty() && spec.list("podCIDRs") != before.list("podCIDRs") {
            let detail = "node updates may not change podCIDR except from \"\" to valid";
            errors.push(FieldError::forbidden(SPEC.child("podCIDRs"), detail));
        }
        if !before.text("providerID").is_empty() && spec.text("providerID") != before.text("providerID") {
            let detail = "node updates may not change providerID except from \"\" to valid";
            errors.push(FieldError::forbidden(SPEC.child("providerID"), detail));
        }
        errors.extend(taints(new.list("spec.taints")));
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        drop_config_source(new);
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let path = Path::new("status.addresses");
        let list = new.list("status.addresses");
        let twice = (0..list.len()).filter(|index| list[..*index].contains(&list[*index]));
        let mut errors: Vec<FieldError> =
            twice.map(|index| FieldError::duplicate(path.index(index), list[index].clone())).collect();
        errors.extend(declared_features(new.list("status.declaredFeatures")));
        errors
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.unschedulable"]
    }

    fn field_value(&self, name: &str, object: &Value) -> String {
        object.flag(name).to_string()
    }
}

/// Dynamic kubelet configuration is gone from Kubernetes; its field is not kept.
fn drop_config_source(node: &mut Value) {
    if let Some(spec) = node.field_mut("spec") {
        spec.drop_field("configSource");
    }
    if let Some(status) = node.field_mut("status") {
        status.drop_field("config");
    }
}

/// Features are named as `MyFeature` or `MyFeature/mySubFeature`.
fn declared_features(features: &[Value]) -> Vec<FieldError> {
    let path = Path::new("status.declaredFeatures");
    let mut errors = Vec::new();
    for (index, name) in features.iter().filter_map(Value::as_str).enumerate() {
        let mut segments = name.split('/');
        let first = segments.next().is_some_and(|first| first.starts_with(|letter: char| letter.is_ascii_uppercase()));
        let whole =
            name.split('/').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !first || !whole {
            let detail = format!(
                "invalid feature name {name:?}: must start with an UpperCamelCase segment, with subsequent segments \
                 separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters \
                 and slashes"
            );
            errors.push(FieldError::invalid(path.index(index), name, detail));
        }
    }
    errors
}

fn taints(taints: &[Value]) -> Vec<FieldError> {
    // The real server reports taints under metadata.
    let path = Path::new("metadata.taints");
    let mut errors = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        let path = path.index(index);
        let (key, value, effect) = (taint.text("key"), taint.text("value"), taint.text("effect"));
        for message in names::qualified_name(key) {
            errors.push(FieldError::invalid(path.child("key"), key, message));
        }
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            errors.push(FieldError::invalid(path.child("value"), value, wrong.join(";")));
        }
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        if effect.is_empty() {
            errors.push(FieldError::required(path.child("effect"), ""));
        } else if !effects.contains(&effect) {
            errors.push(FieldError::not_supported(path.child("effect"), effect, &effects));
        }
        if taints[..index].iter().any(|other| (other.text("key"), other.text("effect")) == (key, effect)) {
            let mut error = FieldError::duplicate(path, taint.clone());
            error.detail = "taints must be unique by key and effect pair".into();
            errors.push(error);
        }
    }
    errors
}
