//! What the API server takes and refuses by itself.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod common;

use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, DeleteParams, ListParams, PostParams};
use kubewright_dataservice::{DataService, MiddlewareKind, crds};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

use common::{SAMPLE, small};

async fn environment() -> (TestEnv, Api<DataService>) {
    let env = TestEnv::start().await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let services = Api::namespaced(env.client(), env.namespace());
    (env, services)
}

/// Creates the small DataService with `value` at `path` of its specification.
async fn with(services: &Api<DataService>, namespace: &str, path: &str, value: Value) -> Result<DataService, String> {
    let mut object = small(namespace, "a");
    let mut at = &mut object["spec"];
    for key in path.split('.') {
        at = &mut at[key];
    }
    *at = value;
    send(services, &object).await
}

async fn send(services: &Api<DataService>, object: &Value) -> Result<DataService, String> {
    let bytes = serde_json::to_vec(object).unwrap();
    let request = kubewright::kube::core::Request::new(services.resource_url());
    let request = request.create(&PostParams::default(), bytes).unwrap();
    let created: Result<DataService, _> = services.clone().into_client().request(request).await;
    if let Ok(created) = &created {
        let name = created.metadata.name.clone().unwrap();
        services.delete(&name, &DeleteParams::default()).await.unwrap();
    }
    created.map_err(|error| error.to_string())
}

//
#[tokio::test]
async fn the_definition_installs_shows_among_the_versions_and_uninstalls() {
    let (env, services) = environment().await;
    let definitions = Api::<CustomResourceDefinition>::all(env.client());
    let definition = definitions.get("dataservices.d3os-product.com.d3os").await.unwrap();
    assert_eq!(definition.spec.versions.iter().map(|version| version.name.as_str()).collect::<Vec<_>>(), ["v1"]);
    let groups = env.client().list_api_groups().await.unwrap();
    let versions = groups.groups.iter().flat_map(|group| &group.versions);
    assert!(versions.into_iter().any(|version| version.group_version == "d3os-product.com.d3os/v1"));
    assert!(services.list(&ListParams::default()).await.unwrap().items.is_empty());

    definitions.delete("dataservices.d3os-product.com.d3os", &DeleteParams::default()).await.unwrap();
    env.eventually("the definition is gone", async || {
        definitions.get_opt("dataservices.d3os-product.com.d3os").await.unwrap().is_none().then_some(())
    })
    .await;
    env.eventually("it is no longer served", async || {
        services.list(&ListParams::default()).await.is_err().then_some(())
    })
    .await;
    env.stop().await;
}

//
#[tokio::test]
async fn the_sample_is_taken_as_it_is() {
    let (env, services) = environment().await;
    let mut sample: Value = serde_saphyr::from_str(SAMPLE).unwrap();
    // The namespace is the test's own; all else is unmodified.
    sample["metadata"]["namespace"] = json!(env.namespace());
    let created = send(&services, &sample).await.unwrap();
    let spec = created.spec;
    assert_eq!(spec.mysql.as_ref().unwrap().kind, Some(MiddlewareKind::StatefulSet));
    let uuc = spec.uuc.unwrap();
    assert_eq!(uuc.kind, Some(MiddlewareKind::ThirdParty));
    assert!(uuc.third_party.unwrap().check_cmd.unwrap().starts_with("curl"));
    assert_eq!(spec.eureka.unwrap().node_port, Some(30161));
    let api_manager = spec.api_manager.unwrap();
    assert_eq!((api_manager.port, api_manager.node_port, api_manager.replica), (Some(9085), None, 1));
    assert_eq!(api_manager.env.unwrap()["writer"], "example");
    let services =
        [spec.auth, spec.ds_adapter, spec.es_adapter, spec.trd_adapter, spec.gateway_master, spec.gateway_web];
    assert!(services.iter().all(Option::is_some) && spec.proxy.is_some() && spec.web.is_some());
    env.stop().await;
}

//
#[tokio::test]
async fn required_fields_are_required_and_nulls_are_taken() {
    let (env, services) = environment().await;
    let at = async |path: &str, value: Value| with(&services, env.namespace(), path, value).await;
    let whole = json!({"name": "auth", "image": "auth:v1", "port": 9081, "replica": 1});
    for field in ["name", "image", "port", "replica"] {
        let mut service = whole.clone();
        service.as_object_mut().unwrap().remove(field);
        let error = at("auth", service).await.unwrap_err();
        assert!(error.contains(field) && error.contains("spec.auth"), "{field}: {error}");
    }
    for field in ["nodePort", "env", "name"] {
        let mut service = whole.clone();
        service[field] = Value::Null;
        at("auth", service).await.unwrap();
    }
    for component in ["mysql", "uuc", "eureka", "auth", "web"] {
        at(component, Value::Null).await.unwrap();
    }
    at("mysql.thirdParty", Value::Null).await.unwrap();
    at("mysql.kind", Value::Null).await.unwrap();
    env.stop().await;
}

//
#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_field_and_what_would_be_right() {
    let (env, services) = environment().await;
    let third_party = json!({"url": "https://db.example.com"});
    let wrong = [
        ("auth.port", json!(0), "spec.auth.port"),
        ("auth.port", json!(65536), "spec.auth.port"),
        ("auth.port", json!("80"), "spec.auth.port"),
        ("auth.nodePort", json!(-1), "spec.auth.nodePort"),
        ("auth.replica", json!(-1), "spec.auth.replica"),
        ("auth.image", json!(""), "spec.auth.image"),
        ("auth.image", json!("a b"), "spec.auth.image"),
        ("auth.name", json!("Auth"), "spec.auth.name"),
        ("auth.name", json!("1auth"), "spec.auth.name"),
        ("auth.name", json!("a".repeat(53)), "spec.auth.name"),
        ("auth.env", json!({"a": 1}), "spec.auth.env"),
        ("auth.ports", json!([{"name": "x", "port": 1}]), "port or ports, not both"),
        ("mysql.kind", json!(4), "kind is 0 or Deployment"),
        ("mysql.kind", json!("ReplicaSet"), "kind is 0 or Deployment"),
        ("mysql.kind", json!(3), "needs thirdParty"),
        ("mysql.kind", json!("ThirdParty"), "needs thirdParty"),
        ("mysql", json!({"name": "m", "kind": 1, "thirdParty": third_party}), "leave one of the two out"),
        ("mysql", json!({"name": "m", "thirdParty": {}}), "url"),
        ("mysql", json!({"name": "m", "thirdParty": {"url": "nowhere"}}), "HOST:PORT"),
        (
            "mysql",
            json!({"name": "m", "thirdParty": {"url": "https://x", "password": "p"}}),
            "password goes with username",
        ),
        ("mysql", json!({"name": "m", "kind": 0, "storage": {"size": "1Gi"}}), "storage goes with kind 1"),
        ("mysql", json!({"name": "m", "storage": {"size": "much"}}), "storage.size"),
        ("uuc", json!({"name": "uuc"}), "uuc needs image and port, or thirdParty"),
        ("eureka", json!({"name": "eureka", "image": "e"}), "eureka needs image and port"),
        (
            "proxy",
            json!({"name": "same", "image": "p", "ports": [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "replica": 1}),
            "Duplicate",
        ),
    ];
    for (path, value, says) in wrong {
        let error = with(&services, env.namespace(), path, value.clone()).await.unwrap_err();
        assert!(error.contains(says), "{path}: {value}: {error}");
    }
    let mut same = small(env.namespace(), "a");
    same["spec"]["auth"]["name"] = json!("x");
    same["spec"]["web"]["name"] = json!("x");
    let error = send(&services, &same).await.unwrap_err();
    assert!(error.contains("two components have the same name"), "{error}");
    env.stop().await;
}

//
#[tokio::test]
async fn kinds_are_numbers_or_names_and_middleware_can_be_third_party() {
    let (env, services) = environment().await;
    let at = async |path: &str, value: Value| with(&services, env.namespace(), path, value).await.unwrap().spec;
    let kinds = [
        (json!(0), MiddlewareKind::Deployment),
        (json!("Deployment"), MiddlewareKind::Deployment),
        (json!(1), MiddlewareKind::StatefulSet),
        (json!("StatefulSet"), MiddlewareKind::StatefulSet),
        (json!(2), MiddlewareKind::DaemonSet),
        (json!("DaemonSet"), MiddlewareKind::DaemonSet),
    ];
    for (written, kind) in kinds {
        assert_eq!(at("mysql.kind", written).await.mysql.unwrap().kind, Some(kind));
    }
    for component in ["mysql", "uuc", "eureka"] {
        for kind in [json!(3), json!("ThirdParty"), json!("third-party"), Value::Null] {
            let third_party = json!({
                "url": "db.example.com:3306", "check": "tcp://db.example.com:3306", "checkCMD": "true",
                "username": "root", "password": "secret",
            });
            at(component, json!({"name": "x", "kind": kind, "thirdParty": third_party})).await;
        }
    }
    let ports =
        json!([{"name": "http", "port": 80, "nodePort": null}, {"name": "admin", "port": 81, "targetPort": 8081}]);
    at("proxy", json!({"name": "proxy", "image": "p", "ports": ports, "replica": 1})).await;
    env.stop().await;
}
