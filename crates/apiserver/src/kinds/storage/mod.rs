//! PersistentVolumeClaim, PersistentVolume, StorageClass, VolumeAttributesClass, CSIDriver.

mod claim;
mod class;
mod driver;
mod volume;

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::tree::Tree;
use crate::field::FieldError;

pub(super) use claim::{PersistentVolumeClaim, default_claim, validate_claim_spec};
pub(super) use class::{StorageClass, VolumeAttributesClass};
pub(super) use driver::CsiDriver;
pub(super) use volume::PersistentVolume;

const SPEC: Path<'static> = Path::new("spec");
const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// Annotations that fields have taken the place of.
const OLD_ANNOTATIONS: [(&str, &str); 2] = [
    ("volume.beta.kubernetes.io/storage-class", r#"deprecated since v1.8; use "storageClassName" attribute instead"#),
    ("volume.beta.kubernetes.io/mount-options", r#"deprecated since v1.31; use "mountOptions" attribute instead"#),
];

/// What admission (StorageObjectInUseProtection) does to new claims, volumes and attribute classes: a finalizer, so that
/// they are not deleted while in use.
pub(crate) fn protect(group: &str, kind: &str, object: &mut Value) {
    let finalizer = match (group, kind) {
        ("", "PersistentVolumeClaim") => "kubernetes.io/pvc-protection",
        ("", "PersistentVolume") => "kubernetes.io/pv-protection",
        ("storage.k8s.io", "VolumeAttributesClass") => "kubernetes.io/vac-protection",
        _ => return,
    };
    let mut finalizers = object.list("metadata.finalizers").to_vec();
    if !finalizers.contains(&json!(finalizer)) {
        finalizers.push(json!(finalizer));
        object.ensure("metadata").set("finalizers", finalizers);
    }
}

fn old_annotations(object: &Value, names: &[(&str, &str)]) -> Vec<String> {
    let present = names.iter().filter(|(name, _)| object.at("metadata.annotations").get(name).is_some());
    present.map(|(name, text)| format!("metadata.annotations[{name}]: {text}")).collect()
}

fn access_modes(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("accessModes");
    let mut errors = Vec::new();
    let modes: Vec<&str> = spec.list("accessModes").iter().filter_map(Value::as_str).collect();
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(mode)) {
        errors.push(FieldError::not_supported(path, *mode, &ACCESS_MODES));
    }
    let others = modes.iter().any(|mode| *mode != "ReadWriteOncePod" && ACCESS_MODES.contains(mode));
    if modes.contains(&"ReadWriteOncePod") && others {
        let detail = "may not use ReadWriteOncePod with other access modes";
        errors.push(FieldError::forbidden(path, detail));
    }
    errors
}

fn class_name(spec: &Value, field: &str, path: &Path<'_>) -> Vec<FieldError> {
    let name = spec.text(field);
    if name.is_empty() {
        return Vec::new();
    }
    names::dns_subdomain(name).into_iter().map(|m| FieldError::invalid(path.child(field), name, m)).collect()
}

fn volume_mode(spec: &Value, path: &Path<'_>) -> Option<FieldError> {
    let mode = spec.text("volumeMode");
    let modes = ["Block", "Filesystem"];
    (spec.has("volumeMode") && !modes.contains(&mode))
        .then(|| FieldError::not_supported(path.child("volumeMode"), mode, &modes))
}
