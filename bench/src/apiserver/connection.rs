//! A client with one HTTP/2 connection, as those of Go have: cheap enough that the server is what is measured.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::Config;
use kube::client::ConfigExt;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Error;

/// What a Go client takes without asking for more, per stream and per connection.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// A connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

/// A request, without what all of them have.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) accept: &'static str,
    pub(crate) body: Bytes,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, content_type: JSON, accept: JSON, body: Bytes::new() }
    }

    pub(crate) fn write(method: Method, path: &'a str, body: String) -> Self {
        Self { method, body: body.into(), ..Self::get(path) }
    }
}

impl Connection {
    pub(crate) async fn open(config: &Config) -> Result<Self, Error> {
        let mut tls = config.rustls_client_config()?;
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let host = config.cluster_url.host().unwrap_or_default().to_owned();
        let authority = format!("{host}:{}", config.cluster_url.port_u16().unwrap_or(443));
        let stream = TcpStream::connect(&authority).await.map_err(Error::io("connect to the API server"))?;
        stream.set_nodelay(true).map_err(Error::io("set up a connection"))?;
        let name = config.tls_server_name.clone().unwrap_or(host);
        let name = ServerName::try_from(name).map_err(|error| Error::Request(error.to_string()))?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        let stream = TokioIo::new(stream.map_err(Error::io("shake hands with the API server"))?);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await?;
        tokio::spawn(async move {
            // Whoever has a request under way is told of the end too.
            let _ = connection.await;
        });
        Ok(Self { sender, authority })
    }

    pub(crate) async fn open_many(config: &Config, count: usize) -> Result<Vec<Self>, Error> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Self::open(config).await?);
        }
        Ok(connections)
    }

    /// The answer to a request that was granted.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Response<Incoming>, Error> {
        let request = Request::builder()
            .method(call.method)
            .uri(format!("https://{}{}", self.authority, call.path))
            .header(header::CONTENT_TYPE, call.content_type)
            .header(header::ACCEPT, call.accept)
            .header(header::USER_AGENT, "kubewright-bench")
            .body(Full::new(call.body))
            .map_err(|error| Error::Request(error.to_string()))?;
        let mut sender = self.sender.clone();
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        if matches!(answer.status(), StatusCode::OK | StatusCode::CREATED) {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.into_body().collect().await?.to_bytes();
        Err(Error::Request(format!("{}: {status}: {}", call.path, String::from_utf8_lossy(&text))))
    }

    /// Sends a request and reads the answer to its end. Returns its size.
    pub(crate) async fn exchange(&self, call: Call<'_>) -> Result<usize, Error> {
        let mut body = self.send(call).await?.into_body();
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            size += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(size)
    }

    /// Sends a request and gives the whole answer.
    pub(crate) async fn read(&self, call: Call<'_>) -> Result<Bytes, Error> {
        Ok(self.send(call).await?.into_body().collect().await?.to_bytes())
    }
}
