//! The real cluster itself: it starts, answers, runs its controllers and leaves nothing behind.
//!
//! Part of the real tier: runs under `cargo xtask real`, which sets `KUBEWRIGHT_REAL=1`.

use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ObjectMeta, PostParams};
use kubewright_real::{KUBERNETES_VERSION, Options, RealCluster};

mod support;

#[tokio::test]
async fn it_serves_runs_controllers_and_stops() {
    if !support::enabled("it_serves_runs_controllers_and_stops") {
        return;
    }
    let options = Options { controller_manager: true, ..Options::default() };
    let cluster = RealCluster::start(options).await.expect("the real servers start");
    let client = cluster.client().expect("the kubeconfig is usable");
    let version = client.apiserver_version().await.expect("/version answers");
    assert_eq!(version.git_version, KUBERNETES_VERSION);

    // The controller manager puts this ConfigMap into each new namespace.
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some("made".to_owned()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
    let config_maps: Api<ConfigMap> = Api::namespaced(client, "made");
    eventually("kube-root-ca.crt in the new namespace", Duration::from_secs(120), async || {
        config_maps.get_opt("kube-root-ca.crt").await.is_ok_and(|found| found.is_some())
    })
    .await;

    let pids = cluster.pids();
    assert_eq!(pids.len(), 3);
    let kubeconfig = cluster.kubeconfig().to_owned();
    drop(cluster);
    assert!(!kubeconfig.exists(), "the files are removed");
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} has ended");
    }
}

#[tokio::test]
async fn a_refused_flag_is_an_error_that_shows_the_log() {
    if !support::enabled("a_refused_flag_is_an_error_that_shows_the_log") {
        return;
    }
    let options = Options { apiserver_arguments: vec!["--no-such-flag".to_owned()], ..Options::default() };
    let error = RealCluster::start(options).await.expect_err("there is no such flag").to_string();
    assert!(error.starts_with("kube-apiserver ended (exit status: 1)"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
}

/// Polls `condition` until it holds; fails the test with `what` when it takes longer than `limit`.
async fn eventually(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
