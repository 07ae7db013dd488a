//! `kubewright snapshot` as a user meets it: of a running and of a stopped control plane, and back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::os::unix::fs::PermissionsExt;

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::ResourceExt;
use kubewright::kube::api::{Api, PostParams};
use kubewright::prelude::connect;
use support::{Scratch, Up, exists, run, stderr, stdout};

fn map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: kubewright::kube::core::ObjectMeta { name: Some(name.into()), ..Default::default() },
        ..Default::default()
    }
}

async fn maps(up: &Up) -> Api<ConfigMap> {
    Api::default_namespaced(connect(Some(up.kubeconfig.as_path()), None).await.unwrap())
}

/// Succeeds and says so.
fn succeeds(arguments: &[&str], scratch: &Scratch) -> String {
    let output = run(arguments, scratch);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// Fails for a reason, with exit code 1.
fn fails(arguments: &[&str], scratch: &Scratch, why: &str) {
    let output = run(arguments, scratch);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stdout(&output));
    assert!(stderr(&output).contains(why), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_saved_while_it_ran_or_afterwards_is_back_after_a_restore() {
    let scratch = Scratch::new();
    let arguments = ["--data-dir", "data", "--operators", "none", "--no-examples"];
    let up = Up::start(&scratch, &arguments);
    let api = maps(&up).await;
    let first = api.create(&PostParams::default(), &map("first")).await.unwrap();
    let running = succeeds(&["snapshot", "save", "running.snap", "--kubeconfig", "kubeconfig"], &scratch);
    assert!(running.starts_with("saved ") && running.ends_with("to running.snap\n"), "{running}");
    let later = api.create(&PostParams::default(), &map("later")).await.unwrap();
    fails(&["snapshot", "save", "x.snap", "--data-dir", "data"], &scratch, "the control plane runs");
    assert!(!exists(&scratch.path("x.snap")) && !exists(&scratch.path("x.snap.part")));
    assert_eq!(up.interrupt(), Some(0));

    succeeds(&["snapshot", "save", "stopped.snap", "--data-dir", "data"], &scratch);
    assert_eq!(std::fs::metadata(scratch.path("stopped.snap")).unwrap().permissions().mode() & 0o777, 0o600);
    let status = succeeds(&["snapshot", "status", "running.snap"], &scratch);
    assert!(running.contains(status.trim_end()), "{running} {status}");
    let status = succeeds(&["snapshot", "status", "running.snap", "-o", "json"], &scratch);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert!(running.contains(&format!("{} objects of revision {}", status["objects"], status["revision"])), "{status}");

    fails(&["snapshot", "restore", "running.snap", "--data-dir", "data"], &scratch, "is not empty");
    succeeds(&["snapshot", "restore", "running.snap", "--data-dir", "restored"], &scratch);
    let up = Up::start(&scratch, &["--data-dir", "restored", "--operators", "none", "--no-examples"]);
    let api = maps(&up).await;
    let back = api.get("first").await.unwrap();
    assert_eq!((back.uid(), back.resource_version()), (first.uid(), first.resource_version()));
    assert!(api.get_opt("later").await.unwrap().is_none());
    let new = api.create(&PostParams::default(), &map("later")).await.unwrap();
    let version = |map: &ConfigMap| map.resource_version().unwrap().parse::<u64>().unwrap();
    assert!(version(&new) > version(&later) + 900_000_000, "{new:?}");
    assert_eq!(up.interrupt(), Some(0));

    succeeds(&["snapshot", "restore", "stopped.snap", "--data-dir", "other", "--bump-revision", "10"], &scratch);
    let up = Up::start(&scratch, &["--data-dir", "other", "--operators", "none", "--no-examples"]);
    assert!(maps(&up).await.get_opt("later").await.unwrap().is_some());
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn what_is_no_store_and_no_snapshot_is_refused() {
    let scratch = Scratch::new();
    fails(&["snapshot", "save", "x.snap", "--data-dir", "nowhere"], &scratch, "there is no store in nowhere");
    assert!(!exists(&scratch.path("nowhere")));
    std::fs::write(scratch.path("text"), "hello").unwrap();
    fails(&["snapshot", "restore", "text", "--data-dir", "data"], &scratch, "is not a Kubewright snapshot");
    assert!(!exists(&scratch.path("data")));
    fails(&["snapshot", "status", "missing"], &scratch, "cannot read the snapshot missing");
    fails(&["snapshot", "save", "x.snap", "--kubeconfig", "missing"], &scratch, "missing");
}
