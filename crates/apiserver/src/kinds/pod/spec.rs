//! Checks of a pod spec, and of a pod template.

use serde_json::Value;

use super::{app_armor, claims, container, environment, placement, subresource, volume};
use crate::field::FieldError;
use crate::kinds::metadata::{validate_annotations, validate_labels};
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;
use crate::kinds::{addresses, quantity};

/// Checks a pod template.
pub(in crate::kinds) fn validate_template(template: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = validate_labels(template.at("metadata.labels"), &path.child("labels"));
    errors.extend(validate_annotations(template.at("metadata.annotations"), &path.child("annotations")));
    errors.extend(app_armor::annotations(template, &path.child("annotations")));
    let spec_path = path.child("spec");
    errors.extend(validate(template.at("spec"), &spec_path, false));
    if !template.list("spec.ephemeralContainers").is_empty() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(spec_path.child("ephemeralContainers"), detail));
    }
    errors
}

/// Checks the spec of a Pod.
pub(super) fn validate_pod(object: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let spec = object.at("spec");
    let mut errors = validate(spec, &path, true);
    errors.extend(app_armor::annotations(object, &Path::new("metadata").child("annotations")));
    if spec.text("serviceAccountName").is_empty() {
        let volumes = path.child("volumes");
        for (index, volume) in spec.list("volumes").iter().enumerate() {
            for (at, source) in volume.list("projected.sources").iter().enumerate() {
                if source.has("serviceAccountToken") {
                    let path = volumes.index(index);
                    let path = path.child("projected");
                    let path = path.child("sources");
                    let path = path.index(at);
                    let detail = "must not be specified when serviceAccountName is not set";
                    errors.push(FieldError::forbidden(path.child("serviceAccountToken"), detail));
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        let path = path.child(list);
        for (index, container) in spec.list(list).iter().enumerate() {
            let image = container.text("image");
            if image.trim() != image {
                let detail = "must not have leading or trailing whitespace";
                errors.push(FieldError::invalid(path.index(index).child("image"), image, detail));
            }
        }
    }
    errors
}

fn validate(spec: &Value, path: &Path<'_>, is_pod: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (volumes, wrong) = volume::validate(spec.list("volumes"), &path.child("volumes"));
    errors.extend(wrong);
    errors.extend(container::validate_all(spec, &volumes, path));
    errors.extend(subresource::ephemeral_containers(spec, &volumes, path));
    errors.extend(environment::file_volumes(spec, path));
    errors.extend(claims::of_pod(spec.list("resourceClaims"), &path.child("resourceClaims")));
    if spec.flag("hostNetwork") {
        errors.extend(host_ports(spec, path, is_pod));
    }
    let policies = ["Always", "OnFailure", "Never"];
    errors.extend(one_of(spec.text("restartPolicy"), &policies, path.child("restartPolicy")));
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    errors.extend(one_of(spec.text("dnsPolicy"), &policies, path.child("dnsPolicy")));
    errors.extend(validate_labels(spec.at("nodeSelector"), &path.child("nodeSelector")));
    errors.extend(security_context(spec.at("securityContext"), &path.child("securityContext")));
    errors.extend(placement::affinity(spec.at("affinity"), &path.child("affinity")));
    errors.extend(dns_config(spec, &path.child("dnsConfig")));
    let gates = path.child("readinessGates");
    for (index, gate) in spec.list("readinessGates").iter().enumerate() {
        let kind = gate.text("conditionType");
        for message in names::qualified_name(kind) {
            errors.push(FieldError::invalid(gates.index(index).child("conditionType"), kind, message));
        }
    }
    let gates = path.child("schedulingGates");
    let list = spec.list("schedulingGates");
    for (index, gate) in list.iter().enumerate() {
        let name = gate.text("name");
        for message in names::qualified_name(name) {
            errors.push(FieldError::invalid(gates.index(index), name, message));
        }
        if list[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(gates.index(index), name));
        }
    }
    let constraints = spec.list("topologySpreadConstraints");
    errors.extend(placement::spread(constraints, &path.child("topologySpreadConstraints")));
    for (field, check) in
        [("serviceAccountName", names::dns_subdomain as fn(&str) -> Vec<String>), ("nodeName", names::dns_subdomain)]
    {
        errors.extend(named(spec, path, field, check));
    }
    if let Some(seconds) = spec.int("activeDeadlineSeconds")
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let detail = names::between(1, i32::MAX.into());
        errors.push(FieldError::invalid(path.child("activeDeadlineSeconds"), seconds, detail));
    }
    errors.extend(named(spec, path, "hostname", names::dns_label));
    errors.extend(named(spec, path, "subdomain", names::dns_label));
    errors.extend(placement::tolerations(spec.list("tolerations"), &path.child("tolerations")));
    let aliases = path.child("hostAliases");
    for (index, alias) in spec.list("hostAliases").iter().enumerate() {
        let path = aliases.index(index);
        errors.extend(addresses::ip(alias.text("ip"), path.child("ip")));
        let hosts = path.child("hostnames");
        for (at, host) in alias.list("hostnames").iter().filter_map(Value::as_str).enumerate() {
            for message in names::dns_subdomain(host) {
                errors.push(FieldError::invalid(hosts.index(at), host, message));
            }
        }
    }
    errors.extend(named(spec, path, "priorityClassName", names::dns_subdomain));
    errors.extend(named(spec, path, "runtimeClassName", names::dns_subdomain));
    if spec.has("preemptionPolicy") {
        let policies = ["PreemptLowerPriority", "Never"];
        errors.extend(one_of(spec.text("preemptionPolicy"), &policies, path.child("preemptionPolicy")));
    }
    for (name, amount) in spec.entries("overhead") {
        if quantity::Quantity::parse(amount).is_some_and(|amount| amount.is_negative()) {
            let path = path.child("overhead");
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(path.key(name), amount.clone(), detail));
        }
    }
    if spec.has("os") {
        let os = path.child("os");
        errors.extend(one_of(spec.text("os.name"), &["linux", "windows"], os.child("name")));
    }
    errors
}

/// Required, and one of a list.
pub(super) fn one_of(text: &str, allowed: &[&str], path: impl Into<String>) -> Option<FieldError> {
    match text {
        "" => Some(FieldError::required(path, "")),
        _ if allowed.contains(&text) => None,
        _ => Some(FieldError::not_supported(path, text, allowed)),
    }
}

fn named(spec: &Value, path: &Path<'_>, field: &str, check: fn(&str) -> Vec<String>) -> Vec<FieldError> {
    let text = spec.text(field);
    if text.is_empty() {
        return Vec::new();
    }
    check(text).into_iter().map(|message| FieldError::invalid(path.child(field), text, message)).collect()
}

fn host_ports(spec: &Value, path: &Path<'_>, is_pod: bool) -> Vec<FieldError> {
    let containers = path.child("containers");
    let mut errors = Vec::new();
    for (index, container) in spec.list("containers").iter().enumerate() {
        let path = containers.index(index);
        let ports = path.child("ports");
        for (at, port) in container.list("ports").iter().enumerate() {
            let host = port.int("hostPort").unwrap_or_default();
            if (is_pod || host != 0) && Some(host) != port.int("containerPort") {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(ports.index(at).child("hostPort"), host, detail));
            }
        }
    }
    errors
}

fn security_context(context: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        errors.extend(id(context.int(field), path.child(field)));
    }
    let groups = path.child("supplementalGroups");
    for (index, group) in context.list("supplementalGroups").iter().enumerate() {
        errors.extend(id(group.as_i64(), groups.index(index)));
    }
    if context.has("fsGroupChangePolicy") {
        let policies = ["Always", "OnRootMismatch"];
        errors.extend(one_of(context.text("fsGroupChangePolicy"), &policies, path.child("fsGroupChangePolicy")));
    }
    errors.extend(seccomp(context.at("seccompProfile"), &path.child("seccompProfile")));
    errors.extend(app_armor::profile(context.at("appArmorProfile"), &path.child("appArmorProfile")));
    errors
}

/// A user or group id.
pub(super) fn id(id: Option<i64>, path: impl Into<String>) -> Option<FieldError> {
    let id = id.filter(|id| !(0..=i64::from(i32::MAX)).contains(id))?;
    Some(FieldError::invalid(path, id, names::between(0, i32::MAX.into())))
}

/// `seccompProfile`, of a pod or a container.
pub(super) fn seccomp(profile: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !profile.is_object() {
        return errors;
    }
    let kind = profile.text("type");
    if kind == "Localhost" {
        if profile.text("localhostProfile").is_empty() {
            let detail = "must be set when seccomp type is Localhost";
            errors.push(FieldError::required(path.child("localhostProfile"), detail));
        }
        return errors;
    }
    if profile.has("localhostProfile") {
        let value = profile.at("localhostProfile").clone();
        let detail = "can only be set when seccomp type is Localhost";
        errors.push(FieldError::invalid(path.child("localhostProfile"), value, detail));
    }
    match kind {
        "RuntimeDefault" | "Unconfined" => {}
        "" => errors.push(FieldError::required(path.child("type"), "type is required when seccompProfile is set")),
        _ => {
            let kinds = ["Localhost", "RuntimeDefault", "Unconfined"];
            errors.push(FieldError::not_supported(path.child("type"), kind, &kinds));
        }
    }
    errors
}

fn dns_config(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let config = spec.at("dnsConfig");
    let servers = config.list("nameservers");
    let mut errors = Vec::new();
    if spec.text("dnsPolicy") == "None" {
        if !config.is_object() {
            let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
            return vec![FieldError::required(*path, detail)];
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return vec![FieldError::required(path.child("nameservers"), detail)];
        }
    }
    if servers.len() > 3 {
        let detail = "must not have more than 3 nameservers";
        errors.push(FieldError::invalid(path.child("nameservers"), servers.to_vec(), detail));
    }
    let list = path.child("nameservers");
    for (index, server) in servers.iter().filter_map(Value::as_str).enumerate() {
        errors.extend(addresses::ip(server, list.index(index)));
    }
    let searches = config.list("searches");
    if searches.len() > 32 {
        let detail = "must not have more than 32 search paths";
        errors.push(FieldError::invalid(path.child("searches"), searches.to_vec(), detail));
    }
    let options = path.child("options");
    for (index, _) in config.list("options").iter().enumerate().filter(|(_, o)| o.text("name").is_empty()) {
        errors.push(FieldError::required(options.index(index), "must not be empty"));
    }
    errors
}
