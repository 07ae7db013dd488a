//! A disk that runs full under `kubewright up --data-dir`, as a limit on the size of its files: nothing that was
//! acknowledged is lost, reads go on, and writes too as soon as there is space again.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::api::{Api, ListParams, PostParams};
use kubewright::kube::{Error, ResourceExt};
use kubewright::prelude::connect;
use support::{Scratch, Up};

fn map(name: &str, bytes: usize) -> ConfigMap {
    ConfigMap {
        metadata: kubewright::kube::core::ObjectMeta { name: Some(name.into()), ..Default::default() },
        data: Some([("payload".to_owned(), "x".repeat(bytes))].into()),
        ..Default::default()
    }
}

async fn maps(up: &Up) -> Api<ConfigMap> {
    Api::default_namespaced(connect(Some(up.kubeconfig.as_path()), None).await.unwrap())
}

/// Limits the size of the files of a process.
fn limit(pid: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    assert!(Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status().unwrap().success());
}

async fn listed(api: &Api<ConfigMap>) -> BTreeMap<String, String> {
    let all = api.list(&ListParams::default()).await.unwrap();
    all.iter().map(|map| (map.name_any(), map.resource_version().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let scratch = Scratch::new();
    let arguments = ["--data-dir", "data", "--operators", "none", "--no-examples"];
    // The signal that comes with the error is ignored, as there is none when a disk is full.
    let up = Up::start_by("trap '' XFSZ; exec \"$0\" \"$@\"", &scratch, &arguments);
    let api = maps(&up).await;
    let mut acknowledged = BTreeMap::new();
    let mut note = |map: ConfigMap| acknowledged.insert(map.name_any(), map.resource_version().unwrap());
    note(api.create(&PostParams::default(), &map("first", 100)).await.unwrap());

    let size = std::fs::metadata(scratch.path("data/store.redb")).unwrap().len();
    limit(up.pid(), &(size + (1 << 20)).to_string());
    let mut refused = 0;
    for number in 0..200 {
        match api.create(&PostParams::default(), &map(&format!("large-{number}"), 200 << 10)).await {
            Ok(map) => note(map),
            Err(Error::Api(status)) => {
                assert_eq!((status.code, status.reason.as_str()), (500, "InternalError"), "{status:?}");
                assert!(status.message.contains("free space on the disk"), "{status:?}");
                refused += 1;
                None
            }
            Err(other) => panic!("{other}"),
        };
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "the disk has not run full");
    // What was refused is not there, and everything else is.
    for (name, version) in &acknowledged {
        assert_eq!(api.get(name).await.unwrap().resource_version().as_ref(), Some(version), "{name}");
    }
    assert_eq!(listed(&api).await.keys().filter(|name| name.starts_with("large")).count(), acknowledged.len() - 1);

    limit(up.pid(), "unlimited");
    let after = api.create(&PostParams::default(), &map("after", 200 << 10)).await.unwrap();
    acknowledged.insert(after.name_any(), after.resource_version().unwrap());
    up.kill();

    let up = Up::start(&scratch, &arguments);
    let there = listed(&maps(&up).await).await;
    for (name, version) in &acknowledged {
        assert_eq!(there.get(name), Some(version), "{name} was acknowledged");
    }
    assert!(there.keys().all(|name| acknowledged.contains_key(name) || name == "kube-root-ca.crt"), "{there:?}");
}
