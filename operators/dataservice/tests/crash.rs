//! The operator is stopped before and after each single call of a whole life, and has to find its way back.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use kubewright::k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::Pod;
use kubewright::kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright::patterns::composite::{Probe, Prober};
use kubewright::prelude::*;
use kubewright_cluster::{ControlPlaneOptions, NodeOptions};
use kubewright_dataservice::{DataService, Options, controller_with_prober, crds};
use kubewright_testing::{CrashTest, TestEnv, World};
use serde_json::{Value, json};

use common::{condition, small};

/// A third party that is always there. Whether one answers changes nothing, so that asking is no crash point.
struct Answers;

impl Prober for Answers {
    fn probe<'a>(&'a self, _: &'a Probe) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

async fn ready(world: &World<'_>, services: &Api<DataService>) {
    world
        .eventually("the DataService is ready", async || {
            let service = services.get("a").await.unwrap();
            let ready = condition(&service, "Ready")?;
            (ready.status == "True" && ready.observed_generation == service.metadata.generation).then_some(())
        })
        .await;
}

async fn life_cycle(world: &World<'_>) {
    let services = Api::<DataService>::namespaced(world.client(), world.namespace());
    let mut service = small(world.namespace(), "a");
    let third_party = json!({"url": "https://id.example.com/duc", "username": "u", "password": "p"});
    service["spec"]["uuc"] = json!({"name": null, "thirdParty": third_party});
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    ready(world, &services).await;
    world.mark("created").await;

    let change = json!({"spec": {
        "mysql": {"kind": 0, "port": 3307}, "auth": {"image": "auth:v2", "env": {"LEVEL": "debug"}},
        "gateway-web": Value::Null, "web": {"replica": 2, "port": 8080}, "uuc": {"thirdParty": {"password": "q"}},
    }});
    services.patch("a", &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    ready(world, &services).await;
    let sets = Api::<StatefulSet>::namespaced(world.client(), world.namespace());
    let none = async || sets.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(());
    world.eventually("no StatefulSet", none).await;
    world.mark("changed").await;

    services.delete("a", &DeleteParams::default()).await.unwrap();
    let deployments = Api::<Deployment>::namespaced(world.client(), world.namespace());
    let pods = Api::<Pod>::namespaced(world.client(), world.namespace());
    world
        .eventually("nothing is left", async || {
            let deployments = deployments.list(&ListParams::default()).await.unwrap().items;
            let pods = pods.list(&ListParams::default()).await.unwrap().items;
            (deployments.is_empty() && pods.is_empty()).then_some(())
        })
        .await;
    world.mark("deleted").await;
}

#[tokio::test(start_paused = true)]
#[ignore = "90 lives with pods take minutes: cargo test -p kubewright-dataservice --test crash -- --ignored"]
async fn a_crash_at_any_call_of_a_life_ends_in_the_same_state() {
    let nodes = Some(NodeOptions::default());
    let env = TestEnv::embedded_as(ControlPlaneOptions { nodes, ..ControlPlaneOptions::default() }).await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let test = CrashTest::new(&env, |manager, life| {
        let watch = Watch::all().namespace(life.namespace());
        manager.controller(controller_with_prober(Options::default(), watch, Arc::new(Answers)).unwrap())
    });
    let report = test.normalise(forget_history).run(life_cycle).await;
    let made: BTreeMap<&str, usize> = report.calls.iter().fold(BTreeMap::new(), |mut made, call| {
        *made.entry(call.split(' ').next().unwrap_or_default()).or_default() += 1;
        made
    });
    assert!(report.points > 60, "{report}: {made:?}");
    env.stop().await;
}

/// What tells how the state came about, and not what it is: how often templates were changed, which Pod was the first.
fn forget_history(object: &mut Value) {
    for path in ["/metadata/annotations", "/spec/template/metadata/annotations"] {
        if let Some(annotations) = object.pointer_mut(path).and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
}
