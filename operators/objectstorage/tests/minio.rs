//! The operator on a real MinIO server: part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since it
//! builds the server with Go.
//!
//! Keys are tried by an independent client, Python's `minio` package.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kubewright::k8s_openapi::ByteString;
use kubewright::kube::api::{DeleteParams, Patch, PatchParams};
use kubewright::patterns::external::{Connect, Fault};
use kubewright_objectstorage::minio::{ConnectMinio, Minio};
use kubewright_objectstorage::storage::{BucketPolicy, KeyState, ServiceAccount, Storage};
use kubewright_objectstorage::{Options, names, policies};
use kubewright_real::{Minio as Server, MinioOptions};
use kubewright_testing::TestEnv;
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use support::World;

fn wanted() -> bool {
    let real = std::env::var("KUBEWRIGHT_REAL").is_ok_and(|value| value == "1");
    if !real {
        println!("part of the real tier: run `cargo xtask real`");
    }
    real
}

fn start(options: MinioOptions) -> Server {
    Server::start(options).unwrap()
}

fn options(address: SocketAddr, options: Options) -> Options {
    Options { internal_endpoint: address.to_string(), ..options }
}

/// A client of ours.
fn client(server: &Server) -> Minio {
    let options = options(server.address(), Options::default());
    let MinioOptions { user, password, .. } = server.options();
    let text = |value: &str| ByteString(value.as_bytes().to_vec());
    let secret = [("accessKey".to_string(), text(user)), ("secretKey".to_string(), text(password))].into();
    ConnectMinio::new(&options).unwrap().connect(&secret).unwrap()
}

/// The operator, on a server at this address.
async fn world(server: &Server, address: SocketAddr, change: impl Fn(Options) -> Options) -> World {
    let env = TestEnv::start().await.unwrap();
    let change = |base: Options| {
        let cycle = Duration::from_secs(1);
        change(Options { bucket_cycle: cycle, user_cycle: cycle, ..options(address, base) })
    };
    let world = World::on(env, Arc::default(), change, |options| ConnectMinio::new(options).unwrap()).await;
    let MinioOptions { user, password, .. } = server.options();
    world.put_admin(&[("accessKey", user), ("secretKey", password)]).await;
    world
}

/// What Python's `minio` package makes of keys: `ok`, or the code of the error, for each action.
fn python(endpoint: &str, access_key: &str, secret_key: &str, script: &str) -> Vec<String> {
    const PRELUDE: &str = r#"
import io, sys
from minio import Minio
from minio.error import S3Error
client = Minio(sys.argv[1], access_key=sys.argv[2], secret_key=sys.argv[3], secure=False, region="us-east-1")
anonymous = Minio(sys.argv[1], secure=False, region="us-east-1")
def put(who, bucket, name, size=5):
    who.put_object(bucket, name, io.BytesIO(b"x" * size), size)
def get(who, bucket, name):
    who.get_object(bucket, name).read()
def tried(action, *arguments, **named):
    try:
        action(*arguments, **named)
        print("ok")
    except S3Error as error:
        print(error.code)
"#;
    let output = Command::new(python_with_minio())
        .args(["-c", &format!("{PRELUDE}\n{script}"), endpoint, access_key, secret_key])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
}

/// A Python that has the package: made once, beside the real servers.
fn python_with_minio() -> std::path::PathBuf {
    let cache = kubewright_real::ensure_minio().unwrap();
    let dir = cache.parent().unwrap().with_file_name("python-minio-7.2.20");
    let python = dir.join("bin/python");
    static ONCE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONCE.lock().unwrap();
    if !dir.join("complete").exists() {
        let run = |program: &std::path::Path, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        run("python3".as_ref(), &["-m", "venv", "--clear", dir.to_str().unwrap()]);
        run(&python, &["-m", "pip", "install", "--quiet", "minio==7.2.20"]);
        std::fs::write(dir.join("complete"), "").unwrap();
    }
    python
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

// A-1, A-2, A-3, A-4, A-5, A-7, A-8, A-11, A-21, A-22, A-23, A-36
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_does_what_the_trait_says() {
    if !wanted() {
        return;
    }
    let server = blocking(|| start(MinioOptions::default())).await;
    let minio = client(&server);
    assert_eq!(minio.list_buckets().await.unwrap(), Vec::<String>::new());
    assert!(minio.create_bucket("anna-a", "us-east-1").await.unwrap());
    assert!(!minio.create_bucket("anna-a", "us-east-1").await.unwrap());
    assert_eq!(minio.list_buckets().await.unwrap(), ["anna-a"]);
    assert_eq!(minio.bucket_policy("anna-a").await.unwrap(), BucketPolicy::None);
    assert_eq!(minio.bucket_policy("anna-none").await.unwrap(), BucketPolicy::NoBucket);
    for access in [
        kubewright_objectstorage::api::AnonymousAccess::PublicRead,
        kubewright_objectstorage::api::AnonymousAccess::PublicReadwrite,
    ] {
        let policy = policies::anonymous(access, "anna-a", true).unwrap();
        minio.set_bucket_policy("anna-a", Some(&policy)).await.unwrap();
        let BucketPolicy::Document(there) = minio.bucket_policy("anna-a").await.unwrap() else { panic!() };
        assert!(policies::same(&there, &policy), "{there} {policy}");
    }
    minio.set_bucket_policy("anna-a", None).await.unwrap();
    minio.set_bucket_policy("anna-a", None).await.unwrap();
    assert_eq!(minio.bucket_policy("anna-a").await.unwrap(), BucketPolicy::None);

    assert_eq!(minio.user("anna").await.unwrap(), None);
    minio.set_user("anna", "secret-of-anna", true).await.unwrap();
    let info = minio.user("anna").await.unwrap().unwrap();
    assert!(info.enabled && info.policies.is_empty() && info.groups.is_empty(), "{info:?}");
    let check = async |key: &str, secret: &str, bucket| minio.check_key(key, secret, bucket).await.unwrap();
    assert_eq!(check("anna", "secret-of-anna", None).await, KeyState::NotAllowed);
    assert_eq!(check("anna", "other", None).await, KeyState::WrongSecret);
    assert_eq!(check("nobody", "other", None).await, KeyState::Unknown);
    assert_eq!(check("anna", "secret-of-anna", Some("anna-a")).await, KeyState::NotAllowed);
    assert_eq!(minio.policy("p").await.unwrap(), None);
    let policy = policies::owner(["anna-a"]);
    minio.set_policy("p", &policy).await.unwrap();
    assert!(policies::same(&minio.policy("p").await.unwrap().unwrap(), &policy));
    minio.attach_to_user("anna", &["p".into()]).await.unwrap();
    assert_eq!(minio.user("anna").await.unwrap().unwrap().policies, ["p"]);
    assert_eq!(check("anna", "secret-of-anna", Some("anna-a")).await, KeyState::Works);

    let key = names::access_key("anna-a");
    assert_eq!(minio.service_account(&key).await.unwrap(), None);
    let wanted = ServiceAccount { parent: "anna".into(), policy: policy.clone() };
    minio.create_service_account(&key, "secret-of-bucket", &wanted).await.unwrap();
    let there = minio.service_account(&key).await.unwrap().unwrap();
    assert_eq!(there.parent, "anna");
    assert!(policies::same(&there.policy, &policy), "{}", there.policy);
    assert_eq!(check(&key, "secret-of-bucket", Some("anna-a")).await, KeyState::Works);
    minio.update_service_account(&key, "another-secret", &policy).await.unwrap();
    assert_eq!(check(&key, "secret-of-bucket", Some("anna-a")).await, KeyState::WrongSecret);
    assert_eq!(check(&key, "another-secret", Some("anna-a")).await, KeyState::Works);
    minio.enable_user("anna", false).await.unwrap();
    assert!(!minio.user("anna").await.unwrap().unwrap().enabled);
    assert_eq!(check("anna", "secret-of-anna", None).await, KeyState::Unknown);
    minio.enable_user("anna", true).await.unwrap();

    assert_eq!(minio.group(policies::DENY_WRITE).await.unwrap(), None);
    minio.set_policy(policies::DENY_WRITE, &policies::deny_write()).await.unwrap();
    minio.set_member(policies::DENY_WRITE, "anna", true).await.unwrap();
    minio.attach_to_group(policies::DENY_WRITE, policies::DENY_WRITE).await.unwrap();
    assert_eq!(minio.group(policies::DENY_WRITE).await.unwrap().unwrap().policies, [policies::DENY_WRITE]);
    assert_eq!(minio.user("anna").await.unwrap().unwrap().groups, [policies::DENY_WRITE]);
    minio.set_member(policies::DENY_WRITE, "anna", false).await.unwrap();
    minio.set_member(policies::DENY_WRITE, "anna", false).await.unwrap();
    assert_eq!(minio.user("anna").await.unwrap().unwrap().groups, Vec::<String>::new());

    let endpoint = server.address().to_string();
    let script = r#"
from minio.versioningconfig import VersioningConfig, ENABLED
b = "anna-a"
client.set_bucket_versioning(b, VersioningConfig(ENABLED))
for n in range(3):
    put(client, b, "a b/ü+%41&<x>")
    put(client, b, "plain")
client.remove_object(b, "plain")
upload = client._create_multipart_upload(b, "big", {})
client._upload_part(b, "big", b"x" * 5242880, {}, upload, 1)
"#;
    let (user, password) = (server.options().user.clone(), server.options().password.clone());
    blocking(move || python(&endpoint, &user, &password, script)).await;
    let versions = minio.versions("anna-a").await.unwrap();
    assert_eq!(versions.len(), 7, "{versions:?}");
    assert!(versions.iter().any(|version| version.key == "a b/ü+%41&<x>"), "{versions:?}");
    let uploads = minio.uploads("anna-a").await.unwrap();
    assert_eq!(uploads.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), ["big"]);
    let refused = Fault::from(minio.remove_bucket("anna-a").await.unwrap_err());
    assert!(!refused.is_permanent(), "{refused}");
    minio.remove_versions("anna-a", &versions).await.unwrap();
    minio.remove_versions("anna-a", &versions).await.unwrap();
    minio.abort_upload("anna-a", &uploads[0]).await.unwrap();
    minio.abort_upload("anna-a", &uploads[0]).await.unwrap();
    assert_eq!(minio.versions("anna-a").await.unwrap(), []);
    assert_eq!(minio.uploads("anna-a").await.unwrap(), []);
    minio.remove_bucket("anna-a").await.unwrap();
    minio.remove_bucket("anna-a").await.unwrap();
    assert_eq!(minio.versions("anna-a").await.unwrap(), []);
    minio.remove_service_account(&key).await.unwrap();
    minio.remove_service_account(&key).await.unwrap();
    minio.attach_to_user("anna", &[]).await.unwrap();
    assert_eq!(minio.user("anna").await.unwrap().unwrap().policies, Vec::<String>::new());
    minio.remove_policy("p").await.unwrap();
    minio.remove_policy("p").await.unwrap();
    minio.remove_user("anna").await.unwrap();
    minio.remove_user("anna").await.unwrap();
    let fault = Fault::from(minio.create_bucket("No", "us-east-1").await.unwrap_err());
    assert!(fault.is_permanent(), "{fault}");
}

// A-1, A-5, A-6, A-7, A-8, A-21, A-22, A-23, A-24, A-37
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_lives_on_a_real_server() {
    if !wanted() {
        return;
    }
    let server = blocking(|| start(MinioOptions::default())).await;
    let world = world(&server, server.address(), |options| options).await;
    world.create_user().await;
    world.create_bucket("own", json!({})).await;
    world.create_bucket("other", json!({})).await;
    world.create_bucket("read", json!({"policy": "publicRead"})).await;
    world.create_bucket("write", json!({"policy": "publicReadwrite"})).await;
    for name in ["own", "other", "read", "write"] {
        world.bucket_is(name, "True", "Available").await;
    }
    world.env.eventually("ready", async || world.operator.ready().await.ok()).await;
    let secret = world.secret(&names::bucket_secret(&world.bucket_name("own"))).await;
    let endpoint = server.address().to_string();
    let keys = (secret["accessKey"].clone(), secret["secretKey"].clone());
    let base = names::user(world.namespace()).to_string();
    // By the keys of one bucket, and by nobody.
    let script = format!(
        r#"
b = "{base}-"
tried(put, client, b + "own", "a")
tried(get, client, b + "own", "a")
tried(lambda: list(client.list_objects(b + "own")))
tried(put, client, b + "other", "a")
tried(lambda: list(client.list_objects(b + "other")))
tried(client.make_bucket, b + "more")
tried(client.remove_bucket, b + "own")
tried(put, anonymous, b + "own", "x")
tried(put, anonymous, b + "read", "x")
tried(put, anonymous, b + "write", "x")
tried(get, anonymous, b + "write", "x")
tried(get, anonymous, b + "read", "none")
tried(lambda: list(anonymous.list_objects(b + "write")))
"#
    );
    let (access_key, secret_key) = keys.clone();
    let address = endpoint.clone();
    let results = blocking(move || python(&address, &access_key, &secret_key, &script)).await;
    let denied = "AccessDenied";
    assert_eq!(
        results,
        ["ok", "ok", "ok", denied, denied, denied, denied, denied, denied, "ok", "ok", "NoSuchKey", denied]
    );

    // The user has all buckets of its namespace, with its own keys; rotation changes them.
    let check = async |secret: std::collections::BTreeMap<String, String>| {
        let (endpoint, base) = (endpoint.clone(), base.clone());
        let script = format!("tried(put, client, '{base}-own', 'b')\ntried(put, client, '{base}-other', 'b')");
        blocking(move || python(&endpoint, &secret["accessKey"], &secret["secretKey"], &script)).await
    };
    let before = world.secret(names::USER_SECRET).await;
    assert_eq!(check(before.clone()).await, ["ok", "ok"]);
    let patch = Patch::Merge(json!({"spec": {"secretKeyVersion": 1}}));
    world.users.patch("user", &PatchParams::default(), &patch).await.unwrap();
    let rotated = async || (world.users.get("user").await.unwrap().status?.secret_key_version == Some(1)).then_some(());
    world.env.eventually("the rotation", rotated).await;
    assert_eq!(check(world.secret(names::USER_SECRET).await).await, ["ok", "ok"]);
    assert_eq!(check(before).await, ["SignatureDoesNotMatch", "SignatureDoesNotMatch"]);

    // Drift of the policy.
    let minio = client(&server);
    let read = world.bucket_name("read");
    minio.set_bucket_policy(&read, None).await.unwrap();
    let repaired = async || (minio.bucket_policy(&read).await.unwrap() != BucketPolicy::None).then_some(());
    world.env.eventually("the policy is repaired", repaired).await;

    // Sizes come from the server's own count, and the quota stops writing.
    world.put_quota("8").await;
    let over = async || {
        let status = world.users.get("user").await.unwrap().status?;
        (status.size? > 8 && status.conditions.iter().any(|it| it.reason == "OverQuota")).then_some(())
    };
    world.env.eventually("the server has counted", over).await;
    let (access_key, secret_key) = keys.clone();
    let (address, bucket) = (endpoint.clone(), base.clone());
    let script = format!(
        "b = '{bucket}-'\ntried(put, client, b + 'own', 'c')\ntried(get, client, b + 'own', 'a')\ntried(client.remove_object, b + 'own', 'a')\ntried(put, anonymous, b + 'write', 'y')"
    );
    let stopped = async || {
        let (address, access_key, secret_key, script) =
            (address.clone(), access_key.clone(), secret_key.clone(), script.clone());
        let results = blocking(move || python(&address, &access_key, &secret_key, &script)).await;
        (results[0] == denied && results[3] == denied).then_some(results)
    };
    let results = world.env.eventually("no writing", stopped).await;
    assert_eq!(results[2], "ok", "removing stays allowed");
    world.put_quota("1Gi").await;
    let again = async || {
        let status = world.users.get("user").await.unwrap().status?;
        status.conditions.iter().any(|it| it.reason == "BelowQuota").then_some(())
    };
    world.env.eventually("writing again", again).await;
    assert_eq!(check(world.secret(names::USER_SECRET).await).await, ["ok", "ok"]);

    // A suspended user takes the keys of its buckets along.
    let suspend = |value: serde_json::Value| {
        Patch::Merge(json!({"metadata": {"annotations": {"account.sealos.io/suspended": value}}}))
    };
    world.users.patch("user", &PatchParams::default(), &suspend(json!("true"))).await.unwrap();
    world.user_is("False", "SuspendedByAccount").await;
    let state = minio.check_key(&keys.0, &keys.1, Some(&world.bucket_name("own"))).await.unwrap();
    assert_ne!(state, KeyState::Works, "the keys of the bucket do not work either");
    world.users.patch("user", &PatchParams::default(), &suspend(json!(null))).await.unwrap();
    world.user_is("True", "Available").await;

    // Removal, with versions, markers and uploads.
    let script = format!(
        r#"
from minio.versioningconfig import VersioningConfig, ENABLED
b = "{base}-own"
client.set_bucket_versioning(b, VersioningConfig(ENABLED))
for n in range(30):
    put(client, b, "many/%d" % (n % 10))
client.remove_object(b, "many/1")
client._create_multipart_upload(b, "big", {{}})
"#
    );
    let (access_key, secret_key) = keys;
    let address = endpoint.clone();
    world.bucket_is("own", "True", "Available").await;
    blocking(move || python(&address, &access_key, &secret_key, &script)).await;
    for name in ["own", "other", "read", "write"] {
        world.buckets.delete(name, &DeleteParams::default()).await.unwrap();
    }
    for name in ["own", "other", "read", "write"] {
        world.bucket_gone(name).await;
    }
    world.users.delete("user", &DeleteParams::default()).await.unwrap();
    let gone = async || world.users.get_opt("user").await.unwrap().is_none().then_some(());
    world.env.eventually("the user goes", gone).await;
    assert_eq!(minio.list_buckets().await.unwrap(), Vec::<String>::new());
    assert_eq!(minio.user(&base).await.unwrap(), None);
    assert_eq!(minio.policy(&policies::name_of_user(&base, 0)).await.unwrap(), None);
    world.stop().await;
}

// A-11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_an_authority_of_its_own() {
    if !wanted() {
        return;
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_string()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let tls = Some((certificate.clone(), key.serialize_pem()));
    let server = blocking(move || start(MinioOptions { tls, ..MinioOptions::default() })).await;
    let endpoint = format!("https://{}", server.address());
    let change = |options: Options| Options { internal_endpoint: endpoint.clone(), ..options };
    let world = world(&server, server.address(), change).await;
    world.create_bucket("b", json!({})).await;
    let told = async || {
        let faults = world.operator.ready().await.err()?;
        faults.iter().any(|fault| fault.contains("certificate")).then_some(())
    };
    world.env.eventually("the unknown authority is told", told).await;
    let MinioOptions { user, password, .. } = server.options();
    world.put_admin(&[("accessKey", user), ("secretKey", password), ("ca.crt", &certificate)]).await;
    world.bucket_is("b", "False", "NoUser").await;
    world.env.eventually("ready", async || world.operator.ready().await.ok()).await;
    world.stop().await;
}

/// What stands between the operator and the server, and does as it is told.
struct Proxy {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Fair,
    /// Answers each request with 503.
    Busy,
    /// Holds each answer back.
    Slow,
    /// Cuts connections after the request has reached the server.
    Cutting,
}

impl Proxy {
    async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Arc::new(Mutex::new(Mood::Fair));
        let shared = mood.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mood = shared.clone();
                tokio::spawn(async move {
                    let _ = serve(stream, server, &mood).await;
                });
            }
        });
        Self { address, mood }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }
}

async fn serve(mut near: TcpStream, server: SocketAddr, mood: &Mutex<Mood>) -> std::io::Result<()> {
    let mut far = TcpStream::connect(server).await?;
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = near.read(&mut up) => {
                let count = read?;
                let now = *mood.lock();
                if count == 0 {
                    return Ok(());
                }
                if now == Mood::Busy {
                    let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    near.write_all(answer.as_bytes()).await?;
                    return Ok(());
                }
                far.write_all(&up[..count]).await?;
            }
            read = far.read(&mut down) => {
                let count = read?;
                let now = *mood.lock();
                if count == 0 || now == Mood::Cutting {
                    return Ok(());
                }
                if now == Mood::Slow {
                    tokio::time::sleep(Duration::from_millis(700)).await;
                }
                near.write_all(&down[..count]).await?;
            }
        }
    }
}

// A-25, A-26, A-27, A-28, A-31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_slow_busy_or_cut_off_loses_nothing() {
    if !wanted() {
        return;
    }
    let mut server = blocking(|| start(MinioOptions::default())).await;
    let proxy = Proxy::start(server.address()).await;
    let world = world(&server, proxy.address, |options| options).await;
    world.create_user().await;
    for (number, mood) in [Mood::Busy, Mood::Cutting, Mood::Slow].into_iter().enumerate() {
        proxy.set(mood);
        let name = format!("b{number}");
        world.create_bucket(&name, json!({"policy": "publicRead"})).await;
        if mood != Mood::Slow {
            world.bucket_is(&name, "Unknown", "Pending").await;
            let told = async || world.operator.ready().await.err().map(|_| ());
            if mood == Mood::Busy {
                world.env.eventually("readiness tells", told).await;
            }
        }
        proxy.set(Mood::Fair);
        world.bucket_is(&name, "True", "Available").await;
    }
    // Killed while it is being written to, and away for a while.
    world.create_bucket("k", json!({})).await;
    let mut server = blocking(move || {
        server.kill();
        server
    })
    .await;
    world.create_bucket("l", json!({})).await;
    world.buckets.delete("b0", &DeleteParams::default()).await.unwrap();
    world.bucket_is("l", "Unknown", "Pending").await;
    let server = blocking(move || {
        server.restart(None).unwrap();
        server
    })
    .await;
    for name in ["k", "l", "b1", "b2"] {
        world.bucket_is(name, "True", "Available").await;
    }
    world.bucket_gone("b0").await;
    let minio = client(&server);
    let expected: Vec<String> = ["b1", "b2", "k", "l"].iter().map(|name| world.bucket_name(name)).collect();
    assert_eq!(minio.list_buckets().await.unwrap(), expected);
    for name in ["b1", "b2", "k", "l"] {
        let secret = world.secret(&names::bucket_secret(&world.bucket_name(name))).await;
        let state = minio.check_key(&secret["accessKey"], &secret["secretKey"], Some(&secret["bucket"])).await;
        assert_eq!(state.unwrap(), KeyState::Works, "{name}");
        let warnings: Vec<_> = world.events(name).await.into_iter().filter(|(kind, ..)| kind == "Warning").collect();
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    world.stop().await;
}

/// Puts objects of ever smaller sizes until none fits any more, and prints the code with which the last was refused.
const FILL: &str = r#"
client.make_bucket("filling")
for size in (4_000_000, 400_000, 40_000, 4_000, 1):
    code = None
    for number in range(200):
        try:
            put(client, "filling", f"{size}-{number}", size)
        except S3Error as error:
            code = error.code
            break
print(code)
"#;

const EMPTY: &str = r#"
for found in list(client.list_objects("filling")):
    client.remove_object("filling", found.object_name)
client.remove_bucket("filling")
"#;

// A-27, A-28, A-31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_is_full_is_waited_for_and_nothing_is_lost() {
    if !wanted() {
        return;
    }
    let disk = Some(48 * 1024 * 1024);
    let server = blocking(move || start(MinioOptions { disk, ..MinioOptions::default() })).await;
    let world = world(&server, server.address(), |options| options).await;
    world.create_user().await;
    world.create_bucket("before", json!({})).await;
    world.bucket_is("before", "True", "Available").await;
    let MinioOptions { user, password, .. } = server.options().clone();
    let endpoint = server.address().to_string();
    let script = move |text: &'static str| {
        let (endpoint, user, password) = (endpoint.clone(), user.clone(), password.clone());
        blocking(move || python(&endpoint, &user, &password, text))
    };
    assert_eq!(script(FILL).await, ["XMinioStorageFull"]);
    world.create_bucket("meanwhile", json!({"policy": "publicRead"})).await;
    let waiting = world.bucket_is("meanwhile", "Unknown", "Pending").await;
    assert_eq!(waiting.message, "waiting for the remote system");
    // What is there stays as it is told, and can be read.
    world.bucket_is("before", "True", "Available").await;
    script(EMPTY).await;
    let minio = client(&server);
    for name in ["before", "meanwhile"] {
        world.bucket_is(name, "True", "Available").await;
        let secret = world.secret(&names::bucket_secret(&world.bucket_name(name))).await;
        let state = minio.check_key(&secret["accessKey"], &secret["secretKey"], Some(&secret["bucket"])).await;
        assert_eq!(state.unwrap(), KeyState::Works, "{name}");
        let warnings: Vec<_> = world.events(name).await.into_iter().filter(|(kind, ..)| kind == "Warning").collect();
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    world.stop().await;
}

// A-11, A-14, A-29
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_changes_its_credentials_is_told_of_until_the_secret_follows() {
    if !wanted() {
        return;
    }
    let server = blocking(|| start(MinioOptions::default())).await;
    let world = world(&server, server.address(), |options| options).await;
    world.create_user().await;
    world.create_bucket("b", json!({})).await;
    world.bucket_is("b", "True", "Available").await;
    let server = blocking(move || {
        let mut server = server;
        server.restart(Some(("other-root", "other-secret"))).unwrap();
        server
    })
    .await;
    world.bucket_is("b", "False", "CredentialsRejected").await;
    let message = world.warning("b", "CredentialsRejected").await;
    assert!(message.contains("Secret"), "{message}");
    world.create_bucket("c", json!({})).await;
    world.put_admin(&[("accessKey", "other-root"), ("secretKey", "other-secret")]).await;
    world.bucket_is("b", "True", "Available").await;
    world.bucket_is("c", "True", "Available").await;
    let minio = client(&server);
    assert_eq!(minio.list_buckets().await.unwrap().len(), 2);
    world.stop().await;
}
