//! Certificates: made here and kept in a Secret, or read from files; renewed without a restart.
//!
//! | file | what it holds |
//! |---|---|
//! | `issue` | makes an authority and certificates of it |
//! | `rotation` | what to do next with those that are kept: a pure function |
//! | `managed` | the Secret, which all replicas share |
//! | `files` | PEM files that something else renews |

mod files;
mod issue;
mod managed;
mod rotation;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::ApiResource;
use kubewright_cache::Scope;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::register::named;

/// Where the certificate of the webhooks comes from.
#[derive(Debug, Clone)]
pub enum Certificates {
    /// An authority and a certificate are made, kept in a Secret that all replicas share, and rotated in time. The
    /// operator needs the rights to get, create and update it.
    Managed {
        /// The Secret's namespace. Default: the one that the operator runs in (or the kubeconfig's).
        namespace: Option<String>,
        /// Its name. Default: the name of the webhooks and `-webhook-certificates`.
        secret: Option<String>,
        /// How long they live.
        lifetimes: Lifetimes,
    },
    /// `tls.crt` and `tls.key` in a directory, as cert-manager or a mounted Secret has them; `ca.crt`, if it is there,
    /// is given to the API server. They are read again when they change; while they don't fit each other the old ones
    /// are used.
    Files {
        /// The directory.
        directory: PathBuf,
    },
}

impl Default for Certificates {
    fn default() -> Self {
        Self::Managed { namespace: None, secret: None, lifetimes: Lifetimes::default() }
    }
}

/// How long certificates live. Each is replaced when two thirds of it are over, so that a third is left to mend what
/// keeps it from being replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// The authority's. Default: 365 days.
    pub authority: Duration,
    /// The certificate's. Default: 90 days. It is never longer than what is left of the authority's.
    pub certificate: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        Self { authority: days(365), certificate: days(90) }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file can't be read.
    #[error("can't read {}: {source}; the directory needs tls.crt and tls.key", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What was read is no certificate, or its key is another one's.
    #[error("{place}: {problem}")]
    Damaged {
        /// Where it was read, and what to do.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A certificate can't be made.
    #[error("can't make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The Secret can't be read or written.
    #[error("the Secret {namespace}/{name} with the certificates of the webhooks can't be used: {source}")]
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
}

/// What is served now, and until when to look again.
pub(crate) struct Current {
    pub(crate) key: Arc<CertifiedKey>,
    /// PEM of the authorities that clients should trust. `None`: one that they know anyway.
    pub(crate) bundle: Option<String>,
    /// When to look again, at the latest.
    pub(crate) next: Timestamp,
}

/// A certificate that is kept nowhere, for servers of these names and addresses, and its authority; as long as `lifetimes` say.
pub(crate) fn in_memory(hosts: &[String], lifetimes: Lifetimes, now: Timestamp) -> Result<Current, CertificateError> {
    let lives = SignedDuration::try_from(lifetimes.certificate).unwrap_or(SignedDuration::MAX / 2);
    let authority = issue::authority(now, now + lives)?;
    let issued = issue::certificate(&authority, hosts, now, now + lives)?;
    let key = certified(issued.certificate.as_bytes(), issued.key.as_bytes(), "a certificate made here")?;
    Ok(Current { key, bundle: Some(authority.certificate), next: now + lives * 2 / 3 })
}

/// What is in these files now.
pub(crate) fn in_files(directory: &Path, now: Timestamp) -> Result<Current, CertificateError> {
    files::Files::new(directory.to_path_buf()).current(now)
}

/// Who looks after the certificate.
pub(crate) enum Keeper {
    Managed(managed::Managed),
    Files(files::Files),
}

impl Keeper {
    /// `name` is that of the webhooks, `hosts` are the names and addresses that the API server calls.
    pub(crate) fn new(certificates: &Certificates, client: &Client, name: &str, hosts: Vec<String>) -> Self {
        match certificates.clone() {
            Certificates::Files { directory } => Self::Files(files::Files::new(directory)),
            Certificates::Managed { namespace, secret, lifetimes } => {
                let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_string());
                let secret = secret.unwrap_or_else(|| format!("{name}-webhook-certificates"));
                Self::Managed(managed::Managed { client: client.clone(), namespace, secret, lifetimes, hosts })
            }
        }
    }

    /// What it looks after in the cluster: when that changes, there may be another certificate.
    pub(crate) fn kept(&self) -> Option<(ApiResource, Scope)> {
        match self {
            Self::Files(_) => None,
            Self::Managed(managed) => {
                let scope = Scope { namespace: Some(managed.namespace.clone()), ..named(&managed.secret) };
                Some((ApiResource::erase::<Secret>(&()), scope))
            }
        }
    }

    /// The certificate to serve at `now`; made or renewed if need be.
    pub(crate) async fn current(&self, now: Timestamp) -> Result<Current, CertificateError> {
        match self {
            Self::Managed(managed) => managed.current(now).await,
            Self::Files(files) => files.current(now),
        }
    }
}

/// The key and the chain, if they fit each other. `place` says where they are from.
fn certified(certificate: &[u8], key: &[u8], place: &str) -> Result<Arc<CertifiedKey>, CertificateError> {
    let damaged = |problem: String| CertificateError::Damaged { place: place.to_string(), problem };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(format!("the certificate is no PEM: {error}")))?;
    if chain.is_empty() {
        return Err(damaged("there is no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| damaged(format!("the key is no PEM: {error}")))?;
    let key = any_supported_type(&key).map_err(|error| damaged(format!("the key can't be used: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(error) => Err(damaged(format!("the key is not that of the certificate: {error}"))),
    }
}
