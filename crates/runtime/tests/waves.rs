//! Owned sets in waves, and children that no owner reference can tie to their owner.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    core::v1::{ConfigMap, Secret, Service},
    rbac::v1::ClusterRole,
};
use kube::api::ObjectMeta;
use kubewright_runtime::{
    ChildRef, Children, Controller, Error, ObjectRef, Outcome, Owned, Readiness, Trigger, Watch, Wave, WaveState,
    predicates,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{FakeApi, Running, Told, consistently, eventually, parent, run, told};

type Plan = Arc<dyn Fn() -> Children + Send + Sync>;

struct Setup {
    api: FakeApi,
    plan: Arc<Mutex<Plan>>,
    reconciler: Told,
    results: Arc<Mutex<Vec<Result<Owned, String>>>>,
    trigger: Trigger,
    manager: Running,
}

fn controller(reconciler: Told) -> Controller {
    Controller::new("test", Watch::all(), reconciler)
        // Readiness is no change of a label: it has to be heard of all the same.
        .owns(Watch::<Secret>::all().when(predicates::labels_changed))
        .owns(Watch::<Service>::all())
        .owns(Watch::<ClusterRole>::all())
}

async fn setup(api: FakeApi, plan: impl Fn() -> Children + Send + Sync + 'static) -> Setup {
    let plan: Arc<Mutex<Plan>> = Arc::new(Mutex::new(Arc::new(plan)));
    let results: Arc<Mutex<Vec<_>>> = Arc::default();
    let (children, log) = (plan.clone(), results.clone());
    let reconciler = told(move |_, ctx| {
        let (children, log) = (children.lock().clone(), log.clone());
        Box::pin(async move {
            let result = ctx.own(children()).await;
            log.lock().push(result.as_ref().map(Clone::clone).map_err(ToString::to_string));
            result.map(|_| Outcome::Settled)
        })
    });
    let controller = controller(reconciler.clone());
    let trigger = controller.trigger();
    api.put("configmaps", parent("a"));
    let manager = run(&api, [controller]);
    manager.settled().await;
    Setup { api, plan, reconciler, results, trigger, manager }
}

impl Setup {
    /// Reconciles the parent once more, with other children.
    async fn change(&self, plan: impl Fn() -> Children + Send + Sync + 'static) {
        *self.plan.lock() = Arc::new(plan);
        let runs = self.reconciler.runs().len();
        self.trigger.wake(ObjectRef::new(Some("ns"), "a"));
        eventually("it runs again", || self.reconciler.runs().len() > runs).await;
        self.manager.settled().await;
    }

    fn last(&self) -> Result<Owned, String> {
        self.results.lock().last().unwrap().clone()
    }

    fn has(&self, secret: &str) -> bool {
        self.api.get("secrets", "ns", secret).is_some()
    }

    /// What makes a Secret ready in these tests.
    fn make_ready(&self, secret: &str) {
        self.api.change("secrets", "ns", secret, |secret| secret["metadata"]["annotations"] = json!({"ready": "yes"}));
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }
}

fn secret(name: &str) -> Secret {
    Secret { metadata: named(name), ..Secret::default() }
}

/// A wave of Secrets that are ready when their annotation says so.
fn wave(name: &str, children: impl Into<Children>) -> Wave {
    Wave::new(name, children).ready_when(|live| {
        let ready = live.tree()["metadata"]["annotations"]["ready"] == "yes";
        if ready { Readiness::Ready } else { Readiness::NotYet("no annotation".into()) }
    })
}

fn three() -> Children {
    Children::new()
        .wave(wave("one", [secret("one")]))
        .wave(wave("two", [secret("two")]))
        .wave(wave("three", [secret("three")]))
}

fn states(owned: &Owned) -> Vec<&'static str> {
    let state = |state: &WaveState| match state {
        WaveState::Ready => "ready",
        WaveState::Applied(_) => "applied",
        WaveState::Waiting => "waiting",
    };
    owned.waves.iter().map(|wave| state(&wave.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wave_is_applied_when_the_one_before_is_ready() {
    let test = setup(FakeApi::default(), three).await;
    assert!(test.has("one") && !test.has("two") && !test.has("three"));
    let owned = test.last().unwrap();
    assert_eq!(states(&owned), ["applied", "waiting", "waiting"]);
    assert!(!owned.is_ready());
    let current = owned.current_wave().unwrap();
    let child = ChildRef { kind: "Secret".into(), object: ObjectRef::new(Some("ns"), "one") };
    let missing = vec![(child, Readiness::NotYet("no annotation".into()))];
    assert_eq!((current.name.as_str(), &current.state), ("one", &WaveState::Applied(missing)));
    test.make_ready("one");
    eventually("the second wave comes", || test.has("two")).await;
    consistently("the third waits", Duration::from_secs(5), || !test.has("three")).await;
    test.make_ready("two");
    eventually("the third wave comes", || test.has("three")).await;
    test.make_ready("three");
    eventually("all are ready", || test.last().is_ok_and(|owned| owned.is_ready())).await;
    assert_eq!(states(&test.last().unwrap()), ["ready", "ready", "ready"]);
}

#[tokio::test(start_paused = true)]
async fn waves_that_are_ready_at_once_are_applied_in_one_reconcile() {
    let test = setup(FakeApi::default(), || {
        Children::new().wave(Wave::new("one", [secret("one")])).wave(Wave::new("two", [secret("two")]))
    })
    .await;
    let first = test.results.lock()[0].clone().unwrap();
    assert_eq!(first.applied.len(), 2);
    assert!(first.is_ready());
    assert_eq!(test.api.writes().len(), 2, "and nothing is written again");
}

#[tokio::test(start_paused = true)]
async fn a_wave_waits_for_what_it_needs_besides_its_children_and_applies_them_meanwhile() {
    let held = || Wave::new("one", [secret("one")]).also(Readiness::Ready).also(Readiness::NotYet("away".into()));
    let test =
        setup(FakeApi::default(), move || Children::new().wave(held()).wave(Wave::new("two", [secret("two")]))).await;
    assert!(test.has("one") && !test.has("two"));
    let owned = test.last().unwrap();
    assert_eq!(states(&owned), ["applied", "waiting"]);
    assert_eq!(owned.current_wave().unwrap().state, WaveState::Applied(vec![]));
}

#[tokio::test(start_paused = true)]
async fn children_of_waves_that_are_not_reached_stay_as_they_are() {
    let test = setup(FakeApi::default(), three).await;
    for name in ["one", "two", "three"] {
        eventually("the wave comes", || test.has(name)).await;
        test.make_ready(name);
    }
    eventually("all are ready", || test.last().is_ok_and(|owned| owned.is_ready())).await;
    // The first wave gets something new that is not ready; the third wants something else.
    test.change(|| {
        Children::new()
            .wave(wave("one", [secret("one"), secret("new")]))
            .wave(wave("two", [secret("two")]))
            .wave(wave("three", [secret("other")]))
    })
    .await;
    assert!(test.has("new") && test.has("three") && !test.has("other"));
    test.make_ready("new");
    eventually("the third wave is brought up to date", || test.has("other") && !test.has("three")).await;
}

#[tokio::test(start_paused = true)]
async fn children_of_a_wave_that_is_no_more_go_when_the_last_wave_is_applied() {
    let test = setup(FakeApi::default(), || Children::new().wave(Wave::new("old", [secret("old")]))).await;
    assert!(test.has("old"));
    test.change(|| Children::new().wave(wave("new", [secret("new")])).wave(Wave::new("last", Children::new()))).await;
    assert!(test.has("old") && test.has("new"), "the new one is not ready yet");
    test.make_ready("new");
    eventually("the old one goes", || !test.has("old")).await;
    test.change(|| [secret("plain")].into()).await;
    assert!(test.has("plain") && !test.has("new"), "a set without waves is complete at once");
    test.change(Children::new).await;
    assert!(!test.has("plain"));
}

#[tokio::test(start_paused = true)]
async fn a_later_wave_is_made_of_what_the_waves_before_have_made() {
    let test = setup(FakeApi::default(), || {
        Children::new().wave(wave("one", [secret("one")])).wave(Wave::later("two", |reached| {
            let one = reached.get::<Secret>("one")?.ok_or_else(|| Error::terminal("one is not there"))?;
            assert!(reached.get::<Secret>("nope")?.is_none());
            let uid = one.metadata.uid.unwrap_or_default();
            Ok([secret(&format!("of-{uid}"))].into())
        }))
    })
    .await;
    let uid = test.api.get("secrets", "ns", "one").unwrap()["metadata"]["uid"].as_str().unwrap().to_string();
    let later = format!("of-{uid}");
    assert!(!test.has(&later));
    test.make_ready("one");
    eventually("the later wave comes", || test.has(&later)).await;
    test.api.change("secrets", "ns", "one", |one| one["metadata"]["annotations"] = Value::Null);
    test.change(|| {
        Children::new()
            .wave(wave("one", [secret("one")]))
            .wave(Wave::later("two", |_| panic!("it is not reached, so it is not asked")))
    })
    .await;
    assert!(test.has(&later), "it is not known that it is not wanted");
}

#[tokio::test(start_paused = true)]
async fn sets_that_can_not_be_are_refused_with_the_reason() {
    let fault = async |plan: fn() -> Children, told: &str| {
        let test = setup(FakeApi::default(), plan).await;
        let error = test.last().unwrap_err();
        assert!(error.contains(told), "{error}");
        assert!(test.api.writes().is_empty());
    };
    fault(|| Children::new().wave(wave("a b", [secret("x")])), "\"a b\" can't be the name of a wave").await;
    let twice = || Children::new().wave(wave("a", [secret("x")])).wave(wave("a", [secret("y")]));
    fault(twice, "two waves are called a").await;
    let shared = || Children::new().wave(wave("a", [secret("x")])).wave(wave("b", [secret("x")]));
    fault(shared, "Secret ns/x is twice among the children").await;
    let nested = || Children::new().wave(wave("a", Children::new().wave(wave("b", [secret("x")]))));
    fault(nested, "wave a holds wave b").await;
}

fn role(name: &str) -> ClusterRole {
    ClusterRole { metadata: named(name), ..ClusterRole::default() }
}

#[tokio::test(start_paused = true)]
async fn children_in_no_namespace_or_another_are_made_repaired_and_pruned() {
    let elsewhere = || {
        let mut secret = secret("far");
        secret.metadata.namespace = Some("other".into());
        Children::new().add(role("role")).add(secret)
    };
    let test = setup(FakeApi::default(), elsewhere).await;
    let role = test.api.get("clusterroles", "", "role").unwrap();
    let parent = test.api.get("configmaps", "ns", "a").unwrap();
    assert_eq!(role["metadata"]["labels"]["kubewright.dev/owner-uid"], parent["metadata"]["uid"]);
    assert_eq!(role["metadata"]["annotations"]["kubewright.dev/owner"], "ConfigMap/ns/a");
    assert!(test.api.get("secrets", "other", "far").is_some());
    test.api.delete("clusterroles", "", "role");
    eventually("it is made again", || test.api.get("clusterroles", "", "role").is_some()).await;
    test.manager.settled().await;
    assert_eq!(test.last().unwrap().unchanged.len(), 2);
    test.change(Children::new).await;
    assert!(test.api.get("clusterroles", "", "role").is_none());
    assert!(test.api.get("secrets", "other", "far").is_none());
}

#[tokio::test(start_paused = true)]
async fn children_without_a_reference_go_when_their_owner_has_gone() {
    let test = setup(FakeApi::default(), || Children::new().add(role("role"))).await;
    assert!(test.api.get("clusterroles", "", "role").is_some());
    test.api.delete("configmaps", "ns", "a");
    eventually("the child goes too", || test.api.get("clusterroles", "", "role").is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn children_whose_owner_went_while_nobody_looked_go_at_the_next_start() {
    let test = setup(FakeApi::default(), || Children::new().add(role("role"))).await;
    let Setup { api, manager, .. } = test;
    manager.stop().await.unwrap();
    api.delete("configmaps", "ns", "a");
    let manager = run(&api, [controller(told(|_, _| Box::pin(async { Ok(Outcome::Settled) })))]);
    eventually("the child goes", || api.get("clusterroles", "", "role").is_none()).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_stays_if_its_owner_is_there_and_only_the_cache_does_not_have_it() {
    let test = setup(FakeApi::default(), || Children::new().add(role("role"))).await;
    let Setup { api, manager, .. } = test;
    manager.stop().await.unwrap();
    let elsewhere = Controller::new(
        "test",
        Watch::<ConfigMap>::all().namespace("other"),
        told(|_, _| Box::pin(async { Ok(Outcome::Settled) })),
    )
    .owns(Watch::<ClusterRole>::all());
    let trigger = elsewhere.trigger();
    let manager = run(&api, [elsewhere]);
    manager.settled().await;
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    consistently("the child stays", Duration::from_secs(5), || api.get("clusterroles", "", "role").is_some()).await;
    assert!(manager.handle.status()[0].failing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_child_of_an_owner_that_was_made_anew_is_made_anew() {
    let test = setup(FakeApi::default(), || Children::new().add(role("role"))).await;
    let before = test.api.get("clusterroles", "", "role").unwrap();
    test.api.delete("configmaps", "ns", "a");
    let parent = test.api.put("configmaps", parent("a"));
    eventually("the new owner has its own child", || {
        let role = test.api.get("clusterroles", "", "role");
        role.is_some_and(|role| {
            role["metadata"]["labels"]["kubewright.dev/owner-uid"] == parent["metadata"]["uid"]
                && role["metadata"]["uid"] != before["metadata"]["uid"]
        })
    })
    .await;
    test.manager.settled().await;
    assert!(test.last().unwrap().is_ready());
}
