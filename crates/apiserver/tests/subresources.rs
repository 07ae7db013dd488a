//! Binding and eviction of Pods, approval of certificate requests.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod support;

use serde_json::{Value, json};
use support::Client;

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

async fn pod(client: &Client, name: &str) -> Value {
    let spec = json!({"containers": [{"name": "main", "image": "busybox"}]});
    client.post(PODS, &json!({"metadata": {"name": name, "labels": {"app": "a"}}, "spec": spec})).await.expect(201)
}

/// Brings a Pod to a node and says that it runs and is ready.
async fn running(client: &Client, name: &str) {
    pod(client, name).await;
    bind(client, name, "n1").await.expect(201);
    let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    client.patch("strategic", &format!("{PODS}/{name}/status"), &status).await.expect(200);
}

async fn bind(client: &Client, name: &str, node: &str) -> support::Answer {
    let binding = json!({"metadata": {"name": name, "labels": {"zone": "z"}}, "target": {"name": node}});
    client.post(&format!("{PODS}/{name}/binding"), &binding).await
}

async fn evict(client: &Client, name: &str, options: Value) -> support::Answer {
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, "deleteOptions": options,
    });
    client.post(&format!("{PODS}/{name}/eviction"), &eviction).await
}

/// Makes a budget whose controller allows this many disruptions.
async fn budget(client: &Client, allowed: u64) {
    let selector = json!({"matchLabels": {"app": "a"}});
    let budget = json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": selector}});
    client.post(BUDGETS, &budget).await.expect(201);
    let status = json!({"status": {
        "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1,
        "expectedPods": 1,
    }});
    client.patch("merge", &format!("{BUDGETS}/b/status"), &status).await.expect(200);
}

#[tokio::test]
async fn a_pod_is_bound_to_a_node_once() {
    let client = Client::start().await;
    pod(&client, "a").await;
    let answer = bind(&client, "a", "n1").await.expect(201);
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("Status"), &json!("Success")));
    let bound = client.get(&format!("{PODS}/a")).await.expect(200);
    assert_eq!(bound["spec"]["nodeName"], "n1");
    assert_eq!(bound["metadata"]["labels"], json!({"app": "a", "zone": "z"}));
    assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");
    let (code, reason, message) = bind(&client, "a", "n2").await.refusal();
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(message.contains("pod a is already assigned to node \"n1\""), "{message}");
}

#[tokio::test]
async fn bindings_can_be_made_without_the_pods_path_and_leave_nothing_behind() {
    let client = Client::start().await;
    pod(&client, "a").await;
    let binding = json!({"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}});
    client.post("/api/v1/namespaces/default/bindings", &binding).await.expect(201);
    assert_eq!(client.get(&format!("{PODS}/a")).await.expect(200)["spec"]["nodeName"], "n1");
    let (code, ..) = client.post(&format!("{PODS}/a/binding"), &json!({"metadata": {"name": "b"}})).await.refusal();
    assert_eq!(code, 400);
    assert_eq!(client.get("/api/v1/namespaces/default/bindings").await.code, 405);
}

#[tokio::test]
async fn a_pending_pod_is_evicted_whatever_its_budget_says() {
    let client = Client::start().await;
    budget(&client, 0).await;
    pod(&client, "a").await;
    evict(&client, "a", Value::Null).await.expect(201);
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 404);
}

#[tokio::test]
async fn a_ready_pod_is_evicted_as_often_as_its_budget_allows() {
    let client = Client::start().await;
    budget(&client, 1).await;
    running(&client, "a").await;
    running(&client, "b").await;
    evict(&client, "a", json!({"gracePeriodSeconds": 0})).await.expect(201);
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 404);
    let budget = client.get(&format!("{BUDGETS}/b")).await.expect(200);
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
    assert!(budget["status"]["disruptedPods"]["a"].is_string(), "{budget}");

    let refused = evict(&client, "b", Value::Null).await;
    let tree = refused.tree();
    assert_eq!((refused.code, &tree["reason"]), (429, &json!("TooManyRequests")));
    let cause = &tree["details"]["causes"][0];
    assert_eq!(cause["message"], "The disruption budget b needs 1 healthy pods and has 1 currently");
    assert_eq!(client.get(&format!("{PODS}/b")).await.code, 200);
}

#[tokio::test]
async fn an_eviction_says_on_the_pod_why_it_goes() {
    let client = Client::start().await;
    running(&client, "a").await;
    evict(&client, "a", json!({"gracePeriodSeconds": 60})).await.expect(201);
    let pod = client.get(&format!("{PODS}/a")).await.expect(200);
    assert!(pod["metadata"]["deletionTimestamp"].is_string());
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|c| c["type"] == "DisruptionTarget" && c["reason"] == "EvictionByEvictionAPI"));
}

#[tokio::test]
async fn a_dry_run_evicts_nobody() {
    let client = Client::start().await;
    pod(&client, "a").await;
    evict(&client, "a", json!({"dryRun": ["All"]})).await.expect(201);
    assert_eq!(client.get(&format!("{PODS}/a")).await.code, 200);
}

#[tokio::test]
async fn a_certificate_request_is_approved_and_knows_who_asked() {
    const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let client = Client::start().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::new(Vec::new()).unwrap().serialize_request(&key).unwrap().pem().unwrap();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    let spec = json!({
        "request": base64, "signerName": "example.com/one", "usages": ["client auth"], "username": "somebody else",
    });
    let made = client.post(REQUESTS, &json!({"metadata": {"name": "one"}, "spec": spec})).await.expect(201);
    assert_eq!(made["spec"]["username"], "kubernetes-admin");

    let approved = json!({"type": "Approved", "status": "True", "reason": "Fine"});
    let patch = json!({"status": {"conditions": [approved]}, "spec": {"signerName": "example.com/two"}});
    let approved = client.patch("merge", &format!("{REQUESTS}/one/approval"), &patch).await.expect(200);
    assert_eq!(approved["status"]["conditions"][0]["type"], "Approved");
    assert!(approved["status"]["conditions"][0]["lastTransitionTime"].is_string());
    assert_eq!(approved["spec"]["signerName"], "example.com/one");

    let patch = json!({"status": {"conditions": [{"type": "Denied", "status": "True"}]}});
    let (code, _, message) = client.patch("merge", &format!("{REQUESTS}/one/status"), &patch).await.refusal();
    assert_eq!(code, 422, "{message}");
}

#[tokio::test]
async fn events_are_selected_by_the_names_that_fields_have_in_the_version_asked() {
    let client = Client::start().await;
    for name in ["a", "b"] {
        let event = json!({
            "metadata": {"name": name}, "eventTime": "2026-01-01T00:00:00.000000Z", "action": "x", "reason": "y",
            "reportingController": "c", "reportingInstance": "i", "type": "Normal",
            "regarding": {"kind": "Pod", "name": name, "namespace": "default"},
        });
        client.post("/apis/events.k8s.io/v1/namespaces/default/events", &event).await.expect(201);
    }
    for (path, fields) in [
        ("/apis/events.k8s.io/v1/events", "regarding.name%3Da%2CreportingController%3Dc"),
        ("/api/v1/events", "involvedObject.name%3Da%2CreportingComponent%3Dc"),
    ] {
        let list = client.get(&format!("{path}?fieldSelector={fields}")).await.expect(200);
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{path}");
        assert_eq!(list["items"][0]["metadata"]["name"], "a");
    }
    let (code, _, message) =
        client.get("/apis/events.k8s.io/v1/events?fieldSelector=involvedObject.name%3Da").await.refusal();
    assert_eq!((code, message.as_str()), (400, "field label not supported: involvedObject.name"));
}

#[tokio::test]
async fn a_dry_run_minds_no_resource_version() {
    let client = Client::start().await;
    let map = json!({"metadata": {"name": "a", "resourceVersion": "7"}});
    let answer = client.post(&format!("{}?dryRun=All", support::CONFIG_MAPS), &map).await.expect(201);
    assert_eq!(answer["metadata"]["resourceVersion"], "7");
    assert_eq!(client.post(support::CONFIG_MAPS, &map).await.code, 500);
}
