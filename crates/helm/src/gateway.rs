//! The API server that helm sees: one on loopback that passes requests on with the operator's own client.
//!
//! So helm reaches whatever the operator reaches, in its name, and stops writing when the operator may not write any more. What
//! helm creates gets its owner here, on the way to the server: the manifest that helm stores stays what the chart rendered.
//!
//! Each run of helm has a path of its own, of 128 random bits, which ends with the run: others on the machine can't use it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kubewright::kube::client::Body;
use kubewright::prelude::*;
use kubewright_apiserver::decode_protobuf;
use parking_lot::Mutex;
use rand::{TryRng as _, rngs::SysRng};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::marks::Owner;
use crate::release::SECRET_TYPE;

/// The largest body that is passed on: more than any API server takes.
const LARGEST: usize = 16 << 20;
/// How long to wait when no connection can be taken, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, Failure>>;

/// The API server for helm. Clones are of the same one.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    address: SocketAddr,
    client: Client,
    runs: Mutex<HashMap<String, Arc<Run>>>,
}

/// A run of helm.
struct Run {
    owner: Owner,
    chart: String,
}

/// Lets helm in, until it is dropped.
pub struct Pass {
    gateway: Gateway,
    token: String,
    url: String,
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
        Ok((Self { inner: Arc::new(Inner { address, client, runs: Mutex::default() }) }, listener))
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
                            if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                                tracing::debug!(%error, "helm's connection ended");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the gateway for helm takes no connections");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Lets helm in for a release of `owner`.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn admit(&self, owner: Owner, chart: &str) -> Result<Pass, Failure> {
        // A secret: no seed that somebody passes in may decide on it.
        let mut bytes = [0; 16];
        SysRng.try_fill_bytes(&mut bytes)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.inner.runs.lock().insert(token.clone(), Arc::new(Run { owner, chart: chart.into() }));
        let url = format!("http://{}/{token}", self.inner.address);
        Ok(Pass { gateway: self.clone(), token, url })
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        let (token, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let Some(run) = self.inner.runs.lock().get(token).cloned() else {
            return refusal(StatusCode::FORBIDDEN, "Forbidden", "this path is not for you, or no longer");
        };
        let path = match request.uri().query() {
            Some(query) => format!("/{rest}?{query}"),
            None => format!("/{rest}"),
        };
        match self.pass_on(request, &path, &run).await {
            Ok(answer) => answer,
            Err(Refused(status, message)) => refusal(status, "BadRequest", &message),
        }
    }

    async fn pass_on(&self, request: Request<Incoming>, path: &str, run: &Run) -> Result<Answer, Refused> {
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| Refused(StatusCode::PAYLOAD_TOO_LARGE, format!("the body can't be read: {error}")))?;
        let body = marked(&parts.method, path, &mut parts.headers, body.to_bytes(), run)?;
        let mut out = Request::builder().method(parts.method).uri(path);
        for (name, value) in &parts.headers {
            // Whose request it is and how it comes is ours to say.
            let ours = [header::HOST, header::AUTHORIZATION, header::CONTENT_LENGTH, header::ACCEPT_ENCODING];
            if !ours.contains(name) && !is_of_connection(name) {
                out = out.header(name, value);
            }
        }
        let out = out
            .body(Body::from(body.to_vec()))
            .map_err(|error| Refused(StatusCode::BAD_REQUEST, format!("{path} is no path: {error}")))?;
        let answer = self.inner.client.send(out).await.map_err(|error| {
            Refused(StatusCode::BAD_GATEWAY, format!("the request could not be passed on: {}", chain(&error)))
        })?;
        let (mut parts, body) = answer.into_parts();
        let names: Vec<_> = parts.headers.keys().filter(|name| is_of_connection(name)).cloned().collect();
        for name in names {
            parts.headers.remove(name);
        }
        parts.version = http::Version::HTTP_11;
        Ok(Response::from_parts(parts, body.map_err(Failure::from).boxed_unsync()))
    }
}

impl Pass {
    /// The API server for helm.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gateway.inner.runs.lock().remove(&self.token);
    }
}

/// A request that is not passed on.
#[derive(Debug)]
struct Refused(StatusCode, String);

/// A body with the owner on what it creates. helm's clients for Kubernetes' own kinds send protobuf, which goes on as JSON.
fn marked(method: &Method, path: &str, headers: &mut HeaderMap, body: Bytes, run: &Run) -> Result<Bytes, Refused> {
    let Some(target) = Target::of(path) else { return Ok(body) };
    let content =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_string();
    let whole = match *method {
        Method::POST | Method::PUT => true,
        // Of the others a part alone is in the body, and what is there keeps its owner.
        Method::PATCH => content.starts_with("application/apply-patch"),
        _ => false,
    };
    if !whole
        || target.subresource
        || target.group.ends_with("ization.k8s.io")
        || target.group.ends_with("ication.k8s.io")
    {
        return Ok(body);
    }
    let protobuf = content == "application/vnd.kubernetes.protobuf";
    let object: Result<Value, String> = if protobuf {
        decode_protobuf(&body)
    } else if content.contains("yaml") {
        serde_saphyr::from_slice(&body).map_err(|error| error.to_string())
    } else if content.is_empty() || content.contains("json") {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        let message = format!("{content:?} can't be passed on, as objects get their owner on the way; send JSON");
        return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    let mut object =
        object.map_err(|error| Refused(StatusCode::BAD_REQUEST, format!("the body is broken: {error}")))?;
    let Some(members) = object.as_object_mut() else { return Ok(body) };
    if members.get("type").and_then(Value::as_str) == Some(SECRET_TYPE) {
        // helm's own: no part of the release, and gone with the custom resource.
        let metadata = members.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if let Some(metadata) = metadata.as_object_mut() {
            run.owner.own(metadata);
        }
    } else {
        run.owner.mark(members, target.namespace.as_deref(), &run.chart);
    }
    if protobuf {
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    Ok(object.to_string().into())
}

/// What a path is about.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    group: String,
    namespace: Option<String>,
    subresource: bool,
}

impl Target {
    fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let group = match *parts.first()? {
            "api" => "",
            "apis" => parts.get(1)?,
            _ => return None,
        };
        parts.drain(..if group.is_empty() { 2 } else { 3 }.min(parts.len()));
        let namespace = match parts.as_slice() {
            // A namespace itself, and its subresources, are in none.
            ["namespaces", _, "status" | "finalize"] | ["namespaces"] | ["namespaces", _] => None,
            ["namespaces", namespace, ..] => Some((*namespace).to_string()),
            _ => None,
        };
        if namespace.is_some() {
            parts.drain(..2);
        }
        // Plural, name, and what comes after is a part of the object.
        (!parts.is_empty()).then(|| Self { group: group.into(), namespace, subresource: parts.len() > 2 })
    }
}

fn is_of_connection(name: &http::HeaderName) -> bool {
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER].contains(name)
        || name == "keep-alive"
}

fn refusal(code: StatusCode, reason: &str, message: &str) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
        "message": message, "code": code.as_u16(),
    });
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
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
    use super::*;

    fn run() -> Run {
        let text = str::to_string;
        let owner = Owner {
            api_version: text("example.com/v1"),
            kind: text("Cache"),
            namespace: text("shop"),
            name: text("one"),
            uid: text("u-1"),
        };
        Run { owner, chart: text("memcached") }
    }

    fn sent(method: &Method, path: &str, content: &str, body: &str) -> Result<Value, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content.parse().unwrap());
        let body = marked(method, path, &mut headers, Bytes::from(body.to_string()), &run())?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn paths_tell_where_an_object_is() {
        let target = |path| Target::of(path).map(|target| (target.group, target.namespace, target.subresource));
        let shop = || Some("shop".to_string());
        assert_eq!(target("/api/v1/namespaces/shop/services?x=y"), Some(("".into(), shop(), false)));
        assert_eq!(target("/apis/apps/v1/namespaces/shop/deployments/a/scale"), Some(("apps".into(), shop(), true)));
        assert_eq!(target("/api/v1/namespaces/shop"), Some(("".into(), None, false)));
        assert_eq!(target("/apis/rbac.authorization.k8s.io/v1/clusterroles/a").unwrap().1, None);
        for path in ["/version", "/openapi/v3", "/api", "/apis/apps/v1", "/"] {
            assert_eq!(target(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_created_gets_its_owner_and_what_is_patched_keeps_it() {
        let json = "application/json";
        let made =
            sent(&Method::POST, "/api/v1/namespaces/shop/services", json, r#"{"metadata":{"name":"a"}}"#).unwrap();
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(made["metadata"]["labels"]["helm.sdk.operatorframework.io/chart"], "memcached");
        let cluster = sent(&Method::POST, "/apis/x.io/v1/things", json, r#"{"metadata":{"name":"a"}}"#).unwrap();
        assert_eq!(cluster["metadata"]["annotations"]["operator-sdk/primary-resource"], "shop/one");
        let path = "/api/v1/namespaces/shop/services/a";
        let patched = sent(&Method::PATCH, path, "application/strategic-merge-patch+json", r#"{"a":1}"#).unwrap();
        assert_eq!(patched, json!({"a": 1}));
        let applied = sent(&Method::PATCH, path, "application/apply-patch+yaml", "metadata:\n  name: a\n").unwrap();
        assert_eq!(applied["metadata"]["ownerReferences"][0]["uid"], "u-1");
    }

    #[test]
    fn helms_own_secrets_have_an_owner_and_no_chart() {
        let body = r#"{"type":"helm.sh/release.v1","metadata":{"name":"a"}}"#;
        let made = sent(&Method::POST, "/api/v1/namespaces/shop/secrets", "application/json", body).unwrap();
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(made["metadata"]["labels"], Value::Null);
    }

    #[test]
    fn protobuf_goes_on_as_json() {
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"name": "a"}});
        let mut headers = HeaderMap::new();
        let protobuf = header::HeaderValue::from_static("application/vnd.kubernetes.protobuf");
        headers.insert(header::CONTENT_TYPE, protobuf);
        let body = Bytes::from(kubewright_apiserver::encode_protobuf(&secret).unwrap());
        let body = marked(&Method::POST, "/api/v1/namespaces/shop/secrets", &mut headers, body, &run()).unwrap();
        let object: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    }

    #[test]
    fn questions_and_parts_of_objects_are_passed_on_as_they_are() {
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let json = "application/json";
        assert_eq!(sent(&Method::POST, review, json, r#"{"spec":{}}"#).unwrap(), json!({"spec": {}}));
        let eviction = "/api/v1/namespaces/shop/pods/a/eviction";
        assert_eq!(sent(&Method::POST, eviction, json, "{}").unwrap(), json!({}));
    }

    #[test]
    fn what_can_not_be_marked_is_refused() {
        let path = "/api/v1/namespaces/shop/services";
        assert_eq!(sent(&Method::POST, path, "text/html", "x").unwrap_err().0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let protobuf = "application/vnd.kubernetes.protobuf";
        assert_eq!(sent(&Method::POST, path, protobuf, "k8s").unwrap_err().0, StatusCode::BAD_REQUEST);
        assert_eq!(sent(&Method::POST, path, "application/json", "{").unwrap_err().0, StatusCode::BAD_REQUEST);
    }
}
