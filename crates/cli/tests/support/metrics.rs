//! Asks for an operator's metrics, as Prometheus does.

use std::net::SocketAddr;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, PostParams};
use kube::{Client, Config};
use serde_json::json;

/// The metrics at an address are for those to whom this role is bound, and for nobody else.
pub async fn are_guarded(client: &Client, address: SocketAddr, role: &str) {
    let account = format!("reader-of-{}", address.port());
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
    let made = serde_json::from_value(json!({"metadata": {"name": account}})).unwrap();
    accounts.create(&PostParams::default(), &made).await.unwrap();
    let request = TokenRequest::default();
    let token = accounts.create_token_request(&account, &PostParams::default(), &request).await.unwrap();
    let token = token.status.unwrap().token.unwrap();

    assert!(ask("http", address, None).await.is_err(), "nothing is told over HTTP");
    assert_eq!(ask("https", address, None).await, Err(401));
    assert_eq!(ask("https", address, Some("no token")).await, Err(401));
    assert_eq!(ask("https", address, Some(&token)).await, Err(403));
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": account},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "default"}],
    }))
    .unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &binding).await.unwrap();
    // A server takes some time to know of a binding.
    super::eventually("the role's metrics", async || {
        ask("https", address, Some(&token)).await.is_ok_and(|metrics| metrics.contains("# TYPE "))
    })
    .await;
}

/// An error is the status of the answer, or 0 if there was none.
async fn ask(scheme: &str, address: SocketAddr, token: Option<&str>) -> Result<String, u16> {
    let mut config = Config::new(format!("{scheme}://{address}").parse().unwrap());
    config.accept_invalid_certs = true;
    config.auth_info.token = token.map(|token| token.to_string().into());
    let client = Client::try_from(config).unwrap();
    let request = http::Request::get("/metrics").body(Vec::new()).unwrap();
    client.request_text(request).await.map_err(|error| match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    })
}
