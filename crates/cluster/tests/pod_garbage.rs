//! Which pods are ended because nobody else would end them.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kubewright_cluster::{ControlPlane, ControlPlaneOptions};
use kubewright_testing::TestEnv;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn pod(name: &str, node: Option<&str>, finalizers: &[&str]) -> Pod {
    object(json!({
        "metadata": {"name": name, "finalizers": finalizers},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
    }))
}

async fn create(env: &TestEnv, pods: &Api<Pod>, pod: Pod) {
    // Not before the namespace has its ServiceAccount.
    env.eventually("the pod made", async || pods.create(&PostParams::default(), &pod).await.ok()).await;
}

fn condition(pod: &Pod) -> Option<(String, Option<String>)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == "DisruptionTarget")?;
    Some((condition.status.clone(), condition.reason.clone()))
}

#[tokio::test]
async fn a_pod_that_is_being_deleted_and_has_no_node_fails() {
    let env = TestEnv::start().await.unwrap();
    let pods = Api::<Pod>::namespaced(env.client(), env.namespace());
    create(&env, &pods, pod("p", None, &["example.com/f"])).await;
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    let failed = async || {
        let phase = pods.get("p").await.unwrap().status?.phase?;
        (phase == "Failed").then_some(())
    };
    env.eventually("the pod failed", failed).await;
    let free = json!({"metadata": {"finalizers": null}});
    pods.patch("p", &PatchParams::default(), &Patch::Merge(free)).await.unwrap();
    env.eventually("the pod gone", async || pods.get_opt("p").await.unwrap().is_none().then_some(())).await;
    env.stop().await;
}

#[tokio::test]
async fn that_a_pod_is_to_be_disrupted_is_taken_back_when_nobody_deletes_it() {
    let env = TestEnv::start().await.unwrap();
    let pods = Api::<Pod>::namespaced(env.client(), env.namespace());
    for (name, reason) in [("evicted", "EvictionByEvictionAPI"), ("by-node", "TerminationByKubelet")] {
        create(&env, &pods, pod(name, None, &[])).await;
        let condition = json!({
            "type": "DisruptionTarget", "status": "True", "reason": reason, "message": "m",
            "lastTransitionTime": "2020-01-01T00:00:00Z",
        });
        let status = json!({"status": {"conditions": [condition]}});
        pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status)).await.unwrap();
    }
    let taken_back = async || condition(&pods.get("evicted").await.unwrap()).filter(|(status, _)| status == "False");
    let (_, reason) = env.eventually("the condition taken back", taken_back).await;
    assert_eq!(reason, None);
    let kept = condition(&pods.get("by-node").await.unwrap());
    assert_eq!(kept, Some(("True".into(), Some("TerminationByKubelet".into()))));
    env.stop().await;
}

/// In time that is made to pass: a node may be missing for a while.
#[tokio::test(start_paused = true)]
async fn pods_go_some_time_after_their_node() {
    let plane = ControlPlane::start(ControlPlaneOptions::default()).await.unwrap();
    let (nodes, pods) = (Api::<Node>::all(plane.client()), Api::<Pod>::namespaced(plane.client(), "default"));
    for name in ["gone", "back"] {
        let node: Node = object(json!({"metadata": {"name": name}}));
        nodes.create(&PostParams::default(), &node).await.unwrap();
        pods.create(&PostParams::default(), &pod(name, Some(name), &["example.com/f"])).await.unwrap();
    }
    plane.settled(&[]).await;
    for name in ["gone", "back"] {
        nodes.delete(name, &DeleteParams::default()).await.unwrap();
    }
    let node: Node = object(json!({"metadata": {"name": "back"}}));
    nodes.create(&PostParams::default(), &node).await.unwrap();
    plane.settled(&[]).await;
    assert!(pods.get("gone").await.unwrap().metadata.deletion_timestamp.is_none(), "its node may come back");
    tokio::time::sleep(Duration::from_secs(60)).await;
    plane.settled(&[]).await;
    let failed = pods.get("gone").await.unwrap();
    assert!(failed.metadata.deletion_timestamp.is_some());
    assert_eq!(condition(&failed), Some(("True".into(), Some("DeletionByPodGC".into()))));
    assert!(pods.get("back").await.unwrap().metadata.deletion_timestamp.is_none());
    plane.stop().await;
}
