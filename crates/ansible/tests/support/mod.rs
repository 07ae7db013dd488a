//! What the tests share: the project of operator-sdk's tutorial, written anew, and how it is run and looked at.

#![allow(dead_code, reason = "each test program uses a part")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Event};
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::prelude::*;
use kubewright_ansible::{AnsibleOperator, Options, Program, Search, Watch};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};

/// Long enough that nothing in a test comes from it.
pub(crate) const NEVER: Duration = Duration::from_secs(24 * 3600);

/// The project that operator-sdk's tutorial makes, written anew.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/memcached-operator")
}

/// What watches.yaml of the project says.
pub(crate) fn watch() -> Watch {
    let search = Search::new(&project(), |_| None);
    Watch::load(&project().join("watches.yaml"), &search, |_| None).unwrap().remove(0)
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

pub(crate) async fn events(env: &TestEnv, name: &str) -> Vec<(String, String)> {
    let api = Api::<Event>::namespaced(env.client(), env.namespace());
    let found = api.list(&ListParams::default().fields(&format!("involvedObject.name={name}"))).await.unwrap();
    found.items.into_iter().map(|event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default())).collect()
}

/// Options for a test: no time but that of the test, and a folder of its own.
pub(crate) fn options(env: &TestEnv, folder: &Path) -> Options {
    Options {
        reconcile_period: NEVER,
        // On a shared cluster there may be more of them.
        namespaces: vec![env.namespace().to_string()],
        folder: folder.join("runner"),
        retry: Duration::from_millis(20),
        ..Options::default()
    }
}

pub(crate) async fn start(env: &TestEnv, watch: Watch, program: &Program, options: Options) -> Operator {
    let operator = AnsibleOperator::new(env.client(), vec![watch], program.clone()).await.unwrap();
    let running = env.operator(move |manager| operator.add_to(manager, &options).unwrap());
    // What roles make is known to whoever writes the role of the project.
    running.allow_undeclared();
    running
}

/// Ends the environment. Custom resources that are left would keep its namespace on a shared cluster.
pub(crate) async fn end(env: TestEnv) {
    for object in memcacheds(&env).list(&ListParams::default()).await.unwrap() {
        let patch = json!({"metadata": {"finalizers": null}});
        memcacheds(&env).patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }
    env.stop().await;
}

pub(crate) fn deployments(env: &TestEnv) -> Api<Deployment> {
    Api::namespaced(env.client(), env.namespace())
}

pub(crate) fn maps(env: &TestEnv) -> Api<ConfigMap> {
    Api::namespaced(env.client(), env.namespace())
}

pub(crate) async fn make_map(env: &TestEnv, name: &str) {
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": name}, "data": {"of": "others"}})).unwrap();
    maps(env).create(&PostParams::default(), &map).await.unwrap();
}

pub(crate) async fn scale(env: &TestEnv, name: &str, replicas: i32) {
    let patch = json!({"spec": {"replicas": replicas}});
    deployments(env).patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}
