//! Checks of a pod spec, and of a pod template.

use serde_json::Value;

use super::{app_armor, claims, container, environment, level, os, placement, subresource, volume};
use crate::field::FieldError;
use crate::go_text::{Absent, internal_json};
use crate::kinds::metadata::{too_long, validate_annotations, validate_labels};
use crate::kinds::names::{self, UNDERSCORED_LABEL};
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;
use crate::kinds::{addresses, quantity};

/// The marker of Pods that a node makes from its own files.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";
/// How dear a Pod is when a ReplicaSet has too many.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

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
    errors.extend(pod_annotations(object));
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

fn pod_annotations(object: &Value) -> Vec<FieldError> {
    let path = Path::new("metadata.annotations");
    let annotation = |name: &str| object.at("metadata.annotations").get(name).and_then(Value::as_str);
    let mut errors = Vec::new();
    if let Some(value) = annotation(MIRROR)
        && object.text("spec.nodeName").is_empty()
    {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(FieldError::invalid(path.key(MIRROR), value, detail));
    }
    for (name, value) in object.entries("metadata.annotations") {
        let known = matches!(value.as_str(), Some("runtime/default" | "docker/default" | "unconfined"));
        let of_pod = name == "seccomp.security.alpha.kubernetes.io/pod";
        if (of_pod || name.starts_with("container.seccomp.security.alpha.kubernetes.io/")) && !known {
            let at = path.child(name);
            match value.as_str().and_then(|value| value.strip_prefix("localhost/")) {
                Some(profile) => errors.extend(volume::descending_path(profile, at)),
                None => errors.push(FieldError::invalid(at, value.clone(), "must be a valid seccomp profile")),
            }
        }
    }
    if let Some(value) = annotation(DELETION_COST) {
        // As it is written by Go: no plus, no zeros before it.
        let canonical = value == "0" || !value.starts_with(['+', '0']) && !value.starts_with("-0");
        if !canonical || value.parse::<i32>().is_err() {
            errors.push(FieldError::invalid(path.key(DELETION_COST), value, "must be a 32bit integer"));
        }
    }
    errors
}

fn validate(spec: &Value, path: &Path<'_>, is_pod: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (volumes, wrong) = volume::validate(spec.list("volumes"), is_pod, &path.child("volumes"));
    errors.extend(wrong);
    errors.extend(container::validate_all(spec, &volumes, path));
    errors.extend(subresource::ephemeral_containers(spec, &volumes, path));
    errors.extend(environment::file_volumes(spec, path));
    errors.extend(claims::of_pod(spec.list("resourceClaims"), &path.child("resourceClaims")));
    errors.extend(level::validate(spec, path));
    if spec.flag("hostNetwork") {
        errors.extend(host_ports(spec, path, is_pod));
    }
    let policies = ["Always", "OnFailure", "Never"];
    errors.extend(one_of(spec.text("restartPolicy"), &policies, path.child("restartPolicy")));
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    errors.extend(one_of(spec.text("dnsPolicy"), &policies, path.child("dnsPolicy")));
    errors.extend(validate_labels(spec.at("nodeSelector"), &path.child("nodeSelector")));
    errors.extend(security_context(spec, &path.child("securityContext")));
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
    errors.extend(os::namespaces(spec, path));
    errors.extend(host_name(spec, path));
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
    errors.extend(os::validate(spec, path));
    errors
}

fn host_name(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = path.child("hostnameOverride");
    let Some(name) = spec.at("hostnameOverride").as_str() else { return errors };
    for field in ["setHostnameAsFQDN", "hostNetwork"] {
        if spec.flag(field) {
            errors.push(FieldError::forbidden(path, format!("may not be specified when {field} is true")));
        }
    }
    if name.len() > 64 {
        errors.push(too_long(path, 64));
    }
    errors.extend(names::dns_subdomain(name).into_iter().map(|message| FieldError::invalid(path, name, message)));
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

fn security_context(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let context = spec.at("securityContext");
    let mut errors = Vec::new();
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        errors.extend(id(context.int(field), path.child(field)));
    }
    let groups = path.child("supplementalGroups");
    for (index, group) in context.list("supplementalGroups").iter().enumerate() {
        errors.extend(id(group.as_i64(), groups.index(index)));
    }
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(path.child("shareProcessNamespace"), true, detail));
    }
    errors.extend(sysctls(spec, &path.child("sysctls")));
    if context.has("fsGroupChangePolicy") {
        let policies = ["Always", "OnRootMismatch"];
        errors.extend(one_of(context.text("fsGroupChangePolicy"), &policies, path.child("fsGroupChangePolicy")));
    }
    errors.extend(seccomp(context.at("seccompProfile"), &path.child("seccompProfile")));
    errors.extend(app_armor::profile(context.at("appArmorProfile"), &path.child("appArmorProfile")));
    for (field, policies) in
        [("supplementalGroupsPolicy", ["Merge", "Strict"]), ("seLinuxChangePolicy", ["MountOption", "Recursive"])]
    {
        let policy = context.text(field);
        if context.has(field) && !policies.contains(&policy) {
            errors.push(FieldError::not_supported(path.child(field), policy, &policies));
        }
    }
    errors
}

fn sysctls(spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let list = spec.list("securityContext.sysctls");
    let mut errors = Vec::new();
    for (index, one) in list.iter().enumerate() {
        let path = path.index(index);
        let path = path.child("name");
        let name = one.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(path, ""));
        } else if name.len() > 253 || !name.split(['.', '/']).all(names::is_underscored_label) {
            let detail = format!(
                "must have at most 253 characters and match regex ^({UNDERSCORED_LABEL}[\\./])*{UNDERSCORED_LABEL}$"
            );
            errors.push(FieldError::invalid(path, name, detail));
        } else if list[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(path, name));
        }
        let space = name.replace('/', ".");
        let of_net = space.starts_with("net.");
        let of_ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| space.starts_with(start))
            || space == "kernel.sem";
        for (field, used) in [("hostNetwork", of_net), ("hostIPC", of_ipc)] {
            if used && spec.flag(field) {
                errors.push(FieldError::invalid(path, name, format!("may not be specified when '{field}' is true")));
            }
        }
    }
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
        let fields = [("Type", "type", Absent::Text), ("LocalhostProfile", "localhostProfile", Absent::Nil)];
        let error = FieldError::invalid(path.child("localhostProfile"), value, detail);
        errors.push(error.showing(internal_json(profile, &fields)));
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
    let list = path.child("searches");
    if searches.iter().filter_map(Value::as_str).map(|search| search.len() + 1).sum::<usize>() > 2049 {
        let detail = "must not have more than 2048 characters (including spaces) in the search list";
        errors.push(FieldError::invalid(list, searches.to_vec(), detail));
    }
    for (index, search) in searches.iter().filter_map(Value::as_str).enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        let wrong = names::search_domain(search).into_iter();
        errors.extend(wrong.map(|message| FieldError::invalid(list.index(index), search, message)));
    }
    let options = path.child("options");
    for (index, _) in config.list("options").iter().enumerate().filter(|(_, o)| o.text("name").is_empty()) {
        errors.push(FieldError::required(options.index(index), "must not be empty"));
    }
    errors
}
