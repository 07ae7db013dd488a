//! Broken input: bytes that were good once, changed at random, wherever a client can send some. No answer may be a crash, or
//! blame the server for what the client has sent; afterwards others are served as before.
//!
//! `PROPTEST_CASES` makes it look longer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{CONFIG_MAPS, Client};

const PODS: &str = "/api/v1/namespaces/default/pods";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// What surely never takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Cut(usize, usize),
    Repeat(usize, usize, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // What parsers care for, and anything else.
    let special = prop::sample::select(b"{}[]\",:\\/-+.0123456789eEnft&*!|>%#'\n\t\0\xff\x80~$".to_vec());
    let byte = prop_oneof![3 => special, 1 => any::<u8>()];
    let at = 0..4_000_usize;
    let change = prop_oneof![
        (at.clone(), byte.clone()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at.clone(), prop::collection::vec(byte, 1..6)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at.clone(), 1..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (at, 1..12_usize, 2..400_usize).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
    ];
    prop::collection::vec(change, 1..5)
}

fn changed(good: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match change {
            Change::Set(at, byte) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place = *byte;
                }
            }
            Change::Insert(at, more) => {
                let at = at % length;
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), more.iter().copied());
            }
            Change::Cut(at, count) => {
                let at = at % length;
                bytes.drain(at.min(bytes.len())..(at + count).min(bytes.len()));
            }
            Change::Repeat(at, count, times) => {
                let at = at % length;
                let part = bytes[at.min(bytes.len())..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), part.repeat(*times));
            }
        }
    }
    bytes
}

/// Sends every one of the inputs, and then something good.
fn survives(requests: Vec<(&'static str, String, &'static str, Vec<u8>)>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::start().await;
        client.config_map("good", json!({})).await;
        for (method, path, media_type, body) in requests {
            let Ok(request) = Request::builder()
                .method(method)
                .uri(&path)
                .header("content-type", media_type)
                .body(Full::new(Bytes::from(body)))
            else {
                continue;
            };
            let answer = tokio::time::timeout(PATIENCE, client.send(request)).await;
            let code = answer.map_err(|_| TestCaseError::fail(format!("{method} {path} hangs")))?.status().as_u16();
            // As by the real server: 500 for some mistakes of patches and apply, 504 for versions of the future.
            let blamed = code >= 500 && (code, method) != (500, "PATCH") && (code, method) != (504, "GET");
            prop_assert!(!blamed, "{method} {path}: {code}");
        }
        prop_assert_eq!(client.get(&format!("{CONFIG_MAPS}/good")).await.code, 200);
        Ok(())
    })
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y"}, "annotations": {"n": "1"}},
        "spec": {"terminationGracePeriodSeconds": 30, "containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "b"}],
            "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}]}})
}

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object",
                "properties": {"spec": {"type": "object", "x-kubernetes-validations": [{"rule": "self.size > 1"}],
                    "properties": {"size": {"type": "integer", "minimum": 1, "default": 3},
                        "names": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"},
                            "x-kubernetes-list-type": "set"}}}}}}}]}})
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").map_or(24, |cases| cases.parse().expect("PROPTEST_CASES is a number"));
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bodies(all in prop::collection::vec(changes(), 8)) {
        let json = pod().to_string().into_bytes();
        let yaml = serde_saphyr::to_string(&pod()).unwrap().into_bytes();
        let protobuf = kubewright_apiserver::encode_protobuf(&pod()).unwrap();
        let schema = definition().to_string().into_bytes();
        let mut requests = Vec::new();
        for changes in &all {
            let path = || PODS.to_owned();
            requests.push(("POST", path(), "application/json", changed(&json, changes)));
            requests.push(("POST", path(), "application/yaml", changed(&yaml, changes)));
            requests.push(("POST", path(), "application/vnd.kubernetes.protobuf", changed(&protobuf, changes)));
            requests.push(("POST", DEFINITIONS.to_owned(), "application/json", changed(&schema, changes)));
        }
        survives(requests)?;
    }

    #[test]
    fn patches(all in prop::collection::vec(changes(), 8)) {
        let json = br#"[{"op":"test","path":"/metadata/name","value":"good"},{"op":"move","from":"/data/a","path":"/data/b~1c"}]"#;
        let merge = br#"{"metadata":{"labels":{"a":"b"},"finalizers":["example.com/f"]},"data":{"a":null,"b":"c"}}"#;
        let strategic = br#"{"metadata":{"$retainKeys":["name"],"ownerReferences":[{"uid":"u","$patch":"delete"}],
            "$setElementOrder/finalizers":["a"],"$deleteFromPrimitiveList/finalizers":["b"]},"data":{"$patch":"replace","a":"b"}}"#;
        let apply = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"good","managedFields":null},"data":{"a":"b"}}"#;
        let mut requests = Vec::new();
        for changes in &all {
            let path = |query: &str| format!("{CONFIG_MAPS}/good{query}");
            requests.push(("PATCH", path(""), "application/json-patch+json", changed(json, changes)));
            requests.push(("PATCH", path(""), "application/merge-patch+json", changed(merge, changes)));
            requests.push(("PATCH", path(""), "application/strategic-merge-patch+json", changed(strategic, changes)));
            let applied = path("?fieldManager=m&force=true");
            requests.push(("PATCH", applied, "application/apply-patch+yaml", changed(apply, changes)));
        }
        survives(requests)?;
    }

    #[test]
    fn queries(all in prop::collection::vec(changes(), 16)) {
        let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiJkZWZhdWx0L2FcdTAwMDAifQ";
        let mut requests = Vec::new();
        for changes in &all {
            for (name, good) in [
                ("labelSelector", "a in (b, c),!d,e=f,g notin (h)"),
                ("fieldSelector", "metadata.name=a,metadata.namespace!=b"),
                ("limit=2&continue", token),
                ("resourceVersionMatch=Exact&resourceVersion", "12"),
                ("timeoutSeconds", "1"),
            ] {
                let value = escaped(&changed(good.as_bytes(), changes));
                requests.push(("GET", format!("{CONFIG_MAPS}?{name}={value}"), "", Vec::new()));
            }
        }
        survives(requests)?;
    }
}

#[tokio::test]
async fn what_nests_too_deep_to_be_read_again_is_not_stored() {
    let client = Client::start().await;
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "metadata": {"name": "trees.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "trees", "kind": "Tree"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    client.post(DEFINITIONS, &definition).await.expect(201);
    let path = "/apis/example.com/v1/namespaces/default/trees";
    let mut refused = 0;
    for levels in 60..=124 {
        let nested = (0..levels).fold(json!("x"), |inner, _| json!({"a": inner}));
        let name = format!("tree-{levels}");
        let tree =
            json!({"apiVersion": "example.com/v1", "kind": "Tree", "metadata": {"name": name}, "nested": nested});
        let answer = client.post(path, &tree).await;
        refused += usize::from(answer.code == 400);
        // The owners of its fields are nested deeper than the object.
        assert!(matches!(answer.code, 201 | 400), "{levels} levels: {}", answer.code);
        assert_eq!(client.get(&format!("{path}/{name}")).await.code, if answer.code == 201 { 200 } else { 404 });
        let label =
            client.patch("merge", &format!("{path}/{name}"), &json!({"metadata": {"labels": {"a": "b"}}})).await;
        assert_eq!(label.code, if answer.code == 201 { 200 } else { 404 });
    }
    assert!((1..10).contains(&refused), "{refused} are too deep");
    // A patch can go deeper than a body.
    client
        .post(path, &json!({"apiVersion": "example.com/v1", "kind": "Tree", "metadata": {"name": "patched"}, "a": {}}))
        .await
        .expect(201);
    let deeper = [
        json!({"op": "add", "path": "/b", "value": {}}),
        json!({"op": "move", "from": "/a", "path": "/b/a"}),
        json!({"op": "move", "from": "/b", "path": "/a"}),
    ];
    let patch: Vec<Value> = deeper.iter().cycle().take(9_999).cloned().collect();
    let answer = client.patch("json", &format!("{path}/patched"), &patch.into()).await;
    assert_eq!(answer.code, 422);
    assert_eq!(client.get(&format!("{path}/patched")).await.expect(200)["a"], json!({}));
}
