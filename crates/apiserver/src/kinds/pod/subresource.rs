//! `/ephemeralcontainers` and `/resize` of a Pod: what each of them changes, and within which limits.

use serde_json::Value;

use super::spec::MIRROR;
use super::volume::Volumes;
use super::{container, quality, spec};
use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::path::Path;
use crate::kinds::tree::{Tree, same};

const SPEC: Path<'static> = Path::new("spec");
/// Fields of a container that an ephemeral one can't have, in the order of the type.
const NOT_EPHEMERAL: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Keeps everything but the ephemeral containers.
pub(in crate::kinds) fn prepare_ephemeral(new: &mut Value, old: &Value) {
    let containers = new.at("spec.ephemeralContainers").clone();
    keep(new, old);
    if containers.is_null() {
        new.ensure("spec").drop_field("ephemeralContainers");
    } else {
        new.ensure("spec").set("ephemeralContainers", containers);
    }
}

/// Checks the ephemeral containers: they can be added, and nothing else.
pub(in crate::kinds) fn validate_ephemeral(new: &Value, old: &Value) -> Vec<FieldError> {
    let is_static = old.at("metadata.annotations").get(MIRROR).is_some();
    if is_static {
        return vec![FieldError::forbidden("", "static pods do not support ephemeral containers")];
    }
    let mut errors = spec::validate_pod(new);
    let path = SPEC.child("ephemeralContainers");
    let containers = new.at("spec").list("ephemeralContainers");
    for before in old.list("spec.ephemeralContainers") {
        let name = before.text("name");
        let what = match containers.iter().find(|container| container.text("name") == name) {
            None => "removed",
            Some(now) if !same(now, before) => "changed",
            Some(_) => continue,
        };
        let detail = format!("existing ephemeral containers {name:?} may not be {what}\n");
        errors.push(FieldError::forbidden(path, detail));
    }
    errors
}

/// Checks the ephemeral containers of a spec.
pub(super) fn ephemeral_containers(spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("ephemeralContainers");
    let containers = spec.list("ephemeralContainers");
    let check = |(index, container)| ephemeral(spec, container, &containers[..index], volumes, &path.index(index));
    containers.iter().enumerate().flat_map(check).collect()
}

fn ephemeral(
    spec: &Value,
    container: &Value,
    before: &[Value],
    volumes: &Volumes<'_>,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = container::common(container, volumes, spec, path);
    let lasting = || spec.list("containers").iter().chain(spec.list("initContainers"));
    let name = container.text("name");
    if !name.is_empty() && lasting().chain(before).any(|other| other.text("name") == name) {
        errors.push(FieldError::duplicate(path.child("name"), name));
    }
    let target = container.text("targetContainerName");
    if !target.is_empty() && !lasting().any(|other| other.text("name") == target) {
        errors.push(FieldError::new(FieldErrorKind::NotFound, path.child("targetContainerName"), target.into(), ""));
    }
    let detail = "cannot be set for an Ephemeral Container";
    let is_set = |field: &&str| match container.at(field) {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        value => !value.is_null(),
    };
    for field in NOT_EPHEMERAL.into_iter().filter(is_set) {
        errors.push(FieldError::forbidden(path.child(field), detail));
    }
    let mounts = path.child("volumeMounts");
    for (index, mount) in container.list("volumeMounts").iter().enumerate() {
        let mount_path = mounts.index(index);
        for field in ["subPath", "subPathExpr"].into_iter().filter(|field| !mount.text(field).is_empty()) {
            errors.push(FieldError::forbidden(mount_path.child(field), detail));
        }
    }
    errors
}

/// Keeps everything but the resources of containers, as long as they are the same containers.
pub(in crate::kinds) fn prepare_resize(new: &mut Value, old: &Value) {
    const LISTS: [&str; 2] = ["containers", "initContainers"];
    let names = |pod: &Value, list: &str| -> Vec<String> {
        pod.at("spec").list(list).iter().map(|container| container.text("name").to_owned()).collect()
    };
    if LISTS.iter().any(|list| names(new, list) != names(old, list)) {
        // Refused afterwards.
        return;
    }
    let wanted = new["spec"].clone();
    keep(new, old);
    new.ensure("spec").copy_field("resources", &wanted);
    for list in LISTS {
        for (container, wanted) in new.ensure("spec").each_mut(list).zip(wanted.list(list)) {
            container.copy_field("resources", wanted);
            container.copy_field("resizePolicy", wanted);
        }
    }
}

/// Checks a resize: cpu and memory may change as long as the class of the Pod stays.
pub(in crate::kinds) fn validate_resize(new: &Value, old: &Value) -> Vec<FieldError> {
    if old.at("metadata.annotations").get(MIRROR).is_some() {
        return vec![FieldError::forbidden("", "static pods cannot be resized")];
    }
    if old.text("spec.os.name") == "windows" {
        return vec![FieldError::forbidden("", "windows pods cannot be resized")];
    }
    let mut errors = spec::validate_pod(new);
    let class = match old.text("status.qosClass") {
        "" => quality::class(old.at("spec")),
        class => class,
    };
    if class != quality::class(new.at("spec")) {
        let detail = "Pod QOS Class may not change as a result of resizing";
        errors.push(FieldError::invalid(SPEC, new.text("status.qosClass"), detail));
    }
    let running = old.list("status.containerStatuses").iter().find(|status| status.has("state.running"));
    if running.is_some_and(|status| !status.has("resources")) {
        errors.push(FieldError::forbidden(SPEC, "Pod running on node without support for resize"));
    }
    let order = order(new, old);
    if !order.is_empty() {
        errors.extend(order);
        return errors;
    }
    let mut compared = new["spec"].clone();
    if compared.has("resources") {
        for field in ["requests", "limits"] {
            let kept = old.at("spec.resources").at(field).clone();
            mask(compared.ensure("resources"), field, &kept);
        }
        if compared.at("resources").as_object().is_some_and(serde_json::Map::is_empty) && !old.has("spec.resources") {
            compared.drop_field("resources");
        }
    }
    for list in ["initContainers", "containers"] {
        let path = SPEC.child(list);
        let before = old.at("spec").list(list);
        for (index, (container, before)) in new.at("spec").list(list).iter().zip(before).enumerate() {
            let path = path.index(index);
            let path = path.child("resources");
            for (field, what) in [("requests", "resource requests"), ("limits", "resource limits")] {
                let mut names = before.at("resources").entries(field).map(|(name, _)| name);
                if names.any(|name| container.at("resources").at(field).get(name).is_none()) {
                    errors.push(FieldError::forbidden(path.child(field), format!("{what} cannot be removed")));
                }
            }
        }
        for (container, before) in compared.each_mut(list).zip(before) {
            for field in ["requests", "limits"] {
                let kept = before.at("resources").at(field).clone();
                mask(container.ensure("resources"), field, &kept);
            }
            if list == "containers" && !same(container, before) {
                errors.push(FieldError::forbidden(SPEC, "only cpu and memory resources are mutable"));
            }
        }
    }
    if errors.is_empty() && !same(&compared, old.at("spec")) {
        errors.push(FieldError::forbidden(SPEC, "only cpu and memory resources are mutable"));
    }
    errors
}

/// Makes cpu and memory those of before.
fn mask(resources: &mut Value, field: &str, before: &Value) {
    for name in ["cpu", "memory"] {
        match before.get(name) {
            Some(amount) => resources.ensure(field).set(name, amount.clone()),
            None => {
                if let Some(amounts) = resources.field_mut(field) {
                    amounts.drop_field(name);
                }
            }
        }
    }
    if resources.at(field).as_object().is_some_and(serde_json::Map::is_empty) {
        resources.drop_field(field);
    }
}

fn order(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for list in ["containers", "initContainers"] {
        let path = SPEC.child(list);
        let (now, before) = (new.at("spec").list(list), old.at("spec").list(list));
        if now.len() != before.len() {
            errors.push(FieldError::forbidden(path, format!("{list} may not be added or removed on resize")));
            continue;
        }
        for (index, (now, before)) in now.iter().zip(before).enumerate() {
            if now.text("name") != before.text("name") {
                let detail = format!("{list} may not be renamed or reordered on resize");
                errors.push(FieldError::forbidden(path.index(index).child("name"), detail));
            }
        }
    }
    errors
}

/// Everything as it was, but for what only the API server writes.
fn keep(new: &mut Value, old: &Value) {
    for field in ["spec", "status"] {
        new.copy_field(field, old);
    }
    let metadata = new.ensure("metadata");
    for field in ["annotations", "deletionTimestamp", "finalizers", "labels", "ownerReferences"] {
        metadata.copy_field(field, old.at("metadata"));
    }
}
