//! `kubewright up` as a user meets it: it settles, it keeps what it accepted, it says what is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::api::{Api, ListParams, PostParams};
use kubewright::kube::config::{KubeConfigOptions, Kubeconfig};
use kubewright::kube::core::ObjectMeta;
use kubewright::kube::{Client, Config, ResourceExt};
use serde_json::Value;
use support::{Scratch, Up, exists, run, stderr, stdout};

async fn client(up: &Up) -> Client {
    let kubeconfig = Kubeconfig::read_from(&up.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[test]
fn up_settles_and_shows_the_examples_with_their_ingresses() {
    let scratch = Scratch::new();
    let output = run(&["up", "--exit-when-settled"], &scratch);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    for line in
        ["Service/bar-service", "Ingress/bar-service", "example.com/ → bar-service:8080 (nginx)", "Service/internal"]
    {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
    assert!(!text.contains("Ingress/internal"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours and cursor movements without a terminal");
    assert!(exists(&scratch.path("kubewright.kubeconfig")));
}

#[test]
fn up_settles_as_json_for_scripts() {
    let scratch = Scratch::new();
    let output = run(&["up", "--exit-when-settled", "-o", "json"], &scratch);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["settled"], true);
    let objects = result["objects"].as_array().unwrap();
    let bar = objects.iter().find(|object| object["name"] == "bar-service").unwrap();
    assert_eq!(bar["owns"][0]["kind"], "Ingress");
}

#[test]
fn up_without_operators_and_examples_is_a_bare_control_plane() {
    let scratch = Scratch::new();
    let output = run(&["up", "--exit-when-settled", "--operators", "none", "--no-examples", "-o", "json"], &scratch);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["objects"], Value::Array(Vec::new()));
}

#[test]
fn ctrl_c_ends_it_with_success() {
    let scratch = Scratch::new();
    assert_eq!(Up::start(&scratch, &[]).interrupt(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_kill_9_and_resource_versions_go_on() {
    let scratch = Scratch::new();
    let data = scratch.path("data");
    let arguments = ["--data-dir", data.to_str().unwrap(), "--operators", "none", "--no-examples"];
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    let mut newest = 0;
    for round in 0..3 {
        let up = Up::start(&scratch, &arguments);
        let maps = Api::<ConfigMap>::default_namespaced(client(&up).await);
        let there: BTreeMap<String, String> = list(&maps).await;
        for (name, version) in &acknowledged {
            assert_eq!(there.get(name), Some(version), "round {round}: {name} was acknowledged");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> =
            (0..8).map(|writer| tokio::spawn(write(maps.clone(), round, writer, stop.clone()))).collect();
        // Enough writes are under way, and more are being made while the process dies.
        while list(&maps).await.len() < acknowledged.len() + 100 {}
        up.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            for (name, version) in writer.await.unwrap() {
                assert!(version.parse::<u64>().unwrap() > newest, "resourceVersions go on after a restart");
                acknowledged.insert(name, version);
            }
        }
        newest = acknowledged.values().map(|version| version.parse().unwrap()).max().unwrap();
    }
}

/// Creates ConfigMaps until the server is gone; returns those that it acknowledged.
async fn write(maps: Api<ConfigMap>, round: usize, writer: usize, stop: Arc<AtomicBool>) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let metadata = ObjectMeta { name: Some(format!("r{round}-w{writer}-{number}")), ..ObjectMeta::default() };
        let Ok(made) = maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() }).await
        else {
            break;
        };
        acknowledged.push((made.name_any(), made.resource_version().unwrap()));
    }
    acknowledged
}

async fn list(maps: &Api<ConfigMap>) -> BTreeMap<String, String> {
    let ours = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .filter(|map| map.name_any().starts_with('r'));
    ours.map(|map| (map.name_any(), map.resource_version().unwrap())).collect()
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["up", "--port", &port, "--exit-when-settled"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&port), "{}", stderr(&output));
}

#[test]
fn an_unknown_operator_is_wrong_usage() {
    let scratch = Scratch::new();
    let output = run(&["up", "--operators", "ingres"], &scratch);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("ingres") && stderr(&output).contains("known are ingress"), "{}", stderr(&output));
}

#[test]
fn a_wrong_option_of_an_operator_is_wrong_usage() {
    let scratch = Scratch::new();
    let output = run(&["up", "--ingress-host", "not a host"], &scratch);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("option host"), "{}", stderr(&output));
}

#[test]
fn a_foreign_data_directory_is_refused_and_kept() {
    let scratch = Scratch::new();
    let file = scratch.path("data");
    std::fs::write(&file, "precious").unwrap();
    let output = run(&["up", "--data-dir", file.to_str().unwrap(), "--exit-when-settled"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(file.to_str().unwrap()), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let scratch = Scratch::new();
    let data = scratch.path("data");
    let arguments = ["--data-dir", data.to_str().unwrap(), "--operators", "none", "--no-examples"];
    let up = Up::start(&scratch, &arguments);
    let output = run(&["up", "--exit-when-settled", "--data-dir", data.to_str().unwrap()], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(data.to_str().unwrap()), "{}", stderr(&output));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_kubeconfig_that_can_not_be_written_is_named() {
    let scratch = Scratch::new();
    let output = run(&["up", "--kubeconfig-out", "no/such/folder/config", "--exit-when-settled"], &scratch);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--kubeconfig-out"), "{}", stderr(&output));
}

#[test]
fn nothing_is_warned_of_while_operators_come_up_and_their_examples_get_ready() {
    let scratch = Scratch::new();
    let output = run(&["up", "--operators", "access,account,dataservice", "--exit-when-settled"], &scratch);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(!stderr(&output).contains("WARN"), "{}", stderr(&output));
}
