//! What a pod can't have on its operating system, and which namespaces of the host exclude each other.

use serde_json::Value;

use crate::field::FieldError;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Fields of a pod's security context that Windows has not.
const NOT_OF_WINDOWS: [&str; 13] = [
    "appArmorProfile",
    "seLinuxOptions",
    "hostUsers",
    "hostPID",
    "hostIPC",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "shareProcessNamespace",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
];
const NOT_OF_WINDOWS_CONTAINERS: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Checks `os`, and what else may not be set with it.
pub(super) fn validate(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let name = spec.text("os.name");
    if !spec.has("os") {
        return Vec::new();
    }
    let os = path.child("os");
    match name {
        "linux" => linux(spec, path),
        "windows" => windows(spec, path),
        "" => vec![FieldError::required(os.child("name"), "")],
        other => vec![FieldError::not_supported(os, other, &["linux", "windows"])],
    }
}

/// Checks `hostUsers` against the other namespaces of the host, and processes of the host on Windows.
pub(super) fn namespaces(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = host_processes(spec, path);
    if spec.at("hostUsers") != &Value::Bool(false) {
        return errors;
    }
    for (field, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.flag(field) {
            errors.push(FieldError::forbidden(path.child(shown), "when `hostUsers` is false"));
        }
    }
    each_container(spec, path, |container, path| {
        if !container.list("volumeDevices").is_empty() {
            errors.push(FieldError::forbidden(path.child("volumeDevices"), "when `hostUsers` is false"));
        }
    });
    errors
}

fn host_processes(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let field = "securityContext.windowsOptions.hostProcess";
    let of_pod = spec.at(field).as_bool();
    let (mut errors, mut all, mut of_host) = (Vec::new(), 0, 0);
    each_container(spec, path, |container, path| {
        all += 1;
        let own = container.at(field).as_bool();
        if let (Some(pod), Some(own)) = (of_pod, own)
            && pod != own
        {
            let detail = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            errors.push(FieldError::invalid(path.child(field), own, detail));
        }
        of_host += usize::from(own.or(of_pod) == Some(true));
    });
    if of_host > 0 {
        if of_host != all {
            let detail =
                "If pod contains any hostProcess containers then all containers must be HostProcess containers";
            errors.push(FieldError::invalid(*path, "", detail));
        }
        if !spec.flag("hostNetwork") {
            let detail = "hostNetwork must be true if pod contains any hostProcess containers";
            errors.push(FieldError::invalid(path.child("hostNetwork"), false, detail));
        }
    }
    errors
}

fn linux(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let detail = "windows options cannot be set for a linux pod";
    let mut errors = Vec::new();
    if spec.has("securityContext.windowsOptions") {
        errors.push(FieldError::forbidden(path.child("securityContext").child("windowsOptions"), detail));
    }
    each_container(spec, path, |container, path| {
        if container.has("securityContext.windowsOptions") {
            errors.push(FieldError::forbidden(path.child("securityContext").child("windowsOptions"), detail));
        }
    });
    errors
}

fn windows(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let detail = "cannot be set for a windows pod";
    let mut errors = Vec::new();
    let context_path = path.child("securityContext");
    for field in NOT_OF_WINDOWS.into_iter().chain(["supplementalGroupsPolicy", "seLinuxChangePolicy"]) {
        // The real server keeps some fields of the spec in its security context.
        let of_spec = matches!(field, "hostUsers" | "hostPID" | "hostIPC" | "shareProcessNamespace");
        let (holder, path) = if of_spec { (spec, path) } else { (spec.at("securityContext"), &context_path) };
        let set = match holder.at(field) {
            Value::Null => false,
            Value::Bool(false) if matches!(field, "hostPID" | "hostIPC") => false,
            Value::Array(list) => !list.is_empty(),
            _ => true,
        };
        if set {
            errors.push(FieldError::forbidden(path.child(field), detail));
        }
    }
    each_container(spec, path, |container, path| {
        let path = path.child("securityContext");
        let context = container.at("securityContext");
        let set = NOT_OF_WINDOWS_CONTAINERS.into_iter().filter(|field| context.has(field));
        errors.extend(set.map(|field| FieldError::forbidden(path.child(field), detail)));
    });
    errors
}

fn each_container(spec: &Value, path: &Path<'_>, mut visit: impl FnMut(&Value, &Path<'_>)) {
    for list in LISTS {
        let path = path.child(list);
        for (index, container) in spec.list(list).iter().enumerate() {
            visit(container, &path.index(index));
        }
    }
}
