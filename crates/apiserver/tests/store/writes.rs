//! Preconditions, revisions and what is stored.

use futures::FutureExt;
use kubewright_apiserver::store::{Encoded, EventType, Fields, MAX_DEPTH, Store, StoreOptions, Write, WriteError};

use crate::support::*;

#[tokio::test]
async fn one_counter_numbers_the_writes_of_all_collections() {
    let store = memory();
    let (maps, secrets) = (store.collection("", "configmaps"), store.collection("", "secrets"));
    assert_eq!(store.revision(), 0);
    assert_eq!(create(&store, &maps, &key("a"), "1").await.unwrap().revision(), 1);
    assert_eq!(create(&store, &secrets, &key("a"), "1").await.unwrap().revision(), 2);
    assert_eq!(update(&store, &maps, &key("a"), 1, "2").await.unwrap().revision(), 3);
    assert_eq!(store.revision(), 3);
}

#[test]
fn in_memory_a_write_needs_no_waiting() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let written = create(&store, &maps, &key("a"), "1").now_or_never().expect("done at the first poll");
    assert_eq!(written.unwrap().revision(), store.revision());
}

#[tokio::test]
async fn what_is_read_carries_the_revision_of_its_write() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    for n in 1..=11 {
        create(&store, &maps, &key(&n.to_string()), "1").await.unwrap();
        let stored = maps.get(&key(&n.to_string())).unwrap();
        assert_eq!(resource_version(&stored.tree()), n);
    }
}

#[tokio::test]
async fn creating_what_exists_is_refused_with_what_is_there() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "1").await.unwrap();
    let refused = create(&store, &maps, &key("a"), "2").await;
    assert!(matches!(refused, Err(WriteError::Exists(current)) if value(&current) == "1"));
    assert_eq!(store.revision(), 1);
}

#[tokio::test]
async fn updates_and_deletions_need_the_newest_revision() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    assert!(matches!(update(&store, &maps, &key("a"), 1, "1").await, Err(WriteError::NotFound)));
    assert!(matches!(delete(&store, &maps, &key("a"), 1).await, Err(WriteError::NotFound)));
    create(&store, &maps, &key("a"), "1").await.unwrap();
    update(&store, &maps, &key("a"), 1, "2").await.unwrap();
    for refused in [update(&store, &maps, &key("a"), 1, "3").await, delete(&store, &maps, &key("a"), 1).await] {
        assert!(matches!(refused, Err(WriteError::Changed { current }) if current.revision() == 2));
    }
    assert_eq!(value(&maps.get(&key("a")).unwrap()), "2");
}

#[tokio::test]
async fn a_deletion_has_a_revision_of_its_own_and_frees_the_name() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "1").await.unwrap();
    let last = delete(&store, &maps, &key("a"), 1).await.unwrap();
    assert_eq!((last.revision(), last.event_type()), (2, EventType::Deleted));
    assert_eq!(resource_version(&last.tree()), 2);
    assert!(maps.get(&key("a")).is_none());
    assert!(matches!(delete(&store, &maps, &key("a"), 2).await, Err(WriteError::NotFound)));
    assert_eq!(create(&store, &maps, &key("a"), "1").await.unwrap().event_type(), EventType::Added);
}

#[tokio::test]
async fn too_large_objects_are_refused() {
    let store = Store::open(StoreOptions { max_object_bytes: 300, ..Default::default() }).unwrap();
    let maps = store.collection("", "configmaps");
    let refused = create(&store, &maps, &key("a"), &"x".repeat(300)).await;
    assert!(matches!(refused, Err(WriteError::TooLarge { bytes, limit: 300 }) if bytes > 300));
    create(&store, &maps, &key("a"), "x").await.unwrap();
}

#[tokio::test]
async fn objects_that_nobody_could_read_again_are_refused() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    let nested = |levels: usize| {
        let inner = (0..levels - 1).fold(serde_json::json!("x"), |inner, _| serde_json::json!({"a": inner}));
        let object = serde_json::json!({"metadata": {"name": "a"}, "data": inner});
        let object = Encoded::from_tree(object.as_object().unwrap(), Fields::default());
        Write::Create { collection: maps.clone(), key: key("a"), object }
    };
    let refused = store.write(nested(MAX_DEPTH + 1)).await;
    assert!(matches!(refused, Err(WriteError::TooDeep { depth, limit }) if depth == limit + 1));
    let stored = store.write(nested(MAX_DEPTH)).await.unwrap();
    assert!(stored.tree()["data"].is_object());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_that_expect_the_same_revision_one_wins() {
    let store = memory();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "0").await.unwrap();
    for round in 1..=50 {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, maps) = (store.clone(), maps.clone());
                tokio::spawn(async move { update(&store, &maps, &key("a"), round, &writer.to_string()).await })
            })
            .collect();
        let mut won = Vec::new();
        for (writer, task) in writers.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(_) => won.push(writer.to_string()),
                Err(WriteError::Changed { current }) => assert_eq!(current.revision(), round + 1),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, [value(&maps.get(&key("a")).unwrap())]);
    }
}
