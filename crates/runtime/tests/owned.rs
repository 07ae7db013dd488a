//! Children, status, finalizers: what a reconcile declares is made so, and nothing is written that changes nothing.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Method;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::{
    ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta},
};
use kubewright_runtime::{
    Children, Context, Controller, Error, ObjectRef, Outcome, Owned, Reconciler, Trigger, Watch, conditions, finalizer,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{FakeApi, Running, Told, consistently, eventually, parent, run, told};
use tokio::time::Instant;

/// The children that the reconciler wants, which a test changes as it goes.
type Wanted = Arc<Mutex<Vec<Secret>>>;

struct Setup {
    api: FakeApi,
    wanted: Wanted,
    reconciler: Told,
    results: Arc<Mutex<Vec<Result<Owned, String>>>>,
    trigger: Trigger,
    manager: Running,
}

fn secret(name: &str, data: &[(&str, &str)]) -> Secret {
    let data = data.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect();
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    Secret { metadata, string_data: Some(data), ..Secret::default() }
}

/// A manager with one parent, `ns/a`, whose children are the wanted ones.
async fn setup(api: FakeApi, wanted: Vec<Secret>) -> Setup {
    let wanted: Wanted = Arc::new(Mutex::new(wanted));
    let results: Arc<Mutex<Vec<_>>> = Arc::default();
    let (children, log) = (wanted.clone(), results.clone());
    let reconciler = told(move |_, ctx| {
        let (children, log) = (children.lock().clone(), log.clone());
        Box::pin(async move {
            let result = ctx.own(children).await;
            log.lock().push(result.as_ref().map(Clone::clone).map_err(ToString::to_string));
            result.map(|_| Outcome::Settled)
        })
    });
    let controller = Controller::new("test", Watch::all(), reconciler.clone())
        .owns(Watch::<Secret>::all())
        .owns(Watch::<Service>::all());
    let trigger = controller.trigger();
    api.put("configmaps", parent("a"));
    let manager = run(&api, [controller]);
    manager.settled().await;
    Setup { api, wanted, reconciler, results, trigger, manager }
}

impl Setup {
    /// Reconciles the parent once more.
    async fn again(&self) {
        let runs = self.reconciler.runs().len();
        self.trigger.wake(ObjectRef::new(Some("ns"), "a"));
        eventually("it runs again", || self.reconciler.runs().len() > runs).await;
        self.manager.settled().await;
    }

    fn last(&self) -> Result<Owned, String> {
        self.results.lock().last().unwrap().clone()
    }
}

fn shown(writes: &[support::Logged]) -> Vec<String> {
    writes.iter().map(|write| format!("{} {}", write.method, write.path.rsplit('/').next().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_child_is_made_with_a_controller_reference_and_then_left_alone() {
    let test = setup(FakeApi::default(), vec![secret("c", &[("k", "v")])]).await;
    let child = test.api.get("secrets", "ns", "c").unwrap();
    let parent = test.api.get("configmaps", "ns", "a").unwrap();
    let reference = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": parent["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    assert_eq!(child["metadata"]["ownerReferences"], reference);
    assert_eq!(shown(&test.api.writes()), ["PATCH c"]);
    let before = test.api.requests().len();
    test.again().await;
    assert_eq!(test.last().unwrap().unchanged.len(), 1);
    assert_eq!(test.api.requests().len(), before, "not even a read");
}

#[tokio::test(start_paused = true)]
async fn drift_of_our_fields_is_repaired_and_foreign_fields_survive() {
    let test = setup(FakeApi::default(), vec![secret("c", &[("k", "v")])]).await;
    test.api.change("secrets", "ns", "c", |child| {
        child["stringData"]["k"] = "drifted".into();
        child["metadata"]["annotations"] = json!({"foreign": "stays"});
    });
    test.manager.settled().await;
    let child = test.api.get("secrets", "ns", "c").unwrap();
    assert_eq!(child["stringData"]["k"], "v");
    assert_eq!(child["metadata"]["annotations"]["foreign"], "stays");
    let writes = test.api.writes().len();
    test.api.change("secrets", "ns", "c", |child| child["metadata"]["annotations"]["foreign"] = "changed".into());
    test.manager.settled().await;
    assert_eq!(test.api.writes().len(), writes, "foreign changes cause no write");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_no_longer_given_is_removed() {
    let test = setup(FakeApi::default(), vec![secret("c", &[("k", "v"), ("old", "x")])]).await;
    *test.wanted.lock() = vec![secret("c", &[("k", "v")])];
    test.again().await;
    assert_eq!(test.api.get("secrets", "ns", "c").unwrap()["stringData"], json!({"k": "v"}));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_the_server_stores_in_another_form_is_applied_once() {
    let test = setup(FakeApi::default(), vec![secret("c", &[("cpu", "1000m")])]).await;
    assert_eq!(test.api.get("secrets", "ns", "c").unwrap()["stringData"]["cpu"], "1");
    let writes = test.api.writes().len();
    test.again().await;
    test.api.change("secrets", "ns", "c", |child| child["metadata"]["annotations"] = json!({"foreign": "x"}));
    test.manager.settled().await;
    assert_eq!(test.api.writes().len(), writes);
    test.api.change("secrets", "ns", "c", |child| child["stringData"]["cpu"] = "2".into());
    test.manager.settled().await;
    assert_eq!(test.api.get("secrets", "ns", "c").unwrap()["stringData"]["cpu"], "1", "drift is still seen");
}

#[tokio::test(start_paused = true)]
async fn children_that_are_not_wanted_go_and_those_of_others_stay() {
    let api = FakeApi::default();
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "foreign", "namespace": "ns", "ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "another", "controller": true}
    ]}});
    api.put("secrets", foreign);
    let test = setup(api, vec![secret("one", &[]), secret("two", &[])]).await;
    *test.wanted.lock() = vec![secret("two", &[])];
    test.again().await;
    assert!(test.api.get("secrets", "ns", "one").is_none());
    assert!(test.api.get("secrets", "ns", "two").is_some());
    test.wanted.lock().clear();
    test.again().await;
    assert!(test.api.get("secrets", "ns", "two").is_none());
    assert!(test.api.get("secrets", "ns", "foreign").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_somebody_deleted_is_made_again() {
    let test = setup(FakeApi::default(), vec![secret("c", &[])]).await;
    test.api.delete("secrets", "ns", "c");
    test.manager.settled().await;
    assert!(test.api.get("secrets", "ns", "c").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_of_the_name_is_never_touched() {
    let api = FakeApi::default();
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c", "namespace": "ns"}, "stringData": {"k": "theirs"}});
    let foreign = api.put("secrets", foreign);
    let test = setup(api, vec![secret("c", &[("k", "ours")]), secret("d", &[])]).await;
    let owned = test.results.lock()[0].clone().unwrap();
    assert_eq!(owned.applied.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Secret ns/d"]);
    let refused: Vec<_> = owned.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["Secret ns/c exists and is not ours: nothing controls it; delete or rename one of the two"]);
    assert_eq!(test.api.get("secrets", "ns", "c"), Some(foreign));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_that_the_cache_has_not_seen_is_not_touched_either() {
    let test = setup(FakeApi::default(), vec![]).await;
    test.api.hold();
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "x", "controller": true}]);
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c", "namespace": "ns", "ownerReferences": owner}});
    let foreign = test.api.put("secrets", foreign);
    *test.wanted.lock() = vec![secret("c", &[("k", "ours")])];
    test.again().await;
    assert_eq!(test.last().unwrap().refused[0].controller.as_deref(), Some("Deployment d"));
    assert_eq!(test.api.get("secrets", "ns", "c"), Some(foreign));
    test.api.release();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_was_replaced_by_a_foreign_object_is_not_taken_over() {
    let test = setup(FakeApi::default(), vec![secret("c", &[("k", "v")])]).await;
    test.api.hold();
    test.api.delete("secrets", "ns", "c");
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c", "namespace": "ns"}, "stringData": {"k": "theirs"}});
    let foreign = test.api.put("secrets", foreign);
    *test.wanted.lock() = vec![secret("c", &[("k", "new")])];
    test.trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("the stale reconcile has failed", || test.last().is_err()).await;
    assert_eq!(test.api.get("secrets", "ns", "c"), Some(foreign.clone()));
    test.api.release();
    test.manager.settled().await;
    assert_eq!(test.api.get("secrets", "ns", "c"), Some(foreign));
    assert_eq!(test.last().unwrap().refused.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_failing_child_does_not_keep_the_others_from_being_made() {
    let api = FakeApi::default();
    api.fail(Method::PATCH, 422);
    let test = setup(api, vec![secret("c", &[]), secret("d", &[])]).await;
    let first = test.results.lock()[0].clone();
    assert!(first.unwrap_err().starts_with("Secret ns/c could not be applied: "));
    assert!(test.api.get("secrets", "ns", "d").is_some());
    assert!(test.api.get("secrets", "ns", "c").is_some(), "the retry made it");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_was_not_declared_is_an_error_that_tells_what_to_add() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, ctx| {
        Box::pin(async move {
            ctx.own(Children::new().add(secret("c", &[]))).await?;
            Ok(Outcome::Settled)
        })
    });
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler)]);
    manager.settled().await;
    let error = &manager.handle.status()[0].failing[0].error;
    assert_eq!(error, "controller test does not own Secret: add .owns(Watch::<Secret>::all()) to it");
    assert!(api.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cached_objects_are_read_by_key_by_namespace_and_by_index() {
    let api = FakeApi::default();
    let labelled = |name: &str, namespace: &str, host: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace, "labels": {"host": host}}});
    api.put("secrets", labelled("b", "ns", "x"));
    api.put("secrets", labelled("a", "ns", "y"));
    api.put("secrets", labelled("c", "other", "x"));
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, ctx| {
        Box::pin(async {
            let names = |found: Vec<Secret>| found.into_iter().filter_map(|s| s.metadata.name).collect::<Vec<_>>();
            assert_eq!(names(ctx.list(None)?), ["a", "b", "c"]);
            assert_eq!(names(ctx.list(Some("ns"))?), ["a", "b"]);
            assert_eq!(names(ctx.list_by("host", "x")?), ["b", "c"]);
            assert!(ctx.get::<Secret>(&ObjectRef::new(Some("other"), "c"))?.is_some());
            assert!(ctx.get::<Secret>(&ObjectRef::new(Some("other"), "a"))?.is_none());
            assert!(ctx.list_by::<Secret>("nope", "x").unwrap_err().to_string().contains("index"));
            Ok(Outcome::Settled)
        })
    });
    let watch = Watch::<Secret>::all().index("host", |secret| secret.label("host").map(str::to_string));
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler.clone()).reads(watch)]);
    manager.settled().await;
    assert_eq!(reconciler.runs().len(), 1);
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
}

/// A reconciler of `ns/a` that writes to it once for each time that it is armed, and what it saw at each run.
fn writer(armed: &Arc<AtomicBool>, seen: &Arc<Mutex<Vec<Option<String>>>>) -> Told {
    let (armed, seen) = (armed.clone(), seen.clone());
    told(move |object, ctx| {
        let data = object.data.clone().unwrap_or_default().get("written").cloned();
        seen.lock().push(data);
        let writes = armed.swap(false, Ordering::Relaxed);
        Box::pin(async move {
            if writes {
                let api = kube::Api::<ConfigMap>::namespaced(ctx.client().clone(), "ns");
                let patch = kube::api::Patch::Merge(json!({"data": {"written": "yes"}}));
                api.patch("a", &kube::api::PatchParams::default(), &patch).await?;
            }
            Ok(Outcome::Settled)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_key_does_not_run_before_the_cache_has_seen_its_own_write() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let (armed, seen) = (Arc::default(), Arc::default());
    let controller = Controller::new("test", Watch::all(), writer(&armed, &seen));
    let trigger = controller.trigger();
    let manager = run(&api, [controller]);
    manager.settled().await;
    api.hold();
    armed.store(true, Ordering::Relaxed);
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("it has written", || api.writes().len() == 1).await;
    let runs = seen.lock().len();
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    consistently("it waits for the cache", Duration::from_secs(10), || seen.lock().len() == runs).await;
    assert!(manager.handle.status()[0].active > 0, "a key that waits is not settled");
    api.release();
    eventually("it runs again", || seen.lock().len() > runs).await;
    assert_eq!(seen.lock()[runs..], [Some("yes".to_string())], "on what it wrote");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_the_cache_never_sees_holds_its_key_for_a_minute_at_most() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let (armed, seen) = (Arc::default(), Arc::default());
    let controller = Controller::new("test", Watch::all(), writer(&armed, &seen));
    let trigger = controller.trigger();
    let manager = run(&api, [controller]);
    manager.settled().await;
    api.swallow();
    armed.store(true, Ordering::Relaxed);
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("it has written", || api.writes().len() == 1).await;
    let (runs, since) = (seen.lock().len(), Instant::now());
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("it runs in the end", || seen.lock().len() > runs).await;
    assert_eq!(since.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_relist_clears_what_a_restored_server_will_never_send() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let (armed, seen) = (Arc::default(), Arc::default());
    let controller = Controller::new("test", Watch::all(), writer(&armed, &seen));
    let trigger = controller.trigger();
    let manager = run(&api, [controller]);
    manager.settled().await;
    api.swallow();
    armed.store(true, Ordering::Relaxed);
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("it has written", || api.writes().len() == 1).await;
    let (runs, since) = (seen.lock().len(), Instant::now());
    api.restore(1);
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    eventually("it runs again", || seen.lock().len() > runs).await;
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_status_is_written_when_it_changes_and_only_then() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let healthy = Arc::new(AtomicBool::new(true));
    let health = healthy.clone();
    let reconciler = told(move |_, ctx| {
        let healthy = health.load(Ordering::Relaxed);
        Box::pin(async move {
            let mut list = Vec::new();
            let state = conditions::State { kind: "Ready", status: Some(healthy), reason: "Checked", message: "" };
            conditions::set(&mut list, state, Some(1), jiff::Timestamp::UNIX_EPOCH);
            ctx.set_status(&json!({"conditions": list, "absent": null})).await?;
            Ok(Outcome::Settled)
        })
    });
    let controller = Controller::new("test", Watch::all(), reconciler.clone());
    let trigger = controller.trigger();
    let manager = run(&api, [controller]);
    manager.settled().await;
    assert_eq!(shown(&api.writes()), ["PATCH status"]);
    let status = api.get("configmaps", "ns", "a").unwrap()["status"].clone();
    assert_eq!((&status["conditions"][0]["status"], &status["absent"]), (&json!("True"), &Value::Null));
    assert_eq!(reconciler.runs().len(), 2, "its own write woke it once, and that run wrote nothing");
    healthy.store(false, Ordering::Relaxed);
    trigger.wake(ObjectRef::new(Some("ns"), "a"));
    manager.settled().await;
    assert_eq!(api.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_status_for_an_object_that_is_gone_is_no_error_and_for_a_kind_without_status_it_is() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let server = api.clone();
    let reconciler = told(move |object, ctx| {
        if object.metadata.name.as_deref() == Some("gone") {
            server.delete("configmaps", "ns", "gone");
        }
        Box::pin(async move { ctx.set_status(&json!({"seen": true})).await.map(|_| Outcome::Settled) })
    });
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler.clone())]);
    api.put("configmaps", parent("gone"));
    manager.settled().await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    api.without_status("configmaps");
    api.put("configmaps", parent("b"));
    manager.settled().await;
    let failing = &manager.handle.status()[0].failing;
    assert!(failing[0].error.contains("no status subresource"), "{failing:?}");
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_is_there_before_the_work_and_goes_after_the_cleanup() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let ready = Arc::new(AtomicBool::new(false));
    let (steps, may_go, server) = (log.clone(), ready.clone(), api.clone());
    let reconciler = told(move |_, ctx| {
        let (steps, may_go, server) = (steps.clone(), may_go.clone(), server.clone());
        Box::pin(async move {
            let apply = async || {
                let finalizers = server.get("configmaps", "ns", "a").unwrap()["metadata"]["finalizers"].clone();
                steps.lock().push(format!("apply with {finalizers}"));
                Ok(Outcome::Settled)
            };
            let cleanup = async || {
                steps.lock().push("cleanup".into());
                if may_go.load(Ordering::Relaxed) { Ok(Outcome::Settled) } else { Err(Error::temporary("not yet")) }
            };
            finalizer::run(ctx, "example.com/x", apply, cleanup).await
        })
    });
    let manager = run(&api, [Controller::new("test", Watch::all(), reconciler.clone())]);
    manager.settled().await;
    assert_eq!(log.lock()[0], "apply with [\"example.com/x\"]");
    let api_client = kube::Api::<ConfigMap>::namespaced(api.client(), "ns");
    api_client.delete("a", &kube::api::DeleteParams::default()).await.unwrap();
    eventually("the cleanup is tried", || log.lock().contains(&"cleanup".to_string())).await;
    assert!(api.get("configmaps", "ns", "a").is_some(), "it stays until the cleanup has succeeded");
    ready.store(true, Ordering::Relaxed);
    eventually("it goes", || api.get("configmaps", "ns", "a").is_none()).await;
    manager.settled().await;
    assert_eq!(reconciler.gone(), ["ns/a"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_being_deleted_gets_no_children() {
    let api = FakeApi::default();
    let mut dying = parent("a");
    dying["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    dying["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    api.put("configmaps", dying);
    let results: Arc<Mutex<Vec<Owned>>> = Arc::default();
    let log = results.clone();
    let reconciler = told(move |_, ctx| {
        let log = log.clone();
        Box::pin(async move {
            let owned = ctx.own([secret("c", &[])]).await?;
            log.lock().push(owned);
            Ok(Outcome::Settled)
        })
    });
    let controller = Controller::new("test", Watch::all(), reconciler).owns(Watch::<Secret>::all());
    let manager = run(&api, [controller]);
    manager.settled().await;
    assert_eq!(results.lock()[0].waiting.len(), 1);
    assert!(api.writes().is_empty());
}

/// Gives each object of a kind known at run time a child of another such kind.
struct Dynamic;

impl Reconciler for Dynamic {
    type Object = DynamicObject;

    async fn reconcile(&self, object: Arc<DynamicObject>, ctx: &Context) -> Result<Outcome, Error> {
        let size = object.data["spec"]["size"].clone();
        let child = DynamicObject::new(&object.name_any(), &parts()).data(json!({"spec": {"size": size}}));
        ctx.own(Children::new().add_dynamic(&parts(), child)).await?;
        Ok(Outcome::Settled)
    }
}

fn wholes() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("example.com", "v1", "Whole"), "wholes")
}

fn parts() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("example.com", "v1", "Part"), "parts")
}

#[tokio::test(start_paused = true)]
async fn kinds_known_at_run_time_work_like_others() {
    let api = FakeApi::default();
    api.put(
        "wholes",
        json!({"apiVersion": "example.com/v1", "kind": "Whole", "metadata": {"name": "w"}, "spec": {"size": 3}}),
    );
    let controller = Controller::new("test", Watch::kind(wholes(), false), Dynamic)
        .owns(Watch::<DynamicObject>::kind(parts(), false));
    let manager = run(&api, [controller]);
    manager.settled().await;
    assert!(manager.handle.status()[0].failing.is_empty(), "{:?}", manager.handle.status()[0].failing);
    let part = api.get("parts", "", "w").unwrap();
    assert_eq!(part["spec"]["size"], 3);
    assert_eq!(part["metadata"]["ownerReferences"][0]["kind"], "Whole");
    api.delete("parts", "", "w");
    eventually("the child is made again", || api.get("parts", "", "w").is_some()).await;
    assert_eq!(api.writes().len(), 2);
}
