//! Nobody gives or takes more than they have: with the webhook, and without it.

#![allow(clippy::unwrap_used)]

mod support;

use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kubewright::patterns::request::Phase;
use kubewright_access::{
    Action, CREATOR, Deleterequest, DeleterequestSpec, Operationrequest, Options, Role, SEAL, Sealer, add_to,
};
use kubewright_testing::{Operator, TestEnv};
use serde_json::json;

use support::{World, admin, person, refusal};

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    let world = World::new().await;
    world.users(&["alice", "bob", "carol"]).await;
    let as_user = |name: &str| person(&world.name(name), &[]);
    let ask = async |who: &str, name: &str, action: Action, user: &str, role: Option<Role>| {
        world.ask(as_user(who), world.operation(name, action, user, role, "alice")).await;
        world.finished(name).await
    };
    // Nobody can give what they do not have, not to themselves either.
    let status = ask("bob", "self", Action::Grant, "bob", Some(Role::Developer)).await;
    assert_eq!(status.phase, Phase::Failed);
    let message = status.message.unwrap();
    assert!(
        message.contains("may not give or take role Developer") && message.contains("lack a right of it"),
        "{message}"
    );
    // The owner can give each role, and is asked for each single right of it.
    for (at, role) in Role::ALL.into_iter().rev().enumerate() {
        let status = ask("alice", &format!("give-{at}"), Action::Grant, "bob", Some(role)).await;
        assert_eq!(status.phase, Phase::Completed, "{status:?}");
        if role == Role::Manager {
            // A manager can give what they have, and not more; and can't take more either.
            for (name, action, user, role, end) in [
                ("down", Action::Grant, "carol", Role::Developer, Phase::Completed),
                ("same", Action::Grant, "carol", Role::Manager, Phase::Completed),
                ("up", Action::Grant, "carol", Role::Owner, Phase::Failed),
                ("self-up", Action::Update, "bob", Role::Owner, Phase::Failed),
                ("take", Action::Deprive, "carol", Role::Manager, Phase::Completed),
                ("overthrow", Action::Deprive, "alice", Role::Owner, Phase::Failed),
            ] {
                world
                    .env
                    .eventually("the server knows of it", async || world.can_write("bob", "alice").await.then_some(()))
                    .await;
                let status = ask("bob", name, action, user, Some(role)).await;
                assert_eq!(status.phase, end, "{name}: {status:?}");
            }
        }
    }
    assert_eq!(world.roles("carol", "alice").await, ["Developer"]);
    // A manager's update may not take what an owner has.
    let status = ask("carol", "demote", Action::Update, "bob", Some(Role::Developer)).await;
    assert_eq!(status.phase, Phase::Failed, "{status:?}");
    // Elsewhere nothing of that counts.
    let mut elsewhere = world.operation("elsewhere", Action::Grant, "alice", Some(Role::Developer), "bob");
    elsewhere.spec.namespace = world.home("bob");
    world.ask(as_user("alice"), elsewhere).await;
    assert!(world.failed("elsewhere").await.contains("may not give or take"));
    // Nor may anybody delete users who may not do so without a request.
    let spec = DeleterequestSpec { user: world.name("bob"), delete_dependents: true };
    world.ask(as_user("alice"), Deleterequest::new("bye", spec)).await;
    let api = world.system::<Deleterequest>();
    let failed = async || api.get("bye").await.unwrap().status.filter(|status| status.phase == Phase::Failed);
    let status = world.env.eventually("the deletion is refused", failed).await;
    assert!(status.message.unwrap().contains("lack the right to delete users.user.sealos.io"));
    world.stop().await;
}

/// The roles give no rights to get around the API server's own rule against escalation.
#[tokio::test]
async fn an_owner_can_bind_what_they_have_and_nothing_else() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    world.writes("alice", "alice", true).await;
    let bindings = Api::<RoleBinding>::namespaced(world.client("alice"), &world.home("alice"));
    let binding = |kind: &str, role: &str| {
        support::json::<RoleBinding>(json!({
            "metadata": {"generateName": "try-"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
            "subjects": [{"kind": "User", "name": "bob"}],
        }))
    };
    for role in Role::ALL {
        bindings.create(&PostParams::default(), &binding("Role", role.name())).await.unwrap();
    }
    for role in ["cluster-admin", "admin"] {
        let (code, message) = refusal(bindings.create(&PostParams::default(), &binding("ClusterRole", role)).await);
        assert!(
            code == 403 && message.contains("attempting to grant RBAC permissions not currently held"),
            "{message}"
        );
    }
    world.stop().await;
}

// A requester who was not sealed is nobody: a running operator without its webhook carries nothing out.
#[tokio::test]
async fn requests_that_the_webhook_has_not_seen_are_not_carried_out() {
    let world = World::new().await;
    world.users(&["alice", "bob"]).await;
    let api = world.system::<Operationrequest>();
    let request = |name: &str| world.operation(name, Action::Grant, "bob", Some(Role::Owner), "alice");
    api.create(&PostParams::default(), &request("plain")).await.unwrap();
    let message = world.failed("plain").await;
    assert!(message.contains("it has no seal") && message.contains("make the request again"), "{message}");

    // With a key of one's own.
    let mut forged = request("forged");
    Sealer::new(b"guessed").seal(&mut forged, world.env.namespace(), admin(), Timestamp::now());
    api.create(&PostParams::default(), &forged).await.unwrap();
    assert!(world.failed("forged").await.contains("its seal is not one of this operator"));

    // With the seal of another request.
    let sealed =
        world.ask(admin(), world.operation("small", Action::Grant, "bob", Some(Role::Developer), "alice")).await;
    world.completed("small").await;
    let mut replayed = request("replayed");
    replayed.metadata.annotations = sealed.metadata.annotations;
    api.create(&PostParams::default(), &replayed).await.unwrap();
    assert!(world.failed("replayed").await.contains("its seal is not one of this operator"));

    // With one of this very content, made long ago.
    let mut late = request("late");
    let long_ago = Timestamp::from_second(Timestamp::now().as_second() - 300).unwrap();
    world.sealer.seal(&mut late, world.env.namespace(), admin(), long_ago);
    api.create(&PostParams::default(), &late).await.unwrap();
    assert!(world.failed("late").await.contains("at another time"));
    assert_eq!(world.roles("bob", "alice").await, ["Developer"]);
    world.stop().await;
}

/// The operator with its webhook, as it runs.
async fn guarded() -> (World, Operator) {
    let env = TestEnv::start().await.unwrap();
    let options = Options::in_namespace(env.namespace());
    let world = World::with(env, options.clone()).await;
    world.users(&["alice", "bob"]).await;
    world.operator.stop().await.unwrap();
    let operator = world.env.operator(move |manager| add_to(manager, &options).unwrap());
    operator.idle().await;
    // An API server takes a moment to see new configurations.
    let api = world.system::<Operationrequest>();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let sealed = async || {
        let probe = world.operation("probe", Action::Grant, "bob", Some(Role::Owner), "alice");
        api.create(&dry, &probe).await.ok()?.annotations().contains_key(SEAL).then_some(())
    };
    world.env.eventually("the webhook is asked", sealed).await;
    world.writes("alice", "alice", true).await;
    (world, operator)
}

#[tokio::test]
async fn the_webhook_records_who_asks_and_refuses_who_may_not() {
    let (world, operator) = guarded().await;
    let namespace = world.env.namespace();
    let requests = |who: &str| Api::<Operationrequest>::namespaced(world.client(who), namespace);
    let request = |name: &str, action, user: &str, role| world.operation(name, action, user, Some(role), "alice");

    let own = request("own", Action::Grant, "bob", Role::Owner);
    let (code, message) = refusal(requests("bob").create(&PostParams::default(), &own).await);
    assert_eq!(code, 403);
    assert!(message.contains("denied the request") && message.contains("nobody gives or takes more"), "{message}");
    let take = request("take", Action::Deprive, "alice", Role::Owner);
    assert_eq!(refusal(requests("bob").create(&PostParams::default(), &take).await).0, 403);

    // What somebody writes about who they are is overwritten.
    let mut given = request("given", Action::Grant, "bob", Role::Manager);
    given.annotations_mut().insert(CREATOR.into(), "root".into());
    let made = requests("alice").create(&PostParams::default(), &given).await.unwrap();
    assert_eq!(made.annotations()[CREATOR], world.name("alice"));
    world.completed("given").await;
    assert_eq!(world.status("given").await.requester, Some(world.name("alice")));
    world.writes("bob", "alice", true).await;

    // Nor can it be changed afterwards, not even by who may change requests.
    let admins = world.system::<Operationrequest>();
    for key in [CREATOR, SEAL] {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {key: "root"}}}));
        let (code, message) = refusal(admins.patch("given", &PatchParams::default(), &patch).await);
        assert!(code == 422 && message.contains("tells who made the request"), "{message}");
    }

    let mut deletion =
        Deleterequest::new("bye", DeleterequestSpec { user: world.name("bob"), delete_dependents: true });
    let deletions = Api::<Deleterequest>::namespaced(world.client("alice"), namespace);
    let (code, message) = refusal(deletions.create(&PostParams::default(), &deletion).await);
    assert!(code == 403 && message.contains("may not delete User"), "{message}");
    // One who may delete users may have them deleted.
    let name = world.name("deleter");
    let role: ClusterRole = support::json(json!({
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": ["user.sealos.io"], "resources": ["users"], "verbs": ["delete"]},
            {"apiGroups": ["user.sealos.io"], "resources": ["deleterequests"], "verbs": ["create"]},
        ],
    }));
    let binding: ClusterRoleBinding = support::json(json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": name}],
    }));
    let (roles, bindings) = (Api::<ClusterRole>::all(world.env.client()), Api::all(world.env.client()));
    roles.create(&PostParams::default(), &role).await.unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    deletion.metadata.name = Some("by-right".into());
    let deletions = Api::<Deleterequest>::namespaced(world.client("deleter"), namespace);
    let made = async || deletions.create(&PostParams::default(), &deletion).await.ok();
    world.env.eventually("the deletion is let through", made).await;
    let api = world.system::<Deleterequest>();
    let done = async || api.get("by-right").await.unwrap().status.filter(|status| status.phase.is_finished());
    assert_eq!(world.env.eventually("the deletion is done", done).await.phase, Phase::Completed);
    roles.delete(&name, &DeleteParams::default()).await.unwrap();
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    operator.stop().await.unwrap();
    support::remove_users(&world.env).await;
    world.env.stop().await;
}
