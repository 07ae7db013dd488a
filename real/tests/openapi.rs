//! OpenAPI of the embedded API server beside a real one: the whole document of v2, with custom resources that come, change
//! and go, as JSON and as client-go reads it; and the document of v3 about the same custom resources.
//!
//! Part of the real tier: runs under `cargo xtask real`, which sets `KUBEWRIGHT_REAL=1`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubewright_apiserver::ApiServer;
use kubewright_real::{Options, RealCluster, openapi_v2};
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// Long, as the machine may have other things to do.
const WITHIN: Duration = Duration::from_secs(300);

/// Both servers.
struct Pair {
    real: Client,
    embedded: Client,
}

impl Pair {
    /// Asks both, which have to accept it.
    async fn both(&self, method: &str, path: &str, body: &Value) {
        for client in [&self.real, &self.embedded] {
            send(client, method, path, body).await;
        }
    }

    /// The documents of v2 when both are as they should be.
    async fn documents(&self, what: &str, settled: impl Fn(&Value) -> bool) -> [Value; 2] {
        self.settled("/openapi/v2", what, settled).await
    }

    /// The answers when both are as they should be.
    async fn settled(&self, path: &str, what: &str, settled: impl Fn(&Value) -> bool) -> [Value; 2] {
        [eventually(&self.real, path, what, &settled).await, eventually(&self.embedded, path, what, &settled).await]
    }
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Value {
    let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = request.body(body).expect("the request is well-formed");
    client.request(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

async fn eventually(client: &Client, path: &str, what: &str, settled: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + WITHIN;
    loop {
        let document = send(client, "GET", path, &Value::Null).await;
        if settled(&document) {
            return document;
        }
        assert!(Instant::now() < deadline, "{path} never became so: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where two documents differ. Prose that the embedded server leaves out counts for nothing, what it says has to be the
/// same.
fn differences(real: &Value, embedded: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", Some(real), Some(embedded), &mut found);
    found
}

fn walk(at: &str, real: Option<&Value>, embedded: Option<&Value>, found: &mut Vec<String>) {
    match (real, embedded) {
        (Some(Value::Object(one)), Some(Value::Object(two))) => {
            let mut keys: Vec<&String> = one.keys().chain(two.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let prose = key == "description" && one.get(key).is_some_and(Value::is_string);
                if !prose || two.contains_key(key) {
                    walk(&format!("{at}/{key}"), one.get(key), two.get(key), found);
                }
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(two))) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                walk(&format!("{at}/{index}"), Some(one), Some(two), found);
            }
        }
        _ if real == embedded => {}
        _ => {
            let side = |value: Option<&Value>| value.map_or("(absent)".to_owned(), Value::to_string);
            found.push(format!("{at}\n    real     {}\n    embedded {}", side(real), side(embedded)));
        }
    }
}

fn assert_equal(what: &str, [real, embedded]: &[Value; 2]) {
    let found = differences(real, embedded);
    let shown = found.iter().take(30).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{what}: {} differences\n{shown}", found.len());
}

/// A schema with everything that v2 has no words for.
fn schema() -> Value {
    let text = json!({"type": "string"});
    let preserving = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let embedded = json!({"type": "object", "x-kubernetes-embedded-resource": true, "required": ["spec"],
        "properties": {"spec": preserving}});
    let spec = json!({
        "type": "object", "description": "what is wanted", "title": "Spec",
        "externalDocs": {"url": "https://example.com", "description": "more"}, "example": {"name": "x"},
        "required": ["name", "gone", "port"],
        "oneOf": [{"required": ["a"]}, {"not": {"required": ["b"]}}],
        "allOf": [{"properties": {"name": {"maxLength": 7}}}],
        "x-kubernetes-validations": [{"rule": "self.name != 'x'", "message": "not x", "fieldPath": ".name"}],
        "properties": {
            "name": {"type": "string", "default": "d", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 9},
            "gone": {"type": "object", "nullable": true, "properties": {"a": text}},
            "goneList": {"type": "array", "nullable": true, "items": text},
            "port": {"x-kubernetes-int-or-string": true},
            "percent": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                "pattern": "^[0-9]+%?$"},
            "either": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                "allOf": [{"anyOf": [{"minimum": 1}, {"maxLength": 3}]}]},
            "both": {"x-kubernetes-int-or-string": true,
                "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"minimum": 1}, {"maxLength": 3}]}]},
            "color": {"type": "string", "enum": ["red", "green"]},
            "share": {"type": "number", "minimum": 0.5, "exclusiveMinimum": true, "maximum": 10, "multipleOf": 0.5},
            "count": {"type": "integer", "format": "int64", "default": 3},
            "when": {"type": "string", "format": "date-time"},
            "any": preserving,
            "anything": {"x-kubernetes-preserve-unknown-fields": true},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": text},
                "additionalProperties": true},
            "list": {"type": "array", "items": preserving, "minItems": 1, "maxItems": 5},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
            "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port"], "items": {
                "type": "object", "required": ["port"],
                "properties": {"port": {"type": "integer"}, "note": {"type": "string", "nullable": true}}}},
            "labels": {"type": "object", "additionalProperties": text, "maxProperties": 3},
            "nulls": {"type": "object", "additionalProperties": {"type": "string", "nullable": true}},
            "free": {"type": "object", "additionalProperties": true},
            "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": text}},
            "template": embedded,
            "anyTemplate": {"type": "object", "x-kubernetes-embedded-resource": true,
                "x-kubernetes-preserve-unknown-fields": true},
            "templates": {"type": "array", "items": embedded},
            "description": text,
            "default": text,
        },
    });
    let status = json!({"type": "object", "properties": {"replicas": {"type": "integer"}}});
    json!({"type": "object", "description": "A widget.", "required": ["spec"],
        "properties": {"spec": spec, "status": status, "metadata": {"type": "object", "properties": {
            "name": {"type": "string", "maxLength": 10}}}}})
}

fn definition(plural: &str, kind: &str, scope: &str, versions: Value) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.openapi-two.example.com")},
        "spec": {"group": "openapi-two.example.com", "scope": scope, "versions": versions,
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")}}})
}

fn name(version: &str, kind: &str) -> String {
    format!("com.example.openapi-two.{version}.{kind}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openapi_v2_equals_the_real_servers() {
    if !support::enabled("openapi_v2_equals_the_real_servers") {
        return;
    }
    let real = RealCluster::start(Options::default()).await.expect("a real server starts");
    let listen = Some(([127, 0, 0, 1], 0).into());
    let options = kubewright_apiserver::Options { listen, ..Default::default() };
    let embedded = ApiServer::start(options).await.expect("the embedded server starts");
    let kubeconfig = Kubeconfig::from_yaml(&embedded.kubeconfig()).expect("its kubeconfig is well-formed");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let client = Client::try_from(config.expect("its kubeconfig is usable")).expect("a client can be made");
    let pair = Pair { real: real.client().expect("its kubeconfig is usable"), embedded: client };

    let builtin = pair.documents("built-in kinds", |_| true).await;
    assert!(builtin[0]["definitions"].as_object().is_some_and(|definitions| definitions.len() > 500));
    assert_equal("built-in kinds", &builtin);

    let subresources = json!({"status": {}, "scale": {"specReplicasPath": ".spec.count",
        "statusReplicasPath": ".status.replicas"}});
    let versions = json!([
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema()},
            "subresources": subresources, "selectableFields": [{"jsonPath": ".spec.color"}]},
        {"name": "v1beta1", "served": true, "storage": false, "deprecated": true,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "description": "An old widget.", "properties": {"spec": {"type": "object"}}}}},
        {"name": "v1alpha1", "served": false, "storage": false, "schema": {"openAPIV3Schema": {"type": "object"}}}]);
    pair.both("POST", DEFINITIONS, &definition("widgets", "Widget", "Namespaced", versions)).await;
    let versions = json!([{"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}}]);
    pair.both("POST", DEFINITIONS, &definition("racks", "Rack", "Cluster", versions)).await;
    let has = |document: &Value, version: &str, kind: &str| document["definitions"].get(name(version, kind)).is_some();
    let all = |document: &Value| has(document, "v1", "Rack") && has(document, "v1", "Widget");
    assert_equal("custom resources", &pair.documents("both definitions are there", all).await);

    let key = "apis/openapi-two.example.com/v1";
    let listed = |index: &Value| index["paths"].get(key).is_some();
    pair.settled("/openapi/v3", "the version is listed", listed).await;
    let settled = |document: &Value| {
        let schemas = &document["components"]["schemas"];
        schemas.get(name("v1", "Rack")).is_some() && schemas.get(name("v1", "Widget")).is_some()
    };
    let documents = pair.settled(&format!("/openapi/v3/{key}"), "both definitions are there", settled).await;
    assert_equal("custom resources in v3", &documents);

    // As client-go reads it.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("openapi-{}.kubeconfig", std::process::id()));
    fs::write(&file, embedded.kubeconfig()).expect("its kubeconfig can be written");
    let read = |kubeconfig: &Path| -> Value {
        let text = openapi_v2(kubeconfig).unwrap_or_else(|error| panic!("client-go reads the document: {error}"));
        serde_json::from_str(&text).expect("it is JSON")
    };
    let by_client_go = [read(real.kubeconfig()), read(&file)];
    // What stays in the target directory does no harm.
    let _ = fs::remove_file(file);
    assert!(all(&by_client_go[0]), "client-go has read all of it");
    assert_equal("custom resources in protobuf", &by_client_go);

    let rack = format!("{DEFINITIONS}/racks.openapi-two.example.com");
    let changed = json!({"spec": {"versions": [{"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"width": {"type": "integer"}}}}}]}});
    pair.both("PATCH", &rack, &changed).await;
    let settled = |document: &Value| document["definitions"][name("v1", "Rack")]["properties"].get("width").is_some();
    assert_equal("a changed definition", &pair.documents("the change is there", settled).await);

    pair.both("DELETE", &rack, &Value::Null).await;
    let settled = |document: &Value| !has(document, "v1", "Rack") && has(document, "v1", "Widget");
    assert_equal("a definition that is gone", &pair.documents("it is gone", settled).await);
    embedded.shutdown().await;
}

#[test]
fn prose_that_is_left_out_is_no_difference() {
    let real =
        json!({"a": {"description": "long", "type": "string"}, "properties": {"description": {"type": "string"}}});
    let same = json!({"a": {"type": "string"}, "properties": {"description": {"type": "string"}}});
    assert!(differences(&real, &same).is_empty());
    let other = json!({"a": {"description": "short", "type": "string"}, "properties": {}});
    assert_eq!(differences(&real, &other).len(), 2);
}
