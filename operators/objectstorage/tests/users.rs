//! What the operator promises of users, on a server in memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::Namespace;
use kubewright::kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kubewright_objectstorage::api::{ObjectStorageBucket, ObjectStorageUser};
use kubewright_objectstorage::names::USER_SECRET;
use kubewright_objectstorage::storage::{KeyState, Usage};
use kubewright_objectstorage::{Options, names};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

use support::World;
use support::fake::{ConnectFake, Server, User};

fn quick(options: Options) -> Options {
    Options { bucket_cycle: Duration::from_millis(200), user_cycle: Duration::from_millis(200), ..options }
}

async fn patch_user(world: &World, patch: Value) {
    world.users.patch("user", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

//
#[tokio::test]
async fn a_user_gets_a_user_and_keys_for_the_buckets_of_its_namespace() {
    let world = World::new().await;
    world.create_user().await;
    world.create_bucket("a", json!({})).await;
    world.create_bucket("b", json!({})).await;
    world.user_is("True", "Available").await;
    let secret = world.secret(USER_SECRET).await;
    let user = world.user_name();
    assert_eq!(secret["accessKey"], user);
    for bucket in ["a", "b"] {
        let bucket = world.bucket_name(bucket);
        let works = |server: &Server| {
            (server.check(&user, &secret["secretKey"], Some(&bucket)) == KeyState::Works).then_some(())
        };
        world.server_has(&format!("the keys work for {bucket}"), works).await;
    }
    let status = world.users.get("user").await.unwrap().status.unwrap();
    assert_eq!(status.access_key, Some(user));
    assert_eq!((status.internal.as_deref(), status.secret_key_version), (Some("minio.test:9000"), Some(0)));
    assert!(!serde_json::to_string(&status).unwrap().contains(&secret["secretKey"]));
    world.stop().await;
}

//
#[tokio::test]
async fn sizes_are_summed_and_writing_stops_above_the_quota_and_begins_again_below() {
    let world = World::with(quick).await;
    world.create_user().await;
    world.create_bucket("a", json!({})).await;
    world.create_bucket("b", json!({"policy": "publicReadwrite"})).await;
    world.bucket_is("b", "True", "Available").await;
    world.put_quota("1Ki").await;
    let (user, a, b) = (world.user_name(), world.bucket_name("a"), world.bucket_name("b"));
    let fill = |size: u64| {
        let mut server = world.server.lock();
        server.buckets.get_mut(&a).unwrap().usage = Usage { size, objects: 2 };
        server.buckets.get_mut(&b).unwrap().usage = Usage { size: 24, objects: 1 };
    };
    fill(1_000);
    // One that belongs to another user whose name begins alike.
    let other = support::fake::Bucket { usage: Usage { size: 1 << 40, objects: 9 }, ..Default::default() };
    world.server.lock().buckets.insert(format!("{user}x-foreign"), other.clone());
    world.server.lock().buckets.insert(format!("{user}-x-foreign"), other);
    let shows = async |size: i64| {
        let wanted = async || {
            let status = world.users.get("user").await.unwrap().status?;
            (status.size == Some(size) && status.quota == Some(1024)).then_some(status)
        };
        world.env.eventually("size and quota", wanted).await
    };
    let status = shows(1024).await;
    assert_eq!(status.objects_count, Some(3));
    assert!(world.server.lock().may_write(&user));
    fill(1_001);
    world.server_has("no writing", |server| (!server.may_write(&user)).then_some(())).await;
    let anonymous = |put: bool| {
        let b = b.clone();
        move |server: &Server| {
            (server.buckets[&b].policy.as_ref()?.to_string().contains("s3:PutObject") == put).then_some(())
        }
    };
    world.server_has("nobody else may write either", anonymous(false)).await;
    let status = shows(1025).await;
    let within = status.conditions.iter().find(|condition| condition.type_ == "WithinQuota").unwrap();
    assert_eq!((within.status.as_str(), within.reason.as_str()), ("False", "OverQuota"));
    fill(10);
    world.server_has("writing again", |server| server.may_write(&user).then_some(())).await;
    world.server_has("everybody again", anonymous(true)).await;
    fill(5_000);
    world.server_has("no writing", |server| (!server.may_write(&user)).then_some(())).await;
    world.put_quota("1Mi").await;
    world.server_has("a larger quota", |server| server.may_write(&user).then_some(())).await;
    world.stop().await;
}

#[tokio::test]
async fn quotas_can_be_turned_off() {
    let world = World::with(|options| Options { quota: false, ..quick(options) }).await;
    world.put_quota("1").await;
    world.create_user().await;
    world.create_bucket("a", json!({})).await;
    world.bucket_is("a", "True", "Available").await;
    let name = world.bucket_name("a");
    world.server.lock().buckets.get_mut(&name).unwrap().usage = Usage { size: 9, objects: 1 };
    let shown = async || (world.users.get("user").await.unwrap().status?.size == Some(9)).then_some(());
    world.env.eventually("the size", shown).await;
    assert!(world.server.lock().may_write(&world.user_name()));
    assert_eq!(world.users.get("user").await.unwrap().status.unwrap().quota, None);
    world.stop().await;
}

//
#[tokio::test]
async fn another_version_makes_another_key_on_both_sides() {
    let world = World::new().await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let before = world.secret(USER_SECRET).await;
    patch_user(&world, json!({"spec": {"secretKeyVersion": 1}})).await;
    let done = async || (world.users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
    world.env.eventually("version 1", done).await;
    let after = world.secret(USER_SECRET).await;
    assert_ne!(before["secretKey"], after["secretKey"]);
    assert!(!after.contains_key("nextSecretKey"));
    assert_eq!(world.server.lock().check(&world.user_name(), &after["secretKey"], None), KeyState::Works);
    assert_eq!(world.server.lock().check(&world.user_name(), &before["secretKey"], None), KeyState::WrongSecret);
    world.stop().await;
}

#[tokio::test]
async fn a_rotation_that_fails_does_not_count_as_done_and_loses_no_key() {
    let world = World::new().await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let before = world.secret(USER_SECRET).await;
    world.server.lock().failing.insert("add user", |call| support::fake::refused(call, 503, "SlowDown"));
    patch_user(&world, json!({"spec": {"secretKeyVersion": 1}})).await;
    world.server_has("two tries", |server| (server.count("add user") > 2).then_some(())).await;
    let during = world.secret(USER_SECRET).await;
    assert_eq!(during["secretKey"], before["secretKey"]);
    let next = during["nextSecretKey"].clone();
    assert_eq!(world.users.get("user").await.unwrap().status.unwrap().secret_key_version, Some(0));
    world.server.lock().failing.clear();
    let done = async || (world.users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
    world.env.eventually("version 1", done).await;
    assert_eq!(world.secret(USER_SECRET).await["secretKey"], next);
    world.stop().await;
}

#[tokio::test]
async fn a_suspended_user_is_disabled_and_stays_so_over_a_rotation() {
    let world = World::new().await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let user = world.user_name();
    let enabled = |server: &Server| server.users[&user].enabled;
    patch_user(&world, json!({"metadata": {"annotations": {"account.sealos.io/suspended": "true"}}})).await;
    world.server_has("a disabled user", |server| (!enabled(server)).then_some(())).await;
    world.user_is("False", "SuspendedByAccount").await;
    world.bucket_is("b", "False", "UserDisabled").await;
    patch_user(&world, json!({"spec": {"secretKeyVersion": 1}})).await;
    let done = async || (world.users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
    world.env.eventually("version 1", done).await;
    assert!(!enabled(&world.server.lock()));
    patch_user(&world, json!({"metadata": {"annotations": {"account.sealos.io/suspended": null}}})).await;
    world.server_has("an enabled user", |server| enabled(server).then_some(())).await;
    world.user_is("True", "Available").await;
    world.bucket_is("b", "True", "Available").await;
    world.stop().await;
}

#[tokio::test]
async fn a_user_that_somebody_else_has_disabled_stays_disabled() {
    let world = World::with(quick).await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let user = world.user_name();
    world.server.lock().users.get_mut(&user).unwrap().enabled = false;
    world.user_is("False", "Disabled").await;
    patch_user(&world, json!({"spec": {"secretKeyVersion": 1}})).await;
    let done = async || (world.users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
    world.env.eventually("version 1", done).await;
    assert!(!world.server.lock().users[&user].enabled);
    world.server.lock().users.get_mut(&user).unwrap().enabled = true;
    world.user_is("True", "Available").await;
    world.stop().await;
}

#[tokio::test]
async fn a_user_that_is_disabled_while_it_is_looked_at_is_not_enabled_again() {
    let world = World::with(quick).await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let disable = |server: &mut Server| server.users.values_mut().for_each(|user| user.enabled = false);
    world.server.lock().meanwhile.insert("try a key", disable);
    world.user_is("False", "Disabled").await;
    assert!(!world.server.lock().users[&world.user_name()].enabled);
    world.stop().await;
}

#[tokio::test]
async fn a_lost_secret_gets_a_key_that_works() {
    let world = World::new().await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let before = world.secret(USER_SECRET).await;
    world.secrets.delete(USER_SECRET, &DeleteParams::default()).await.unwrap();
    let works = async || {
        let secret = world.secret(USER_SECRET).await;
        let state = world.server.lock().check(&world.user_name(), &secret["secretKey"], None);
        (secret["secretKey"] != before["secretKey"] && state == KeyState::Works).then_some(())
    };
    world.env.eventually("another key", works).await;
    world.stop().await;
}

#[tokio::test]
async fn a_foreign_user_is_left_alone_unless_its_key_is_in_the_secret() {
    let world = World::with(quick).await;
    let user = world.user_name();
    let foreign = User { secret_key: "of-somebody-else".into(), enabled: true, policies: vec![] };
    world.server.lock().users.insert(user.clone(), foreign);
    world.create_user().await;
    world.user_is("False", "AlreadyExists").await;
    world.warning("user", "AlreadyExists").await;
    assert_eq!(world.server.lock().users[&user].secret_key, "of-somebody-else");
    assert_eq!(world.secrets.get_opt(USER_SECRET).await.unwrap().map(|_| ()), None);
    world.users.delete("user", &DeleteParams::default()).await.unwrap();
    let gone = async || world.users.get_opt("user").await.unwrap().is_none().then_some(());
    world.env.eventually("the object goes", gone).await;
    assert!(world.server.lock().users.contains_key(&user));
    world.stop().await;
}

#[tokio::test]
async fn what_an_administrator_gave_a_user_stays() {
    let world = World::with(quick).await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let user = world.user_name();
    {
        let mut server = world.server.lock();
        server.policies.insert("auditor".into(), json!({"Statement": []}));
        server.users.get_mut(&user).unwrap().policies = vec!["auditor".into()];
    }
    let both =
        |server: &Server| (server.users[&user].policies.len() == 2).then(|| server.users[&user].policies.clone());
    let policies = world.server_has("both policies", both).await;
    assert!(policies.contains(&"auditor".to_string()), "{policies:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_user_goes_with_its_policies() {
    let world = World::new().await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    world.users.delete("user", &DeleteParams::default()).await.unwrap();
    let gone = async || world.users.get_opt("user").await.unwrap().is_none().then_some(());
    world.env.eventually("the object goes", gone).await;
    let user = world.user_name();
    assert!(!world.server.lock().users.contains_key(&user));
    assert!(!world.server.lock().policies.keys().any(|name| name.contains(&user)));
    world.bucket_is("b", "False", "NoUser").await;
    world.stop().await;
}

#[tokio::test]
async fn the_administrator_is_no_tenant() {
    let world = World::without_secret(quick).await;
    world.put_admin(&[("accessKey", &world.user_name()), ("secretKey", "s")]).await;
    world.create_user().await;
    let message = world.user_is("False", "NameTaken").await.message;
    assert!(message.contains("administrator"), "{message}");
    assert_eq!(world.server.lock().users.len(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_second_user_of_a_namespace_is_refused() {
    let world = World::new().await;
    world.create_user().await;
    world.user_is("True", "Available").await;
    let second = serde_json::from_value(json!({"metadata": {"name": "second"}, "spec": {}})).unwrap();
    world.users.create(&PostParams::default(), &second).await.unwrap();
    let message = world.warning("second", "NameTaken").await;
    assert!(message.contains(&format!("{}/user", world.namespace())), "{message}");
    world.users.delete("second", &DeleteParams::default()).await.unwrap();
    let gone = async || world.users.get_opt("second").await.unwrap().is_none().then_some(());
    world.env.eventually("the second goes", gone).await;
    assert!(world.server.lock().users.contains_key(&world.user_name()));
    world.stop().await;
}

/// `ns-a` and `ns-a-b`, `a` and `ns-a`: names that the original mixed up.
#[tokio::test]
async fn tenants_whose_names_are_alike_do_not_get_each_others_things() {
    let env = TestEnv::start().await.unwrap();
    let (server, client, base) = (Server::new(), env.client(), env.namespace().to_string());
    let connect = ConnectFake { server: server.clone(), fuse: None };
    let world =
        World::on(env, server, |options| Options { only_namespace: None, ..quick(options) }, move |_| connect.clone())
            .await;
    world.put_admin(&[("accessKey", "root"), ("secretKey", "root-secret")]).await;
    let (short, long) = (format!("ns-{base}"), format!("ns-{base}-b"));
    for namespace in [&short, &long] {
        let namespace = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }
    let users = |namespace: &str| Api::<ObjectStorageUser>::namespaced(client.clone(), namespace);
    let buckets = |namespace: &str| Api::<ObjectStorageBucket>::namespaced(client.clone(), namespace);
    let user: ObjectStorageUser = serde_json::from_value(json!({"metadata": {"name": "user"}, "spec": {}})).unwrap();
    let bucket = |name: &str| -> ObjectStorageBucket {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {}})).unwrap()
    };
    for namespace in [&short, &long] {
        users(namespace).create(&PostParams::default(), &user).await.unwrap();
    }
    buckets(&long).create(&PostParams::default(), &bucket("x")).await.unwrap();
    let state = async |namespace: &str, name: &str| {
        let status = buckets(namespace).get(name).await.unwrap().status?;
        let ready = status.conditions.into_iter().find(|condition| condition.type_ == "Ready")?;
        Some((ready.status, ready.reason, ready.message))
    };
    let is = async |namespace: &str, name: &str, reason: &str| {
        let there = async || state(namespace, name).await.filter(|(_, why, _)| why == reason);
        world.env.eventually(&format!("{namespace}/{name} is {reason}"), there).await
    };
    is(&long, "x", "Available").await;
    // The same bucket by its name.
    buckets(&short).create(&PostParams::default(), &bucket("b-x")).await.unwrap();
    let (_, _, message) = is(&short, "b-x", "NameTaken").await;
    assert!(message.contains(&format!("{long}/x")), "{message}");
    buckets(&short).delete("b-x", &DeleteParams::default()).await.unwrap();
    let gone = async || buckets(&short).get_opt("b-x").await.unwrap().is_none().then_some(());
    world.env.eventually("the refused one goes", gone).await;
    let name = names::bucket(&long, "x");
    assert!(world.server.lock().buckets.contains_key(&name));
    // The keys of the one with the shorter name do not open it.
    let secrets = Api::<kubewright::k8s_openapi::api::core::v1::Secret>::namespaced(client.clone(), &short);
    let secret = async || secrets.get_opt(USER_SECRET).await.unwrap()?.data?.remove("secretKey");
    let key = world.env.eventually("its key", secret).await;
    let key = String::from_utf8(key.0).unwrap();
    assert_eq!(world.server.lock().check(&base, &key, Some(&name)), KeyState::NotAllowed);
    // The same user by its name.
    world.create_user().await;
    let message = world.user_is("False", "NameTaken").await.message;
    assert!(message.contains(&format!("{short}/user")), "{message}");
    for (namespace, name) in [(&short, ""), (&long, "x")] {
        if !name.is_empty() {
            buckets(namespace).delete(name, &DeleteParams::default()).await.unwrap();
        }
        users(namespace).delete("user", &DeleteParams::default()).await.unwrap();
    }
    let empty = async || users(&short).get_opt("user").await.unwrap().is_none().then_some(());
    world.env.eventually("all is gone", empty).await;
    // It was waiting for its name.
    world.user_is("True", "Available").await;
    world.stop().await;
}
