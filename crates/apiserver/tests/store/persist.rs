//! Data directories: what comes back, and which are refused.

use std::fs;
use std::path::Path;

use futures::FutureExt;
use kubewright_apiserver::store::{Compacted, RangeRequest, Store, StoreError, StoreOptions, WriteError};
use redb::{Database, TableDefinition};

use crate::support::*;

fn open(directory: &Path) -> Result<Store, StoreError> {
    Store::open(StoreOptions { data_dir: Some(directory.into()), ..Default::default() })
}

/// A data directory with a few objects, closed.
async fn filled(directory: &Path) {
    let store = open(directory).unwrap();
    let maps = store.collection("", "configmaps");
    for name in ["a", "b", "c"] {
        create(&store, &maps, &key(name), name).await.unwrap();
    }
    update(&store, &maps, &key("b"), 2, "new").await.unwrap();
    delete(&store, &maps, &key("c"), 3).await.unwrap();
    create(&store, &store.collection("apps", "deployments"), &key("d"), "d").await.unwrap();
    store.close().await;
}

/// Opening must fail and leave all files as they were.
fn refused(directory: &Path) -> StoreError {
    let files = || -> Vec<_> {
        let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
            .into_iter()
            .filter(|file| !file.ends_with("store.lock"))
            .map(|file| fs::read(&file).map_err(|_| file))
            .collect()
    };
    let before = files();
    let error = open(directory).expect_err("refused");
    assert!(files() == before, "the files have changed");
    assert!(error.to_string().contains(&*directory.to_string_lossy()), "{error} names the directory");
    error
}

#[tokio::test]
async fn a_reopened_store_has_everything() {
    let directory = tempfile::tempdir().unwrap();
    filled(&directory.path().join("made/on/demand")).await;
    let store = open(&directory.path().join("made/on/demand")).unwrap();
    let maps = store.collection("", "configmaps");
    let all = maps.range(RangeRequest::default()).unwrap();
    let found: Vec<_> =
        all.items.iter().map(|object| (object.key().name(), value(object), object.revision())).collect();
    assert_eq!(found, [("a", "a".into(), 1), ("b", "new".into(), 4)]);
    assert_eq!(resource_version(&all.items[1].tree()), 4);
    assert_eq!(all.items[1].label("value"), Some("new"));
    assert_eq!((all.revision, store.revision(), maps.count(Some("default"))), (6, 6, 2));
    let names: Vec<_> = store.collections().iter().map(|c| format!("{}/{}", c.group(), c.resource())).collect();
    assert_eq!(names, ["/configmaps", "apps/deployments"]);
    assert_eq!(update(&store, &maps, &key("b"), 4, "newer").await.unwrap().revision(), 7);
}

#[tokio::test]
async fn history_does_not_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path()).await;
    let store = open(directory.path()).unwrap();
    for collection in [store.collection("", "configmaps"), store.collection("", "never/used")] {
        assert_eq!(collection.watch(5).unwrap_err(), Compacted { oldest: 6 });
        assert!(collection.range(RangeRequest { revision: Some(5), ..Default::default() }).is_err());
        assert!(collection.watch(6).unwrap().try_next().unwrap().is_none());
    }
}

#[tokio::test]
async fn a_write_is_not_visible_before_it_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let maps = store.collection("", "configmaps");
    let (name, other) = (key("a"), key("a"));
    let mut write = Box::pin(create(&store, &maps, &name, "1"));
    // It is queued, and whether it is visible already depends on the disk; the answer comes only with it.
    if (&mut write).now_or_never().is_none() {
        // A second writer waits for the outcome of the first, then is refused with what readers see.
        let refused = create(&store, &maps, &other, "2").await;
        assert!(matches!(refused, Err(WriteError::Exists(current)) if value(&current) == "1"));
        assert!(maps.get(&name).is_some());
        write.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_that_expect_the_same_revision_one_wins_on_disk_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "0").await.unwrap();
    let mut watch = maps.watch(0).unwrap();
    for round in 1..=10 {
        let tasks: Vec<_> = (0..8)
            .map(|writer| {
                let (store, maps) = (store.clone(), maps.clone());
                tokio::spawn(async move { update(&store, &maps, &key("a"), round, &writer.to_string()).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(WriteError::Changed { current }) => assert_eq!(current.revision(), round + 1),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(watch.next().await.unwrap().revision(), round);
    }
}

#[tokio::test]
async fn a_dropped_write_still_happens() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let maps = store.collection("", "configmaps");
    let mut watch = maps.watch(0).unwrap();
    let _ = create(&store, &maps, &key("a"), "1").now_or_never();
    assert_eq!(watch.next().await.unwrap().revision(), 1);
}

#[tokio::test]
async fn closing_frees_the_directory_and_refuses_writes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let maps = store.collection("", "configmaps");
    create(&store, &maps, &key("a"), "1").await.unwrap();
    assert!(matches!(open(directory.path()), Err(StoreError::Locked { .. })));
    store.close().await;
    store.close().await;
    let refused = create(&store, &maps, &key("b"), "1").await;
    assert!(matches!(refused, Err(WriteError::Unavailable(StoreError::Closed))));
    assert!(maps.get(&key("a")).is_some());
    drop(open(directory.path()).unwrap());
    open(directory.path()).unwrap();

    let store = memory();
    store.close().await;
    let refused = create(&store, &store.collection("", "configmaps"), &key("b"), "1").await;
    assert!(matches!(refused, Err(WriteError::Unavailable(StoreError::Closed))));
}

#[test]
fn a_directory_that_is_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "text").unwrap();
    let error = open(&file).unwrap_err();
    assert!(matches!(&error, StoreError::Unusable { path, .. } if *path == file), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"text");
}

#[test]
fn files_of_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    for content in ["", "redb", "something else, and longer than a header"] {
        fs::write(&file, content).unwrap();
        assert!(matches!(refused(directory.path()), StoreError::Foreign { .. }));
    }
    fs::remove_file(&file).unwrap();
    let database = Database::create(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(directory.path()), StoreError::Foreign { .. }));
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path()).await;
    let database = Database::open(directory.path().join("store.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<&str, u64>::new("kubewright-meta")).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(directory.path()), StoreError::Newer { found: 2, supported: 1, .. }));
}

#[tokio::test]
async fn damaged_objects_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path()).await;
    let file = directory.path().join("store.redb");
    let mut content = fs::read(&file).unwrap();
    let needle = br#""value":"new"}"#;
    let places: Vec<_> =
        content.windows(needle.len()).enumerate().filter(|(_, found)| found == needle).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        content[at + 9] = b'N';
    }
    fs::write(&file, content).unwrap();
    assert!(matches!(refused(directory.path()), StoreError::Damaged { .. }));
}

#[tokio::test]
async fn damage_anywhere_is_refused_or_harmless() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path()).await;
    let file = directory.path().join("store.redb");
    let content = fs::read(&file).unwrap();
    let whole = |store: Store| {
        let maps = store.collection("", "configmaps");
        let all = maps.range(RangeRequest::default()).unwrap();
        all.items.iter().map(|object| object.json()).collect::<Vec<_>>()
    };
    let expected = whole(open(directory.path()).unwrap());
    let used = content.len() - content.iter().rev().take_while(|byte| **byte == 0).count();
    let mut refusals = 0;
    for at in (9..used).step_by(used / 300) {
        let mut damaged = content.clone();
        damaged[at] ^= 0x55;
        fs::write(&file, &damaged).unwrap();
        match open(directory.path()) {
            Ok(store) => assert_eq!(whole(store), expected, "damage at {at} went unnoticed"),
            Err(_) => refusals += 1,
        }
    }
    for len in [0, 9, 100, 4096, used / 2] {
        fs::write(&file, &content[..len]).unwrap();
        refused(directory.path());
    }
    assert!(refusals > 0);
}
