//! The life of a release, with a helm that counts its runs.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kubewright::k8s_openapi::api::rbac::v1::ClusterRole;
use kubewright::kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kubewright::prelude::*;
use kubewright_helm::{Helm as _, HelmOperator};
use kubewright_testing::TestEnv;
use serde_json::json;
use support::*;

/// Long enough that nothing in a test comes from it.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_custom_resource_becomes_a_release_whose_objects_it_owns() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    let object = create(&env, "one", json!({}), json!({"replicas": 2})).await;

    assert_eq!(reason(&env, "one", "Deployed", "InstallSuccessful").await, "hello");
    operator.idle().await;
    let now = memcacheds(&env).get("one").await.unwrap();
    assert_eq!(now.finalizers(), ["helm.sdk.operatorframework.io/uninstall-release"]);
    assert_eq!(now.data["status"]["deployedRelease"]["name"], "one");
    let manifest = now.data["status"]["deployedRelease"]["manifest"].as_str().unwrap();
    assert!(manifest.contains("ConfigMap") && !manifest.contains("ownerReferences"), "{manifest}");
    assert_eq!(condition(&env, "one", "Initialized").await.unwrap()["status"], "True");
    assert_eq!(condition(&env, "one", "ReleaseFailed").await, None);

    let deployment = deployments(&env).get("one").await.unwrap();
    let owner = &deployment.owner_references()[0];
    assert_eq!(
        (&owner.kind, &owner.uid, owner.controller),
        (&"Memcached".to_string(), &object.uid().unwrap(), Some(true))
    );
    assert_eq!(deployment.labels()["helm.sdk.operatorframework.io/chart"], "memcached");
    let role = format!("{}-one", env.namespace());
    let role = Api::<ClusterRole>::all(env.client()).get(&role).await.unwrap();
    assert_eq!(role.annotations()["operator-sdk/primary-resource"], format!("{}/one", env.namespace()));
    assert_eq!(role.annotations()["operator-sdk/primary-resource-type"], "Memcached.cache.example.com");
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    let secret = secrets.get("sh.helm.release.v1.one.v1").await.unwrap();
    assert_eq!(secret.owner_references()[0].uid, object.uid().unwrap());
    assert_eq!(helm.calls(), ["install"]);
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn nothing_is_written_and_helm_does_not_run_while_nothing_changes_nor_after_a_restart() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let (client, writes) = counting(env.client());
    let operator = start(&env, client, watches(), helm.clone(), Duration::from_millis(20)).await;
    for name in ["one", "two"] {
        create(&env, name, json!({}), json!({})).await;
        reason(&env, name, "Deployed", "InstallSuccessful").await;
    }
    env.eventually("settled", async || {
        let before = (writes.load(Ordering::SeqCst), operator.records().len());
        tokio::time::sleep(Duration::from_millis(100)).await;
        (writes.load(Ordering::SeqCst) == before.0).then_some(())
    })
    .await;
    let before = writes.load(Ordering::SeqCst);
    let installs = helm.calls().len();
    let reconciles = operator.records().last().unwrap().id;
    env.eventually("more reconciles", async || (operator.records().last()?.id > reconciles + 20).then_some(())).await;
    assert_eq!(writes.load(Ordering::SeqCst), before, "{:#?}", operator.records().last());

    operator.restart().await.unwrap();
    env.eventually("reconciles", async || (operator.records().len() > 20).then_some(())).await;
    assert_eq!(writes.load(Ordering::SeqCst), before);
    assert_eq!((installs, helm.calls().len()), (2, 2), "{:?}", helm.calls());
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn what_is_changed_or_deleted_behind_helms_back_is_put_right_without_helm() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({}), json!({"replicas": 2})).await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    operator.idle().await;

    let scaled = json!({"spec": {"replicas": 5}, "metadata": {"labels": {"added": "later"}}});
    deployments(&env).patch("one", &PatchParams::default(), &Patch::Merge(&scaled)).await.unwrap();
    let deployment = env
        .eventually("two replicas again", async || {
            let deployment = deployments(&env).get("one").await.unwrap();
            (deployment.spec.as_ref()?.replicas == Some(2)).then_some(deployment)
        })
        .await;
    assert_eq!(deployment.labels()["added"], "later", "what the chart does not name stays");

    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    maps.delete("one-map", &DeleteParams::default()).await.unwrap();
    let map = env.eventually("the map again", async || maps.get_opt("one-map").await.unwrap()).await;
    assert_eq!(map.owner_references()[0].kind, "Memcached");
    assert_eq!(helm.calls(), ["install"]);
    operator.stop().await.unwrap();
    let told = events(&env, "one").await;
    let reasons: Vec<&str> = told.iter().map(|(reason, _)| reason.as_str()).collect();
    assert!(reasons.contains(&"Corrected") && reasons.contains(&"Restored"), "{told:?}");
    end(env).await;
}

#[tokio::test]
async fn changed_values_are_an_upgrade_and_old_revisions_go() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({"helm.sdk.operatorframework.io/upgrade-force": "true"}), json!({})).await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    change(&env, "one", json!({"spec": {"text": "new"}})).await;
    reason(&env, "one", "Deployed", "UpgradeSuccessful").await;
    operator.idle().await;
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    assert_eq!(maps.get("one-map").await.unwrap().data.unwrap()["text"], "new");
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    let names = secrets.list(&ListParams::default().labels("owner=helm")).await.unwrap();
    let names: Vec<String> = names.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["sh.helm.release.v1.one.v2"]);
    // Values that render the same are no upgrade.
    change(&env, "one", json!({"spec": {"other": 1}})).await;
    env.eventually("a dry run", async || (helm.calls().len() == 4).then_some(())).await;
    operator.idle().await;
    assert_eq!(helm.calls(), ["install", "candidate", "upgrade by force", "candidate"]);
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn a_failed_install_is_told_and_tried_again_when_the_values_are_right() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({}), json!({"bad": true})).await;
    let message = reason(&env, "one", "ReleaseFailed", "InstallError").await;
    assert!(message.contains("memcached/templates/a.yaml:6:19"), "{message}");
    change(&env, "one", json!({"spec": {"bad": false}})).await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    operator.idle().await;
    assert_eq!(condition(&env, "one", "ReleaseFailed").await, None);
    assert!(!helm.calls().contains(&"uninstall".to_string()), "nothing was installed: {:?}", helm.calls());
    operator.stop().await.unwrap();
    let told = events(&env, "one").await;
    assert!(told.iter().any(|(reason, text)| reason == "InstallError" && text.contains("a.yaml:6:19")), "{told:?}");
    end(env).await;
}

#[tokio::test]
async fn a_failed_upgrade_is_rolled_back() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({"helm.sdk.operatorframework.io/rollback-force": "false"}), json!({"text": "good"}))
        .await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    change(&env, "one", json!({"spec": {"text": "new", "broken": true}})).await;
    let message = reason(&env, "one", "ReleaseFailed", "UpgradeError").await;
    assert!(message.contains("timed out waiting"), "{message}");
    change(&env, "one", json!({"spec": {"text": "good", "broken": null}})).await;
    env.eventually("no failure", async || condition(&env, "one", "ReleaseFailed").await.is_none().then_some(())).await;
    operator.idle().await;
    assert!(helm.calls().contains(&"rollback".to_string()), "{:?}", helm.calls());
    assert_eq!(condition(&env, "one", "Deployed").await.unwrap()["status"], "True");
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    assert_eq!(maps.get("one-map").await.unwrap().data.unwrap()["text"], "good");
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn a_deleted_custom_resource_is_uninstalled_and_what_is_waited_for_is_gone_first() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({}), json!({})).await;
    create(&env, "two", json!({"helm.sdk.operatorframework.io/uninstall-wait": "true"}), json!({})).await;
    for name in ["one", "two"] {
        reason(&env, name, "Deployed", "InstallSuccessful").await;
    }
    // What helm's uninstall leaves is deleted too, when it is waited for.
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    for name in ["one", "two"] {
        memcacheds(&env).delete(name, &DeleteParams::default()).await.unwrap();
        env.eventually("it is gone", async || memcacheds(&env).get_opt(name).await.unwrap().is_none().then_some(()))
            .await;
    }
    assert!(
        maps.get_opt("two-map").await.unwrap().is_none() && deployments(&env).get_opt("two").await.unwrap().is_none()
    );
    let role = format!("{}-two", env.namespace());
    assert!(Api::<ClusterRole>::all(env.client()).get_opt(&role).await.unwrap().is_none());
    operator.idle().await;
    assert_eq!(helm.calls().iter().filter(|call| *call == "uninstall").count(), 2, "{:?}", helm.calls());
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn values_of_watches_yaml_win_and_are_told() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let helm = FakeHelm::default();
    let mut watches = watches();
    watches[0].override_values.insert("text".into(), "{{ \"a\" }} of all".into());
    let operator = start(&env, env.client(), watches, helm.clone(), NEVER).await;
    create(&env, "one", json!({}), json!({"text": "mine"})).await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    let maps = Api::<ConfigMap>::namespaced(env.client(), env.namespace());
    assert_eq!(maps.get("one-map").await.unwrap().data.unwrap()["text"], "a of all");
    operator.stop().await.unwrap();
    let expected = "Chart value \"text\" overridden to \"a of all\" by operator's watches.yaml".to_string();
    assert!(events(&env, "one").await.contains(&("OverrideValuesInUse".into(), expected)));
    end(env).await;
}

#[tokio::test]
async fn the_period_of_an_annotation_must_be_one() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let operator = start(&env, env.client(), watches(), FakeHelm::default(), NEVER).await;
    create(&env, "one", json!({"helm.sdk.operatorframework.io/reconcile-period": "1x3m"}), json!({})).await;
    let message = reason(&env, "one", "Irreconcilable", "ReconcileError").await;
    assert!(message.contains("reconcile-period") && message.contains("1m30s"), "{message}");
    change(&env, "one", json!({"metadata": {"annotations": {"helm.sdk.operatorframework.io/reconcile-period": "2h"}}}))
        .await;
    reason(&env, "one", "Deployed", "InstallSuccessful").await;
    env.eventually("no complaint", async || condition(&env, "one", "Irreconcilable").await.is_none().then_some(()))
        .await;
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn a_release_of_somebody_else_is_left_alone() {
    let env = TestEnv::start().await.unwrap();
    install_crd(&env).await;
    let secret = json!({"metadata": {"name": "sh.helm.release.v1.one.v1", "labels": {
        "owner": "helm", "name": "one", "status": "pending-install", "version": "1"}}});
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    secrets.create(&Default::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    let helm = FakeHelm::default();
    let operator = start(&env, env.client(), watches(), helm.clone(), NEVER).await;
    create(&env, "one", json!({}), json!({})).await;
    let message = reason(&env, "one", "Irreconcilable", "ReconcileError").await;
    assert!(message.contains("rename the custom resource"), "{message}");
    memcacheds(&env).delete("one", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || memcacheds(&env).get_opt("one").await.unwrap().is_none().then_some(())).await;
    assert!(secrets.get_opt("sh.helm.release.v1.one.v1").await.unwrap().is_some());
    assert_eq!(helm.calls(), [""; 0]);
    operator.stop().await.unwrap();
    end(env).await;
}

#[tokio::test]
async fn a_kind_that_is_not_there_and_a_helm_that_is_not_there_end_the_start() {
    let env = TestEnv::embedded().await.unwrap();
    let error = HelmOperator::new(env.client(), watches(), FakeHelm::default()).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("cache.example.com/v1alpha1, Kind=Memcached") && error.contains("config/crd"), "{error}");
    let helm = kubewright_helm::Program::new("/nowhere/helm");
    assert!(helm.version().await.is_err());
    assert!(HelmOperator::new(env.client(), watches(), helm).await.is_err());
    env.stop().await;
}
