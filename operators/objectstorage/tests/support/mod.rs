//! What the tests of the operator share: an environment with the operator in it, and looks at what came of it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod fake;

use std::collections::BTreeMap;
use std::time::Duration;

use kubewright::k8s_openapi::api::core::v1::{Event, ResourceQuota, Secret};
use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubewright::kube::ResourceExt;
use kubewright::kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright::patterns::external::{Connect, GateOptions};
use kubewright::prelude::Manager;
use kubewright::queue::Backoff;
use kubewright_objectstorage::api::{ObjectStorageBucket, ObjectStorageUser};
use kubewright_objectstorage::storage::Storage;
use kubewright_objectstorage::{Options, Random, names};
use kubewright_testing::{Operator, TestEnv};
use serde_json::{Value, json};

use self::fake::{ConnectFake, Server, Shared};

/// An environment with the operator running in it.
pub struct World {
    pub env: TestEnv,
    pub operator: Operator,
    pub server: Shared,
    pub users: Api<ObjectStorageUser>,
    pub buckets: Api<ObjectStorageBucket>,
    pub secrets: Api<Secret>,
}

impl World {
    /// With the administrator's Secret, on a server in memory.
    pub async fn new() -> Self {
        Self::with(|options| options).await
    }

    pub async fn with(change: impl Fn(Options) -> Options) -> Self {
        let world = Self::without_secret(change).await;
        world.put_admin(&[("accessKey", "root"), ("secretKey", "root-secret")]).await;
        world
    }

    pub async fn without_secret(change: impl Fn(Options) -> Options) -> Self {
        let server = Server::new();
        let connect = ConnectFake { server: server.clone(), fuse: None };
        Self::on(TestEnv::start().await.unwrap(), server, change, move |_| connect.clone()).await
    }

    /// On any server.
    pub async fn on<C>(
        env: TestEnv,
        server: Shared,
        change: impl Fn(Options) -> Options,
        connect: impl Fn(&Options) -> C + Send + Sync + 'static,
    ) -> Self
    where
        C: Connect,
        C::Client: Storage,
    {
        env.install_crds(&kubewright_objectstorage::crds()).await.unwrap();
        let options = change(options(env.namespace()));
        let operator = env.operator(move |manager: Manager| {
            kubewright_objectstorage::add_to(manager, options.clone(), connect(&options)).unwrap()
        });
        let (client, namespace) = (env.client(), env.namespace());
        Self {
            operator,
            server,
            users: Api::namespaced(client.clone(), namespace),
            buckets: Api::namespaced(client.clone(), namespace),
            secrets: Api::namespaced(client, namespace),
            env,
        }
    }

    pub fn namespace(&self) -> &str {
        self.env.namespace()
    }

    /// The user of the namespace, on the server.
    pub fn user_name(&self) -> String {
        names::user(self.namespace()).to_string()
    }

    /// A bucket of the namespace, on the server.
    pub fn bucket_name(&self, name: &str) -> String {
        names::bucket(self.namespace(), name)
    }

    pub async fn put_admin(&self, keys: &[(&str, &str)]) {
        let keys: BTreeMap<_, _> = keys.iter().copied().collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "objectstorage-admin"}, "stringData": keys,
        });
        let _ = self.secrets.delete("objectstorage-admin", &DeleteParams::default()).await;
        self.secrets
            .patch("objectstorage-admin", &PatchParams::apply("test").force(), &Patch::Apply(secret))
            .await
            .unwrap();
    }

    pub async fn create_user(&self) {
        let user = serde_json::from_value(json!({"metadata": {"name": "user"}, "spec": {}})).unwrap();
        self.users.create(&PostParams::default(), &user).await.unwrap();
    }

    pub async fn create_bucket(&self, name: &str, spec: Value) {
        self.try_bucket(name, spec).await.unwrap();
    }

    pub async fn try_bucket(&self, name: &str, spec: Value) -> Result<ObjectStorageBucket, kubewright::kube::Error> {
        let api = Api::<kubewright::kube::api::DynamicObject>::namespaced_with(
            self.env.client(),
            self.namespace(),
            &kubewright::kube::api::ApiResource::erase::<ObjectStorageBucket>(&()),
        );
        let bucket = json!({
            "apiVersion": "objectstorage.sealos.io/v1", "kind": "ObjectStorageBucket",
            "metadata": {"name": name}, "spec": spec,
        });
        let created = api.create(&PostParams::default(), &serde_json::from_value(bucket).unwrap()).await?;
        Ok(created.try_parse().unwrap())
    }

    pub async fn patch_bucket(&self, name: &str, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.buckets.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub async fn put_quota(&self, size: &str) {
        let quotas = Api::<ResourceQuota>::namespaced(self.env.client(), self.namespace());
        let name = format!("quota-{}", self.namespace());
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name},
            "spec": {"hard": {"objectstorage/size": size}},
        });
        quotas.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(quota)).await.unwrap();
    }

    /// Waits until a condition of a bucket is as said.
    pub async fn bucket_is(&self, name: &str, status: &str, reason: &str) -> Condition {
        let what = format!("bucket {name} has Ready {status} {reason}");
        self.env
            .eventually(&what, async || {
                let conditions = self.buckets.get_opt(name).await.unwrap()?.status?.conditions;
                ready(conditions, status, reason)
            })
            .await
    }

    /// Waits until a condition of the user is as said.
    pub async fn user_is(&self, status: &str, reason: &str) -> Condition {
        let what = format!("the user has Ready {status} {reason}");
        self.env
            .eventually(&what, async || {
                let conditions = self.users.get_opt("user").await.unwrap()?.status?.conditions;
                ready(conditions, status, reason)
            })
            .await
    }

    pub async fn bucket_gone(&self, name: &str) {
        let gone = async || self.buckets.get_opt(name).await.unwrap().is_none().then_some(());
        self.env.eventually(&format!("bucket {name} is gone"), gone).await;
    }

    /// Waits for a state of the server.
    pub async fn server_has<T>(&self, what: &str, look: impl Fn(&Server) -> Option<T>) -> T {
        self.env.eventually(what, async || look(&self.server.lock())).await
    }

    /// What is in a Secret.
    pub async fn secret(&self, name: &str) -> BTreeMap<String, String> {
        let there = async || self.secrets.get_opt(name).await.unwrap();
        let secret = self.env.eventually(&format!("Secret {name}"), there).await;
        let data = secret.data.unwrap_or_default().into_iter();
        data.map(|(key, value)| (key, String::from_utf8(value.0).unwrap())).collect()
    }

    pub async fn events(&self, name: &str) -> Vec<(String, String, String)> {
        let events = Api::<Event>::namespaced(self.env.client(), self.namespace());
        let events = events.list(&ListParams::default()).await.unwrap().items.into_iter();
        let about = events.filter(|event| event.involved_object.name.as_deref() == Some(name));
        about
            .map(|event| {
                (event.type_.unwrap_or_default(), event.reason.unwrap_or_default(), event.message.unwrap_or_default())
            })
            .collect()
    }

    /// Waits for a Warning event and gives its message.
    pub async fn warning(&self, name: &str, reason: &str) -> String {
        let found = async || {
            let events = self.events(name).await;
            events.into_iter().find(|(kind, why, _)| kind == "Warning" && why == reason).map(|(_, _, message)| message)
        };
        self.env.eventually(&format!("Warning {reason} about {name}"), found).await
    }

    pub async fn stop(self) {
        self.operator.stop().await.unwrap();
        assert_eq!(self.operator.undeclared(), []);
        // A namespace of a real cluster could not go while a finalizer waits for an operator that is not there any more.
        for bucket in self.buckets.list(&ListParams::default()).await.unwrap() {
            let _ = self.buckets.patch(&bucket.name_any(), &PatchParams::default(), &no_finalizers()).await;
        }
        for user in self.users.list(&ListParams::default()).await.unwrap() {
            let _ = self.users.patch(&user.name_any(), &PatchParams::default(), &no_finalizers()).await;
        }
        self.env.stop().await;
    }
}

fn no_finalizers() -> Patch<Value> {
    Patch::Merge(json!({"metadata": {"finalizers": null}}))
}

fn ready(conditions: Vec<Condition>, status: &str, reason: &str) -> Option<Condition> {
    conditions.into_iter().find(|it| it.type_ == "Ready" && it.status == status && it.reason == reason)
}

/// Options for a namespace alone; nothing is looked at in a cycle unless a test wants it.
pub fn options(namespace: &str) -> Options {
    Options {
        internal_endpoint: "minio.test:9000".into(),
        external_endpoint: Some("https://minio.example.com".into()),
        namespace: namespace.into(),
        only_namespace: Some(namespace.into()),
        usage_age: Duration::ZERO,
        gate: GateOptions { failures: 1_000, ..GateOptions::default() },
        retry: Backoff { base: Duration::from_millis(20), max: Duration::from_millis(500), jitter: 0.2 },
        random: Random::seeded(1),
        ..Options::default()
    }
}
