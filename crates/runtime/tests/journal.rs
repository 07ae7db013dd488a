//! What a manager tells of its reconciles: those that went, and those that never settle.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use kubewright_runtime::{
    Context, Controller, Convergence, Ended, Error, Manager, ManagerOptions, ObjectRef, Outcome, Unsettled,
    UnsettledKind, Watch,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{FakeApi, Running, eventually, parent, start, told};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn watched(api: &FakeApi, controllers: impl IntoIterator<Item = Controller>) -> Running {
    let convergence = Some(Convergence::default());
    let options = ManagerOptions { listen: None, seed: 1, convergence, ..ManagerOptions::default() };
    start(controllers.into_iter().fold(Manager::new(api.client(), options), Manager::controller))
}

fn one_parent() -> FakeApi {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api
}

async fn patch(ctx: &Context, data: Value) -> Result<(), Error> {
    let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), "ns");
    api.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": data}))).await?;
    Ok(())
}

async fn found(manager: &Running) -> Unsettled {
    eventually("it is found", || !manager.handle.unsettled().is_empty()).await;
    manager.handle.unsettled()[0].clone()
}

// Paused time stands still as long as there is work.
#[tokio::test]
async fn a_reconciler_that_writes_a_new_time_stamp_each_time_is_reported_with_the_field() {
    let api = one_parent();
    let count = Arc::new(Mutex::new(0));
    let reconciler = told(move |_, ctx| {
        let runs = {
            let mut count = count.lock();
            *count += 1;
            *count
        };
        Box::pin(async move {
            ctx.set_status(&json!({"lastRun": runs, "steady": "same"})).await?;
            Ok(Outcome::Settled)
        })
    });
    let manager = watched(&api, [Controller::new("stamper", Watch::all(), reconciler)]);
    let unsettled = found(&manager).await;
    assert_eq!(unsettled.kind, UnsettledKind::Repeats);
    assert_eq!((unsettled.controller.as_str(), unsettled.key.as_str()), ("stamper", "ns/a"));
    let fields: Vec<&str> = unsettled.fields.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, [".status.lastRun"]);
    let text = unsettled.to_string();
    assert!(text.contains("never settles on ns/a: it writes configmaps ns/a again and again"), "{text}");
    manager.stop().await.unwrap();
}

/// A controller that wants a value in the ConfigMap.
fn wants(name: &str, value: &'static str) -> Controller {
    let reconciler = told(move |object, ctx| {
        Box::pin(async move {
            let data = object.data.clone().unwrap_or_default();
            if data.get("mode").map(String::as_str) != Some(value) {
                patch(ctx, json!({"mode": value})).await?;
            }
            Ok(Outcome::Settled)
        })
    });
    Controller::new(name, Watch::all(), reconciler)
}

// Paused time stands still as long as there is work.
#[tokio::test]
async fn two_controllers_that_set_a_field_back_and_forth_are_both_named() {
    let manager = watched(&one_parent(), [wants("left", "l"), wants("right", "r")]);
    let unsettled = found(&manager).await;
    let UnsettledKind::Flips { with: Some((other, key)) } = &unsettled.kind else { panic!("{unsettled}") };
    assert_eq!((other.as_str() != unsettled.controller, key.as_str()), (true, "ns/a"));
    assert_eq!(unsettled.fields[0].field, ".data.mode");
    let text = unsettled.to_string();
    assert!(text.contains("left") && text.contains("right") && text.contains("back and forth"), "{text}");
    manager.stop().await.unwrap();
}

fn owner() -> Controller {
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            let mut child = Secret::default();
            child.metadata.name = Some("c".into());
            child.string_data = Some([("k".to_string(), "ours".to_string())].into());
            ctx.own([child]).await?;
            Ok(Outcome::Settled)
        })
    });
    Controller::new("owner", Watch::all(), reconciler).owns(Watch::<Secret>::all())
}

#[tokio::test(start_paused = true)]
async fn somebody_outside_who_sets_a_child_back_is_reported() {
    let api = one_parent();
    let manager = watched(&api, [owner()]);
    manager.settled().await;
    for _ in 0..4 {
        assert!(manager.handle.unsettled().is_empty());
        api.change("secrets", "ns", "c", |child| child["stringData"]["k"] = "theirs".into());
        manager.settled().await;
    }
    let unsettled = found(&manager).await;
    assert_eq!(unsettled.kind, UnsettledKind::Flips { with: None });
    assert_eq!(unsettled.fields[0].to_string(), r#".stringData.k: "theirs" → "ours""#);
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reconcilers_that_settle_are_not_reported_whatever_their_users_change() {
    let api = one_parent();
    let mirror = told(|object, ctx| {
        Box::pin(async move {
            let size = object.data.clone().unwrap_or_default().remove("size").unwrap_or_default();
            ctx.set_status(&json!({"size": size})).await?;
            Ok(Outcome::Settled)
        })
    });
    let manager = watched(&api, [Controller::new("mirror", Watch::all(), mirror), owner()]);
    for turn in 0..20 {
        api.change("configmaps", "ns", "a", |object| object["data"]["size"] = (turn % 2).to_string().into());
        manager.settled().await;
    }
    assert!(manager.handle.unsettled().is_empty(), "{:?}", manager.handle.unsettled());
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_reconciles_are_kept_with_their_trigger_reads_writes_and_end() {
    let api = one_parent();
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            ctx.get::<Secret>(&ObjectRef::new(Some("ns"), "password"))?;
            ctx.set_status(&json!({"seen": true})).await?;
            Err(Error::terminal("no password"))
        })
    });
    let manager = watched(&api, [Controller::new("test", Watch::all(), reconciler).reads(Watch::<Secret>::all())]);
    manager.settled().await;
    let records = manager.handle.records();
    assert_eq!(records.len(), 2, "its own write woke it once");
    let first = &records[0];
    assert_eq!((first.key.as_str(), first.reason.to_string().as_str()), ("ns/a", "ConfigMap ns/a listed"));
    assert_eq!(first.reads, ["secrets ns/password"]);
    assert_eq!((first.writes[0].method.as_str(), first.writes[0].resource.as_str()), ("PATCH", "configmaps/status"));
    let changes = first.writes[0].changes.as_ref().unwrap();
    assert_eq!(changes[0].to_string(), ".status: nothing → {\"seen\":true}");
    assert_eq!(first.ended, Ended::Failed { error: "no password".into(), terminal: true });
    assert!(records[1].writes.is_empty());
    let text = first.to_string();
    assert!(text.contains("test #1 ns/a because: ConfigMap ns/a listed → failed for good: no password"), "{text}");
    for turn in 0..60 {
        api.change("configmaps", "ns", "a", |object| object["data"]["turn"] = turn.to_string().into());
        manager.settled().await;
    }
    assert_eq!(manager.handle.records().len(), 50, "the oldest go");
    manager.stop().await.unwrap();
}

async fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_string())
}

#[tokio::test]
async fn the_debug_endpoint_shows_queues_caches_and_reconciles_and_sets_the_log_filter() {
    let filters: Arc<Mutex<Vec<String>>> = Arc::default();
    let set = filters.clone();
    let manager =
        Manager::new(one_parent().client(), ManagerOptions::default()).controller(owner()).log_filter(move |filter| {
            if filter == "nonsense=" {
                return Err("no such level".into());
            }
            set.lock().push(filter.into());
            Ok(())
        });
    let manager = start(manager);
    manager.settled().await;
    let address = manager.handle.address().unwrap();
    let (status, text) = http(address, "GET", "/debug", "").await;
    assert_eq!(status, 200);
    for part in [
        "controller owner: 0 queued",
        "watch secrets @",
        "configmaps: 1 objects",
        "PATCH secrets ns/c",
        "because: ConfigMap ns/a listed",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let (_, json) = http(address, "GET", "/debug?format=json", "").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["controllers"][0]["watches"][0]["resource"], "configmaps");
    assert!(json["caches"][0]["bytes"].as_u64().unwrap() > 0);
    assert_eq!(json["reconciles"][0]["key"], "ns/a");
    assert_eq!(http(address, "PUT", "/debug/log", "kubewright_runtime=debug\n").await.0, 200);
    let (status, told) = http(address, "PUT", "/debug/log", "nonsense=").await;
    assert!(status == 400 && told.contains("no such level"), "{status} {told}");
    assert_eq!(*filters.lock(), ["kubewright_runtime=debug"]);
    assert_eq!(http(address, "POST", "/debug", "").await.0, 405);
    tokio::time::timeout(Duration::from_secs(10), manager.stop()).await.unwrap().unwrap();
}
