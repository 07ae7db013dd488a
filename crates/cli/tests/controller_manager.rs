//! The real kube-controller-manager beside this `kube-apiserver`: it works, and finds nothing to complain of.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets). It scales a Deployment up and down for
//! `KUBEWRIGHT_CONTROLLER_MANAGER_SECONDS`, 60 by default.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_real::{Options, RealCluster};
use serde_json::json;
use support::{Scratch, eventually, kubewright, stderr, stdout};

fn is_real_tier() -> bool {
    let real = std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1");
    if !real {
        println!("not run: part of the real tier, cargo xtask real");
    }
    real
}

fn how_long() -> Duration {
    let seconds = std::env::var("KUBEWRIGHT_CONTROLLER_MANAGER_SECONDS").ok();
    Duration::from_secs(seconds.map_or(60, |seconds| seconds.parse().expect("a number of seconds")))
}

#[tokio::test]
async fn the_controller_manager_scales_a_deployment_and_complains_of_nothing() {
    if !is_real_tier() {
        return;
    }
    let scratch = Scratch::new();
    let assets = scratch.path("assets");
    let made = kubewright().arg("assets").arg("--dir").arg(&assets).output().unwrap();
    assert!(made.status.success(), "{}{}", stdout(&made), stderr(&made));
    let options = Options {
        controller_manager: true,
        controller_manager_arguments: vec!["--use-service-account-credentials=true".into()],
        servers: Some(assets),
        ..Options::default()
    };
    let cluster = RealCluster::start(options).await.expect("the controller manager works with this server");
    let client = cluster.client().unwrap();

    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "work"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "work");
    eventually("a default ServiceAccount", async || accounts.get_opt("default").await.unwrap().is_some()).await;

    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "work");
    let pods: Api<Pod> = Api::namespaced(client.clone(), "work");
    let labels = json!({"app": "scaled"});
    let deployment = json!({
        "metadata": {"name": "scaled"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "busybox"}]},
            },
        },
    });
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    let started = Instant::now();
    for replicas in [3, 1, 5, 0, 2].into_iter().cycle() {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        deployments.patch_scale("scaled", &PatchParams::default(), &patch).await.unwrap();
        eventually("as many Pods as replicas, and a status that says so", async || {
            let there = pods.list(&ListParams::default()).await.unwrap().items.len();
            let status = deployments.get("scaled").await.unwrap().status.unwrap_or_default();
            there == replicas && status.replicas.unwrap_or(0) == i32::try_from(replicas).unwrap()
        })
        .await;
        // Pods become ready as on a node, so that the controllers have all of their work to do.
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            let name = pod.metadata.name.unwrap();
            if pod.status.is_none_or(|status| status.phase.as_deref() != Some("Running")) {
                let ready = json!({"type": "Ready", "status": "True"});
                let status = Patch::Strategic(json!({"status": {"phase": "Running", "conditions": [ready]}}));
                pods.patch_status(&name, &PatchParams::default(), &status).await.unwrap();
            }
        }
        eventually("ready replicas", async || {
            let status = deployments.get("scaled").await.unwrap().status.unwrap_or_default();
            status.ready_replicas.unwrap_or(0) == i32::try_from(replicas).unwrap()
        })
        .await;
        if started.elapsed() >= how_long() {
            break;
        }
    }

    // The garbage collector and the namespace controller of the controller manager take everything away again.
    namespaces.delete("work", &DeleteParams::default()).await.unwrap();
    eventually("the namespace is gone", async || namespaces.get_opt("work").await.unwrap().is_none()).await;
    let sets: Api<ReplicaSet> = Api::all(client);
    eventually("nothing is left", async || sets.list(&ListParams::default()).await.unwrap().items.is_empty()).await;

    let log = cluster.logs().into_iter().find(|log| log.ends_with("kube-controller-manager.log")).unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    let complaints: BTreeSet<&str> = text.lines().filter(|line| is_complaint(line)).collect();
    assert!(complaints.is_empty(), "{}:\n{}", log.display(), complaints.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What the controller manager reports as an error beside a real kube-apiserver as well: that a flag is not set, and that
/// a sync waits for a cache to catch up with its own write.
const HARMLESS: [&str; 2] = ["The manifest file is empty, ignoring.", "is not as new as written version: "];

/// Errors of klog, `E1121 …`.
fn is_complaint(line: &str) -> bool {
    let mut letters = line.chars();
    let error =
        matches!(letters.next(), Some('E' | 'F')) && letters.next().is_some_and(|letter| letter.is_ascii_digit());
    error && !HARMLESS.iter().any(|harmless| line.contains(harmless))
}
