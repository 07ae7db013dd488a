//! What the tests share: an environment with the operator, pods that run, a third party that answers.

#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Event, Pod, Secret, Service};
use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright::kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
};
use kubewright::kube::{self, Client, Resource, ResourceExt};
use kubewright::prelude::*;
use kubewright_dataservice::{DataService, Options, crds};
use kubewright_testing::{Operator, TestEnv};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The sample as users write it.
pub(crate) const SAMPLE: &str = include_str!("../sample.yaml");

/// The components of the sample that have pods.
pub(crate) const RUNNING: [&str; 11] = [
    "mysql-dataservice",
    "eureka",
    "api-manager",
    "auth",
    "ds-adapter",
    "es-adapter",
    "trd-adapter",
    "gateway-master",
    "gateway-web",
    "proxy",
    "web",
];

/// Has pods running and ready as soon as they are there, unless their image or their annotation says `broken`.
struct Runner;

impl Reconciler for Runner {
    type Object = Pod;

    async fn reconcile(&self, pod: Arc<Pod>, ctx: &Context) -> Result<Outcome, Error> {
        if pod.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let image = pod.spec.as_ref().and_then(|spec| spec.containers.first()?.image.clone()).unwrap_or_default();
        let broken = image.contains("broken") || pod.annotations().contains_key("broken");
        let since = pod.metadata.creation_timestamp.clone();
        let ready =
            json!({"type": "Ready", "status": if broken { "False" } else { "True" }, "lastTransitionTime": since});
        ctx.set_status(&json!({"phase": "Running", "conditions": [ready]})).await?;
        Ok(Outcome::Settled)
    }
}

/// An environment with the operator running in it, and a namespace of the test's own.
pub(crate) struct World {
    pub(crate) env: TestEnv,
    pub(crate) client: Client,
    pub(crate) operator: Operator,
    pub(crate) services: Api<DataService>,
    runner: Operator,
}

pub(crate) fn options() -> Options {
    // Third parties are asked often, as tests wait for what they answer.
    let often = Duration::from_millis(100);
    Options { probe_retry: often, probe_interval: often, ..Options::default() }
}

impl World {
    pub(crate) async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        env.install_crds(&crds()).await.unwrap();
        let namespace = env.namespace().to_string();
        let runner = env.operator(move |manager| {
            let pods = Watch::<Pod>::all().namespace(&namespace);
            manager.controller(Controller::new("runner", pods, Runner).writes_status())
        });
        let operator =
            env.operator(|manager| manager.controller(kubewright_dataservice::controller(options()).unwrap()));
        let client = env.client();
        let services = Api::namespaced(client.clone(), env.namespace());
        Self { env, client, operator, services, runner }
    }

    pub(crate) async fn stop(self) {
        self.operator.stop().await.unwrap();
        self.runner.stop().await.unwrap();
        self.env.stop().await;
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kubewright::k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), self.env.namespace())
    }

    /// Applies a DataService as `kubectl apply --server-side` does.
    pub(crate) async fn apply(&self, object: &Value) -> kube::Result<DataService> {
        let params = PatchParams::apply("user").force();
        let name = object["metadata"]["name"].as_str().unwrap();
        self.services.patch(name, &params, &Patch::Apply(object)).await
    }

    /// Changes the specification.
    pub(crate) async fn change(&self, name: &str, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.services.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn get<K>(&self, name: &str) -> K
    where
        K: Resource<DynamicType = (), Scope = kubewright::k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        self.api::<K>().get(name).await.unwrap()
    }

    pub(crate) async fn names<K>(&self) -> Vec<String>
    where
        K: Resource<DynamicType = (), Scope = kubewright::k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let list = self.api::<K>().list(&ListParams::default()).await.unwrap();
        list.items.iter().map(ResourceExt::name_any).filter(|name| name != "kube-root-ca.crt").collect()
    }

    /// A condition as it stands now.
    pub(crate) async fn condition(&self, name: &str, kind: &str) -> Option<Condition> {
        let service = self.services.get(name).await.unwrap();
        condition(&service, kind)
    }

    /// Waits until the condition has this reason, for the present generation.
    pub(crate) async fn reason(&self, name: &str, kind: &str, reason: &str) -> Condition {
        let found = async || {
            let service = self.services.get(name).await.unwrap();
            let current = |condition: &Condition| {
                condition.reason == reason && condition.observed_generation == service.metadata.generation
            };
            condition(&service, kind).filter(current)
        };
        self.env.eventually(&format!("{name}: {kind} because of {reason}"), found).await
    }

    /// Waits until it is ready in its present generation.
    pub(crate) async fn ready(&self, name: &str) -> DataService {
        // It may be over a moment later, when something has changed before this was called.
        assert_eq!(self.reason(name, "Ready", "AllComponentsReady").await.status, "True");
        self.services.get(name).await.unwrap()
    }

    pub(crate) async fn warnings(&self, reason: &str) -> Vec<String> {
        let fields = format!("reason={reason}");
        let events = self.api::<Event>().list(&ListParams::default().fields(&fields)).await.unwrap();
        events
            .items
            .into_iter()
            .filter(|event| event.type_.as_deref() == Some("Warning"))
            .filter_map(|e| e.message)
            .collect()
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.services.delete(name, &DeleteParams::background()).await.unwrap();
    }

    /// All objects of the kinds that a DataService consists of which it owns: kind, name, uid, version.
    pub(crate) async fn children(&self, owner: &str) -> Vec<(String, String, String, String)> {
        let mut children = Vec::new();
        for kind in kinds() {
            let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), self.env.namespace(), &kind);
            for object in api.list(&ListParams::default()).await.unwrap() {
                let owned =
                    object.owner_references().iter().any(|found| found.kind == "DataService" && found.name == owner);
                if owned {
                    let (uid, version) = (object.uid().unwrap(), object.resource_version().unwrap());
                    children.push((kind.kind.clone(), object.name_any(), uid, version));
                }
            }
        }
        children
    }

    /// Waits until nothing of the kinds is left.
    pub(crate) async fn nothing_left(&self, owner: &str) {
        self.env.eventually("nothing is left", async || self.children(owner).await.is_empty().then_some(())).await;
    }
}

fn kinds() -> [ApiResource; 6] {
    [
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<StatefulSet>(&()),
        ApiResource::erase::<DaemonSet>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Secret>(&()),
    ]
}

pub(crate) fn condition(service: &DataService, kind: &str) -> Option<Condition> {
    service.status.iter().flat_map(|status| &status.conditions).find(|condition| condition.type_ == kind).cloned()
}

/// How many of each kind.
pub(crate) fn count(children: &[(String, String, String, String)]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (kind, ..) in children {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    counts
}

/// The sample, in the namespace, with its third party where it is really served.
pub(crate) fn sample(namespace: &str, third_party: &ThirdPartyServer) -> Value {
    let text = SAMPLE.replace("https://id.example.com/duc", &third_party.url());
    let mut sample: Value = serde_saphyr::from_str(&text).unwrap();
    sample["metadata"]["namespace"] = json!(namespace);
    sample
}

/// A DataService with a database, two services and the web, and no ports on nodes, which all tests on a cluster share.
pub(crate) fn small(namespace: &str, name: &str) -> Value {
    let service =
        |name: &str, port: u16| json!({"name": null, "image": format!("{name}:v1"), "port": port, "replica": 1});
    json!({
        "apiVersion": "d3os-product.com.d3os/v1", "kind": "DataService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "mysql": {"name": null, "image": "mysql:1"},
            "auth": service("auth", 9081), "gateway-web": service("gateway-web", 9084), "web": service("web", 80),
        },
    })
}

/// A server on loopback that answers, or not.
pub(crate) struct ThirdPartyServer {
    port: u16,
    up: Arc<AtomicBool>,
}

impl ThirdPartyServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, up) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(true)));
        let answers = up.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let status = if answers.load(Ordering::Relaxed) { "200 OK" } else { "503 Service Unavailable" };
                // Whoever asks may go away.
                _ = stream.read(&mut [0; 1024]).await;
                _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
            }
        });
        Self { port, up }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/duc", self.port)
    }

    pub(crate) fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
    }
}

/// Creates an object of any kind.
pub(crate) async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: Clone + serde::Serialize + DeserializeOwned + std::fmt::Debug,
{
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}
