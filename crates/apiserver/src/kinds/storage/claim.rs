//! PersistentVolumeClaim.

use serde_json::{Value, json};

use super::{OLD_ANNOTATIONS, SPEC, access_modes, class_name, old_annotations, volume_mode};
use crate::field::FieldError;
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
        name_source_both_ways(object.ensure("spec"));
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, old: &Value) -> ApiResult<()> {
        new.copy_field("status", old);
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
        errors
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let path = Path::new("status.capacity");
        let negative = new
            .entries("status.capacity")
            .filter(|(_, value)| Quantity::parse(value).is_some_and(|amount| amount.is_negative()));
        negative
            .map(|(name, value)| {
                FieldError::invalid(path.key(name), value.clone(), "must be a valid resource quantity")
            })
            .collect()
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

/// Defaults of a claim, which StatefulSets have as templates too.
pub(in crate::kinds) fn default_claim(claim: &mut Value) {
    claim.ensure("status").default_text("phase", "Pending");
    let spec = claim.ensure("spec");
    spec.default_to("volumeMode", "Filesystem");
}

/// Each of the two ways to name a source implies the other, if the kind can be named both ways.
fn name_source_both_ways(spec: &mut Value) {
    if let Some(source) = spec.field_mut("dataSource").map(|source| source.clone())
        && !spec.has("dataSourceRef")
    {
        spec.set("dataSourceRef", source);
    } else if let Some(source) = spec.field_mut("dataSourceRef").map(|source| source.clone())
        && !spec.has("dataSource")
        && !source.has("namespace")
        && matches!(
            (source.text("apiGroup"), source.text("kind")),
            ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
        )
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
    for field in ["storageClassName", "volumeAttributesClassName"] {
        errors.extend(class_name(spec, field, path));
    }
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
        if source.text("apiGroup").is_empty() && source.text("kind") != "PersistentVolumeClaim" {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.push(FieldError::invalid(path, source.text("kind"), detail));
        }
    }
    errors
}
