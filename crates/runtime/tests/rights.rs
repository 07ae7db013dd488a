//! The rights that a manager needs: derived, printed, and asked for at start.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use kubewright_runtime::{
    Access, Context, Controller, Endpoint, Error, LeaderElection, Manager, ManagerError, ManagerOptions, OWN_CLUSTER,
    Outcome, Replicas, Rights, RightsCheck, Watch, rights,
};
use serde_json::json;
use support::{FakeApi, eventually, parent, run, start, told};

fn controller() -> Controller {
    Controller::new("test", Watch::<ConfigMap>::all(), told(|_, _| Box::pin(async { Ok(Outcome::Settled) })))
        .owns(Watch::<Secret>::all().namespace("apps"))
}

#[tokio::test]
async fn rights_follow_from_what_is_watched_owned_and_declared() {
    let mut election = LeaderElection::new("x");
    election.namespace = Some("system".into());
    let options = ManagerOptions { replicas: Replicas::Leader(election), ..ManagerOptions::default() };
    let controller = controller()
        .writes_status()
        .writes_finalizers()
        .may(Rights::on::<Service>(["delete"]).within("apps"))
        .endpoint(Endpoint::new("push", Access::Cluster), |_| Ok(None));
    let manager = Manager::new(rights::unconnected(), options).controller(controller);
    let expected = r#"---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: test
rules:
- apiGroups: [""]
  resources: ["events"]
  verbs: ["create", "patch"]
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["get", "list", "patch", "watch"]
- apiGroups: [""]
  resources: ["configmaps/status"]
  verbs: ["patch"]
- apiGroups: [""]
  resources: ["configmaps/finalizers"]
  verbs: ["update"]
- apiGroups: ["authentication.k8s.io"]
  resources: ["tokenreviews"]
  verbs: ["create"]
- apiGroups: ["authorization.k8s.io"]
  resources: ["subjectaccessreviews"]
  verbs: ["create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: test
  namespace: apps
rules:
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["create", "delete", "get", "list", "patch", "watch"]
- apiGroups: [""]
  resources: ["services"]
  verbs: ["delete"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: test
  namespace: system
rules:
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create", "get", "update"]
"#;
    assert_eq!(manager.rbac().to_yaml("test"), expected);
}

fn manager(api: &FakeApi, rights: RightsCheck) -> Manager {
    Manager::new(api.client(), ManagerOptions { listen: None, rights, ..ManagerOptions::default() })
}

#[test]
fn who_has_a_right_everywhere_needs_it_in_no_namespace() {
    let everywhere =
        Controller::new("test", Watch::<ConfigMap>::all(), told(|_, _| Box::pin(async { Ok(Outcome::Settled) })))
            .reads(Watch::<ConfigMap>::all().namespace("apps"));
    assert!(
        everywhere.rights(OWN_CLUSTER).iter().all(|right| right.namespace.is_none()),
        "{:?}",
        everywhere.rights(OWN_CLUSTER)
    );
}

#[test]
fn roles_are_bound_to_a_service_account() {
    let rights = Rights::on::<ConfigMap>(["get"]).into_iter().chain(Rights::on::<Secret>(["get"]).within("apps"));
    let expected = "---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: test
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: test
subjects:
- kind: ServiceAccount
  name: operator
  namespace: system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: test
  namespace: apps
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: test
subjects:
- kind: ServiceAccount
  name: operator
  namespace: system
";
    assert_eq!(rights.collect::<Rights>().bindings_to_yaml("test", "system", "operator"), expected);
}

#[tokio::test(start_paused = true)]
async fn readiness_names_the_rights_that_are_missing_until_they_are_there() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api.deny("delete", "secrets");
    api.deny("watch", "configmaps");
    let manager = start(manager(&api, RightsCheck::default()).controller(controller()));
    let missing = "controller test rights: not allowed: watch configmaps, delete secrets in namespace apps";
    eventually("it is told", || manager.handle.ready() == Err(vec![missing.to_string()])).await;
    api.permit("delete", "secrets");
    api.permit("watch", "configmaps");
    eventually("it is asked again", || manager.handle.ready() == Ok(())).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_manager_can_be_told_to_end_when_rights_are_missing() {
    let api = FakeApi::default();
    api.deny("delete", "secrets");
    let manager = start(manager(&api, RightsCheck::Enforce).controller(controller()));
    let error = manager.ended().await.unwrap_err();
    let ManagerError::MissingRights { missing } = &error else { panic!("{error}") };
    assert_eq!(missing.len(), 1);
    assert!(error.to_string().contains("delete secrets in namespace apps"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn rights_of_what_is_no_controller_are_asked_for_too() {
    let api = FakeApi::default();
    api.deny("patch", "services");
    let manager = start(manager(&api, RightsCheck::default()).may(Rights::on::<Service>(["patch"])));
    let missing = "manager rights: not allowed: patch services";
    eventually("it is told", || manager.handle.ready() == Err(vec![missing.to_string()])).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_goes_takes_its_missing_rights_with_it() {
    let api = FakeApi::default();
    api.deny("delete", "secrets");
    let manager = start(manager(&api, RightsCheck::default()));
    manager.handle.add_controller(controller()).await.unwrap();
    eventually("it is told", || manager.handle.ready().is_err_and(|faults| faults[0].contains("delete secrets"))).await;
    assert!(manager.handle.remove_controller("test").await);
    assert_eq!(manager.handle.ready(), Ok(()));
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rights_need_not_be_asked_for() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let manager = start(manager(&api, RightsCheck::Off).controller(controller()));
    manager.settled().await;
    assert!(!api.requests().iter().any(|request| request.path.ends_with("selfsubjectaccessreviews")));
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_can_not_be_asked_does_not_keep_the_manager_from_its_work() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    api.fail(http::Method::POST, 500);
    let manager = run(&api, [controller()]);
    eventually("it works", || manager.handle.ready().is_ok()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(manager.handle.ready(), Ok(()));
    manager.stop().await.unwrap();
}

fn make_a_secret(_: Arc<ConfigMap>, ctx: &Context) -> BoxFuture<'_, Result<Outcome, Error>> {
    Box::pin(async move {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        let secrets = Api::<Secret>::namespaced(ctx.client().clone(), "apps");
        secrets.patch("s", &PatchParams::apply("test"), &Patch::Apply(secret)).await?;
        Ok(Outcome::Settled)
    })
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_used_without_being_declared_is_told() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let controller = || Controller::new("test", Watch::<ConfigMap>::all(), told(make_a_secret));
    let manager = run(&api, [controller()]);
    manager.settled().await;
    let undeclared = manager.handle.undeclared();
    assert_eq!(undeclared.iter().map(ToString::to_string).collect::<Vec<_>>(), ["patch secrets in namespace apps"]);
    manager.stop().await.unwrap();

    let manager = run(&api, [controller().may(Rights::on::<Secret>(["patch"]))]);
    manager.settled().await;
    assert_eq!(manager.handle.undeclared(), []);
    manager.stop().await.unwrap();
}
