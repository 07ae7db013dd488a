use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kubewright_testing::TestEnv;
use serde_json::json;

use super::*;

fn day(days: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_hours(24 * days)
}

fn keeper(env: &TestEnv, hosts: &[&str]) -> Keeper {
    let namespace = Some(env.namespace().to_string());
    let certificates = Certificates::Managed { namespace, secret: None, lifetimes: Lifetimes::default() };
    Keeper::new(&certificates, &env.client(), "test", hosts.iter().map(|host| (*host).to_string()).collect())
}

fn authorities(current: &Current) -> BTreeSet<String> {
    let bundle = current.bundle.as_deref().unwrap_or_default();
    bundle.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_string).collect()
}

fn same(one: &Current, other: &Current) -> bool {
    one.key.cert == other.key.cert
}

#[tokio::test]
async fn replicas_share_one_certificate_whoever_makes_it() {
    let env = TestEnv::embedded().await.unwrap();
    let (one, other) = (keeper(&env, &["127.0.0.1"]), keeper(&env, &["127.0.0.1"]));
    let (one, other) = tokio::join!(one.current(day(0)), other.current(day(0)));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(same(&one, &other));
    assert_eq!(one.bundle, other.bundle);
    env.stop().await;
}

#[tokio::test]
async fn a_certificate_is_renewed_and_the_authority_overlaps() {
    let env = TestEnv::embedded().await.unwrap();
    let keeper = keeper(&env, &["127.0.0.1", "hooks.ops.svc"]);
    let first = keeper.current(day(0)).await.unwrap();
    assert!(same(&first, &keeper.current(day(59)).await.unwrap()), "nothing to do yet");
    assert_eq!(first.next, day(60));
    let second = keeper.current(day(61)).await.unwrap();
    assert!(!same(&first, &second));
    assert_eq!(authorities(&first), authorities(&second));

    let started = keeper.current(day(244)).await.unwrap();
    assert_eq!(authorities(&started).len(), 2);
    assert!(authorities(&started).is_superset(&authorities(&first)));
    let used = keeper.current(started.next).await.unwrap();
    assert!(!same(&started, &used), "the new authority signs as soon as it has spread");
    let last = keeper.current(day(366)).await.unwrap();
    assert_eq!(authorities(&last).len(), 1);
    assert!(authorities(&last).is_disjoint(&authorities(&first)));
    env.stop().await;
}

#[tokio::test]
async fn other_hosts_get_another_certificate_of_the_same_authority() {
    let env = TestEnv::embedded().await.unwrap();
    let first = keeper(&env, &["127.0.0.1"]).current(day(0)).await.unwrap();
    let moved = keeper(&env, &["hooks.ops.svc"]).current(day(1)).await.unwrap();
    assert!(!same(&first, &moved));
    assert_eq!(authorities(&first), authorities(&moved));
    env.stop().await;
}

#[tokio::test]
async fn a_damaged_secret_is_named_and_a_lost_one_is_made_again() {
    let env = TestEnv::embedded().await.unwrap();
    let keeper = keeper(&env, &["127.0.0.1"]);
    let first = keeper.current(day(0)).await.unwrap();
    let secrets = Api::<Secret>::namespaced(env.client(), env.namespace());
    let name = "test-webhook-certificates";
    let damage = Patch::Merge(json!({"stringData": {"tls.crt": "rust"}}));
    secrets.patch(name, &PatchParams::default(), &damage).await.unwrap();
    let problem = keeper.current(day(0)).await.map(drop).unwrap_err().to_string();
    assert!(problem.contains("test-webhook-certificates (delete it, and new certificates are made)"), "{problem}");
    secrets.delete(name, &DeleteParams::default()).await.unwrap();
    assert!(!same(&first, &keeper.current(day(0)).await.unwrap()));
    env.stop().await;
}

#[tokio::test]
async fn files_are_read_again_and_must_fit_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let authority = issue::authority(day(0), day(10)).unwrap();
    let issued = || issue::certificate(&authority, &["127.0.0.1".into()], day(0), day(5)).unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let keeper = Keeper::Files(files::Files::new(directory.path().to_path_buf()));
    let missing = keeper.current(day(0)).await.map(drop).unwrap_err().to_string();
    assert!(missing.contains("tls.crt") && missing.contains("needs tls.crt and tls.key"), "{missing}");

    let (one, other) = (issued(), issued());
    write("tls.crt", &one.certificate);
    write("tls.key", &one.key);
    let first = keeper.current(day(0)).await.unwrap();
    assert!(first.bundle.is_none());
    write("tls.crt", &other.certificate);
    let problem = keeper.current(day(0)).await.map(drop).unwrap_err().to_string();
    assert!(problem.contains("the key is not that of the certificate"), "{problem}");
    write("tls.key", &other.key);
    write("ca.crt", &authority.certificate);
    let second = keeper.current(day(0)).await.unwrap();
    assert!(!Arc::ptr_eq(&first.key, &second.key) && !same(&first, &second));
    assert_eq!(second.bundle.as_deref(), Some(authority.certificate.as_str()));
}
