//! Many workers and producers at once: on threads, and as tasks that are cancelled at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kubewright_queue::{Options, Priority, WorkQueue};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRunner};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

const KEYS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_threads_no_key_is_worked_on_twice_at_once_and_none_is_lost() {
    struct Key {
        version: AtomicU64,
        seen: AtomicU64,
        busy: AtomicBool,
    }
    let new = || Key { version: AtomicU64::new(0), seen: AtomicU64::new(0), busy: AtomicBool::new(false) };
    let keys: Arc<Vec<Key>> = Arc::new((0..KEYS).map(|_| new()).collect());
    let queue = WorkQueue::<usize>::new(Options::default());
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (queue, keys) = (queue.clone(), keys.clone());
        workers.spawn(async move {
            while let Some(work) = queue.get().await {
                let key = &keys[*work.key()];
                assert!(!key.busy.swap(true, Ordering::SeqCst), "worked on twice at once");
                let version = key.version.load(Ordering::SeqCst);
                yield_now().await;
                key.seen.store(version, Ordering::SeqCst);
                key.busy.store(false, Ordering::SeqCst);
            }
        });
    }
    let mut producers = JoinSet::new();
    for producer in 0..2 {
        let (queue, keys) = (queue.clone(), keys.clone());
        producers.spawn(async move {
            for step in 0..5000_usize {
                let key = (step * 7 + producer) % KEYS;
                keys[key].version.fetch_add(1, Ordering::SeqCst);
                queue.add(key, if step % 3 == 0 { Priority::LOW } else { Priority::NORMAL });
                if step % 16 == 0 {
                    yield_now().await;
                }
            }
        });
    }
    producers.join_all().await;
    assert_eq!(queue.drain(Duration::from_secs(60)).await.left, 0);
    workers.join_all().await;
    for key in keys.iter() {
        assert_eq!(key.seen.load(Ordering::SeqCst), key.version.load(Ordering::SeqCst), "an addition was lost");
    }
}

#[derive(Debug, Clone)]
struct Addition {
    at: u64,
    key: usize,
    delay: u64,
}

/// Workers give up waiting after their patience, again and again; each addition must be followed by work on its key on
/// time.
async fn cancelled_workers_lose_nothing(
    additions: Vec<Addition>,
    patience: Vec<u64>,
    busy: u64,
) -> Result<(), TestCaseError> {
    let start = Instant::now();
    let queue = WorkQueue::new(Options::default());
    let last = Arc::new(parking_lot::Mutex::new([None; KEYS]));
    let mut workers = JoinSet::new();
    // One worker never gives up, so that there is always somebody who could be woken.
    for patience in patience.into_iter().map(Some).chain([None]) {
        let (queue, last) = (queue.clone(), last.clone());
        workers.spawn(async move {
            loop {
                let work = match patience {
                    None => queue.get().await,
                    Some(patience) => match timeout(Duration::from_millis(patience), queue.get()).await {
                        Ok(work) => work,
                        Err(_) => {
                            sleep(Duration::from_millis(1)).await;
                            continue;
                        }
                    },
                };
                let Some(work) = work else { return };
                last.lock()[*work.key()] = Some(start.elapsed());
                sleep(Duration::from_millis(busy)).await;
                work.done();
            }
        });
    }
    let mut due = [None; KEYS];
    for Addition { at, key, delay } in &additions {
        sleep((start + Duration::from_millis(*at)).saturating_duration_since(Instant::now())).await;
        queue.add_after(*key, Priority::NORMAL, Duration::from_millis(*delay));
        due[*key] = due[*key].max(Some(start.elapsed()));
    }
    // Everything is due by now and has been worked on, if nobody slept through it.
    sleep(Duration::from_millis(100 + busy * additions.len() as u64)).await;
    for (key, due) in due.iter().enumerate() {
        prop_assert!(
            last.lock()[key] >= *due,
            "key {} was added at {:?} and worked on at {:?}",
            key,
            due,
            last.lock()[key]
        );
    }
    let stats = queue.stats();
    prop_assert_eq!((stats.keys, stats.working), (0, 0));
    queue.shut_down();
    workers.join_all().await;
    Ok(())
}

#[test]
fn workers_that_stop_waiting_at_random_lose_no_key() {
    // The default algorithm takes half of the time of an unoptimised test.
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Default::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let addition = (0..60_u64, 0..KEYS, prop_oneof![Just(0), 1..40_u64]);
    let additions = prop::collection::vec(addition, 0..30).prop_map(|mut additions| {
        additions.sort_unstable();
        additions.into_iter().map(|(at, key, delay)| Addition { at, key, delay }).collect::<Vec<_>>()
    });
    let history = (additions, prop::collection::vec(1..10_u64, 0..4), 0..5_u64);
    runner
        .run(&history, |(additions, patience, busy)| {
            runtime.block_on(cancelled_workers_lose_nothing(additions, patience, busy))
        })
        .unwrap();
}
