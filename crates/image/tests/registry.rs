//! Images to a registry and back: to a real one in the real tier, and to one in process that behaves as is needed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kubewright_image::registry::{Credentials, Pushed, Registry, RegistryError, RegistryOptions, files};
use kubewright_image::{Files, Reference, pack};
use kubewright_real::{ImageRegistry, ImageRegistryOptions};
use tempfile::TempDir;

/// A layout of an image with these files.
fn layout(content: &[(&str, &str)]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        files: content.iter().map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())).collect(),
        labels: vec![("a".into(), "b".into())],
        architecture: "amd64".into(),
        reference: "example.com/test:1".into(),
    };
    let built = pack(&files, &folder.path().join("image")).unwrap();
    (folder, built.digest)
}

fn image(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("image")
}

/// Nobody's configuration of Docker gets into a test.
fn options(folder: &TempDir) -> RegistryOptions {
    let config = folder.path().join("config.json");
    fs::write(&config, "{}").unwrap();
    RegistryOptions { config: Some(config), ..RegistryOptions::default() }
}

fn known(folder: &TempDir) -> RegistryOptions {
    let credentials = Credentials { username: "tester".into(), password: "secret-of-tests".into() };
    RegistryOptions { credentials: Some(credentials), ..options(folder) }
}

fn name(address: SocketAddr, rest: &str) -> Reference {
    Reference::parse(&format!("{address}/{rest}")).unwrap()
}

/// Part of the real tier: the CNCF's distribution is built.
#[tokio::test]
async fn what_is_pushed_to_a_real_registry_comes_back_the_same() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let server =
        tokio::task::spawn_blocking(|| ImageRegistry::start(ImageRegistryOptions::default())).await.unwrap().unwrap();
    let (folder, digest) = layout(&[("manifests/a.yaml", "a: 1\n"), ("metadata/b.yaml", "b: 2\n")]);
    let reference = name(server.address(), "team/test:v1");
    let registry = Registry::connect(&reference, &options(&folder)).await.unwrap();
    let pushed = registry.push(&image(&folder), &reference).await.unwrap();
    assert_eq!(pushed, Pushed { digest: digest.clone(), sent: 2, kept: 0 });
    let again = registry.push(&image(&folder), &reference).await.unwrap();
    assert_eq!(again, Pushed { digest: digest.clone(), sent: 0, kept: 2 });

    for version in ["team/test:v1".to_string(), format!("team/test@{digest}")] {
        let pulled = registry.pull(&name(server.address(), &version), "amd64").await.unwrap();
        assert_eq!(pulled.digest, digest);
        assert_eq!(pulled.config["config"]["Labels"]["a"], "b");
        let back = files(&pulled, 1 << 20).unwrap();
        let wanted = [("manifests/a.yaml", "a: 1\n"), ("metadata/b.yaml", "b: 2\n")];
        let wanted = wanted.map(|(path, text)| (path.to_string(), text.as_bytes().to_vec()));
        assert_eq!(back, BTreeMap::from(wanted));
    }
    let error = registry.pull(&name(server.address(), "team/test:none"), "amd64").await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("manifest unknown"), "{error}");
}

/// Part of the real tier.
#[tokio::test]
async fn a_real_registry_that_wants_a_login_gets_one() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    // secret-of-tests
    let entry = "tester:$2a$05$KWB.XsMok4dRCbPHEh6A7.1iOcnvhrY2TvN8D3CwzakMNs5U.ALqe";
    let server = tokio::task::spawn_blocking(move || {
        ImageRegistry::start(ImageRegistryOptions { htpasswd: Some(entry.into()), ..Default::default() })
    })
    .await
    .unwrap()
    .unwrap();
    let (folder, digest) = layout(&[("a", "1")]);
    let reference = name(server.address(), "test:1");
    let push = async |options: &RegistryOptions| {
        Registry::connect(&reference, options).await.unwrap().push(&image(&folder), &reference).await
    };
    let nobody = push(&options(&folder)).await.unwrap_err();
    assert!(matches!(&nobody, RegistryError::Denied { .. }), "{nobody}");
    assert!(nobody.to_string().contains("it asks for a password; log in"), "{nobody}");
    let wrong = Credentials { username: "tester".into(), password: "guessed".into() };
    let wrong = push(&RegistryOptions { credentials: Some(wrong), ..options(&folder) }).await.unwrap_err();
    assert!(matches!(&wrong, RegistryError::Denied { .. }) && !wrong.to_string().contains("guessed"), "{wrong}");
    assert_eq!(push(&known(&folder)).await.unwrap().digest, digest);
    let config = folder.path().join("docker.json");
    let auth = r#"{"auths": {"REGISTRY": {"auth": "dGVzdGVyOnNlY3JldC1vZi10ZXN0cw=="}}}"#;
    fs::write(&config, auth.replace("REGISTRY", &server.address().to_string())).unwrap();
    let configured = RegistryOptions { config: Some(config), ..RegistryOptions::default() };
    assert_eq!(push(&configured).await.unwrap().kept, 2);
}

type Handler = dyn Fn(&Request<()>, &Bytes) -> Response<Full<Bytes>> + Send + Sync;

/// A server in process, and the requests that it got: method, path and what they say who we are.
struct Fake {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn start(handler: impl Fn(&Request<()>, &Bytes) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        let handler: Arc<Handler> = Arc::new(handler);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, log) = (handler.clone(), log.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (handler, log) = (handler.clone(), log.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let request = Request::from_parts(parts, ());
                        let who = request.headers().get("authorization").map_or("-", |value| value.to_str().unwrap());
                        log.lock().unwrap().push(format!("{} {} {who}", request.method(), request.uri()));
                        Ok::<_, Infallible>(handler(&request, &body))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(Bytes::from(body.to_string()))).unwrap()
}

/// What a registry answers that takes everything.
fn takes(request: &Request<()>) -> Response<Full<Bytes>> {
    match (request.method().clone(), request.uri().path()) {
        (Method::HEAD, _) => answer(404, &[], ""),
        (Method::POST, _) => answer(202, &[("location", "/v2/test/blobs/uploads/1?state=a")], ""),
        _ => answer(201, &[], ""),
    }
}

#[tokio::test]
async fn a_registry_with_tokens_gets_one_for_the_repository() {
    let place = Arc::new(Mutex::new(String::new()));
    let own = place.clone();
    let fake = Fake::start(move |request, _| {
        if request.uri().path() == "/token" {
            return answer(200, &[], r#"{"token": "t"}"#);
        }
        match request.headers().get("authorization") {
            Some(value) if value == "Bearer t" => takes(request),
            _ => {
                let realm = format!(r#"Bearer realm="http://{}/token",service="tests""#, own.lock().unwrap());
                answer(401, &[("www-authenticate", &realm)], "")
            }
        }
    })
    .await;
    *place.lock().unwrap() = fake.address.to_string();
    let (folder, digest) = layout(&[("a", "1")]);
    let reference = name(fake.address, "test:1");
    let registry = Registry::connect(&reference, &known(&folder)).await.unwrap();
    assert_eq!(registry.push(&image(&folder), &reference).await.unwrap().digest, digest);
    let seen = fake.seen();
    let token = "GET /token?service=tests&scope=repository%3Atest%3Apull%2Cpush Basic dGVzdGVyOnNlY3JldC1vZi10ZXN0cw==";
    assert_eq!(seen.iter().filter(|line| line.starts_with("GET /token")).collect::<Vec<_>>(), [token]);
    assert!(
        seen.iter().any(|line| line.starts_with("PUT /v2/test/blobs/uploads/1?state=a&digest=sha256%3A")),
        "{seen:#?}"
    );
    assert_eq!(seen.last().unwrap(), "PUT /v2/test/manifests/1 Bearer t", "the name is given last");
}

#[tokio::test]
async fn a_password_is_not_told_to_whom_the_registry_redirects() {
    let other = Fake::start(|_, _| answer(200, &[], "another")).await;
    let address = other.address;
    let fake = Fake::start(move |request, _| {
        match (request.headers().contains_key("authorization"), request.uri().path().contains("manifests")) {
            (false, _) => answer(401, &[("www-authenticate", "Basic realm=tests")], ""),
            (true, true) => {
                let digest = format!("sha256:{}", "0".repeat(64));
                answer(200, &[], &format!(r#"{{"config": {{"digest": "{digest}"}}, "layers": []}}"#))
            }
            (true, false) => answer(307, &[("location", &format!("http://{address}/elsewhere"))], ""),
        }
    })
    .await;
    let (folder, _) = layout(&[("a", "1")]);
    let reference = name(fake.address, "test:1");
    let registry = Registry::connect(&reference, &known(&folder)).await.unwrap();
    let error = registry.pull(&reference, "amd64").await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "what comes is checked: {error}");
    assert_eq!(other.seen(), ["GET /elsewhere -"]);
}

#[tokio::test]
async fn what_a_registry_refuses_is_told_in_its_words() {
    let fake = Fake::start(|request, _| match *request.method() {
        Method::PUT => answer(400, &[], r#"{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}"#),
        Method::HEAD => answer(200, &[], ""),
        _ => answer(500, &[], ""),
    })
    .await;
    let (folder, _) = layout(&[("a", "1")]);
    let reference = name(fake.address, "test:1");
    let registry = Registry::connect(&reference, &options(&folder)).await.unwrap();
    let error = registry.push(&image(&folder), &reference).await.unwrap_err().to_string();
    assert!(error.contains("the registry answers 400: manifest invalid (MANIFEST_INVALID)"), "{error}");
    let closed = name(SocketAddr::from(([127, 0, 0, 1], 1)), "test:1");
    let error = Registry::connect(&closed, &options(&folder)).await.unwrap_err();
    assert!(matches!(&error, RegistryError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_layout_is_not_pushed() {
    let fake = Fake::start(|request, _| takes(request)).await;
    let reference = name(fake.address, "test:1");
    let (folder, _) = layout(&[("a", "1")]);
    let registry = Registry::connect(&reference, &options(&folder)).await.unwrap();
    let push = async |folder: &Path| registry.push(folder, &reference).await.unwrap_err().to_string();
    assert!(push(folder.path()).await.contains("kubewright image build makes a layout"));
    for blob in fs::read_dir(image(&folder).join("blobs/sha256")).unwrap() {
        let file = blob.unwrap().path();
        let mut bytes = fs::read(&file).unwrap();
        bytes.push(b' ');
        fs::write(&file, bytes).unwrap();
    }
    let error = push(&image(&folder)).await;
    assert!(error.contains("it is damaged"), "{error}");
    assert_eq!(fake.seen(), Vec::<String>::new(), "nothing was sent");
}

#[tokio::test]
async fn the_image_of_the_architecture_is_pulled_and_the_name_stands_for_all() {
    use sha2::{Digest as _, Sha256};
    let digest = |text: &str| {
        let hash = Sha256::digest(text.as_bytes());
        format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let config = |architecture: &str| format!(r#"{{"os": "linux", "architecture": "{architecture}"}}"#);
    let manifest = |architecture: &str| {
        format!(r#"{{"config": {{"digest": "{}"}}, "layers": []}}"#, digest(&config(architecture)))
    };
    let entry = |architecture: &str| {
        format!(
            r#"{{"digest": "{}", "platform": {{"os": "linux", "architecture": "{architecture}"}}}}"#,
            digest(&manifest(architecture))
        )
    };
    let attestation = r#"{"platform": {"os": "unknown", "architecture": "unknown"}}"#;
    let index = format!(r#"{{"manifests": [{}, {}, {attestation}]}}"#, entry("amd64"), entry("arm64"));
    let mut parts = BTreeMap::from([("1".to_string(), index.clone()), ("one".to_string(), manifest("arm64"))]);
    for architecture in ["amd64", "arm64"] {
        parts.insert(digest(&manifest(architecture)), manifest(architecture));
        parts.insert(digest(&config(architecture)), config(architecture));
    }
    let fake = Fake::start(move |request, _| {
        let last = request.uri().path().rsplit('/').next().unwrap();
        parts.get(last).map_or_else(|| answer(404, &[], ""), |text| answer(200, &[], text))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let reference = name(fake.address, "test:1");
    let registry = Registry::connect(&reference, &options(&folder)).await.unwrap();
    for (wanted, comes) in [("arm64", "arm64"), ("amd64", "amd64"), ("s390x", "amd64")] {
        let pulled = registry.pull(&reference, wanted).await.unwrap();
        assert_eq!(pulled.config["architecture"], comes);
        assert_eq!(pulled.digest, digest(&index));
    }
    for (image, architectures) in [("test:1", &["amd64", "arm64"][..]), ("test:one", &["arm64"])] {
        let platforms = registry.platforms(&name(fake.address, image)).await.unwrap();
        let wanted = architectures.iter().map(|architecture| ("linux".to_string(), architecture.to_string()));
        assert_eq!(platforms, wanted.collect(), "{image}");
    }
    let status = StatusCode::NOT_FOUND;
    let error = registry.pull(&name(fake.address, "test:2"), "amd64").await.unwrap_err().to_string();
    assert!(error.contains(status.as_str()), "{error}");
}
