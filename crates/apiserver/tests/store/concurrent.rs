//! Writers, readers and watchers at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kubewright_apiserver::store::{Collection, EventType, RangeRequest, Store, StoreOptions, WriteError};

use crate::support::*;

const WRITERS: usize = 4;
const RESOURCES: [&str; 2] = ["configmaps", "secrets"];

/// Revisions of the objects that are there, by name.
type State = BTreeMap<String, u64>;

async fn writer(store: Store, collections: [Arc<Collection>; 2], writer: usize, writes: usize) {
    for round in 0..writes {
        let collection = &collections[round % 2];
        // Names overlap, so that writers get in each other's way.
        let name = key(&((round * 7 + writer) % 13).to_string());
        let result = match collection.get(&name) {
            None => create(&store, collection, &name, "x").await,
            Some(current) if round % 3 == 0 => delete(&store, collection, &name, current.revision()).await,
            Some(current) => update(&store, collection, &name, current.revision(), "x").await,
        };
        match result {
            Ok(stored) => assert!(stored.revision() <= store.revision()),
            Err(WriteError::Unavailable(error)) => panic!("{error}"),
            Err(_) => {}
        }
    }
}

/// What the collection went through, by revision.
async fn watcher(
    collection: Arc<Collection>,
    last: tokio::sync::oneshot::Receiver<u64>,
) -> Vec<(u64, EventType, String)> {
    let mut watch = collection.watch(0).unwrap();
    let mut seen = Vec::new();
    let mut last = Box::pin(last);
    let mut end = None;
    loop {
        if end.is_some_and(|end| watch.progress() >= Some(end)) {
            return seen;
        }
        tokio::select! {
            event = watch.next() => {
                let event = event.unwrap();
                seen.push((event.revision(), event.event_type(), event.object().key().name().to_string()));
            }
            revision = &mut last, if end.is_none() => end = Some(revision.unwrap()),
        }
    }
}

async fn run(options: StoreOptions, writes: usize) {
    let store = Store::open(options).unwrap();
    let collections = RESOURCES.map(|resource| store.collection("", resource));
    let (ends, watchers): (Vec<_>, Vec<_>) = (0..6)
        .map(|index| {
            let (end, last) = tokio::sync::oneshot::channel();
            (end, tokio::spawn(watcher(collections[index % 2].clone(), last)))
        })
        .unzip();
    let done = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (collections, done) = (collections.clone(), done.clone());
        move || {
            let mut snapshots: Vec<(usize, u64, State)> = Vec::new();
            while !done.load(Ordering::SeqCst) {
                for (index, collection) in collections.iter().enumerate() {
                    let range = collection.range(RangeRequest::default()).unwrap();
                    let newer =
                        snapshots.iter().rfind(|(of, ..)| *of == index).is_none_or(|(_, at, _)| *at < range.revision);
                    if newer {
                        let state = range.items.iter().map(|object| (object.key().name().into(), object.revision()));
                        snapshots.push((index, range.revision, state.collect()));
                    }
                }
            }
            snapshots
        }
    });
    let writers: Vec<_> =
        (0..WRITERS).map(|index| tokio::spawn(writer(store.clone(), collections.clone(), index, writes))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for end in ends {
        end.send(store.revision()).unwrap();
    }
    let mut logs = Vec::new();
    for watcher in watchers {
        logs.push(watcher.await.unwrap());
    }

    for log in &logs {
        assert!(log.is_sorted_by(|one, next| one.0 < next.0), "in order, each once");
    }
    assert!(logs[2..].iter().zip(&logs).all(|(log, same)| log == same), "all watchers see the same");
    let mut revisions: Vec<u64> = logs[..2].iter().flatten().map(|(revision, ..)| *revision).collect();
    revisions.sort_unstable();
    assert!(revisions.into_iter().eq(1..=store.revision()), "nothing is missed");

    let snapshots = reader.join().unwrap();
    for (index, at, found) in snapshots {
        let mut expected = State::new();
        for (revision, event_type, name) in logs[index].iter().take_while(|(revision, ..)| *revision <= at) {
            match event_type {
                EventType::Deleted => expected.remove(name),
                _ => expected.insert(name.clone(), *revision),
            };
        }
        assert_eq!(found, expected, "the state at revision {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_sees_one_history() {
    run(StoreOptions::default(), 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_sees_one_history_with_a_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    run(StoreOptions { data_dir: Some(directory.path().into()), ..Default::default() }, 60).await;
}
