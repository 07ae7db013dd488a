//! Discovery beside a server that counts its questions.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use kube::Client;
use kube::client::Body;
use kubewright_discovery::{Discovery, DiscoveryError, DiscoveryOptions};
use serde_json::{Value, json};
use tokio::time::advance;

#[derive(Default)]
struct Server {
    asked: AtomicUsize,
    /// Knows of no aggregated discovery.
    old: bool,
    has_widgets: AtomicBool,
}

impl Server {
    fn client(self: &Arc<Self>) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, std::io::Error>(server.answer(request.uri().path())) }
        });
        Client::new(service, "default")
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }

    fn answer(&self, path: &str) -> Response<Full<bytes::Bytes>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = if self.old { self.old_answer(path) } else { self.aggregated(path) };
        let code = if answer.is_null() { 404 } else { 200 };
        let failure = || json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "", "metadata": {}});
        let answer = if answer.is_null() { failure() } else { answer };
        Response::builder().status(code).body(Full::new(answer.to_string().into())).unwrap()
    }

    fn aggregated(&self, path: &str) -> Value {
        let resource = |name: &str, kind: &str, short: &str| {
            json!({
                "resource": name, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced",
                "singularResource": kind.to_lowercase(), "verbs": ["get", "list"], "shortNames": [short],
                "categories": ["all"], "subresources": [{"subresource": "status", "verbs": ["get"], "responseKind": {"group": "", "version": "", "kind": kind}}],
            })
        };
        let version = |name: &str, resources: Vec<Value>| json!({"version": name, "resources": resources});
        let group = |name: &str, versions: Vec<Value>| json!({"metadata": {"name": name}, "versions": versions});
        let items = match path {
            "/api" => vec![group(
                "",
                vec![version("v1", vec![resource("pods", "Pod", "po"), resource("events", "Event", "ev")])],
            )],
            _ => {
                let mut groups = vec![
                    group(
                        "apps",
                        vec![
                            version("v1", vec![resource("deployments", "Deployment", "deploy")]),
                            version("v1beta1", vec![resource("deployments", "Deployment", "deploy")]),
                        ],
                    ),
                    group("events.k8s.io", vec![version("v1", vec![resource("events", "Event", "ev")])]),
                ];
                if self.has_widgets.load(Ordering::Relaxed) {
                    groups.push(group("example.com", vec![version("v1", vec![resource("widgets", "Widget", "wd")])]));
                }
                groups
            }
        };
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
    }

    fn old_answer(&self, path: &str) -> Value {
        let list = |version: &str, resources: Value| json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources});
        match path {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
            "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
                {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}], "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}},
                {"name": "gone.example.com", "versions": [{"groupVersion": "gone.example.com/v1", "version": "v1"}]},
            ]}),
            "/api/v1" => list(
                "v1",
                json!([{"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get"], "shortNames": ["po"]}]),
            ),
            "/apis/apps/v1" => list(
                "apps/v1",
                json!([
                    {"name": "deployments", "singularName": "", "namespaced": true, "kind": "Deployment", "verbs": ["get"], "shortNames": ["deploy"]},
                    {"name": "deployments/scale", "singularName": "", "namespaced": true, "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
                ]),
            ),
            _ => Value::Null,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_found_by_all_its_names() {
    let server = Arc::new(Server::default());
    let discovery = Discovery::new(server.client(), DiscoveryOptions::default());
    for name in
        ["deployments", "deployment", "Deployment", "deploy", "deployments.apps", "deployments.v1.apps", "deploy.apps"]
    {
        let found = discovery.find(name).await.unwrap();
        assert_eq!((found.api_version(), &*found.plural), ("apps/v1".to_string(), "deployments"), "{name}");
        assert_eq!(found.subresources, ["status"]);
    }
    assert_eq!(discovery.find("deployments.v1beta1.apps").await.unwrap().version, "v1beta1");
    assert_eq!(discovery.find("events").await.unwrap().api_version(), "v1", "earlier groups go first");
    assert_eq!(discovery.find("events.events.k8s.io").await.unwrap().api_version(), "events.k8s.io/v1");
    assert_eq!(discovery.of_kind("apps", "Deployment", Some("v1beta1")).await.unwrap().version, "v1beta1");
    assert_eq!(server.asked(), 2, "once for each of /api and /apis");
    let resources = discovery.resources().await.unwrap();
    let all: Vec<&str> = resources.category("all").map(|resource| &*resource.plural).collect();
    assert_eq!(all, ["events", "pods", "deployments", "events"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_asked_for_again_but_not_each_time() {
    let server = Arc::new(Server::default());
    let discovery = Discovery::new(server.client(), DiscoveryOptions::default());
    assert!(matches!(discovery.find("widgets").await, Err(DiscoveryError::Unknown { name }) if name == "widgets"));
    assert!(discovery.find("widgets").await.is_err());
    assert_eq!(server.asked(), 2);
    server.has_widgets.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(11)).await;
    assert_eq!(discovery.find("wd").await.unwrap().kind, "Widget");
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_believed_for_a_time_or_until_it_is_invalidated() {
    let server = Arc::new(Server::default());
    let discovery = Discovery::new(server.client(), DiscoveryOptions::default());
    discovery.resources().await.unwrap();
    advance(Duration::from_secs(5 * 3600)).await;
    discovery.resources().await.unwrap();
    assert_eq!(server.asked(), 2);
    advance(Duration::from_secs(2 * 3600)).await;
    discovery.resources().await.unwrap();
    assert_eq!(server.asked(), 2);
    discovery.invalidate().await;
    discovery.resources().await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_directory_is_shared_in_the_form_of_kubectl() {
    let server = Arc::new(Server::default());
    let dir = tempfile::tempdir().unwrap();
    let options = DiscoveryOptions { dir: Some(dir.path().join("host_6443")), ..DiscoveryOptions::default() };
    let told = Discovery::new(server.client(), options.clone()).resources().await.unwrap();
    assert_eq!(server.asked(), 2);
    let read = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(dir.path().join("host_6443").join(path)).unwrap()).unwrap()
    };
    assert_eq!(read("servergroups.json")["kind"], "APIGroupList");
    assert_eq!(read("servergroups.json")["groups"][1]["preferredVersion"]["groupVersion"], "apps/v1");
    assert_eq!(read("apps/v1/serverresources.json")["groupVersion"], "apps/v1");
    assert_eq!(read("v1/serverresources.json")["resources"][0]["name"], "pods");
    assert_eq!(read("v1/serverresources.json")["resources"][1]["name"], "pods/status");

    let second = Discovery::new(server.client(), options.clone());
    assert_eq!(second.resources().await.unwrap(), told);
    assert_eq!(server.asked(), 0, "the second process asks nothing");
    server.has_widgets.store(true, Ordering::Relaxed);
    second.find("widgets").await.unwrap();
    assert_eq!(server.asked(), 2, "what the directory does not have is asked for at once");
    assert_eq!(read("example.com/v1/serverresources.json")["resources"][0]["kind"], "Widget");

    std::fs::write(dir.path().join("host_6443/v1/serverresources.json"), "half of").unwrap();
    assert_eq!(Discovery::new(server.client(), options).resources().await.unwrap().iter().count(), 6);
    assert_eq!(server.asked(), 2, "what cannot be read is asked for");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_aggregated_discovery_is_asked_for_each_version() {
    let server = Arc::new(Server { old: true, ..Server::default() });
    let discovery = Discovery::new(server.client(), DiscoveryOptions::default());
    let deployments = discovery.find("deploy").await.unwrap();
    assert_eq!(
        (deployments.api_version(), deployments.subresources),
        ("apps/v1".to_string(), vec!["scale".to_string()])
    );
    assert_eq!(discovery.find("po").await.unwrap().api_version(), "v1");
    assert_eq!(server.asked(), 5, "a version that does not answer costs only itself");
}
