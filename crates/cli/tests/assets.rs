//! `kubewright assets`, and this binary under the names of the servers, called as Go's envtest calls them.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{ObjectMeta, PostParams};
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Api, Client};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use support::{Scratch, kubewright, stderr, stdout};

fn assets(scratch: &Scratch) -> PathBuf {
    let directory = scratch.path("assets");
    let output = kubewright().arg("assets").arg("--dir").arg(&directory).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim(), directory.to_str().unwrap());
    directory
}

fn call(directory: &Path, server: &str, arguments: &[&str]) -> Output {
    Command::new(directory.join(server)).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A server that ends with the test.
struct Running(Child);

impl Running {
    fn start(directory: &Path, server: &str, arguments: &[String]) -> Self {
        let mut command = Command::new(directory.join(server));
        Self(command.args(arguments).stdin(Stdio::null()).spawn().unwrap())
    }

    /// Ends it as envtest does, and returns its exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test failed on the way.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A free port, as envtest finds one: somebody else may take it, which is unlikely enough.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Certificate and key.
    fn certificate(&self, names: &[&str], user: &str, group: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, user);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// etcd and kube-apiserver, started with the flags that envtest gives them.
struct Environment {
    apiserver: Running,
    flags: Vec<String>,
    port: u16,
    etcd: Running,
    url: String,
    serving: Authority,
    clients: Authority,
}

impl Environment {
    fn start(directory: &Path, scratch: &Scratch) -> Self {
        let (serving, clients) = (Authority::new(), Authority::new());
        let certs = scratch.path("certs");
        std::fs::create_dir_all(&certs).unwrap();
        let (certificate, key) = serving.certificate(
            &["localhost", "127.0.0.1"],
            "localhost",
            "envtest",
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        std::fs::write(certs.join("apiserver.crt"), certificate).unwrap();
        std::fs::write(certs.join("apiserver.key"), key).unwrap();
        std::fs::write(certs.join("client-cert-auth-ca.crt"), &clients.pem).unwrap();
        let service_account = KeyPair::generate().unwrap();
        std::fs::write(certs.join("sa-signer.crt"), service_account.public_key_pem()).unwrap();
        std::fs::write(certs.join("sa-signer.key"), service_account.serialize_pem()).unwrap();

        let (etcd_port, port) = (free_port(), free_port());
        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let etcd = Running::start(
            directory,
            "etcd",
            &[
                format!("--advertise-client-urls={etcd_url}"),
                format!("--data-dir={}", scratch.path("etcd").display()),
                format!("--listen-client-urls={etcd_url}"),
                "--listen-peer-urls=http://127.0.0.1:0".into(),
                "--unsafe-no-fsync=true".into(),
            ],
        );
        answers(etcd_port);
        let url = format!("https://127.0.0.1:{port}");
        let file = |name: &str| certs.join(name).display().to_string();
        let flags = vec![
            "--allow-privileged=true".into(),
            "--authorization-mode=RBAC".into(),
            "--bind-address=127.0.0.1".into(),
            format!("--cert-dir={}", certs.display()),
            format!("--client-ca-file={}", file("client-cert-auth-ca.crt")),
            "--disable-admission-plugins=ServiceAccount".into(),
            format!("--etcd-servers={etcd_url}"),
            format!("--secure-port={port}"),
            format!("--service-account-issuer={url}/"),
            format!("--service-account-key-file={}", file("sa-signer.crt")),
            format!("--service-account-signing-key-file={}", file("sa-signer.key")),
            "--service-cluster-ip-range=10.0.0.0/24".into(),
        ];
        let apiserver = Running::start(directory, "kube-apiserver", &flags);
        answers(port);
        Self { apiserver, flags, port, etcd, url, serving, clients }
    }

    /// Ends the API server as a crash would, and starts it again beside the same etcd.
    fn restart(&mut self, directory: &Path) {
        self.apiserver.0.kill().unwrap();
        self.apiserver.0.wait().unwrap();
        self.apiserver = Running::start(directory, "kube-apiserver", &self.flags);
        answers(self.port);
    }

    async fn client(&self, user: &str, group: &str) -> Client {
        let (certificate, key) = self.clients.certificate(&[], user, group, ExtendedKeyUsagePurpose::ClientAuth);
        let base64 = |pem: &str| k8s_openapi::ByteString(pem.as_bytes().to_vec());
        let base64 = |pem: &str| serde_json::to_value(base64(pem)).unwrap().as_str().unwrap().to_owned();
        let cluster = Cluster {
            server: Some(self.url.clone()),
            certificate_authority_data: Some(base64(&self.serving.pem)),
            ..Cluster::default()
        };
        let login = AuthInfo {
            client_certificate_data: Some(base64(&certificate)),
            client_key_data: Some(base64(&key).into()),
            ..AuthInfo::default()
        };
        let context = Context { cluster: "test".into(), user: Some("test".into()), ..Context::default() };
        let kubeconfig = Kubeconfig {
            clusters: vec![NamedCluster { name: "test".into(), cluster: Some(cluster), ..Default::default() }],
            auth_infos: vec![NamedAuthInfo { name: "test".into(), auth_info: Some(login), ..Default::default() }],
            contexts: vec![NamedContext { name: "test".into(), context: Some(context), ..Default::default() }],
            current_context: Some("test".into()),
            ..Kubeconfig::default()
        };
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        Client::try_from(config).unwrap()
    }
}

/// Waits until somebody listens.
fn answers(port: u16) {
    for _ in 0..2_000 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        // Another process: there is nothing to wait on but the port.
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nobody listens on port {port}");
}

#[test]
fn the_directory_can_be_made_again_and_again() {
    let scratch = Scratch::new();
    let directory = assets(&scratch);
    let before = std::fs::symlink_metadata(directory.join("etcd")).unwrap().modified().unwrap();
    assert_eq!(assets(&scratch), directory);
    assert_eq!(std::fs::symlink_metadata(directory.join("etcd")).unwrap().modified().unwrap(), before);
    // What points elsewhere, as after a move of the program, is put right.
    std::fs::remove_file(directory.join("etcd")).unwrap();
    std::os::unix::fs::symlink("/nowhere", directory.join("etcd")).unwrap();
    assets(&scratch);
    assert!(call(&directory, "etcd", &["--version"]).status.success());
}

#[test]
fn the_cache_has_a_directory_for_each_version_of_the_program() {
    let scratch = Scratch::new();
    let output = kubewright().arg("assets").env("KUBEWRIGHT_CACHE", scratch.path("cache")).output().unwrap();
    let directory = PathBuf::from(stdout(&output).trim());
    assert!(directory.starts_with(scratch.path("cache").join("assets")), "{}", directory.display());
    assert!(directory.file_name().unwrap().to_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")));
    assert!(directory.join("kube-apiserver").exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error_that_names_the_way_out() {
    let output = kubewright().arg("assets").env("KUBEWRIGHT_CACHE", "/dev/null/cache").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("/dev/null/cache/assets") && text.contains("--dir or in KUBEWRIGHT_CACHE"), "{text}");
}

#[test]
fn a_kubectl_is_linked_and_a_missing_one_is_noted() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let bin = scratch.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let run = || {
        let mut command = kubewright();
        command.arg("assets").arg("--dir").arg(scratch.path("assets")).env("PATH", &bin).output().unwrap()
    };
    assert!(stderr(&run()).contains("no kubectl on PATH"));
    let kubectl = bin.join("kubectl");
    std::fs::write(&kubectl, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stderr(&run()), "");
    assert_eq!(std::fs::read_link(scratch.path("assets/kubectl")).unwrap(), kubectl);
    std::fs::remove_file(&kubectl).unwrap();
    assert!(stderr(&run()).contains("no kubectl on PATH"));
    assert!(std::fs::symlink_metadata(scratch.path("assets/kubectl")).is_err());
}

#[test]
fn flags_are_looked_for_in_the_help_as_envtest_does() {
    let scratch = Scratch::new();
    let directory = assets(&scratch);
    let shows = |server: &str, flag: &str| {
        let output = call(&directory, server, &["--help"]);
        assert!(output.status.success());
        stdout(&output).lines().any(|line| line.trim_start().starts_with(&format!("--{flag} ")))
    };
    assert!(shows("etcd", "unsafe-no-fsync"));
    assert!(shows("kube-apiserver", "secure-port"));
    assert!(!shows("kube-apiserver", "insecure-port"));
}

#[test]
fn wrong_flags_end_the_servers_as_they_end_the_real_ones() {
    let scratch = Scratch::new();
    let directory = assets(&scratch);
    for (server, flag, expected) in [
        ("kube-apiserver", "--nope", "Error: unknown flag: --nope"),
        (
            "kube-apiserver",
            "--feature-gates=AllAlpha=true",
            "--feature-gates=AllAlpha=true is not supported by this server",
        ),
        ("kube-apiserver", "--anonymous-auth=maybe", "--anonymous-auth=maybe is not supported"),
        ("kube-apiserver", "--v=1", "--etcd-servers must be specified"),
        ("kube-apiserver", "--etcd-servers=https://127.0.0.1:1", "an etcd that was started from the directory"),
        ("etcd", "--nope", "Error: unknown flag: --nope"),
        ("etcd", "--listen-client-urls=https://127.0.0.1:1", "must be a URL like http://127.0.0.1:2379"),
    ] {
        let output = call(
            &directory,
            server,
            &[flag, &format!("--data-dir={}", scratch.path("etcd").display())][..if server == "etcd" { 2 } else { 1 }],
        );
        assert_eq!(output.status.code(), Some(1), "{server} {flag}");
        assert!(stderr(&output).contains(expected), "{server} {flag}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn the_servers_work_with_the_flags_and_certificates_of_envtest() {
    let scratch = Scratch::new();
    let directory = assets(&scratch);
    let mut environment = Environment::start(&directory, &scratch);
    let client = environment.client("admin", "system:masters").await;

    let review = Api::<SelfSubjectReview>::all(client.clone());
    let review = review.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();
    assert_eq!(review.status.unwrap().user_info.unwrap().username.as_deref(), Some("admin"));
    let service = Api::<Service>::namespaced(client.clone(), "default").get("kubernetes").await.unwrap();
    assert_eq!(service.spec.unwrap().cluster_ip.as_deref(), Some("10.0.0.1"));
    let map = ConfigMap {
        metadata: ObjectMeta { name: Some("one".into()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    let maps = Api::<ConfigMap>::namespaced(client, "default");
    maps.create(&PostParams::default(), &map).await.unwrap();

    // A certificate says who its holder is, not what they may do.
    let stranger = environment.client("stranger", "strangers").await;
    let refused = Api::<ConfigMap>::namespaced(stranger, "default").get("one").await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");

    // The state is the etcd's.
    environment.restart(&directory);
    let client = environment.client("admin", "system:masters").await;
    Api::<ConfigMap>::namespaced(client, "default").get("one").await.unwrap();

    assert_eq!(environment.apiserver.terminate(), Some(0));
    assert_eq!(environment.etcd.terminate(), Some(0));
}
