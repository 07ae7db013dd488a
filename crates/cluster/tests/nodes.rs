//! Simulated nodes: pods are scheduled, get ready, fail as they are told to, and end.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright_cluster::{ControlPlane, ControlPlaneOptions, NodeOptions};
use kubewright_testing::eventually;
use serde_json::{Value, json};

async fn start(nodes: usize) -> ControlPlane {
    let nodes = Some(NodeOptions { count: nodes, ..NodeOptions::default() });
    ControlPlane::start(ControlPlaneOptions { nodes, ..ControlPlaneOptions::default() }).await.unwrap()
}

fn deployment(replicas: i32, annotations: Value) -> Deployment {
    let template = json!({
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": "app:1"}]},
    });
    let spec = json!({"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap()
}

#[tokio::test]
async fn a_deployment_gets_ready_on_the_nodes_and_goes_again() {
    let plane = start(2).await;
    let deployments = Api::<Deployment>::namespaced(plane.client(), "default");
    let pods = Api::<Pod>::namespaced(plane.client(), "default");
    let nodes = Api::<Node>::all(plane.client());
    deployments.create(&PostParams::default(), &deployment(4, json!({}))).await.unwrap();
    eventually("an available Deployment", async || {
        let status = deployments.get("web").await.unwrap().status?;
        (status.available_replicas == Some(4)).then_some(())
    })
    .await;
    let running = pods.list(&ListParams::default()).await.unwrap().items;
    let on = |node: &str| {
        let here = running.iter().filter(|pod| pod.spec.as_ref().unwrap().node_name.as_deref() == Some(node));
        here.count()
    };
    assert_eq!((on("node-1"), on("node-2")), (2, 2), "the pods are spread");
    let mut addresses: Vec<_> = running.iter().map(|pod| pod.status.clone().unwrap().pod_ip.unwrap()).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 4, "each has an address of its own");
    let node = nodes.get("node-1").await.unwrap();
    let conditions = node.status.unwrap().conditions.unwrap();
    assert!(conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"));

    deployments.delete("web", &DeleteParams::background()).await.unwrap();
    eventually("no pods", async || pods.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(()))
        .await;
    plane.stop().await;
}

#[tokio::test]
async fn a_failing_image_is_staged_by_an_annotation() {
    let plane = start(1).await;
    let deployments = Api::<Deployment>::namespaced(plane.client(), "default");
    let pods = Api::<Pod>::namespaced(plane.client(), "default");
    let fails = json!({"sim.kubewright.dev/image-fails": "main"});
    deployments.create(&PostParams::default(), &deployment(1, fails)).await.unwrap();
    eventually("a pod that can't pull its image", async || {
        let pod = pods.list(&ListParams::default()).await.unwrap().items.pop()?;
        let status = pod.status?.container_statuses?.pop()?;
        (status.state?.waiting?.reason? == "ImagePullBackOff").then_some(())
    })
    .await;
    let mend = json!({"spec": {"template": {"metadata": {"annotations": {"sim.kubewright.dev/image-fails": null}}}}});
    deployments.patch("web", &PatchParams::default(), &Patch::Merge(mend)).await.unwrap();
    eventually("an available Deployment", async || {
        let status = deployments.get("web").await.unwrap().status?;
        (status.available_replicas == Some(1) && status.replicas == Some(1)).then_some(())
    })
    .await;
    plane.stop().await;
}

#[tokio::test]
async fn a_pod_without_room_waits_and_says_why() {
    let plane = start(1).await;
    let pods = Api::<Pod>::namespaced(plane.client(), "default");
    let picky = json!({
        "metadata": {"name": "picky"},
        "spec": {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "main", "image": "app:1"}]},
    });
    pods.create(&PostParams::default(), &serde_json::from_value(picky).unwrap()).await.unwrap();
    let condition = eventually("a condition", async || {
        let conditions = pods.get("picky").await.unwrap().status?.conditions?;
        let condition = conditions.into_iter().find(|condition| condition.type_ == "PodScheduled");
        condition.filter(|condition| {
            condition.status == "False" && condition.message.as_deref().unwrap_or_default().starts_with("0/1")
        })
    })
    .await;
    let message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    assert_eq!((condition.reason.as_deref(), condition.message.as_deref()), (Some("Unschedulable"), Some(message)));
    let label = Patch::Merge(json!({"metadata": {"labels": {"disk": "ssd"}}}));
    Api::<Node>::all(plane.client()).patch("node-1", &PatchParams::default(), &label).await.unwrap();
    eventually("a running pod", async || {
        let pod = pods.get("picky").await.unwrap();
        (pod.status?.phase? == "Running").then_some(())
    })
    .await;
    plane.stop().await;
}

#[tokio::test]
async fn a_pod_ends_gracefully_and_leaves() {
    let plane = start(1).await;
    let pods = Api::<Pod>::namespaced(plane.client(), "default");
    let pod = json!({"metadata": {"name": "one"}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}});
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    eventually("a running pod", async || (pods.get("one").await.unwrap().status?.phase? == "Running").then_some(()))
        .await;
    pods.delete("one", &DeleteParams::default()).await.unwrap();
    let going = pods.get_opt("one").await.unwrap();
    assert!(going.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some()));
    eventually("no pod", async || pods.get_opt("one").await.unwrap().is_none().then_some(())).await;
    let gone: Vec<String> = pods.list(&ListParams::default()).await.unwrap().iter().map(|pod| pod.name_any()).collect();
    assert!(gone.is_empty());
    plane.stop().await;
}

#[tokio::test]
async fn jobs_run_to_their_end_and_fail_where_an_annotation_says_so() {
    let plane = start(2).await;
    let jobs = Api::<Job>::namespaced(plane.client(), "default");
    let create = async |name: &str, restart: &str, annotations: Value| {
        let template = json!({
            "metadata": {"annotations": annotations},
            "spec": {"restartPolicy": restart, "containers": [{"name": "main", "image": "work:1"}]},
        });
        let spec = json!({"completions": 3, "parallelism": 2, "backoffLimit": 1, "template": template});
        let job = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        jobs.create(&PostParams::default(), &job).await.unwrap();
    };
    create("good", "Never", json!({})).await;
    create("bad", "Never", json!({"sim.kubewright.dev/exit-code": "1"})).await;
    create("stubborn", "OnFailure", json!({"sim.kubewright.dev/exit-code": "1"})).await;
    let ended = async |name: &str, kind: &str| {
        eventually(&format!("{name} to be {kind}"), async || {
            let status = jobs.get(name).await.unwrap().status?;
            let mut conditions = status.conditions.iter().flatten();
            conditions.any(|condition| condition.type_ == kind && condition.status == "True").then_some(status)
        })
        .await
    };
    assert_eq!(ended("good", "Complete").await.succeeded, Some(3));
    assert_eq!(ended("bad", "Failed").await.failed, Some(2));
    ended("stubborn", "Failed").await;
    plane.stop().await;
}

#[tokio::test]
async fn the_claims_of_a_stateful_set_get_volumes_that_go_with_them() {
    let plane = start(1).await;
    let sets = Api::<StatefulSet>::namespaced(plane.client(), "default");
    let claims = Api::<PersistentVolumeClaim>::namespaced(plane.client(), "default");
    let volumes = Api::<PersistentVolume>::all(plane.client());
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let set = json!({"metadata": {"name": "db"}, "spec": {
        "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
        "template": {
            "metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "main", "image": "db:1"}]},
        },
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }});
    // The default class is there soon after the start.
    let classes = Api::<k8s_openapi::api::storage::v1::StorageClass>::all(plane.client());
    eventually("the default class", async || classes.get_opt("standard").await.unwrap()).await;
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    eventually("a ready StatefulSet", async || {
        (sets.get("db").await.unwrap().status?.ready_replicas == Some(2)).then_some(())
    })
    .await;
    let bound = eventually("a bound claim", async || {
        let claim = claims.get("data-db-1").await.unwrap();
        (claim.status.as_ref()?.phase.as_deref() == Some("Bound")).then_some(claim)
    })
    .await;
    let spec = bound.spec.unwrap();
    assert_eq!(spec.storage_class_name.as_deref(), Some("standard"));
    let name = spec.volume_name.unwrap();
    eventually("a bound volume", async || (volumes.get(&name).await.unwrap().status?.phase? == "Bound").then_some(()))
        .await;

    claims.delete("data-db-1", &DeleteParams::default()).await.unwrap();
    let used = claims.get("data-db-1").await.unwrap();
    assert!(used.metadata.deletion_timestamp.is_some(), "its pod uses it");
    sets.patch("db", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 1}}))).await.unwrap();
    eventually("no claim", async || claims.get_opt("data-db-1").await.unwrap().is_none().then_some(())).await;
    eventually("no volume", async || volumes.get_opt(&name).await.unwrap().is_none().then_some(())).await;
    plane.stop().await;
}
