//! A client of a server in process, for tests.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use kubewright_apiserver::{ApiServer, Body, Options};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A server and a way to ask it.
pub(crate) struct Client {
    /// The server.
    pub(crate) server: ApiServer,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) code: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) bytes: Bytes,
}

impl Answer {
    /// The body as a tree.
    #[track_caller]
    pub(crate) fn tree(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body as a tree, after a look at the status.
    #[track_caller]
    pub(crate) fn expect(&self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", String::from_utf8_lossy(&self.bytes));
        self.tree()
    }

    /// Status, reason and message of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let tree = self.tree();
        assert_eq!(tree["kind"], "Status", "{tree}");
        let text = |key: &str| tree[key].as_str().unwrap_or_default().to_string();
        (self.code, text("reason"), text("message"))
    }

    /// The texts of the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.headers.get_all("warning").iter().map(|value| value.to_str().unwrap().to_string()).collect()
    }
}

impl Client {
    /// A new server in memory.
    pub(crate) async fn start() -> Self {
        Self { server: ApiServer::start(Options::default()).await.unwrap() }
    }

    /// Sends a request, and gives the response whose body is still to be read.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Body> {
        self.server.service().oneshot(request).await.unwrap()
    }

    /// A request with a body and headers.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "test/1.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(request.body(Full::new(body.into())).unwrap()).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { code: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "").await
    }

    /// GET of a table or the like.
    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.request("GET", path, &[("accept", accept)], "").await
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], object.to_string()).await
    }

    /// PUT.
    pub(crate) async fn put(&self, path: &str, object: &Value) -> Answer {
        self.request("PUT", path, &[("content-type", "application/json")], object.to_string()).await
    }

    /// PATCH: `json`, `merge` or `strategic`.
    pub(crate) async fn patch(&self, kind: &str, path: &str, patch: &Value) -> Answer {
        let media_type = match kind {
            "json" => "application/json-patch+json",
            "strategic" => "application/strategic-merge-patch+json",
            _ => "application/merge-patch+json",
        };
        self.request("PATCH", path, &[("content-type", media_type)], patch.to_string()).await
    }

    /// Server-side apply.
    pub(crate) async fn apply(&self, manager: &str, path: &str, config: &Value) -> Answer {
        let path = format!("{path}{}fieldManager={manager}", if path.contains('?') { "&" } else { "?" });
        self.request("PATCH", &path, &[("content-type", "application/apply-patch+yaml")], config.to_string()).await
    }

    /// DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], "").await
    }

    /// DELETE with options.
    pub(crate) async fn delete_with(&self, path: &str, options: &Value) -> Answer {
        self.request("DELETE", path, &[("content-type", "application/json")], options.to_string()).await
    }

    /// Starts a watch.
    pub(crate) async fn watch(&self, path: &str) -> Events {
        self.watch_as(path, "application/json").await
    }

    /// Starts a watch of another form.
    pub(crate) async fn watch_as(&self, path: &str, accept: &str) -> Events {
        let request = Request::get(path).header("accept", accept).body(Full::default()).unwrap();
        let response = self.send(request).await;
        assert_eq!(response.status(), 200);
        Events { body: response.into_body(), buffer: Vec::new() }
    }

    /// Makes a ConfigMap in `default`.
    pub(crate) async fn config_map(&self, name: &str, labels: Value) -> Value {
        let object = json!({"metadata": {"name": name, "labels": labels}, "data": {"name": name}});
        self.post(CONFIG_MAPS, &object).await.expect(201)
    }
}

/// The path of the ConfigMaps in `default`.
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// The events of a watch.
pub(crate) struct Events {
    body: Body,
    buffer: Vec<u8>,
}

impl Events {
    /// The next event; none at the end of the watch.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.buffer.extend_from_slice(frame.data_ref().unwrap());
        }
    }

    /// The next bytes, whatever they are; none at the end of the watch.
    pub(crate) async fn frame(&mut self) -> Option<Bytes> {
        self.body.frame().await?.unwrap().into_data().ok()
    }

    /// Type and name of the next event.
    pub(crate) async fn brief(&mut self) -> (String, String) {
        let event = self.next().await.expect("the watch goes on");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
    }
}
