//! Keys from timers, streams and HTTP calls.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{net::SocketAddr, time::Duration};

use kubewright_runtime::{Access, Controller, Endpoint, Manager, ManagerOptions, ObjectRef, Outcome, Timer, Watch};
use parking_lot::Mutex;
use std::sync::Arc;
use support::{FakeApi, Running, Told, eventually, parent, run, start, told};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A reconciler that notes why it runs.
fn why() -> (Told, Arc<Mutex<Vec<String>>>) {
    let reasons: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = reasons.clone();
    let reconciler = told(move |object, ctx| {
        let name = object.metadata.name.clone().unwrap_or_default();
        log.lock().push(format!("{name}: {}", ctx.reason()));
        Box::pin(async { Ok(Outcome::Settled) })
    });
    (reconciler, reasons)
}

fn key(name: &str) -> ObjectRef {
    ObjectRef::new(Some("ns"), name)
}

fn two_parents() -> FakeApi {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api.put("configmaps", parent("b"));
    api
}

#[tokio::test(start_paused = true)]
async fn items_of_a_stream_wake_what_they_are_mapped_to_and_one_that_panics_is_left_out() {
    let (reconciler, reasons) = why();
    let (items, stream) = futures::channel::mpsc::unbounded::<&str>();
    let controller = Controller::new("test", Watch::all(), reconciler).stream("news", stream, |name| {
        assert!(name != "bad", "on purpose");
        Some(key(name))
    });
    let manager = run(&two_parents(), [controller]);
    manager.settled().await;
    reasons.lock().clear();
    for item in ["bad", "b"] {
        items.unbounded_send(item).unwrap();
    }
    eventually("it is woken", || *reasons.lock() == ["b: source news"]).await;
    drop(items);
    manager.settled().await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn timers_wake_their_keys_and_a_resync_all_objects() {
    let (reconciler, reasons) = why();
    let controller = Controller::new("test", Watch::all(), reconciler)
        .every("hourly", Timer::every(Duration::from_secs(3600)), || Some(key("a")))
        .resync(Timer::every(Duration::from_secs(7000)));
    let manager = run(&two_parents(), [controller]);
    manager.settled().await;
    reasons.lock().clear();
    tokio::time::sleep(Duration::from_secs(3601)).await;
    assert_eq!(*reasons.lock(), ["a: source hourly"]);
    tokio::time::sleep(Duration::from_secs(3500)).await;
    assert_eq!(reasons.lock()[1..], ["a: source resync", "b: source resync"]);
    manager.stop().await.unwrap();
}

/// A manager with an HTTP listener; real time, as sockets take some.
async fn serving(controller: Controller) -> (Running, SocketAddr) {
    let manager = start(Manager::new(two_parents().client(), ManagerOptions::default()).controller(controller));
    manager.settled().await;
    let address = manager.handle.address().unwrap();
    (manager, address)
}

/// Posts a body; tells the status and the answer.
async fn post(address: SocketAddr, path: &str, token: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_string())
}

fn with_endpoint(reconciler: Told, access: Access) -> Controller {
    Controller::new("test", Watch::all(), reconciler).endpoint(Endpoint::new("push", access), |call| {
        let names: Vec<String> = call.json()?;
        assert!(names != ["panic"], "on purpose");
        Ok(names.into_iter().map(|name| key(&name)).collect::<Vec<_>>())
    })
}

#[tokio::test]
async fn a_call_with_the_secret_wakes_keys_and_others_are_refused() {
    let (reconciler, reasons) = why();
    let (manager, address) = serving(with_endpoint(reconciler, Access::Secret("s3cret".into()))).await;
    reasons.lock().clear();
    let path = "/sources/test/push";
    assert_eq!(post(address, path, "s3cret", r#"["b"]"#).await, (202, "{\"woken\":1}\n".into()));
    eventually("it is woken", || *reasons.lock() == ["b: source push"]).await;
    for wrong in ["", "s3cre", "s3cret2", "S3cret"] {
        assert_eq!(post(address, path, wrong, r#"["b"]"#).await.0, 401, "{wrong}");
    }
    let (status, told) = post(address, path, "s3cret", "{").await;
    assert!(status == 400 && told.contains("the body does not fit"), "{status} {told}");
    assert_eq!(post(address, path, "s3cret", r#"["panic"]"#).await.0, 500);
    assert_eq!(post(address, path, "s3cret", &" ".repeat((1 << 20) + 1)).await.0, 413);
    assert_eq!(post(address, "/sources/test/other", "s3cret", "[]").await.0, 404);
    assert_eq!(reasons.lock().len(), 1, "nothing else was woken");
    manager.stop().await.unwrap();
}

#[tokio::test]
async fn a_call_with_a_token_of_the_cluster_needs_the_right_to_post() {
    let (reconciler, reasons) = why();
    let (manager, address) = serving(with_endpoint(reconciler, Access::Cluster)).await;
    reasons.lock().clear();
    let path = "/sources/test/push";
    assert_eq!(post(address, path, "wrong", r#"["a"]"#).await.0, 401);
    let (status, told) = post(address, path, "other", r#"["a"]"#).await;
    assert!(status == 403 && told.contains("other may not post to /sources/test/push"), "{status} {told}");
    assert!(reasons.lock().is_empty());
    assert_eq!(post(address, path, "good", r#"["a"]"#).await.0, 202);
    eventually("it is woken", || *reasons.lock() == ["a: source push"]).await;
    manager.stop().await.unwrap();
}
