//! The operator on simulated nodes, where pods start, get ready and end by themselves.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod common;

use kubewright::k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{Pod, Secret};
use kubewright::kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::core::{GroupVersionKind, TypeMeta};
use kubewright::kube::discovery::pinned_kind;
use kubewright::kube::{Client, ResourceExt};
use kubewright_cluster::{ControlPlaneOptions, NodeOptions};
use kubewright_dataservice::{DataService, EXAMPLES, MANIFESTS, controller, crds};
use kubewright_testing::{TestEnv, eventually};
use serde_json::{Value, json};

use common::{RUNNING, SAMPLE, ThirdPartyServer, condition, options};

async fn environment() -> TestEnv {
    let nodes = Some(NodeOptions::default());
    let env = TestEnv::embedded_as(ControlPlaneOptions { nodes, ..ControlPlaneOptions::default() }).await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    env
}

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// Applies objects of any kind.
async fn apply(client: &Client, objects: Vec<Value>) {
    for object in objects {
        let types: TypeMeta = serde_json::from_value(object.clone()).unwrap();
        let (kind, capabilities) = pinned_kind(client, &GroupVersionKind::try_from(&types).unwrap()).await.unwrap();
        let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
            None => Api::all_with(client.clone(), &kind),
        };
        let name = object["metadata"]["name"].as_str().unwrap();
        api.patch(name, &PatchParams::apply("user"), &Patch::Apply(&object)).await.unwrap();
        assert_eq!(
            capabilities.scope,
            if object["metadata"]["namespace"].is_null() {
                kubewright::kube::discovery::Scope::Cluster
            } else {
                kubewright::kube::discovery::Scope::Namespaced
            }
        );
    }
}

async fn ready(services: &Api<DataService>) -> DataService {
    eventually("the DataService is ready", async || {
        let service = services.get_opt("dataservice-sample").await.unwrap()?;
        let ready = condition(&service, "Ready").is_some_and(|ready| ready.status == "True");
        ready.then_some(service)
    })
    .await
}

// A-95, A-100, A-107, A-108, A-113
#[tokio::test]
async fn the_sample_gets_ready_by_itself_wave_by_wave_and_leaves_nothing_when_it_is_deleted() {
    let env = environment().await;
    let third_party = ThirdPartyServer::start().await;
    let operator = env.operator(|manager| manager.controller(controller(options()).unwrap()));
    // As users write it, in the namespace that it names; only the third party is one that is there.
    apply(&env.client(), documents(&SAMPLE.replace("https://id.example.com/duc", &third_party.url()))).await;
    let services = Api::<DataService>::namespaced(env.client(), "default");
    let deployments = Api::<Deployment>::namespaced(env.client(), "default");
    let pods = Api::<Pod>::namespaced(env.client(), "default");
    ready(&services).await;
    let mysql = pods.get("mysql-dataservice-0").await.unwrap();
    assert_eq!(mysql.status.unwrap().phase.as_deref(), Some("Running"));
    let running = pods.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(running.len(), RUNNING.len());
    assert!(running.iter().all(|pod| pod.status.as_ref().unwrap().phase.as_deref() == Some("Running")));

    // No service began before the middleware was ready, and the web was the last.
    let made = |name: &str| {
        let name = format!("{name}-");
        let pod = running.iter().find(|pod| pod.name_any().starts_with(&name)).unwrap();
        let version = |pod: &Pod| pod.metadata.creation_timestamp.clone().unwrap().0;
        version(pod)
    };
    let (first, web) = (made("mysql-dataservice"), made("web"));
    for name in
        ["api-manager", "auth", "ds-adapter", "es-adapter", "trd-adapter", "gateway-master", "gateway-web", "proxy"]
    {
        assert!(first <= made(name) && made(name) <= web, "{name}");
    }

    services.delete("dataservice-sample", &DeleteParams::default()).await.unwrap();
    eventually("no pods", async || pods.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(()))
        .await;
    let sets = Api::<StatefulSet>::namespaced(env.client(), "default");
    assert!(sets.list(&ListParams::default()).await.unwrap().items.is_empty());
    eventually("no Deployments", async || {
        deployments.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    operator.stop().await.unwrap();
    env.stop().await;
}

#[tokio::test]
async fn the_example_needs_nothing_outside_of_the_cluster() {
    let env = environment().await;
    let operator = env.operator(|manager| manager.controller(controller(options()).unwrap()));
    apply(&env.client(), documents(EXAMPLES)).await;
    ready(&Api::namespaced(env.client(), "default")).await;
    operator.stop().await.unwrap();
    env.stop().await;
}

// A-112
#[tokio::test]
async fn its_manifests_deploy_it_and_give_it_the_rights_that_it_needs() {
    let env = environment().await;
    apply(&env.client(), documents(MANIFESTS)).await;
    let namespace = "d3os-operator-system";
    let deployments = Api::<Deployment>::namespaced(env.client(), namespace);
    let deployed = eventually("an available operator", async || {
        let deployment = deployments.get("d3os-operator-controller-manager").await.unwrap();
        (deployment.status.as_ref()?.available_replicas == Some(1)).then_some(deployment)
    })
    .await;
    let account = deployed.spec.unwrap().template.spec.unwrap().service_account_name.unwrap();

    // In the name of its account, the operator can do all of its work, and no more than that.
    let user = env.user(&format!("system:serviceaccount:{namespace}:{account}"), &[]).unwrap();
    let operator = env.operator_as(user.clone(), |manager| manager.controller(controller(options()).unwrap()));
    let mut service: Value = documents(EXAMPLES).remove(0);
    service["spec"]["mysql"]["credentialsSecret"] = json!("account");
    let secrets = Api::<Secret>::namespaced(env.client(), "default");
    let secret = json!({"metadata": {"name": "account"}, "stringData": {"username": "u", "password": "p"}});
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    apply(&env.client(), vec![service]).await;
    let services = Api::<DataService>::namespaced(env.client(), "default");
    ready(&services).await;
    let kind = Patch::Merge(json!({"spec": {"mysql": {"kind": 2}, "proxy": null}}));
    services.patch("dataservice-sample", &PatchParams::default(), &kind).await.unwrap();
    eventually("the change is through", async || {
        let service = services.get("dataservice-sample").await.unwrap();
        let ready = condition(&service, "Ready")?;
        (ready.status == "True" && ready.observed_generation == service.metadata.generation).then_some(())
    })
    .await;
    assert_eq!(operator.ready().await, Ok(()));
    let refused = Api::<Pod>::namespaced(user, "default").list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("cannot list resource \"pods\""), "{refused}");
    operator.stop().await.unwrap();
    env.stop().await;
}

#[tokio::test]
async fn what_the_guide_shows_gets_ready() {
    let env = environment().await;
    let operator = env.operator(|manager| manager.controller(controller(options()).unwrap()));
    let guide = include_str!("../../../docs/dataservice.md");
    let blocks: Vec<&str> = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 1);
    let objects: Vec<Value> = blocks.iter().flat_map(|block| documents(block)).collect();
    apply(&env.client(), objects.clone()).await;
    let services = Api::<DataService>::namespaced(env.client(), "default");
    for object in &objects {
        let name = object["metadata"]["name"].as_str().unwrap();
        eventually(&format!("{name} is ready"), async || {
            let ready = condition(&services.get(name).await.unwrap(), "Ready")?;
            (ready.status == "True").then_some(())
        })
        .await;
    }
    operator.stop().await.unwrap();
    env.stop().await;
}
