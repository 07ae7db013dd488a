//! StorageClass and VolumeAttributesClass.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::strategy::Strategy;
use crate::kinds::tree::{Tree, same};
use crate::kinds::warnings;

pub(in crate::kinds) struct StorageClass;

impl Strategy for StorageClass {
    fn default(&self, _: &str, object: &mut Value) {
        object.default_to("reclaimPolicy", "Delete");
        object.default_to("volumeBindingMode", "Immediate");
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = driver_name("provisioner", object.text("provisioner"));
        errors.extend(parameters(object));
        let policies = ["Delete", "Retain"];
        let policy = object.text("reclaimPolicy");
        if !policy.is_empty() && !policies.contains(&policy) {
            errors.push(FieldError::not_supported("reclaimPolicy", policy, &policies));
        }
        let modes = ["Immediate", "WaitForFirstConsumer"];
        let mode = object.text("volumeBindingMode");
        if !modes.contains(&mode) {
            errors.push(FieldError::not_supported("volumeBindingMode", mode, &modes));
        }
        errors.extend(allowed_topologies(object));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
            if !same(new.at(field), old.at(field)) {
                errors.push(FieldError::invalid(field, new.at(field).clone(), "field is immutable"));
            }
        }
        errors
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let path = Path::new("allowedTopologies");
        let mut list = Vec::new();
        for (index, topology) in new.list("allowedTopologies").iter().enumerate() {
            let path = path.index(index);
            let path = path.child("matchLabelExpressions");
            for (index, expression) in topology.list("matchLabelExpressions").iter().enumerate() {
                let text = warnings::node_label(expression.text("key"));
                list.extend(text.map(|text| format!("{}: {text}", path.index(index).child("key"))));
            }
        }
        list
    }
}

pub(in crate::kinds) struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = driver_name("driverName", object.text("driverName"));
        if object.entries("parameters").next().is_none() {
            errors.push(FieldError::required("parameters", "must contain at least one key/value pair"));
        }
        errors.extend(parameters(object));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let changed = ["driverName", "parameters"].into_iter().filter(|field| !same(new.at(field), old.at(field)));
        errors.extend(changed.map(|field| FieldError::forbidden(field, format!("updates to {field} are forbidden."))));
        errors
    }
}

fn allowed_topologies(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut known: Vec<BTreeMap<&str, BTreeSet<&str>>> = Vec::new();
    for (index, term) in object.list("allowedTopologies").iter().enumerate() {
        let path = Path::new("allowedTopologies");
        let path = path.index(index);
        let path = path.child("matchLabelExpressions");
        let mut terms = BTreeMap::new();
        for (index, expression) in term.list("matchLabelExpressions").iter().enumerate() {
            let path = path.index(index);
            let key = expression.text("key");
            let mut values = BTreeSet::new();
            if expression.list("values").is_empty() {
                errors.push(FieldError::required(path.child("values"), ""));
            }
            for (index, value) in expression.list("values").iter().enumerate() {
                let value = value.as_str().unwrap_or_default();
                if !values.insert(value) {
                    errors.push(FieldError::duplicate(path.child("values").index(index), value));
                }
            }
            errors
                .extend(names::qualified_name(key).into_iter().map(|m| FieldError::invalid(path.child("key"), key, m)));
            if terms.insert(key, values).is_some() {
                errors.push(FieldError::duplicate(path.child("key"), key));
            }
        }
        // An empty term counts as one that was there before, as on the real server.
        if terms.is_empty() || known.contains(&terms) {
            errors.push(FieldError::duplicate(path, ""));
        }
        known.push(terms);
    }
    errors
}

fn driver_name(field: &str, name: &str) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let name = name.to_lowercase();
    names::qualified_name(&name).into_iter().map(|m| FieldError::invalid(field, name.clone(), m)).collect()
}

fn parameters(object: &Value) -> Option<FieldError> {
    let unnamed = object.entries("parameters").any(|(key, _)| key.is_empty());
    unnamed.then(|| FieldError::invalid("parameters", "", "field can not be empty."))
}
