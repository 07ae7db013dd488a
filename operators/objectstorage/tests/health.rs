//! How the operator tells of the server's health and address.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read, Write};

use kubewright::prelude::{Manager, ManagerOptions};
use kubewright_testing::TestEnv;
use tokio_util::sync::CancellationToken;

use support::World;
use support::fake::{ConnectFake, Server};

//
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_client_the_operator_is_alive_and_not_ready() {
    let env = TestEnv::start().await.unwrap();
    env.install_crds(&kubewright_objectstorage::crds()).await.unwrap();
    let options = ManagerOptions { listen: Some(([127, 0, 0, 1], 0).into()), ..ManagerOptions::default() };
    let connect = ConnectFake { server: Server::new(), fuse: None };
    let manager = Manager::new(env.client(), options);
    let manager = kubewright_objectstorage::add_to(manager, support::options(env.namespace()), connect).unwrap();
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    let address = env.eventually("the endpoints", async || handle.address()).await;
    let get = |path: &'static str| async move {
        let ask = move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    let told = async || get("/readyz").await.contains("is missing: create it").then_some(());
    env.eventually("readiness names the Secret", told).await;
    let answer = get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.0 503") && answer.contains("endpoint minio.test:9000"), "{answer}");
    assert!(get("/healthz").await.starts_with("HTTP/1.0 200"));
    stop.cancel();
    running.await.unwrap().unwrap();
    env.stop().await;
}

//
#[tokio::test(start_paused = true)]
async fn the_health_check_lists_buckets_and_waits_five_seconds() {
    let env = TestEnv::embedded().await.unwrap();
    let server = Server::new();
    let connect = ConnectFake { server: server.clone(), fuse: None };
    let world = World::on(env, server, |options| options, move |_| connect.clone()).await;
    world.put_admin(&[("accessKey", "root"), ("secretKey", "s")]).await;
    world.env.eventually("ready", async || world.operator.ready().await.ok()).await;
    assert!(world.server.lock().count("list buckets") >= 1);
    world.server.lock().hanging.insert("list buckets");
    let late = async || {
        let faults = world.operator.ready().await.err()?;
        faults.iter().any(|fault| fault.contains("did not answer within 5 s")).then_some(())
    };
    world.env.eventually("the late answer is told", late).await;
    world.server.lock().hanging.clear();
    world.env.eventually("ready again", async || world.operator.ready().await.ok()).await;
    world.stop().await;
}

//
#[tokio::test]
async fn the_endpoint_of_the_configuration_is_told_to_users() {
    let world = World::with(|options| kubewright_objectstorage::Options { external_endpoint: None, ..options }).await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let secret = world.secret("object-storage-key").await;
    assert_eq!((secret["internal"].as_str(), secret["external"].as_str()), ("minio.test:9000", ""));
    world.stop().await;
}
