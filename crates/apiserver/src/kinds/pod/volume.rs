//! Checks of volumes.

use serde_json::Value;

use super::projected;
use super::spec::one_of;
use crate::field::FieldError;
use crate::kinds::metadata::{too_long, validate_annotations, validate_labels};
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
use crate::kinds::storage::validate_claim_spec;
use crate::kinds::tree::Tree;

/// The volumes of a pod that are right, so that containers may mount them.
pub(super) struct Volumes<'a>(Vec<&'a Value>);

impl Volumes<'_> {
    /// Whether there is a volume of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|volume| volume.text("name") == name)
    }

    /// Whether a volume comes from a claim, so that it may be used as a block device.
    pub(super) fn is_claim(&self, name: &str) -> bool {
        self.0.iter().any(|volume| {
            volume.text("name") == name && (volume.has("persistentVolumeClaim") || volume.has("ephemeral"))
        })
    }
}

/// Checks `volumes`.
pub(super) fn validate<'a>(volumes: &'a [Value], is_pod: bool, path: &Path<'_>) -> (Volumes<'a>, Vec<FieldError>) {
    let mut right: Vec<&Value> = Vec::new();
    let mut errors = Vec::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = path.index(index);
        let name = volume.text("name");
        let mut wrong = source(volume, is_pod, &path);
        if name.is_empty() {
            wrong.push(FieldError::required(path.child("name"), ""));
        } else {
            for message in names::dns_label(name) {
                wrong.push(FieldError::invalid(path.child("name"), name, message));
            }
        }
        if right.iter().any(|other| other.text("name") == name) {
            wrong.push(FieldError::duplicate(path.child("name"), name));
        }
        if wrong.is_empty() {
            right.push(volume);
        }
        errors.extend(wrong);
    }
    (Volumes(right), errors)
}

/// A relative path without `..`.
pub(super) fn descending_path(text: &str, path: Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if text.starts_with('/') {
        errors.push(FieldError::invalid(path, text, "must be a relative path"));
    }
    errors.extend(no_backsteps(text, path));
    errors
}

fn no_backsteps(text: &str, path: Path<'_>) -> Option<FieldError> {
    text.split('/').any(|part| part == "..").then(|| FieldError::invalid(path, text, "must not contain '..'"))
}

fn source(volume: &Value, is_pod: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    // The order in which the real server looks at them: the first one counts.
    const KINDS: [&str; 30] = [
        "emptyDir",
        "hostPath",
        "gitRepo",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "secret",
        "nfs",
        "iscsi",
        "glusterfs",
        "flocker",
        "persistentVolumeClaim",
        "rbd",
        "cinder",
        "cephfs",
        "quobyte",
        "downwardAPI",
        "fc",
        "flexVolume",
        "configMap",
        "azureFile",
        "vsphereVolume",
        "photonPersistentDisk",
        "portworxVolume",
        "azureDisk",
        "storageos",
        "projected",
        "scaleIO",
        "csi",
        "ephemeral",
        "image",
    ];
    let (parent, mut found) = (path, false);
    for kind in KINDS {
        if !volume.has(kind) {
            continue;
        }
        let path = path.child(kind);
        if found {
            errors.push(FieldError::forbidden(path, "may not specify more than 1 volume type"));
            continue;
        }
        found = true;
        // The real server has another name for one of them.
        let path = if kind == "gcePersistentDisk" { parent.child("persistentDisk") } else { path };
        errors.extend(one_source(kind, volume.at(kind), is_pod, &path));
    }
    if !found {
        errors.push(FieldError::required(*path, "must specify a volume type"));
    }
    errors
}

fn one_source(kind: &str, source: &Value, is_pod: bool, path: &Path<'_>) -> Vec<FieldError> {
    let required = |fields: &[&str]| -> Vec<FieldError> {
        let empty = fields.iter().filter(|field| source.text(field).is_empty());
        empty.map(|field| FieldError::required(path.child(field), "")).collect()
    };
    match kind {
        "emptyDir" => {
            let negative = Quantity::of(source, "sizeLimit").is_some_and(|amount| amount.is_negative());
            let detail = "SizeLimit field must be a valid resource quantity";
            negative.then(|| FieldError::forbidden(path.child("sizeLimit"), detail)).into_iter().collect()
        }
        "hostPath" => host_path(source, path),
        "persistentVolumeClaim" => required(&["claimName"]),
        "secret" => {
            let mut errors = required(&["secretName"]);
            errors.extend(files(source, path));
            errors
        }
        "configMap" => {
            let mut errors = required(&["name"]);
            errors.extend(files(source, path));
            errors
        }
        "downwardAPI" => {
            let mut errors: Vec<FieldError> = mode(source, "defaultMode", path).into_iter().collect();
            // The real server leaves the items' indexes out of their paths.
            errors.extend(source.list("items").iter().flat_map(|item| projected::downward_file(item, path)));
            errors
        }
        "projected" => projected::validate(source, path),
        "nfs" => {
            let mut errors = required(&["server", "path"]);
            if !source.text("path").starts_with('/') {
                let detail = "must be an absolute path";
                errors.push(FieldError::invalid(path.child("path"), source.text("path"), detail));
            }
            errors
        }
        "csi" => csi(source, path),
        "ephemeral" => ephemeral(source, path),
        "image" => image(source, is_pod, path),
        "fc" => fibre_channel(source, path),
        "iscsi" => iscsi(source, path),
        "gitRepo" => {
            let mut errors = required(&["repository"]);
            errors.extend(descending_path(source.text("directory"), path.child("directory")));
            errors
        }
        "awsElasticBlockStore" => {
            let mut errors = required(&["volumeID"]);
            errors.extend(partition(source, path));
            errors
        }
        "cinder" | "portworxVolume" => required(&["volumeID"]),
        "azureFile" => required(&["secretName", "shareName"]),
        "flexVolume" => required(&["driver"]),
        "gcePersistentDisk" => {
            let mut errors = required(&["pdName"]);
            errors.extend(partition(source, path));
            errors
        }
        "glusterfs" => required(&["endpoints", "path"]),
        "photonPersistentDisk" => required(&["pdID"]),
        "vsphereVolume" => required(&["volumePath"]),
        "cephfs" | "rbd" => {
            let unnamed = source.list("monitors").is_empty().then(|| FieldError::required(path.child("monitors"), ""));
            let mut errors: Vec<FieldError> = unnamed.into_iter().collect();
            errors.extend(required(if kind == "rbd" { &["image"] } else { &[] }));
            errors
        }
        _ => Vec::new(),
    }
}

/// The name of a driver, of volumes and classes.
pub(in crate::kinds) fn csi_driver(name: &str, path: &Path<'_>) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(*path, "")];
    }
    let mut errors: Vec<FieldError> = (name.len() > 63).then(|| too_long(*path, 63)).into_iter().collect();
    let wrong = names::dns_subdomain(&name.to_lowercase());
    errors.extend(wrong.into_iter().map(|message| FieldError::invalid(*path, name, message)));
    errors
}

fn csi(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = csi_driver(source.text("driver"), &path.child("driver"));
    if source.has("nodePublishSecretRef") {
        let secret = source.text("nodePublishSecretRef.name");
        if secret.is_empty() {
            errors.push(FieldError::required(path.child("nodePublishSecretRef").child("name"), ""));
        }
        let wrong = if secret.is_empty() { Vec::new() } else { names::dns_subdomain(secret) };
        errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("name"), secret, message)));
    }
    errors
}

fn ephemeral(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("volumeClaimTemplate");
    if !source.has("volumeClaimTemplate") {
        return vec![FieldError::required(path, "")];
    }
    let template = source.at("volumeClaimTemplate");
    let metadata = path.child("metadata");
    let mut errors = validate_annotations(template.at("metadata.annotations"), &metadata.child("annotations"));
    // The claim gets all else from the pod.
    let own = template.entries("metadata").filter(|(field, _)| !matches!(field.as_str(), "annotations" | "labels"));
    errors.extend(own.map(|(field, _)| FieldError::forbidden(metadata.child(field), "cannot be set")));
    errors.extend(validate_labels(template.at("metadata.labels"), &metadata.child("labels")));
    errors.extend(validate_claim_spec(template.at("spec"), &path.child("spec")));
    errors
}

fn image(source: &Value, is_pod: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    // A template may leave it to admission.
    if is_pod && source.text("reference").is_empty() {
        errors.push(FieldError::required(path.child("reference"), ""));
    }
    let policies = ["Always", "IfNotPresent", "Never"];
    errors.extend(one_of(source.text("pullPolicy"), &policies, path.child("pullPolicy")));
    errors
}

fn fibre_channel(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let (targets, ids) = (source.list("targetWWNs"), source.list("wwids"));
    let path_of_targets = path.child("targetWWNs");
    let mut errors = Vec::new();
    if targets.is_empty() && ids.is_empty() {
        let detail = "must specify either targetWWNs or wwids, but not both";
        errors.push(FieldError::required(path_of_targets, detail));
    }
    if !targets.is_empty() && !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(FieldError::invalid(path_of_targets, targets.to_vec(), detail));
    }
    if !targets.is_empty() {
        match source.int("lun") {
            None => {
                errors.push(FieldError::required(path.child("lun"), "lun is required if targetWWNs is specified"));
            }
            Some(number) => errors.extend(unit(number, path.child("lun"))),
        }
    }
    errors
}

fn iscsi(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if source.text("targetPortal").is_empty() {
        errors.push(FieldError::required(path.child("targetPortal"), ""));
    }
    let name = source.text("iqn");
    if name.is_empty() {
        errors.push(FieldError::required(path.child("iqn"), ""));
    } else if !["iqn", "eui", "naa"].iter().any(|start| name.starts_with(start)) {
        let detail = "must be valid format starting with iqn, eui, or naa";
        errors.push(FieldError::invalid(path.child("iqn"), name, detail));
    }
    errors.extend(unit(source.int("lun").unwrap_or_default(), path.child("lun")));
    if (source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) && !source.has("secretRef") {
        errors.push(FieldError::required(path.child("secretRef"), ""));
    }
    errors
}

fn partition(source: &Value, path: &Path<'_>) -> Option<FieldError> {
    let number = source.int("partition").filter(|number| !(0..=255).contains(number))?;
    Some(FieldError::invalid(path.child("partition"), number, names::between(1, 255)))
}

/// The number of a logical unit.
fn unit(number: i64, path: Path<'_>) -> Option<FieldError> {
    (!(0..=255).contains(&number)).then(|| FieldError::invalid(path, number, names::between(0, 255)))
}

fn host_path(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let text = source.text("path");
    if text.is_empty() {
        return vec![FieldError::required(path.child("path"), "")];
    }
    let mut errors: Vec<FieldError> = no_backsteps(text, path.child("path")).into_iter().collect();
    let kinds = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let kind = source.text("type");
    if !kinds.contains(&kind) {
        errors.push(FieldError::not_supported(path.child("type"), kind, &kinds));
    }
    errors
}

pub(super) fn mode(source: &Value, field: &str, path: &Path<'_>) -> Option<FieldError> {
    let mode = source.int(field).filter(|mode| !(0..=0o777).contains(mode))?;
    let detail = "must be a number between 0 and 0777 (octal), both inclusive";
    Some(FieldError::invalid(path.child(field), mode, detail))
}

fn files(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = mode(source, "defaultMode", path).into_iter().collect();
    let items = path.child("items");
    for (index, item) in source.list("items").iter().enumerate() {
        errors.extend(key_to_path(item, &items.index(index)));
    }
    errors
}

pub(super) fn key_to_path(item: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["key", "path"] {
        if item.text(field).is_empty() {
            errors.push(FieldError::required(path.child(field), ""));
        }
    }
    errors.extend(local_path(item.text("path"), path.child("path")));
    errors.extend(mode(item, "mode", path));
    errors
}

pub(super) fn local_path(text: &str, path: Path<'_>) -> Vec<FieldError> {
    let mut errors = descending_path(text, path);
    if text.starts_with("..") && !text.starts_with("../") {
        errors.push(FieldError::invalid(path, text, "must not start with '..'"));
    }
    errors
}
