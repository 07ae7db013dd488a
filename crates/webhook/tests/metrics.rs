//! Metrics at an address of their own: who gets them, and how.

#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Client, Config};
use kubewright_runtime::Manager;
use kubewright_testing::TestEnv;
use kubewright_webhook::{MetricsCertificate, MetricsOptions, MetricsSecurity, MetricsServer};
use serde_json::json;

type Address = Arc<dyn Fn() -> Option<SocketAddr> + Send + Sync>;

/// Adds a server to a manager, and tells where it will be.
fn served(manager: Manager, security: MetricsSecurity, told: &std::sync::Mutex<Option<Address>>) -> Manager {
    let server = MetricsServer::new(MetricsOptions { security, ..MetricsOptions::default() });
    *told.lock().unwrap() = Some(Arc::new(server.address()));
    server.add_to(manager)
}

/// Asks as Prometheus does with `insecureSkipVerify`. An error is the status of the answer, or 0 if there was none.
async fn ask(scheme: &str, address: SocketAddr, token: Option<&str>, path: &str) -> Result<String, u16> {
    let mut config = Config::new(format!("{scheme}://{address}").parse().unwrap());
    config.accept_invalid_certs = true;
    config.auth_info.token = token.map(|token| token.to_string().into());
    let client = Client::try_from(config).unwrap();
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    client.request_text(request).await.map_err(|error| match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    })
}

async fn token(env: &TestEnv, name: &str) -> String {
    let accounts = Api::<ServiceAccount>::namespaced(env.client(), env.namespace());
    let account = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    accounts.create(&PostParams::default(), &account).await.unwrap();
    let request = TokenRequest::default();
    let answer = accounts.create_token_request(name, &PostParams::default(), &request).await.unwrap();
    answer.status.unwrap().token.unwrap()
}

#[tokio::test]
async fn those_whom_a_role_allows_get_metrics_over_tls_and_nobody_else() {
    let env = TestEnv::start().await.unwrap();
    let told = Arc::new(std::sync::Mutex::new(None));
    let keep = told.clone();
    let operator =
        env.operator(move |manager| served(manager, MetricsSecurity::Authorized(MetricsCertificate::Made), &keep));
    operator.idle().await;
    let address = told.lock().unwrap().clone().unwrap();
    let address = env.eventually("it listens", async || address()).await;

    let (reader, other) = (token(&env, "reader").await, token(&env, "other").await);
    let name = format!("metrics-reader-{}", env.namespace());
    let (roles, bindings) = (Api::<ClusterRole>::all(env.client()), Api::<ClusterRoleBinding>::all(env.client()));
    let role = json!({"metadata": {"name": name}, "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]});
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": env.namespace()}],
    });
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();

    // An API server takes a moment to see a new binding.
    let text =
        env.eventually("the reader may", async || ask("https", address, Some(&reader), "/metrics").await.ok()).await;
    assert!(text.ends_with("# EOF\n") && text.contains("workqueue_depth"), "{text}");
    assert_eq!(ask("https", address, Some(&other), "/metrics").await, Err(403));
    assert_eq!(ask("https", address, Some("nonsense"), "/metrics").await, Err(401));
    assert_eq!(ask("https", address, None, "/metrics").await, Err(401));
    assert_eq!(ask("https", address, None, "/debug").await, Err(404));
    assert_eq!(ask("http", address, Some(&reader), "/metrics").await, Err(0), "nothing is told in plain text");

    assert_eq!(operator.undeclared(), []);
    operator.stop().await.unwrap();
    roles.delete(&name, &DeleteParams::default()).await.unwrap();
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    env.stop().await;
}

#[tokio::test]
async fn without_roles_and_without_tls_everybody_gets_them() {
    let env = TestEnv::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (security, scheme) in [
        (MetricsSecurity::Open, "http"),
        (MetricsSecurity::Encrypted(MetricsCertificate::Made), "https"),
        (MetricsSecurity::Encrypted(MetricsCertificate::Files(directory.path().into())), "https"),
    ] {
        if let MetricsSecurity::Encrypted(MetricsCertificate::Files(directory)) = &security {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
            std::fs::write(directory.join("tls.crt"), made.cert.pem()).unwrap();
            std::fs::write(directory.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
        }
        let told = Arc::new(std::sync::Mutex::new(None));
        let keep = told.clone();
        let operator = env.operator(move |manager| served(manager, security.clone(), &keep));
        operator.idle().await;
        let address = told.lock().unwrap().clone().unwrap();
        let address = env.eventually("it listens", async || address()).await;
        let text = ask(scheme, address, None, "/metrics").await.unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        operator.stop().await.unwrap();
    }
    env.stop().await;
}
