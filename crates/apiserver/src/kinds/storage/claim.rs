//! PersistentVolumeClaim.

use serde_json::{Value, json};

use super::{OLD_ANNOTATIONS, SPEC, access_modes, class_name, old_annotations, volume_mode};
use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
use crate::kinds::selector;
use crate::kinds::strategy::{KindContext, Strategy};
use crate::kinds::tree::{Tree, same};
use crate::kinds::warnings;
use crate::status::ApiResult;

pub(in crate::kinds) struct PersistentVolumeClaim;

impl Strategy for PersistentVolumeClaim {
    fn default(&self, _: &str, object: &mut Value) {
        default_claim(object);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        object.set("status", json!({"phase": "Pending"}));
        keep_known_sources(object.ensure("spec"));
        name_source_both_ways(object.ensure("spec"));
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
        if !old.has("spec.dataSource") && !old.has("spec.dataSourceRef") {
            keep_known_sources(new.ensure("spec"));
        }
        name_source_both_ways(new.ensure("spec"));
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        validate_claim_spec(object.at("spec"), &SPEC)
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let (spec, before) = (new.at("spec"), old.at("spec"));
        let bound = new.text("status.phase") == "Bound";
        let mut comparable = spec.clone();
        if before.text("volumeName").is_empty() {
            comparable.copy_field("volumeName", before);
        }
        // A claim without a class may get one.
        if !before.has("storageClassName") {
            comparable.drop_field("storageClassName");
        }
        if bound {
            comparable.copy_field("volumeAttributesClassName", before);
            comparable.ensure("resources").copy_field("requests", before.at("resources"));
        }
        if !same(&comparable, before) {
            let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
            errors.push(FieldError::forbidden(SPEC, detail));
        }
        let size = |spec: &Value| Quantity::of(spec.at("resources.requests"), "storage");
        let capacity = Quantity::of(old.at("status.capacity"), "storage");
        if size(spec) < size(before) && size(spec) <= capacity {
            let path = Path::new("spec.resources.requests.storage");
            errors.push(FieldError::forbidden(path, "field can not be less than status.capacity"));
        }
        if spec.at("volumeMode") != before.at("volumeMode") {
            errors.push(FieldError::invalid("volumeMode", spec.at("volumeMode").clone(), "field is immutable"));
        }
        if old.has("status.currentVolumeAttributesClassName") && spec.text("volumeAttributesClassName").is_empty() {
            let what = if spec.has("volumeAttributesClassName") { "empty string" } else { "nil" };
            let detail =
                format!("update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil");
            if !same(spec.at("volumeAttributesClassName"), before.at("volumeAttributesClassName")) {
                errors.push(FieldError::forbidden(SPEC.child("volumeAttributesClassName"), detail));
            }
        }
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let status = new.at("status");
        let mut errors = amounts(status.at("capacity"), &Path::new("status.capacity"));
        let path = Path::new("status.allocatedResourceStatuses");
        for (name, state) in status.entries("allocatedResourceStatuses") {
            errors.extend(resource_key(name, &path));
            if !RESIZE_STATES.contains(&state.as_str().unwrap_or_default()) {
                errors.push(FieldError::not_supported(path, name.as_str(), &RESIZE_STATES));
            }
        }
        let path = Path::new("status.allocatedResources");
        for (name, amount) in status.entries("allocatedResources") {
            let wrong = resource_key(name, &path);
            if wrong.is_empty() {
                errors.extend(amounts(&json!({ name: amount }), &path));
            }
            errors.extend(wrong);
        }
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let mut list = old_annotations(new, &OLD_ANNOTATIONS[..1]);
        list.extend(warnings::claim_spec(new.at("spec"), &SPEC));
        list
    }
}

/// How far the growth of a claim may have come.
const RESIZE_STATES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

fn amounts(list: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let negative = |value: &Value| Quantity::parse(value).is_some_and(|amount| amount.is_negative());
    let wrong = list.as_object().into_iter().flatten().filter(|(_, value)| negative(value));
    wrong
        .map(|(name, value)| {
            // The real server shows the whole number.
            let whole = Quantity::parse(value).and_then(|amount| amount.text().parse::<i64>().ok());
            let shown = whole.map_or_else(|| value.clone(), Value::from);
            FieldError::invalid(path.key(name), shown, "must be a valid resource quantity")
        })
        .collect()
}

fn resource_key(name: &str, path: &Path<'_>) -> Vec<FieldError> {
    let wrong = names::qualified_name(name);
    if !wrong.is_empty() {
        return wrong.into_iter().map(|message| FieldError::invalid(*path, name, message)).collect();
    }
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    let other = (native && name != "storage").then(|| FieldError::not_supported(*path, name, &["storage"]));
    other.into_iter().collect()
}

/// Defaults of a claim, which StatefulSets have as templates too.
pub(in crate::kinds) fn default_claim(claim: &mut Value) {
    claim.ensure("status").default_text("phase", "Pending");
    let spec = claim.ensure("spec");
    spec.default_to("volumeMode", "Filesystem");
}

/// Drops what a server with default features does not keep: sources of other kinds in the older field, sources in other
/// namespaces. Source: KEP-1495 and KEP-3294.
fn keep_known_sources(spec: &mut Value) {
    if let Some(source) = spec.field_mut("dataSource").filter(|source| source.is_object())
        && !can_be_named_both_ways(source)
    {
        spec.drop_field("dataSource");
    }
    if spec.at("dataSourceRef").has("namespace") {
        spec.drop_field("dataSourceRef");
    }
}

fn can_be_named_both_ways(source: &Value) -> bool {
    matches!(
        (source.text("apiGroup"), source.text("kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    )
}

/// Each of the two ways to name a source implies the other.
fn name_source_both_ways(spec: &mut Value) {
    if let Some(source) = spec.field_mut("dataSource").map(|source| source.clone())
        && !spec.has("dataSourceRef")
    {
        spec.set("dataSourceRef", source);
    } else if let Some(source) = spec.field_mut("dataSourceRef").map(|source| source.clone())
        && !spec.has("dataSource")
    {
        spec.set("dataSource", source);
    }
}

/// Checks the spec of a claim.
pub(in crate::kinds) fn validate_claim_spec(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.list("accessModes").is_empty() {
        errors.push(FieldError::required(path.child("accessModes"), "at least 1 access mode is required"));
    }
    errors.extend(selector::validate(spec.at("selector"), &path.child("selector")));
    errors.extend(access_modes(spec, path));
    let size_path = path.child("resources");
    let size_path = size_path.key("storage");
    match spec.at("resources.requests").get("storage") {
        None => errors.push(FieldError::required(size_path, "")),
        Some(size) => {
            if Quantity::parse(size).is_some_and(|size| !size.is_positive()) {
                errors.push(FieldError::invalid(size_path, size.clone(), "must be greater than zero"));
            }
        }
    }
    errors.extend(class_name(spec, "storageClassName", path));
    errors.extend(volume_mode(spec, path));
    for field in ["dataSource", "dataSourceRef"] {
        let source = spec.at(field);
        let path = path.child(field);
        if !source.is_object() {
            continue;
        }
        for part in ["name", "kind"] {
            if source.text(part).is_empty() {
                errors.push(FieldError::required(path.child(part), ""));
            }
        }
        let group = source.text("apiGroup");
        if group.is_empty() && source.text("kind") != "PersistentVolumeClaim" {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.push(FieldError::invalid(path, source.text("kind"), detail));
        }
        let wrong = if group.is_empty() { Vec::new() } else { names::dns_subdomain(group) };
        errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("apiGroup"), group, message)));
    }
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    let differ = ["apiGroup", "kind", "name"].iter().any(|field| source.text(field) != reference.text(field));
    if source.is_object() && reference.is_object() && differ {
        // The real server shows its path type here, which has no fields that can be seen.
        errors.push(FieldError::invalid(*path, json!({}), "must match dataSourceRef"));
    }
    errors.extend(class_name(spec, "volumeAttributesClassName", path));
    errors
}
