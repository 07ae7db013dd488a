//! Get, list and watch, over the service in process.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod support;

use serde_json::{Value, json};
use support::{CONFIG_MAPS, Client};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn selectors_choose_what_is_listed() {
    let client = Client::start().await;
    for (name, label) in [("a", "1"), ("b", "2"), ("c", "3")] {
        client.config_map(name, json!({"k": label})).await;
    }
    for (query, expected) in [
        ("", vec!["a", "b", "c"]),
        ("labelSelector=k+in+(1,3)", vec!["a", "c"]),
        ("labelSelector=k!%3D1", vec!["b", "c"]),
        ("labelSelector=!k", vec![]),
        ("fieldSelector=metadata.name%3Db", vec!["b"]),
        ("fieldSelector=metadata.name!%3Db&labelSelector=k%3D1", vec!["a"]),
    ] {
        let list = client.get(&format!("{CONFIG_MAPS}?{query}")).await.expect(200);
        assert_eq!(names(&list), expected, "{query}");
    }
    let answer = client.get(&format!("{CONFIG_MAPS}?fieldSelector=foo%3Db")).await;
    assert_eq!(
        answer.refusal().2,
        "\"foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    );
}

#[tokio::test]
async fn pages_show_one_state_until_it_is_forgotten() {
    let client = Client::start().await;
    for name in ["a", "b", "c", "d"] {
        client.config_map(name, json!({})).await;
    }
    let first = client.get(&format!("{CONFIG_MAPS}?limit=2")).await.expect(200);
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    client.delete(&format!("{CONFIG_MAPS}/c")).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = client.get(&format!("{CONFIG_MAPS}?limit=2&continue={token}")).await.expect(200);
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert!(second["metadata"].get("continue").is_none());
}

#[tokio::test]
async fn versions_of_the_past_and_the_future_are_answered_as_documented() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let then = client.server.revision();
    client.config_map("b", json!({})).await;
    let exact = client.get(&format!("{CONFIG_MAPS}?resourceVersion={then}&resourceVersionMatch=Exact")).await;
    assert_eq!(names(&exact.expect(200)), ["a"]);
    let newer = client.get(&format!("{CONFIG_MAPS}?resourceVersion={then}")).await;
    assert_eq!(names(&newer.expect(200)), ["a", "b"]);
    let future = client.get(&format!("{CONFIG_MAPS}?resourceVersion=99999")).await;
    assert_eq!(future.refusal().0, 504);
    assert_eq!(future.tree()["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    let malformed = client.get(&format!("{CONFIG_MAPS}?resourceVersion=x")).await;
    assert_eq!(
        malformed.refusal().2,
        "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax"
    );
}

#[tokio::test]
async fn lists_leave_the_type_of_built_in_objects_out() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let list = client.get(CONFIG_MAPS).await.expect(200);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert!(list["items"][0].get("kind").is_none());
    assert_eq!(list["metadata"]["resourceVersion"], client.server.revision().to_string());
}

#[tokio::test]
async fn metadata_only_forms_hold_no_more() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let list = client.get_as(CONFIG_MAPS, accept).await.expect(200);
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
    assert!(list["items"][0].get("data").is_none());
}

#[tokio::test]
async fn large_lists_are_whole_and_compressed_on_request() {
    let client = Client::start().await;
    for n in 0..40 {
        let object = json!({"metadata": {"name": format!("m{n:03}")}, "data": {"a": "x".repeat(8000)}});
        client.post(CONFIG_MAPS, &object).await.expect(201);
    }
    let plain = client.get(CONFIG_MAPS).await;
    assert_eq!(plain.expect(200)["items"].as_array().unwrap().len(), 40);
    let packed = client.request("GET", CONFIG_MAPS, &[("accept-encoding", "gzip")], "").await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.bytes[..]), &mut unpacked).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&unpacked).unwrap(), plain.tree());
}

#[tokio::test]
async fn a_watch_tells_every_change_once_and_in_order() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let from = client.server.revision();
    let mut events = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={from}")).await;
    client.config_map("b", json!({})).await;
    client.patch("merge", &format!("{CONFIG_MAPS}/a"), &json!({"data": {"x": "y"}})).await.expect(200);
    client.delete(&format!("{CONFIG_MAPS}/b")).await.expect(200);
    assert_eq!(events.brief().await, ("ADDED".into(), "b".into()));
    assert_eq!(events.brief().await, ("MODIFIED".into(), "a".into()));
    let deleted = events.next().await.unwrap();
    assert_eq!(deleted["type"], "DELETED");
    assert_eq!(deleted["object"]["metadata"]["resourceVersion"], client.server.revision().to_string());
}

#[tokio::test]
async fn objects_come_and_go_as_they_match_the_selector_of_a_watch() {
    let client = Client::start().await;
    let mut events = client.watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=k%3D1")).await;
    client.config_map("a", json!({"k": "2"})).await;
    let path = format!("{CONFIG_MAPS}/a");
    client.patch("merge", &path, &json!({"metadata": {"labels": {"k": "1"}}})).await.expect(200);
    client.patch("merge", &path, &json!({"data": {"x": "y"}})).await.expect(200);
    client.patch("merge", &path, &json!({"metadata": {"labels": {"k": "3"}}})).await.expect(200);
    for expected in ["ADDED", "MODIFIED", "DELETED"] {
        assert_eq!(events.brief().await, (expected.into(), "a".into()));
    }
}

#[tokio::test]
async fn a_watch_list_ends_its_initial_events_with_a_bookmark() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut events = client.watch(&format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(events.brief().await, ("ADDED".into(), "a".into()));
    let bookmark = events.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(
        bookmark["object"],
        json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {
            "resourceVersion": client.server.revision().to_string(),
            "annotations": {"k8s.io/initial-events-end": "true"}}})
    );
    client.config_map("b", json!({})).await;
    assert_eq!(events.brief().await, ("ADDED".into(), "b".into()));
}

#[tokio::test(start_paused = true)]
async fn a_watch_hears_soon_that_what_it_was_not_sent_was_for_others() {
    let client = Client::start().await;
    let now = client.server.revision();
    let query = format!("watch=1&allowWatchBookmarks=true&resourceVersion={now}&fieldSelector=metadata.name%3Dmine");
    let mut events = client.watch(&format!("{CONFIG_MAPS}?{query}")).await;
    client.config_map("other", json!({})).await;
    let start = tokio::time::Instant::now();
    let bookmark = events.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], client.server.revision().to_string());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());

    // Also behind what it is sent at the same time.
    client.config_map("mine", json!({})).await;
    client.config_map("another", json!({})).await;
    let start = tokio::time::Instant::now();
    assert_eq!(events.brief().await, ("ADDED".into(), "mine".into()));
    let bookmark = events.next().await.unwrap();
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], client.server.revision().to_string());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_each_minute_and_before_the_end() {
    let client = Client::start().await;
    let now = client.server.revision();
    let mut events = client
        .watch(&format!("{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion={now}"))
        .await;
    let start = tokio::time::Instant::now();
    assert_eq!(events.next().await.unwrap()["type"], "BOOKMARK");
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(events.next().await.unwrap()["type"], "BOOKMARK");
    assert_eq!(start.elapsed().as_secs(), 88);
    assert_eq!(events.next().await, None);
    assert_eq!(start.elapsed().as_secs(), 90);
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_told_so() {
    use kubewright_apiserver::{ApiServer, Options};
    let server = ApiServer::start(Options { history: 4, ..Options::default() }).await.unwrap();
    let client = Client { server };
    for n in 0..20 {
        client.config_map(&format!("m{n}"), json!({})).await;
    }
    let mut events = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion=7")).await;
    let event = events.next().await.unwrap();
    assert_eq!(event["type"], "ERROR");
    assert_eq!((&event["object"]["code"], &event["object"]["reason"]), (&json!(410), &json!("Expired")));
    assert_eq!(events.next().await, None);
    let list = client.get(&format!("{CONFIG_MAPS}?resourceVersion=7&resourceVersionMatch=Exact")).await;
    assert_eq!(list.refusal().0, 410);
}

#[tokio::test]
async fn watches_end_when_the_server_does() {
    let client = Client::start().await;
    let mut events = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    client.server.shutdown().await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn yaml_is_answered_to_those_who_ask_for_it() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let answer = client.get_as(&format!("{CONFIG_MAPS}/a"), "application/yaml").await;
    assert_eq!(answer.headers["content-type"], "application/yaml");
    assert!(String::from_utf8_lossy(&answer.bytes).contains("kind: ConfigMap"));
}

#[tokio::test]
async fn health_version_and_access_are_answered() {
    let client = Client::start().await;
    assert_eq!(client.get("/readyz").await.bytes, "ok");
    assert!(String::from_utf8_lossy(&client.get("/livez?verbose").await.bytes).ends_with("livez check passed\n"));
    assert_eq!(client.get("/readyz/nope").await.code, 404);
    assert_eq!(client.get("/version").await.expect(200)["minor"], "36");
    assert_eq!(client.get("/nope").await.bytes, "404 page not found\n");
    assert_eq!(client.get("/api/v1/nope").await.refusal().2, "the server could not find the requested resource");
    let review = json!({"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}});
    let answer = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await.expect(201);
    assert_eq!(answer["status"]["allowed"], true);
}

#[tokio::test]
async fn the_objects_of_a_new_cluster_are_there() {
    let client = Client::start().await;
    let list = client.get("/api/v1/namespaces").await.expect(200);
    assert_eq!(names(&list), ["default", "kube-node-lease", "kube-public", "kube-system"]);
    let service = client.get("/api/v1/namespaces/default/services/kubernetes").await.expect(200);
    assert_eq!(service["spec"]["clusterIP"], "10.96.0.1");
    let classes = client.get("/apis/scheduling.k8s.io/v1/priorityclasses").await.expect(200);
    assert_eq!(names(&classes), ["system-cluster-critical", "system-node-critical"]);
    let roles = client.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin").await;
    roles.expect(200);
}

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

#[tokio::test]
async fn built_in_kinds_are_answered_in_protobuf_to_those_who_ask_for_it() {
    let client = Client::start().await;
    client.config_map("a", json!({"x": "y"})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let plain = client.get(&path).await.expect(200);
    let answer = client.get_as(&path, &format!("{PROTOBUF},application/json")).await;
    assert_eq!(answer.headers["content-type"], PROTOBUF);
    assert_eq!(answer.bytes, kubewright_apiserver::encode_protobuf(&plain).unwrap());
    let read = kubewright_apiserver::decode_protobuf(&answer.bytes).unwrap();
    assert_eq!((&read["data"], &read["metadata"]["uid"]), (&plain["data"], &plain["metadata"]["uid"]));
    // A list holds what a message of its item says.
    let list = client.get_as(CONFIG_MAPS, PROTOBUF).await;
    let wanted = kubewright_apiserver::encode_protobuf(&client.get(CONFIG_MAPS).await.expect(200)).unwrap();
    assert_eq!(list.bytes, wanted);
    // Refusals come in the same form.
    let refusal = client.get_as(&format!("{CONFIG_MAPS}/none"), PROTOBUF).await;
    assert_eq!((refusal.code, &refusal.headers["content-type"]), (404, &PROTOBUF.parse().unwrap()));
    // Tables have none, discovery is JSON.
    let table = format!("{PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1");
    assert_eq!(client.get_as(CONFIG_MAPS, &table).await.expect(200)["kind"], "Table");
    let discovery = client.get_as("/api/v1", &format!("{PROTOBUF},application/json")).await;
    assert_eq!(discovery.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_watch_in_protobuf_has_frames_of_a_known_length() {
    let client = Client::start().await;
    client.config_map("a", json!({})).await;
    let path = format!("{CONFIG_MAPS}?watch=1&resourceVersion=0&timeoutSeconds=1");
    let answer = client.get_as(&path, PROTOBUF).await;
    assert_eq!(answer.headers["content-type"], "application/vnd.kubernetes.protobuf;stream=watch");
    let mut rest = &answer.bytes[..];
    let mut frames = 0;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        // Field 1 is the type of the event, and the object in field 2 has its own envelope.
        assert_eq!(&frame[..7], b"\x0a\x05ADDED");
        assert!(frame.windows(4).any(|window| window == b"k8s\0"));
        frames += 1;
        rest = after;
    }
    assert_eq!(frames, 1);
}

#[tokio::test]
async fn a_large_list_in_protobuf_has_what_the_list_in_json_has() {
    let client = Client::start().await;
    for number in 0..60 {
        client.config_map(&format!("map-{number:02}"), json!({"much": "x".repeat(60)})).await;
        let data = json!({"data": {"much": "x".repeat(2_000)}});
        client.patch("merge", &format!("{CONFIG_MAPS}/map-{number:02}"), &data).await.expect(200);
    }
    // A watcher has some of them encoded before.
    let mut events = client.watch_as(&format!("{CONFIG_MAPS}?watch=true&limit=1"), PROTOBUF).await;
    events.frame().await;
    let path = format!("{CONFIG_MAPS}?limit=50");
    let json = client.get(&path).await.expect(200);
    let packed = client.get_as(&path, PROTOBUF).await;
    assert_eq!((packed.code, packed.headers["content-type"].to_str().unwrap()), (200, PROTOBUF));
    let read = kubewright_apiserver::decode_protobuf(&packed.bytes).unwrap();
    assert_eq!(read["metadata"]["continue"], json["metadata"]["continue"]);
    assert_eq!(read["metadata"]["remainingItemCount"], 10);
    let named = |list: &Value| -> Vec<(Value, Value)> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| (item["metadata"]["name"].clone(), item["data"].clone())).collect()
    };
    assert_eq!((named(&read).len(), named(&read)), (50, named(&json)));
    let zipped = client.request("GET", CONFIG_MAPS, &[("accept", PROTOBUF), ("accept-encoding", "gzip")], "").await;
    assert_eq!(zipped.headers["content-encoding"], "gzip");
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*zipped.bytes), &mut whole).unwrap();
    assert_eq!(whole, client.get_as(CONFIG_MAPS, PROTOBUF).await.bytes);
}
