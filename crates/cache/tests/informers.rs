//! Shared informers: reads, changes, life and health.

mod support;

use std::ops::ControlFlow;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::{Expression, Selector};
use kubewright_cache::{CacheError, CacheOptions, Caches, Informer, Keep, ObjectRef, Scope, Stored};
use serde_json::json;
use support::{Fault, Server, config_maps, key};
use tokio::time::{sleep, timeout};

async fn caught_up(server: &Server, informer: &Informer) {
    let goal = server.revision();
    let reached = timeout(Duration::from_secs(60), async {
        _ = informer.revision().wait_for(|seen| *seen >= goal).await;
    });
    assert!(reached.await.is_ok(), "{:?}", informer.health());
}

async fn synced(server: &Server) -> Informer {
    let informer = server.informer();
    assert!(informer.wait_synced().await);
    informer
}

fn names(objects: &[Stored]) -> Vec<String> {
    objects.iter().map(|object| object.reference().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn there_is_one_watch_for_all_who_ask_for_the_same() {
    let server = Server::new();
    let caches = server.caches();
    let ask = |scope| caches.informer(&config_maps(), scope, Keep::Whole).unwrap();
    let (one, two) = (ask(Scope::default()), ask(Scope::default()));
    one.wait_synced().await;
    two.wait_synced().await;
    assert_eq!(server.requests().len(), 1);
    let labels = Some("app=web".to_string());
    let selected = ask(Scope { labels, ..Scope::default() });
    let metadata = caches.informer(&config_maps(), Scope::default(), Keep::Metadata).unwrap();
    selected.wait_synced().await;
    metadata.wait_synced().await;
    assert_eq!(server.requests().len(), 3);
    assert!(server.requests().iter().any(|uri| uri.contains("labelSelector=app%3Dweb&")));
    assert_eq!(caches.informers().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_watch_ends_with_the_last_who_needs_it_and_begins_again() {
    let server = Server::new();
    server.put("a", "1");
    let caches = server.caches();
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    informer.wait_synced().await;
    let deltas = informer.subscribe();
    let index = informer.add_index(|_| vec![]);
    drop(informer);
    drop(deltas);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(server.open_watches(), 1);
    drop(index);
    sleep(Duration::from_millis(1)).await;
    assert_eq!((server.open_watches(), caches.informers().len()), (0, 0));

    let again = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    again.wait_synced().await;
    assert!(again.get(&key("a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_order_by_namespace_or_all() {
    let server = Server::new();
    for (namespace, name) in [("b", "z"), ("a", "y"), ("b", "a"), ("ab", "c")] {
        server.put_with(&ObjectRef::new(Some(namespace), name), json!({}), "1");
    }
    let informer = synced(&server).await;
    assert_eq!(names(&informer.list(None)), ["a/y", "ab/c", "b/a", "b/z"]);
    assert_eq!(names(&informer.list(Some("b"))), ["b/a", "b/z"]);
    assert_eq!(names(&informer.list(Some("none"))), [] as [&str; 0]);
    assert!(informer.get(&ObjectRef::new(Some("a"), "z")).is_none());
}

#[tokio::test(start_paused = true)]
async fn lends_objects_in_order_until_the_visitor_has_enough() {
    let server = Server::new();
    for name in ["c", "a", "b"] {
        server.put(name, "1");
    }
    let informer = synced(&server).await;
    let mut seen = Vec::new();
    let found = informer.visit(Some("default"), |object| {
        seen.push(object.name().to_string());
        if object.name() == "b" { ControlFlow::Break(object.reference().clone()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((found, seen), (Some(key("b")), vec!["a".to_string(), "b".to_string()]));
    assert_eq!(informer.visit(Some("other"), |_| ControlFlow::Break(())), None);
}

#[tokio::test(start_paused = true)]
async fn finds_by_labels_as_they_change() {
    let server = Server::new();
    let label = |name: &str, labels: serde_json::Value| server.put_with(&key(name), json!({"labels": labels}), "1");
    label("a", json!({"app": "web", "tier": "front"}));
    label("b", json!({"app": "web"}));
    label("c", json!({"app": "db", "tier": "back"}));
    server.put("d", "1");
    let informer = synced(&server).await;
    let select = |expressions: Vec<Expression>| names(&informer.select(None, &Selector::from_iter(expressions)));
    let equal = |key: &str, value: &str| Expression::Equal(key.into(), value.into());
    let set = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    assert_eq!(select(vec![equal("app", "web")]), ["default/a", "default/b"]);
    assert_eq!(select(vec![equal("app", "web"), equal("tier", "front")]), ["default/a"]);
    assert_eq!(select(vec![equal("app", "none")]), [] as [&str; 0]);
    assert_eq!(select(vec![Expression::In("app".into(), set(&["db", "x"]))]), ["default/c"]);
    assert_eq!(select(vec![Expression::Exists("tier".into())]), ["default/a", "default/c"]);
    // What is not there is not equal either.
    assert_eq!(select(vec![Expression::NotEqual("app".into(), "web".into())]), ["default/c", "default/d"]);
    assert_eq!(
        select(vec![Expression::NotIn("tier".into(), set(&["front"]))]),
        ["default/b", "default/c", "default/d"]
    );
    assert_eq!(select(vec![Expression::DoesNotExist("app".into())]), ["default/d"]);
    assert_eq!(select(vec![]).len(), 4);
    assert_eq!(informer.stats().label_sets, 3);

    label("b", json!({"app": "db"}));
    server.delete("a");
    caught_up(&server, &informer).await;
    assert_eq!(names(&informer.select(Some("default"), &Selector::from_iter([("app", "web")]))), [] as [&str; 0]);
    assert_eq!(names(&informer.select(Some("other"), &Selector::from_iter([("app", "db")]))), [] as [&str; 0]);
    assert_eq!(names(&informer.select(None, &Selector::from_iter([("app", "db")]))), ["default/b", "default/c"]);
    assert_eq!(informer.stats().label_sets, 2);
}

#[tokio::test(start_paused = true)]
async fn finds_by_owner_as_owners_change() {
    let server = Server::new();
    let own = |name: &str, uids: &[&str]| {
        let owners: Vec<_> =
            uids.iter().map(|uid| json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid})).collect();
        server.put_with(&key(name), json!({"ownerReferences": owners}), "1")
    };
    own("a", &["u1", "u2"]);
    own("b", &["u1"]);
    let informer = synced(&server).await;
    assert_eq!(names(&informer.owned_by("u1")), ["default/a", "default/b"]);
    own("a", &["u2"]);
    server.delete("b");
    caught_up(&server, &informer).await;
    assert_eq!(names(&informer.owned_by("u1")), [] as [&str; 0]);
    assert_eq!(names(&informer.owned_by("u2")), ["default/a"]);
}

#[tokio::test(start_paused = true)]
async fn finds_by_what_a_function_says() {
    let server = Server::new();
    server.put("a", "x");
    server.put("b", "y");
    let informer = synced(&server).await;
    let by_value = informer.add_index(|object| {
        let decoded: ConfigMap = object.decode().unwrap_or_default();
        decoded.data.unwrap_or_default().into_values().collect()
    });
    assert_eq!(names(&by_value.get("x")), ["default/a"]);
    server.put("a", "y");
    server.put("c", "z");
    server.delete("b");
    caught_up(&server, &informer).await;
    assert_eq!(names(&by_value.get("x")), [] as [&str; 0]);
    assert_eq!(names(&by_value.get("y")), ["default/a"]);
    assert_eq!(names(&by_value.get("z")), ["default/c"]);
    server.put("0", "z");
    caught_up(&server, &informer).await;
    let mut looked_at = 0;
    let first = by_value.first("z", |_| {
        looked_at += 1;
        true
    });
    assert_eq!((first.unwrap().name(), looked_at), ("0", 1));
    assert_eq!(by_value.first("z", |object| object.name() != "0").unwrap().name(), "c");
    assert!(by_value.first("z", |_| false).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_told_the_contents_and_then_each_change() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    let mut deltas = informer.subscribe();
    let first = deltas.next().await.unwrap();
    assert!(first.initial && first.old.is_none() && first.new.is_some());

    server.put("a", "2");
    let changed = deltas.next().await.unwrap();
    let value = |object: &Stored| object.tree()["data"]["value"].clone();
    assert_eq!((value(&changed.old.unwrap()), value(changed.new.as_ref().unwrap())), (json!("1"), json!("2")));
    assert!(!changed.initial);

    server.delete("a");
    let deleted = deltas.next().await.unwrap();
    assert!(deleted.new.is_none());
    assert_eq!(deleted.old.unwrap().resource_version(), "2");
    assert_eq!(deleted.last.unwrap().resource_version(), "3", "the final state is that of the deletion");
    // Who is told of a change finds it in the cache.
    assert!(informer.get(&key("a")).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_first_list_is_told_as_initial_to_who_came_before_it() {
    let server = Server::new();
    server.put("a", "1");
    let informer = server.informer();
    let mut deltas = informer.subscribe();
    assert!(deltas.next().await.unwrap().initial);
    server.put("b", "1");
    assert!(!deltas.next().await.unwrap().initial);
}

#[tokio::test(start_paused = true)]
async fn a_slow_follower_is_told_once_of_each_object_and_misses_none() {
    let server = Server::new();
    server.put("changed", "0");
    server.put("gone", "0");
    server.put("anew", "0");
    let informer = synced(&server).await;
    let mut deltas = informer.subscribe();
    while deltas.try_next().is_some() {}
    for value in 1..100 {
        server.put("changed", &value.to_string());
    }
    server.put("gone", "1");
    server.delete("gone");
    server.delete("anew");
    server.put("anew", "1");
    server.put("short", "1");
    server.delete("short");
    caught_up(&server, &informer).await;

    let told: Vec<_> = std::iter::from_fn(|| deltas.try_next()).collect();
    let names: Vec<&str> = told.iter().map(|delta| &*delta.reference.name).collect();
    assert_eq!(names, ["changed", "gone", "anew", "short"]);
    let value = |object: &Option<Stored>| object.as_ref().map(|object| object.tree()["data"]["value"].clone());
    let states: Vec<_> = told.iter().map(|delta| (value(&delta.old), value(&delta.new), value(&delta.last))).collect();
    let some = |value: &str| Some(json!(value));
    assert_eq!(states[0], (some("0"), some("99"), None));
    assert_eq!(states[1], (some("0"), None, some("1")));
    assert_eq!(states[2], (some("0"), some("1"), None));
    assert_ne!(told[2].old.as_ref().unwrap().uid(), told[2].new.as_ref().unwrap().uid());
    assert_eq!(states[3], (some("1"), None, some("1")));
}

#[tokio::test(start_paused = true)]
async fn the_revision_follows_events_and_bookmarks() {
    let server = Server::new();
    server.put("a", "1");
    let informer = synced(&server).await;
    assert_eq!(informer.health().revision, 1);
    let mut revision = informer.revision();
    server.put("a", "2");
    assert_eq!(*revision.wait_for(|seen| *seen >= 2).await.unwrap(), 2);
    assert_eq!(informer.get(&key("a")).unwrap().resource_version(), "2");
    // Other kinds move on, and a bookmark tells.
    server.advance();
    server.bookmark();
    assert_eq!(*revision.wait_for(|seen| *seen >= 3).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn during_a_relist_the_old_state_is_read() {
    let server = Server::without_watch_list();
    for name in ["a", "b", "c", "d"] {
        server.put(name, "1");
    }
    let caches = Caches::new(server.client(), CacheOptions { page_size: 1, ..CacheOptions::default() });
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    informer.wait_synced().await;
    let before = server.requests().len();
    server.end_watches();
    for name in ["a", "b", "c", "d"] {
        server.put(name, "2");
    }
    server.compact();
    let values =
        || -> Vec<_> { informer.list(None).iter().map(|object| object.tree()["data"]["value"].clone()).collect() };
    // Probe, watch, and three of four pages.
    while server.requests().len() < before + 5 {
        assert_eq!(values(), ["1"; 4]);
        sleep(Duration::from_millis(1)).await;
    }
    caught_up(&server, &informer).await;
    assert_eq!(values(), ["2"; 4]);
}

#[tokio::test(start_paused = true)]
async fn each_watch_fails_for_itself() {
    let server = Server::new();
    server.put("a", "1");
    for _ in 0..5 {
        server.fault(Fault::Status(500, "InternalError"));
    }
    let caches = server.caches();
    let failing = caches.informer(&config_maps(), Scope::default(), Keep::Metadata).unwrap();
    sleep(Duration::from_millis(350)).await;
    let tries = server.requests().len();
    assert!(tries < 5, "{tries}");
    while server.requests().len() < 5 {
        sleep(Duration::from_millis(10)).await;
    }
    // One that is asked for while the other waits does not wait with it.
    let fresh = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    assert!(timeout(Duration::from_millis(10), fresh.wait_synced()).await.is_ok());
    assert!(!failing.health().synced);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_watches_and_followers_and_keeps_what_is_there() {
    let server = Server::new();
    server.put("a", "1");
    let caches = server.caches();
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    informer.wait_synced().await;
    let mut deltas = informer.subscribe();
    let mut waiting = informer.subscribe();
    while waiting.try_next().is_some() {}
    let waiter = tokio::spawn(async move { waiting.next().await.is_none() });
    tokio::task::yield_now().await;
    caches.shut_down();
    assert!(waiter.await.unwrap());
    assert!(deltas.next().await.is_some());
    assert!(deltas.next().await.is_none());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(server.open_watches(), 0);
    assert!(informer.get(&key("a")).is_some());
    assert!(matches!(
        caches.informer(&config_maps(), Scope::default(), Keep::Whole),
        Err(CacheError::ShutDown { plural }) if plural == "configmaps"
    ));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_first_list_that_never_comes_ends_with_the_caches() {
    let server = Server::new();
    server.fault(Fault::Hang);
    let caches = server.caches();
    let informer = caches.informer(&config_maps(), Scope::default(), Keep::Whole).unwrap();
    let waiter = tokio::spawn({
        let informer = informer.clone();
        async move { informer.wait_synced().await }
    });
    tokio::task::yield_now().await;
    caches.shut_down();
    assert!(!waiter.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn tells_what_it_holds() {
    let server = Server::new();
    let informer = synced(&server).await;
    assert_eq!((informer.stats().objects, informer.stats().bytes), (0, 0));
    server.put("a", "1");
    server.put("b", &"long ".repeat(100));
    caught_up(&server, &informer).await;
    let stats = informer.stats();
    assert_eq!(stats.objects, 2);
    assert!(stats.bytes > 500, "{stats:?}");
    server.delete("a");
    server.delete("b");
    caught_up(&server, &informer).await;
    assert_eq!((informer.stats().objects, informer.stats().bytes), (0, 0));
}
