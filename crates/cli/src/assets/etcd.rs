//! What this binary does under the name `etcd`: it tells the `kube-apiserver` beside it where to keep the state.
//!
//! It does not speak etcd's own protocol, so a real kube-apiserver can't use it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::etcd_flags::FLAGS;
use super::flags::{self, FlagError, Flags};
use crate::signals::Signals;

/// How long the API server waits for an etcd that does not listen yet, as the real one does.
const PATIENCE: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_millis(10);
/// The path under which the API server asks.
const STORAGE: &str = "/kubewright/storage";

/// Where and how the state is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Storage {
    /// The directory, an absolute path.
    pub(super) directory: PathBuf,
    /// Whether a write is answered only when it is on disk.
    pub(super) sync: bool,
}

/// Why the server did not start or run.
#[derive(Debug, thiserror::Error)]
pub(super) enum EtcdError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error("--data-dir: {} can't be made: {cause}", path.display())]
    DataDir { path: PathBuf, cause: io::Error },
    #[error("--listen-client-urls: cannot listen on {url}: {cause}")]
    Listen { url: String, cause: io::Error },
    #[error("signals can't be waited for: {0}")]
    Signals(io::Error),
}

/// Why the API server does not know where to keep the state.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(
        "--etcd-servers={url}: {reason}; it must be the http:// URL of an etcd that was started from the directory that \
         `kubewright assets` prints"
    )]
    NotOurs { url: String, reason: String },
}

/// Runs the server until it is told to stop.
pub(super) async fn run(arguments: impl Iterator<Item = String>) -> Result<(), EtcdError> {
    let flags = Flags::parse(FLAGS, arguments)?;
    if flags.switch("help", false)? {
        print!("Usage:\n  etcd [flags]\n    Keep the state of the kube-apiserver beside it.\n\n{}", flags::help(FLAGS));
        return Ok(());
    }
    if flags.switch("version", false)? {
        println!("etcd Version: 3.6.8 (Kubewright {})", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    for notice in &flags.notices {
        tracing::info!("{notice}");
    }
    let mut signals = Signals::listen().map_err(EtcdError::Signals)?;
    let directory = PathBuf::from(flags.get("data-dir").unwrap_or("default.etcd"));
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    std::fs::create_dir_all(&directory).map_err(|cause| EtcdError::DataDir { path: directory.clone(), cause })?;
    let storage = Arc::new(Storage { directory, sync: !flags.switch("unsafe-no-fsync", false)? });

    let mut urls = flags.list("listen-client-urls");
    if urls.is_empty() {
        urls.push("http://localhost:2379");
    }
    let mut serving = JoinSet::new();
    for url in urls {
        for listener in listen(url).await? {
            serving.spawn(serve(listener, storage.clone()));
        }
    }
    signals.received().await;
    Ok(())
}

/// Listens on all addresses of a URL.
async fn listen(url: &str) -> Result<Vec<TcpListener>, EtcdError> {
    let failed = |cause| EtcdError::Listen { url: url.to_owned(), cause };
    let Some(authority) = authority(url) else {
        return Err(Flags::invalid("listen-client-urls", url, "it must be a URL like http://127.0.0.1:2379").into());
    };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(authority).await.map_err(failed)?.collect();
    let mut listeners: Vec<TcpListener> = Vec::new();
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // localhost may stand for an address of a family that the machine does not have.
            Err(cause) if cause.kind() == io::ErrorKind::AddrNotAvailable && !listeners.is_empty() => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
    Ok(listeners)
}

/// Host and port of an `http://` URL.
fn authority(url: &str) -> Option<&str> {
    let authority = url.strip_prefix("http://")?.trim_end_matches('/');
    let (host, port) = authority.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(authority)
}

async fn serve(listener: TcpListener, storage: Arc<Storage>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, mostly: wait for some to become free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let storage = storage.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = answer(request.uri().path(), &storage);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            // A connection that breaks off is the client's affair.
            let _ = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(path: &str, storage: &Storage) -> Response<http_body_util::Full<Bytes>> {
    let (status, body) = match path {
        "/health" | "/readyz" | "/livez" => (StatusCode::OK, r#"{"health":"true","reason":""}"#.to_owned()),
        "/version" => (StatusCode::OK, r#"{"etcdserver":"3.6.8","etcdcluster":"3.6.0","storage":"3.6.0"}"#.to_owned()),
        // A path can always be written as JSON, or it could not have been read from a flag.
        STORAGE => (StatusCode::OK, serde_json::to_string(storage).unwrap_or_default()),
        _ => (StatusCode::NOT_FOUND, "this etcd serves the kube-apiserver beside it only\n".to_owned()),
    };
    let mut response = Response::new(body.into_bytes().into());
    *response.status_mut() = status;
    response
}

/// Asks the etcd at a URL where the state is to be kept. It may still be starting.
pub(super) async fn ask(url: &str) -> Result<Storage, AskError> {
    let failed = |reason: String| AskError::NotOurs { url: url.to_owned(), reason };
    let authority = authority(url).ok_or_else(|| failed("it is not such a URL".into()))?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let stream = loop {
        match TcpStream::connect(authority).await {
            Ok(stream) => break stream,
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    let answer = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let request = Request::get(STORAGE).header("host", authority).body(http_body_util::Empty::<Bytes>::new());
        let request = request.map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err("what listens there is something else".to_owned());
        }
        let body = http_body_util::BodyExt::collect(response.into_body()).await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("what listens there answers {error}"))
    };
    answer.await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_with_a_port_are_taken() {
        assert_eq!(authority("http://127.0.0.1:2379"), Some("127.0.0.1:2379"));
        assert_eq!(authority("http://localhost:0/"), Some("localhost:0"));
        for wrong in ["https://127.0.0.1:2379", "127.0.0.1:2379", "http://localhost", "http://:1", ""] {
            assert_eq!(authority(wrong), None, "{wrong}");
        }
    }
}
