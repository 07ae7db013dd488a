//! AppArmor profiles of pods and containers: their checks, and the annotations that named them before the fields did.

use serde_json::{Value, json};

use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// What comes before a container's name in the annotation with its profile.
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
/// The longest path of a profile in bytes.
const LONGEST_PROFILE: usize = 4095;

/// Checks the field `appArmorProfile`, of a pod or a container.
pub(super) fn profile(profile: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
    let mut errors = Vec::new();
    if !profile.is_object() {
        return errors;
    }
    let local_path = path.child("localhostProfile");
    let required = || FieldError::required(local_path, "must be set when AppArmor type is Localhost");
    match profile.text("type") {
        "" => errors.push(FieldError::required(path.child("type"), "type is required when appArmorProfile is set")),
        "Localhost" if !profile.has("localhostProfile") => errors.push(required()),
        "Localhost" => {
            let local = profile.text("localhostProfile");
            if local.trim() != local {
                errors.push(FieldError::invalid(local_path, local, "must not be padded with whitespace"));
            } else if local.is_empty() {
                errors.push(required());
            }
            if local.len() > LONGEST_PROFILE {
                let detail = format!("may not be more than {LONGEST_PROFILE} bytes");
                errors.push(FieldError::new(FieldErrorKind::TooLong, local_path, "".into(), detail));
            }
        }
        kind if TYPES.contains(&kind) => {
            if profile.has("localhostProfile") {
                let value = profile.at("localhostProfile").clone();
                let detail = "can only be set when AppArmor type is Localhost";
                errors.push(FieldError::invalid(local_path, value, detail));
            }
        }
        kind => errors.push(FieldError::not_supported(path.child("type"), kind, &TYPES)),
    }
    errors
}

/// Checks the annotations of a pod, or of a template.
pub(super) fn annotations(pod: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let spec = pod.at("spec");
    let mut errors = Vec::new();
    for (name, container, value) in given(pod) {
        let found = LISTS.iter().any(|list| spec.list(list).iter().any(|other| other.text("name") == container));
        if !found {
            errors.push(FieldError::invalid(path.key(name), container, "container not found"));
        }
        let known = matches!(value, "" | "runtime/default" | "unconfined") || value.starts_with("localhost/");
        if !known {
            errors.push(FieldError::invalid(
                path.key(name),
                value,
                format!("invalid AppArmor profile name: {value:?}"),
            ));
        }
    }
    errors
}

/// Checks that the annotations of a new pod say what its fields say.
pub(super) fn agreement(pod: &Value) -> Vec<FieldError> {
    let spec = pod.at("spec");
    let mut errors = Vec::new();
    if spec.text("os.name") == "windows" {
        return errors;
    }
    for list in LISTS {
        let path = Path::new("spec");
        let path = path.child(list);
        for (index, container) in spec.list(list).iter().enumerate() {
            let own = container.at("securityContext.appArmorProfile");
            let profile = if own.is_object() { own } else { spec.at("securityContext.appArmorProfile") };
            let Some(annotation) = annotation_of(pod, container).filter(|_| profile.is_object()) else { continue };
            let path = path.index(index);
            let path = path.child("securityContext");
            let path = path.child("appArmorProfile");
            let type_differs = match profile.text("type") {
                "Unconfined" => annotation != "unconfined",
                "RuntimeDefault" => annotation != "runtime/default",
                "Localhost" => !annotation.starts_with("localhost/"),
                _ => false,
            };
            let local = annotation.strip_prefix("localhost/");
            if type_differs {
                let detail = "apparmor type in annotation and field must match";
                errors.push(FieldError::forbidden(path.child("type"), detail));
            } else if profile.text("type") == "Localhost" && local != profile.at("localhostProfile").as_str() {
                let detail = "apparmor profile in annotation and field must match";
                errors.push(FieldError::forbidden(path.child("localhostProfile"), detail));
            }
        }
    }
    errors
}

/// Checks that the annotations of a pod stay as they are.
pub(super) fn unchanged(new: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let path = path.child("annotations");
    let of = |pod: &Value, name: &str| pod.at("metadata.annotations").get(name).cloned();
    let mut errors = Vec::new();
    for (name, ..) in given(old) {
        if of(new, name) != of(old, name) {
            errors.push(FieldError::forbidden(path.key(name), "may not remove or update AppArmor annotations"));
        }
    }
    for (name, ..) in given(new) {
        if of(old, name).is_none() {
            errors.push(FieldError::forbidden(path.key(name), "may not add AppArmor annotations"));
        }
    }
    errors
}

/// Gives the containers of a new pod the profiles that its annotations name, where they have none of their own.
pub(super) fn copy_to_fields(pod: &mut Value) {
    if pod.text("spec.os.name") == "windows" {
        return;
    }
    let of_pod = pod.at("spec.securityContext.appArmorProfile").clone();
    for list in LISTS {
        for index in 0..pod.at("spec").list(list).len() {
            let container = &pod.at("spec").list(list)[index];
            if container.at("securityContext.appArmorProfile").is_object() {
                continue;
            }
            let named = annotation_of(pod, container).and_then(profile_of).filter(|named| *named != of_pod);
            if let Some(named) = named {
                pod["spec"][list][index].ensure("securityContext").set("appArmorProfile", named);
            }
        }
    }
}

/// The annotations of a new pod that [`copy_to_fields`] is going to copy, and those that it can't: to warn of.
pub(super) fn old_annotations(pod: &Value) -> Vec<&str> {
    let spec = pod.at("spec");
    if spec.text("os.name") == "windows" {
        return Vec::new();
    }
    let of_pod = spec.at("securityContext.appArmorProfile");
    let containers = || LISTS.iter().flat_map(|list| spec.list(list));
    let old = given(pod).filter(|(_, name, value)| {
        let container = containers().find(|container| container.text("name") == *name);
        let has_none = |container: &Value| !container.at("securityContext.appArmorProfile").is_object();
        container.is_some_and(has_none) && profile_of(value).is_none_or(|named| named != *of_pod)
    });
    old.map(|(name, ..)| name).collect()
}

/// All of the annotations.
pub(super) fn all_annotations(pod: &Value) -> impl Iterator<Item = &str> {
    given(pod).map(|(name, ..)| name)
}

/// The annotations with profiles: their names, the container that they are about, and their values.
fn given(pod: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    pod.entries("metadata.annotations").filter_map(|(name, value)| {
        Some((name.as_str(), name.strip_prefix(ANNOTATION)?, value.as_str().unwrap_or_default()))
    })
}

fn annotation_of<'a>(pod: &'a Value, container: &Value) -> Option<&'a str> {
    let name = container.text("name");
    given(pod).find(|(_, of, _)| *of == name).map(|(_, _, value)| value)
}

/// The field that an annotation stands for, if it is a valid one.
fn profile_of(annotation: &str) -> Option<Value> {
    let named = match annotation {
        "unconfined" => json!({"type": "Unconfined"}),
        "runtime/default" => json!({"type": "RuntimeDefault"}),
        other => json!({"type": "Localhost", "localhostProfile": other.strip_prefix("localhost/")?}),
    };
    profile(&named, &Path::new("")).is_empty().then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotation: &str, field: Value) -> Value {
        json!({
            "metadata": {"annotations": {format!("{ANNOTATION}c"): annotation}},
            "spec": {"containers": [{"name": "c", "securityContext": {"appArmorProfile": field}}]},
        })
    }

    #[test]
    fn a_container_without_a_profile_gets_that_of_its_annotation() {
        let copied = |annotation: &str| {
            let mut pod = pod(annotation, Value::Null);
            copy_to_fields(&mut pod);
            pod["spec"]["containers"][0]["securityContext"]["appArmorProfile"].clone()
        };
        assert_eq!(copied("localhost/a"), json!({"type": "Localhost", "localhostProfile": "a"}));
        assert_eq!(copied("runtime/default"), json!({"type": "RuntimeDefault"}));
        assert_eq!(copied("odd"), Value::Null);
        assert_eq!(copied("localhost/"), Value::Null);
    }

    #[test]
    fn annotation_and_field_say_the_same() {
        assert!(agreement(&pod("unconfined", json!({"type": "Unconfined"}))).is_empty());
        assert_eq!(agreement(&pod("unconfined", json!({"type": "RuntimeDefault"}))).len(), 1);
        assert_eq!(agreement(&pod("localhost/a", json!({"type": "Localhost", "localhostProfile": "b"}))).len(), 1);
    }

    #[test]
    fn annotations_stay() {
        let (one, other) = (pod("unconfined", Value::Null), pod("runtime/default", Value::Null));
        assert!(unchanged(&one, &one).is_empty());
        assert_eq!(unchanged(&other, &one).len(), 1);
        assert_eq!(unchanged(&one, &json!({})).len(), 1);
    }
}
