//! The project of operator-sdk's tutorial, written anew for Helm and for Ansible: what the tests of both do with its custom
//! resources. The project is in the folder of the tests that include this.

use std::path::{Path, PathBuf};

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::api::core::v1::Event;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::prelude::*;
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/memcached-operator")
}

/// Installs the project's definition.
pub(crate) async fn install_crd(env: &TestEnv) {
    let file = project().join("config/crd/bases/cache.example.com_memcacheds.yaml");
    let crd: CustomResourceDefinition = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    env.install_crds(&[crd]).await.unwrap();
}

/// The custom resources.
pub(crate) fn memcacheds(env: &TestEnv) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cache.example.com", "v1alpha1", "Memcached"));
    Api::namespaced_with(env.client(), env.namespace(), &kind)
}

pub(crate) async fn create(env: &TestEnv, name: &str, annotations: Value, spec: Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "cache.example.com/v1alpha1", "kind": "Memcached",
        "metadata": {"name": name, "annotations": annotations}, "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    memcacheds(env).create(&PostParams::default(), &object).await.unwrap()
}

pub(crate) async fn change(env: &TestEnv, name: &str, patch: Value) {
    memcacheds(env).patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

pub(crate) async fn condition(env: &TestEnv, name: &str, kind: &str) -> Option<Value> {
    let object = memcacheds(env).get_opt(name).await.unwrap()?;
    let conditions = object.data["status"]["conditions"].as_array()?.clone();
    conditions.into_iter().find(|condition| condition["type"] == kind)
}

/// Reason and message of the events about a custom resource.
pub(crate) async fn events(env: &TestEnv, name: &str) -> Vec<(String, String)> {
    let api = Api::<Event>::namespaced(env.client(), env.namespace());
    let found = api.list(&ListParams::default().fields(&format!("involvedObject.name={name}"))).await.unwrap();
    found.items.into_iter().map(|event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default())).collect()
}

pub(crate) fn deployments(env: &TestEnv) -> Api<Deployment> {
    Api::namespaced(env.client(), env.namespace())
}

/// Ends the environment. Custom resources that are left would keep its namespace on a shared cluster.
pub(crate) async fn end(env: TestEnv) {
    for object in memcacheds(&env).list(&ListParams::default()).await.unwrap() {
        change(&env, &object.name_any(), json!({"metadata": {"finalizers": null}})).await;
    }
    env.stop().await;
}
