//! Checks of environment variables.

use serde_json::Value;

use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Fields of a Pod that a variable may show.
const FIELDS: [&str; 7] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.podIP",
];

/// Checks `env`.
pub(super) fn variables(variables: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        let path = path.index(index);
        let name = variable.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        } else {
            errors.extend(printable(name, path.child("name")));
        }
        let source = variable.at("valueFrom");
        if source.is_object() {
            errors.extend(value_from(source, !variable.text("value").is_empty(), &path.child("valueFrom")));
        }
    }
    errors
}

/// Checks `envFrom`.
pub(super) fn sources(sources: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let at = path.index(index);
        if !source.text("prefix").is_empty() {
            errors.extend(printable(source.text("prefix"), at.child("prefix")));
        }
        let given: Vec<&str> = ["configMapRef", "secretRef"].into_iter().filter(|field| source.has(field)).collect();
        for field in &given {
            let path = at.child(field);
            let name = source.at(field).text("name");
            if name.is_empty() {
                errors.push(FieldError::required(path.child("name"), ""));
            } else {
                for message in names::dns_subdomain(name) {
                    errors.push(FieldError::invalid(path.child("name"), name, message));
                }
            }
        }
        match given.len() {
            0 => errors.push(FieldError::invalid(*path, "", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => errors.push(FieldError::invalid(*path, "", "may not have more than one field specified at a time")),
        }
    }
    errors
}

/// Checks that variables which are read from files name volumes that may hold them.
pub(super) fn file_volumes(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let path = path.child(list);
        for (at, container) in spec.list(list).iter().enumerate() {
            let path = path.index(at);
            let path = path.child("env");
            for (at, variable) in container.list("env").iter().enumerate() {
                if !variable.at("valueFrom").has("fileKeyRef") {
                    continue;
                }
                let name = variable.text("valueFrom.fileKeyRef.volumeName");
                let path = path.index(at);
                let path = path.child("valueFrom");
                let path = path.child("fileKeyRef");
                let path = path.child("volumeName");
                match spec.list("volumes").iter().rfind(|volume| volume.text("name") == name) {
                    None => errors.push(FieldError::new(FieldErrorKind::NotFound, path, name.into(), "")),
                    Some(volume) if !volume.has("emptyDir") => {
                        errors.push(FieldError::invalid(path, name, "referenced volume must be of type emptyDir"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    errors
}

fn value_from(source: &Value, has_value: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let given: Vec<&str> = kinds.into_iter().filter(|field| source.has(field)).collect();
    for field in &given {
        let path = path.child(field);
        let reference = source.at(field);
        match *field {
            "fieldRef" => errors.extend(field_ref(reference, &path)),
            "resourceFieldRef" => {
                if reference.text("resource").is_empty() {
                    errors.push(FieldError::required(path.child("resource"), ""));
                }
            }
            "fileKeyRef" => {
                for field in ["path", "volumeName", "key"] {
                    if reference.text(field).is_empty() {
                        errors.push(FieldError::required(path.child(field), ""));
                    }
                }
            }
            _ => {
                let (name, key) = (reference.text("name"), reference.text("key"));
                for message in names::dns_subdomain(name) {
                    errors.push(FieldError::invalid(path.child("name"), name, message));
                }
                if key.is_empty() {
                    errors.push(FieldError::required(path.child("key"), ""));
                } else {
                    for message in names::config_key(key) {
                        errors.push(FieldError::invalid(path.child("key"), key, message));
                    }
                }
            }
        }
    }
    if given.is_empty() {
        let detail =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        errors.push(FieldError::invalid(*path, "", detail));
    } else if has_value {
        errors.push(FieldError::invalid(*path, "", "may not be specified when `value` is not empty"));
    } else if given.len() > 1 {
        errors.push(FieldError::invalid(*path, "", "may not have more than one field specified at a time"));
    }
    errors
}

fn field_ref(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let field = reference.text("fieldPath");
    if field.is_empty() {
        return vec![FieldError::required(path.child("fieldPath"), "")];
    }
    let subscript = |name: &str| field.strip_prefix(name)?.strip_prefix("['")?.strip_suffix("']");
    if let Some(key) = subscript("metadata.annotations") {
        let wrong = names::qualified_name(&key.to_lowercase());
        return wrong.into_iter().map(|message| FieldError::invalid(*path, key.to_lowercase(), message)).collect();
    }
    if let Some(key) = subscript("metadata.labels") {
        return names::qualified_name(key)
            .into_iter()
            .map(|message| FieldError::invalid(*path, key, message))
            .collect();
    }
    if FIELDS.contains(&field) || matches!(field, "status.hostIPs" | "status.podIPs") {
        return Vec::new();
    }
    if matches!(field, "metadata.annotations" | "metadata.labels") {
        let mut all = [&FIELDS[..], &["status.hostIPs", "status.podIPs"]].concat();
        all.sort_unstable();
        return vec![FieldError::not_supported(path.child("fieldPath"), field, &all)];
    }
    let detail = format!("error converting fieldPath: field label not supported: {field}");
    vec![FieldError::invalid(path.child("fieldPath"), field, detail)]
}

fn printable(name: &str, path: Path<'_>) -> Option<FieldError> {
    let fine = name.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=');
    let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    (!fine).then(|| FieldError::invalid(path, name, detail))
}
