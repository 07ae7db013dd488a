//! Who gets in, and what they may do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use kubewright_apiserver::{ApiServer, AuthorizationMode, Options, User};
use serde_json::{Value, json};
use support::{Answer, CONFIG_MAPS, Client};

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";

async fn get_as(client: &Client, user: &str, path: &str) -> Answer {
    client.request("GET", path, &[("impersonate-user", user)], "").await
}

async fn get_with_token(client: &Client, token: &str, path: &str) -> Answer {
    client.request("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await
}

async fn allow(client: &Client, name: &str, subject: Value, rule: Value) {
    let role = json!({"metadata": {"name": name}, "rules": [rule]});
    client.post(ROLES, &role).await.expect(201);
    let binding = json!({
        "metadata": {"name": name}, "roleRef": {"kind": "Role", "name": name}, "subjects": [subject],
    });
    client.post(BINDINGS, &binding).await.expect(201);
}

fn reads_config_maps() -> Value {
    json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]})
}

#[tokio::test]
async fn a_binding_holds_from_its_write_to_its_deletion() {
    let client = Client::start().await;
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 403);
    allow(&client, "reader", json!({"kind": "User", "name": "jane"}), reads_config_maps()).await;
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 200);
    assert_eq!(get_as(&client, "jane", "/api/v1/configmaps").await.code, 403);
    assert_eq!(get_as(&client, "john", CONFIG_MAPS).await.code, 403);
    let role = json!({"metadata": {"name": "reader"}, "rules": []});
    client.put(&format!("{ROLES}/reader"), &role).await.expect(200);
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 403);
    let role = json!({"metadata": {"name": "reader"}, "rules": [reads_config_maps()]});
    client.put(&format!("{ROLES}/reader"), &role).await.expect(200);
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 200);
    client.delete(&format!("{BINDINGS}/reader")).await.expect(200);
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 403);
}

#[tokio::test]
async fn requests_in_process_can_be_made_by_anybody() {
    let client = Client::start().await;
    let service = client.server.service_as(User::new("jane", ["readers"]));
    let ask = async |service: kubewright_apiserver::InProcess| {
        let request = http::Request::get(CONFIG_MAPS).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        tower::ServiceExt::oneshot(service, request).await.unwrap().status().as_u16()
    };
    assert_eq!(ask(service.clone()).await, 403);
    allow(&client, "reader", json!({"kind": "Group", "name": "readers"}), reads_config_maps()).await;
    assert_eq!(ask(service).await, 200);
}

#[tokio::test]
async fn a_token_is_good_as_long_as_its_service_account_and_what_it_is_bound_to() {
    let client = Client::start().await;
    client.post(ACCOUNTS, &json!({"metadata": {"name": "sa"}})).await.expect(201);
    let token = |answer: Value| answer["status"]["token"].as_str().unwrap().to_string();
    let path = format!("{ACCOUNTS}/sa/token");
    let free = token(client.post(&path, &json!({})).await.expect(201));
    let secret = json!({"metadata": {"name": "s"}});
    client.post("/api/v1/namespaces/default/secrets", &secret).await.expect(201);
    let reference = json!({"apiVersion": "v1", "kind": "Secret", "name": "s"});
    let bound = token(client.post(&path, &json!({"spec": {"boundObjectRef": reference}})).await.expect(201));

    assert_eq!(get_with_token(&client, &bound, CONFIG_MAPS).await.code, 403, "known, but not allowed");
    let subject = json!({"kind": "ServiceAccount", "name": "sa"});
    allow(&client, "reader", subject, reads_config_maps()).await;
    assert_eq!(get_with_token(&client, &bound, CONFIG_MAPS).await.code, 200);
    assert_eq!(get_with_token(&client, &free, CONFIG_MAPS).await.code, 200);
    // Not the last letter, of which not every bit counts.
    let (claims, signature) = free.rsplit_once('.').unwrap();
    let other = if signature.starts_with('x') { 'y' } else { 'x' };
    let forged = format!("{claims}.{other}{}", &signature[1..]);
    assert_eq!(get_with_token(&client, &forged, CONFIG_MAPS).await.code, 401);

    client.delete("/api/v1/namespaces/default/secrets/s").await.expect(200);
    assert_eq!(get_with_token(&client, &bound, CONFIG_MAPS).await.code, 401);
    assert_eq!(get_with_token(&client, &free, CONFIG_MAPS).await.code, 200);
    client.delete(&format!("{ACCOUNTS}/sa")).await.expect(200);
    assert_eq!(get_with_token(&client, &free, CONFIG_MAPS).await.code, 401);
    client.post(ACCOUNTS, &json!({"metadata": {"name": "sa"}})).await.expect(201);
    assert_eq!(get_with_token(&client, &free, CONFIG_MAPS).await.code, 401, "another account of the same name");
}

#[tokio::test]
async fn a_token_of_other_audiences_does_not_log_in() {
    let client = Client::start().await;
    client.post(ACCOUNTS, &json!({"metadata": {"name": "sa"}})).await.expect(201);
    let request = json!({"spec": {"audiences": ["vault"]}});
    let answer = client.post(&format!("{ACCOUNTS}/sa/token"), &request).await.expect(201);
    let token = answer["status"]["token"].as_str().unwrap();
    assert_eq!(get_with_token(&client, token, "/healthz").await.code, 401);
    let review = json!({"spec": {"token": token, "audiences": ["vault"]}});
    let review = client.post("/apis/authentication.k8s.io/v1/tokenreviews", &review).await.expect(201);
    assert_eq!(review["status"]["user"]["username"], "system:serviceaccount:default:sa");
}

#[tokio::test]
async fn tokens_and_changed_roles_outlive_a_restart_and_deleted_defaults_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let start = async || {
        let options = Options { data_dir: Some(directory.path().join("data")), ..Options::default() };
        Client { server: ApiServer::start(options).await.unwrap() }
    };
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let client = start().await;
    client.post(ACCOUNTS, &json!({"metadata": {"name": "sa"}})).await.expect(201);
    let answer = client.post(&format!("{ACCOUNTS}/sa/token"), &json!({})).await.expect(201);
    let token = answer["status"]["token"].as_str().unwrap().to_string();
    let mut discovery = client.get(&format!("{roles}/system:discovery")).await.expect(200);
    discovery["rules"] = json!([{"verbs": ["get"], "nonResourceURLs": ["/own"]}]);
    client.put(&format!("{roles}/system:discovery"), &discovery).await.expect(200);
    client.delete(&format!("{roles}/view")).await.expect(200);
    assert_eq!(get_with_token(&client, &token, "/apis").await.code, 403);
    client.server.shutdown().await;

    let client = start().await;
    assert_eq!(get_with_token(&client, &token, "/apis").await.code, 200);
    let discovery = client.get(&format!("{roles}/system:discovery")).await.expect(200);
    assert_eq!(discovery["rules"][0]["nonResourceURLs"], json!(["/own"]), "what was added stays");
    client.get(&format!("{roles}/view")).await.expect(200);
    client.server.shutdown().await;
}

#[tokio::test]
async fn without_roles_everybody_who_has_logged_in_may_do_everything() {
    let options = Options { authorization: AuthorizationMode::AlwaysAllow, ..Options::default() };
    let client = Client { server: ApiServer::start(options).await.unwrap() };
    assert_eq!(get_as(&client, "jane", CONFIG_MAPS).await.code, 200);
}

#[tokio::test]
async fn others_can_verify_tokens_with_the_published_keys() {
    let client = Client::start().await;
    let configuration = client.get("/.well-known/openid-configuration").await.expect(200);
    assert_eq!(configuration["issuer"], "https://kubernetes.default.svc.cluster.local");
    let keys = client.get("/openid/v1/jwks").await;
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert_eq!(keys.expect(200)["keys"][0]["alg"], "ES256");
    let account = "system:serviceaccount:default:sa";
    assert_eq!(get_as(&client, account, "/openid/v1/jwks").await.code, 200);
    assert_eq!(get_as(&client, "jane", "/openid/v1/jwks").await.code, 403);
}

#[tokio::test]
async fn ephemeral_containers_are_added_and_resources_resized_by_their_subresources_alone() {
    let client = Client::start().await;
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
    });
    client.post(pods, &pod).await.expect(201);
    let debug =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}});
    let pod = client.patch("strategic", &format!("{pods}/p/ephemeralcontainers"), &debug).await.expect(200);
    assert_eq!(pod["spec"]["ephemeralContainers"][0]["name"], "e");
    assert_eq!((&pod["metadata"]["labels"], &pod["metadata"]["generation"]), (&Value::Null, &json!(2)));
    let gone = json!({"spec": {"ephemeralContainers": null}});
    let refused = client.patch("merge", &format!("{pods}/p/ephemeralcontainers"), &gone).await;
    assert!(refused.refusal().2.contains(r#"existing ephemeral containers "e" may not be removed"#));

    let resized =
        json!({"spec": {"containers": [{"name": "c", "image": "other", "resources": {"requests": {"cpu": "2"}}}]}});
    let pod = client.patch("strategic", &format!("{pods}/p/resize"), &resized).await.expect(200);
    let container = &pod["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["resources"]["requests"]["cpu"]), (&json!("i"), &json!("2")));
    let other_class = json!({"spec": {"containers": [{"name": "c", "resources": null}]}});
    let refused = client.patch("strategic", &format!("{pods}/p/resize"), &other_class).await;
    assert!(refused.refusal().2.contains("Pod QOS Class may not change"));
}
