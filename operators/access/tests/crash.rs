//! The operator stopped after each single call of a life cycle.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::Role as RoleObject;
use kube::Resource;
use kube::api::{Api, PostParams};
use kube::core::object::HasSpec;
use kubewright::patterns::request::RequestStatus;
use kubewright::runtime::conditions;
use kubewright_access::{
    Action, Cluster, Deleterequest, DeleterequestSpec, KubeconfigSpec, Operationrequest, OperationrequestSpec, Options,
    Requester, Role, Sealer, User, UserSpec, add_controllers_to, crds,
};
use kubewright_testing::{CrashTest, TestEnv, World};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

async fn ask<K>(world: &World<'_>, mut request: K, status: fn(K) -> Option<RequestStatus>)
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + HasSpec<Spec: Serialize>,
    K: Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let (client, namespace) = (world.client(), world.namespace());
    let sealer = Sealer::load(&client, namespace).await.unwrap();
    let requester = Requester {
        username: "root".into(),
        uid: None,
        groups: vec!["system:masters".into()],
        extra: Default::default(),
    };
    sealer.seal(&mut request, namespace, requester, Timestamp::now());
    let name = request.meta().name.clone().unwrap();
    let api = Api::<K>::namespaced(client, namespace);
    api.create(&PostParams::default(), &request).await.unwrap();
    let finished = async || {
        let request = api.get(&name).await.unwrap();
        status(request).filter(|status| status.phase.is_finished())
    };
    world.eventually(&format!("{name} is finished"), finished).await;
    world.mark(&name).await;
}

async fn user(world: &World<'_>, name: &str) {
    let users = Api::<User>::all(world.client());
    let kubeconfig = Some(KubeconfigSpec { expiration_seconds: 86_400 });
    users.create(&PostParams::default(), &User::new(name, UserSpec { kubeconfig })).await.unwrap();
    let ready = async || {
        let status = users.get(name).await.unwrap().status?;
        let is = |kind| conditions::is_true(&status.conditions, kind);
        (is("Ready") && is("KubeconfigReady")).then_some(())
    };
    world.eventually(&format!("{name} is ready"), ready).await;
}

/// What is different in each run: keys, tokens, seals, times.
fn normalise(object: &mut Value) {
    if object["kind"] == "Secret" {
        object["data"] = Value::Null;
    }
    object["metadata"]["annotations"] = Value::Null;
    if let Some(status) = object.pointer_mut("/status/kubeconfig/expirationTime") {
        *status = Value::Null;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_ends_in_the_same_state() {
    let env = TestEnv::embedded().await.unwrap();
    env.install_crds(&crds()).await.unwrap();
    let test = CrashTest::new(&env, |manager, life| {
        let cluster = Some(Cluster { server: "https://here".into(), authorities: None });
        let options = Options { cluster, ..Options::in_namespace(life.namespace()) };
        add_controllers_to(manager, &options).unwrap()
    })
    .normalise(normalise);
    let report = test
        .run(async |world| {
            let (name, namespace) = (format!("a-{}", world.namespace()), world.namespace().to_string());
            // The requests are about the run's own namespace, which has roles of those names.
            for role in [Role::Manager, Role::Developer] {
                let mut object = RoleObject { rules: Some(role.rules(&[])), ..RoleObject::default() };
                object.metadata.name = Some(role.name().into());
                Api::namespaced(world.client(), &namespace).create(&PostParams::default(), &object).await.unwrap();
            }
            user(world, &name).await;
            world.mark("user").await;
            for (request, action, role) in [
                ("grant", Action::Grant, Role::Manager),
                ("update", Action::Update, Role::Developer),
                ("deprive", Action::Deprive, Role::Developer),
            ] {
                let spec =
                    OperationrequestSpec { namespace: namespace.clone(), user: name.clone(), role: Some(role), action };
                ask(world, Operationrequest::new(request, spec), |request| request.status).await;
            }
            // Nobody is left: users are in no namespace, and the next run's operator would look after them.
            let deletion = DeleterequestSpec { user: name, delete_dependents: true };
            ask(world, Deleterequest::new("delete", deletion), |request| request.status).await;
        })
        .await;
    assert!(report.points >= 40, "{report}");
    env.stop().await;
}
