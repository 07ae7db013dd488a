//! The TLS listener: HTTP/1.1 and HTTP/2, clients known by their certificates.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::router::{self, Credentials};
use crate::auth::{self, AnyClientCertificate, ClientAuthorities, Pki, PkiError};
use crate::server::{Core, ServingCertificate};

/// Why the server can't be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Somebody else listens there.
    #[error("another process listens on {0}")]
    Taken(SocketAddr),
    /// The operating system refuses.
    #[error("cannot listen on {address}: {source}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: std::io::Error,
    },
    /// The certificates can't be used.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A certificate that was passed in can't be used.
    #[error("{what}: {reason}")]
    Certificate {
        /// Which.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// TLS can't be set up with them.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long connections are given to finish their requests at shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// A bound socket, ready to serve.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    clients: ClientAuthorities,
}

impl Listener {
    /// Binds the address. Port 0: any free one.
    pub(crate) async fn bind(
        address: SocketAddr,
        pki: &Pki,
        serving: Option<&ServingCertificate>,
        client_ca: Option<&str>,
    ) -> Result<Self, ListenError> {
        let (certificate, key) = pki.for_listener()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let wrong = |what| move |reason| ListenError::Certificate { what, reason };
        let (chain, key) = match serving {
            None => (vec![certificate], key),
            Some(serving) => (
                auth::certificates(&serving.certificate).map_err(wrong("the server's certificate"))?,
                auth::private_key(&serving.key).map_err(wrong("the key of the server's certificate"))?,
            ),
        };
        let clients = ClientAuthorities::from_pem([pki.ca.as_str()].into_iter().chain(client_ca), provider.clone())
            .map_err(wrong("the client certificate authorities"))?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(AnyClientCertificate(provider)))
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let refused = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::Taken(address),
            _ => ListenError::Refused { address, source },
        };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address, tls: TlsAcceptor::from(Arc::new(config)), clients })
    }

    /// Where clients find the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the server is shut down. Connections are tasks of `tasks`.
    pub(crate) async fn serve(self, core: Arc<Core>, tasks: TaskTracker) {
        let shutdown = core.shutdown.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = shutdown.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (core, tls, clients) = (core.clone(), self.tls.clone(), self.clients.clone());
                    tasks.spawn(connection(core, tls, clients, stream));
                }
                Err(error) => {
                    // Out of file descriptors, mostly: wait for some to become free.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

fn credentials(core: &Core, authorities: &ClientAuthorities, chain: &[CertificateDer<'_>]) -> Credentials {
    if chain.is_empty() {
        return Credentials::None;
    }
    match authorities.user(chain, core.env.clock.now()) {
        Some(user) => Credentials::Certificate(Arc::new(user)),
        None => Credentials::Unknown,
    }
}

async fn connection(core: Arc<Core>, tls: TlsAcceptor, clients: ClientAuthorities, stream: TcpStream) {
    let shutdown: CancellationToken = core.shutdown.clone();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let credentials = credentials(&core, &clients, chain);
    let service = service_fn(move |request: Request<Incoming>| {
        let (core, credentials) = (core.clone(), credentials.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.map_err(Into::into).boxed_unsync();
            Ok::<_, Infallible>(router::route(core, credentials, parts, body).await)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    // Clients put all their watches on one connection.
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(Some(10_000));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection.as_mut()).await {
                Ok(result) => result,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}
