//! The API server that a program of the operator sees: one on loopback that passes requests on with the operator's own client.
//!
//! So helm or ansible reach whatever the operator reaches, in its name, and stop writing when the operator may not write any
//! more. What they create gets its owner here, on the way to the server; a [`Guest`] says how.
//!
//! Each run of a program has a path with 128 random bits, which ends with the run: others on the machine can't use it.
//! Connections that are upgraded, as those of `exec`, are passed on as they are.

mod mark;
mod target;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kubewright::kube::client::Body;
use kubewright::prelude::*;
use parking_lot::Mutex;
use rand::{TryRng as _, rngs::SysRng};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use mark::{is_whole, marked};
pub use target::Target;

/// The largest body that is passed on: more than any API server takes.
const LARGEST: usize = 16 << 20;
/// How long to wait when no connection can be taken, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, Failure>>;

/// The gateway. Clones are of the same one.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    address: SocketAddr,
    client: Client,
    guests: Mutex<HashMap<String, Arc<dyn Guest>>>,
}

/// On whose behalf requests come.
pub trait Guest: Send + Sync + 'static {
    /// Puts what belongs there on an object that is sent whole: one that is created, replaced or applied.
    fn mark(&self, target: &Target, object: &mut Map<String, Value>);

    /// Whether to look what is there before an object that is replaced or applied is marked: if there is something that
    /// [`adopts`](Self::adopts) does not want, it is not. Default: no, all are.
    fn looks_first(&self) -> bool {
        false
    }

    /// Whether an object that is there may be marked when it is replaced or applied.
    fn adopts(&self, _live: &Value) -> bool {
        true
    }

    /// Whether it wants to hear the answers. Default: no, they are passed on unread.
    fn listens(&self) -> bool {
        false
    }

    /// Hears of an answer.
    fn heard(&self, _target: &Target, _heard: Heard<'_>) {}
}

/// What the server has answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heard<'a> {
    /// An object as it is now: it was read or written.
    Object(&'a Value),
    /// The object was deleted.
    Deleted,
}

/// A secret by which a guest is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

/// Lets a guest in, until it is dropped.
pub struct Pass {
    gateway: Gateway,
    token: Token,
    url: String,
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new() -> Result<Self, Failure> {
        // A secret: no seed that somebody passes in may decide on it.
        let mut bytes = [0; 16];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl Gateway {
    /// A gateway to what `client` reaches, on a free port of the loopback interface. It answers once
    /// [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// If there is no port.
    pub fn bind(client: Client) -> std::io::Result<(Self, std::net::TcpListener)> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((Self { inner: Arc::new(Inner { address, client, guests: Mutex::default() }) }, listener))
    }

    /// Answers until it is dropped.
    ///
    /// # Errors
    /// If the listener can't be used.
    pub async fn serve(self, listener: std::net::TcpListener) -> std::io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let gateway = self.clone();
                        connections.spawn(async move {
                            let service = service_fn(move |request| {
                                let gateway = gateway.clone();
                                async move { Ok::<_, std::convert::Infallible>(gateway.answer(request).await) }
                            });
                            let connection = hyper::server::conn::http1::Builder::new();
                            let connection = connection.serve_connection(TokioIo::new(stream), service);
                            if let Err(error) = connection.with_upgrades().await {
                                tracing::debug!(%error, "a connection to the gateway ended");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the gateway takes no connections");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Lets a guest in. One that is let in again under its token finds the same address.
    pub fn admit(&self, token: &Token, guest: Arc<dyn Guest>) -> Pass {
        self.inner.guests.lock().insert(token.0.clone(), guest);
        let url = format!("http://{}/{}", self.inner.address, token.0);
        Pass { gateway: self.clone(), token: token.clone(), url }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let (token, rest) = path.split_once('/').unwrap_or((path, ""));
        let Some(guest) = self.inner.guests.lock().get(token).cloned() else {
            return refusal(StatusCode::FORBIDDEN, "Forbidden", "this path is not for you, or no longer");
        };
        let path = match request.uri().query() {
            Some(query) => format!("/{rest}?{query}"),
            None => format!("/{rest}"),
        };
        match self.pass_on(request, &path, &*guest).await {
            Ok(answer) => answer,
            Err(Refused(status, message)) => refusal(status, "BadRequest", &message),
        }
    }

    async fn pass_on(&self, mut request: Request<Incoming>, path: &str, guest: &dyn Guest) -> Result<Answer, Refused> {
        let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| Refused(StatusCode::PAYLOAD_TOO_LARGE, format!("the body can't be read: {error}")))?
            .to_bytes();
        let target = Target::of(path);
        let body = match &target {
            Some(target) if is_whole(target, &parts.method, &parts.headers) => {
                let asks = parts.method != Method::POST && guest.looks_first();
                if asks && !self.look(path).await?.is_none_or(|live| guest.adopts(&live)) {
                    body
                } else {
                    marked(target, &mut parts.headers, body, guest)?
                }
            }
            _ => body,
        };
        let mut answer = self.send(onward(&parts, path, body, upgrade.is_some())?).await?;
        let theirs = (answer.status() == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut answer));
        if let (Some(ours), Some(theirs)) = (upgrade, theirs) {
            // Ends with either side, and with the program at the latest.
            tokio::spawn(join(ours, theirs));
            return Ok(answer.map(|_| whole(Bytes::new())));
        }
        remove_those_of_the_connection(answer.headers_mut());
        *answer.version_mut() = http::Version::HTTP_11;
        let heard = target.filter(|target| guest.listens() && target.is_about_one(&parts.method, path));
        let Some(target) = heard else {
            return Ok(answer.map(|body| body.map_err(Failure::from).boxed_unsync()));
        };
        let (head, body) = answer.into_parts();
        let bytes = body
            .collect()
            .await
            .map_err(|error| Refused(StatusCode::BAD_GATEWAY, format!("the answer ended early: {error}")))?
            .to_bytes();
        if head.status.is_success() {
            if parts.method == Method::DELETE {
                guest.heard(&target, Heard::Deleted);
            } else if let Ok(object) = serde_json::from_slice::<Value>(&bytes) {
                guest.heard(&target, Heard::Object(&object));
            }
        }
        Ok(Response::from_parts(head, whole(bytes)))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Refused> {
        self.inner.client.send(request).await.map_err(|error| {
            Refused(StatusCode::BAD_GATEWAY, format!("the request could not be passed on: {}", chain(&error)))
        })
    }

    /// What is there at a path; `None`: nothing.
    async fn look(&self, path: &str) -> Result<Option<Value>, Refused> {
        let wrong = |message: String| Refused(StatusCode::BAD_GATEWAY, message);
        let path = path.split('?').next().unwrap_or_default();
        let request = Request::get(path).header(header::ACCEPT, "application/json").body(Body::empty());
        let answer = self.send(request.map_err(|error| wrong(error.to_string()))?).await?;
        if !answer.status().is_success() {
            // What is the matter comes out with the write itself.
            return Ok(None);
        }
        let body = answer.into_body().collect().await.map_err(|error| wrong(error.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map(Some).map_err(|error| wrong(error.to_string()))
    }
}

/// A request as it goes on to the server.
fn onward(parts: &request::Parts, path: &str, body: Bytes, upgrades: bool) -> Result<Request<Body>, Refused> {
    // Whose request it is and how it comes is ours to say.
    let ours = [header::HOST, header::AUTHORIZATION, header::CONTENT_LENGTH, header::ACCEPT_ENCODING];
    let mut out = Request::builder().method(&parts.method).uri(path);
    for (name, value) in &parts.headers {
        let of_upgrade = upgrades && [header::CONNECTION, header::UPGRADE].contains(name);
        if of_upgrade || (!ours.contains(name) && !is_of_connection(name)) {
            out = out.header(name, value);
        }
    }
    out.body(Body::from(body.to_vec()))
        .map_err(|error| Refused(StatusCode::BAD_REQUEST, format!("{path} is no path: {error}")))
}

/// Passes bytes both ways between two upgraded connections.
async fn join(ours: hyper::upgrade::OnUpgrade, theirs: hyper::upgrade::OnUpgrade) {
    let both = tokio::try_join!(ours, theirs);
    let passed = match both {
        Ok((ours, theirs)) => {
            tokio::io::copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await.map(drop)
        }
        Err(error) => Err(std::io::Error::other(error)),
    };
    if let Err(error) = passed {
        tracing::debug!(%error, "an upgraded connection ended");
    }
}

impl Pass {
    /// The API server, as the program is told it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gateway.inner.guests.lock().remove(&self.token.0);
    }
}

/// A request that is not passed on.
#[derive(Debug)]
struct Refused(StatusCode, String);

fn is_of_connection(name: &http::HeaderName) -> bool {
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER].contains(name)
        || name == "keep-alive"
}

fn remove_those_of_the_connection(headers: &mut HeaderMap) {
    let names: Vec<_> = headers.keys().filter(|name| is_of_connection(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn whole(body: Bytes) -> UnsyncBoxBody<Bytes, Failure> {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn refusal(code: StatusCode, reason: &str, message: &str) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
        "message": message, "code": code.as_u16(),
    });
    let mut answer = Response::new(whole(status.to_string().into()));
    *answer.status_mut() = code;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Wants nothing on its objects.
    struct Silent;

    impl Guest for Silent {
        fn mark(&self, _target: &Target, _object: &mut Map<String, Value>) {}
    }

    #[tokio::test]
    async fn an_upgraded_connection_is_passed_on_both_ways() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        // A server that repeats what it is told.
        let echo = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = head(&mut stream).await;
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let mut told = [0; 4];
            stream.read_exact(&mut told).await.unwrap();
            stream.write_all(&told).await.unwrap();
            asked
        });
        let client = Client::try_from(kubewright::kube::Config::new(server.parse().unwrap())).unwrap();
        let (gateway, listener) = Gateway::bind(client).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(gateway.clone().serve(listener));
        let pass = gateway.admit(&Token::new().unwrap(), Arc::new(Silent));
        let token = pass.url().rsplit('/').next().unwrap().to_string();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let path = "api/v1/namespaces/shop/pods/one/exec?command=true";
        let request = format!(
            "GET /{token}/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eA==\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(head(&mut stream).await.starts_with("HTTP/1.1 101 "));
        stream.write_all(b"ping").await.unwrap();
        let mut told = [0; 4];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"ping");
        let asked = echo.await.unwrap().to_lowercase();
        assert!(asked.starts_with(&format!("get /{path} ")) && !asked.contains("authorization"), "{asked}");
        drop(pass);
        let mut late = tokio::net::TcpStream::connect(address).await.unwrap();
        late.write_all(format!("GET /{token}/version HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        assert!(head(&mut late).await.starts_with("HTTP/1.1 403 "), "the path ends with the pass");
        serving.abort();
    }

    /// What comes up to an empty line.
    async fn head(stream: &mut tokio::net::TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            text.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(text).unwrap()
    }
}
