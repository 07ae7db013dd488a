//! kube-rs' own integration tests on this `kube-apiserver`.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since they are compiled for it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::io::Write;

use kubewright_real::{KUBE_VERSION, Options, RealCluster, kube_rs_tests};
use support::{Scratch, kubewright, stderr};

/// Tests that can't pass here, with the reason.
const SKIPPED: [(&str, &str); 4] = [
    ("pod_can_exec_and_write_to_stdin", "a kubelet has to run the Pod and the command in it"),
    ("can_get_pod_logs_and_evict", "a kubelet has to run the Pod and to keep its log"),
    ("pod_can_await_conditions", "a kubelet has to run the Pod"),
    ("derived_resources_discoverable", "it is switched off in kube-rs itself"),
];

#[tokio::test]
async fn kube_rs_own_tests_pass() {
    if std::env::var_os("KUBEWRIGHT_REAL").is_none() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let scratch = Scratch::new();
    let assets = scratch.path("assets");
    let made = kubewright().arg("assets").arg("--dir").arg(&assets).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let cluster = RealCluster::start(Options { servers: Some(assets), ..Options::default() }).await.unwrap();
    let kubeconfig = cluster.kubeconfig().to_owned();
    let skip = SKIPPED.map(|(name, _)| name);
    let run = tokio::task::spawn_blocking(move || kube_rs_tests(&kubeconfig, &skip)).await.unwrap();
    let (passed, failed, log) = run.expect("the tests can be compiled and run");

    // The test harness would keep what println! prints.
    let mut out = std::io::stdout();
    writeln!(out, "kube-rs {KUBE_VERSION}: {passed} passed, {failed} failed").unwrap();
    for (name, reason) in SKIPPED {
        writeln!(out, "  not run: {name}: {reason}").unwrap();
    }
    assert!(failed == 0 && passed > 0, "see {}", log.display());
}
