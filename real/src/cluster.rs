//! A real control plane on free loopback ports: etcd, kube-apiserver and, when asked for, kube-controller-manager.

use std::env;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::panic;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::binaries::{Binaries, ensure_binaries};
use crate::error::Error;
use crate::pki::Pki;
use crate::process::Process;

const READY_WITHIN: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// Somebody else may take a port between our finding it free and the server's binding it.
const PORT_ATTEMPTS: u32 = 3;

/// What to start, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Start kube-controller-manager too. Without it the ServiceAccount admission plugin is off, as nobody would make the
    /// default ServiceAccounts that it asks for.
    pub controller_manager: bool,
    /// Let etcd wait for the disk on each write, as in production; tests are faster without.
    pub durable: bool,
    /// More arguments for kube-apiserver.
    pub apiserver_arguments: Vec<String>,
    /// More arguments for kube-controller-manager.
    pub controller_manager_arguments: Vec<String>,
    /// A directory with a kube-apiserver and an etcd to start in place of the real ones.
    pub servers: Option<PathBuf>,
}

/// A running control plane. Dropping it ends its processes and removes its files.
#[derive(Debug)]
pub struct RealCluster {
    // In the order in which they are to end: fields are dropped from the first to the last.
    controller_manager: Option<Process>,
    apiserver: Process,
    etcd: Process,
    // Last, so that nothing writes to it any more.
    dir: WorkDir,
    config: kube::Config,
    kubeconfig: PathBuf,
    started_in: Duration,
}

impl RealCluster {
    /// Builds the servers if need be, starts them and waits until they are ready.
    pub async fn start(options: Options) -> Result<Self, Error> {
        // A build takes minutes: not on a thread that serves others.
        let built = tokio::task::spawn_blocking(ensure_binaries).await;
        let binaries = built.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))?;
        let mut attempt = 1;
        loop {
            match Self::start_once(&binaries, &options).await {
                Err(Error::Ended { tail, .. })
                    if attempt < PORT_ATTEMPTS && tail.contains("address already in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// The file that kubectl and other clients can use; its user is in `system:masters`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The client configuration for the same user.
    pub fn config(&self) -> kube::Config {
        self.config.clone()
    }

    /// A client for the same user.
    pub fn client(&self) -> Result<kube::Client, Error> {
        kube::Client::try_from(self.config()).map_err(|error| Box::new(error).into())
    }

    /// The process ids: etcd, kube-apiserver and, if it was asked for, kube-controller-manager.
    pub fn pids(&self) -> Vec<u32> {
        [Some(&self.etcd), Some(&self.apiserver), self.controller_manager.as_ref()]
            .into_iter()
            .flatten()
            .map(Process::pid)
            .collect()
    }

    /// How long etcd and kube-apiserver took from their start to the first good answer of `/readyz`.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The log files of the servers.
    pub fn logs(&self) -> Vec<&Path> {
        [Some(&self.etcd), Some(&self.apiserver), self.controller_manager.as_ref()]
            .into_iter()
            .flatten()
            .map(Process::log)
            .collect()
    }

    /// Leaves the files of the cluster, its logs above all, where they are when it stops.
    pub fn keep_files(&mut self) {
        self.dir.keep = true;
    }

    async fn start_once(binaries: &Binaries, options: &Options) -> Result<Self, Error> {
        // Until everything is ready, an error is going to name a log file in it.
        let mut dir = WorkDir::create()?;
        dir.keep = true;
        let pki = Pki::create(&dir.path.join("pki"))?;
        let ports = free_ports()?;
        let server = format!("https://127.0.0.1:{}", ports.apiserver);
        let kubeconfig = dir.path.join("kubeconfig");
        let config = write_kubeconfig(&kubeconfig, &server, &pki).await?;
        let client = kube::Client::try_from(config.clone()).map_err(Box::new)?;

        let start = |name, arguments: &[String]| {
            let other = options.servers.as_ref().filter(|_| name != "kube-controller-manager");
            let program = other.map_or_else(|| binaries.program(name), |servers| servers.join(name));
            Process::start(name, &program, &dir.path, arguments)
        };
        let started = Instant::now();
        let mut etcd = start("etcd", &etcd_arguments(&dir.path, &ports, options))?;
        let mut apiserver = start("kube-apiserver", &apiserver_arguments(&ports, &pki, options))?;
        if !answers(&client, "/readyz", &mut [&mut etcd, &mut apiserver]).await? {
            return Err(apiserver.not_ready(READY_WITHIN.as_secs()));
        }
        let started_in = started.elapsed();

        let mut controller_manager = None;
        if options.controller_manager {
            let mut arguments = controller_manager_arguments(&kubeconfig, &ports, &pki);
            arguments.extend(options.controller_manager_arguments.iter().cloned());
            let mut process = start("kube-controller-manager", &arguments)?;
            // Its first visible work, without which no Pod can be made.
            let path = "/api/v1/namespaces/default/serviceaccounts/default";
            if !answers(&client, path, &mut [&mut process]).await? {
                return Err(process.not_ready(READY_WITHIN.as_secs()));
            }
            controller_manager = Some(process);
        }
        dir.keep = false;
        Ok(Self { controller_manager, apiserver, etcd, config, kubeconfig, started_in, dir })
    }
}

/// Waits until a GET of `path` succeeds: false when that takes too long, an error when one of `servers` ends.
async fn answers(client: &kube::Client, path: &str, servers: &mut [&mut Process]) -> Result<bool, Error> {
    let deadline = Instant::now() + READY_WITHIN;
    while Instant::now() < deadline {
        for server in &mut *servers {
            server.check()?;
        }
        // Building the request can't fail: the paths are literals.
        if let Ok(request) = Request::get(path).body(Vec::new())
            && client.request_text(request).await.is_ok()
        {
            return Ok(true);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(false)
}

struct Ports {
    etcd: u16,
    etcd_peer: u16,
    apiserver: u16,
    controller_manager: u16,
}

/// Four free ports; they are taken at the same time, so no two of them are the same.
fn free_ports() -> Result<Ports, Error> {
    let take = || TcpListener::bind(("127.0.0.1", 0)).map_err(Error::Port);
    let listeners = [take()?, take()?, take()?, take()?];
    let port = |index: usize| listeners[index].local_addr().map(|address| address.port()).map_err(Error::Port);
    Ok(Ports { etcd: port(0)?, etcd_peer: port(1)?, apiserver: port(2)?, controller_manager: port(3)? })
}

/// `--name=value` for each pair.
fn flags(pairs: &[(&str, String)]) -> Vec<String> {
    pairs.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

fn etcd_arguments(dir: &Path, ports: &Ports, options: &Options) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    flags(&[
        ("data-dir", dir.join("etcd").display().to_string()),
        ("listen-client-urls", client.clone()),
        ("advertise-client-urls", client),
        ("listen-peer-urls", peer.clone()),
        ("initial-advertise-peer-urls", peer.clone()),
        ("initial-cluster", format!("default={peer}")),
        ("unsafe-no-fsync", (!options.durable).to_string()),
        ("log-level", "warn".to_owned()),
    ])
}

fn apiserver_arguments(ports: &Ports, pki: &Pki, options: &Options) -> Vec<String> {
    let file = |path: &Path| path.display().to_string();
    let mut arguments = flags(&[
        ("etcd-servers", format!("http://127.0.0.1:{}", ports.etcd)),
        ("bind-address", "127.0.0.1".to_owned()),
        ("secure-port", ports.apiserver.to_string()),
        // Loopback is not allowed in an Endpoints object; this address is one that the Internet never routes.
        ("advertise-address", "192.0.2.1".to_owned()),
        ("tls-cert-file", file(&pki.server)),
        ("tls-private-key-file", file(&pki.server_key)),
        ("client-ca-file", file(&pki.ca)),
        ("service-account-key-file", file(&pki.service_account)),
        ("service-account-signing-key-file", file(&pki.service_account_key)),
        ("service-account-issuer", "https://kubernetes.default.svc.cluster.local".to_owned()),
        ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
        ("authorization-mode", "RBAC".to_owned()),
        ("allow-privileged", "true".to_owned()),
    ]);
    if !options.controller_manager {
        arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    arguments.extend(options.apiserver_arguments.iter().cloned());
    arguments
}

fn controller_manager_arguments(kubeconfig: &Path, ports: &Ports, pki: &Pki) -> Vec<String> {
    let file = |path: &Path| path.display().to_string();
    flags(&[
        ("kubeconfig", file(kubeconfig)),
        ("bind-address", "127.0.0.1".to_owned()),
        ("secure-port", ports.controller_manager.to_string()),
        ("leader-elect", "false".to_owned()),
        // A test must not wait for the next full count (5 minutes) of what a quota has missed while caches were behind,
        ("resource-quota-sync-period", "10s".to_owned()),
        // nor for requests that are held back.
        ("kube-api-qps", "200".to_owned()),
        ("kube-api-burst", "400".to_owned()),
        ("service-account-private-key-file", file(&pki.service_account_key)),
        ("root-ca-file", file(&pki.ca)),
        ("cluster-signing-cert-file", file(&pki.ca)),
        ("cluster-signing-key-file", file(&pki.ca_key)),
    ])
}

async fn write_kubeconfig(path: &Path, server: &str, pki: &Pki) -> Result<kube::Config, Error> {
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "real", "cluster": {"server": server, "certificate-authority": pki.ca}}],
        "users": [{"name": "admin", "user": {"client-certificate": pki.admin, "client-key": pki.admin_key}}],
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
        "current-context": "real",
    });
    // JSON is YAML too.
    fs::write(path, format!("{content:#}\n")).map_err(Error::io("write", path))?;
    let unusable = |source| Error::Kubeconfig { path: path.to_owned(), source };
    let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
    kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(unusable)
}

/// A directory of our own under the system's for temporary files, removed at the end unless it is to be kept.
#[derive(Debug)]
pub(crate) struct WorkDir {
    pub(crate) path: PathBuf,
    keep: bool,
}

impl WorkDir {
    pub(crate) fn create() -> Result<Self, Error> {
        let base = env::temp_dir();
        let mut number = 0;
        loop {
            let path = base.join(format!("kubewright-real-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, keep: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Error::io("create", &path)(error)),
            }
        }
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // The logs of a failed test tell why it failed.
        if !self.keep && !thread::panicking() {
            // What stays in the directory for temporary files does no harm.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
