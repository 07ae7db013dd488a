//! Ingress and IngressClass.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::addresses;
use super::metadata::too_long;
use super::names;
use super::path::Path;
use super::strategy::Strategy;
use super::tree::{Tree, same};
use crate::field::FieldError;

const SPEC: Path<'static> = Path::new("spec");
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

pub(super) struct Ingress;

impl Strategy for Ingress {
    fn has_status(&self) -> bool {
        true
    }

    fn empty_status(&self) -> Value {
        json!({"loadBalancer": {}})
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate_spec(object.at("spec"));
        let annotation = object.at("metadata.annotations").get(CLASS_ANNOTATION).and_then(Value::as_str);
        if let (Some(annotation), Some(class)) = (annotation, object.at("spec.ingressClassName").as_str())
            && annotation != class
        {
            let path = Path::new("annotations");
            let detail = "must match `ingressClassName` when both are specified";
            errors.push(FieldError::invalid(path.child(CLASS_ANNOTATION), annotation, detail));
        }
        errors
    }

    fn validate_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        validate_spec(new.at("spec"))
    }

    fn validate_status_update(&self, new: &Value, _: &Value) -> Vec<FieldError> {
        let path = Path::new("status.loadBalancer.ingress");
        let mut errors = Vec::new();
        for (index, one) in new.list("status.loadBalancer.ingress").iter().enumerate() {
            let path = path.index(index);
            let (ip, host) = (one.text("ip"), one.text("hostname"));
            if !ip.is_empty() {
                errors.extend(addresses::ip(ip, path.child("ip")));
            }
            if !host.is_empty() {
                for message in names::dns_subdomain(host) {
                    errors.push(FieldError::invalid(path.child("hostname"), host, message));
                }
                errors.extend(no_address(host, path.child("hostname")));
            }
        }
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let by_annotation = new.at("metadata.annotations").get(CLASS_ANNOTATION).is_some();
        if old.is_some() || !by_annotation || new.has("spec.ingressClassName") {
            return Vec::new();
        }
        vec![format!("annotation {CLASS_ANNOTATION:?} is deprecated, please use 'spec.ingressClassName' instead")]
    }
}

pub(super) struct IngressClass;

impl Strategy for IngressClass {
    fn default(&self, _: &str, object: &mut Value) {
        if let Some(parameters) = object.ensure("spec").field_mut("parameters").filter(|p| p.is_object()) {
            parameters.default_to("scope", "Cluster");
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let spec = object.at("spec");
        let path = SPEC.child("controller");
        let controller = spec.text("controller");
        let mut errors = Vec::new();
        if controller.len() > 250 {
            errors.push(too_long(path, 250));
        }
        errors.extend(domain_prefixed(controller, path));
        let parameters = spec.at("parameters");
        if parameters.is_object() {
            errors.extend(class_parameters(parameters, &SPEC.child("parameters")));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if !same(new.at("spec.controller"), old.at("spec.controller")) {
            let value = new.text("spec.controller");
            errors.push(FieldError::invalid(SPEC.child("controller"), value, "field is immutable"));
        }
        errors.extend(self.validate(new));
        errors
    }

    fn rechecks_metadata(&self) -> bool {
        true
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let rules = spec.list("rules");
    if rules.is_empty() && !spec.has("defaultBackend") {
        let value = if spec.has("rules") { spec.at("rules").clone() } else { Value::Null };
        errors.push(FieldError::invalid(SPEC, value, "either `defaultBackend` or `rules` must be specified"));
    }
    if spec.has("defaultBackend") {
        errors.extend(backend(spec.at("defaultBackend"), &SPEC.child("defaultBackend")));
    }
    let path = SPEC.child("rules");
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        let host = rule.text("host");
        if !host.is_empty() {
            errors.extend(no_address(host, path.child("host")));
            errors.extend(host_name(host, path.child("host")));
        }
        if rule.has("http") {
            let path = path.child("http");
            let path = path.child("paths");
            let paths = rule.list("http.paths");
            if paths.is_empty() {
                errors.push(FieldError::required(path, ""));
            }
            for (index, one) in paths.iter().enumerate() {
                errors.extend(http_path(one, &path.index(index)));
            }
        }
    }
    let path = SPEC.child("tls");
    for (index, tls) in spec.list("tls").iter().enumerate() {
        let path = path.index(index);
        let hosts = path.child("hosts");
        for (at, host) in tls.list("hosts").iter().filter_map(Value::as_str).enumerate() {
            errors.extend(host_name(host, hosts.index(at)));
        }
        let secret = tls.text("secretName");
        if !secret.is_empty() {
            for message in names::dns_subdomain(secret) {
                errors.push(FieldError::invalid(path.child("secretName"), secret, message));
            }
        }
    }
    if spec.has("ingressClassName") {
        let class = spec.text("ingressClassName");
        for message in names::dns_subdomain(class) {
            errors.push(FieldError::invalid(SPEC.child("ingressClassName"), class, message));
        }
    }
    errors
}

fn http_path(one: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let text = one.text("path");
    let absolute = || FieldError::invalid(path.child("path"), text, "must be an absolute path");
    match one.text("pathType") {
        _ if !one.has("pathType") => {
            return vec![FieldError::required(path.child("pathType"), "pathType must be specified")];
        }
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                errors.push(absolute());
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|part| text.contains(part)) {
                let detail = format!("must not contain '{part}'");
                errors.push(FieldError::invalid(path.child("path"), text, detail));
            }
            for end in ["/..", "/."].into_iter().filter(|end| text.ends_with(end)) {
                errors.push(FieldError::invalid(path.child("path"), text, format!("cannot end with '{end}'")));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.push(absolute());
            }
        }
        other => {
            let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(FieldError::not_supported(path.child("pathType"), other, &kinds));
        }
    }
    errors.extend(backend(one.at("backend"), &path.child("backend")));
    errors
}

fn backend(backend: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match (backend.has("service"), backend.has("resource")) {
        (true, true) => {
            errors.push(FieldError::invalid(*path, "", "cannot set both resource and service backends"));
        }
        (false, false) => errors.push(FieldError::invalid(*path, "", "resource or service backend is required")),
        (false, true) => errors.extend(typed_reference(backend.at("resource"), &path.child("resource"))),
        (true, false) => {
            let service = backend.at("service");
            let service_path = path.child("service");
            let name = service.text("name");
            if name.is_empty() {
                errors.push(FieldError::required(service_path.child("name"), ""));
            } else {
                for message in names::dns_label(name) {
                    errors.push(FieldError::invalid(service_path.child("name"), name, message));
                }
            }
            let port_path = service_path.child("port");
            let (port, number) = (service.text("port.name"), service.int("port.number").unwrap_or_default());
            match (port.is_empty(), number) {
                (false, 0) => {
                    for message in names::port_name(port) {
                        errors.push(FieldError::invalid(port_path.child("name"), port, message));
                    }
                }
                (false, _) => errors.push(FieldError::invalid(*path, "", "cannot set both port name & port number")),
                (true, 0) => errors.push(FieldError::required(*path, "port name or number is required")),
                (true, number) => errors.extend(addresses::port(number, port_path.child("number"))),
            }
        }
    }
    errors
}

fn typed_reference(reference: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(group) = reference.at("apiGroup").as_str() {
        for message in names::dns_subdomain(group) {
            errors.push(FieldError::invalid(path.child("apiGroup"), group, message));
        }
    }
    for field in ["kind", "name"] {
        let text = reference.text(field);
        if text.is_empty() {
            errors.push(FieldError::required(path.child(field), ""));
        }
        for message in names::path_segment(text, false) {
            errors.push(FieldError::invalid(path.child(field), text, message));
        }
    }
    errors
}

fn class_parameters(parameters: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = typed_reference(parameters, path);
    let namespace = path.child("namespace");
    match parameters.text("scope") {
        "Namespace" => match parameters.at("namespace").as_str() {
            None => errors.push(FieldError::required(namespace, "`parameters.scope` is set to 'Namespace'")),
            Some(name) => {
                for message in names::dns_label(name) {
                    errors.push(FieldError::invalid(namespace, name, message));
                }
            }
        },
        "Cluster" => {
            if parameters.has("namespace") {
                errors.push(FieldError::forbidden(namespace, "`parameters.scope` is set to 'Cluster'"));
            }
        }
        other => errors.push(FieldError::not_supported(path.child("scope"), other, &["Cluster", "Namespace"])),
    }
    errors
}

fn host_name(host: &str, path: Path<'_>) -> Vec<FieldError> {
    let wrong = if host.contains('*') { names::wildcard_subdomain(host) } else { names::dns_subdomain(host) };
    wrong.into_iter().map(|message| FieldError::invalid(path, host, message)).collect()
}

fn no_address(host: &str, path: Path<'_>) -> Option<FieldError> {
    let detail = "must be a DNS name, not an IP address";
    host.parse::<IpAddr>().is_ok().then(|| FieldError::invalid(path, host, detail))
}

fn domain_prefixed(text: &str, path: Path<'_>) -> Vec<FieldError> {
    if text.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    match text.split_once('/') {
        Some((domain, rest)) if !domain.is_empty() && !rest.is_empty() => {
            names::dns_subdomain(domain).into_iter().map(|m| FieldError::invalid(path, domain, m)).collect()
        }
        _ => vec![FieldError::invalid(path, text, "must be a domain-prefixed path (such as \"acme.io/foo\")")],
    }
}
