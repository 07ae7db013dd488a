//! Whether something outside of the cluster answers: over TCP or HTTP, with a timeout, and never through a shell.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// What is asked whether it is there.
///
/// | written as | asked by |
/// |---|---|
/// | `http://…`, `https://…` | a HEAD request, or GET where the server does not know HEAD; a status below 400 is an answer |
/// | `tcp://host:port`, `mysql://user@host:3306/db` and any other scheme with a port | a TCP connection |
/// | `host:port` | a TCP connection |
///
/// Certificates of `https` have to be of an authority that the machine of the operator trusts (`SSL_CERT_FILE` names
/// others). Redirects are not followed: a server that redirects is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// A TCP connection.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// An HTTP request to this URL.
    Http(String),
}

/// A URL that can't be probed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} can't be probed: {why}; write http://…, https://…, tcp://HOST:PORT or HOST:PORT")]
pub struct ProbeError {
    text: String,
    why: &'static str,
}

/// Asks.
pub trait Prober: Send + Sync + 'static {
    /// Whether it answers; the error says what happened instead, and does not change from try to try.
    fn probe<'a>(&'a self, target: &'a Probe) -> BoxFuture<'a, Result<(), String>>;
}

/// Asks over the network.
#[derive(Clone)]
pub struct NetworkProber {
    timeout: Duration,
    tls: Arc<OnceLock<TlsConnector>>,
}

impl Probe {
    /// Reads the target out of a URL.
    ///
    /// # Errors
    /// If it is no URL, has no host, or no port where one is needed.
    pub fn parse(text: &str) -> Result<Self, ProbeError> {
        let wrong = |why| ProbeError { text: text.into(), why };
        // JDBC prefixes the URL of the database with a scheme of its own.
        let url = text.strip_prefix("jdbc:").unwrap_or(text);
        let (scheme, rest) = url.split_once("://").unwrap_or(("tcp", url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        if scheme == "http" || scheme == "https" {
            let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
            if uri.host().is_none_or(str::is_empty) {
                return Err(wrong("it names no host"));
            }
            if authority != address {
                return Err(wrong("a user in it would be shown to whoever reads the status"));
            }
            return Ok(Self::Http(url.into()));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(|| wrong("it names no port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port =
            port.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong("its port is not one from 1 to 65535"))?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong("it names no host"));
        }
        Ok(Self::Tcp { host: host.into(), port })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Http(url) => f.write_str(url),
        }
    }
}

impl NetworkProber {
    /// A prober that waits this long for an answer.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, tls: Arc::default() }
    }

    async fn ask(&self, target: &Probe) -> Result<(), String> {
        match target {
            Probe::Tcp { host, port } => connect(host, *port).await.map(drop),
            Probe::Http(url) => {
                let uri: Uri = url.parse().map_err(|_| "it is not a URL".to_string())?;
                let mut status = self.request(Method::HEAD, &uri).await?;
                if matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) {
                    status = self.request(Method::GET, &uri).await?;
                }
                if status.as_u16() < 400 { Ok(()) } else { Err(format!("the answer is {status}")) }
            }
        }
    }

    async fn request(&self, method: Method, uri: &Uri) -> Result<StatusCode, String> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = connect(host, port).await?;
        if !encrypted {
            return exchange(stream, method, uri).await;
        }
        let name = ServerName::try_from(host.to_string()).map_err(|_| format!("{host} is not a host name"))?;
        let stream = self.tls()?.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
        exchange(stream, method, uri).await
    }

    fn tls(&self) -> Result<&TlsConnector, String> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("TLS: this machine trusts no certificate authority; set SSL_CERT_FILE".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

impl Prober for NetworkProber {
    fn probe<'a>(&'a self, target: &'a Probe) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let answer = timeout(self.timeout, self.ask(target)).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {} s", self.timeout.as_secs_f64())))
        })
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| format!("no connection: {error}"))
}

async fn exchange<S>(stream: S, method: Method, uri: &Uri) -> Result<StatusCode, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| format!("no HTTP answer: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let host = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "kubewright-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    // The connection moves only while the answer is waited for, and ends with it.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
    .map(|answer| answer.status())
    .map_err(failed)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn targets_are_read_out_of_urls() {
        let tcp = |host: &str, port| Ok(Probe::Tcp { host: host.into(), port });
        assert_eq!(Probe::parse("db.example.com:3306"), tcp("db.example.com", 3306));
        assert_eq!(Probe::parse("tcp://10.0.0.1:1"), tcp("10.0.0.1", 1));
        assert_eq!(Probe::parse("jdbc:mysql://root@db:3306/uuc?ssl=true"), tcp("db", 3306));
        assert_eq!(Probe::parse("tcp://[::1]:80"), tcp("::1", 80));
        assert_eq!(Probe::parse("https://id.example.com/duc"), Ok(Probe::Http("https://id.example.com/duc".into())));
        for wrong in ["", "db", "db:0", "db:99999", "tcp://:1", "http://", "https://u:p@h/", "a b:1"] {
            let error = Probe::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("can't be probed"), "{error}");
        }
    }

    /// A server that gives these answers, one to each connection, and keeps what it was asked.
    async fn server(answers: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = vec![0; 1024];
                let read = stream.read(&mut text).await.unwrap();
                asked.push(String::from_utf8_lossy(&text[..read]).lines().next().unwrap_or_default().to_string());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        });
        (port, served)
    }

    fn prober() -> NetworkProber {
        NetworkProber::new(Duration::from_secs(5))
    }

    #[tokio::test]
    async fn a_server_that_answers_below_400_is_there() {
        let (port, asked) = server(&["HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"]).await;
        let target = Probe::parse(&format!("http://127.0.0.1:{port}/duc?a=b")).unwrap();
        assert_eq!(prober().probe(&target).await, Ok(()));
        assert_eq!(asked.await.unwrap(), ["HEAD /duc?a=b HTTP/1.1"]);
    }

    #[tokio::test]
    async fn a_server_that_knows_no_head_is_asked_with_get() {
        const REFUSES: &str = "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n";
        let (port, asked) = server(&[REFUSES, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]).await;
        assert_eq!(prober().probe(&Probe::Http(format!("http://127.0.0.1:{port}/"))).await, Ok(()));
        assert_eq!(asked.await.unwrap(), ["HEAD / HTTP/1.1", "GET / HTTP/1.1"]);
    }

    #[tokio::test]
    async fn an_error_of_the_server_is_told_by_its_status() {
        let (port, _asked) = server(&["HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"]).await;
        let answer = prober().probe(&Probe::Http(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(answer, Err("the answer is 503 Service Unavailable".into()));
    }

    #[tokio::test]
    async fn a_port_that_listens_is_there_and_a_closed_one_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Probe::Tcp { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        assert_eq!(prober().probe(&target).await, Ok(()));
        drop(listener);
        assert!(prober().probe(&target).await.unwrap_err().starts_with("no connection"));
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let prober = NetworkProber::new(Duration::from_millis(50));
        let answer = prober.probe(&Probe::Http(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(answer, Err("no answer within 0.05 s".into()));
    }
}
