//! What the operator promises of buckets, each line by its number in the acceptance checklist, on a server in memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::ResourceExt;
use kubewright::kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams};
use kubewright_objectstorage::Options;
use kubewright_objectstorage::api::ObjectStorageUser;
use kubewright_objectstorage::names;
use kubewright_objectstorage::storage::{KeyState, StorageError, Upload, Usage, Version};
use serde_json::json;

use support::World;
use support::fake::{Bucket, refused};

fn quick(options: Options) -> Options {
    Options { bucket_cycle: Duration::from_millis(200), user_cycle: Duration::from_millis(200), ..options }
}

fn version(number: usize) -> Version {
    Version { key: format!("object-{}", number / 2), id: number.to_string() }
}

//
#[tokio::test]
async fn a_bucket_gets_a_bucket_and_keys_that_can_use_it_and_no_other() {
    let world = World::with(|options| Options { region: "eu-west-1".into(), ..options }).await;
    world.create_user().await;
    world.create_bucket("pictures", json!({})).await;
    world.create_bucket("letters", json!({})).await;
    world.bucket_is("pictures", "True", "Available").await;
    world.bucket_is("letters", "True", "Available").await;
    let (pictures, letters) = (world.bucket_name("pictures"), world.bucket_name("letters"));
    assert_eq!(pictures, format!("{}-pictures", world.user_name()));
    assert_eq!(world.server.lock().buckets[&pictures].region, "eu-west-1");

    let secret = world.secret(&names::bucket_secret(&pictures)).await;
    assert_eq!(secret["accessKey"], names::access_key(&pictures));
    assert_eq!((secret["bucket"].as_str(), secret["internal"].as_str()), (pictures.as_str(), "minio.test:9000"));
    assert_eq!(secret["external"], "https://minio.example.com");
    {
        let server = world.server.lock();
        let (access_key, secret_key) = (&secret["accessKey"], &secret["secretKey"]);
        assert_eq!(server.check(access_key, secret_key, Some(&pictures)), KeyState::Works);
        assert_eq!(server.check(access_key, secret_key, Some(&letters)), KeyState::NotAllowed);
        assert_eq!(server.service_accounts[access_key].parent, world.user_name());
    }

    let status = world.buckets.get("pictures").await.unwrap().status.unwrap();
    assert_eq!(status.name.as_deref(), Some(pictures.as_str()));
    assert!(!serde_json::to_string(&status).unwrap().contains(&secret["secretKey"]));
    world.stop().await;
}

//
#[tokio::test]
async fn a_bucket_that_exists_is_taken_as_it_is() {
    let world = World::new().await;
    let name = world.bucket_name("old");
    let usage = Usage { size: 7, objects: 1 };
    world.server.lock().buckets.insert(name.clone(), Bucket { usage, ..Bucket::default() });
    world.create_user().await;
    world.create_bucket("old", json!({})).await;
    world.bucket_is("old", "True", "Available").await;
    assert_eq!(world.server.lock().count("create bucket"), 0);
    let status = world.buckets.get("old").await.unwrap().status.unwrap();
    assert_eq!((status.size, status.objects_count), (Some(7), Some(1)));
    world.stop().await;
}

//
#[tokio::test]
async fn the_policy_is_applied_and_drift_is_repaired() {
    let world = World::with(quick).await;
    world.create_bucket("site", json!({"policy": "publicRead"})).await;
    let name = world.bucket_name("site");
    let policy = |contains: &'static str| {
        let name = name.clone();
        move |server: &support::fake::Server| {
            let policy = server.buckets.get(&name)?.policy.as_ref()?.to_string();
            (policy.contains("s3:GetObject") && policy.contains("s3:PutObject") == contains.contains("Put"))
                .then_some(())
        }
    };
    world.server_has("a policy that lets read", policy("Get")).await;
    world.patch_bucket("site", json!({"policy": "publicReadwrite"})).await;
    world.server_has("a policy that lets write", policy("Put")).await;
    world.server.lock().buckets.get_mut(&name).unwrap().policy = None;
    world.server_has("a repaired policy", policy("Put")).await;
    world.patch_bucket("site", json!({"policy": "private"})).await;
    let none = |server: &support::fake::Server| server.buckets[&name].policy.is_none().then_some(());
    world.server_has("no policy", none).await;
    world.server.lock().buckets.get_mut(&name).unwrap().policy = Some(json!({"Statement": []}));
    world.server_has("the foreign policy is removed", none).await;
    world.server.lock().buckets.remove(&name);
    world.server_has("a bucket that was removed is made again", |server| server.buckets.get(&name).map(|_| ())).await;
    world.stop().await;
}

#[tokio::test]
async fn other_values_are_refused_by_the_api_server() {
    let world = World::new().await;
    for spec in [json!({"policy": "public"}), json!({"deletionPolicy": "Keep"})] {
        let error = world.try_bucket("b", spec).await.unwrap_err().to_string();
        assert!(error.contains("Unsupported value"), "{error}");
    }
    let users = Api::<DynamicObject>::namespaced_with(
        world.env.client(),
        world.namespace(),
        &ApiResource::erase::<ObjectStorageUser>(&()),
    );
    for version in [json!(-1), json!(1.5), json!("1"), json!(9_223_372_036_854_775_808_u64)] {
        let user = json!({
            "apiVersion": "objectstorage.sealos.io/v1", "kind": "ObjectStorageUser",
            "metadata": {"name": "user"}, "spec": {"secretKeyVersion": version},
        });
        let error = users.create(&PostParams::default(), &serde_json::from_value(user).unwrap()).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("spec.secretKeyVersion"), "{version}: {error}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_secret_of_somebody_else_with_our_name_is_left_alone() {
    let world = World::new().await;
    let secrets = Api::<Secret>::namespaced(world.env.client(), world.namespace());
    let theirs = async |name: &str| {
        let secret = json!({"metadata": {"name": name}, "stringData": {"accessKey": "theirs", "secretKey": "of-them"}});
        secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap()
    };
    let of_user = theirs(names::USER_SECRET).await;
    world.create_user().await;
    let message = world.user_is("False", "SecretExists").await.message;
    assert!(message.contains("object-storage-key exists and is not ours"), "{message}");
    assert!(world.warning("user", "SecretExists").await.contains("not ours"));
    assert_eq!(secrets.get(names::USER_SECRET).await.unwrap(), of_user);
    assert_eq!(world.server.lock().users.len(), 0);
    // Nothing but its going wakes the operator then.
    world.operator.idle().await;
    secrets.delete(names::USER_SECRET, &DeleteParams::default()).await.unwrap();
    world.user_is("True", "Available").await;

    let of_bucket = theirs(&names::bucket_secret(&world.bucket_name("b"))).await;
    world.create_bucket("b", json!({})).await;
    let message = world.bucket_is("b", "False", "SecretExists").await.message;
    assert!(message.contains("is not ours"), "{message}");
    assert_eq!(secrets.get(&of_bucket.name_any()).await.unwrap(), of_bucket);
    assert_eq!(world.server.lock().count("add service account"), 0);
    world.stop().await;
}

//
#[tokio::test]
async fn a_service_account_is_made_once_and_repaired() {
    let world = World::with(quick).await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let bucket = world.bucket_name("b");
    let (access_key, secret) = (names::access_key(&bucket), names::bucket_secret(&bucket));
    world.operator.restart().await.unwrap();
    world.bucket_is("b", "True", "Available").await;
    assert_eq!(world.server.lock().count("add service account"), 1);

    world.server.lock().service_accounts.get_mut(&access_key).unwrap().secret_key = "other".into();
    let keys = world.secret(&secret).await;
    let works = |keys: std::collections::BTreeMap<String, String>| {
        let bucket = bucket.clone();
        move |server: &support::fake::Server| {
            (server.check(&keys["accessKey"], &keys["secretKey"], Some(&bucket)) == KeyState::Works).then_some(())
        }
    };
    world.server_has("the key of the Secret is the server's", works(keys.clone())).await;
    world.server.lock().service_accounts.clear();
    world.server_has("a removed service account is made again", works(keys.clone())).await;

    // A lost Secret gets a new key, which the server hears of.
    world.secrets.delete(&secret, &DeleteParams::default()).await.unwrap();
    let other = world
        .env
        .eventually("a Secret with another key", async || {
            let now = world.secret(&secret).await;
            (now["secretKey"] != keys["secretKey"]).then_some(now)
        })
        .await;
    world.server_has("the new key works", works(other)).await;
    world.stop().await;
}

//
#[tokio::test]
async fn without_usable_keys_of_the_administrator_it_is_tried_again() {
    let world = World::without_secret(|options| options).await;
    world.create_bucket("b", json!({})).await;
    let message = world.bucket_is("b", "Unknown", "Pending").await.message;
    assert!(message.contains("objectstorage-admin") && message.contains("missing: create it"), "{message}");
    world.put_admin(&[("accessKey", "")]).await;
    let told = async || {
        let message = world.bucket_is("b", "Unknown", "Pending").await.message;
        message.contains("key accessKey is missing or empty").then_some(())
    };
    world.env.eventually("the empty key is named", told).await;
    world.put_admin(&[("accessKey", "root"), ("secretKey", "s")]).await;
    let name = world.bucket_name("b");
    world.server_has("the bucket", |server| server.buckets.get(&name).map(|_| ())).await;
    assert_eq!(world.events("b").await.iter().filter(|(kind, ..)| kind == "Warning").count(), 0);
    world.stop().await;
}

//
#[tokio::test]
async fn one_client_serves_all() {
    let world = World::new().await;
    world.create_user().await;
    for number in 0..20 {
        world.create_bucket(&format!("b{number}"), json!({})).await;
    }
    for number in 0..20 {
        world.bucket_is(&format!("b{number}"), "True", "Available").await;
    }
    assert_eq!(world.server.lock().clients, 1);
    world.stop().await;
}

//
#[tokio::test]
async fn a_deleted_bucket_is_emptied_in_parts_and_removed_with_its_keys() {
    let world = World::with(|options| Options { removals: 2, ..options }).await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let name = world.bucket_name("b");
    {
        let mut server = world.server.lock();
        server.page = 10;
        let bucket = server.buckets.get_mut(&name).unwrap();
        bucket.versions = (0..95).map(version).collect();
        bucket.uploads = (0..3).map(|n| Upload { key: "big".into(), id: n.to_string() }).collect();
        server.calls.clear();
        // Stops it in the middle.
        server.failing.insert("abort upload", |call| refused(call, 403, "AccessDenied"));
    }
    world.buckets.delete("b", &DeleteParams::default()).await.unwrap();
    let message = world.warning("b", "DeleteFailed").await;
    assert!(message.contains("abort upload") && message.contains("AccessDenied"), "{message}");
    world.bucket_is("b", "False", "AccessDenied").await;
    world.server.lock().failing.clear();
    world.operator.restart().await.unwrap();
    world.bucket_gone("b").await;

    {
        let server = world.server.lock();
        assert!(!server.buckets.contains_key(&name));
        assert_eq!(server.service_accounts.len(), 0);
        let at = |call: &str| server.calls.iter().rposition(|name| *name == call).unwrap();
        assert!(at("delete objects") < at("delete bucket") && at("delete bucket") < at("remove service account"));
        assert!(server.count("delete objects") >= 10, "{:?}", server.calls);
    }
    let secrets = async || world.secrets.get_opt(&names::bucket_secret(&name)).await.unwrap().is_none().then_some(());
    world.env.eventually("the Secret goes too", secrets).await;
    world.stop().await;
}

#[tokio::test]
async fn progress_is_told_while_a_bucket_is_emptied() {
    let world = World::with(|options| Options { removals: 1, ..options }).await;
    world.create_bucket("b", json!({})).await;
    let name = world.bucket_name("b");
    world.server_has("the bucket", |server| server.buckets.get(&name).map(|_| ())).await;
    world.bucket_is("b", "False", "NoUser").await;
    {
        let mut server = world.server.lock();
        server.page = 10;
        server.buckets.get_mut(&name).unwrap().versions = (0..30).map(version).collect();
        server.failing.insert("delete bucket", |call| refused(call, 503, "SlowDown"));
    }
    world.buckets.delete("b", &DeleteParams::default()).await.unwrap();
    let removed = async || (world.buckets.get("b").await.unwrap().status?.removed == Some(30)).then_some(());
    world.env.eventually("a figure", removed).await;
    world.bucket_is("b", "False", "Emptying").await;
    world.server.lock().failing.clear();
    world.bucket_gone("b").await;
    world.stop().await;
}

//
#[tokio::test]
async fn each_failing_step_of_a_removal_is_tried_again_and_the_object_stays() {
    let world = World::new().await;
    world.create_user().await;
    for (number, step) in ["list versions", "list uploads", "delete objects", "delete bucket", "remove service account"]
        .iter()
        .enumerate()
    {
        let bucket = format!("b{number}");
        world.create_bucket(&bucket, json!({})).await;
        world.bucket_is(&bucket, "True", "Available").await;
        let name = world.bucket_name(&bucket);
        world.server.lock().buckets.get_mut(&name).unwrap().versions = (0..3).map(version).collect();
        world.server.lock().failing.insert(step, |call| refused(call, 503, "SlowDown"));
        let before = world.server.lock().count(step);
        world.buckets.delete(&bucket, &DeleteParams::default()).await.unwrap();
        world
            .server_has(&format!("{step} fails twice"), |server| (server.count(step) > before + 1).then_some(()))
            .await;
        assert!(world.buckets.get_opt(&bucket).await.unwrap().is_some(), "{step}");
        world.server.lock().failing.clear();
        world.bucket_gone(&bucket).await;
        assert!(!world.server.lock().buckets.contains_key(&name));
        assert_eq!(world.events(&bucket).await.iter().filter(|(kind, ..)| kind == "Warning").count(), 0, "{step}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_orphaned_bucket_stays_with_all_that_is_in_it() {
    let world = World::new().await;
    world.create_bucket("b", json!({"deletionPolicy": "Orphan"})).await;
    let name = world.bucket_name("b");
    world.bucket_is("b", "False", "NoUser").await;
    world.buckets.delete("b", &DeleteParams::default()).await.unwrap();
    world.bucket_gone("b").await;
    assert!(world.server.lock().buckets.contains_key(&name));
    world.stop().await;
}

//
#[tokio::test]
async fn temporary_faults_are_tried_again_without_an_event() {
    let world = World::new().await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let failures: [fn(&'static str) -> StorageError; 3] = [
        |call| refused(call, 503, "SlowDown"),
        |call| refused(call, 500, "InternalError"),
        |call| StorageError::NoAnswer { call, cause: "connection refused".into() },
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        let bucket = format!("b{number}");
        world.server.lock().failing.insert("create bucket", failure);
        let before = world.server.lock().count("create bucket");
        world.create_bucket(&bucket, json!({})).await;
        world.server_has("two tries", |server| (server.count("create bucket") > before + 1).then_some(())).await;
        world.bucket_is(&bucket, "Unknown", "Pending").await;
        world.server.lock().failing.clear();
        world.bucket_is(&bucket, "True", "Available").await;
        assert_eq!(world.events(&bucket).await.iter().filter(|(kind, ..)| kind == "Warning").count(), 0);
    }
    world.stop().await;
}

//
#[tokio::test]
async fn a_refusal_is_a_condition_and_a_warning() {
    let world = World::with(quick).await;
    world.server.lock().failing.insert("create bucket", |call| refused(call, 403, "AccessDenied"));
    world.create_bucket("b", json!({})).await;
    let message = world.warning("b", "CreateFailed").await;
    assert!(message.contains("create bucket") && message.contains("AccessDenied"), "{message}");
    world.bucket_is("b", "False", "AccessDenied").await;
    world.server.lock().failing.clear();
    world.bucket_is("b", "False", "NoUser").await;
    world.stop().await;
}

#[tokio::test]
async fn names_that_s3_does_not_take_are_refused_by_name() {
    let world = World::new().await;
    let long = "x".repeat(60);
    world.create_bucket(&long, json!({})).await;
    let message = world.warning(&long, "InvalidName").await;
    assert!(message.contains("metadata.name") && message.contains("3 to 63"), "{message}");
    world.bucket_is(&long, "False", "InvalidName").await;
    assert_eq!(world.server.lock().count("create bucket"), 0);
    world.buckets.delete(&long, &DeleteParams::default()).await.unwrap();
    world.bucket_gone(&long).await;
    world.stop().await;
}

#[tokio::test]
async fn without_a_user_a_bucket_says_so_and_gets_its_keys_when_there_is_one() {
    let world = World::new().await;
    world.create_bucket("b", json!({})).await;
    let message = world.bucket_is("b", "False", "NoUser").await.message;
    assert!(message.contains("create an ObjectStorageUser"), "{message}");
    world.create_user().await;
    world.bucket_is("b", "True", "Available").await;
    world.stop().await;
}

#[tokio::test]
async fn a_settled_bucket_costs_no_call() {
    let world = World::new().await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    world.operator.idle().await;
    let version = world.buckets.get("b").await.unwrap().metadata.resource_version;
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    assert_eq!(world.buckets.get("b").await.unwrap().metadata.resource_version, version);
    let writes = ["create bucket", "add user", "add service account", "update service account", "set bucket policy"];
    {
        let server = world.server.lock();
        let counts: Vec<usize> = writes.iter().map(|call| server.count(call)).collect();
        assert_eq!(counts, [1, 1, 1, 0, 0]);
    }
    world.stop().await;
}
