//! Checks of environment variables.

use serde_json::Value;

use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
use crate::kinds::tree::Tree;

/// Fields of a Pod that a variable may show.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
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
            "fieldRef" => errors.extend(variable_field(reference, &path)),
            "resourceFieldRef" => errors.extend(resource(reference, false, &path)),
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

/// Checks a reference to a field of the pod, for a file.
pub(super) fn file_field(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const SHOWN: [&str; 5] =
        ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
    field_ref(reference, &SHOWN, path)
}

fn variable_field(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    field_ref(reference, &FIELDS, path)
}

/// Checks a reference to a resource of a container. `file`: it has to say of which one.
pub(super) fn resource(reference: &Value, file: bool, path: &Path<'_>) -> Vec<FieldError> {
    const RESOURCES: [&str; 6] = [
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
    ];
    let mut errors = Vec::new();
    let name = reference.text("resource");
    let pages = ["requests.hugepages-", "limits.hugepages-"].iter().any(|start| name.starts_with(start));
    if file && reference.text("containerName").is_empty() {
        errors.push(FieldError::required(path.child("containerName"), ""));
    } else if name.is_empty() {
        errors.push(FieldError::required(path.child("resource"), ""));
    } else if !RESOURCES.contains(&name) && !pages {
        errors.push(FieldError::not_supported(path.child("resource"), name, &RESOURCES));
    }
    let Some(divisor) = Quantity::parse(reference.at("divisor")).filter(|divisor| !divisor.is_zero()) else {
        return errors;
    };
    let units = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let what = match name {
        "limits.cpu" | "requests.cpu" => {
            if !["1m", "1"].contains(&divisor.text().as_str()) {
                let detail = "only divisor's values 1m and 1 are supported with the cpu resource";
                errors.push(FieldError::invalid(path.child("divisor"), name, detail));
            }
            return errors;
        }
        "limits.memory" | "requests.memory" => "memory",
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => "local ephemeral storage",
        _ if pages => "hugepages",
        _ => return errors,
    };
    if !units.contains(&divisor.text().as_str()) {
        let detail = format!("only divisor's values {} are supported with the {what} resource", units.join(", "));
        errors.push(FieldError::invalid(path.child("divisor"), name, detail));
    }
    errors
}

/// Checks a reference to a field of the pod that is one of `shown`, in order.
fn field_ref(reference: &Value, shown: &[&str], path: &Path<'_>) -> Vec<FieldError> {
    /// Those that exist and that not everything shows.
    const OTHERS: [&str; 15] = [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.host",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.phase",
        "status.podIP",
        "status.podIPs",
    ];
    let field = reference.text("fieldPath");
    let field_path = path.child("fieldPath");
    if field.is_empty() {
        return vec![FieldError::required(field_path, "")];
    }
    let unknown = |why: &str| {
        let detail = format!("error converting fieldPath: {why}");
        vec![FieldError::invalid(field_path, field, detail)]
    };
    let version = reference.text("apiVersion");
    if version != "v1" {
        return unknown(&format!("unsupported pod version: {version}"));
    }
    if let Some((holder, key)) = field.strip_suffix("']").and_then(|rest| rest.split_once("['")) {
        let key = match holder {
            "metadata.annotations" => key.to_lowercase(),
            "metadata.labels" => key.to_owned(),
            _ => return unknown(&format!("field label does not support subscript: {field}")),
        };
        let wrong = names::qualified_name(&key).into_iter();
        return wrong.map(|message| FieldError::invalid(*path, key.as_str(), message)).collect();
    }
    // The name that clients once had for it.
    let meant = if field == "spec.host" { "spec.nodeName" } else { field };
    if shown.contains(&meant) {
        Vec::new()
    } else if OTHERS.contains(&field) {
        vec![FieldError::not_supported(field_path, meant, shown)]
    } else {
        unknown(&format!("field label not supported: {field}"))
    }
}

fn printable(name: &str, path: Path<'_>) -> Option<FieldError> {
    let fine = name.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=');
    let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    (!fine).then(|| FieldError::invalid(path, name, detail))
}
