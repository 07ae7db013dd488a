//! Writers that are killed: what was acknowledged is there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use kubewright_apiserver::store::{RangeRequest, Store, StoreOptions};

use crate::support::*;

const DIRECTORY: &str = "KUBEWRIGHT_TEST_CRASH_DIRECTORY";
const ROUNDS: usize = 5;
const ACKNOWLEDGED_PER_ROUND: usize = 200;

/// The part of the test that is killed: eight writers that print `written NAME REVISION VALUE` when a write was
/// acknowledged, with `-` as value for deletions. Does nothing when run as a test of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashing_writer() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = Store::open(StoreOptions { data_dir: Some(directory.into()), ..Default::default() }).unwrap();
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let maps = store.collection("", "configmaps");
            for round in 0.. {
                let name = key(&format!("{writer}-{}", round % 7));
                let value = format!("{writer}.{round}");
                let (written, value) = match maps.get(&name) {
                    None => (create(&store, &maps, &name, &value).await, value),
                    Some(current) if round % 5 == 0 => {
                        (delete(&store, &maps, &name, current.revision()).await, "-".into())
                    }
                    Some(current) => (update(&store, &maps, &name, current.revision(), &value).await, value),
                };
                // In one piece, so that lines do not mix.
                let line = format!("written {} {} {value}\n", name.name(), written.unwrap().revision());
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures::future::join_all(writers).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Store::open(StoreOptions { data_dir: Some(directory.path().into()), ..Default::default() }).unwrap();
    // Revision and value by name; deleted objects have the value `-`.
    let mut acknowledged: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let newest = run_and_kill(directory.path(), &mut acknowledged);
        let store = open();
        assert!(store.revision() >= newest, "resourceVersions go on");
        let maps = store.collection("", "configmaps");
        let mut unanswered = BTreeMap::<&str, u32>::new();
        for (name, (revision, expected)) in &acknowledged {
            let found = maps.get(&key(name)).map(|stored| (stored.revision(), value(&stored)));
            if found.as_ref().is_some_and(|(found, _)| found < revision) {
                panic!("{name} is older than acknowledged");
            }
            if found != Some((*revision, expected.clone())) && !(found.is_none() && expected == "-") {
                *unanswered.entry(name.split('-').next().unwrap()).or_default() += 1;
            }
        }
        // Each writer had one write under way: it may have reached the disk without its answer coming through.
        assert!(unanswered.values().all(|count| *count <= 1), "{unanswered:?}");
        for (revision, value) in acknowledged.values_mut() {
            (*revision, *value) = (0, "-".into());
        }
        for object in maps.range(RangeRequest::default()).unwrap().items {
            acknowledged.insert(object.key().name().into(), (object.revision(), value(&object)));
        }
        store.close().await;
    }
}

/// Notes what is acknowledged until the writer is dead. Returns the newest revision.
fn run_and_kill(directory: &Path, acknowledged: &mut BTreeMap<String, (u64, String)>) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::crashing_writer", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut count, mut newest) = (0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let ["written", name, revision, value] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
        let revision = revision.parse().unwrap();
        let known = acknowledged.entry(name.into()).or_default();
        assert!(revision > known.0, "{line} after {known:?}");
        *known = (revision, value.into());
        newest = newest.max(revision);
        count += 1;
        if count == ACKNOWLEDGED_PER_ROUND {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= ACKNOWLEDGED_PER_ROUND, "the writer ended early");
    newest
}
