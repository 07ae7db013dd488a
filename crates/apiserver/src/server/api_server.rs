//! What users of the crate hold: start a server, reach it, stop it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bootstrap;
use super::core::Core;
use super::definitions;
use crate::admission::{Admission, AdmissionOptions, PluginError};
use crate::auth::{self, Pki, PkiError, ServiceAccountOptions, Tokens, User};
use crate::authorization::{AuthorizationMode, Authorizer};
use crate::discovery::Discovery;
use crate::env::Env;
use crate::http::{InProcess, ListenError, Listener};
use crate::kinds::allocation::{AllocationOptions, Allocations};
use crate::registry::Registry;
use crate::store::{RangeRequest, Store, StoreError, StoreOptions, WriteError};
use crate::webhook;

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the server listens for TLS connections; port 0: any free one. Default: nowhere, it is reached in process
    /// only.
    pub listen: Option<SocketAddr>,
    /// The certificate that the server shows to TLS clients. Default: one that its own authority makes, for localhost.
    pub serving: Option<ServingCertificate>,
    /// Authorities whose client certificates log their holders in, as PEM: the common name is the user, the
    /// organizations are the groups. Default: none but the server's own.
    pub client_ca: Option<String>,
    /// Where objects, certificates and the token are kept; made if it is not there. Default: in memory only.
    pub data_dir: Option<PathBuf>,
    /// With a data directory: answer writes without waiting for the disk, so that they outlive the process, but not the
    /// machine. Default: false.
    pub unsynced: bool,
    /// Who may do what. Default: what roles and bindings say.
    pub authorization: AuthorizationMode,
    /// How ServiceAccount tokens are made and verified.
    pub service_accounts: ServiceAccountOptions,
    /// Time and randomness. Default: the operating system's.
    pub env: Env,
    /// The ranges that Services get their addresses from.
    pub allocation: AllocationOptions,
    /// Which admission plugins are on. Default: those that are on by default on the real server.
    pub admission: AdmissionOptions,
    /// Events kept per resource for watches and reads of older versions. Default (0): the store's, 10 000.
    pub history: usize,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct ServingCertificate {
    /// The certificate, then those that lead to its authority, as PEM.
    pub certificate: String,
    /// Its private key, as PEM.
    pub key: String,
}

impl std::fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServingCertificate").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A server can't be started. Nothing of it is left running, and the data directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on the address.
    #[error(
        "cannot listen on {address}: the port is taken; stop the process that has it, or choose another port (0: any)"
    )]
    PortTaken {
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refuses the address.
    #[error(
        "cannot listen on {address}: {source}; choose an address of this machine and a port that this user may use"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What it said.
        source: std::io::Error,
    },
    /// The data directory can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The objects that every server has can't be written.
    #[error("cannot write the first objects: {0}")]
    Bootstrap(#[from] WriteError),
    /// The certificates can't be made, read or kept.
    #[error(transparent)]
    Certificates(#[from] PkiError),
    /// A certificate that was passed in can't be used.
    #[error("cannot use {what}: {reason}; it must be PEM")]
    Certificate {
        /// Which.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The admission plugins that are to be on can't be.
    #[error(transparent)]
    Admission(#[from] PluginError),
    /// TLS can't be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// A running Kubernetes API server. Clones are the same server; it ends with [`ApiServer::shutdown`], or with the runtime.
#[derive(Debug, Clone)]
pub struct ApiServer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    core: Arc<Core>,
    address: Option<SocketAddr>,
    /// Made when first asked for: a server in process needs no certificates.
    pki: OnceLock<Pki>,
}

/// The URL of a server without a listener; for clients that need one.
const IN_PROCESS_URL: &str = "http://in-process";
/// The port that the `kubernetes` Service names when there is no listener.
const DEFAULT_PORT: u16 = 6443;

impl ApiServer {
    /// Starts a server. It is ready when this returns.
    ///
    /// # Errors
    /// When the port, the data directory or the certificates can't be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            listen,
            serving,
            client_ca,
            data_dir,
            unsynced,
            authorization,
            service_accounts,
            env,
            allocation,
            admission,
            history,
        } = options;
        let defaults = StoreOptions::default();
        let history = if history == 0 { defaults.history } else { history };
        let store = Store::open(StoreOptions { data_dir: data_dir.clone(), unsynced, history, ..defaults })?;

        let mut pki = OnceLock::new();
        let mut listener = None;
        let directory = data_dir.map(|directory| directory.join("pki"));
        let tokens = Tokens::open(service_accounts, directory.as_deref())?;
        if listen.is_some() || directory.is_some() {
            let kept = Pki::open(directory.as_deref(), &env)?;
            if let Some(address) = listen {
                listener = Some(Listener::bind(address, &kept, serving.as_ref(), client_ca.as_deref()).await?);
            }
            pki = OnceLock::from(kept);
        }
        let token = pki.get().map_or_else(|| env.random.uuid(), |pki| pki.token.clone());

        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let admission = Admission::new(&admission, &store)?;
        let core = Arc::new(Core {
            admission,
            webhooks: webhook::Clients::new(store.clone(), tasks.clone(), shutdown.clone()),
            authorizer: Authorizer::new(authorization, &store),
            tokens,
            access_defaults: AtomicBool::new(false),
            registry: Registry::new(&store),
            store,
            discovery: ArcSwap::from_pointee(Discovery::default()),
            allocations: Allocations::new(&allocation),
            flow_schema_uid: env.random.uuid(),
            priority_level_uid: env.random.uuid(),
            env,
            shutdown,
            tasks,
            watches: Arc::default(),
            admin: Arc::new(User::admin()),
            anonymous: Arc::new(User::anonymous()),
            token,
            definitions: tokio::sync::Mutex::new(()),
            late_defaults: Mutex::new(bootstrap::LATE.into()),
        });
        track_services(&core);
        let address = listener.as_ref().map(Listener::address);
        let port = address.map_or(DEFAULT_PORT, |address| address.port());
        bootstrap::defaults(&core, port, client_ca.as_deref()).await?;
        definitions::settle(&core).await;
        definitions::resume(&core);
        if let Some(listener) = listener {
            core.tasks.spawn(listener.serve(core.clone(), core.tasks.clone()));
        }
        Ok(Self { inner: Arc::new(Inner { core, address, pki }) })
    }

    /// The server as a tower service: requests without a socket, in the name of the administrator.
    pub fn service(&self) -> InProcess {
        InProcess::new(self.inner.core.clone(), self.inner.core.admin.clone())
    }

    /// The same in the name of somebody else, as if they had logged in.
    pub fn service_as(&self, user: User) -> InProcess {
        InProcess::new(self.inner.core.clone(), Arc::new(user))
    }

    /// Where the server listens, as `https://127.0.0.1:6443`; a made-up URL for a server in process.
    pub fn url(&self) -> String {
        self.inner.address.map_or_else(|| IN_PROCESS_URL.into(), |address| format!("https://{address}"))
    }

    /// A kubeconfig, as YAML, whose user is the administrator.
    pub fn kubeconfig(&self) -> String {
        auth::kubeconfig(self.pki(), &self.url(), None)
    }

    /// A kubeconfig, as YAML, whose user is somebody else: the administrator in their name, by impersonation.
    pub fn kubeconfig_as(&self, user: &User) -> String {
        auth::kubeconfig(self.pki(), &self.url(), Some(user))
    }

    /// The certificate of the server's authority, as PEM.
    pub fn ca_pem(&self) -> String {
        self.pki().ca.clone()
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        &self.inner.core.token
    }

    /// A bearer token of a ServiceAccount (as JSON), for a Secret of type `kubernetes.io/service-account-token` to hold. It has no
    /// end: it is good as long as this Secret holds it and the ServiceAccount is there.
    ///
    /// # Errors
    /// Why it can't be signed.
    pub fn secret_token(&self, service_account: &serde_json::Value, secret: &str) -> Result<String, String> {
        self.inner.core.tokens.make_for_secret(service_account, secret)
    }

    /// The newest resourceVersion.
    pub fn revision(&self) -> u64 {
        self.inner.core.store.revision()
    }

    /// The resourceVersion of the newest change to a resource, for those who wait until a watcher has seen it; 0 if there
    /// was none.
    pub fn collection_revision(&self, group: &str, plural: &str) -> u64 {
        self.inner.core.store.collection(group, plural).revision()
    }

    /// The number of objects of a resource.
    pub fn count(&self, group: &str, plural: &str) -> usize {
        self.inner.core.store.collection(group, plural).count(None)
    }

    /// Ends the server: watches end, requests under way are finished, everything accepted is on disk.
    pub async fn shutdown(&self) {
        let core = &self.inner.core;
        core.shutdown.cancel();
        core.tasks.close();
        core.tasks.wait().await;
        core.store.close().await;
    }

    #[expect(clippy::expect_used, reason = "without files, only a machine without random numbers can't make keys")]
    fn pki(&self) -> &Pki {
        let env = &self.inner.core.env;
        self.inner.pki.get_or_init(|| Pki::open(None, env).expect("certificates can be made"))
    }
}

fn track_services(core: &Core) {
    let services = core.store.collection("", "services");
    // The newest state is always there.
    for stored in services.range(RangeRequest::default()).map(|range| range.items).unwrap_or_default() {
        core.allocations.track(&stored.tree());
    }
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Taken(address) => Self::PortTaken { address },
            ListenError::Refused { address, source } => Self::Listen { address, source },
            ListenError::Pki(error) => Self::Certificates(error),
            ListenError::Certificate { what, reason } => Self::Certificate { what, reason },
            ListenError::Tls(error) => Self::Tls(error.to_string()),
        }
    }
}
