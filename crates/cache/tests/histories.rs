//! Random histories of a server and of the connections to it: the cache always equals the server at some
//! resourceVersion, and who follows the changes knows the same.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use kubewright_cache::{CacheOptions, Caches, Deltas, Informer, Keep, ObjectRef, Scope};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRunner};
use serde_json::Value;
use support::{Backup, Fault, Server, config_maps};
use tokio::time::{sleep, timeout};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const GARBAGE: [&str; 4] = [
    "garbage\n",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n",
    "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1",
    "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}}\n",
];

#[derive(Debug, Clone)]
enum Step {
    Put(usize),
    Delete(usize),
    Advance,
    Bookmark,
    Compact,
    End,
    Break,
    Silence,
    Repeat(usize),
    Garbage(usize),
    Fault(usize),
    /// The next connection reaches a replica of the server that is behind.
    Lag(usize),
    /// The process ends and is started anew.
    Crash,
    Backup,
    Restore,
    Follow(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..NAMES.len()).prop_map(Step::Put),
        5 => (0..NAMES.len()).prop_map(Step::Delete),
        1 => Just(Step::Advance),
        2 => Just(Step::Bookmark),
        2 => Just(Step::Compact),
        2 => Just(Step::End),
        2 => Just(Step::Break),
        1 => Just(Step::Silence),
        2 => (1..4_usize).prop_map(Step::Repeat),
        2 => (0..GARBAGE.len()).prop_map(Step::Garbage),
        2 => (0..5_usize).prop_map(Step::Fault),
        2 => (1..4_usize).prop_map(Step::Lag),
        1 => Just(Step::Crash),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
        3 => (1..4_usize).prop_map(Step::Follow),
        6 => prop_oneof![Just(0), Just(1), 2..300_u64, Just(120_000)].prop_map(Step::Wait),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Modern,
    Refuses,
    Ignores,
}

/// What the server held at each revision; after a restore a revision may have had several contents.
type History = BTreeMap<u64, Vec<BTreeMap<ObjectRef, Value>>>;

fn note(history: &mut History, server: &Server) {
    let contents = server.contents();
    let states = history.entry(server.revision()).or_default();
    if !states.contains(&contents) {
        states.push(contents);
    }
}

fn cached(informer: &Informer) -> BTreeMap<ObjectRef, Value> {
    informer.list(None).iter().map(|object| (object.reference().clone(), object.tree())).collect()
}

fn check(informer: &Informer, history: &History) -> Result<(), TestCaseError> {
    let health = informer.health();
    let cached = cached(informer);
    if health.synced {
        let states = history.get(&health.revision);
        prop_assert!(
            states.is_some_and(|states| states.contains(&cached)),
            "the cache says it is at {} and holds {:?}, but the server held {:?}",
            health.revision,
            cached,
            states
        );
    } else {
        prop_assert!(cached.is_empty());
    }
    Ok(())
}

/// Takes up to `count` changes and checks that each begins where the last one of the same object left off.
fn follow(deltas: &mut Deltas, known: &mut BTreeMap<ObjectRef, Value>, count: usize) -> Result<(), TestCaseError> {
    for delta in std::iter::from_fn(|| deltas.try_next()).take(count) {
        let before = known.get(&delta.reference).cloned();
        let old = delta.old.map(|old| old.tree());
        match delta.new {
            Some(new) => {
                prop_assert_eq!(old, before);
                known.insert(delta.reference, new.tree());
            }
            None => {
                prop_assert!(old.is_some());
                prop_assert!(before.is_none() || before == old);
                known.remove(&delta.reference);
            }
        }
    }
    Ok(())
}

async fn settle(server: &Server, informer: &Informer) -> Result<(), TestCaseError> {
    let goal = server.revision();
    let settled = timeout(Duration::from_secs(36_000), async {
        informer.wait_synced().await;
        loop {
            // Where nothing else comes, a bookmark tells that this is all.
            server.bookmark();
            sleep(Duration::from_secs(1)).await;
            if informer.health().revision == goal && cached(informer) == server.contents() {
                return;
            }
        }
    });
    prop_assert!(settled.await.is_ok(), "stuck: {:?}, {:?}", informer.health(), server.requests().last());
    Ok(())
}

async fn run(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let server = match kind {
        Kind::Modern => Server::new(),
        Kind::Refuses => Server::without_watch_list(),
        Kind::Ignores => Server::ignoring_watch_list(),
    };
    let begin = || {
        let caches = Caches::new(server.client(), CacheOptions { page_size: 2, ..CacheOptions::default() });
        caches
            .informer(&config_maps(), Scope::default(), Keep::Whole)
            .map_err(|error| TestCaseError::fail(error.to_string()))
    };
    let mut informer = begin()?;
    let mut deltas = informer.subscribe();
    let mut known = BTreeMap::new();
    let mut history = History::new();
    let mut backup: Option<Backup> = None;
    note(&mut history, &server);
    for (at, step) in steps.into_iter().enumerate() {
        match step {
            Step::Put(name) => _ = server.put(NAMES[name], &at.to_string()),
            Step::Delete(name) => server.delete(NAMES[name]),
            Step::Advance => _ = server.advance(),
            Step::Bookmark => server.bookmark(),
            Step::Compact => server.compact(),
            Step::End => server.end_watches(),
            Step::Break => server.break_watches(),
            Step::Silence => server.silence_watches(),
            Step::Repeat(count) => server.repeat_last(count),
            Step::Garbage(which) => server.send_raw(GARBAGE[which]),
            Step::Fault(which) => server.fault(match which {
                0 => Fault::Status(500, "InternalError"),
                1 => Fault::Status(410, "Expired"),
                2 => Fault::Refuse,
                3 => Fault::Hang,
                _ => Fault::Body("{\"metadata\":{\"resourceVersion\":\"\"},\"items\":[]}"),
            }),
            Step::Lag(changes) => server.fault(Fault::Lag(changes)),
            Step::Crash => {
                informer = begin()?;
                (deltas, known) = (informer.subscribe(), BTreeMap::new());
            }
            Step::Backup => backup = Some(server.backup()),
            Step::Restore => {
                if let Some(backup) = backup.take() {
                    server.restore(backup);
                    server.break_watches();
                    note(&mut history, &server);
                    // A server that is already past the version at which it was left cannot be told from itself.
                    settle(&server, &informer).await?;
                }
            }
            Step::Follow(count) => follow(&mut deltas, &mut known, count)?,
            Step::Wait(millis) => sleep(Duration::from_millis(millis)).await,
        }
        note(&mut history, &server);
        check(&informer, &history)?;
    }
    settle(&server, &informer).await?;
    check(&informer, &history)?;
    follow(&mut deltas, &mut known, usize::MAX)?;
    prop_assert_eq!(known, server.contents());
    Ok(())
}

fn check_histories(kinds: impl Strategy<Value = Kind>, cases: u32) {
    // The default algorithm takes half of the time of an unoptimised test.
    let rng_algorithm = RngAlgorithm::XorShift;
    let config = ProptestConfig { cases, failure_persistence: None, rng_algorithm, ..Default::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let history = (kinds, prop::collection::vec(step(), 1..30));
    let result = TestRunner::new(config).run(&history, |(kind, steps)| runtime.block_on(run(kind, steps)));
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn with_watch_list_the_cache_always_equals_the_server_at_some_version() {
    check_histories(Just(Kind::Modern), 5000);
}

#[test]
fn with_lists_the_cache_always_equals_the_server_at_some_version() {
    check_histories(prop_oneof![3 => Just(Kind::Refuses), 1 => Just(Kind::Ignores)], 5000);
}
