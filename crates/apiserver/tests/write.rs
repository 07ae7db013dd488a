//! Create, update, patch and delete, over the service in process.

mod support;

use serde_json::{Value, json};
use support::{CONFIG_MAPS, Client};

fn map(name: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"a": "b"}})
}

#[tokio::test]
async fn a_new_object_gets_what_only_the_server_sets() {
    let client = Client::start().await;
    let made = client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    let metadata = &made["metadata"];
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert!(metadata["creationTimestamp"].is_string());
    assert_eq!(metadata["resourceVersion"], client.server.revision().to_string());
    assert_eq!(metadata["managedFields"][0]["manager"], "test");
    assert_eq!(metadata["managedFields"][0]["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}}}));
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.expect(200), made);
}

#[tokio::test]
async fn names_are_generated() {
    let client = Client::start().await;
    let object = json!({"metadata": {"generateName": "x-"}});
    let first = client.post(CONFIG_MAPS, &object).await.expect(201);
    let second = client.post(CONFIG_MAPS, &object).await.expect(201);
    let name = first["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("x-") && name.len() == 7, "{name}");
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_real_messages() {
    let client = Client::start().await;
    for (body, message) in [
        (
            "",
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        (
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"#,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({\"kind\":\"ConfigMap\",\"apiVersio ...)",
        ),
        (
            r#"{"metadata":{"name":"a"},"data":{"x":1}}"#,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            r#"{"kind":"Secret","apiVersion":"v1"}"#,
            "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
        (
            r#"{"metadata":{"name":"a","namespace":"other"}}"#,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ] {
        let answer = client.request("POST", CONFIG_MAPS, &[], body).await;
        assert_eq!(answer.refusal(), (400, "BadRequest".into(), message.into()), "{body}");
    }
}

#[tokio::test]
async fn unknown_and_duplicate_fields_are_refused_told_or_ignored() {
    let client = Client::start().await;
    let body = r#"{"metadata":{"name":"a"},"foo":1,"data":{"a":"b","a":"c"}}"#;
    let strict = client.request("POST", &format!("{CONFIG_MAPS}?fieldValidation=Strict"), &[], body).await;
    assert_eq!(
        strict.refusal().2,
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\", \
         unknown field \"foo\""
    );
    let warn = client.request("POST", &format!("{CONFIG_MAPS}?dryRun=All"), &[], body).await;
    assert_eq!(warn.expect(201)["data"]["a"], "c");
    assert_eq!(warn.warnings(), ["299 - \"duplicate field \\\"data.a\\\"\"", "299 - \"unknown field \\\"foo\\\"\""]);
    let ignore = client.request("POST", &format!("{CONFIG_MAPS}?fieldValidation=Ignore"), &[], body).await;
    ignore.expect(201);
    assert!(ignore.warnings().is_empty());
}

#[tokio::test]
async fn a_dry_run_answers_as_if_and_stores_nothing() {
    let client = Client::start().await;
    let before = client.server.revision();
    let made = client.post(&format!("{CONFIG_MAPS}?dryRun=All"), &map("a")).await.expect(201);
    assert!(made["metadata"]["uid"].is_string());
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.code, 404);
    assert_eq!(client.server.revision(), before);
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let client = Client::start().await;
    let object = json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat(3 << 20)}});
    let answer = client.post(CONFIG_MAPS, &object).await;
    assert_eq!(answer.refusal().0, 413);
}

#[tokio::test]
async fn objects_are_made_in_living_namespaces_only() {
    let client = Client::start().await;
    let answer = client.post("/api/v1/namespaces/nope/configmaps", &map("a")).await;
    assert_eq!(answer.refusal(), (404, "NotFound".into(), "namespaces \"nope\" not found".into()));

    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "n"}})).await.expect(201);
    client.post("/api/v1/namespaces/n/configmaps", &map("a")).await.expect(201);
    let ended = client.delete("/api/v1/namespaces/n").await.expect(200);
    assert_eq!(ended["status"]["phase"], "Terminating");
    let answer = client.post("/api/v1/namespaces/n/configmaps", &map("b")).await;
    assert_eq!(
        answer.refusal().2,
        "configmaps \"b\" is forbidden: unable to create new content in namespace n because it is being terminated"
    );
    assert_eq!(answer.tree()["details"]["causes"][0]["reason"], "NamespaceTerminating");

    let mut object = client.get("/api/v1/namespaces/n").await.expect(200);
    object["spec"] = json!({});
    client.put("/api/v1/namespaces/n/finalize", &object).await.expect(200);
    assert_eq!(client.get("/api/v1/namespaces/n").await.code, 404, "the last finalizer lets it go");
    let answer = client.delete("/api/v1/namespaces/default").await;
    assert_eq!(answer.refusal().2, "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

#[tokio::test]
async fn the_first_of_two_writers_with_one_version_wins() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    let mut first = made.clone();
    first["data"]["a"] = "first".into();
    client.put(&path, &first).await.expect(200);
    let mut second = made;
    second["data"]["a"] = "second".into();
    let answer = client.put(&path, &second).await;
    assert_eq!(
        answer.refusal(),
        (409, "Conflict".into(), "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again".into())
    );
    second["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    client.put(&path, &second).await.expect(200);
    assert_eq!(client.get(&path).await.tree()["data"]["a"], "second");
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    let before = client.server.revision();
    assert_eq!(client.put(&path, &made).await.expect(200), made);
    assert_eq!(client.patch("merge", &path, &json!({"data": {"a": "b"}})).await.expect(200), made);
    assert_eq!(client.server.revision(), before);
}

#[tokio::test]
async fn patches_of_all_kinds_change_what_they_name() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    client.patch("merge", &path, &json!({"data": {"m": "1"}})).await.expect(200);
    client.patch("json", &path, &json!([{"op": "add", "path": "/data/j", "value": "2"}])).await.expect(200);
    client.patch("strategic", &path, &json!({"metadata": {"labels": {"s": "3"}}})).await.expect(200);
    let object = client.apply("me", &path, &json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"p": "4"}})).await;
    let object = object.expect(200);
    assert_eq!(object["data"], json!({"a": "b", "m": "1", "j": "2", "p": "4"}));
    assert_eq!(object["metadata"]["labels"], json!({"s": "3"}));
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|entry| entry["manager"] == "me" && entry["operation"] == "Apply"));
    let conflict =
        client.apply("you", &path, &json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"p": "5"}})).await;
    assert_eq!(conflict.refusal().0, 409);
}

#[tokio::test]
async fn apply_makes_what_is_not_there() {
    let client = Client::start().await;
    let config = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "new"}, "data": {"a": "b"}});
    let made = client.apply("me", &format!("{CONFIG_MAPS}/new"), &config).await.expect(201);
    assert_eq!(made["metadata"]["managedFields"][0]["operation"], "Apply");
    client.apply("me", &format!("{CONFIG_MAPS}/new"), &config).await.expect(200);
}

#[tokio::test]
async fn patches_of_many_writers_all_count() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    let writers = (0..20).map(|n| {
        let (client, path) = (&client, &path);
        async move { client.patch("merge", path, &json!({"data": {(format!("k{n}")): "v"}})).await.expect(200) }
    });
    futures::future::join_all(writers).await;
    assert_eq!(client.get(&path).await.tree()["data"].as_object().unwrap().len(), 21);
}

#[tokio::test]
async fn finalizers_hold_a_deleted_object() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let mut object = map("a");
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    client.post(CONFIG_MAPS, &object).await.expect(201);
    let marked = client.delete(&path).await.expect(200);
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    client.patch("merge", &path, &json!({"metadata": {"finalizers": null}})).await.expect(200);
    assert_eq!(client.get(&path).await.code, 404);
}

#[tokio::test]
async fn deletion_is_answered_with_what_was_deleted() {
    let client = Client::start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = client.post(CONFIG_MAPS, &map("a")).await.expect(201);
    let wrong = client.delete_with(&path, &json!({"preconditions": {"uid": "x"}})).await;
    assert_eq!(wrong.refusal().1, "Conflict");
    let status = client.delete(&path).await.expect(200);
    assert_eq!(status["status"], "Success");
    assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}));
    assert_eq!(client.delete(&path).await.refusal().2, "configmaps \"a\" not found");
}

#[tokio::test]
async fn propagation_leaves_its_finalizer_for_the_garbage_collector() {
    let client = Client::start().await;
    for (policy, finalizer) in [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")] {
        client.post(CONFIG_MAPS, &map("a")).await.expect(201);
        let path = format!("{CONFIG_MAPS}/a");
        let marked = client.delete_with(&path, &json!({"propagationPolicy": policy})).await.expect(200);
        assert_eq!(marked["metadata"]["finalizers"], json!([finalizer]));
        client.patch("merge", &path, &json!({"metadata": {"finalizers": null}})).await.expect(200);
    }
}

#[tokio::test]
async fn a_selection_is_deleted_together() {
    let client = Client::start().await;
    client.config_map("a", json!({"k": "1"})).await;
    client.config_map("b", json!({"k": "2"})).await;
    let deleted = client.delete(&format!("{CONFIG_MAPS}?labelSelector=k%3D1")).await.expect(200);
    assert_eq!(deleted["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.code, 404);
    client.get(&format!("{CONFIG_MAPS}/b")).await.expect(200);
}

#[tokio::test]
async fn status_is_written_on_its_own_path_only() {
    let client = Client::start().await;
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let object = json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
        "status": {"replicas": 7},
    });
    let made = client.post(deployments, &object).await.expect(201);
    assert!(made["status"].get("replicas").is_none());
    assert_eq!(made["metadata"]["generation"], 1);
    let path = format!("{deployments}/web");
    let patched = client
        .patch(
            "merge",
            &format!("{path}/status"),
            &json!({"status": {"replicas": 1, "updatedReplicas": 1, "observedGeneration": 1}, "spec": {"replicas": 9}}),
        )
        .await;
    let patched = patched.expect(200);
    assert_eq!((&patched["status"]["replicas"], &patched["spec"]["replicas"]), (&json!(1), &json!(1)));
    assert_eq!(patched["metadata"]["generation"], 1);
    let changed = client.patch("merge", &path, &json!({"spec": {"replicas": 2}, "status": {"replicas": 5}})).await;
    let changed = changed.expect(200);
    assert_eq!((&changed["status"]["replicas"], &changed["metadata"]["generation"]), (&json!(1), &json!(2)));

    let scale = client.get(&format!("{path}/scale")).await.expect(200);
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["selector"]), (&json!(2), &json!("a=b")));
    let scaled = client.patch("merge", &format!("{path}/scale"), &json!({"spec": {"replicas": 4}})).await.expect(200);
    assert_eq!(scaled["spec"]["replicas"], 4);
    assert_eq!(client.get(&path).await.tree()["spec"]["replicas"], 4);
}

#[tokio::test]
async fn kinds_of_several_groups_are_stored_once() {
    let client = Client::start().await;
    let event = json!({
        "metadata": {"name": "e"}, "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}, "note": "hello",
        "reason": "Because", "type": "Normal", "action": "Do", "reportingController": "example.com/x",
        "reportingInstance": "x-1", "eventTime": "2026-01-02T03:04:05.000006Z",
    });
    client.post("/apis/events.k8s.io/v1/namespaces/default/events", &event).await.expect(201);
    let core = client.get("/api/v1/namespaces/default/events/e").await.expect(200);
    assert_eq!((&core["message"], &core["involvedObject"]["name"]), (&json!("hello"), &json!("p")));
    let new = client.get("/apis/events.k8s.io/v1/namespaces/default/events").await.expect(200);
    assert_eq!(new["items"][0]["note"], "hello");
}
