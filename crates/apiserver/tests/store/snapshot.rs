//! Snapshots: what is in them, what comes back, and which are refused.

use std::fs;
use std::path::{Path, PathBuf};

use futures::FutureExt;
use kubewright_apiserver::store::{
    Compacted, DEFAULT_BUMP, RangeRequest, SnapshotError, Store, StoreOptions, check_snapshot, restore_snapshot,
};
use proptest::prelude::*;

use crate::support::*;

fn open(directory: &Path) -> Store {
    Store::open(StoreOptions { data_dir: Some(directory.into()), ..Default::default() }).unwrap()
}

fn save(store: &Store, directory: &Path) -> PathBuf {
    let file = directory.join("backup.snap");
    let bytes: Vec<u8> = store.snapshot().unwrap().into_chunks().flatten().collect();
    fs::write(&file, bytes).unwrap();
    file
}

/// Three objects in two collections, at revision 5.
async fn filled(store: &Store) {
    let maps = store.collection("", "configmaps");
    for name in ["a", "b", "c"] {
        create(store, &maps, &key(name), name).await.unwrap();
    }
    delete(store, &maps, &key("c"), 3).await.unwrap();
    create(store, &store.collection("apps", "deployments"), &key("d"), "d").await.unwrap();
}

#[tokio::test]
async fn a_restored_store_has_what_was_there_and_goes_on_far_above() {
    let directory = tempfile::tempdir().unwrap();
    let store = memory();
    filled(&store).await;
    let file = save(&store, directory.path());
    // What comes later is not in it.
    create(&store, &store.collection("", "configmaps"), &key("late"), "late").await.unwrap();

    let info = check_snapshot(&file).unwrap();
    assert_eq!((info.revision, info.objects, info.bytes), (5, 3, fs::metadata(&file).unwrap().len()));
    let restored = directory.path().join("made/on/demand");
    assert_eq!(restore_snapshot(&file, &restored, DEFAULT_BUMP).unwrap(), info);

    let store = open(&restored);
    let all = store.collection("", "configmaps").range(RangeRequest::default()).unwrap();
    let found: Vec<_> =
        all.items.iter().map(|object| (object.key().name(), value(object), object.revision())).collect();
    assert_eq!(found, [("a", "a".into(), 1), ("b", "b".into(), 2)]);
    assert_eq!(store.collection("apps", "deployments").count(None), 1);
    let maps = store.collection("", "configmaps");
    assert_eq!(update(&store, &maps, &key("a"), 1, "new").await.unwrap().revision(), 5 + DEFAULT_BUMP + 1);
}

#[tokio::test]
async fn clients_that_saw_newer_versions_are_to_list_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = memory();
    filled(&store).await;
    let file = save(&store, directory.path());
    let maps = store.collection("", "configmaps");
    let newer = update(&store, &maps, &key("a"), 1, "lost").await.unwrap().revision();

    let restored = directory.path().join("restored");
    restore_snapshot(&file, &restored, 100).unwrap();
    let store = open(&restored);
    let maps = store.collection("", "configmaps");
    assert_eq!(maps.watch(newer).unwrap_err(), Compacted { oldest: 105 });
    assert!(update(&store, &maps, &key("a"), newer, "based on what was lost").await.is_err());
}

#[tokio::test]
async fn it_is_of_one_revision_while_others_write() {
    let directory = tempfile::tempdir().unwrap();
    let store = memory();
    let (left, right) = (store.collection("", "left"), store.collection("", "right"));
    create(&store, &left, &key("n"), "0").await.unwrap();
    create(&store, &right, &key("n"), "0").await.unwrap();
    let writer = {
        let (store, left, right) = (store.clone(), left.clone(), right.clone());
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut at_left, mut at_right) = (1, 2);
                for round in 1..2000 {
                    // The right one is never ahead.
                    at_left = update(&store, &left, &key("n"), at_left, &round.to_string()).await.unwrap().revision();
                    at_right =
                        update(&store, &right, &key("n"), at_right, &round.to_string()).await.unwrap().revision();
                }
            });
        })
    };
    for round in 0..20 {
        let file = save(&store, directory.path());
        let restored = directory.path().join(round.to_string());
        restore_snapshot(&file, &restored, 1).unwrap();
        let store = open(&restored);
        let number =
            |resource: &str| -> u32 { value(&store.collection("", resource).get(&key("n")).unwrap()).parse().unwrap() };
        let (left, right) = (number("left"), number("right"));
        assert!(left == right || left == right + 1, "{left} and {right} were never there together");
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_snapshot_of_a_restored_store_is_the_same_but_for_its_revision() {
    let directory = tempfile::tempdir().unwrap();
    let store = memory();
    filled(&store).await;
    let file = save(&store, directory.path());
    let first = fs::read(&file).unwrap();
    let restored = directory.path().join("restored");
    restore_snapshot(&file, &restored, 7).unwrap();
    let second: Vec<u8> = open(&restored).snapshot().unwrap().into_chunks().flatten().collect();
    let body = |bytes: &[u8]| bytes[32..bytes.len() - 32].to_vec();
    assert_eq!(body(&first), body(&second));
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let store = memory();
    filled(&store).await;
    let file = save(&store, directory.path());
    let full = directory.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("something"), "else").unwrap();
    let refused = restore_snapshot(&file, &full, 1).unwrap_err();
    assert!(matches!(&refused, SnapshotError::NotEmpty { path } if *path == full), "{refused}");
    assert_eq!(fs::read_dir(&full).unwrap().count(), 1);
    // An empty one is as good as none.
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    restore_snapshot(&file, &empty, 1).unwrap();
    assert!(matches!(restore_snapshot(&file, &empty, 1), Err(SnapshotError::NotEmpty { .. })));
}

#[test]
fn other_files_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    assert!(matches!(check_snapshot(&file), Err(SnapshotError::Read { .. })));
    for text in [&b""[..], b"short", b"something that is much longer than a header"] {
        fs::write(&file, text).unwrap();
        assert!(matches!(check_snapshot(&file), Err(SnapshotError::Foreign { .. })));
    }
    let newer = [&b"kubewright-snapshot\n"[..], &9_u32.to_le_bytes()].concat();
    fs::write(&file, newer).unwrap();
    assert!(matches!(check_snapshot(&file), Err(SnapshotError::Newer { found: 9, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_snapshot_is_refused_and_leaves_nothing(
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        change in 0..3_u8,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = memory();
        filled(&store).now_or_never().unwrap();
        let file = save(&store, directory.path());
        let mut bytes = fs::read(&file).unwrap();
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] ^= flip,
            1 => bytes.truncate(at),
            _ => bytes.push(flip),
        }
        fs::write(&file, bytes).unwrap();
        prop_assert!(check_snapshot(&file).is_err());
        let restored = directory.path().join("restored");
        prop_assert!(restore_snapshot(&file, &restored, 1).is_err());
        let left_over = fs::read_dir(&restored).map_or(0, |entries| entries.count());
        prop_assert_eq!(left_over, 0);
    }
}
