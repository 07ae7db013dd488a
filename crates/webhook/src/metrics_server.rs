//! Metrics at an address of their own: over HTTPS, and to those whom the cluster lets read them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header, request};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use kubewright_runtime::clock::{Clock, SystemClock};
use kubewright_runtime::reviews::{Reviews, bearer};
use kubewright_runtime::{Error, METRICS_TYPE, Manager, TaskContext};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::certificates::{self, Current};
use crate::server::{Certificate, acceptor, serve, text};
use crate::{CertificateError, Lifetimes};

/// The path.
const PATH: &str = "/metrics";
/// Questions to the API server at the same time. More get 429: each request costs it two.
const PARALLEL: usize = 8;

/// How metrics are served.
#[derive(Debug, Clone)]
pub struct MetricsOptions {
    /// Where. Default: a free port on 127.0.0.1. In a Pod use `0.0.0.0:8443`.
    pub listen: SocketAddr,
    /// How they travel, and who may read them. Default: over HTTPS, by roles of the cluster.
    pub security: MetricsSecurity,
    /// What certificates are dated by. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// How metrics travel, and who may read them.
#[derive(Debug, Clone)]
pub enum MetricsSecurity {
    /// Over HTTP, to all who reach the address.
    Open,
    /// Over HTTPS, to all who reach the address.
    Encrypted(MetricsCertificate),
    /// Over HTTPS, to those with a token of the cluster whom its roles allow `get` of the path `/metrics`:
    /// `nonResourceURLs: ["/metrics"]`. The operator needs the rights to create TokenReviews and SubjectAccessReviews.
    Authorized(MetricsCertificate),
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Default)]
pub enum MetricsCertificate {
    /// It is made at the start, kept nowhere, and replaced in time. Nobody knows its authority, so who reads the metrics can't
    /// check it (`insecureSkipVerify`): what it keeps out are those who listen, and not one who stands in between.
    #[default]
    Made,
    /// `tls.crt` and `tls.key` in a directory, as cert-manager or a mounted Secret has them. They are read again when they
    /// change.
    Files(PathBuf),
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            security: MetricsSecurity::Authorized(MetricsCertificate::Made),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The address can't be used.
    #[error("the metrics can't be served on {address}: {source}; choose another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// TLS can't be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// There is no certificate.
    #[error("the certificate of the metrics: {0}")]
    Certificate(#[from] CertificateError),
}

/// Serves a manager's metrics at an address of their own, in place of the `/metrics` beside the health probes.
///
/// ```no_run
/// use kubewright_runtime::{Manager, ManagerOptions, connect};
/// use kubewright_webhook::{MetricsOptions, MetricsServer};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::new(connect(None, None).await?, ManagerOptions::default());
/// let metrics = MetricsServer::new(MetricsOptions { listen: ([0, 0, 0, 0], 8443).into(), ..MetricsOptions::default() });
/// metrics.add_to(manager).run_until_signal().await?;
/// # Ok(())
/// # }
/// ```
pub struct MetricsServer {
    options: MetricsOptions,
    address: Arc<Mutex<Option<SocketAddr>>>,
}

impl MetricsServer {
    /// One that serves as the options say, once it is added to a manager.
    pub fn new(options: MetricsOptions) -> Self {
        Self { options, address: Arc::default() }
    }

    /// Where it listens, as soon as it does. Ask before [`MetricsServer::add_to`] takes it.
    pub fn address(&self) -> impl Fn() -> Option<SocketAddr> + Send + Sync + use<> {
        let address = self.address.clone();
        move || *address.lock()
    }

    /// Adds it to a manager: it serves while that runs, also on a replica that stands by.
    pub fn add_to(self, manager: Manager) -> Manager {
        let manager = match self.options.security {
            MetricsSecurity::Authorized(_) => manager.may(Reviews::rights()),
            MetricsSecurity::Open | MetricsSecurity::Encrypted(_) => manager,
        };
        manager
            .metrics_elsewhere()
            .server("metrics", move |context| async move { self.run(context).await.map_err(Error::terminal) })
    }

    async fn run(self, context: TaskContext) -> Result<(), MetricsError> {
        let wanted = self.options.listen;
        let failed = |source| MetricsError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let clock = self.options.clock.clone();
        let (from, guarded) = match self.options.security.clone() {
            MetricsSecurity::Open => (None, false),
            MetricsSecurity::Encrypted(from) => (Some(from), false),
            MetricsSecurity::Authorized(from) => (Some(from), true),
        };
        let certificate = Arc::new(Certificate::default());
        let mut next = None;
        if let Some(from) = &from {
            // One that is not there now is a mistake; one that can't be read later may come back.
            let current = from.current(address, clock.now())?;
            certificate.set(current.key);
            next = Some(current.next);
        }
        let acceptor = from.is_some().then(|| acceptor(certificate.clone())).transpose()?;
        let answering = Arc::new(Answering {
            reviews: guarded.then(|| Reviews::new(context.client.clone())),
            asking: Semaphore::new(PARALLEL),
            context: context.clone(),
        });
        let answer = move |request: Request<hyper::body::Incoming>| {
            let (answering, head) = (answering.clone(), request.into_parts().0);
            async move { answering.answer(&head).await }
        };
        *self.address.lock() = Some(address);
        tracing::info!(%address, secure = from.is_some(), authorized = guarded, "serving metrics");
        context.ready();
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, acceptor, stop.clone(), "metrics", answer));
        let renewed = async {
            let (Some(from), Some(mut next)) = (from, next) else { return std::future::pending().await };
            loop {
                let wait = next.duration_since(clock.now()).max(SignedDuration::from_secs(1));
                tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
                match from.current(address, clock.now()) {
                    Ok(current) => {
                        certificate.set(current.key);
                        next = current.next;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the metrics keep their old certificate");
                        next = clock.now() + SignedDuration::from_secs(10);
                    }
                }
            }
        };
        tokio::select! {
            () = context.stop.cancelled() => {}
            () = renewed => {}
        }
        stop.cancel();
        while serving.join_next().await.is_some() {}
        Ok(())
    }
}

impl MetricsCertificate {
    fn current(&self, address: SocketAddr, now: Timestamp) -> Result<Current, CertificateError> {
        match self {
            Self::Made => {
                let hosts = ["localhost".to_string(), address.ip().to_string()];
                certificates::in_memory(&hosts, Lifetimes::default(), now)
            }
            Self::Files(directory) => certificates::in_files(directory, now),
        }
    }
}

/// What is asked when a request comes.
struct Answering {
    /// `None`: everybody may read.
    reviews: Option<Reviews>,
    asking: Semaphore,
    context: TaskContext,
}

impl Answering {
    async fn answer(&self, request: &request::Parts) -> Response<Full<Bytes>> {
        if request.uri.path() != PATH {
            return text(StatusCode::NOT_FOUND, "there is /metrics here\n".into());
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n".into());
        }
        if let Some(reviews) = &self.reviews
            && let Err((status, message)) = self.admit(reviews, bearer(&request.headers)).await
        {
            tracing::debug!(%status, message, "a request for metrics was refused");
            return text(status, format!("{message}\n"));
        }
        let mut response = text(StatusCode::OK, self.context.metrics());
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(METRICS_TYPE));
        response
    }

    async fn admit(&self, reviews: &Reviews, token: Option<&str>) -> Result<(), (StatusCode, String)> {
        let unchecked = |error: kube::Error| {
            tracing::warn!(%error, "who reads the metrics can't be checked");
            (StatusCode::SERVICE_UNAVAILABLE, "the token can't be checked: see the operator's log".to_string())
        };
        let nobody = || {
            let told =
                "the request has no token of the cluster, or one that is not valid: send Authorization: Bearer <token>";
            (StatusCode::UNAUTHORIZED, told.to_string())
        };
        let token = token.ok_or_else(nobody)?;
        let busy = |_| (StatusCode::TOO_MANY_REQUESTS, "too many requests at the same time".to_string());
        let _permit = self.asking.try_acquire().map_err(busy)?;
        let user = reviews.user(token).await.map_err(unchecked)?.ok_or_else(nobody)?;
        let name = user.username.clone().unwrap_or_default();
        if reviews.may(user, "get", PATH).await.map_err(unchecked)? {
            return Ok(());
        }
        let told = format!("{name} may not get {PATH}: bind it to a ClusterRole with nonResourceURLs: [\"{PATH}\"]");
        Err((StatusCode::FORBIDDEN, told))
    }
}

impl fmt::Debug for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsServer").field("options", &self.options).finish_non_exhaustive()
    }
}
