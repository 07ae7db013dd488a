//! Watches: order, completeness, progress, selectors.

use kubewright_apiserver::store::{Event, EventType, Stored};
use serde_json::{Value, json};

use crate::support::*;

fn line(stored: &Stored) -> Value {
    serde_json::from_slice(&stored.frame()).unwrap()
}

fn summary(event: &Event) -> (EventType, String, u64) {
    (event.event_type(), event.object().key().name().into(), event.revision())
}

#[tokio::test]
async fn a_watch_sees_what_comes_after_its_revision() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "1").await.unwrap();
    update(&store, &maps, &key("a"), 1, "2").await.unwrap();
    let mut watch = maps.watch(1).unwrap();
    create(&store, &store.collection("", "secrets"), &key("s"), "1").await.unwrap();
    delete(&store, &maps, &key("a"), 2).await.unwrap();
    assert_eq!(summary(&watch.next().await.unwrap()), (EventType::Modified, "a".into(), 2));
    let event = watch.next().await.unwrap();
    assert_eq!(summary(&event), (EventType::Deleted, "a".into(), 4));
    assert_eq!(value(event.previous().unwrap()), "2");
    assert_eq!(resource_version(&line(event.object())["object"]), 4);
    assert!(watch.try_next().unwrap().is_none());
}

#[tokio::test]
async fn a_waiting_watch_is_woken() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    let watcher = tokio::spawn(async move { watch.next().await.unwrap().revision() });
    tokio::task::yield_now().await;
    create(&store, &maps, &key("a"), "1").await.unwrap();
    assert_eq!(watcher.await.unwrap(), 1);
}

#[tokio::test]
async fn a_given_up_wait_loses_nothing() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    assert!(futures::FutureExt::now_or_never(watch.next()).is_none());
    create(&store, &maps, &key("a"), "1").await.unwrap();
    assert_eq!(watch.next().await.unwrap().revision(), 1);
}

#[tokio::test]
async fn a_slow_watch_is_told_that_the_history_moved_on() {
    let store = short_history(3);
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    for name in ["a", "b", "c", "d"] {
        create(&store, &maps, &key(name), "1").await.unwrap();
    }
    assert_eq!(watch.next().await.unwrap_err().oldest, 1);
    assert!(maps.watch(0).is_err());
    assert_eq!(maps.watch(1).unwrap().next().await.unwrap().revision(), 2);
}

#[tokio::test]
async fn progress_is_known_when_all_was_handed_out() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    assert_eq!(watch.progress(), Some(0));
    create(&store, &maps, &key("a"), "1").await.unwrap();
    create(&store, &store.collection("", "secrets"), &key("s"), "1").await.unwrap();
    assert_eq!(watch.progress(), None);
    watch.next().await.unwrap();
    assert_eq!(watch.progress(), Some(2));
}

#[tokio::test]
async fn an_event_is_encoded_once_for_all_watchers() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let (mut one, mut other) = (maps.watch(0).unwrap(), maps.watch(0).unwrap());
    let written = create(&store, &maps, &key("a"), "1").await.unwrap();
    let (one, other) = (one.next().await.unwrap(), other.next().await.unwrap());
    assert_eq!(one.object().frame().as_ptr(), other.object().frame().as_ptr());
    assert_eq!(line(one.object()), json!({"type": "ADDED", "object": written.tree()}));
}

#[tokio::test]
async fn objects_enter_and_leave_a_selector() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    create(&store, &maps, &key("a"), "out").await.unwrap();
    for (revision, value) in [(1, "in"), (2, "in"), (3, "out"), (4, "out"), (5, "in")] {
        update(&store, &maps, &key("a"), revision, value).await.unwrap();
    }
    delete(&store, &maps, &key("a"), 6).await.unwrap();
    let mut seen = Vec::new();
    while let Some(event) = watch.try_next().unwrap() {
        let Some(stored) = event.for_selector(|stored| stored.label("value") == Some("in")) else { continue };
        let line = line(stored);
        let value = line["object"]["data"]["value"].as_str().unwrap().to_string();
        seen.push((line["type"].as_str().unwrap().to_string(), resource_version(&line["object"]), value));
    }
    let expected = [
        ("ADDED", 2, "in"),
        ("MODIFIED", 3, "in"),
        // The state in which it was last seen.
        ("DELETED", 4, "in"),
        ("ADDED", 6, "in"),
        ("DELETED", 7, "last"),
    ];
    assert_eq!(seen, expected.map(|(kind, revision, value)| (kind.to_string(), revision, value.to_string())));
}
