//! A webhook for tests: an HTTPS server whose answer depends on the path, and which keeps what it was asked.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;

/// A running webhook. It ends with the test.
pub(crate) struct Hook {
    /// `https://127.0.0.1:PORT`
    pub(crate) url: String,
    /// Its port.
    pub(crate) port: u16,
    /// What vouches for its certificate, as `caBundle` wants it.
    pub(crate) ca_bundle: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    connections: Arc<AtomicUsize>,
}

impl Hook {
    /// Starts one. Its certificate is for 127.0.0.1, localhost and `hook.default.svc`.
    pub(crate) async fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["127.0.0.1", "localhost", "hook.default.svc"].map(String::from).to_vec();
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &Issuer::from_params(&params, &ca_key)).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, counted) = (asked.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, kept, counted) = (tls.clone(), kept.clone(), counted.clone());
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    counted.fetch_add(1, Ordering::Relaxed);
                    let service = service_fn(move |request| answer(kept.clone(), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        let ca_bundle = BASE64_STANDARD.encode(ca.pem());
        Self { url: format!("https://127.0.0.1:{port}"), port, ca_bundle, asked, connections }
    }

    /// What it was asked since the last call, with the path.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// A configuration with one webhook that calls `path`; `more` are further fields of the webhook.
    pub(crate) fn configuration(&self, kind: &str, name: &str, path: &str, resource: &str, more: &Value) -> Value {
        let mut hook = json!({
            "name": format!("{name}.example.com"),
            "clientConfig": {"url": format!("{}{path}", self.url), "caBundle": self.ca_bundle},
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": [resource]}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        });
        for (key, value) in more.as_object().unwrap() {
            hook[key] = value.clone();
        }
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name},
            "webhooks": [hook],
        })
    }
}

async fn answer(
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path_and_query().unwrap().to_string();
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&body).unwrap();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut seen = review.clone();
    seen["headers"] =
        json!({"accept": header("accept"), "content-type": header("content-type"), "user-agent": header("user-agent")});
    asked.lock().unwrap().push((path.clone(), seen));
    let name = path.split('?').next().unwrap_or_default().trim_start_matches('/');
    if name == "slow" {
        std::future::pending::<()>().await;
    }
    let (code, kind, text) = match name {
        "broken" => (500, "text/plain", "out of order\n".to_owned()),
        "missing" => (404, "text/plain", "404 page not found\n".to_owned()),
        "unavailable" => (503, "application/json", "{}".to_owned()),
        "empty" => (200, "application/json", String::new()),
        "garbage" => (200, "application/json", "{nonsense".to_owned()),
        "untyped" => (200, "application/json", "{}".to_owned()),
        _ if review["kind"] == "ConversionReview" => (200, "application/json", convert(name, &review).to_string()),
        _ => (200, "application/json", admit(name, &review).to_string()),
    };
    Ok(Response::builder().status(code).header("content-type", kind).body(Full::new(text.into())).unwrap())
}

fn patch(operations: &Value) -> Value {
    json!({"allowed": true, "patchType": "JSONPatch", "patch": BASE64_STANDARD.encode(operations.to_string())})
}

fn admit(name: &str, review: &Value) -> Value {
    let object = &review["request"]["object"];
    let label = |key: &str, value: Value| {
        if object["metadata"]["labels"].is_object() {
            patch(&json!([{"op": "add", "path": format!("/metadata/labels/{key}"), "value": value}]))
        } else {
            let mut labels = json!({});
            labels[key] = value;
            patch(&json!([{"op": "add", "path": "/metadata/labels", "value": labels}]))
        }
    };
    let mut response = match name {
        "deny" => json!({"allowed": false, "status": {"code": 403, "reason": "Forbidden", "message": "not today"}}),
        "deny-bare" => json!({"allowed": false}),
        "deny-reason" => json!({"allowed": false, "status": {"reason": "Weather"}}),
        "deny-details" => json!({"allowed": false, "status": {
            "code": 422, "reason": "Invalid", "message": "wrong",
            "details": {"name": "n", "kind": "k", "causes": [{"reason": "r", "message": "m", "field": "spec.f"}]},
        }}),
        "warn" => {
            json!({"allowed": true, "warnings": ["mind the gap", "and the step"], "auditAnnotations": {"a": "b"}})
        }
        "label-one" => label("one", "1".into()),
        "label-two" => label("two", "2".into()),
        // Says how often it was asked.
        "count" => {
            let before = object["metadata"]["labels"]["count"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0);
            label("count", (before + 1).to_string().into())
        }
        "break-managed" => {
            patch(&json!([{"op": "add", "path": "/metadata/managedFields", "value": [{"manager": "x"}]}]))
        }
        "bad-type" => patch(&json!([{"op": "add", "path": "/metadata/labels", "value": 5}])),
        "bad-path" => patch(&json!([{"op": "remove", "path": "/spec/not/there"}])),
        "unknown-field" => patch(&json!([{"op": "add", "path": "/unknown", "value": 5}])),
        "no-patch" => patch(&json!([])),
        "patch-no-type" => json!({"allowed": true, "patch": BASE64_STANDARD.encode("[]")}),
        "type-no-patch" => json!({"allowed": true, "patchType": "JSONPatch"}),
        "patch-garbage" => {
            json!({"allowed": true, "patchType": "JSONPatch", "patch": BASE64_STANDARD.encode("x")})
        }
        _ => json!({"allowed": true}),
    };
    response["uid"] = match name {
        "uid" => "another".into(),
        _ => review["request"]["uid"].clone(),
    };
    let mut out = json!({"kind": review["kind"], "apiVersion": review["apiVersion"], "response": response});
    match name {
        "no-response" => out["response"] = Value::Null,
        "wrong-version" => out["apiVersion"] = "admission.k8s.io/v1beta1".into(),
        "wrong-kind" => out["kind"] = "Pod".into(),
        _ => {}
    }
    out
}

/// Moves `spec.size` (v1) to `spec.width` and back (v2).
fn convert(name: &str, review: &Value) -> Value {
    let request = &review["request"];
    let wanted = &request["desiredAPIVersion"];
    let objects = request["objects"].as_array().unwrap().iter().map(|object| {
        let mut object = object.clone();
        object["apiVersion"] = wanted.clone();
        let (from, to) = if wanted.as_str().unwrap().ends_with("/v2") { ("size", "width") } else { ("width", "size") };
        if let Some(spec) = object["spec"].as_object_mut()
            && let Some(value) = spec.remove(from)
        {
            spec.insert(to.into(), value);
        }
        match name {
            "convert-name" => object["metadata"]["name"] = "other".into(),
            "convert-uid" => object["metadata"]["uid"] = "other".into(),
            "convert-kind" => object["kind"] = "Other".into(),
            "convert-version" => object["apiVersion"] = "v9".into(),
            "convert-labels" => object["metadata"]["labels"] = json!({"by": "conversion"}),
            "convert-metadata" => object["metadata"]["generation"] = 77.into(),
            _ => {}
        }
        object
    });
    let mut objects: Vec<Value> = objects.collect();
    if name == "convert-fewer" {
        objects.pop();
    }
    let mut response = json!({"uid": request["uid"], "convertedObjects": objects, "result": {"status": "Success"}});
    match name {
        "convert-fails" => response["result"] = json!({"status": "Failure", "message": "it can't be done"}),
        "convert-silent" => response["result"] = json!({"status": "Failure"}),
        "convert-other-uid" => response["uid"] = "another".into(),
        _ => {}
    }
    json!({"kind": review["kind"], "apiVersion": review["apiVersion"], "response": response})
}
