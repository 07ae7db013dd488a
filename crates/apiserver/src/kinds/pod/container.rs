//! Checks of containers: names, ports, mounts, devices, resources.

use serde_json::Value;

use super::spec::{id, one_of, seccomp};
use super::volume::{self, Volumes};
use super::{app_armor, claims, environment, probe};
use crate::field::{FieldError, FieldErrorKind};
use crate::kinds::addresses;
use crate::kinds::names;
use crate::kinds::path::Path;
use crate::kinds::quantity::Quantity;
use crate::kinds::tree::Tree;

/// The most rules for restarts that a container has.
const MOST_RESTART_RULES: usize = 20;

/// Checks the containers and init containers of a pod spec.
pub(super) fn validate_all(spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let grace = spec.int("terminationGracePeriodSeconds");
    let list = path.child("containers");
    let containers = spec.list("containers");
    if containers.is_empty() {
        errors.push(FieldError::required(list, ""));
    }
    for (index, container) in containers.iter().enumerate() {
        let path = list.index(index);
        errors.extend(common(container, volumes, spec, &path));
        if twice(container, &containers[..index]) {
            errors.push(FieldError::duplicate(path.child("name"), container.text("name")));
        }
        errors.extend(probe::lifecycle(container, grace, &path));
        errors.extend(probe::probes(container, grace, &path));
        errors.extend(restart_policy(container, &path));
    }
    errors.extend(host_port_conflicts(containers, &list));

    let list = path.child("initContainers");
    let inits = spec.list("initContainers");
    for (index, container) in inits.iter().enumerate() {
        let path = list.index(index);
        errors.extend(common(container, volumes, spec, &path));
        errors.extend(restart_policy(container, &path));
        if twice(container, containers) || twice(container, &inits[..index]) {
            errors.push(FieldError::duplicate(path.child("name"), container.text("name")));
        }
        errors.extend(host_port_conflicts(std::slice::from_ref(container), &list));
        if container.text("restartPolicy") == "Always" {
            errors.extend(probe::lifecycle(container, grace, &path));
            errors.extend(probe::probes(container, grace, &path));
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.has(field) {
                    let detail = "may not be set for init containers without restartPolicy=Always";
                    errors.push(FieldError::forbidden(path.child(field), detail));
                }
            }
        }
    }
    errors
}

fn twice(container: &Value, others: &[Value]) -> bool {
    let name = container.text("name");
    others.iter().any(|other| other.text("name") == name)
}

/// Checks what containers of all sorts of a pod spec have in common.
pub(super) fn common(container: &Value, volumes: &Volumes<'_>, spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let never_restarts = spec.text("restartPolicy") == "Never";
    let name = container.text("name");
    if name.is_empty() {
        errors.push(FieldError::required(path.child("name"), ""));
    } else {
        for message in names::dns_label(name) {
            errors.push(FieldError::invalid(path.child("name"), name, message));
        }
    }
    if container.text("image").is_empty() {
        errors.push(FieldError::required(path.child("image"), ""));
    }
    let policies = ["File", "FallbackToLogsOnError"];
    let field = path.child("terminationMessagePolicy");
    errors.extend(one_of(container.text("terminationMessagePolicy"), &policies, field));
    errors.extend(ports(container.list("ports"), &path.child("ports")));
    errors.extend(environment::variables(container.list("env"), &path.child("env")));
    errors.extend(environment::sources(container.list("envFrom"), &path.child("envFrom")));
    errors.extend(mounts(container, volumes, &path.child("volumeMounts")));
    errors.extend(devices(container, volumes, &path.child("volumeDevices")));
    let policies = ["Always", "IfNotPresent", "Never"];
    errors.extend(one_of(container.text("imagePullPolicy"), &policies, path.child("imagePullPolicy")));
    errors.extend(resources(container.at("resources"), spec, &path.child("resources")));
    errors.extend(resize_policy(container.list("resizePolicy"), never_restarts, &path.child("resizePolicy")));
    let host_users = spec.at("hostUsers") != &Value::Bool(false);
    errors.extend(security_context(container.at("securityContext"), host_users, &path.child("securityContext")));
    errors
}

fn restart_policy(container: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let policy = container.text("restartPolicy");
    let rules = container.list("restartPolicyRules");
    let allowed = ["Always", "Never", "OnFailure"];
    if !container.has("restartPolicy") {
        if !rules.is_empty() {
            let detail = "must specify restartPolicy when restart rules are used";
            errors.push(FieldError::required(path.child("restartPolicy"), detail));
        }
    } else if !allowed.contains(&policy) {
        errors.push(FieldError::not_supported(path.child("restartPolicy"), policy, &allowed));
    }
    let path = path.child("restartPolicyRules");
    if rules.len() > MOST_RESTART_RULES {
        let detail = format!("must have at most {MOST_RESTART_RULES} items");
        errors.push(FieldError::new(FieldErrorKind::TooMany, path, Value::Null, detail));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        let actions = ["Restart", "RestartAllContainers"];
        if !actions.contains(&rule.text("action")) {
            errors.push(FieldError::not_supported(path.child("action"), rule.text("action"), &actions));
        }
        if !rule.has("exitCodes") {
            errors.push(FieldError::required(path.child("exitCodes"), "must be specified"));
            continue;
        }
        let path = path.child("exitCodes");
        let operators = ["In", "NotIn"];
        let operator = rule.text("exitCodes.operator");
        if !operators.contains(&operator) {
            errors.push(FieldError::not_supported(path.child("operator"), operator, &operators));
        }
    }
    errors
}

fn ports(ports: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.text("name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if wrong.is_empty() && ports[..index].iter().any(|other| other.text("name") == name) {
                errors.push(FieldError::duplicate(path.child("name"), name));
            }
            errors.extend(wrong.into_iter().map(|message| FieldError::invalid(path.child("name"), name, message)));
        }
        match port.int("containerPort").unwrap_or_default() {
            0 => errors.push(FieldError::required(path.child("containerPort"), "")),
            number => errors.extend(addresses::port(number, path.child("containerPort"))),
        }
        match port.int("hostPort").unwrap_or_default() {
            0 => {}
            number => errors.extend(addresses::port(number, path.child("hostPort"))),
        }
        errors.extend(addresses::protocol(port.text("protocol"), path.child("protocol")));
    }
    errors
}

fn host_port_conflicts(containers: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        let path = path.index(index);
        let path = path.child("ports");
        for (at, port) in container.list("ports").iter().enumerate() {
            let Some(number) = port.int("hostPort").filter(|number| *number != 0) else { continue };
            let key = format!("{}/{}/{number}", port.text("protocol"), port.text("hostIP"));
            if seen.contains(&key) {
                errors.push(FieldError::duplicate(path.index(at).child("hostPort"), key));
            } else {
                seen.push(key);
            }
        }
    }
    errors
}

fn mounts(container: &Value, volumes: &Volumes<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let mounts = container.list("volumeMounts");
    let devices = container.list("volumeDevices");
    let mut errors = Vec::new();
    for (index, mount) in mounts.iter().enumerate() {
        let at = path.index(index);
        let (name, mount_path) = (mount.text("name"), mount.text("mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(at.child("name"), ""));
        }
        if !volumes.has(name) {
            errors.push(FieldError::new(FieldErrorKind::NotFound, at.child("name"), name.into(), ""));
        }
        if mount_path.is_empty() {
            errors.push(FieldError::required(at.child("mountPath"), ""));
        }
        if mounts[..index].iter().any(|other| other.text("mountPath") == mount_path) {
            errors.push(FieldError::invalid(at.child("mountPath"), mount_path, "must be unique"));
        }
        if devices.iter().any(|device| device.text("name") == name) {
            errors.push(FieldError::invalid(at.child("name"), name, "must not already exist in volumeDevices"));
        }
        if devices.iter().any(|device| device.text("devicePath") == mount_path) {
            let detail = "must not already exist as a path in volumeDevices";
            errors.push(FieldError::invalid(at.child("mountPath"), mount_path, detail));
        }
        let (sub, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
        if !sub.is_empty() {
            // The real server leaves the index out here and below.
            errors.extend(volume::descending_path(sub, path.child("subPath")));
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                let detail = "subPathExpr and subPath are mutually exclusive";
                errors.push(FieldError::invalid(at.child("subPathExpr"), expression, detail));
            }
            errors.extend(volume::descending_path(expression, path.child("subPathExpr")));
        }
        let propagation = mount.text("mountPropagation");
        if mount.has("mountPropagation") {
            let allowed = ["Bidirectional", "HostToContainer", "None"];
            if !allowed.contains(&propagation) {
                errors.push(FieldError::not_supported(path.child("mountPropagation"), propagation, &allowed));
            }
            if propagation == "Bidirectional" && !container.flag("securityContext.privileged") {
                let detail = "Bidirectional mount propagation is available only to privileged containers";
                errors.push(FieldError::forbidden(path.child("mountPropagation"), detail));
            }
        }
        if mount.has("recursiveReadOnly") {
            errors.extend(recursive_read_only(mount, &path.child("recursiveReadOnly")));
        }
    }
    errors
}

fn recursive_read_only(mount: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match mount.text("recursiveReadOnly") {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !mount.flag("readOnly") {
                errors.push(FieldError::forbidden(*path, "may only be specified when readOnly is true"));
            }
            if !matches!(mount.text("mountPropagation"), "" | "None") {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(*path, detail));
            }
        }
        other => errors.push(FieldError::not_supported(*path, other, &["Disabled", "Enabled", "IfPossible"])),
    }
    errors
}

fn devices(container: &Value, volumes: &Volumes<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let devices = container.list("volumeDevices");
    let mounts = container.list("volumeMounts");
    let mut errors = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        let path = path.index(index);
        let (name, device_path) = (device.text("name"), device.text("devicePath"));
        if name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        }
        let earlier = &devices[..index];
        if !name.is_empty() && earlier.iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::invalid(path.child("name"), name, "must be unique"));
        }
        if !volumes.has(name) {
            errors.push(FieldError::new(FieldErrorKind::NotFound, path.child("name"), name.into(), ""));
        } else if !volumes.is_claim(name) {
            let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            errors.push(FieldError::invalid(path.child("name"), name, detail));
        }
        if device_path.is_empty() {
            errors.push(FieldError::required(path.child("devicePath"), ""));
        }
        if earlier.iter().any(|other| other.text("devicePath") == device_path) {
            errors.push(FieldError::invalid(path.child("devicePath"), device_path, "must be unique"));
        }
        if device_path.split('/').any(|part| part == "..") {
            let detail = "can not contain backsteps ('..')";
            errors.push(FieldError::invalid(path.child("devicePath"), device_path, detail));
        }
        if mounts.iter().any(|mount| mount.text("name") == name) {
            errors.push(FieldError::invalid(path.child("name"), name, "must not already exist in volumeMounts"));
        }
        if mounts.iter().any(|mount| mount.text("mountPath") == device_path) {
            let detail = "must not already exist as a path in volumeMounts";
            errors.push(FieldError::invalid(path.child("devicePath"), device_path, detail));
        }
    }
    errors
}

/// Checks `resources` of a container of a pod spec.
pub(super) fn resources(resources: &Value, spec: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (limits, requests) = (path.child("limits"), path.child("requests"));
    for (name, amount) in resources.entries("limits") {
        errors.extend(resource_name(name, &limits));
        errors.extend(amount_of(name, amount, limits.key(name)));
    }
    for (name, amount) in resources.entries("requests") {
        errors.extend(resource_name(name, &requests));
        errors.extend(amount_of(name, amount, requests.key(name)));
        let Some(request) = Quantity::parse(amount) else { continue };
        match resources.at("limits").get(name) {
            None if !may_overcommit(name) => {
                errors.push(FieldError::required(limits, "Limit must be set for non overcommitable resources"));
            }
            None => {}
            Some(limit_text) => {
                let Some(limit) = Quantity::parse(limit_text) else { continue };
                let shown = limit_text.as_str().map_or_else(|| limit_text.to_string(), String::from);
                if request != limit && !may_overcommit(name) {
                    let detail = format!("must be equal to {name} limit of {shown}");
                    errors.push(FieldError::invalid(requests, amount.clone(), detail));
                } else if request > limit {
                    let detail = format!("must be less than or equal to {name} limit of {shown}");
                    errors.push(FieldError::invalid(requests, amount.clone(), detail));
                }
            }
        }
    }
    let given = |name: &dyn Fn(&str) -> bool| {
        let mut names = resources.entries("limits").chain(resources.entries("requests")).map(|(name, _)| name);
        names.any(|given| name(given))
    };
    if given(&|name| name.starts_with("hugepages-")) && !given(&|name| matches!(name, "cpu" | "memory")) {
        errors.push(FieldError::forbidden(*path, "HugePages require cpu or memory"));
    }
    errors.extend(claims::of_container(resources.list("claims"), spec, &path.child("claims")));
    errors
}

fn resource_name(name: &str, path: &Path<'_>) -> Vec<FieldError> {
    let path = path.key(name);
    let wrong = names::qualified_name(name);
    if !wrong.is_empty() {
        return wrong.into_iter().map(|message| FieldError::invalid(path, name, message)).collect();
    }
    if name.contains('/') || matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let standard = matches!(
        name,
        "storage"
            | "pods"
            | "services"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "resourcequotas"
            | "replicationcontrollers"
            | "requests.cpu"
            | "requests.memory"
            | "limits.cpu"
            | "limits.memory"
            | "requests.storage"
            | "requests.ephemeral-storage"
            | "limits.ephemeral-storage"
            | "services.nodeports"
            | "services.loadbalancers"
    );
    if !standard {
        errors.push(FieldError::invalid(path, name, "must be a standard resource type or fully qualified"));
    }
    errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
    errors
}

fn amount_of(name: &str, value: &Value, path: Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(amount) = Quantity::parse(value) else { return errors };
    if amount.is_negative() {
        errors.push(FieldError::invalid(path, value.clone(), "must be greater than or equal to 0"));
    }
    if name.contains('/') && !amount.is_whole() {
        errors.push(FieldError::invalid(path, value.clone(), "must be an integer"));
    }
    errors
}

/// Resources of Kubernetes itself may have requests below their limits; those of devices may not.
fn may_overcommit(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    native && !name.starts_with("hugepages-")
}

fn resize_policy(policies: &[Value], never_restarts: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, policy) in policies.iter().enumerate() {
        let (name, restart) = (policy.text("resourceName"), policy.text("restartPolicy"));
        if policies[..index].iter().any(|other| other.text("resourceName") == name) {
            errors.push(FieldError::duplicate(path.index(index), name));
        }
        errors.extend(one_of(name, &["cpu", "memory"], *path));
        errors.extend(one_of(restart, &["NotRequired", "RestartContainer"], *path));
        if never_restarts && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(*path, restart, detail));
        }
    }
    errors
}

fn security_context(context: &Value, host_users: bool, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["runAsUser", "runAsGroup"] {
        errors.extend(id(context.int(field), path.child(field)));
    }
    if context.has("procMount") {
        let kind = context.text("procMount");
        if !["Default", "Unmasked"].contains(&kind) {
            errors.push(FieldError::not_supported(path.child("procMount"), kind, &["Default", "Unmasked"]));
        }
        if host_users && kind == "Unmasked" {
            let detail = "`hostUsers` must be false to use `Unmasked`";
            errors.push(FieldError::invalid(path.child("procMount"), kind, detail));
        }
    }
    errors.extend(seccomp(context.at("seccompProfile"), &path.child("seccompProfile")));
    errors.extend(app_armor::profile(context.at("appArmorProfile"), &path.child("appArmorProfile")));
    if context.at("allowPrivilegeEscalation").as_bool() == Some(false) {
        if context.flag("privileged") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.push(FieldError::invalid(*path, context.clone(), detail));
        }
        if context.list("capabilities.add").iter().any(|name| name == "CAP_SYS_ADMIN") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.push(FieldError::invalid(*path, context.clone(), detail));
        }
    }
    errors
}
