//! Checks of the resources of a pod as a whole (KEP-2837).

use serde_json::Value;

use super::container;
use crate::field::FieldError;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
use crate::kinds::tree::Tree;

/// What a pod as a whole may ask for, besides huge pages.
const SUPPORTED: [&str; 3] = ["cpu", "hugepages-", "memory"];

/// Checks `resources` of a pod spec.
pub(super) fn validate(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    if !spec.has("resources") {
        return Vec::new();
    }
    let path = path.child("resources");
    if spec.text("os.name") == "windows" {
        return vec![FieldError::forbidden(path, "may not be set for a windows pod")];
    }
    let resources = spec.at("resources");
    let mut errors = Vec::new();
    if resources.has("claims") {
        errors.push(FieldError::forbidden(path.child("claims"), "claims may not be set for Resources at pod-level"));
    }
    errors.extend(container::resources(resources, spec, &path));
    for field in ["limits", "requests"] {
        let path = path.child(field);
        for (name, _) in resources.entries(field) {
            if name.contains('/') || name == "ephemeral-storage" {
                errors.push(FieldError::not_supported(path.key(name), name.as_str(), &SUPPORTED));
            }
        }
    }
    errors.extend(against_containers(spec, &path));
    errors
}

/// A pod whose resources are limited as a whole asks for what its containers ask for together, or else for its limits.
pub(super) fn default_requests(spec: &mut Value) {
    let limits = spec.at("resources.limits").clone();
    if limits.as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let mut requests = spec.at("resources.requests").as_object().cloned().unwrap_or_default();
    for name in ["cpu", "memory"] {
        if let Some(sum) = sum(spec, name).filter(|_| !requests.contains_key(name)) {
            requests.insert(name.to_owned(), sum.text().into());
        }
    }
    for (name, limit) in limits.as_object().into_iter().flatten() {
        let supported = matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-");
        if supported && !requests.contains_key(name) {
            requests.insert(name.clone(), limit.clone());
        }
    }
    if !requests.is_empty() {
        spec.ensure("resources").set("requests", requests);
    }
}

/// What the containers of a pod ask for together.
fn sum(spec: &Value, name: &str) -> Option<Quantity> {
    let each = spec.list("containers").iter().filter_map(|one| Quantity::of(one.at("resources.requests"), name));
    each.reduce(|sum, one| sum.plus(&one))
}

/// The pod must not ask for less than its containers, nor a container be allowed more than the pod.
fn against_containers(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let requests = path.child("requests");
    for (name, amount) in spec.entries("resources.requests") {
        let Some(total) = Quantity::parse(amount) else { continue };
        let Some(sum) = sum(spec, name) else { continue };
        if sum > total {
            let detail = format!("must be greater than or equal to aggregate container requests of {}", sum.text());
            errors.push(FieldError::invalid(requests.key(name), total.text(), detail));
        }
    }
    let containers = path.child("containers");
    for (index, one) in spec.list("containers").iter().enumerate() {
        let at = containers.index(index);
        for (name, amount) in one.entries("resources.limits") {
            let pod = Quantity::of(spec.at("resources.limits"), name);
            if let (Some(limit), Some(pod)) = (Quantity::parse(amount), pod)
                && limit > pod
            {
                let detail = format!("must be less than or equal to pod limits of {}", pod.text());
                errors.push(FieldError::invalid(at.key(name).child("limits"), limit.text(), detail));
            }
        }
    }
    errors
}
