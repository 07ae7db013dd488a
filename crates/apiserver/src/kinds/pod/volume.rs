//! Checks of volumes.

use serde_json::Value;

use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
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
pub(super) fn validate<'a>(volumes: &'a [Value], path: &Path<'_>) -> (Volumes<'a>, Vec<FieldError>) {
    let mut right: Vec<&Value> = Vec::new();
    let mut errors = Vec::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = path.index(index);
        let name = volume.text("name");
        let mut wrong = source(volume, &path);
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

fn source(volume: &Value, path: &Path<'_>) -> Vec<FieldError> {
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
    let mut found = false;
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
        errors.extend(one_source(kind, volume.at(kind), &path));
    }
    if !found {
        errors.push(FieldError::required(*path, "must specify a volume type"));
    }
    errors
}

fn one_source(kind: &str, source: &Value, path: &Path<'_>) -> Vec<FieldError> {
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
        "downwardAPI" => mode(source, "defaultMode", path).into_iter().collect(),
        "projected" => projected(source, path),
        "nfs" => {
            let mut errors = required(&["server", "path"]);
            if !source.text("path").starts_with('/') {
                let detail = "must be an absolute path";
                errors.push(FieldError::invalid(path.child("path"), source.text("path"), detail));
            }
            errors
        }
        "csi" => required(&["driver"]),
        "ephemeral" if !source.has("volumeClaimTemplate") => {
            vec![FieldError::required(path.child("volumeClaimTemplate"), "")]
        }
        _ => Vec::new(),
    }
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

fn mode(source: &Value, field: &str, path: &Path<'_>) -> Option<FieldError> {
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

fn key_to_path(item: &Value, path: &Path<'_>) -> Vec<FieldError> {
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

fn local_path(text: &str, path: Path<'_>) -> Vec<FieldError> {
    let mut errors = descending_path(text, path);
    if text.starts_with("..") && !text.starts_with("../") {
        errors.push(FieldError::invalid(path, text, "must not start with '..'"));
    }
    errors
}

fn projected(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = mode(source, "defaultMode", path).into_iter().collect();
    let list = path.child("sources");
    let mut paths: Vec<&str> = Vec::new();
    for (index, one) in source.list("sources").iter().enumerate() {
        let at = list.index(index);
        for kind in ["secret", "configMap"] {
            let files = one.at(kind);
            if !one.has(kind) {
                continue;
            }
            let at = at.child(kind);
            if files.text("name").is_empty() {
                errors.push(FieldError::required(at.child("name"), ""));
            }
            let items = at.child("items");
            for (index, item) in files.list("items").iter().enumerate() {
                errors.extend(key_to_path(item, &items.index(index)));
                let file = item.text("path");
                if !file.is_empty() && paths.contains(&file) {
                    errors.push(FieldError::invalid(*path, files.text("name"), "conflicting duplicate paths"));
                }
                paths.push(file);
            }
        }
        let token = one.at("serviceAccountToken");
        if token.is_object() {
            let seconds = token.int("expirationSeconds").unwrap_or_default();
            let at = at.child("serviceAccountToken");
            if seconds < 600 {
                let detail = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(at.child("expirationSeconds"), seconds, detail));
            }
            if seconds > 1 << 32 {
                let detail = "may not specify a duration larger than 2^32 seconds";
                errors.push(FieldError::invalid(at.child("expirationSeconds"), seconds, detail));
            }
            if token.text("path").is_empty() {
                errors.push(FieldError::required(path.child("path"), ""));
            } else {
                errors.extend(local_path(token.text("path"), path.child("path")));
            }
        }
        if one.as_object().is_some_and(|one| one.values().filter(|value| !value.is_null()).count() > 1) {
            errors.push(FieldError::forbidden(at, "may not specify more than 1 volume type per source"));
        }
    }
    errors
}
