//! The Operator Lifecycle Manager brought to a cluster out of manifests, looked at, and taken away again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[path = "support/olm.rs"]
mod manager;
mod support;

use std::fs;
use std::process::Output;
use std::time::Duration;

use kubewright::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::prelude::connect;
use manager::{DEFINITION, api, kinds, make};
use serde_json::{Value, json};
use support::{Scratch, Up, kubewright, stderr, stdout};

/// What a release has, as small as it can be: the manager's program is a Deployment of any image.
const MANAGER: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: olm}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: olm-operator-serviceaccount, namespace: olm}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: olm-operator, namespace: olm}
spec:
  replicas: 1
  selector: {matchLabels: {app: olm-operator}}
  template:
    metadata: {labels: {app: olm-operator}}
    spec: {containers: [{name: olm-operator, image: "registry.example.com/olm:1"}]}
---
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: packageserver, namespace: olm}
spec: {displayName: Package Server, install: {strategy: deployment}}
"#;

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("crds.yaml"), DEFINITION).unwrap();
    fs::write(scratch.path("olm.yaml"), MANAGER).unwrap();
    scratch
}

/// Runs to the end, beside what else the test does.
async fn olm(scratch: &Scratch, args: &[&str]) -> Output {
    let mut command = kubewright();
    command.arg("olm").args(args).args(["--kubeconfig", "kubeconfig"]).current_dir(scratch.path(""));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn states(output: &Output) -> Vec<(String, bool, Option<String>)> {
    let all: Vec<Value> = serde_json::from_str(&stdout(output)).unwrap();
    let text = |value: &Value| value.as_str().map(ToString::to_string);
    all.iter().map(|one| (text(&one["name"]).unwrap(), one["installed"] == true, text(&one["state"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manager_is_installed_looked_at_and_taken_away() {
    let scratch = scratch();
    let up = Up::start(&scratch, &["--operators", "none", "--nodes", "1"]);
    let both = ["crds.yaml", "olm.yaml"];
    let status = |more: &'static [&'static str]| [&["status"][..], &both, more].concat();
    let before = olm(&scratch, &status(&[])).await;
    assert_eq!(before.status.code(), Some(1));
    assert!(stderr(&before).contains("not installed: customresourcedefinition/"), "{}", stderr(&before));

    let client = connect(Some(&up.kubeconfig), None).await.unwrap();
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk("operators.coreos.com", "v1alpha1", "ClusterServiceVersion"));
    let versions = Api::<DynamicObject>::namespaced_with(client.clone(), "olm", &resource);
    // The manager that is not there: it says that its package server runs.
    let manager = tokio::spawn(async move {
        let succeeded = Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
        while versions.patch("packageserver", &PatchParams::default(), &succeeded).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let installed = olm(&scratch, &[&["install"][..], &both].concat()).await;
    let told = format!("{}{}", stdout(&installed), stderr(&installed));
    assert!(installed.status.success(), "{told}");
    manager.await.unwrap();
    assert!(told.contains("installed customresourcedefinition/clusterserviceversions.operators.coreos.com"), "{told}");
    assert!(told.contains("deployment/olm-operator: 1 of 1 replicas ready"), "{told}");
    assert!(told.contains("clusterserviceversion/packageserver: Succeeded"), "{told}");

    let after = olm(&scratch, &status(&["-o", "json"])).await;
    let states = states(&after);
    assert!(after.status.success() && states.iter().all(|(_, installed, _)| *installed), "{states:?}");
    let state = |name: &str| states.iter().find(|(other, ..)| other == name).and_then(|(.., state)| state.clone());
    assert_eq!(state("olm-operator").as_deref(), Some("1 of 1 replicas ready"));
    assert_eq!(state("packageserver").as_deref(), Some("Succeeded"));

    let removed = olm(&scratch, &[&["uninstall"][..], &both].concat()).await;
    assert!(removed.status.success(), "{}{}", stdout(&removed), stderr(&removed));
    let told = stdout(&removed);
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}: {told}"));
    assert!(at("deleted clusterserviceversion/packageserver") < at("deleted deployment/olm-operator"), "{told}");
    assert!(at("deleted deployment/olm-operator") < at("deleted customresourcedefinition/"), "{told}");
    let gone = olm(&scratch, &status(&["-o", "json"])).await;
    assert!(self::states(&gone).iter().all(|(_, installed, _)| !installed), "{}", stdout(&gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_of_somebody_else_is_left_alone() {
    let scratch = scratch();
    let up = Up::start(&scratch, &["--operators", "none"]);
    let kubeconfig = up.kubeconfig.to_str().unwrap().to_string();
    tokio::task::spawn_blocking(move || support::apply_definition(&kubeconfig, DEFINITION)).await.unwrap();
    let installed = olm(&scratch, &["install", "crds.yaml", "olm.yaml"]).await;
    assert_eq!(installed.status.code(), Some(1));
    assert!(stderr(&installed).contains("something else has installed"), "{}", stderr(&installed));
    let removed = olm(&scratch, &["uninstall", "crds.yaml"]).await;
    assert!(removed.status.success(), "{}", stderr(&removed));
    assert!(stdout(&removed).contains("left customresourcedefinition/"), "{}", stdout(&removed));
}

#[tokio::test]
async fn what_are_no_manifests_of_the_manager_is_told() {
    let scratch = scratch();
    let wrong = olm(&scratch, &["install", "olm.yaml"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("crds.yaml and olm.yaml: give both"), "{}", stderr(&wrong));
    let missing = olm(&scratch, &["install", "gone.yaml"]).await;
    assert!(stderr(&missing).contains("gone.yaml: No such file"), "{}", stderr(&missing));
    assert_eq!(olm(&scratch, &["install"]).await.status.code(), Some(2));
}

async fn cleaned(scratch: &Scratch, args: &[&str]) -> String {
    let mut command = kubewright();
    command
        .arg("cleanup")
        .args(args)
        .args(["--kubeconfig", "kubeconfig", "-n", "default"])
        .current_dir(scratch.path(""));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_cleaned_up_and_what_others_use_stays() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--operators", "none"]);
    let mut without = kubewright();
    without.args(["cleanup", "site", "--kubeconfig", "kubeconfig"]).current_dir(scratch.path(""));
    let without = tokio::task::spawn_blocking(move || without.output().unwrap()).await.unwrap();
    assert_eq!(without.status.code(), Some(1));
    assert!(stderr(&without).contains("the cluster has no Operator Lifecycle Manager"), "{}", stderr(&without));

    let client = connect(Some(&up.kubeconfig), None).await.unwrap();
    kinds(&client).await;
    let owned = json!({"spec": {"customresourcedefinitions": {"owned": [{"name": "sites.web.example.com"}], "required": [{"name": "subscriptions.operators.coreos.com"}]}}});
    let site = DEFINITION
        .replace("clusterserviceversions.operators.coreos.com", "sites.web.example.com")
        .replace("operators.coreos.com", "web.example.com");
    let site = site.replace("clusterserviceversion", "site").replace("ClusterServiceVersion", "Site");
    let kubeconfig = up.kubeconfig.to_str().unwrap().to_string();
    tokio::task::spawn_blocking(move || support::apply_definition(&kubeconfig, &site)).await.unwrap();
    let subscribed = |package: &str, source: &str| json!({"spec": {"name": package, "source": source}, "status": {"installedCSV": format!("{package}.v0.1.0")}});
    make(&client, "default", "v1", "OperatorGroup", "operator-sdk-og", json!({})).await;
    make(&client, "default", "v1alpha1", "CatalogSource", "site-catalog", json!({})).await;
    make(&client, "default", "v1alpha1", "CatalogSource", "shared", json!({})).await;
    make(&client, "default", "v1alpha1", "ClusterServiceVersion", "site.v0.1.0", owned).await;
    make(&client, "default", "v1alpha1", "Subscription", "one", subscribed("site", "site-catalog")).await;
    make(&client, "default", "v1alpha1", "ClusterServiceVersion", "other.v0.1.0", json!({"spec": {}})).await;
    make(&client, "default", "v1alpha1", "Subscription", "two", subscribed("other", "shared")).await;

    let told = cleaned(&scratch, &["site"]).await;
    for line in [
        "deleted subscription/one",
        "deleted customresourcedefinition/sites.web.example.com",
        "deleted clusterserviceversion/site.v0.1.0",
        "deleted catalogsource/site-catalog",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(!told.contains("operatorgroup") && !told.contains("subscriptions.operators"), "others need them: {told}");
    assert!(cleaned(&scratch, &["site"]).await.contains("package site is not in namespace default"));
    let told = cleaned(&scratch, &["other"]).await;
    assert!(
        told.contains("left catalogsource/shared") && told.contains("deleted operatorgroup/operator-sdk-og"),
        "{told}"
    );
    assert!(api(&client, "default", "v1alpha1", "CatalogSource").get_opt("shared").await.unwrap().is_some());
}
