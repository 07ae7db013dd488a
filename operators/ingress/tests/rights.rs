//! The operator works with the rights that it says it needs, and tells which are missing.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use kubewright::k8s_openapi::api::core::v1::{Event, Service, ServiceAccount};
use kubewright::k8s_openapi::api::networking::v1::Ingress;
use kubewright::k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kubewright::kube::Client;
use kubewright::kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kubewright::kube::core::ObjectMeta;
use kubewright::prelude::*;
use kubewright::runtime::Rights;
use kubewright_ingress::Options;
use kubewright_testing::TestEnv;
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn manager(client: Client) -> Manager {
    let options = ManagerOptions { listen: None, ..ManagerOptions::default() };
    Manager::new(client, options).controller(kubewright_ingress::controller(Options::default()).unwrap())
}

/// A ServiceAccount, and a client in its name.
async fn service_account(env: &TestEnv) -> Client {
    let accounts = Api::<ServiceAccount>::namespaced(env.client(), env.namespace());
    let metadata = ObjectMeta { name: Some("operator".into()), ..ObjectMeta::default() };
    accounts.create(&PostParams::default(), &ServiceAccount { metadata, ..ServiceAccount::default() }).await.unwrap();
    env.user(&format!("system:serviceaccount:{}:operator", env.namespace()), &[]).unwrap()
}

/// What `kubewright rbac` prints, applied.
async fn grant(env: &TestEnv, name: &str, rights: &Rights) -> (Api<ClusterRole>, Api<ClusterRoleBinding>) {
    let (roles, bindings) = (Api::all(env.client()), Api::all(env.client()));
    let role: ClusterRole = serde_saphyr::from_str(&rights.to_yaml(name)).unwrap();
    roles.create(&PostParams::default(), &role).await.unwrap();
    let binding = rights.bindings_to_yaml(name, env.namespace(), "operator");
    let binding: ClusterRoleBinding = serde_saphyr::from_str(&binding).unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    (roles, bindings)
}

#[tokio::test]
async fn the_operator_works_with_the_rights_that_it_derives_and_no_others() {
    let env = TestEnv::start().await.unwrap();
    let client = service_account(&env).await;
    let manager = manager(client);
    let rights = manager.rbac();
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    let running = tokio::spawn(manager.run(stop.clone()));
    let told = "controller ingress rights: not allowed: ";
    let missing = env.eventually("the missing rights are told", async || {
        handle.ready().err()?.into_iter().find(|fault| fault.starts_with(told))
    });
    let missing = missing.await;
    for right in rights.iter() {
        assert!(missing.contains(&right.to_string()), "{right} in {missing}");
    }

    let name = format!("{}-operator", env.namespace());
    let (roles, bindings) = grant(&env, &name, &rights).await;
    env.eventually("it is ready", async || handle.ready().ok()).await;
    let services = Api::<Service>::namespaced(env.client(), env.namespace());
    let asks = |name: &str, port: &str| {
        let annotations = json!({"ingress/http": "true", "ingress/port": port});
        json!({"metadata": {"name": name, "annotations": annotations}, "spec": {"ports": [{"port": 80}]}})
    };
    for (name, port) in [("web", "80"), ("refused", "nope")] {
        let service = serde_json::from_value(asks(name, port)).unwrap();
        services.create(&PostParams::default(), &service).await.unwrap();
    }
    let events = Api::<Event>::namespaced(env.client(), env.namespace());
    let about = ListParams::default().fields("reason=PortNotFound");
    env.eventually("an event", async || events.list(&about).await.unwrap().items.pop()).await;
    let ingresses = Api::<Ingress>::namespaced(env.client(), env.namespace());
    env.eventually("the Ingress", async || ingresses.get_opt("web").await.unwrap()).await;
    ingresses.delete("web", &DeleteParams::default()).await.unwrap();
    env.eventually("it is made again", async || ingresses.get_opt("web").await.unwrap()).await;
    let patch = json!({"metadata": {"annotations": {"ingress/http": "false"}}});
    services.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    env.eventually("it is pruned", async || ingresses.get_opt("web").await.unwrap().is_none().then_some(())).await;
    assert_eq!(handle.ready(), Ok(()));
    assert!(handle.status()[0].failing.is_empty(), "{:?}", handle.status()[0].failing);
    assert_eq!(handle.undeclared(), []);
    stop.cancel();
    running.await.unwrap().unwrap();
    roles.delete(&name, &DeleteParams::default()).await.unwrap();
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    env.stop().await;
}
