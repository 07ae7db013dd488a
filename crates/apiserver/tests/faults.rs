//! Clients that do not read, leave halfway or are many, over real sockets: they get what they deserve, others are served.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kubewright_apiserver::{ApiServer, Options};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use support::{CONFIG_MAPS, Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Events that are kept for watchers.
const HISTORY: usize = 24;
/// Bytes in each object.
const LARGE: usize = 256 << 10;
/// What ends by itself has ended after this time; a test that waits longer fails.
const PATIENCE: Duration = Duration::from_secs(60);

async fn start() -> Client {
    let listen = Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    Client { server: ApiServer::start(Options { listen, history: HISTORY, ..Options::default() }).await.unwrap() }
}

async fn connect(server: &ApiServer, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.url().trim_start_matches("https://")).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// A connection with HTTP/1.1 on which a request is sent, as far as it is given.
async fn send(server: &ApiServer, request: &str, rest: &str) -> TlsStream<TcpStream> {
    let mut stream = connect(server, b"http/1.1").await;
    let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n{rest}", server.token());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the server ends the connection.
async fn read_to_end(mut stream: TlsStream<TcpStream>) -> String {
    let mut answer = Vec::new();
    // The server ends it without a word of farewell at times, which is an error to TLS alone.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server ends it");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection with HTTP/2.
struct Multiplexed {
    sender: SendRequest<Full<Bytes>>,
    server: ApiServer,
}

impl Multiplexed {
    async fn open(server: &ApiServer) -> Self {
        let stream = TokioIo::new(connect(server, b"h2").await);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender, server: server.clone() }
    }

    async fn get(&self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("https://localhost{path}"))
            .header("authorization", format!("Bearer {}", self.server.token()));
        let mut sender = self.sender.clone();
        let answer = sender.send_request(request.body(Full::default()).unwrap());
        tokio::time::timeout(PATIENCE, answer).await.expect("it is served").unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let body = self.get(path).await.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }
}

/// How many watches the server has.
async fn watches(client: &Client) -> usize {
    let text = client.get("/metrics").await.bytes;
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("apiserver_longrunning_requests{verb=\"WATCH\"} "));
    line.unwrap().parse().unwrap()
}

async fn until_watches(client: &Client, number: usize) {
    let reached = async {
        while watches(client).await != number {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("not {number} watches in time"));
}

/// Writes more than the history keeps, and far more than sockets hold. Returns how many bytes.
async fn write_much(client: &Client) -> usize {
    let much = "x".repeat(LARGE);
    for round in 0..3 * HISTORY {
        let object = json!({"metadata": {"name": "large"}, "data": {"round": round.to_string(), "much": much}});
        if round == 0 {
            client.post(CONFIG_MAPS, &object).await.expect(201);
        } else {
            client.put(&format!("{CONFIG_MAPS}/large"), &object).await.expect(200);
        }
    }
    3 * HISTORY * LARGE
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_does_not_read_holds_no_memory_and_is_told_that_it_was_too_slow() {
    let client = start().await;
    let watch = format!("GET {CONFIG_MAPS}?watch=true&resourceVersion={}", client.server.revision());
    let slow = send(&client.server, &watch, "connection: close\r\n\r\n").await;
    until_watches(&client, 1).await;
    let mut other =
        client.watch(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={}", client.server.revision())).await;
    let others = tokio::spawn(async move {
        let mut seen = 0;
        while seen < 3 * HISTORY {
            other.brief().await;
            seen += 1;
        }
        seen
    });
    let written = write_much(&client).await;
    // Whoever reads gets everything.
    assert_eq!(others.await.unwrap(), 3 * HISTORY);
    let answer = read_to_end(slow).await;
    let last = answer.lines().rev().find(|line| line.contains("\"type\"")).unwrap();
    assert!(last.contains("\"ERROR\"") && last.contains("\"code\":410"), "{}", &last[..last.len().min(300)]);
    // What it gets after all was on its way in the sockets, not kept for it.
    assert!(answer.len() < written / 2, "{} of {written} bytes were kept", answer.len());
    until_watches(&client, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_read_does_not_hold_up_others_on_its_connection() {
    let client = start().await;
    let connection = Multiplexed::open(&client.server).await;
    let revision = client.server.revision();
    let slow = connection.get(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={revision}")).await;
    let written = write_much(&client).await;
    assert_eq!(connection.json("/api/v1/namespaces/default").await["kind"], "Namespace");
    let mut body = slow.into_body();
    let (mut received, mut tail) = (0, Vec::new());
    while let Some(frame) = tokio::time::timeout(PATIENCE, body.frame()).await.expect("it ends") {
        let data = frame.unwrap().into_data().unwrap();
        received += data.len();
        tail.extend_from_slice(&data);
        tail.drain(..tail.len().saturating_sub(1024));
    }
    assert!(String::from_utf8_lossy(&tail).contains("\"code\":410"));
    assert!(received < written / 2, "{received} of {written} bytes were kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_not_read_does_not_hold_up_others() {
    let client = start().await;
    let much = "x".repeat(LARGE);
    for number in 0..60 {
        let object = json!({"metadata": {"name": format!("large-{number}")}, "data": {"much": much}});
        client.post(CONFIG_MAPS, &object).await.expect(201);
    }
    let stuck = send(&client.server, &format!("GET {CONFIG_MAPS}"), "connection: close\r\n\r\n").await;
    let connection = Multiplexed::open(&client.server).await;
    let stuck_stream = connection.get(CONFIG_MAPS).await;
    assert_eq!(connection.json("/api/v1/namespaces/default").await["kind"], "Namespace");
    client.config_map("another", json!({})).await;
    // Both are as they were when they were asked for, all of it.
    let late = stuck_stream.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&late).unwrap()["items"].as_array().unwrap().len(), 60);
    let answer = read_to_end(stuck).await;
    assert_eq!(answer.matches("\"name\":\"large-").count(), 60);
    assert!(!answer.contains("another"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_when_its_client_goes_or_closes_its_half() {
    let client = start().await;
    let watch = format!("GET {CONFIG_MAPS}?watch=true");
    let gone = send(&client.server, &watch, "\r\n").await;
    let mut half_closed = send(&client.server, &watch, "\r\n").await;
    until_watches(&client, 2).await;
    drop(gone);
    until_watches(&client, 1).await;
    half_closed.shutdown().await.unwrap();
    read_to_end(half_closed).await;
    until_watches(&client, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_off_changes_nothing() {
    let client = start().await;
    let object = json!({"metadata": {"name": "half"}}).to_string();
    for length in [object.len() + 1, object.len() * 100] {
        let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{object}");
        let mut stream = send(&client.server, &format!("POST {CONFIG_MAPS}"), &headers).await;
        stream.shutdown().await.unwrap();
        let answer = read_to_end(stream).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/half")).await.code, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_and_no_tls_is_dropped() {
    let client = start().await;
    let address = client.server.url().trim_start_matches("https://").to_string();
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut rest)).await.expect("the server ends it");
    assert!(!rest.starts_with(b"HTTP/1.1 2"));
    let mut nonsense = connect(&client.server, b"http/1.1").await;
    nonsense.write_all(b"\0\x01\x02 nonsense\r\n\r\n").await.unwrap();
    assert!(!read_to_end(nonsense).await.starts_with("HTTP/1.1 2"));
    assert_eq!(client.get("/api/v1/namespaces/default").await.code, 200);
}

/// Watches on each connection, and connections.
const STREAMS: usize = 1_000;
const CONNECTIONS: usize = 10;
/// More than a watch may take, with its stream and its client, in bytes.
const LARGEST_WATCH: usize = 24 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_watches_are_cheap_and_go_with_their_clients() {
    let client = start().await;
    client.config_map("watched", json!({})).await;
    let revision = client.server.revision();
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={revision}&fieldSelector=metadata.name%3Dwatched");
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Multiplexed::open(&client.server).await);
    }
    let before = resident();
    let mut bodies = Vec::new();
    for connection in &connections {
        for answer in futures::future::join_all((0..STREAMS).map(|_| connection.get(&path))).await {
            assert_eq!(answer.status(), 200);
            bodies.push(answer.into_body());
        }
    }
    assert_eq!(watches(&client).await, STREAMS * CONNECTIONS);
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = after.saturating_sub(before) / (STREAMS * CONNECTIONS);
        assert!(each < LARGEST_WATCH, "a watch takes {each} bytes");
    }
    // Others are served, and all of them are told what they wait for.
    client.config_map("other", json!({})).await;
    let patched = client.patch("merge", &format!("{CONFIG_MAPS}/watched"), &json!({"data": {"new": "x"}})).await;
    patched.expect(200);
    for body in &mut bodies {
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("it is told").unwrap().unwrap();
        assert!(frame.data_ref().unwrap().starts_with(b"{\"type\":\"MODIFIED\""));
    }
    drop((bodies, connections));
    until_watches(&client, 0).await;
}

/// The memory of this process, server and clients; none where the system does not tell.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
}
