//! Custom resources, over the service in process.

mod support;

use serde_json::{Value, json};
use support::Client;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn version(name: &str, storage: bool) -> Value {
    json!({
        "name": name, "served": true, "storage": storage,
        "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
        "selectableFields": [{"jsonPath": ".spec.color"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1},
                "color": {"type": "string", "default": "red"},
                "replicas": {"type": "integer"}}},
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}}}}}},
    })
}

fn definition() -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["w"]},
            "versions": [version("v1", true), version("v1beta1", false)],
        },
    })
}

fn widget(name: &str) -> Value {
    json!({"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": name}, "spec": {"size": 2}})
}

async fn with_widgets() -> Client {
    let client = Client::start().await;
    client.post(DEFINITIONS, &definition()).await.expect(201);
    client
}

#[tokio::test]
async fn a_definition_is_served_at_once() {
    let client = with_widgets().await;
    let stored = client.get(&format!("{DEFINITIONS}/widgets.example.com")).await.expect(200);
    let conditions = stored["status"]["conditions"].as_array().unwrap();
    for condition in ["NamesAccepted", "Established"] {
        assert!(conditions.iter().any(|c| c["type"] == condition && c["status"] == "True"), "{stored}");
    }
    let made = client.post(WIDGETS, &widget("a")).await.expect(201);
    assert_eq!(made["spec"], json!({"size": 2, "color": "red"}), "defaults are filled in");
    assert_eq!(made["metadata"]["generation"], 1);
    let list = client.get(WIDGETS).await.expect(200);
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("WidgetList"), &json!("Widget")));
    let resources = client.get("/apis/example.com/v1").await.expect(200);
    assert!(resources["resources"].as_array().unwrap().iter().any(|r| r["name"] == "widgets/scale"));
}

#[tokio::test]
async fn objects_are_checked_against_their_schema() {
    let client = with_widgets().await;
    let mut object = widget("a");
    object["spec"] = json!({"size": 0});
    let answer = client.post(WIDGETS, &object).await;
    assert_eq!(
        answer.refusal(),
        (422, "Invalid".into(), "Widget.example.com \"a\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1".into())
    );
    object["spec"] = json!({"size": 1, "shape": "round"});
    let strict = client.post(&format!("{WIDGETS}?fieldValidation=Strict"), &object).await;
    assert_eq!(
        strict.refusal().2,
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.shape\""
    );
    let pruned = client.post(WIDGETS, &object).await;
    assert_eq!(pruned.warnings(), ["299 - \"unknown field \\\"spec.shape\\\"\""]);
    assert!(pruned.expect(201)["spec"].get("shape").is_none());
}

#[tokio::test]
async fn versions_differ_in_nothing_but_their_name() {
    let client = with_widgets().await;
    client.post(WIDGETS, &widget("a")).await.expect(201);
    let beta = "/apis/example.com/v1beta1/namespaces/default/widgets";
    let object = client.get(&format!("{beta}/a")).await.expect(200);
    assert_eq!((&object["apiVersion"], &object["spec"]["size"]), (&json!("example.com/v1beta1"), &json!(2)));
    let list = client.get(beta).await.expect(200);
    assert_eq!(list["items"][0]["apiVersion"], "example.com/v1beta1");
    client.patch("merge", &format!("{beta}/a"), &json!({"spec": {"size": 3}})).await.expect(200);
    assert_eq!(client.get(&format!("{WIDGETS}/a")).await.expect(200)["apiVersion"], "example.com/v1");
    let mut events = client.watch(&format!("{beta}?watch=1")).await;
    assert_eq!(events.next().await.unwrap()["object"]["apiVersion"], "example.com/v1beta1");
}

#[tokio::test]
async fn status_and_scale_have_their_own_paths() {
    let client = with_widgets().await;
    let mut object = widget("a");
    object["status"] = json!({"phase": "Wrong"});
    let made = client.post(WIDGETS, &object).await.expect(201);
    assert!(made.get("status").is_none());
    let path = format!("{WIDGETS}/a");
    let status = json!({"status": {"phase": "Right", "replicas": 3}, "spec": {"size": 9}});
    let patched = client.patch("merge", &format!("{path}/status"), &status).await.expect(200);
    assert_eq!((&patched["status"]["phase"], &patched["spec"]["size"]), (&json!("Right"), &json!(2)));
    client.patch("merge", &format!("{path}/scale"), &json!({"spec": {"replicas": 5}})).await.expect(200);
    let scale = client.get(&format!("{path}/scale")).await.expect(200);
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(5), &json!(3)));
    assert_eq!(client.get(&path).await.tree()["metadata"]["generation"], 2);
}

#[tokio::test]
async fn declared_fields_can_be_selected() {
    let client = with_widgets().await;
    client.post(WIDGETS, &widget("a")).await.expect(201);
    let mut blue = widget("b");
    blue["spec"]["color"] = "blue".into();
    client.post(WIDGETS, &blue).await.expect(201);
    let list = client.get(&format!("{WIDGETS}?fieldSelector=spec.color%3Dblue")).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.get(&format!("{WIDGETS}?fieldSelector=spec.size%3D2")).await.code, 400);
}

#[tokio::test]
async fn an_update_must_say_what_it_is_based_on() {
    let client = with_widgets().await;
    client.post(WIDGETS, &widget("a")).await.expect(201);
    let answer = client.put(&format!("{WIDGETS}/a"), &widget("a")).await;
    assert_eq!(answer.refusal().0, 422);
    assert!(answer.refusal().2.ends_with("must be specified for an update"), "{}", answer.refusal().2);
}

#[tokio::test]
async fn lists_are_merged_by_their_keys_on_apply() {
    let client = with_widgets().await;
    let config = |size: u32| json!({"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": "a"}, "spec": {"size": size}});
    client.apply("one", &format!("{WIDGETS}/a"), &config(1)).await.expect(201);
    let conflict = client.apply("two", &format!("{WIDGETS}/a"), &config(2)).await;
    assert_eq!(conflict.refusal().0, 409);
    let forced = client.apply("two", &format!("{WIDGETS}/a?force=true"), &config(2)).await.expect(200);
    assert_eq!(forced["spec"]["size"], 2);
}

#[tokio::test]
async fn a_deleted_definition_takes_its_objects_along() {
    let client = with_widgets().await;
    client.post(WIDGETS, &widget("a")).await.expect(201);
    let mut held = widget("b");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    client.post(WIDGETS, &held).await.expect(201);
    let mut events = client.watch(&format!("{WIDGETS}?watch=1&resourceVersion={}", client.server.revision())).await;
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let mut gone = client.watch(&format!("{DEFINITIONS}?watch=1&resourceVersion={}", client.server.revision())).await;
    client.delete(&path).await.expect(200);
    assert_eq!(events.brief().await, ("DELETED".into(), "a".into()));
    assert_eq!(events.brief().await, ("MODIFIED".into(), "b".into()), "its own finalizer holds it");
    client.patch("merge", &format!("{WIDGETS}/b"), &json!({"metadata": {"finalizers": null}})).await.expect(200);
    while gone.next().await.unwrap()["type"] != "DELETED" {}
    client.server.shutdown().await;
    assert_eq!(client.get(WIDGETS).await.code, 404);
}

#[tokio::test]
async fn rules_hold_for_objects_and_must_make_sense() {
    let client = Client::start().await;
    let with_rule = |rule: &str| {
        let mut object = definition();
        object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] =
            json!([{"rule": rule}]);
        object
    };
    let (code, _, message) = client.post(DEFINITIONS, &with_rule("self.nothing > 1")).await.refusal();
    assert_eq!(code, 422);
    assert!(message.contains("undefined field 'nothing'"), "{message}");
    client.post(DEFINITIONS, &with_rule("self.metadata.name != 'b'")).await.expect(201);
    client.post(WIDGETS, &widget("a")).await.expect(201);
    let (code, _, message) = client.post(WIDGETS, &widget("b")).await.refusal();
    assert_eq!(code, 422);
    assert!(message.ends_with("<nil>: Invalid value: failed rule: self.metadata.name != 'b'"), "{message}");
}
