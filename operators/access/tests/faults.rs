//! An API server that refuses, and time that passes; and the rights that the operator needs.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::client::Body;
use kube::{Client, ResourceExt};
use kubewright::patterns::request::{Phase, RequestStatus};
use kubewright::prelude::*;
use kubewright::runtime::clock::TokioClock;
use kubewright::runtime::conditions;
use kubewright_access::{
    Action, Cluster, Deleterequest, DeleterequestSpec, KubeconfigSpec, Operationrequest, OperationrequestSpec, Options,
    Role, Sealer, User, UserSpec, add_controllers_to, crds, namespace_of,
};
use kubewright_testing::TestEnv;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What is answered instead: to which method, to paths with which end, with which code.
type Fault = Option<(Method, String, u16)>;

struct World {
    env: TestEnv,
    fault: Arc<Mutex<Fault>>,
    stop: CancellationToken,
}

impl World {
    /// On paused time.
    async fn new() -> Self {
        let env = TestEnv::embedded().await.unwrap();
        env.install_crds(&crds()).await.unwrap();
        let fault = Arc::new(Mutex::new(None));
        let clock = Arc::new(TokioClock::start());
        let options = ManagerOptions { listen: None, clock, ..ManagerOptions::default() };
        let manager = Manager::new(faulty(env.client(), fault.clone()), options);
        let manager = add_controllers_to(manager, &Options::in_namespace(env.namespace())).unwrap();
        let stop = CancellationToken::new();
        let run = manager.run(stop.clone());
        tokio::spawn(async move { run.await.unwrap() });
        let world = Self { env, fault, stop };
        user(&world.env, "alice").await;
        user(&world.env, "bob").await;
        world
    }

    fn answer(&self, method: Method, end: &str, code: u16) {
        *self.fault.lock() = Some((method, end.into(), code));
    }

    async fn status(&self, name: &str) -> RequestStatus {
        status(&self.env, name).await.unwrap_or_default()
    }
}

fn faulty(client: Client, fault: Arc<Mutex<Fault>>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        let refused = fault
            .lock()
            .clone()
            .filter(|(method, end, _)| request.method() == method && request.uri().path().ends_with(end.as_str()));
        async move {
            let Some((.., code)) = refused else { return client.send(request).await };
            let status =
                json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "staged"});
            let answer = Response::builder().status(StatusCode::from_u16(code).unwrap());
            Ok(answer.body(Body::from(status.to_string().into_bytes())).unwrap())
        }
    });
    Client::new(service, "default")
}

async fn user(env: &TestEnv, name: &str) {
    let users = Api::<User>::all(env.client());
    let kubeconfig = Some(KubeconfigSpec { expiration_seconds: 3600 });
    users.create(&PostParams::default(), &User::new(name, UserSpec { kubeconfig })).await.unwrap();
    let ready = async || {
        let status = users.get(name).await.unwrap().status?;
        conditions::is_true(&status.conditions, "Ready").then_some(())
    };
    env.eventually(&format!("{name} is ready"), ready).await;
}

async fn operate(env: &TestEnv, name: &str, action: Action, role: Role) {
    let spec = OperationrequestSpec { namespace: namespace_of("alice"), user: "bob".into(), role: Some(role), action };
    let mut request = Operationrequest::new(name, spec);
    let sealer = Sealer::load(&env.client(), env.namespace()).await.unwrap();
    sealer.seal(&mut request, env.namespace(), support::admin(), Timestamp::now());
    let api = Api::<Operationrequest>::namespaced(env.client(), env.namespace());
    api.create(&PostParams::default(), &request).await.unwrap();
}

async fn status(env: &TestEnv, name: &str) -> Option<RequestStatus> {
    let api = Api::<Operationrequest>::namespaced(env.client(), env.namespace());
    api.get_opt(name).await.unwrap()?.status
}

async fn delete(env: &TestEnv, name: &str) {
    let spec = DeleterequestSpec { user: "bob".into(), delete_dependents: true };
    let mut request = Deleterequest::new(name, spec);
    let sealer = Sealer::load(&env.client(), env.namespace()).await.unwrap();
    sealer.seal(&mut request, env.namespace(), support::admin(), Timestamp::now());
    let api = Api::<Deleterequest>::namespaced(env.client(), env.namespace());
    api.create(&PostParams::default(), &request).await.unwrap();
}

//
#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_for_a_while_fails_no_request_and_an_hour_after_its_end_it_is_gone() {
    let world = World::new().await;
    world.answer(Method::POST, "/rolebindings", 503);
    operate(&world.env, "grant", Action::Grant, Role::Manager).await;
    let waits = async || Some(world.status("grant").await).filter(|status| status.retry_time.is_some());
    let status = world.env.eventually("it waits", waits).await;
    assert_eq!(status.phase, Phase::Processing);
    let start = Instant::now();
    *world.fault.lock() = None;
    let done = async || Some(world.status("grant").await).filter(|status| status.phase == Phase::Completed);
    world.env.eventually("it is done", done).await;
    assert!((25..=32).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());

    tokio::time::sleep(Duration::from_secs(3500)).await;
    assert_eq!(world.status("grant").await.phase, Phase::Completed);
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert_eq!(status_of_gone(&world).await, None);
    world.stop.cancel();
    world.env.stop().await;
}

async fn status_of_gone(world: &World) -> Option<RequestStatus> {
    status(&world.env, "grant").await
}

//
#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_refused_fails() {
    let world = World::new().await;
    world.answer(Method::DELETE, "/users/bob", 403);
    delete(&world.env, "bye").await;
    let api = Api::<Deleterequest>::namespaced(world.env.client(), world.env.namespace());
    let failed = async || api.get("bye").await.unwrap().status.filter(|status| status.phase == Phase::Failed);
    let status = world.env.eventually("it has failed", failed).await;
    assert!(status.message.unwrap().contains("staged") && status.completion_time.is_some());
    assert!(Api::<User>::all(world.env.client()).get("bob").await.unwrap().metadata.deletion_timestamp.is_none());
    world.stop.cancel();
    world.env.stop().await;
}

#[tokio::test]
async fn the_operator_works_with_the_rights_that_it_derives_and_no_others() {
    let env = TestEnv::embedded().await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let namespace = env.namespace().to_string();
    let accounts = Api::<ServiceAccount>::namespaced(env.client(), &namespace);
    let metadata = ObjectMeta { name: Some("operator".into()), ..ObjectMeta::default() };
    accounts.create(&PostParams::default(), &ServiceAccount { metadata, ..ServiceAccount::default() }).await.unwrap();
    let client = env.user(&format!("system:serviceaccount:{namespace}:operator"), &[]).unwrap();
    let cluster = Some(Cluster { server: "https://here".into(), authorities: None });
    let options = Options { cluster, ..Options::in_namespace(&namespace) };
    let manager = Manager::new(client, ManagerOptions { listen: None, ..ManagerOptions::default() });
    let manager = add_controllers_to(manager, &options).unwrap();
    let rights = manager.rbac();
    let yaml = format!("{}{}", rights.to_yaml("access"), rights.bindings_to_yaml("access", &namespace, "operator"));
    for document in yaml.split("---\n").filter(|document| !document.trim().is_empty()) {
        let object: kube::api::DynamicObject = serde_saphyr::from_str(document).unwrap();
        let types = object.types.clone().unwrap();
        let gvk = kube::core::GroupVersionKind::try_from(&types).unwrap();
        let kind = kube::api::ApiResource::from_gvk(&gvk);
        let api = match object.namespace() {
            Some(namespace) => Api::<kube::api::DynamicObject>::namespaced_with(env.client(), &namespace, &kind),
            None => Api::all_with(env.client(), &kind),
        };
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    user(&env, "alice").await;
    user(&env, "bob").await;
    for (name, action, role) in [
        ("grant", Action::Grant, Role::Owner),
        ("update", Action::Update, Role::Manager),
        ("deprive", Action::Deprive, Role::Manager),
    ] {
        operate(&env, name, action, role).await;
        let finished = async || status(&env, name).await.filter(|status| status.phase.is_finished());
        let end = env.eventually(&format!("{name} is finished"), finished).await;
        assert_eq!(end.phase, Phase::Completed, "{end:?}");
    }
    delete(&env, "bye").await;
    let api = Api::<Deleterequest>::namespaced(env.client(), &namespace);
    let finished = async || api.get("bye").await.unwrap().status.filter(|status| status.phase.is_finished());
    let end = env.eventually("the deletion is finished", finished).await;
    assert_eq!(end.phase, Phase::Completed, "{end:?}");
    assert_eq!(handle.undeclared(), []);
    assert_eq!(handle.ready(), Ok(()));
    stop.cancel();
    running.await.unwrap().unwrap();
    env.stop().await;
}
