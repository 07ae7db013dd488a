//! The way of a Helm operator's author: an empty folder → init → create api → run → a release.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::kube::api::{ApiResource, DynamicObject};
use kubewright::kube::core::GroupVersionKind;
use kubewright::prelude::*;
use support::{Scratch, Up, apply_definition, kubewright, run, stderr, stdout};

fn good(args: &[&str], scratch: &Scratch) -> String {
    let output = run(args, scratch);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

fn project(scratch: &Scratch) {
    good(&["init", "--plugins", "helm", "--domain", "example.com", "--project-name", "web-operator"], scratch);
    let told = good(&["create", "api", "--group", "web", "--version", "v1alpha1", "--kind", "Site"], scratch);
    assert!(told.contains("new      helm-charts/site/Chart.yaml") && told.contains("helm-operator run"), "{told}");
}

#[test]
fn a_project_of_charts_is_made_and_mistakes_are_told() {
    let scratch = Scratch::new();
    project(&scratch);
    let output = run(
        &["create", "webhook", "--group", "web", "--version", "v1alpha1", "--kind", "Site", "--defaulting"],
        &scratch,
    );
    assert!(!output.status.success() && stderr(&output).contains("PROJECT"), "{}", stderr(&output));
    fs::write(scratch.path("watches.yaml"), "- group: x\n  version: v1\n").unwrap();
    let output = run(&["helm-operator", "run"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("watches.yaml:1: chart: it must not be empty"), "{}", stderr(&output));
    let output = run(&["helm-operator", "run", "--metrics-require-rbac"], &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_chart_is_for_projects_of_charts() {
    let scratch = Scratch::new();
    good(&["init", "--domain", "example.com", "--project-name", "guestbook"], &scratch);
    let output = run(&["create", "api", "--version", "v1", "--kind", "Site", "--helm-chart", "x"], &scratch);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("init --plugins helm"), "{}", stderr(&output));
}

/// Part of the real tier, since it takes helm.
#[test]
fn helm_takes_the_charts_of_the_operators_and_all_is_in_the_namespace_of_the_release() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let helm = kubewright_real::ensure_helm().unwrap();
    let scratch = Scratch::new();
    good(&["manifests", "--operators", "all", "--chart", "--out", "charts"], &scratch);
    for entry in fs::read_dir(scratch.path("charts")).unwrap() {
        let chart = entry.unwrap().path().join("chart");
        let switches = "prometheus.enabled=true,networkPolicy.enabled=true";
        let mut command = std::process::Command::new(&helm);
        let output = command
            .args(["template", "x", "--namespace", "elsewhere", "--set", switches])
            .arg(&chart)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&stdout(&output)).unwrap();
        let namespaces = documents.iter().filter_map(|document| document["metadata"]["namespace"].as_str());
        assert!(namespaces.clone().count() > 3 && namespaces.into_iter().all(|namespace| namespace == "elsewhere"));
        let lint = std::process::Command::new(&helm).arg("lint").arg(&chart).output().unwrap();
        assert!(lint.status.success(), "{}", stdout(&lint));
    }
}

/// Part of the real tier, since it takes helm.
#[test]
fn the_operator_of_a_new_project_makes_releases() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let helm = kubewright_real::ensure_helm().unwrap();
    let scratch = Scratch::new();
    project(&scratch);
    let up = Up::start(&scratch, &["--operators", "none", "--no-examples"]);
    let kubeconfig = up.kubeconfig.to_str().unwrap();
    let definition = scratch.path("config/crd/bases/web.example.com_sites.yaml");
    apply_definition(kubeconfig, &fs::read_to_string(definition).unwrap());
    let mut operator = kubewright()
        .args(["helm-operator", "run", "--kubeconfig", kubeconfig, "--health-probe-bind-address", "0", "--helm"])
        .arg(helm)
        .current_dir(scratch.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(operator.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "running releases of Site; Ctrl-C stops");
    let sample = fs::read_to_string(scratch.path("config/samples/web_v1alpha1_site.yaml")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(Some(Path::new(kubeconfig)), None).await.unwrap();
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("web.example.com", "v1alpha1", "Site"));
        let sites = Api::<DynamicObject>::default_namespaced_with(client.clone(), &kind);
        let object: DynamicObject = serde_saphyr::from_str(&sample).unwrap();
        sites.create(&Default::default(), &object).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let deployed = |object: &DynamicObject| object.data["status"]["deployedRelease"]["name"] == "site-sample";
        while !deployed(&sites.get("site-sample").await.unwrap()) {
            assert!(Instant::now() < deadline, "{:?}", sites.get("site-sample").await.unwrap().data["status"]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let deployments = Api::<Deployment>::default_namespaced(client);
        let made = deployments.get("site-sample-site").await.unwrap();
        assert_eq!(made.owner_references()[0].kind, "Site");
    });
    assert!(std::process::Command::new("kill").args(["-INT", &operator.id().to_string()]).status().unwrap().success());
    assert_eq!(operator.wait().unwrap().code(), Some(0));
}
