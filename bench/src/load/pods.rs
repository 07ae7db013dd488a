//! Pods as varied as those of a real cluster: hundreds of templates, of which each Pod has its own name, addresses,
//! environment, annotations, containers' ids and times.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

const TEMPLATES: u64 = 300;
const NODES: u64 = 1000;
pub(crate) const NAMESPACES: u64 = 20;
/// 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600;

/// A Pod as its controller makes it, and the status that its node gives it.
pub(crate) struct Made {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) spec: Value,
    pub(crate) status: Value,
}

/// The Pod of this number: always the same.
pub(crate) fn pod(number: u64) -> Made {
    let template_number = number % TEMPLATES;
    let template = &mut StdRng::seed_from_u64(template_number);
    let own = &mut StdRng::seed_from_u64(1_000_000 + number);
    let app = format!("{}-{}", pick(template, &["shop", "search", "billing", "mail", "auth", "feed"]), template_number);
    let namespace = format!("team-{}", template_number % NAMESPACES);
    let hash = text(template, 9);
    let name = format!("{app}-{hash}-{}", text(own, 5));
    let node = format!("node-{}.eu-central.compute.example.com", own.random_range(0..NODES));
    let images: Vec<String> = (0..template.random_range(1..4))
        .map(|at| format!("registry.example.com/{app}/part-{at}:v1.{}.{}", template_number % 40, hex(template, 7)))
        .collect();
    let containers: Vec<Value> =
        images.iter().enumerate().map(|(at, image)| container(template, own, at, image)).collect();
    let started = EPOCH + own.random_range(0..20_000_000);
    let time = |seconds: i64| timestamp(started + seconds);
    let address = format!("10.{}.{}.{}", own.random_range(0..250), own.random_range(0..250), own.random_range(1..250));
    let host = format!("172.16.{}.{}", own.random_range(0..250), own.random_range(1..250));
    let statuses: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(at, image)| {
            json!({
                "name": format!("part-{at}"), "image": image, "ready": true, "started": true,
                "imageID": format!("registry.example.com/{app}/part-{at}@sha256:{}", hex(template, 64)),
                "containerID": format!("containerd://{}", hex(own, 64)),
                "restartCount": if own.random_bool(0.1) { own.random_range(1..9) } else { 0 }, "lastState": {},
                "state": {"running": {"startedAt": time(own.random_range(1..9))}},
            })
        })
        .collect();
    let condition = |name: &str, at: i64| json!({"type": name, "status": "True", "lastProbeTime": null, "lastTransitionTime": time(at)});
    let mut labels = json!({
        "app.kubernetes.io/name": app, "app.kubernetes.io/instance": format!("{app}-prod"), "pod-template-hash": hash,
        "app.kubernetes.io/version": format!("v1.{}", template_number % 40), "team": namespace,
    });
    if template_number.is_multiple_of(3) {
        labels["tier"] = json!("frontend");
    }
    Made {
        spec: json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": namespace, "labels": labels,
                "annotations": {
                    "checksum/config": hex(template, 64), "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
                    "cni.example.com/addresses": format!("[{{\"name\":\"default\",\"ips\":[\"{address}\"]}}]"),
                    "kubectl.kubernetes.io/restartedAt": timestamp(EPOCH + template_number as i64 * 977),
                },
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-{hash}"),
                    "uid": uuid(template), "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "serviceAccountName": app, "automountServiceAccountToken": false, "nodeName": node,
                "containers": containers, "priority": 0, "preemptionPolicy": "PreemptLowerPriority",
                "tolerations": [
                    {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                    {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                ],
                "volumes": [
                    {"name": "config", "configMap": {"name": format!("{app}-config")}},
                    {"name": "scratch", "emptyDir": {}},
                ],
            },
        }),
        status: json!({
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": host, "hostIPs": [{"ip": host}],
            "qosClass": "Burstable", "startTime": time(0), "containerStatuses": statuses,
            "conditions": [
                condition("PodReadyToStartContainers", 2), condition("Initialized", 0), condition("Ready", 9),
                condition("ContainersReady", 9), condition("PodScheduled", 0),
            ],
        }),
        namespace,
        name,
    }
}

fn container(template: &mut StdRng, own: &mut StdRng, at: usize, image: &str) -> Value {
    let mut env: Vec<Value> = (0..template.random_range(2..9))
        .map(|_| json!({"name": format!("SETTING_{}", text(template, 6).to_uppercase()), "value": text(template, 14)}))
        .collect();
    env.push(json!({"name": "INSTANCE", "value": text(own, 12)}));
    env.push(json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}));
    let port = template.random_range(1024..20000);
    json!({
        "name": format!("part-{at}"), "image": image, "env": env,
        "args": ["--listen", format!(":{port}"), "--level", pick(template, &["info", "warn", "debug"])],
        "ports": [{"name": "http", "containerPort": port}],
        "resources": {
            "requests": {"cpu": format!("{}m", template.random_range(1..20) * 50), "memory": format!("{}Mi", template.random_range(1..64) * 32)},
            "limits": {"memory": format!("{}Mi", template.random_range(64..128) * 32)},
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": template.random_range(5..20)},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true}, {"name": "scratch", "mountPath": "/tmp"}],
        "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    })
}

fn pick(random: &mut StdRng, of: &[&'static str]) -> &'static str {
    of[random.random_range(0..of.len())]
}

fn text(random: &mut StdRng, length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

fn hex(random: &mut StdRng, length: usize) -> String {
    (0..length).map(|_| char::from(b"0123456789abcdef"[random.random_range(0..16)])).collect()
}

fn uuid(random: &mut StdRng) -> String {
    [8, 4, 4, 4, 12].map(|length| hex(random, length)).join("-")
}

fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_the_same_each_time_and_differ_from_each_other() {
        assert_eq!(pod(7).spec, pod(7).spec);
        assert_ne!(pod(7).name, pod(7 + TEMPLATES).name);
        assert_eq!(pod(7).spec["metadata"]["labels"], pod(7 + TEMPLATES).spec["metadata"]["labels"]);
    }
}
