//! Defaults of a pod spec.

use serde_json::{Value, json};

use super::level;
use crate::kinds::tree::Tree;

/// Modes of files in volumes: 0644.
const FILE_MODE: i64 = 0o644;

/// Defaults of a Pod.
pub(super) fn pod(object: &mut Value) {
    let spec = object.ensure("spec");
    self::spec(spec);
    for list in ["containers", "initContainers"] {
        for container in spec.each_mut(list) {
            requests_from_limits(container);
        }
    }
    if spec.has("resources") {
        pod_requests_from_limits(spec);
    }
    spec.default_to("enableServiceLinks", true);
    if spec.flag("hostNetwork") {
        for list in ["containers", "initContainers"] {
            for container in spec.each_mut(list) {
                for port in container.each_mut("ports") {
                    if port.int("hostPort").unwrap_or_default() == 0 {
                        port.copy_to("containerPort", "hostPort");
                    }
                }
            }
        }
    }
}

/// Defaults of a pod template.
pub(in crate::kinds) fn template(template: &mut Value) {
    spec(template.ensure("spec"));
}

/// What admission (DefaultTolerationSeconds) adds to Pods: they stay on a node that can't be reached for five minutes,
/// unless they say otherwise.
pub(crate) fn tolerate_unreachable_nodes(pod: &mut Value) {
    let spec = pod.ensure("spec");
    let mut tolerations = spec.list("tolerations").to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = spec.list("tolerations").iter().any(|toleration| {
            matches!(toleration.text("key"), found if found == key || found.is_empty())
                && matches!(toleration.text("effect"), "NoExecute" | "")
        });
        if !tolerated {
            tolerations
                .push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
    if !tolerations.is_empty() {
        spec.set("tolerations", tolerations);
    }
}

fn spec(spec: &mut Value) {
    spec.default_text("dnsPolicy", "ClusterFirst");
    spec.default_text("restartPolicy", "Always");
    spec.default_to("securityContext", json!({}));
    spec.default_to("terminationGracePeriodSeconds", 30);
    spec.default_text("schedulerName", "default-scheduler");
    // serviceAccount is the old name of serviceAccountName; both are kept.
    if spec.text("serviceAccountName").is_empty() {
        spec.copy_to("serviceAccount", "serviceAccountName");
    }
    if !spec.text("serviceAccountName").is_empty() {
        spec.copy_to("serviceAccountName", "serviceAccount");
    }
    for volume in spec.each_mut("volumes") {
        self::volume(volume);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec.each_mut(list) {
            self::container(container);
        }
    }
    level::default_requests(spec);
}

fn container(container: &mut Value) {
    let policy = pull_policy(container.text("image"));
    container.default_text("imagePullPolicy", policy);
    container.default_text("terminationMessagePath", "/dev/termination-log");
    container.default_text("terminationMessagePolicy", "File");
    for port in container.each_mut("ports") {
        port.default_text("protocol", "TCP");
    }
    for variable in container.each_mut("env") {
        if let Some(source) = variable.field_mut("valueFrom") {
            field_selector(source);
            if let Some(file) = source.field_mut("fileKeyRef") {
                file.default_to("optional", false);
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.field_mut(probe).filter(|probe| probe.is_object()) {
            for (field, value) in
                [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
            {
                if probe.int(field).unwrap_or_default() == 0 {
                    probe.set(field, value);
                }
            }
            if let Some(grpc) = probe.field_mut("grpc") {
                grpc.default_to("service", "");
            }
            http_get(probe);
        }
    }
    if let Some(lifecycle) = container.field_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = lifecycle.field_mut(hook) {
                http_get(hook);
            }
        }
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = handler.field_mut("httpGet").filter(|get| get.is_object()) {
        get.default_text("path", "/");
        get.default_text("scheme", "HTTP");
    }
}

fn field_selector(source: &mut Value) {
    if let Some(reference) = source.field_mut("fieldRef").filter(|reference| reference.is_object()) {
        reference.default_text("apiVersion", "v1");
    }
}

fn volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |map| map.iter().filter(|(k, v)| *k != "name" && !v.is_null()).count());
    if sources == 0 {
        volume.set("emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.field_mut(source).filter(|source| source.is_object()) {
            source.default_to("defaultMode", FILE_MODE);
            source.each_mut("items").for_each(field_selector);
            for projection in source.each_mut("sources") {
                if let Some(token) = projection.field_mut("serviceAccountToken").filter(|token| token.is_object()) {
                    token.default_to("expirationSeconds", 3600);
                }
                if let Some(items) = projection.field_mut("downwardAPI") {
                    items.each_mut("items").for_each(field_selector);
                }
            }
        }
    }
    let plain: [(&str, &[(&str, Value)]); 5] = [
        ("hostPath", &[("type", json!(""))]),
        ("iscsi", &[("iscsiInterface", json!("default"))]),
        ("rbd", &[("pool", json!("rbd")), ("user", json!("admin")), ("keyring", json!("/etc/ceph/keyring"))]),
        (
            "azureDisk",
            &[
                ("cachingMode", json!("ReadWrite")),
                ("kind", json!("Shared")),
                ("fsType", json!("ext4")),
                ("readOnly", json!(false)),
            ],
        ),
        ("scaleIO", &[("storageMode", json!("ThinProvisioned")), ("fsType", json!("xfs"))]),
    ];
    for (source, defaults) in plain {
        if let Some(source) = volume.field_mut(source).filter(|source| source.is_object()) {
            for (field, value) in defaults {
                source.default_to(field, value.clone());
            }
        }
    }
    if let Some(template) = volume.field_mut("ephemeral").and_then(|source| source.field_mut("volumeClaimTemplate")) {
        template.ensure("spec").default_text("volumeMode", "Filesystem");
    }
    if let Some(image) = volume.field_mut("image").filter(|image| image.is_object()) {
        let policy = pull_policy(image.text("reference"));
        image.default_text("pullPolicy", policy);
    }
}

fn requests_from_limits(container: &mut Value) {
    let limits = container.at("resources.limits").clone();
    let Some(limits) = limits.as_object().filter(|limits| !limits.is_empty()) else { return };
    let requests = container.ensure("resources").ensure("requests");
    for (name, limit) in limits {
        requests.default_to(name, limit.clone());
    }
}

fn pod_requests_from_limits(spec: &mut Value) {
    let limits = spec.at("resources.limits").clone();
    let asked = |name: &str| {
        let containers = spec.list("containers").iter().chain(spec.list("initContainers"));
        containers.filter(|container| container.at("resources.requests").get(name).is_some()).count()
    };
    let missing: Vec<(String, Value)> = limits
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory") && asked(name) == 0)
        .map(|(name, limit)| (name.clone(), limit.clone()))
        .collect();
    if !missing.is_empty() {
        let requests = spec.ensure("resources").ensure("requests");
        for (name, limit) in missing {
            requests.default_to(&name, limit);
        }
    }
}

/// `Always` for images that may change behind their name.
fn pull_policy(image: &str) -> &'static str {
    let (named, digest) = image.split_once('@').map_or((image, false), |(named, _)| (named, true));
    let tag = match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !repository.is_empty() => Some(tag),
        _ => None,
    };
    let repository = tag.map_or(named, |tag| &named[..named.len() - tag.len() - 1]);
    // A name that can't be read has no tag, so the server takes it for a fixed one.
    let path = match repository.split_once('/') {
        Some((host, path))
            if host.contains(['.', ':']) || host == "localhost" || host.chars().any(char::is_uppercase) =>
        {
            path
        }
        _ => repository,
    };
    let readable = !path.is_empty() && !path.chars().any(|c| c.is_uppercase() || c.is_whitespace());
    if readable && (tag == Some("latest") || (tag.is_none() && !digest)) { "Always" } else { "IfNotPresent" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_moving_images_are_pulled_always() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0000", "IfNotPresent"),
            ("nginx:latest@sha256:0000", "Always"),
            ("Nginx", "IfNotPresent"),
            ("", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image:?}");
        }
    }
}
