//! PersistentVolumeClaim, PersistentVolume, StorageClass, CSIDriver.

use serde_json::{Value, json};

use super::names;
use super::path::Path;
use super::pod;
use super::quantity::Quantity;
use super::selector;
use super::strategy::{KindContext, Strategy};
use super::tree::{Tree, same};
use super::warnings;
use crate::field::FieldError;
use crate::status::ApiResult;

const SPEC: Path<'static> = Path::new("spec");
const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// Annotations that fields have taken the place of.
const OLD_ANNOTATIONS: [(&str, &str); 2] = [
    ("volume.beta.kubernetes.io/storage-class", r#"deprecated since v1.8; use "storageClassName" attribute instead"#),
    ("volume.beta.kubernetes.io/mount-options", r#"deprecated since v1.31; use "mountOptions" attribute instead"#),
];

/// Volume sources that no longer work.
const OLD_SOURCES: [(&str, &str); 6] = [
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

pub(super) struct PersistentVolumeClaim;

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
        protect(object, "kubernetes.io/pvc-protection");
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
pub(super) fn default_claim(claim: &mut Value) {
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
pub(super) fn validate_claim_spec(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
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

pub(super) struct PersistentVolume;

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
        protect(object, "kubernetes.io/pv-protection");
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
            Some(&"local") if !spec.has("nodeAffinity.required") => {
                errors.push(FieldError::required(affinity, "Local volume requires node affinity"));
            }
            Some(&"csi") => {
                for field in ["driver", "volumeHandle"] {
                    if spec.at("csi").text(field).is_empty() {
                        let path = SPEC.child("csi");
                        errors.push(FieldError::required(path.child(field), ""));
                    }
                }
            }
            _ => {}
        }
        errors.extend(class_name(spec, "storageClassName", &SPEC));
        errors.extend(volume_mode(spec, &SPEC));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(new);
        let (spec, before) = (new.at("spec"), old.at("spec"));
        if SOURCES.iter().any(|source| !same(spec.at(source), before.at(source))) {
            let detail = "spec.persistentvolumesource is immutable after creation\n";
            errors.push(FieldError::forbidden("spec.persistentvolumesource", detail));
        }
        if spec.at("volumeMode") != before.at("volumeMode") {
            errors.push(FieldError::invalid("volumeMode", spec.at("volumeMode").clone(), "field is immutable"));
        }
        if before.has("nodeAffinity") && !same(spec.at("nodeAffinity"), before.at("nodeAffinity")) {
            let value = spec.at("nodeAffinity").clone();
            errors.push(FieldError::invalid("nodeAffinity", value, "field is immutable"));
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
        let old = OLD_SOURCES.iter().filter(|(source, _)| spec.has(source));
        list.extend(old.map(|(source, text)| format!("{}: {text}", SPEC.child(source))));
        list
    }
}

pub(super) struct StorageClass;

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
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
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

pub(super) struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        protect(object, "kubernetes.io/vac-protection");
        Ok(())
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = driver_name("driverName", object.text("driverName"));
        if object.entries("parameters").next().is_none() {
            errors.push(FieldError::required("parameters", "must contain at least one key/value pair"));
        }
        errors.extend(parameters(object));
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let changed = ["driverName", "parameters"].into_iter().filter(|field| !same(new.at(field), old.at(field)));
        changed.map(|field| FieldError::forbidden(field, format!("updates to {field} are forbidden."))).collect()
    }
}

pub(super) struct CsiDriver;

impl Strategy for CsiDriver {
    fn default(&self, _: &str, object: &mut Value) {
        let spec = object.ensure("spec");
        spec.default_to("attachRequired", true);
        spec.default_to("fsGroupPolicy", "ReadWriteOnceWithFSType");
        if spec.list("volumeLifecycleModes").is_empty() {
            spec.set("volumeLifecycleModes", json!(["Persistent"]));
        }
        for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
            spec.default_to(field, false);
        }
    }

    fn prepare_create(&self, _: &KindContext<'_>, object: &mut Value) -> ApiResult<()> {
        // Needs a feature that is off by default. Source: KEP-5030.
        object.ensure("spec").drop_field("preventPodSchedulingIfMissing");
        Ok(())
    }

    fn prepare_update(&self, _: &KindContext<'_>, new: &mut Value, _: &Value) -> ApiResult<()> {
        new.ensure("spec").drop_field("preventPodSchedulingIfMissing");
        Ok(())
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let asked = new.list("spec.tokenRequests");
        let told = old.is_some_and(|old| old.list("spec.tokenRequests") == asked);
        if asked.is_empty() || told || new.has("spec.serviceAccountTokenInSecrets") {
            return Vec::new();
        }
        let text =
            "if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";
        vec![format!("spec.serviceAccountTokenInSecrets is unset; {text}")]
    }

    fn unconditional_update(&self) -> bool {
        false
    }
}

/// Admission of a default server puts a finalizer on claims and volumes, so that they are not deleted while in use.
fn protect(object: &mut Value, finalizer: &str) {
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
