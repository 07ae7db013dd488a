//! The operator is stopped before and after each single call of a whole life, and has to find its way back.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod common;

use std::sync::Arc;

use futures::future::BoxFuture;
use kubewright::k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::Pod;
use kubewright::kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright::patterns::composite::{Probe, Prober};
use kubewright::prelude::*;
use kubewright_cluster::{ControlPlaneOptions, NodeOptions};
use kubewright_dataservice::{DataService, Options, controller_with_prober, crds};
use kubewright_testing::{CrashOptions, CrashTest, Cut, TestEnv, World};
use serde_json::{Value, json};

use common::condition;

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
    // What is in a life is paid for at each crash point: one of each kind of component, and pods for the database only.
    let service = json!({"metadata": {"name": "a"}, "spec": {
        "mysql": {"name": null, "image": "mysql:1"},
        "uuc": {"name": null, "thirdParty": {"url": "https://id.example.com", "username": "u", "password": "p"}},
        "auth": {"name": null, "image": "auth:v1", "port": 9081, "replica": 0},
        "web": {"name": null, "image": "web:v1", "port": 80, "replica": 0},
    }});
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    ready(world, &services).await;
    world.mark("created").await;

    let change = json!({"spec": {
        "mysql": {"kind": 0, "port": 3307}, "uuc": Value::Null,
        "auth": {"image": "auth:v2", "env": {"LEVEL": "debug"}}, "web": {"port": 8080},
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

// Two tests, so that they run side by side.

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_of_a_life_ends_in_the_same_state() {
    crash(Cut::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_of_a_life_ends_in_the_same_state() {
    crash(Cut::After).await;
}

async fn crash(cut: Cut) {
    let nodes = Some(NodeOptions::default());
    let env = TestEnv::embedded_as(ControlPlaneOptions { nodes, ..ControlPlaneOptions::default() }).await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let test = CrashTest::new(&env, |manager, life| {
        let watch = Watch::all().namespace(life.namespace());
        manager.controller(controller_with_prober(Options::default(), watch, Arc::new(Answers)).unwrap())
    });
    let options = CrashOptions { cuts: vec![cut], ..CrashOptions::default() };
    let report = test.options(options).normalise(forget_history).run(life_cycle).await;
    assert!(report.points > 20, "{report}: {:?}", report.calls);
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
