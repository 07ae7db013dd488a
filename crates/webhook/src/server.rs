//! The HTTPS server: TLS with the certificate of the moment, a limit for each body, the time that the API server gives.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::handler::{BadReview, Handler};
use crate::metrics::Metrics;

/// Two objects of the largest size that is stored, and what is around them; escaping can double them.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long requests that run at a stop may still take.
const GRACE: Duration = Duration::from_secs(5);

/// The certificate of the moment, for new connections.
#[derive(Default)]
pub(crate) struct Certificate(ArcSwapOption<CertifiedKey>);

impl Certificate {
    pub(crate) fn set(&self, key: Arc<CertifiedKey>) {
        self.0.store(Some(key));
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

/// What answers.
pub(crate) struct Server {
    pub(crate) handlers: BTreeMap<String, Handler>,
    pub(crate) metrics: Metrics,
}

/// TLS with the certificate of the moment.
pub(crate) fn acceptor(certificate: Arc<Certificate>) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop`, and then until the requests that run have their answers, 5 s at most. `what` is served is told in
/// the log. Without an acceptor it is served in plain text.
pub(crate) async fn serve<F, T>(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    stop: CancellationToken,
    what: &'static str,
    answer: F,
) where
    F: Fn(Request<Incoming>) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let (acceptor, stop, answer) = (acceptor.clone(), stop.clone(), answer.clone());
                connections.spawn(async move {
                    let Some(acceptor) = acceptor else { return connection(stream, stop, what, answer).await };
                    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => connection(stream, stop, what, answer).await,
                        // Who asks does not trust the certificate, mostly: who looks into the log should see that.
                        Ok(Err(error)) => tracing::info!(%error, what, "a TLS handshake failed"),
                        Err(_) => {}
                    }
                });
            }
            Err(error) => {
                // Too many open files, for example: others may be closed in a moment.
                tracing::warn!(%error, what, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection<S, F, T>(stream: S, stop: CancellationToken, what: &'static str, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> T + Send + Sync,
    T: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection.as_mut()).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, what, "a connection failed");
    }
}

impl Server {
    /// Serves until `stop`, see [`serve`].
    pub(crate) async fn run(
        self: Arc<Self>,
        listener: TcpListener,
        certificate: Arc<Certificate>,
        stop: CancellationToken,
    ) -> Result<(), rustls::Error> {
        let acceptor = acceptor(certificate)?;
        let answer = move |request| {
            let server = self.clone();
            async move { server.answer(request).await }
        };
        serve(listener, Some(acceptor), stop, "webhooks", answer).await;
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(handler) = self.handlers.get(request.uri().path()) else {
            let paths: Vec<&str> = self.handlers.keys().map(String::as_str).collect();
            return text(StatusCode::NOT_FOUND, format!("there is no webhook here; there are {}\n", paths.join(", ")));
        };
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "a review is sent with POST\n".into());
        }
        let limit = time_limit(request.uri().query());
        let started = Instant::now();
        self.metrics.started(&handler.path);
        let response = match timeout(limit, self.review(handler, request.into_body())).await {
            Ok(response) => response,
            Err(_) => text(StatusCode::GATEWAY_TIMEOUT, format!("the webhook had no answer within {limit:?}\n")),
        };
        self.metrics.ended(&handler.path, response.status().as_u16(), started.elapsed());
        response
    }

    async fn review(&self, handler: &Handler, body: Incoming) -> Response<Full<Bytes>> {
        let body = match Limited::new(body, LARGEST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let problem = format!("a review has at most {LARGEST_BODY} bytes\n");
                return text(StatusCode::PAYLOAD_TOO_LARGE, problem);
            }
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("the body ended early: {error}\n")),
        };
        match AssertUnwindSafe(handler.answer(body)).catch_unwind().await {
            Ok(Ok(answer)) => {
                let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            Ok(Err(error @ (BadReview::Json(_) | BadReview::NoRequest))) => {
                text(StatusCode::BAD_REQUEST, format!("{error}\n"))
            }
            Err(_) => {
                self.metrics.panicked();
                tracing::error!(path = handler.path, "a webhook panicked");
                text(StatusCode::INTERNAL_SERVER_ERROR, "the webhook panicked: see its log\n".into())
            }
        }
    }
}

/// The API server says how long it waits, as `?timeout=10s`; later answers are for nobody.
fn time_limit(query: Option<&str>) -> Duration {
    let seconds = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|part| part.strip_prefix("timeout=")?.strip_suffix('s')?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30).clamp(1, 30))
}

pub(crate) fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_server_says_how_long_it_waits() {
        assert_eq!(time_limit(Some("timeout=3s")), Duration::from_secs(3));
        assert_eq!(time_limit(Some("a=b&timeout=500s")), Duration::from_secs(30));
        assert_eq!(time_limit(Some("timeout=soon")), Duration::from_secs(30));
        assert_eq!(time_limit(None), Duration::from_secs(30));
    }
}
