//! Checks of probes and lifecycle handlers.

use serde_json::Value;

use crate::field::FieldError;
use crate::kinds::addresses;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Checks the three probes of a container.
pub(super) fn probes(container: &Value, grace: Option<i64>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(kind);
        if !probe.is_object() {
            continue;
        }
        let path = path.child(kind);
        errors.extend(handler(probe, grace, &path));
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            if let Some(number) = probe.int(field).filter(|number| *number < 0) {
                errors.push(FieldError::invalid(path.child(field), number, "must be greater than or equal to 0"));
            }
        }
        let seconds = probe.int("terminationGracePeriodSeconds");
        let at = path.child("terminationGracePeriodSeconds");
        if let Some(seconds) = seconds.filter(|seconds| *seconds <= 0) {
            errors.push(FieldError::invalid(at, seconds, "must be greater than 0"));
        }
        let threshold = probe.int("successThreshold").unwrap_or_default();
        if kind == "readinessProbe" {
            if let Some(seconds) = seconds {
                errors.push(FieldError::invalid(at, seconds, "must not be set for readinessProbes"));
            }
        } else if threshold != 1 {
            errors.push(FieldError::invalid(path.child("successThreshold"), threshold, "must be 1"));
        }
    }
    errors
}

/// Checks `lifecycle` of a container.
pub(super) fn lifecycle(container: &Value, grace: Option<i64>, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.child("lifecycle");
    let hooks = container.at("lifecycle");
    let given = ["postStart", "preStop"].into_iter().filter(|hook| hooks.has(hook));
    given.flat_map(|hook| handler(hooks.at(hook), grace, &path.child(hook))).collect()
}

fn handler(handler: &Value, grace: Option<i64>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut found = false;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = handler.at(kind);
        if !handler.has(kind) {
            continue;
        }
        let path = path.child(kind);
        if found {
            errors.push(FieldError::forbidden(path, "may not specify more than 1 handler type"));
            continue;
        }
        found = true;
        match kind {
            "exec" if action.list("command").is_empty() => {
                errors.push(FieldError::required(path.child("command"), ""));
            }
            "httpGet" => errors.extend(http_get(action, &path)),
            "tcpSocket" => errors.extend(addresses::port_or_name(action.at("port"), path.child("port"))),
            "grpc" => errors.extend(addresses::port(action.int("port").unwrap_or_default(), path.child("port"))),
            "sleep" => {
                let seconds = action.int("seconds").unwrap_or_default();
                if seconds < 0 || grace.is_some_and(|grace| seconds > grace) {
                    let grace = grace.unwrap_or_default();
                    let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    errors.push(FieldError::invalid(path, seconds, detail));
                }
            }
            _ => {}
        }
    }
    if !found {
        errors.push(FieldError::required(*path, "must specify a handler type"));
    }
    errors
}

fn http_get(action: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if action.text("path").is_empty() {
        errors.push(FieldError::required(path.child("path"), ""));
    }
    errors.extend(addresses::port_or_name(action.at("port"), path.child("port")));
    let schemes = ["HTTP", "HTTPS"];
    if !schemes.contains(&action.text("scheme")) {
        errors.push(FieldError::not_supported(path.child("scheme"), action.text("scheme"), &schemes));
    }
    for header in action.list("httpHeaders") {
        let name = header.text("name");
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let detail = names::regex(
                "a valid HTTP header must consist of alphanumeric characters or '-'",
                "[-A-Za-z0-9]+",
                &["X-Header-Name"],
            );
            errors.push(FieldError::invalid(path.child("httpHeaders"), name, detail));
        }
    }
    errors
}
