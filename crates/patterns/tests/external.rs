//! What `external` promises, with a remote system that fails as it is told to.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{
    ByteString,
    api::core::v1::{Event, Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, CustomResource, CustomResourceExt, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use kubewright_patterns::external::{
    Adoption, Connect, Connection, Deleted, Deletion, External, ExternalOptions, ExternalReconciler, Fault,
    GateOptions, Report, Unready, Work,
};
use kubewright_runtime::{Context, Controller, ControllerOptions, Manager, ObjectRef, Watch};
use kubewright_testing::{Operator, TestEnv};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[kube(group = "example.com", version = "v1", kind = "Volume", namespaced, status = "VolumeStatus")]
#[serde(rename_all = "camelCase")]
struct VolumeSpec {
    size: u32,
    #[serde(default)]
    orphan: bool,
    #[serde(default)]
    adopt: bool,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
struct VolumeStatus {
    name: Option<String>,
    size: Option<u32>,
    #[serde(default)]
    #[schemars(schema_with = "conditions")]
    conditions: Vec<Condition>,
}

fn conditions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let item = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    schemars::json_schema!({"type": "array", "items": item})
}

/// The remote system: sizes by name.
#[derive(Default)]
struct Store {
    volumes: BTreeMap<String, u32>,
    /// What each call answers instead.
    broken: Option<fn() -> Fault>,
    /// What creating and resizing answer instead.
    refusing: Option<fn() -> Fault>,
    calls: usize,
    clients: Vec<String>,
}

type Shared = Arc<Mutex<Store>>;

struct Client {
    store: Shared,
}

impl Client {
    async fn call<T>(&self, call: impl FnOnce(&mut Store) -> Result<T, Fault>) -> Result<T, Fault> {
        tokio::task::yield_now().await;
        let mut store = self.store.lock();
        store.calls += 1;
        match store.broken {
            Some(fault) => Err(fault()),
            None => call(&mut store),
        }
    }
}

struct Connector(Shared);

impl Connect for Connector {
    type Client = Client;

    fn connect(&self, secret: &BTreeMap<String, ByteString>) -> Result<Client, Fault> {
        let Some(key) = secret.get("key").filter(|key| !key.0.is_empty()) else {
            return Err(Fault::waiting("key \"key\" is missing or empty"));
        };
        self.0.lock().clients.push(String::from_utf8(key.0.clone()).unwrap());
        Ok(Client { store: self.0.clone() })
    }

    async fn probe(&self, client: &Client) -> Result<(), Fault> {
        client.call(|_| Ok(())).await
    }
}

struct Volumes(Connection<Connector>);

fn remote_name(volume: &Volume) -> String {
    format!("{}-{}", volume.namespace().unwrap(), volume.name_any())
}

impl External for Volumes {
    type Object = Volume;
    type Connect = Connector;
    type Intent = String;
    type Found = u32;
    type Status = VolumeStatus;

    const FINALIZER: &'static str = "example.com/volume";

    fn connection(&self, _: &Volume) -> &Connection<Connector> {
        &self.0
    }

    fn conditions<'a>(&self, volume: &'a Volume) -> &'a [Condition] {
        volume.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    fn intended(&self, volume: &Volume) -> bool {
        volume.status.as_ref().is_some_and(|status| status.name.is_some())
    }

    fn adoption(&self, volume: &Volume, _: &u32) -> Adoption {
        if volume.spec.adopt { Adoption::Adopt } else { Adoption::Refuse }
    }

    fn deletion(&self, volume: &Volume) -> Deletion {
        if volume.spec.orphan { Deletion::Orphan } else { Deletion::Delete }
    }

    async fn check(&self, volume: &Volume, _: &Context) -> Result<(), Fault> {
        match volume.spec.size {
            0 => Err(Fault::permanent("InvalidSize", "spec.size is 0: use at least 1")),
            _ => Ok(()),
        }
    }

    async fn observe(&self, work: &Work<'_, Self>) -> Result<Option<u32>, Fault> {
        let name = remote_name(work.object);
        work.remote.call(work.remote.client().call(|store| Ok(store.volumes.get(&name).copied()))).await
    }

    async fn intend(&self, work: &Work<'_, Self>) -> Result<String, Fault> {
        let name = remote_name(work.object);
        let mut status = work.object.status.clone().unwrap_or_default();
        status.name = Some(name.clone());
        work.ctx.set_status(&status).await?;
        Ok(name)
    }

    async fn create(&self, work: &Work<'_, Self>, name: &String) -> Result<(), Fault> {
        let (name, size) = (name.clone(), work.object.spec.size);
        let create = |store: &mut Store| match store.refusing {
            Some(fault) => Err(fault()),
            None => {
                store.volumes.insert(name, size);
                Ok(())
            }
        };
        work.remote.call(work.remote.client().call(create)).await
    }

    async fn update(&self, work: &Work<'_, Self>, name: &String, found: &mut u32) -> Result<Vec<String>, Fault> {
        if *found == work.object.spec.size {
            return Ok(Vec::new());
        }
        self.create(work, name).await?;
        *found = work.object.spec.size;
        Ok(vec!["size".into()])
    }

    async fn delete(&self, work: &Work<'_, Self>) -> Result<Deleted, Fault> {
        let name = remote_name(work.object);
        let shrink = |store: &mut Store| match store.volumes.get_mut(&name) {
            None => Ok(Deleted::Done),
            Some(size) if *size > 1 => {
                *size -= 1;
                Ok(Deleted::Unfinished)
            }
            Some(_) => {
                store.volumes.remove(&name);
                Ok(Deleted::Done)
            }
        };
        work.remote.call(work.remote.client().call(shrink)).await
    }

    fn unready(&self, _: &Volume, found: &u32) -> Option<Unready> {
        (*found > 100).then(|| Unready { reason: "Slow", message: "so large a volume is slow".into() })
    }

    fn status(&self, volume: &Volume, report: Report<'_, u32>) -> VolumeStatus {
        let before = volume.status.as_ref().and_then(|status| status.size);
        VolumeStatus {
            name: report.intended.then(|| remote_name(volume)),
            size: report.found.copied().or(before),
            conditions: report.conditions,
        }
    }
}

struct World {
    env: TestEnv,
    operator: Operator,
    store: Shared,
    volumes: Api<Volume>,
    secrets: Api<Secret>,
}

impl World {
    /// With the Secret there, and a short cycle.
    async fn new() -> Self {
        let world = Self::without_secret().await;
        world.put_secret("one").await;
        world
    }

    async fn without_secret() -> Self {
        let env = TestEnv::start().await.unwrap();
        let crds = Api::<CustomResourceDefinition>::all(env.client());
        let force = PatchParams::apply("test").force();
        crds.patch(&Volume::crd().name_any(), &force, &Patch::Apply(&Volume::crd())).await.unwrap();
        let volumes = Api::<Volume>::namespaced(env.client(), env.namespace());
        env.eventually("the kind is served", async || volumes.list(&ListParams::default()).await.ok()).await;
        let store = Shared::default();
        let secret = ObjectRef::new(Some(env.namespace()), "store");
        let shared = store.clone();
        let operator = env.operator(move |manager: Manager| {
            let options = GateOptions { failures: 1_000, ..GateOptions::default() };
            let connection = Connection::new("store", secret.clone(), Connector(shared.clone()), options);
            let cycle = Duration::from_millis(200);
            let options = ExternalOptions { cycle, ..ExternalOptions::default() };
            let reconciler = ExternalReconciler::new(Volumes(connection.clone()), options);
            let how = ControllerOptions {
                backoff: Default::default(),
                ..ExternalReconciler::<Volumes>::controller_options()
            };
            let controller = Controller::new("volumes", Watch::all(), reconciler).options(how);
            let controller = controller.reads(Watch::<Secret>::all()).writes_status().writes_finalizers();
            connection.add_to(manager).controller(controller)
        });
        let secrets = Api::namespaced(env.client(), env.namespace());
        Self { env, operator, store, volumes, secrets }
    }

    async fn put_secret(&self, key: &str) {
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "stringData": {"key": key}});
        self.secrets.patch("store", &PatchParams::apply("test").force(), &Patch::Apply(secret)).await.unwrap();
    }

    async fn create(&self, name: &str, spec: Value) {
        let volume = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        self.volumes.create(&PostParams::default(), &volume).await.unwrap();
    }

    fn remote(&self, name: &str) -> String {
        format!("{}-{name}", self.env.namespace())
    }

    fn size(&self, name: &str) -> Option<u32> {
        self.store.lock().volumes.get(&self.remote(name)).copied()
    }

    async fn ready(&self, name: &str, status: &str, reason: &str) -> Condition {
        self.env
            .eventually(&format!("{name} has Ready {status} {reason}"), async || {
                let volume = self.volumes.get_opt(name).await.unwrap()?;
                let conditions = volume.status?.conditions;
                conditions.into_iter().find(|it| it.type_ == "Ready" && it.status == status && it.reason == reason)
            })
            .await
    }

    async fn gone(&self, name: &str) {
        let gone = async || self.volumes.get_opt(name).await.unwrap().is_none().then_some(());
        self.env.eventually(&format!("{name} is gone"), gone).await;
    }

    async fn events(&self, name: &str) -> Vec<(String, String)> {
        let events = Api::<Event>::namespaced(self.env.client(), self.env.namespace());
        let events = events.list(&ListParams::default()).await.unwrap().items.into_iter();
        let about = events.filter(|event| event.involved_object.name.as_deref() == Some(name));
        about.map(|event| (event.type_.unwrap_or_default(), event.reason.unwrap_or_default())).collect()
    }

    async fn event(&self, name: &str, kind: &str, reason: &str) {
        let wanted = (kind.to_string(), reason.to_string());
        let there = async || self.events(name).await.contains(&wanted).then_some(());
        self.env.eventually(&format!("{kind} event {reason} about {name}"), there).await;
    }

    async fn stop(self) {
        self.operator.stop().await.unwrap();
        self.env.stop().await;
    }
}

#[tokio::test]
async fn a_resource_is_made_kept_in_line_and_removed_in_parts() {
    let world = World::new().await;
    world.create("a", json!({"size": 5})).await;
    world.ready("a", "True", "Available").await;
    assert_eq!(world.size("a"), Some(5));
    world.event("a", "Normal", "Created").await;

    world.store.lock().volumes.insert(world.remote("a"), 9);
    world.env.eventually("drift is repaired", async || (world.size("a") == Some(5)).then_some(())).await;
    world.event("a", "Normal", "Updated").await;
    world.store.lock().volumes.remove(&world.remote("a"));
    world.env.eventually("it is made again", async || (world.size("a") == Some(5)).then_some(())).await;

    world.volumes.delete("a", &DeleteParams::default()).await.unwrap();
    world.gone("a").await;
    assert_eq!(world.size("a"), None);
    world.stop().await;
}

#[tokio::test]
async fn a_settled_resource_costs_no_write() {
    let world = World::new().await;
    world.create("a", json!({"size": 5})).await;
    world.ready("a", "True", "Available").await;
    let cycles = async |count| {
        let calls = world.store.lock().calls;
        world.env.eventually("some cycles", async || (world.store.lock().calls > calls + count).then_some(())).await;
    };
    cycles(2).await;
    let before = world.volumes.get("a").await.unwrap().resource_version();
    cycles(4).await;
    assert_eq!(world.volumes.get("a").await.unwrap().resource_version(), before);
    world.stop().await;
}

#[tokio::test]
async fn temporary_faults_leave_no_mark_and_pass() {
    let world = World::new().await;
    world.create("a", json!({"size": 5})).await;
    world.ready("a", "True", "Available").await;
    world.store.lock().broken = Some(|| Fault::temporary("away"));
    world.create("b", json!({"size": 5})).await;
    assert_eq!(world.ready("b", "Unknown", "Pending").await.message, "waiting for the remote system");
    let calls = world.store.lock().calls;
    world.env.eventually("some tries", async || (world.store.lock().calls > calls + 9).then_some(())).await;
    world.ready("a", "True", "Available").await;
    world.store.lock().broken = None;
    world.ready("b", "True", "Available").await;
    let warnings = [world.events("a").await, world.events("b").await].concat();
    assert!(warnings.iter().all(|(kind, _)| kind == "Normal"), "{warnings:?}");
    world.stop().await;
}

#[tokio::test]
async fn permanent_faults_become_a_condition_and_a_warning_and_are_looked_at_again() {
    let world = World::new().await;
    world.store.lock().refusing = Some(|| Fault::permanent("QuotaExceeded", "the store is full: ask for more"));
    world.create("a", json!({"size": 5})).await;
    assert_eq!(world.ready("a", "False", "QuotaExceeded").await.message, "the store is full: ask for more");
    world.event("a", "Warning", "CreateFailed").await;
    world.store.lock().refusing = None;
    world.ready("a", "True", "Available").await;

    world.create("none", json!({"size": 0})).await;
    world.ready("none", "False", "InvalidSize").await;
    world.event("none", "Warning", "InvalidSize").await;
    world.volumes.delete("none", &DeleteParams::default()).await.unwrap();
    world.gone("none").await;
    world.stop().await;
}

#[tokio::test]
async fn what_was_there_before_is_taken_only_on_request_and_orphans_stay() {
    let world = World::new().await;
    for name in ["mine", "theirs"] {
        world.store.lock().volumes.insert(world.remote(name), 3);
    }
    world.create("theirs", json!({"size": 5})).await;
    world.ready("theirs", "False", "AlreadyExists").await;
    world.volumes.delete("theirs", &DeleteParams::default()).await.unwrap();
    world.gone("theirs").await;
    assert_eq!(world.size("theirs"), Some(3));

    world.create("mine", json!({"size": 5, "adopt": true, "orphan": true})).await;
    world.ready("mine", "True", "Available").await;
    world.event("mine", "Normal", "Adopted").await;
    assert_eq!(world.size("mine"), Some(5));
    world.volumes.delete("mine", &DeleteParams::default()).await.unwrap();
    world.gone("mine").await;
    assert_eq!(world.size("mine"), Some(5));
    world.stop().await;
}

#[tokio::test]
async fn a_failed_removal_is_told_and_tried_again() {
    let world = World::new().await;
    world.create("a", json!({"size": 2})).await;
    world.ready("a", "True", "Available").await;
    world.store.lock().broken = Some(|| Fault::permanent("AccessDenied", "not allowed"));
    world.volumes.delete("a", &DeleteParams::default()).await.unwrap();
    world.event("a", "Warning", "DeleteFailed").await;
    world.ready("a", "False", "AccessDenied").await;
    world.store.lock().broken = None;
    world.gone("a").await;
    assert_eq!(world.size("a"), None);
    world.stop().await;
}

#[tokio::test]
async fn the_client_comes_with_the_secret_and_anew_when_it_changes() {
    let world = World::without_secret().await;
    world.create("a", json!({"size": 1})).await;
    let message = world.ready("a", "Unknown", "Pending").await.message;
    assert!(message.ends_with("store with the credentials is missing: create it"), "{message}");
    let faults = world.operator.ready().await.unwrap_err();
    assert!(faults.iter().any(|fault| fault.starts_with("endpoint store: ")), "{faults:?}");

    world.put_secret("").await;
    let wanted = "store: key \"key\" is missing or empty";
    let told = async || world.ready("a", "Unknown", "Pending").await.message.ends_with(wanted).then_some(());
    world.env.eventually(wanted, told).await;
    world.put_secret("one").await;
    world.ready("a", "True", "Available").await;
    world.env.eventually("ready", async || world.operator.ready().await.ok()).await;
    world.put_secret("two").await;
    let clients = || world.store.lock().clients.clone();
    world.env.eventually("a client with the new key", async || (clients().len() == 2).then_some(())).await;
    world.create("b", json!({"size": 1})).await;
    world.ready("b", "True", "Available").await;
    assert_eq!(clients(), ["one", "two"]);
    world.stop().await;
}

#[tokio::test]
async fn what_exists_and_is_of_no_use_is_not_ready() {
    let world = World::new().await;
    world.create("a", json!({"size": 101})).await;
    assert_eq!(world.ready("a", "False", "Slow").await.message, "so large a volume is slow");
    world.stop().await;
}
