//! The operator is stopped before and after each single call to Kubernetes and to the server, and ends where it ends
//! without a crash.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kubewright_objectstorage::Options;
use kubewright_objectstorage::api::{ObjectStorageBucket, ObjectStorageUser};
use kubewright_objectstorage::names;
use kubewright_objectstorage::storage::{KeyState, Upload, Usage, Version};
use kubewright_testing::{CrashTest, TestEnv};
use serde_json::{Value, json};

use support::fake::{ConnectFake, Server, Shared};

/// Keys are made up, and names, which two runs do not share, are in base64.
fn without_keys(object: &mut Value) {
    if let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) {
        for key in ["secretKey", "accessKey", "bucket"] {
            if let Some(value) = data.get_mut(key) {
                *value = json!("(made up)");
            }
        }
    }
}

/// Whether the keys in a Secret are those of the server.
async fn keys_work(world: &kubewright_testing::World<'_>, server: &Shared, secret: &str, bucket: Option<&str>) {
    let secrets = Api::<Secret>::namespaced(world.client(), world.namespace());
    let work = async || {
        let data = secrets.get_opt(secret).await.unwrap()?.data?;
        let text = |key: &str| String::from_utf8(data.get(key).unwrap().0.clone()).unwrap();
        let state = server.lock().check(&text("accessKey"), &text("secretKey"), bucket);
        (state == KeyState::Works && !data.contains_key("nextSecretKey")).then_some(())
    };
    world.eventually(&format!("the keys of {secret} work"), work).await;
}

#[tokio::test(start_paused = true)]
async fn wherever_it_is_stopped_it_ends_in_the_same_state() {
    let env = TestEnv::embedded().await.unwrap();
    env.install_crds(&kubewright_objectstorage::crds()).await.unwrap();
    let server = Server::new();
    server.lock().page = 2;
    let administrator = json!({"metadata": {"name": "objectstorage-admin"}, "stringData": {"accessKey": "root"}});
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    secrets.create(&PostParams::default(), &serde_json::from_value(administrator).unwrap()).await.unwrap();

    let (shared, state, system) = (server.clone(), server.clone(), env.namespace().to_string());
    let test = CrashTest::new(&env, move |manager, life| {
        let options = Options { namespace: system.clone(), removals: 1, ..support::options(life.namespace()) };
        let connect = ConnectFake { server: shared.clone(), fuse: Some(life.fuse().clone()) };
        kubewright_objectstorage::add_to(manager, options, connect).unwrap()
    });
    let test = test.normalise(without_keys).outside(move |namespace| {
        let state = state.lock().state(names::user(&namespace));
        async move { state }
    });
    let report = test
        .run(async |world| {
            let users = Api::<ObjectStorageUser>::namespaced(world.client(), world.namespace());
            let buckets = Api::<ObjectStorageBucket>::namespaced(world.client(), world.namespace());
            let user = serde_json::from_value(json!({"metadata": {"name": "user"}, "spec": {}})).unwrap();
            users.create(&PostParams::default(), &user).await.unwrap();
            let bucket = json!({"metadata": {"name": "b"}, "spec": {"policy": "publicRead"}});
            buckets.create(&PostParams::default(), &serde_json::from_value(bucket).unwrap()).await.unwrap();
            let name = names::bucket(world.namespace(), "b");
            keys_work(world, &server, names::USER_SECRET, Some(&name)).await;
            keys_work(world, &server, &names::bucket_secret(&name), Some(&name)).await;
            world.mark("created").await;

            let patch = Patch::Merge(json!({"spec": {"secretKeyVersion": 1}}));
            users.patch("user", &PatchParams::default(), &patch).await.unwrap();
            let patch = Patch::Merge(json!({"spec": {"policy": "private"}}));
            buckets.patch("b", &PatchParams::default(), &patch).await.unwrap();
            let rotated =
                async || (users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
            world.eventually("the rotation", rotated).await;
            keys_work(world, &server, names::USER_SECRET, Some(&name)).await;
            world.mark("changed").await;

            {
                let mut server = server.lock();
                let bucket = server.buckets.get_mut(&name).unwrap();
                bucket.usage = Usage::default();
                bucket.versions = (0..5).map(|n| Version { key: "o".into(), id: n.to_string() }).collect();
                bucket.uploads = vec![Upload { key: "u".into(), id: "1".into() }];
            }
            buckets.delete("b", &DeleteParams::default()).await.unwrap();
            let gone = async || buckets.get_opt("b").await.unwrap().is_none().then_some(());
            world.eventually("the bucket goes", gone).await;
            world.mark("bucket deleted").await;
            users.delete("user", &DeleteParams::default()).await.unwrap();
            let gone = async || users.get_opt("user").await.unwrap().is_none().then_some(());
            world.eventually("the user goes", gone).await;
            world.mark("deleted").await;
        })
        .await;
    assert!(report.points > 50, "{report}");
    env.stop().await;
}
