//! The project of operator-sdk's tutorial with the real Ansible: only in the real tier, as it takes Python.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use kubewright::kube::api::DeleteParams;
use kubewright::prelude::*;
use kubewright_ansible::{Options, Program, Watch};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};
use support::*;

/// The real ansible-runner; `None` outside of the real tier.
fn runner() -> Option<Program> {
    std::env::var_os("KUBEWRIGHT_REAL").map(|_| Program::new(kubewright_real::ensure_ansible().unwrap()))
}

/// A run takes seconds of a processor; on a loaded machine that is a minute.
const PATIENCE: Duration = Duration::from_secs(280);

async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("waited for {what}"))
}

async fn with_status(env: &TestEnv, kind: &str, status: &str) -> Value {
    eventually(&format!("{kind} is {status}"), async || {
        condition(env, "sample", kind).await.filter(|condition| condition["status"] == status)
    })
    .await
}

async fn replicas(env: &TestEnv, wanted: i32) {
    eventually(&format!("{wanted} replicas"), async || {
        let found = deployments(env).get_opt("sample-memcached").await.unwrap()?;
        (found.spec?.replicas == Some(wanted)).then_some(())
    })
    .await;
}

fn once(env: &TestEnv, folder: &std::path::Path) -> Options {
    Options {
        // A failure is tried again when something changes, and costs no further run here.
        retry: NEVER,
        environment: vec![("ANSIBLE_GATHERING".into(), "explicit".into())],
        ..options(env, folder)
    }
}

async fn lives(env: TestEnv, runner: Program) {
    install_crd(&env).await;
    make_map(&env, "ledger").await;
    let dir = tempfile::tempdir().unwrap();
    let operator = start(&env, watch(), &runner, once(&env, dir.path())).await;
    let object = create(&env, "sample", json!({}), json!({"size": 3, "maxMemory": 64})).await;

    with_status(&env, "Successful", "True").await;
    let running = condition(&env, "sample", "Running").await.unwrap();
    let result = &running["ansibleResult"];
    // The assertion, what is rescued and its rescue, and the Deployment.
    let counts = ["changed", "failures", "skipped"].map(|name| result[name].as_u64().unwrap());
    assert_eq!((running["reason"].as_str(), counts), (Some("Successful"), [1, 0, 0]), "{running}");
    assert!(result["completion"].as_str().unwrap().ends_with("+00:00"), "{result}");
    let deployment = deployments(&env).get("sample-memcached").await.unwrap();
    assert_eq!(deployment.owner_references()[0].uid, object.uid().unwrap());
    let spec = deployment.spec.unwrap();
    assert_eq!(spec.replicas, Some(3));
    let args = spec.template.spec.unwrap().containers[0].args.clone().unwrap();
    assert_eq!(args, ["memcached", "--memory-limit=64"], "maxMemory is max_memory");

    // What is changed behind Ansible's back is put right.
    scale(&env, "sample-memcached", 1).await;
    replicas(&env, 3).await;
    with_status(&env, "Successful", "True").await;

    // A task fails, and then no longer.
    change(&env, "sample", json!({"spec": {"size": 7}})).await;
    let failure = with_status(&env, "Failure", "True").await;
    assert_eq!((failure["reason"].as_str(), failure["message"].as_str()), (Some("Failed"), Some("size 7 is too much")));
    assert_eq!(failure["ansibleResult"]["failures"], 1, "{failure}");
    change(&env, "sample", json!({"spec": {"size": 4}})).await;
    replicas(&env, 4).await;
    with_status(&env, "Failure", "False").await;
    assert_eq!(deployments(&env).get("sample-memcached").await.unwrap().owner_references().len(), 1);

    let printed = dir.path().join("runner/cache.example.com/v1alpha1/Memcached").join(env.namespace()).join("sample");
    let printed = std::fs::read_to_string(printed.join("artifacts/latest/stdout")).unwrap();
    assert!(printed.contains("TASK [memcached : Start memcached]"), "{printed}");

    memcacheds(&env).delete("sample", &DeleteParams::default()).await.unwrap();
    eventually("it is gone", async || memcacheds(&env).get_opt("sample").await.unwrap().is_none().then_some(())).await;
    let ledger = maps(&env).get("ledger").await.unwrap();
    assert_eq!(ledger.data.as_ref().unwrap()["closed"], "sample at size 4");
    assert!(ledger.owner_references().is_empty(), "what is somebody else's stays that");
    operator.stop().await.unwrap();
    let told = events(&env, "sample").await;
    assert!(told.iter().any(|(reason, _)| reason == "AnsibleFailed"), "{told:?}");
    end(env).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_project_runs_on_the_embedded_control_plane() {
    let Some(runner) = runner() else { return };
    lives(TestEnv::embedded().await.unwrap(), runner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_project_runs_on_a_real_server() {
    let Some(runner) = runner() else { return };
    lives(TestEnv::start().await.unwrap(), runner).await;
}

/// A playbook in a folder of its own, for what the tutorial does not do.
#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_asks_to_be_run_again_writes_the_status_and_takes_texts_for_no_templates() {
    let Some(runner) = runner() else { return };
    let env = TestEnv::embedded().await.unwrap();
    install_crd(&env).await;
    let dir = tempfile::tempdir().unwrap();
    // The module of the collection operator_sdk.util has this name, and answers so.
    std::fs::create_dir(dir.path().join("library")).unwrap();
    let module = "#!/bin/sh\necho '{\"changed\": false, \"period\": \"24h\"}'\n";
    std::fs::write(dir.path().join("library/requeue_after"), module).unwrap();
    let playbook = dir.path().join("playbook.yml");
    std::fs::write(&playbook, PLAYBOOK).unwrap();
    let watch = Watch {
        content: kubewright_ansible::watches::Content::Playbook(playbook),
        mark_unsafe: true,
        reconcile_period: Some(Duration::from_millis(1)),
        finalizer: None,
        ..watch()
    };
    let operator = start(&env, watch, &runner, once(&env, dir.path())).await;
    create(&env, "sample", json!({}), json!({"theText": "{{ 1 + 1 }}"})).await;
    with_status(&env, "Successful", "True").await;
    let object = memcacheds(&env).get("sample").await.unwrap();
    assert_eq!(object.data["status"]["text"], "{{ 1 + 1 }}");
    operator.idle().await;
    assert_eq!(
        condition(&env, "sample", "Successful").await.unwrap()["status"],
        "True",
        "in a day, not in a millisecond"
    );
    operator.stop().await.unwrap();
    end(env).await;
}

const PLAYBOOK: &str = r#"---
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the status
      ansible.builtin.uri:
        url: "{{ (lookup('file', lookup('env', 'KUBECONFIG')) | from_yaml).clusters[0].cluster.server }}/apis/cache.example.com/v1alpha1/namespaces/{{ ansible_operator_meta.namespace }}/memcacheds/{{ ansible_operator_meta.name }}/status"
        method: PATCH
        headers:
          Content-Type: application/merge-patch+json
        body_format: json
        body:
          status:
            text: "{{ the_text }}"
    - name: Again tomorrow
      requeue_after:
"#;
