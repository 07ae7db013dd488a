//! The way of an Ansible operator's author: an empty folder → init → create api → run → what the role makes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::api::{ApiResource, DynamicObject};
use kubewright::kube::core::GroupVersionKind;
use kubewright::prelude::*;
use support::{Scratch, Up, apply_definition, kubewright, run, stderr, stdout};

fn good(args: &[&str], scratch: &Scratch) -> String {
    let output = run(args, scratch);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

const API: [&str; 8] = ["create", "api", "--group", "cache", "--version", "v1alpha1", "--kind", "Memcached"];

fn project(scratch: &Scratch) {
    good(&["init", "--plugins", "ansible", "--domain", "example.com", "--project-name", "memcached-operator"], scratch);
    let told = good(&[&API[..], &["--generate-role", "--generate-playbook"]].concat(), scratch);
    assert!(
        told.contains("new      roles/memcached/tasks/main.yml") && told.contains("ansible-operator run"),
        "{told}"
    );
}

#[test]
fn a_project_of_roles_is_made_and_mistakes_are_told() {
    let scratch = Scratch::new();
    project(&scratch);
    let output = run(&["create", "api", "--version", "v1", "--kind", "Redis"], &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--generate-role"), "{}", stderr(&output));
    let output = run(&["ansible-operator", "run", "--metrics-require-rbac"], &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    fs::write(scratch.path("watches.yaml"), "- group: x\n  version: v1\n  kind: Redis\n  role: none\n").unwrap();
    let output = run(&["ansible-operator", "run"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("watches.yaml:4: role: there is no role none"), "{}", stderr(&output));
}

#[test]
fn roles_are_for_projects_of_roles() {
    let scratch = Scratch::new();
    good(&["init", "--domain", "example.com", "--project-name", "guestbook"], &scratch);
    let output = run(&[&API[..], &["--generate-role"]].concat(), &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("init --plugins ansible"), "{}", stderr(&output));
}

#[test]
fn a_machine_without_ansible_is_told_how_to_get_it() {
    let scratch = Scratch::new();
    project(&scratch);
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let kubeconfig = up.kubeconfig.to_str().unwrap();
    let output =
        run(&["ansible-operator", "run", "--kubeconfig", kubeconfig, "--ansible-runner", "/nowhere/runner"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("pip install ansible-core ansible-runner"), "{}", stderr(&output));
}

/// Part of the real tier, since it takes Ansible.
#[test]
fn the_operator_of_a_new_project_runs_its_role() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let runner = kubewright_real::ensure_ansible().unwrap();
    let scratch = Scratch::new();
    project(&scratch);
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let kubeconfig = up.kubeconfig.to_str().unwrap();
    let definition = scratch.path("config/crd/bases/cache.example.com_memcacheds.yaml");
    apply_definition(kubeconfig, &fs::read_to_string(definition).unwrap());
    let mut operator = kubewright()
        .args(["ansible-operator", "run", "--kubeconfig", kubeconfig, "--health-probe-bind-address", "0"])
        .arg("--ansible-runner")
        .arg(runner)
        .arg("--runner-dir")
        .arg(scratch.path("runner"))
        .current_dir(scratch.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(operator.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "running Ansible for Memcached; Ctrl-C stops");
    let sample = fs::read_to_string(scratch.path("config/samples/cache_v1alpha1_memcached.yaml")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(Some(Path::new(kubeconfig)), None).await.unwrap();
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cache.example.com", "v1alpha1", "Memcached"));
        let memcacheds = Api::<DynamicObject>::default_namespaced_with(client.clone(), &kind);
        let object: DynamicObject = serde_saphyr::from_str(&sample).unwrap();
        memcacheds.create(&Default::default(), &object).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(280);
        loop {
            let status = memcacheds.get("memcached-sample").await.unwrap().data["status"].clone();
            let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
            if conditions.iter().any(|condition| condition["type"] == "Successful" && condition["status"] == "True") {
                break;
            }
            assert!(Instant::now() < deadline, "{status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let made = Api::<ConfigMap>::default_namespaced(client).get("memcached-sample").await.unwrap();
        assert_eq!(
            (made.owner_references()[0].kind.as_str(), made.data.as_ref().unwrap()["says"].as_str()),
            ("Memcached", "size 1")
        );
    });
    assert!(std::process::Command::new("kill").args(["-INT", &operator.id().to_string()]).status().unwrap().success());
    let output = operator.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("Keep what the Memcached says"), "tasks are told: {log}");
}
