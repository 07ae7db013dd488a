//! Calls: connections are kept, and what goes wrong is told in the real server's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::destination::{Address, ClientConfig};
use super::tls;
use crate::http::decode_json;
use crate::store::Store;

/// Most bytes of an answer.
const LARGEST: usize = 16 * 1024 * 1024;
/// Most connections to one webhook that wait for the next call.
const IDLE: usize = 25;
/// Most webhooks that connections are kept to.
const KEPT: usize = 200;

/// All connections to webhooks.
pub(crate) struct Clients {
    store: Store,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    clients: Mutex<BTreeMap<ClientConfig, Arc<Client>>>,
}

/// One webhook.
struct Client {
    config: ClientConfig,
    tls: TlsConnector,
    idle: Mutex<Vec<Connection>>,
}

type Connection = SendRequest<Full<Bytes>>;

impl Clients {
    /// `store`: where Services are looked up. `tasks`, `shutdown`: connections live in these tasks, until then.
    pub(crate) fn new(store: Store, tasks: TaskTracker, shutdown: CancellationToken) -> Self {
        Self { store, tasks, shutdown, clients: Mutex::default() }
    }

    /// Posts a JSON document and reads the one that is answered. The error is a text that says what went wrong.
    /// `timeout` is also told to the webhook if `tell` is set.
    pub(crate) async fn post(
        &self,
        config: &ClientConfig,
        body: Bytes,
        timeout: Duration,
        tell: bool,
    ) -> Result<Value, String> {
        let client = self.client(config)?;
        let query = if tell { format!("?timeout={}s", timeout.as_secs_f64().ceil()) } else { String::new() };
        let target = format!("{}{query}", config.path());
        let answer = match tokio::time::timeout(timeout, self.exchange(&client, &target, body)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Err(format!("Post \"https://{}{target}\": {why}", config.authority())),
            Err(_) => {
                return Err(format!("Post \"https://{}{target}\": context deadline exceeded", config.authority()));
            }
        };
        read(&answer)
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<Client>, String> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(config) {
            return Ok(client.clone());
        }
        if clients.len() >= KEPT {
            clients.clear();
        }
        let tls = tls::connector(config.ca_bundle.as_deref())?;
        let client = Arc::new(Client { config: config.clone(), tls, idle: Mutex::default() });
        clients.insert(config.clone(), client.clone());
        Ok(client)
    }

    async fn exchange(&self, client: &Client, target: &str, body: Bytes) -> Result<Answer, String> {
        let request = |body: Bytes| {
            Request::post(target)
                .header(HOST, client.config.authority())
                .header(ACCEPT, "application/json, */*")
                .header(CONTENT_TYPE, "application/json")
                .header(USER_AGENT, "kube-apiserver-admission")
                .body(Full::new(body))
                .map_err(|error| error.to_string())
        };
        loop {
            let kept = client.idle.lock().pop();
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect(client).await?,
            };
            match connection.try_send_request(request(body.clone())?).await {
                Ok(response) => {
                    let answer = Answer::read(response).await?;
                    let mut idle = client.idle.lock();
                    if idle.len() < IDLE && !connection.is_closed() {
                        idle.push(connection);
                    }
                    return Ok(answer);
                }
                // A message that comes back was not sent: the webhook had closed the connection while it waited.
                Err(mut error) => {
                    if error.take_message().is_some() && reused {
                        continue;
                    }
                    let error = error.into_error();
                    let ended = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
                    return Err(if ended { "EOF".into() } else { error.to_string() });
                }
            }
        }
    }

    async fn connect(&self, client: &Client) -> Result<Connection, String> {
        let mut why = String::new();
        for address in client.config.addresses(&self.store)? {
            match self.connect_to(client, &address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn connect_to(&self, client: &Client, (host, port): &Address) -> Result<Connection, String> {
        let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => format!("dial tcp {shown}: connect: connection refused"),
            // What the resolver says has no kind of its own.
            _ if error.raw_os_error().is_none() => format!("dial tcp: lookup {host}: no such host"),
            _ => format!("dial tcp {shown}: connect: {error}"),
        })?;
        // Not to delay the small packets of a call is all that this is for.
        let _ = stream.set_nodelay(true);
        let name = ServerName::try_from(client.config.server_name()).map_err(|error| error.to_string())?;
        let stream = client.tls.connect(name, stream).await.map_err(|error| tls::failure(&error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                // Its errors are told to those who wait for an answer.
                _ = connection => {}
            }
        });
        Ok(sender)
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn read(response: Response<Incoming>) -> Result<Self, String> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|error| error.to_string())?;
        Ok(Self { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The document of an answer, or why there is none.
fn read(answer: &Answer) -> Result<Value, String> {
    let code = answer.status.as_u16();
    let document = decode_json(&answer.body);
    if !(200..=206).contains(&code) {
        if let Ok(status) = &document
            && status["kind"] == "Status"
            && status["status"] == "Failure"
        {
            return Err(status["message"].as_str().unwrap_or_default().into());
        }
        return Err(refusal(code, answer));
    }
    if answer.body.is_empty() {
        let kind = answer.content_type();
        return Err(format!("0-length response with status code: {code} and content type: {kind}"));
    }
    document.map_err(|error| format!("couldn't get version/kind; json parse error: {error}"))
}

/// What client-go says about an answer that is an error and no Status.
fn refusal(code: u16, answer: &Answer) -> String {
    let kind = answer.content_type();
    let text = match kind.is_empty() || kind.starts_with("text/") {
        true => String::from_utf8_lossy(&answer.body).trim().to_string(),
        false => "unknown".into(),
    };
    match code {
        400 => "the server rejected our request for an unknown reason".into(),
        401 => "the server has asked for the client to provide credentials".into(),
        403 | 415 => text,
        404 => "the server could not find the requested resource".into(),
        405 => "the server does not allow this method on the requested resource".into(),
        406 if text.is_empty() || text == "unknown" => {
            "the server was unable to respond with a content type that the client supports".into()
        }
        406 => text,
        409 => "the server reported a conflict".into(),
        422 => "the server rejected our request due to an error in our request".into(),
        429 => "the server has received too many requests and has asked us to try again later".into(),
        503 => "the server is currently unable to handle the request".into(),
        504 => {
            "the server was unable to return a response in the time allotted, but may still be processing the request"
                .into()
        }
        500.. => format!("an error on the server ({text:?}) has prevented the request from succeeding"),
        _ => format!("the server responded with the status code {code} but did not return more information"),
    }
}
