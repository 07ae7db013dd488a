//! Which objects a watch has, how much of them, and in which order their keys come.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod support;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kubewright_cache::{Keep, View};
use kubewright_runtime::{Controller, ManagerError, Outcome, Watch};
use parking_lot::Mutex;
use serde_json::json;
use support::{FakeApi, Told, eventually, parent, run, told};

fn controller(reconciler: &Told) -> Controller {
    Controller::new("test", Watch::all(), reconciler.clone())
}

#[tokio::test(start_paused = true)]
async fn a_watch_can_be_of_several_namespaces() {
    let api = FakeApi::default();
    for namespace in ["one", "two", "three"] {
        let mut object = parent(&format!("in-{namespace}"));
        object["metadata"]["namespace"] = namespace.into();
        api.put("configmaps", object);
    }
    let seen = told(|_, ctx| {
        Box::pin(async move {
            let found = ctx.list::<ConfigMap>(None)?;
            assert_eq!(found.len(), 2, "what is in other namespaces is not there");
            Ok(Outcome::Settled)
        })
    });
    let watch = Watch::<ConfigMap>::all().namespace("one").namespace("three");
    let manager = run(&api, [Controller::new("test", watch, seen.clone())]);
    manager.settled().await;
    let mut keys: Vec<String> = seen.runs();
    keys.sort();
    keys.dedup();
    assert_eq!(keys, ["in-one", "in-three"]);
    let before = seen.runs().len();
    api.change("configmaps", "three", "in-three", |object| object["data"] = json!({"x": "y"}));
    eventually("a change in the second namespace", || seen.runs().len() > before).await;
    let lists = api.requests().into_iter().filter(|request| request.path.ends_with("/configmaps"));
    let paths: std::collections::BTreeSet<String> = lists.map(|request| request.path).collect();
    let of = |namespace| format!("/api/v1/namespaces/{namespace}/configmaps");
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), [of("one"), of("three")]);
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn flows_of_keys_take_turns() {
    let api = FakeApi::default();
    for name in ["a-1", "a-2", "a-3", "b-1"] {
        api.put("configmaps", parent(name));
    }
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let fair = controller(&reconciler).fair(|key| key.name.chars().next());
    let manager = run(&api, [fair]);
    manager.settled().await;
    assert_eq!(reconciler.runs(), ["a-1", "b-1", "a-2", "a-3"]);
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cache_can_keep_what_a_function_leaves_of_each_object() {
    let api = FakeApi::default();
    let mut object = parent("a");
    object["data"] = json!({"small": "1", "large": "…"});
    api.put("configmaps", object);
    let data = Arc::new(Mutex::new(Vec::new()));
    let seen = data.clone();
    let reconciler = told(move |object, _| {
        seen.lock().push(object.data.clone().unwrap_or_default());
        Box::pin(async { Ok(Outcome::Settled) })
    });
    let small = View::transform("small", |object| {
        object["data"].as_object_mut().map(|data| data.remove("large"));
        object["metadata"]["name"] = "other".into();
    });
    let watch = Watch::<ConfigMap>::all().keep(Keep::View(small));
    let manager = run(&api, [Controller::new("test", watch, reconciler.clone())]);
    manager.settled().await;
    assert_eq!(reconciler.runs(), ["a"], "what an object is called stays");
    assert_eq!(data.lock()[0], [("small".to_string(), "1".to_string())].into());
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transform_that_panics_is_an_error_of_its_watch() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let watch = Watch::<ConfigMap>::all().keep(Keep::View(View::transform("bad", |_| panic!("bad"))));
    let manager = run(&api, [Controller::new("test", watch, reconciler)]);
    let told =
        |faults: Vec<String>| faults.iter().any(|fault| fault.contains("configmaps") && fault.contains("panicked"));
    eventually("readiness tells", || manager.handle.ready().is_err_and(told)).await;
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn children_of_which_only_a_part_is_kept_are_refused() {
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let partial = controller(&reconciler).owns(Watch::<Secret>::all().keep(Keep::Metadata));
    let error = run(&FakeApi::default(), [partial]).ended().await.unwrap_err();
    assert!(matches!(error, ManagerError::PartialChildren { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_hangs_makes_readiness_fail_by_name_until_it_goes_on() {
    let api = FakeApi::default();
    api.put("configmaps", parent("a"));
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let manager = run(&api, [controller(&reconciler)]);
    manager.settled().await;
    assert_eq!(manager.handle.ready(), Ok(()));
    api.hang(true);
    // The silence of the watch, and that of the question how far the server is.
    tokio::time::sleep(Duration::from_secs(250)).await;
    let faults = manager.handle.ready().unwrap_err();
    assert!(faults[0].starts_with("controller test watch configmaps: nothing was heard"), "{faults:?}");
    api.hang(false);
    tokio::time::sleep(Duration::from_secs(250)).await;
    assert_eq!(manager.handle.ready(), Ok(()));
    manager.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_first_list_that_does_not_come_is_told_by_name() {
    let api = FakeApi::default();
    api.hang(true);
    let reconciler = told(|_, _| Box::pin(async { Ok(Outcome::Settled) }));
    let manager = run(&api, [controller(&reconciler)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let faults = manager.handle.ready().unwrap_err();
    assert!(faults.contains(&"controller test watch configmaps: not in sync yet".to_string()), "{faults:?}");
    manager.stop().await.unwrap();
}
