//! The operator is stopped before and after each single write, its own and helm's, and ends where it ends without a crash.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::k8s_openapi::api::rbac::v1::ClusterRole;
use kubewright::kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::runtime::Rights;
use kubewright_helm::{HelmOperator, Options};
use kubewright_testing::{CrashOptions, CrashTest, TestEnv};
use serde_json::{Value, json};
use support::*;

/// How often helm had to be called, which a crash changes: numbers of revisions, and whether the last was an upgrade.
fn without_numbers(object: &mut Value) {
    if object["type"] == "helm.sh/release.v1" {
        object["metadata"]["name"] = json!("(a revision)");
        object["metadata"]["labels"]["version"] = json!("1");
        object["data"] = Value::Null;
    }
    for condition in object["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["reason"] == "UpgradeSuccessful" {
            condition["reason"] = json!("InstallSuccessful");
        }
    }
}

/// Part of the real tier: helm's connections are real ones, so no wait can be skipped, and it takes most of a minute.
#[tokio::test(flavor = "multi_thread")]
async fn wherever_it_is_stopped_it_ends_in_the_same_state() {
    if std::env::var_os("KUBEWRIGHT_REAL").is_none() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let env = TestEnv::embedded().await.unwrap();
    install_crd(&env).await;
    let operator = HelmOperator::new(env.client(), watches(), FakeHelm::default()).await.unwrap();
    let test = CrashTest::new(&env, move |manager, life| {
        let options = Options {
            namespaces: vec![life.namespace().to_string()],
            retry: Duration::from_millis(5),
            ..Options::default()
        };
        // What the chart takes, as its project's role has it.
        let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
        let manager = manager.may(Rights::on::<ConfigMap>(verbs));
        let manager = manager.may(Rights::on::<Deployment>(verbs)).may(Rights::on::<ClusterRole>(verbs));
        operator.add_to(manager, &options).unwrap()
    });
    let options = CrashOptions { concurrency: 4, ..CrashOptions::default() };
    let report = test
        .normalise(without_numbers)
        .options(options)
        .run(async |world| {
            let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cache.example.com", "v1alpha1", "Memcached"));
            let api = Api::<DynamicObject>::namespaced_with(world.client(), world.namespace(), &kind);
            let object = json!({"apiVersion": "cache.example.com/v1alpha1", "kind": "Memcached",
                                "metadata": {"name": "one"}, "spec": {"text": "a"}});
            api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
            let deployed = async |text: &str| {
                let object = api.get_opt("one").await.unwrap()?;
                object.data["status"]["deployedRelease"]["manifest"].as_str()?.contains(text).then_some(())
            };
            world.eventually("the release", async || deployed("\"text\":\"a\"").await).await;
            world.mark("installed").await;
            let patch = Patch::Merge(json!({"spec": {"text": "b"}}));
            api.patch("one", &PatchParams::default(), &patch).await.unwrap();
            world.eventually("the upgrade", async || deployed("\"text\":\"b\"").await).await;
            world.mark("upgraded").await;
            api.delete("one", &DeleteParams::default()).await.unwrap();
            world.eventually("its end", async || api.get_opt("one").await.unwrap().is_none().then_some(())).await;
            world.mark("uninstalled").await;
        })
        .await;
    assert!(report.points > 20, "{report:?}");
    env.stop().await;
}
