//! What the tests share: how the project of operator-sdk's tutorial is run and looked at.

#![allow(dead_code, reason = "each test program uses a part")]

#[path = "../../../operator-sdk/tests/support/memcached.rs"]
mod memcached;

use std::path::Path;
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::api::{Patch, PatchParams, PostParams};
use kubewright::prelude::*;
use kubewright_ansible::{AnsibleOperator, Options, Program, Search, Watch};
use kubewright_testing::{Operator, TestEnv};
use serde_json::json;

pub(crate) use memcached::*;

/// Long enough that nothing in a test comes from it.
pub(crate) const NEVER: Duration = Duration::from_secs(24 * 3600);

/// What watches.yaml of the project says.
pub(crate) fn watch() -> Watch {
    let search = Search::new(&project(), |_| None);
    Watch::load(&project().join("watches.yaml"), &search, |_| None).unwrap().remove(0)
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
