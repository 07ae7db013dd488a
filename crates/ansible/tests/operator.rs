//! The life of a custom resource, with an ansible-runner that needs no Python and notes its runs.

#![allow(clippy::unwrap_used)]

#[path = "support/fake.rs"]
mod fake;
mod support;

use std::time::Duration;

use fake::FakeRunner;
use kubewright::k8s_openapi::api::rbac::v1::ClusterRole;
use kubewright::kube::api::{DeleteParams, Patch, PatchParams};
use kubewright::prelude::*;
use kubewright_ansible::{AnsibleOperator, Watch};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};
use support::*;

/// What the fake ansible-runner is; as a test of its own it does nothing.
#[test]
fn the_runner() {
    fake::run();
}

/// An operator of the project, with the fake runner.
struct Scene {
    env: TestEnv,
    runner: FakeRunner,
    operator: Operator,
}

impl Scene {
    async fn new(watch: Watch) -> Self {
        let env = TestEnv::start().await.unwrap();
        install_crd(&env).await;
        let runner = FakeRunner::new();
        let options = runner.with(options(&env, runner.path()));
        let operator = start(&env, watch, &runner.program(), options).await;
        Self { env, runner, operator }
    }

    /// Waits until the runs are these.
    async fn calls(&self, expected: &[&str]) {
        self.env.eventually(&format!("{expected:?}"), async || (self.runner.calls() == expected).then_some(())).await;
    }

    /// Waits until a condition has this status, and gives it.
    async fn condition(&self, kind: &str, status: &str) -> Value {
        let what = format!("{kind} is {status}");
        self.env
            .eventually(&what, async || {
                condition(&self.env, "one", kind).await.filter(|condition| condition["status"] == status)
            })
            .await
    }

    async fn end(self) {
        self.operator.stop().await.unwrap();
        let name = format!("{}-one", self.env.namespace());
        // It is of the cluster, and on a real one it would stay.
        _ = Api::<ClusterRole>::all(self.env.client()).delete(&name, &DeleteParams::default()).await;
        end(self.env).await;
    }
}

#[tokio::test]
async fn a_custom_resource_is_worked_on_and_what_is_made_for_it_is_owned() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    let object = create(env, "one", json!({}), json!({"size": 3, "noteNodes": true})).await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;

    let now = memcacheds(env).get("one").await.unwrap();
    assert_eq!(now.finalizers(), ["cache.example.com/finalizer"]);
    assert_eq!(now.data["status"]["nodes"], json!([3]), "what the role writes stays");
    let running = condition(env, "one", "Running").await.unwrap();
    let says = (&running["status"], &running["reason"], &running["message"]);
    assert_eq!(says, (&json!("True"), &json!("Successful"), &json!("Awaiting next reconciliation")));
    let result =
        json!({"ok": 2, "changed": 1, "skipped": 0, "failures": 0, "completion": "2026-11-21T17:00:00.123456+00:00"});
    assert_eq!(running["ansibleResult"], result);
    assert_eq!(condition(env, "one", "Failure").await.unwrap()["status"], "False");

    let deployment = deployments(env).get("one-memcached").await.unwrap();
    assert_eq!(deployment.spec.as_ref().unwrap().replicas, Some(3));
    let owner = &deployment.owner_references()[0];
    assert_eq!((&owner.uid, owner.controller), (&object.uid().unwrap(), None));
    let role = Api::<ClusterRole>::all(env.client()).get(&format!("{}-one", env.namespace())).await.unwrap();
    assert_eq!(role.annotations()["operator-sdk/primary-resource"], format!("{}/one", env.namespace()));
    assert_eq!(role.annotations()["operator-sdk/primary-resource-type"], "Memcached.cache.example.com");
    assert_eq!(scene.runner.calls(), ["size 3 one"], "what Ansible itself does is no reason to run it again");

    let directory =
        scene.runner.path().join("runner/cache.example.com/v1alpha1/Memcached").join(env.namespace()).join("one");
    let printed = std::fs::read_to_string(directory.join("artifacts/latest/stdout")).unwrap();
    assert!(printed.contains("says playbook_on_task_start\n"), "{printed}");
    let variables = std::fs::read_to_string(directory.join("env/extravars")).unwrap();
    let variables: Value = serde_json::from_str(&variables).unwrap();
    assert_eq!((&variables["size"], &variables["note_nodes"]), (&json!(3), &json!(true)));
    assert_eq!(variables["_cache_example_com_memcached"]["kind"], "Memcached");
    assert_eq!(variables["_cache_example_com_memcached_spec"]["noteNodes"], true);
    scene.end().await;
}

#[tokio::test]
async fn ansible_runs_for_changes_that_matter_and_for_no_others() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    create(env, "one", json!({}), json!({"size": 3})).await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;

    // Neither the status nor notes of controllers.
    let status = json!({"status": {"replicas": 3, "observedGeneration": 1}});
    deployments(env).patch_status("one-memcached", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    let revision = json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}});
    deployments(env).patch("one-memcached", &PatchParams::default(), &Patch::Merge(&revision)).await.unwrap();
    change(env, "one", json!({"metadata": {"annotations": {"note": "x"}}})).await;
    scene.operator.idle().await;
    // The specification, what was made, and its absence.
    change(env, "one", json!({"spec": {"size": 4}})).await;
    scene.calls(&["size 3 one", "size 4 one"]).await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;
    scale(env, "one-memcached", 1).await;
    let replicas = async || deployments(env).get_opt("one-memcached").await.unwrap()?.spec?.replicas;
    env.eventually("four replicas again", async || (replicas().await? == 4).then_some(())).await;
    scene.operator.idle().await;
    deployments(env).delete("one-memcached", &DeleteParams::background()).await.unwrap();
    env.eventually("a Deployment again", async || (replicas().await? == 4).then_some(())).await;
    scene.operator.idle().await;
    let four = "size 4 one";
    assert_eq!(scene.runner.calls(), ["size 3 one", four, four, four]);

    // What was made is watched after a restart too, once Ansible has looked at it.
    scene.operator.restart().await.unwrap();
    scene.calls(&["size 3 one", four, four, four, four]).await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;
    scale(env, "one-memcached", 1).await;
    env.eventually("four replicas again", async || (replicas().await? == 4).then_some(())).await;
    scene.end().await;
}

#[tokio::test]
async fn what_changes_while_ansible_runs_is_put_right_after_it() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    scene.runner.put("hold");
    create(env, "one", json!({}), json!({"size": 3})).await;
    env.eventually("Ansible is done with it", async || {
        Api::<ClusterRole>::all(env.client()).get_opt(&format!("{}-one", env.namespace())).await.unwrap()
    })
    .await;
    scale(env, "one-memcached", 1).await;
    scene.runner.remove("hold");
    env.eventually("three replicas again", async || {
        (deployments(env).get("one-memcached").await.unwrap().spec?.replicas == Some(3)).then_some(())
    })
    .await;
    scene.operator.idle().await;
    assert_eq!(scene.runner.calls(), ["size 3 one", "size 3 one"]);
    scene.end().await;
}

#[tokio::test]
async fn a_failure_is_told_and_tried_again_until_it_is_none() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    // Each try says that it runs, and then that it failed.
    scene.operator.allow_unsettled();
    create(env, "one", json!({}), json!({"size": 7})).await;
    let failure = scene.condition("Failure", "True").await;
    assert_eq!((&failure["reason"], &failure["message"]), (&json!("Failed"), &json!("size 7 is too much")));
    assert_eq!(failure["ansibleResult"]["failures"], 1);
    env.eventually("a second try", async || (scene.runner.calls().len() > 2).then_some(())).await;
    change(env, "one", json!({"spec": {"size": 2, "broken": true}})).await;
    let broken = async || {
        let failure = condition(env, "one", "Failure").await?;
        failure["message"].as_str()?.contains("ERROR! couldn't resolve module/action 'k8s'").then_some(())
    };
    env.eventually("a run without a recap", broken).await;
    change(env, "one", json!({"spec": {"broken": false}})).await;
    scene.condition("Failure", "False").await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;
    let calls = scene.runner.calls().len();
    scene.operator.stop().await.unwrap();
    let told = events(env, "one").await;
    assert!(
        told.iter().any(|(reason, message)| reason == "AnsibleFailed" && message == "size 7 is too much"),
        "{told:?}"
    );
    assert_eq!(scene.runner.calls().len(), calls);
    scene.end().await;
}

#[tokio::test]
async fn the_finalizer_runs_before_a_custom_resource_goes_until_it_succeeds() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    create(env, "one", json!({}), json!({"size": 3})).await;
    scene.condition("Successful", "True").await;
    scene.runner.put("fail-cleanup");
    memcacheds(env).delete("one", &DeleteParams::default()).await.unwrap();
    let failure = scene.condition("Failure", "True").await;
    assert_eq!(failure["message"], "the ledger is closed");
    scene.runner.remove("fail-cleanup");
    env.eventually("it is gone", async || memcacheds(env).get_opt("one").await.unwrap().is_none().then_some(())).await;
    scene.operator.idle().await;
    let calls = scene.runner.calls();
    assert_eq!(calls[0], "size 3 one");
    assert!(calls.len() > 2 && calls[1..].iter().all(|call| call == "cleanup one"), "{calls:?}");
    let directory =
        scene.runner.path().join("runner/cache.example.com/v1alpha1/Memcached").join(env.namespace()).join("one");
    env.eventually("no files", async || (!directory.exists()).then_some(())).await;
    scene.end().await;
}

#[tokio::test]
async fn periods_come_from_watches_yaml_from_the_custom_resource_or_from_a_task() {
    let scene = Scene::new(Watch { reconcile_period: Some(Duration::from_millis(10)), ..watch() }).await;
    let env = &scene.env;
    scene.operator.allow_unsettled();
    let often = async |name: &str| {
        let count = async || scene.runner.calls().iter().filter(|call| call.ends_with(name)).count();
        env.eventually(name, async || (count().await > 2).then_some(())).await;
    };
    create(env, "one", json!({}), json!({"size": 1})).await;
    often("size 1 one").await;
    change(
        env,
        "one",
        json!({"metadata": {"annotations": {"ansible.sdk.operatorframework.io/reconcile-period": "24h"}}}),
    )
    .await;
    scene.operator.idle().await;
    change(env, "one", json!({"spec": {"againAfter": "10ms", "size": 2}})).await;
    often("size 2 one").await;
    change(
        env,
        "one",
        json!({"metadata": {"annotations": {"ansible.sdk.operatorframework.io/reconcile-period": "1 day"}}}),
    )
    .await;
    let failure = scene.condition("Failure", "True").await;
    assert!(failure["message"].as_str().unwrap().contains("\"1 day\" is no duration"), "{failure}");
    scene.end().await;
}

#[tokio::test]
async fn an_object_of_others_that_a_role_applies_to_stays_theirs() {
    let scene = Scene::new(watch()).await;
    let env = &scene.env;
    make_map(env, "foreign").await;
    create(env, "one", json!({}), json!({"size": 1, "applyTo": "foreign"})).await;
    scene.condition("Successful", "True").await;
    let map = maps(env).get("foreign").await.unwrap();
    assert_eq!((map.owner_references().len(), map.data.unwrap().len()), (0, 2));
    change(env, "one", json!({"spec": {"applyTo": "own"}})).await;
    let map = env.eventually("a new map", async || maps(env).get_opt("own").await.unwrap()).await;
    assert_eq!(map.owner_references()[0].name, "one");
    // Applied again, it is still owned: an apply takes away what it leaves out.
    change(env, "one", json!({"spec": {"size": 2}})).await;
    env.eventually("another run", async || (scene.runner.calls().len() == 3).then_some(())).await;
    scene.condition("Successful", "True").await;
    scene.operator.idle().await;
    assert_eq!(maps(env).get("own").await.unwrap().owner_references().len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn what_watches_yaml_turns_off_is_left_alone() {
    let unwatched = Watch {
        manage_status: false,
        watch_dependent_resources: false,
        watch_annotations_changes: true,
        finalizer: None,
        ..watch()
    };
    let scene = Scene::new(unwatched).await;
    let env = &scene.env;
    create(env, "one", json!({}), json!({"size": 3})).await;
    scene.calls(&["size 3 one"]).await;
    scene.operator.idle().await;
    scale(env, "one-memcached", 1).await;
    change(env, "one", json!({"metadata": {"annotations": {"note": "x"}}})).await;
    scene.calls(&["size 3 one", "size 3 one"]).await;
    scene.operator.idle().await;
    let object = memcacheds(env).get("one").await.unwrap();
    assert_eq!((&object.data["status"], object.finalizers().len()), (&Value::Null, 0));
    memcacheds(env).delete("one", &DeleteParams::default()).await.unwrap();
    env.eventually("it is gone", async || memcacheds(env).get_opt("one").await.unwrap().is_none().then_some(())).await;
    assert_eq!(scene.runner.calls().len(), 2);
    scene.end().await;
}

#[tokio::test]
async fn a_kind_that_is_not_there_is_told_at_the_start() {
    let env = TestEnv::embedded().await.unwrap();
    let runner = FakeRunner::new();
    let error = AnsibleOperator::new(env.client(), vec![watch()], runner.program()).await.unwrap_err().to_string();
    assert!(error.contains("Memcached") && error.contains("kubectl apply -k config/crd"), "{error}");
    env.stop().await;
}
