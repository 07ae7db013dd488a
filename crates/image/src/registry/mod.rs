//! Images in a registry: pushed out of a layout, and pulled.
//!
//! | module | what it holds |
//! |---|---|
//! | `http` | requests, with a login when the registry asks for one |
//! | `login` | who we are: flags, Docker's configuration, its helpers |
//! | `tls` | which certificates of registries are good |
//! | `push` | a layout → a registry |
//! | `pull` | a registry → an image, and its files |
//!
//! The protocol is that of the OCI distribution specification 1.1. Registries are reached by HTTPS, those on this machine that do
//! not speak TLS by HTTP. The authorities that are trusted are the system's, or those of `$SSL_CERT_FILE`.

mod http;
mod login;
mod pull;
mod push;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

pub use http::Registry;
pub use login::Credentials;
pub use pull::{Pulled, files};
pub use push::Pushed;

/// How a registry is reached.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Who we are. Default: what Docker's configuration says of the registry, or nobody.
    pub credentials: Option<Credentials>,
    /// Whether to use HTTP for registries that are not on this machine. Everybody on the way can read and change what is
    /// sent, passwords too. Default: no.
    pub plain_http: bool,
    /// Whether any certificate is good enough. Everybody on the way can read and change what is sent, passwords too. Default: no.
    pub skip_tls_verify: bool,
    /// Authorities to trust besides the system's, as certificates in PEM. Default: none.
    pub authorities: Vec<u8>,
    /// Docker's configuration. Default: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    pub config: Option<PathBuf>,
    /// How long a request may take. Default: 5 minutes.
    pub timeout: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            credentials: None,
            plain_http: false,
            skip_tls_verify: false,
            authorities: Vec::new(),
            config: None,
            timeout: Duration::from_secs(300),
        }
    }
}

/// Why an image did not get to a registry or from it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry can't be reached.
    #[error("{url}: {cause}; check the registry's name, and the way to it")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why.
        cause: String,
    },
    /// What is to be trusted is no authority.
    #[error("the authorities to trust besides the system's can't be read: {0}; they are certificates in PEM")]
    Authorities(String),
    /// It took too long.
    #[error("{url}: no answer within {} s", after.as_secs())]
    Timeout {
        /// What was asked for.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The registry wants to know who we are, or does not let us.
    #[error("{registry} refuses: {cause}; log in with docker login, or give --username and --password-stdin")]
    Denied {
        /// Which.
        registry: String,
        /// What it says.
        cause: String,
    },
    /// The registry says no.
    #[error("{url}: the registry answers {status}: {cause}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        cause: String,
    },
    /// What came is not what was asked for.
    #[error("{what} has the digest {is}, not {wanted}: it is damaged")]
    Digest {
        /// What.
        what: String,
        /// The digest of what is there.
        is: String,
        /// The digest that it should have.
        wanted: String,
    },
    /// Docker's configuration, or a helper of it, can't be used.
    #[error("{what}: {cause}")]
    Login {
        /// Which.
        what: String,
        /// Why.
        cause: String,
    },
    /// The layout can't be pushed.
    #[error("{}: {cause}", folder.display())]
    Layout {
        /// Where it is.
        folder: PathBuf,
        /// Why.
        cause: String,
    },
    /// The image can't be used.
    #[error("{image}: {cause}")]
    Image {
        /// Which.
        image: String,
        /// Why.
        cause: String,
    },
}
