//! A server as several replicas see it: each through a door of its own, which takes note of what it asks.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Scratch;

/// What replicas have asked, in the order in which it came.
#[derive(Clone)]
pub struct Audit {
    client: kube::Client,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// Counts arrivals and answers.
    moment: u64,
    records: Vec<Record>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Record {
    pub replica: usize,
    pub method: Method,
    pub path: String,
    pub body: Value,
    /// When it came.
    pub began: u64,
    /// When it was answered, and how.
    pub answered: Option<(u64, u16)>,
}

impl Audit {
    pub fn new(client: kube::Client) -> Self {
        Self { client, log: Arc::default() }
    }

    /// Opens a door; returns a kubeconfig that leads there, with this namespace.
    pub async fn door(&self, replica: usize, namespace: &str, scratch: &Scratch) -> PathBuf {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let audit = self.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let audit = audit.clone();
                tokio::spawn(async move {
                    let pass = service_fn(|request| audit.pass(replica, request));
                    // A replica that was killed breaks its connections.
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
                });
            }
        });
        let path = scratch.path(&format!("door-{replica}"));
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             contexts: [{{name: c, context: {{cluster: k, user: u, namespace: {namespace}}}}}]\n\
             clusters: [{{name: k, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
        );
        std::fs::write(&path, config).unwrap();
        path
    }

    async fn pass(&self, replica: usize, request: Request<Incoming>) -> Result<Response<Body>, kube::Error> {
        let (mut parts, body) = request.into_parts();
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        let body = body.collect().await.map_err(|error| kube::Error::Service(Box::new(error)))?.to_bytes();
        let at = {
            let mut log = self.log.lock().unwrap();
            log.moment += 1;
            let began = log.moment;
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let (method, path) = (parts.method.clone(), parts.uri.path().to_string());
            log.records.push(Record { replica, method, path, body, began, answered: None });
            log.records.len() - 1
        };
        // It goes on also if the replica does not wait for it any more, as it would in a real server.
        let client = self.client.clone();
        let sent =
            tokio::spawn(async move { client.send(Request::from_parts(parts, Body::from(body.to_vec()))).await });
        let mut answer = sent.await.unwrap()?;
        answer.headers_mut().remove(header::TRANSFER_ENCODING);
        let mut log = self.log.lock().unwrap();
        log.moment += 1;
        let moment = log.moment;
        log.records[at].answered = Some((moment, answer.status().as_u16()));
        Ok(answer)
    }

    /// Everything that was asked.
    pub fn records(&self) -> Vec<Record> {
        self.log.lock().unwrap().records.clone()
    }

    /// Looks at everything that was asked.
    pub fn look<T>(&self, at: impl FnOnce(&[Record]) -> T) -> T {
        at(&self.log.lock().unwrap().records)
    }

    /// How often a replica has written an object of a kind.
    pub fn writes(&self, replica: usize, plural: &str) -> usize {
        let log = self.log.lock().unwrap();
        let of = |record: &&Record| record.replica == replica && record.is_write() && record.object(plural).is_some();
        log.records.iter().filter(of).count()
    }

    /// The moment of the last arrival or answer.
    pub fn moment(&self) -> u64 {
        self.log.lock().unwrap().moment
    }
}

impl Record {
    pub fn is_write(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// The name of the object of this kind that it is about.
    pub fn object(&self, plural: &str) -> Option<&str> {
        let (_, rest) = self.path.split_once(&format!("/{plural}/"))?;
        rest.split('/').next()
    }
}
