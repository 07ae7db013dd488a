//! PersistentVolume.

use serde_json::{Value, json};

use super::{OLD_ANNOTATIONS, SPEC, access_modes, class_name, old_annotations, volume_mode};
use crate::field::FieldError;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::pod;
use crate::kinds::quantity::Quantity;
use crate::kinds::strategy::{KindContext, Strategy};
use crate::kinds::tree::{Tree, same};
use crate::kinds::warnings;
use crate::status::ApiResult;

/// Volume sources that no longer work.
const OLD_SOURCES: [(&str, &str); 6] = [
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

pub(in crate::kinds) struct PersistentVolume;

/// Where a volume may come from: exactly one of these.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

impl Strategy for PersistentVolume {
    fn default(&self, _: &str, object: &mut Value) {
        object.ensure("status").default_text("phase", "Pending");
        let spec = object.ensure("spec");
        spec.default_text("persistentVolumeReclaimPolicy", "Retain");
        spec.default_to("volumeMode", "Filesystem");
        if let Some(host) = spec.field_mut("hostPath").filter(|host| host.is_object()) {
            host.default_to("type", "");
        }
        if let Some(iscsi) = spec.field_mut("iscsi").filter(|iscsi| iscsi.is_object()) {
            iscsi.default_to("iscsiInterface", "default");
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        let now = object.at("metadata.creationTimestamp").clone();
        object.set("status", json!({"phase": "Pending", "lastPhaseTransitionTime": now}));
        Ok(())
    }

    fn prepare_status_update(&self, new: &mut Value, old: &Value) {
        new.copy_field("spec", old);
        if !new.has("status.lastPhaseTransitionTime") && old.has("status.lastPhaseTransitionTime") {
            new.ensure("status").copy_field("lastPhaseTransitionTime", old.at("status"));
        }
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let mut errors = Vec::new();
        if spec.list("accessModes").is_empty() {
            errors.push(FieldError::required(SPEC.child("accessModes"), ""));
        }
        errors.extend(access_modes(spec, &SPEC));
        let path = SPEC.child("capacity");
        let capacity = spec.at("capacity");
        let entries = capacity.as_object().map_or(0, serde_json::Map::len);
        if entries == 0 {
            errors.push(FieldError::required(path, ""));
        }
        if capacity.get("storage").is_none() || entries > 1 {
            errors.push(FieldError::not_supported(path, capacity.clone(), &["storage"]));
        }
        for (name, size) in spec.entries("capacity") {
            if Quantity::parse(size).is_some_and(|size| !size.is_positive()) {
                errors.push(FieldError::invalid(path.key(name), size.clone(), "must be greater than zero"));
            }
        }
        let policies = ["Delete", "Recycle", "Retain"];
        let policy = spec.text("persistentVolumeReclaimPolicy");
        if !policy.is_empty() && !policies.contains(&policy) {
            let path = SPEC.child("persistentVolumeReclaimPolicy");
            errors.push(FieldError::not_supported(path, policy, &policies));
        }
        let affinity = SPEC.child("nodeAffinity");
        if spec.has("nodeAffinity") {
            if spec.has("nodeAffinity.required") {
                let required = spec.at("nodeAffinity.required");
                errors.extend(pod::validate_node_selector(required, &affinity.child("required")));
            } else {
                errors.push(FieldError::required(affinity.child("required"), "must specify required node constraints"));
            }
        }
        let given: Vec<&str> = SOURCES.into_iter().filter(|source| spec.has(source)).collect();
        if given.is_empty() {
            errors.push(FieldError::required(SPEC, "must specify a volume type"));
        }
        for source in given.iter().skip(1) {
            errors.push(FieldError::forbidden(SPEC.child(source), "may not specify more than 1 volume type"));
        }
        match given.first() {
            Some(&"hostPath") if spec.text("hostPath.path").is_empty() => {
                errors.push(FieldError::required("spec.hostPath.path", ""));
            }
            Some(&"hostPath") if spec.text("hostPath.path").split('/').any(|part| part == "..") => {
                let value = spec.text("hostPath.path");
                errors.push(FieldError::invalid("spec.hostPath.path", value, "must not contain '..'"));
            }
            Some(&"nfs") => {
                let path = SPEC.child("nfs");
                let nfs = spec.at("nfs");
                for field in ["server", "path"] {
                    if nfs.text(field).is_empty() {
                        errors.push(FieldError::required(path.child(field), ""));
                    }
                }
                if !nfs.text("path").starts_with('/') {
                    errors.push(FieldError::invalid(path.child("path"), nfs.text("path"), "must be an absolute path"));
                }
            }
            Some(&"local") => {
                let path = spec.text("local.path");
                if path.is_empty() {
                    errors.push(FieldError::required("spec.local.path", ""));
                } else if path.split('/').any(|part| part == "..") {
                    errors.push(FieldError::invalid("spec.local.path", path, "must not contain '..'"));
                }
                if !spec.has("nodeAffinity") {
                    errors.push(FieldError::required(affinity, "Local volume requires node affinity"));
                }
            }
            Some(&"csi") => errors.extend(csi(spec.at("csi"), &SPEC.child("csi"))),
            _ => {}
        }
        if policy == "Recycle" && spec.has("hostPath") && cleans_to_root(spec.text("hostPath.path")) {
            let path = SPEC.child("persistentVolumeReclaimPolicy");
            errors.push(FieldError::forbidden(path, "may not be 'recycle' for a hostPath mount of '/'"));
        }
        errors.extend(class_name(spec, "storageClassName", &SPEC));
        errors.extend(volume_mode(spec, &SPEC));
        if spec.has("volumeAttributesClassName") {
            if spec.text("volumeAttributesClassName").is_empty() {
                let path = SPEC.child("volumeAttributesClassName");
                errors.push(FieldError::required(path, "an empty string is disallowed"));
            }
            errors.extend(class_name(spec, "volumeAttributesClassName", &SPEC));
            if !spec.has("csi") {
                let detail = "has to be specified when using volumeAttributesClassName";
                errors.push(FieldError::required(SPEC.child("csi"), detail));
            }
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let before = old.at("spec");
        let mut spec = new.at("spec").clone();
        // It may be told afterwards with which Secret the volume grows.
        if before.has("csi")
            && !before.has("csi.controllerExpandSecretRef")
            && let Some(csi) = spec.field_mut("csi")
        {
            csi.drop_field("controllerExpandSecretRef");
        }
        let spec = &spec;
        if SOURCES.iter().any(|source| !same(spec.at(source), before.at(source))) {
            let detail = "spec.persistentvolumesource is immutable after creation\n";
            errors.push(FieldError::forbidden("spec.persistentvolumesource", detail));
        }
        if spec.at("volumeMode") != before.at("volumeMode") {
            errors.push(FieldError::invalid("volumeMode", spec.at("volumeMode").clone(), "field is immutable"));
        }
        if before.has("nodeAffinity") && !same(spec.at("nodeAffinity"), before.at("nodeAffinity")) {
            let value = spec.at("nodeAffinity").clone();
            let detail = "field is immutable, except for updating from beta label to GA";
            let error = FieldError::invalid("nodeAffinity", value, detail);
            errors.push(match spec.at("nodeAffinity.required") {
                Value::Object(_) => {
                    let terms = spec.list("nodeAffinity.required.nodeSelectorTerms");
                    error.showing(format!("{{\"Required\":{{\"NodeSelectorTerms\":{}}}}}", pod::terms_shown(terms)))
                }
                _ => error,
            });
        }
        if before.has("volumeAttributesClassName") && !spec.has("volumeAttributesClassName") {
            let path = SPEC.child("volumeAttributesClassName");
            errors.push(FieldError::forbidden(path, "update from non-nil value to nil is forbidden"));
        }
        errors
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let mut list = old_annotations(new, &OLD_ANNOTATIONS);
        let spec = new.at("spec");
        if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
            list.push(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended \
                 approach is to use dynamic provisioning."
                    .into(),
            );
        }
        let path = Path::new("spec.nodeAffinity.required.nodeSelectorTerms");
        for (index, term) in spec.list("nodeAffinity.required.nodeSelectorTerms").iter().enumerate() {
            list.extend(warnings::node_selector_term(term, false, &path.index(index)));
        }
        list.extend(warnings::volume_sources(spec, &OLD_SOURCES, &SPEC));
        list
    }
}

fn csi(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = pod::csi_driver(source.text("driver"), &path.child("driver"));
    if source.text("volumeHandle").is_empty() {
        errors.push(FieldError::required(path.child("volumeHandle"), ""));
    }
    for field in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        let path = path.child(field);
        let reference = source.at(field);
        let checks = [("name", names::dns_subdomain as fn(&str) -> Vec<String>), ("namespace", names::dns_label)];
        for (part, check) in checks.into_iter().filter(|_| reference.is_object()) {
            match reference.text(part) {
                "" => errors.push(FieldError::required(path.child(part), "")),
                name => {
                    errors.extend(check(name).into_iter().map(|m| FieldError::invalid(path.child(part), name, m)));
                }
            }
        }
    }
    errors
}

/// Whether a path without `..` is the root, however it is written.
fn cleans_to_root(path: &str) -> bool {
    path.starts_with('/') && path.split('/').all(|part| matches!(part, "" | "."))
}
