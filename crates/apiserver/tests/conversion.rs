//! Custom resources whose versions a webhook converts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[path = "support/hook.rs"]
mod hook;
mod support;

use hook::Hook;
use serde_json::{Value, json};
use support::Client;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const V1: &str = "/apis/example.com/v1/namespaces/default/boxes";
const V2: &str = "/apis/example.com/v2/namespaces/default/boxes";

/// Boxes with a `size` in v1 and a `width` in v2, which is stored; v2 has a default besides.
fn definition(hook: &Hook, path: &str) -> Value {
    let schema = |spec: Value| json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}});
    let integer = json!({"type": "integer"});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boxes.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "boxes", "kind": "Box"},
            "versions": [
                {"name": "v1", "served": true, "storage": false, "schema": schema(json!({"size": integer}))},
                {"name": "v2", "served": true, "storage": true, "schema": schema(json!({
                    "width": integer, "color": {"type": "string", "default": "red"},
                }))},
            ],
            "conversion": {"strategy": "Webhook", "webhook": {
                "conversionReviewVersions": ["v1"],
                "clientConfig": {"url": format!("{}{path}", hook.url), "caBundle": hook.ca_bundle},
            }},
        },
    })
}

async fn boxes(path: &str) -> (Client, Hook) {
    let (client, hook) = (Client::start().await, Hook::start().await);
    client.post(DEFINITIONS, &definition(&hook, path)).await.expect(201);
    (client, hook)
}

fn small(name: &str) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Box", "metadata": {"name": name}, "spec": {"size": 3}})
}

#[tokio::test]
async fn each_version_shows_its_own_fields() {
    let (client, _hook) = boxes("/convert").await;
    let made = client.post(V1, &small("a")).await.expect(201);
    assert_eq!((&made["apiVersion"], &made["spec"]), (&json!("example.com/v1"), &json!({"size": 3})));
    let stored = client.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(stored["spec"], json!({"width": 3, "color": "red"}));
    assert_eq!(stored["metadata"]["uid"], made["metadata"]["uid"]);
    let patched = client.patch("merge", &format!("{V1}/a"), &json!({"spec": {"size": 4}})).await.expect(200);
    assert_eq!(patched["spec"], json!({"size": 4}));
    assert_eq!(client.get(&format!("{V2}/a")).await.expect(200)["spec"]["width"], 4);
    client.delete(&format!("{V1}/a")).await.expect(200);
    assert_eq!(client.get(&format!("{V2}/a")).await.code, 404);
}

#[tokio::test]
async fn a_list_is_converted_by_one_call_and_each_object_once() {
    let (client, hook) = boxes("/convert").await;
    for name in ["a", "b", "c"] {
        let object =
            json!({"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": name}, "spec": {"width": 1}});
        client.post(V2, &object).await.expect(201);
    }
    assert_eq!(hook.asked().len(), 0, "what is stored as it is served needs no conversion");
    let list = client.get(V1).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(list["items"][1]["spec"], json!({"size": 1}));
    let asked = hook.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1["request"]["objects"].as_array().unwrap().len(), 3);
    client.get(V1).await.expect(200);
    client.get(&format!("{V1}/b")).await.expect(200);
    assert_eq!(hook.asked().len(), 0);
}

#[tokio::test]
async fn a_watch_shows_converted_objects() {
    let (client, _hook) = boxes("/convert").await;
    client.post(V1, &small("a")).await.expect(201);
    let mut events = client.watch(&format!("{V1}?watch=true&timeoutSeconds=5")).await;
    let first = events.next().await.unwrap();
    assert_eq!((&first["type"], &first["object"]["spec"]), (&json!("ADDED"), &json!({"size": 3})));
    client.patch("merge", &format!("{V2}/a"), &json!({"spec": {"width": 7}})).await.expect(200);
    let second = events.next().await.unwrap();
    assert_eq!((&second["type"], &second["object"]["spec"]), (&json!("MODIFIED"), &json!({"size": 7})));
    client.delete(&format!("{V2}/a")).await.expect(200);
    let third = events.next().await.unwrap();
    assert_eq!((&third["type"], &third["object"]["apiVersion"]), (&json!("DELETED"), &json!("example.com/v1")));
}

#[tokio::test]
async fn fields_are_owned_across_versions() {
    let (client, _hook) = boxes("/convert").await;
    client.apply("one", &format!("{V1}/a"), &small("a")).await.expect(201);
    let other = json!({"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": "a"}, "spec": {"width": 9}});
    let (code, reason, message) = client.apply("two", &format!("{V2}/a"), &other).await.refusal();
    assert_eq!((code, reason.as_str()), (409, "Conflict"), "{message}");
    let applied = client.apply("two", &format!("{V2}/a?force=true"), &other).await.expect(200);
    assert_eq!(applied["spec"]["width"], 9);
    let managers = applied["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(managers.iter().filter(|entry| entry["fieldsV1"]["f:spec"].is_object()).count(), 1, "{managers:?}");
}

#[tokio::test]
async fn a_conversion_that_is_wrong_is_told() {
    let cases = [
        ("/convert-fails", " failed: it can't be done"),
        ("/convert-silent", " failed: response.result.status was 'Failure', not 'Success'"),
        ("/convert-fewer", " returned 0 objects, expected 1"),
        ("/convert-name", " returned invalid object: must have the same name: a != other"),
        ("/convert-uid", " returned invalid object: must have the same UID: "),
        ("/convert-kind", " returned invalid object at index 0: invalid kind (expected Box, received Other)"),
        (
            "/convert-version",
            " returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received v9)",
        ),
        ("/convert-other-uid", " failed: expected response.uid="),
        ("/broken", " failed: an error on the server (\"out of order\") has prevented the request from succeeding"),
    ];
    for (path, end) in cases {
        let (client, _hook) = boxes(path).await;
        let (code, _, message) = client.post(V1, &small("a")).await.refusal();
        let start = format!("conversion webhook for example.com/v1, Kind=Box{end}");
        assert!(code == 500 && message.starts_with(&start), "{path}: {code} {message}");
    }
}

#[tokio::test]
async fn a_conversion_changes_nothing_of_the_metadata_but_labels_and_annotations() {
    let (client, _hook) = boxes("/convert-metadata").await;
    let made = client.post(V1, &small("a")).await.expect(201);
    assert_eq!(made["metadata"]["generation"], 1);
    let (client, _hook) = boxes("/convert-labels").await;
    client.post(V1, &small("a")).await.expect(201);
    assert_eq!(client.get(&format!("{V2}/a")).await.expect(200)["metadata"]["labels"], json!({"by": "conversion"}));
}
