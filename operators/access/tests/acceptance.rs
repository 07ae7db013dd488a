//! What the access operator promises, each line by its number in the acceptance checklist.
//!
//! The tests run on the embedded control plane, or, with `KUBEWRIGHT_TEST_KUBECONFIG`, on a real cluster.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::Role as RoleObject;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, CustomResourceExt};
use kubewright::patterns::request::Phase;
use kubewright::runtime::conditions;
use kubewright_access::{
    Action, Cluster, Deleterequest, KubeconfigSpec, Operationrequest, Options, Role, User, UserSpec, sweep,
};
use kubewright_testing::TestEnv;
use serde_json::{Value, json};

use support::{World, admin, refusal};

//
#[tokio::test]
async fn the_api_server_refuses_what_makes_no_sense() {
    let world = World::new().await;
    let (operation, deletion) = (ApiResource::erase::<Operationrequest>(&()), ApiResource::erase::<Deleterequest>(&()));
    let create = async |kind: &ApiResource, spec: Value| {
        let api = Api::<DynamicObject>::namespaced_with(world.env.client(), world.env.namespace(), kind);
        let object = support::json(json!({
            "apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"generateName": "try-"}, "spec": spec,
        }));
        api.create(&PostParams { dry_run: true, ..PostParams::default() }, &object).await
    };
    let right = json!({"namespace": "ns-a", "user": "a", "role": "Manager", "action": "Grant"});
    create(&operation, right.clone()).await.unwrap();
    for (field, wrong) in [
        ("role", json!("Admin")),
        ("role", json!("manager")),
        ("role", Value::Null),
        ("action", json!("Revoke")),
        ("action", Value::Null),
        ("user", json!("")),
        ("user", json!("A_b")),
        ("user", json!("x".repeat(61))),
        ("namespace", json!("-")),
        ("namespace", Value::Null),
    ] {
        let mut spec = right.clone();
        spec[field] = wrong.clone();
        let (code, message) = refusal(create(&operation, spec).await);
        assert!(code == 422 && message.contains(field), "{field}: {wrong}: {message}");
    }
    create(&operation, json!({"namespace": "ns-a", "user": "a", "action": "Deprive"})).await.unwrap();
    let (code, message) = refusal(create(&deletion, json!({})).await);
    assert!(code == 422 && message.contains("spec.user"), "{message}");

    let users = Api::<User>::all(world.env.client());
    for name in ["x".repeat(61), "a.b".into()] {
        let (code, message) =
            refusal(users.create(&PostParams::default(), &User::new(&name, UserSpec::default())).await);
        assert!(code == 422 && message.contains("DNS label of at most 60 characters"), "{message}");
    }

    for seconds in
        [json!(0), json!(-1), json!(599), json!(31_536_001), json!("1h"), json!(9_223_372_036_854_775_808_u64)]
    {
        let kind = ApiResource::erase::<User>(&());
        let user = support::json(json!({
            "apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "long"},
            "spec": {"kubeconfig": {"expirationSeconds": seconds}},
        }));
        let api = Api::<DynamicObject>::all_with(world.env.client(), &kind);
        let (code, message) = refusal(api.create(&PostParams::default(), &user).await);
        assert!(code == 422 && message.contains("spec.kubeconfig.expirationSeconds"), "{seconds}: {message}");
    }

    let api = world.system::<Operationrequest>();
    let elsewhere = Operationrequest::new("mine", support::json(right));
    api.create(&PostParams::default(), &elsewhere).await.unwrap();
    world.finished("mine").await;
    let patch = Patch::Merge(json!({"spec": {"role": "Owner"}}));
    let (code, message) = refusal(api.patch("mine", &PatchParams::default(), &patch).await);
    assert!(code == 422 && message.contains("a request can't be changed once it exists"), "{message}");
    let patch = Patch::Merge(json!({"status": {"phase": "Nope"}}));
    assert_eq!(refusal(api.patch_status("mine", &PatchParams::default(), &patch).await).0, 422);
    world.stop().await;
}

//
#[test]
fn the_definitions_have_what_is_promised() {
    let version = |crd: CustomResourceDefinition| {
        assert_eq!(crd.spec.group, "user.sealos.io");
        let version = crd.spec.versions.into_iter().next().unwrap();
        assert_eq!(version.name, "v1");
        (crd.spec.scope, version)
    };
    let (scope, operation) = version(Operationrequest::crd());
    assert_eq!(scope, "Namespaced");
    let columns: Vec<_> = operation.additional_printer_columns.clone().unwrap();
    let paths: BTreeMap<_, _> = columns.iter().map(|column| (&*column.name, &*column.json_path)).collect();
    assert_eq!((paths["Phase"], paths["Age"]), (".status.phase", ".metadata.creationTimestamp"));
    let schema = serde_json::to_value(operation.schema).unwrap();
    let status = &schema["openAPIV3Schema"]["properties"]["status"]["properties"];
    assert_eq!(status["phase"]["default"], "Pending");
    assert_eq!(status["phase"]["enum"], json!(["Pending", "Processing", "Completed", "Failed"]));
    assert_eq!(status["completionTime"]["format"], "date-time");
    assert_eq!(status["message"]["type"], "string");
    let (scope, deletion) = version(Deleterequest::crd());
    assert_eq!(scope, "Namespaced");
    let schema = serde_json::to_value(deletion.schema).unwrap();
    assert_eq!(schema["openAPIV3Schema"]["properties"]["spec"]["properties"]["deleteDependents"]["default"], true);
    assert_eq!(version(User::crd()).0, "Cluster");
}

//
#[tokio::test]
async fn a_grant_gives_access_and_tells_how_it_went() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    assert!(!world.can_write("bob", "alice").await && !world.can_read("bob", "alice").await);

    let requests = world.system::<Operationrequest>();
    let version = requests.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    world.operate("grant", Action::Grant, "bob", Role::Manager, "alice").await;
    let status = world.status("grant").await;
    assert_eq!((status.phase, status.message.as_deref()), (Phase::Completed, Some("Operation completed successfully")));
    assert_eq!(status.requester.as_deref(), Some("kubernetes-admin"));
    assert!(status.completion_time.is_some());
    assert_eq!(world.event("grant", "OperationCompleted").await.type_.as_deref(), Some("Normal"));

    // It was Processing once, before it was done.
    let mut phases = Vec::new();
    let mut events = Box::pin(requests.watch(&WatchParams::default(), &version).await.unwrap());
    while phases.last() != Some(&Phase::Completed) {
        let event = futures::TryStreamExt::try_next(&mut events).await.unwrap().unwrap();
        if let WatchEvent::Added(request) | WatchEvent::Modified(request) = event {
            phases.push(request.status.unwrap_or_default().phase);
        }
    }
    assert_eq!(phases, [Phase::Pending, Phase::Processing, Phase::Completed]);

    let binding = world.bindings("alice").get(&format!("{}-Manager", world.name("bob"))).await.unwrap();
    assert_eq!((&*binding.role_ref.kind, &*binding.role_ref.name), ("Role", "Manager"));
    let subject = &binding.subjects.unwrap()[0];
    assert_eq!((&*subject.kind, &*subject.name), ("User", &*world.name("bob")));
    world.writes("bob", "alice", true).await;
    world.stop().await;
}

//
#[tokio::test]
async fn a_permanent_error_fails_the_request_for_good() {
    let world = World::new().await;
    world.users(&["alice"]).await;
    world.operate("nobody", Action::Grant, "nobody", Role::Manager, "alice").await;
    let nobody = world.name("nobody");
    assert_eq!(world.failed("nobody").await, format!("spec.user: there is no User {nobody:?}; create it first"));
    assert_eq!(world.event("nobody", "OperationFailed").await.type_.as_deref(), Some("Warning"));
    let mut request = world.operation("nowhere", Action::Grant, "alice", Some(Role::Manager), "alice");
    request.spec.namespace = "nowhere".into();
    world.ask(admin(), request).await;
    assert!(world.failed("nowhere").await.contains("spec.namespace: namespace \"nowhere\" has no Role \"Manager\""));
    let version = world.system::<Operationrequest>().get("nobody").await.unwrap().resource_version();
    // The user comes too late: it is not tried again.
    world.users(&["nobody"]).await;
    world.operator.idle().await;
    assert_eq!(world.system::<Operationrequest>().get("nobody").await.unwrap().resource_version(), version);
    world.stop().await;
}

//
#[tokio::test]
async fn an_action_that_was_stored_before_it_was_refused_fails() {
    let env = TestEnv::embedded().await.unwrap();
    let options = Options::in_namespace(env.namespace());
    let world = World::with(env, options).await;
    world.users(&["alice"]).await;
    let mut crd = Operationrequest::crd();
    let schema = crd.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
    let spec = schema.properties.as_mut().unwrap().get_mut("spec").unwrap();
    spec.properties.as_mut().unwrap().get_mut("action").unwrap().enum_ = None;
    world.env.install_crds(&[crd]).await.unwrap();
    let action = Action::Unknown("Revoke".into());
    world.ask(admin(), world.operation("old", action, "alice", Some(Role::Manager), "alice")).await;
    let message = "spec.action: unknown action \"Revoke\": use Grant, Update or Deprive";
    assert_eq!(world.failed("old").await, message);
    world.stop().await;
}

//
#[tokio::test]
async fn an_update_gives_the_new_role_before_it_takes_the_old() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.operate("grant", Action::Grant, "bob", Role::Developer, "alice").await;
    assert_eq!(world.roles("bob", "alice").await, ["Developer"]);
    world.env.eventually("bob can read", async || world.can_read("bob", "alice").await.then_some(())).await;
    assert!(!world.can_write("bob", "alice").await);
    let bindings = world.bindings("alice");
    let version = bindings.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    world.operate("update", Action::Update, "bob", Role::Manager, "alice").await;
    world.completed("update").await;
    assert_eq!(world.roles("bob", "alice").await, ["Manager"]);
    world.writes("bob", "alice", true).await;

    let mut changes = Vec::new();
    let mut events = Box::pin(bindings.watch(&WatchParams::default(), &version).await.unwrap());
    while changes.len() < 2 {
        match futures::TryStreamExt::try_next(&mut events).await.unwrap().unwrap() {
            WatchEvent::Added(binding) => changes.push(("added", binding.role_ref.name)),
            WatchEvent::Deleted(binding) => changes.push(("deleted", binding.role_ref.name)),
            _ => {}
        }
    }
    assert_eq!(changes, [("added", "Manager".into()), ("deleted", "Developer".into())]);
    world.stop().await;
}

//
#[tokio::test]
async fn deprive_takes_access_and_does_not_mind_if_there_is_none() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    for role in [Role::Manager, Role::Developer] {
        world.operate(&format!("grant-{}", role.name().to_lowercase()), Action::Grant, "bob", role, "alice").await;
    }
    world.writes("bob", "alice", true).await;
    world.operate("one", Action::Deprive, "bob", Role::Manager, "alice").await;
    world.completed("one").await;
    assert_eq!(world.roles("bob", "alice").await, ["Developer"]);
    world.writes("bob", "alice", false).await;
    world.operate("again", Action::Deprive, "bob", Role::Manager, "alice").await;
    world.completed("again").await;
    world.ask(admin(), world.operation("all", Action::Deprive, "bob", None, "alice")).await;
    world.completed("all").await;
    assert_eq!(world.roles("bob", "alice").await, [""; 0]);
    world.env.eventually("bob can't read", async || (!world.can_read("bob", "alice").await).then_some(())).await;
    // What a User object keeps is no request's.
    world.operate("own", Action::Deprive, "alice", Role::Owner, "alice").await;
    assert!(world.failed("own").await.contains("delete the User instead"));
    world.operate("down", Action::Update, "alice", Role::Developer, "alice").await;
    assert!(world.failed("down").await.contains("delete the User instead"));
    assert_eq!(world.roles("alice", "alice").await, ["Owner"]);
    world.stop().await;
}

//
#[tokio::test]
async fn a_repeated_grant_changes_nothing_and_mends_what_differs() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.operate("first", Action::Grant, "bob", Role::Manager, "alice").await;
    let (bindings, name) = (world.bindings("alice"), format!("{}-Manager", world.name("bob")));
    let first = bindings.get(&name).await.unwrap();
    world.operate("second", Action::Grant, "bob", Role::Manager, "alice").await;
    world.completed("second").await;
    assert_eq!(bindings.get(&name).await.unwrap(), first);

    let patch = Patch::Merge(json!({"subjects": [{"kind": "User", "name": "mallory"}]}));
    bindings.patch(&name, &PatchParams::default(), &patch).await.unwrap();
    world.operate("third", Action::Grant, "bob", Role::Manager, "alice").await;
    assert_eq!(bindings.get(&name).await.unwrap().subjects, first.subjects);

    // Its role can't be changed, so it is made anew.
    let mut other = first.clone();
    (other.role_ref.name, other.metadata.resource_version, other.metadata.uid) = ("Developer".into(), None, None);
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    bindings.create(&PostParams::default(), &other).await.unwrap();
    world.operate("fourth", Action::Grant, "bob", Role::Manager, "alice").await;
    world.completed("fourth").await;
    assert_eq!(bindings.get(&name).await.unwrap().role_ref, first.role_ref);

    // One that somebody else has made under this name is left alone.
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    other.metadata.labels = None;
    bindings.create(&PostParams::default(), &other).await.unwrap();
    let foreign = bindings.get(&name).await.unwrap();
    world.operate("fifth", Action::Grant, "bob", Role::Manager, "alice").await;
    assert!(world.failed("fifth").await.contains("was not made by a request, so it is left alone"));
    world.operate("sixth", Action::Deprive, "bob", Role::Manager, "alice").await;
    assert!(world.failed("sixth").await.contains("left alone"));
    assert_eq!(bindings.get(&name).await.unwrap(), foreign);
    world.stop().await;
}

//
#[tokio::test]
async fn finished_requests_are_not_run_again_and_missing_ones_are_no_error() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.operate("grant", Action::Grant, "bob", Role::Manager, "alice").await;
    world.operate("wrong", Action::Grant, "nobody", Role::Manager, "alice").await;
    let requests = world.system::<Operationrequest>();
    let before = requests.list(&ListParams::default()).await.unwrap().items;
    world.bindings("alice").delete(&format!("{}-Manager", world.name("bob")), &DeleteParams::default()).await.unwrap();
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    let after = requests.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(before, after);
    assert_eq!(world.roles("bob", "alice").await, [""; 0]);
    for request in before {
        requests.delete(&request.name_any(), &DeleteParams::default()).await.unwrap();
    }
    world.operator.idle().await;
    assert!(world.operator.status("access-operations").await.unwrap().failing.is_empty());
    world.stop().await;
}

//
#[tokio::test]
async fn requests_in_other_namespaces_are_not_looked_at() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    let elsewhere = world.env.new_namespace().await.unwrap();
    let mut request = world.operation("elsewhere", Action::Grant, "bob", Some(Role::Manager), "alice");
    world.sealer.seal(&mut request, &elsewhere, admin(), Timestamp::now());
    let api = Api::<Operationrequest>::namespaced(world.env.client(), &elsewhere);
    api.create(&PostParams::default(), &request).await.unwrap();
    world.operate("here", Action::Grant, "bob", Role::Developer, "alice").await;
    world.operator.idle().await;
    assert_eq!(api.get("elsewhere").await.unwrap().status, None);
    assert_eq!(world.roles("bob", "alice").await, ["Developer"]);
    world.stop().await;
}

//
#[tokio::test]
async fn a_sweep_removes_old_requests_in_place_of_the_operator() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.operate("grant", Action::Grant, "bob", Role::Manager, "alice").await;
    world.operate("wrong", Action::Grant, "nobody", Role::Manager, "alice").await;
    assert_eq!(world.delete("bye", "nobody", true).await.phase, Phase::Completed);
    let (client, namespace) = (world.env.client(), world.env.namespace());
    let hour = std::time::Duration::from_secs(3600);
    let now = Timestamp::now();
    let swept = sweep(&client, namespace, hour, now).await.unwrap();
    assert_eq!((swept.deleted.len(), swept.kept), (0, 3));
    let swept = sweep(&client, namespace, hour, now + hour + hour).await.unwrap();
    assert_eq!((swept.deleted.len(), swept.kept), (3, 0));
    let swept = sweep(&client, namespace, hour, now + hour + hour).await.unwrap();
    assert_eq!((swept.deleted.len(), swept.kept), (0, 0));
    // The manifest for it is one that the API server takes.
    let job = kubewright_access::CRON_JOB.split("---\n").last().unwrap();
    let mut job: CronJob = serde_saphyr::from_str(job).unwrap();
    job.metadata.namespace = None;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let job = world.system::<CronJob>().create(&dry, &job).await.unwrap();
    assert_eq!(job.spec.schedule, "0 * * * *");
    world.stop().await;
}

//
#[tokio::test]
async fn a_deleterequest_deletes_the_user_with_or_without_what_is_theirs() {
    let world = World::new().await;
    world.users(&["alice", "bob", "carol"]).await;
    for name in ["bob", "carol"] {
        world.operate(&format!("grant-{name}"), Action::Grant, name, Role::Manager, "alice").await;
    }
    let status = world.delete("bob", "bob", true).await;
    assert_eq!(status.phase, Phase::Completed, "{status:?}");
    let (users, namespaces) = (Api::<User>::all(world.env.client()), Api::<Namespace>::all(world.env.client()));
    assert!(users.get_opt(&world.name("bob")).await.unwrap().is_none());
    let accounts = world.system::<ServiceAccount>();
    let gone = async || {
        let namespace = namespaces.get_opt(&world.home("bob")).await.unwrap();
        let account = accounts.get_opt(&world.name("bob")).await.unwrap();
        let bound = world.roles("bob", "alice").await;
        (namespace.is_none_or(|it| it.metadata.deletion_timestamp.is_some()) && account.is_none() && bound.is_empty())
            .then_some(())
    };
    world.env.eventually("what was bob's is gone", gone).await;
    world.writes("bob", "alice", false).await;
    assert_eq!(world.roles("carol", "alice").await, ["Manager"]);

    let status = world.delete("carol", "carol", false).await;
    assert_eq!(status.phase, Phase::Completed, "{status:?}");
    assert!(users.get_opt(&world.name("carol")).await.unwrap().is_none());
    world.operator.idle().await;
    let kept = namespaces.get(&world.home("carol")).await.unwrap();
    assert_eq!(kept.metadata.deletion_timestamp, None);
    assert_eq!(world.roles("carol", "alice").await, ["Manager"]);

    // What was kept goes with a later request, though there is no user any more.
    let status = world.delete("carol-too", "carol", true).await;
    assert_eq!(status.phase, Phase::Completed, "{status:?}");
    assert_eq!(world.roles("carol", "alice").await, [""; 0]);
    let version = world.system::<Deleterequest>().get("bob").await.unwrap().resource_version();
    world.users(&["bob2"]).await;
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    assert_eq!(world.system::<Deleterequest>().get("bob").await.unwrap().resource_version(), version);
    world.stop().await;
}

#[tokio::test]
async fn a_user_has_a_namespace_roles_a_binding_and_a_service_account_that_are_kept() {
    let world = World::new().await;
    world.users(&["alice"]).await;
    let (name, home) = (world.name("alice"), world.home("alice"));
    world.writes("alice", "alice", true).await;
    let account = format!("system:serviceaccount:{}:{name}", world.env.namespace());
    let as_account = world.env.user(&account, &[]).unwrap();
    let roles = Api::<RoleObject>::namespaced(as_account, &home);
    world
        .env
        .eventually("the account reads the roles", async || {
            let found = roles.list(&ListParams::default()).await.ok()?;
            let names: Vec<_> = found.iter().map(ResourceExt::name_any).collect();
            assert_eq!(names, ["Developer", "Manager", "Owner"]);
            Some(())
        })
        .await;
    // Settled: nothing is written any more.
    world.operator.idle().await;
    let before = world.env.client();
    let versions = async || {
        let roles = Api::<RoleObject>::namespaced(before.clone(), &home).list(&ListParams::default()).await.unwrap();
        let user = Api::<User>::all(before.clone()).get(&name).await.unwrap();
        (roles.items, user)
    };
    let settled = versions().await;
    world.operator.restart().await.unwrap();
    world.operator.idle().await;
    assert_eq!(versions().await, settled);
    // Drift is repaired.
    let bindings = world.bindings("alice");
    bindings.delete(&format!("{name}-Owner"), &DeleteParams::default()).await.unwrap();
    let back = async || bindings.get_opt(&format!("{name}-Owner")).await.unwrap();
    world.env.eventually("the binding is back", back).await;
    let roles = Api::<RoleObject>::namespaced(world.env.client(), &home);
    let wider = Patch::Merge(json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}));
    roles.patch("Developer", &PatchParams::default(), &wider).await.unwrap();
    let right = async || (roles.get("Developer").await.unwrap().rules.unwrap().len() > 1).then_some(());
    world.env.eventually("the role is right again", right).await;
    world.stop().await;
}

#[tokio::test]
async fn a_namespace_of_somebody_else_is_left_alone() {
    let world = World::new().await;
    let namespaces = Api::<Namespace>::all(world.env.client());
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(world.home("alice"));
    let before = namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let users = Api::<User>::all(world.env.client());
    users.create(&PostParams::default(), &User::new(&world.name("alice"), UserSpec::default())).await.unwrap();
    let told = async || {
        let status = users.get(&world.name("alice")).await.unwrap().status?;
        status.conditions.into_iter().find(|condition| condition.reason == "NameTaken")
    };
    let condition = world.env.eventually("the user is told", told).await;
    assert!(condition.message.contains("exists and is not ours") && condition.status == "False", "{condition:?}");
    let after = namespaces.get(&world.home("alice")).await.unwrap();
    assert_eq!(
        (after.metadata.labels.as_ref(), after.metadata.owner_references),
        (before.metadata.labels.as_ref(), None)
    );
    assert_eq!(world.roles("alice", "alice").await, [""; 0]);
    assert!(!conditions::is_true(&[condition], "Ready"));
    world.stop().await;
}

#[tokio::test]
async fn an_account_and_a_secret_of_somebody_else_with_our_names_are_left_alone() {
    let env = TestEnv::start().await.unwrap();
    let cluster = Some(Cluster { server: "https://here".into(), authorities: None });
    let options = Options { cluster, ..Options::in_namespace(env.namespace()) };
    let world = World::with(env, options).await;
    let name = world.name("alice");
    let account: ServiceAccount = support::json(json!({"metadata": {"name": name}}));
    let account = world.system().create(&PostParams::default(), &account).await.unwrap();
    let secret = json!({"metadata": {"name": format!("{name}-kubeconfig")}, "stringData": {"token": "theirs"}});
    let secret: Secret = world.system().create(&PostParams::default(), &support::json(secret)).await.unwrap();
    let users = Api::<User>::all(world.env.client());
    let kubeconfig = Some(KubeconfigSpec { expiration_seconds: 3600 });
    users.create(&PostParams::default(), &User::new(&name, UserSpec { kubeconfig })).await.unwrap();
    let reason = async |kind: &str, reason: &str| {
        let told = async || {
            let conditions = users.get(&name).await.unwrap().status?.conditions;
            conditions.into_iter().find(|condition| condition.type_ == kind && condition.reason == reason)
        };
        world.env.eventually(&format!("{kind} is told: {reason}"), told).await
    };
    let taken = reason("Ready", "NameTaken").await;
    assert!(taken.message.contains(&format!("{name} exists and is not ours")), "{}", taken.message);
    reason("KubeconfigReady", "NoServiceAccount").await;
    assert_eq!(world.system::<ServiceAccount>().get(&name).await.unwrap(), account);
    assert_eq!(world.system::<Secret>().get(&secret.name_any()).await.unwrap(), secret);
    world.stop().await;
}

#[tokio::test]
async fn a_request_about_a_user_who_is_being_deleted_fails_with_the_reason() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    let (users, name) = (Api::<User>::all(world.env.client()), world.name("bob"));
    let finalizers = |list: Value| Patch::Merge(json!({"metadata": {"finalizers": list}}));
    users.patch(&name, &PatchParams::default(), &finalizers(json!(["test.example.com/wait"]))).await.unwrap();
    users.delete(&name, &DeleteParams::default()).await.unwrap();
    world.operate("grant", Action::Grant, "bob", Role::Manager, "alice").await;
    assert_eq!(world.failed("grant").await, format!("spec.user: User {name:?} is being deleted"));
    assert_eq!(world.roles("bob", "alice").await, [""; 0]);
    users.patch(&name, &PatchParams::default(), &finalizers(Value::Null)).await.unwrap();
    world.stop().await;
}

/// The parts of a manifest have each their kind.
#[test]
fn the_examples_are_of_the_kinds_that_are_there() {
    for document in kubewright_access::EXAMPLES.split("---\n") {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        match object["kind"].as_str().unwrap() {
            "Namespace" => {}
            "User" => drop(serde_json::from_value::<User>(object).unwrap()),
            "Operationrequest" => drop(serde_json::from_value::<Operationrequest>(object).unwrap()),
            other => panic!("{other}"),
        }
    }
}
