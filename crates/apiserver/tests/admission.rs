//! Admission, with webhooks over HTTPS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

#[path = "support/hook.rs"]
mod hook;
mod support;

use hook::Hook;
use serde_json::{Value, json};
use support::Client;

const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

async fn mutating(client: &Client, hook: &Hook, name: &str, path: &str, more: &Value) {
    let configuration = hook.configuration("MutatingWebhookConfiguration", name, path, "configmaps", more);
    client.post(MUTATING, &configuration).await.expect(201);
}

async fn validating(client: &Client, hook: &Hook, name: &str, path: &str, more: &Value) {
    let configuration = hook.configuration("ValidatingWebhookConfiguration", name, path, "configmaps", more);
    client.post(VALIDATING, &configuration).await.expect(201);
}

#[tokio::test]
async fn a_mutating_webhook_changes_what_is_stored() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    mutating(&client, &hook, "a", "/label-one", &json!({})).await;
    mutating(&client, &hook, "b", "/label-two", &json!({})).await;
    let made = client.post(MAPS, &map("x")).await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"one": "1", "two": "2"}));
    assert_eq!(client.get(&format!("{MAPS}/x")).await.expect(200), made);
    let asked = hook.asked();
    assert_eq!(
        asked.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["/label-one?timeout=10s", "/label-two?timeout=10s"]
    );
    assert_eq!(asked[0].1["request"]["object"]["metadata"].get("uid"), None, "uids are given afterwards");
    assert_eq!(asked[1].1["request"]["object"]["metadata"]["labels"], json!({"one": "1"}));
}

#[tokio::test]
async fn a_webhook_that_says_no_is_quoted() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let cases = [
        ("/deny", (403, "Forbidden", ": not today")),
        ("/deny-bare", (400, "", " without explanation")),
        ("/deny-reason", (400, "Weather", ": Weather")),
        ("/deny-details", (422, "Invalid", ": wrong")),
    ];
    for (path, (code, reason, text)) in cases {
        validating(&client, &hook, "no", path, &json!({})).await;
        let expected = format!("admission webhook \"no.example.com\" denied the request{text}");
        assert_eq!(client.post(MAPS, &map("x")).await.refusal(), (code, reason.to_owned(), expected));
        client.delete(&format!("{VALIDATING}/no")).await.expect(200);
    }
    client.post(MAPS, &map("x")).await.expect(201);
}

#[tokio::test]
async fn failure_policy_decides_about_a_webhook_that_can_not_be_asked() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let nobody = json!({"clientConfig": {"url": "https://127.0.0.1:1/x", "caBundle": hook.ca_bundle}});
    validating(&client, &hook, "dead", "/", &nobody).await;
    let (code, reason, message) = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!((code, reason.as_str()), (500, "InternalError"));
    assert_eq!(
        message,
        "Internal error occurred: failed calling webhook \"dead.example.com\": failed to call webhook: Post \
         \"https://127.0.0.1:1/x?timeout=10s\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
    client.delete(&format!("{VALIDATING}/dead")).await.expect(200);
    let mut ignored = nobody.clone();
    ignored["failurePolicy"] = "Ignore".into();
    validating(&client, &hook, "dead", "/", &ignored).await;
    mutating(&client, &hook, "dead", "/", &ignored).await;
    client.post(MAPS, &map("x")).await.expect(201);
}

#[tokio::test]
async fn a_slow_webhook_is_given_up_in_time() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "slow", "/slow", &json!({"timeoutSeconds": 1})).await;
    let (_, _, message) = client.post(MAPS, &map("x")).await.refusal();
    let end = format!("Post \"{}/slow?timeout=1s\": context deadline exceeded", hook.url);
    assert!(message.ends_with(&end), "{message}");
}

#[tokio::test]
async fn webhooks_are_asked_about_updates_patches_and_deletions() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    client.post(MAPS, &map("x")).await.expect(201);
    validating(&client, &hook, "all", "/allow", &json!({})).await;
    let path = format!("{MAPS}/x");
    client.put(&path, &map("x")).await.expect(200);
    client.patch("merge", &path, &json!({"data": {"a": "b"}})).await.expect(200);
    client.apply("me", &path, &map("x")).await.expect(200);
    client.delete(&path).await.expect(200);
    client.post(MAPS, &map("y")).await.expect(201);
    client.delete(MAPS).await.expect(200);
    let asked = hook.asked();
    let seen: Vec<(&str, bool, bool)> = asked
        .iter()
        .map(|(_, review)| {
            let request = &review["request"];
            (request["operation"].as_str().unwrap(), request["object"].is_null(), request["oldObject"].is_null())
        })
        .collect();
    let update = ("UPDATE", false, false);
    assert_eq!(
        seen,
        [update, update, update, ("DELETE", true, false), ("CREATE", false, true), ("DELETE", true, false)]
    );
}

#[tokio::test]
async fn a_change_asks_those_webhooks_again_that_want_it() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    mutating(&client, &hook, "a", "/count", &json!({"reinvocationPolicy": "IfNeeded"})).await;
    mutating(&client, &hook, "b", "/label-one", &json!({})).await;
    let made = client.post(MAPS, &map("x")).await.expect(201);
    assert_eq!(made["metadata"]["labels"], json!({"count": "2", "one": "1"}));
    assert_eq!(hook.asked().len(), 3);
}

#[tokio::test]
async fn selectors_and_rules_decide_who_is_asked() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let selectors = json!({
        "namespaceSelector": {"matchLabels": {"watched": "yes"}},
        "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "scope": "Namespaced"}],
    });
    validating(&client, &hook, "some", "/deny", &selectors).await;
    client.post(MAPS, &map("x")).await.expect(201);
    let labels = json!({"metadata": {"labels": {"watched": "yes"}}});
    client.patch("merge", "/api/v1/namespaces/default", &labels).await.expect(200);
    assert_eq!(client.post(MAPS, &map("y")).await.code, 403);
    let mut skipped = map("y");
    skipped["metadata"]["labels"] = json!({"skip": "me"});
    client.post(MAPS, &skipped).await.expect(201);
    client.patch("merge", &format!("{MAPS}/x"), &json!({"data": {"a": "b"}})).await.expect(200);
}

#[tokio::test]
async fn a_service_without_endpoints_leads_nowhere() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let service = json!({"clientConfig": {
        "service": {"name": "hook", "namespace": "default", "path": "/deny"}, "caBundle": hook.ca_bundle,
    }});
    validating(&client, &hook, "svc", "/", &service).await;
    let start = "Internal error occurred: failed calling webhook \"svc.example.com\": failed to call webhook: Post \
                 \"https://hook.default.svc:443/deny?timeout=10s\": ";
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, format!("{start}service \"hook\" not found"));
    let body = json!({"metadata": {"name": "hook"}, "spec": {"ports": [{"port": 443}]}});
    client.post("/api/v1/namespaces/default/services", &body).await.expect(201);
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, format!("{start}no endpoints available for service \"hook\""));
    let slice = json!({
        "metadata": {"name": "hook", "labels": {"kubernetes.io/service-name": "hook"}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [{"port": hook.port}],
    });
    // The API takes no loopback addresses as endpoints: for those there are Services of the type ExternalName.
    assert_eq!(client.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", &slice).await.code, 422);
}

#[tokio::test]
async fn an_external_name_leads_to_a_process_on_this_machine() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let body = json!({"metadata": {"name": "hook"}, "spec": {"type": "ExternalName", "externalName": "localhost"}});
    client.post("/api/v1/namespaces/default/services", &body).await.expect(201);
    let service = json!({"name": "hook", "namespace": "default", "path": "/deny", "port": hook.port});
    let service = json!({"clientConfig": {"service": service, "caBundle": hook.ca_bundle}});
    validating(&client, &hook, "svc", "/", &service).await;
    let refusal = client.post(MAPS, &map("x")).await.refusal();
    assert_eq!(refusal.2, "admission webhook \"svc.example.com\" denied the request: not today");
}

#[tokio::test]
async fn connections_are_kept() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "all", "/allow", &json!({})).await;
    for name in ["a", "b", "c"] {
        client.post(MAPS, &map(name)).await.expect(201);
    }
    assert_eq!((hook.asked().len(), hook.connections()), (3, 1));
}

#[tokio::test]
async fn a_webhook_with_side_effects_is_not_asked_about_a_dry_run() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    validating(&client, &hook, "all", "/allow", &json!({"sideEffects": "NoneOnDryRun"})).await;
    client.post(&format!("{MAPS}?dryRun=All"), &map("x")).await.expect(201);
    assert_eq!(hook.asked()[0].1["request"]["dryRun"], true);
}

#[tokio::test]
async fn configurations_themselves_are_never_asked_about() {
    let (client, hook) = (Client::start().await, Hook::start().await);
    let all = json!({"rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}]});
    validating(&client, &hook, "no", "/deny", &all).await;
    assert_eq!(client.post(MAPS, &map("x")).await.code, 403);
    client.delete(&format!("{VALIDATING}/no")).await.expect(200);
    client.post(MAPS, &map("x")).await.expect(201);
}
