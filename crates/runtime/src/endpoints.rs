//! `/metrics`, `/healthz`, `/readyz`, `/sources/…` and `/debug` over HTTP.
//!
//! `/healthz` tells that the process serves. `/readyz` tells whether each watch is in sync and alive, and names those that
//! are not; `?verbose` lists all. `/metrics` is in the OpenMetrics text format. The others are in `sources::web` and
//! `debug`.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{debug::Debug, health::Check, metrics::Metrics, sources::web::Routes};

/// The format of metrics.
pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is asked when a request comes.
pub(crate) struct Endpoints {
    /// `None`: they are served elsewhere.
    pub(crate) metrics: Option<Metrics>,
    pub(crate) ready: Box<dyn Fn() -> Vec<Check> + Send + Sync>,
    pub(crate) routes: Routes,
    pub(crate) debug: Debug,
}

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, endpoints: Arc<Endpoints>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, for example: others may be closed in a moment.
                tracing::warn!(%error, "a connection to the health endpoints was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let endpoints = endpoints.clone();
        connections.spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let endpoints = endpoints.clone();
                async move {
                    let path = request.uri().path();
                    let response = if path.starts_with("/sources/") {
                        endpoints.routes.answer(request).await
                    } else if path == "/debug" || path.starts_with("/debug/") {
                        endpoints.debug.answer(request, peer.ip()).await
                    } else {
                        endpoints.answer(request.method(), path, request.uri().query())
                    };
                    Ok::<_, Infallible>(response)
                }
            });
            // Who scrapes or probes without TLS speaks HTTP/1.1; a second protocol is half a megabyte of program.
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection to the health endpoints failed");
            }
        });
    }
}

/// Binds the address, with an error that tells what to do.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), std::io::Error> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

impl Endpoints {
    fn answer(&self, method: &Method, path: &str, query: Option<&str>) -> Response<Full<Bytes>> {
        let known = matches!(path, "/metrics" | "/healthz" | "/readyz");
        if known && !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n".into());
        }
        match path {
            "/metrics" => match &self.metrics {
                Some(metrics) => {
                    let mut response = text(StatusCode::OK, metrics.render());
                    let kind = header::HeaderValue::from_static(METRICS_TYPE);
                    response.headers_mut().insert(header::CONTENT_TYPE, kind);
                    response
                }
                None => {
                    text(StatusCode::NOT_FOUND, "the metrics of this operator have an address of their own\n".into())
                }
            },
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" => readiness(&(self.ready)(), is_verbose(query)),
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz, /readyz and /debug here\n".into()),
        }
    }
}

fn is_verbose(query: Option<&str>) -> bool {
    query.into_iter().flat_map(|query| query.split('&')).any(|part| part.split('=').next() == Some("verbose"))
}

fn readiness(checks: &[Check], verbose: bool) -> Response<Full<Bytes>> {
    let ready = checks.iter().all(|check| check.fault.is_none());
    if ready && !verbose {
        return text(StatusCode::OK, "ok\n".into());
    }
    let mut out = String::new();
    for check in checks {
        match &check.fault {
            Some(fault) => out.push_str(&format!("[-] {} failed: {fault}\n", check.name)),
            None => out.push_str(&format!("[+] {} ok\n", check.name)),
        }
    }
    out.push_str(if ready { "readyz check passed\n" } else { "readyz check failed\n" });
    text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, out)
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use kube::{Client, client::Body};

    use super::*;
    use crate::{Handle, journal::Journal};

    async fn get(endpoints: &Endpoints, path: &str, query: Option<&str>) -> (u16, String) {
        let response = endpoints.answer(&Method::GET, path, query);
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn endpoints(fault: Option<&str>) -> Endpoints {
        let checks = vec![
            Check { name: "services".into(), fault: None },
            Check { name: "ingresses".into(), fault: fault.map(str::to_string) },
        ];
        let service = tower::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
        let routes = Routes::new(Client::new(service, "default"));
        let (handle, _) = Handle::new(Journal::new(0, None));
        let debug = Debug { handle, filter: None };
        Endpoints { metrics: Some(Metrics::new()), ready: Box::new(move || checks.clone()), routes, debug }
    }

    #[tokio::test]
    async fn readiness_names_the_watch_that_fails() {
        assert_eq!(get(&endpoints(None), "/readyz", None).await, (200, "ok\n".into()));
        let (status, body) = get(&endpoints(Some("forbidden")), "/readyz", None).await;
        assert_eq!(status, 503);
        assert!(body.contains("[-] ingresses failed: forbidden"), "{body}");
        assert!(body.contains("[+] services ok"), "{body}");
    }

    #[tokio::test]
    async fn readiness_lists_all_watches_when_asked() {
        let (status, body) = get(&endpoints(None), "/readyz", Some("verbose")).await;
        assert_eq!((status, body.lines().count()), (200, 3));
    }

    #[tokio::test]
    async fn only_known_paths_and_reading_methods_are_answered() {
        let endpoints = endpoints(None);
        assert_eq!(get(&endpoints, "/healthz", None).await.0, 200);
        assert_eq!(get(&endpoints, "/secrets", None).await.0, 404);
        assert_eq!(endpoints.answer(&Method::POST, "/metrics", None).status(), 405);
        let (_, metrics) = get(&endpoints, "/metrics", None).await;
        assert!(metrics.ends_with("# EOF\n"), "{metrics}");
        let elsewhere = Endpoints { metrics: None, ..endpoints };
        assert_eq!(get(&elsewhere, "/metrics", None).await.0, 404);
    }
}
