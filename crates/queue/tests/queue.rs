//! The queue's promises, one by one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kubewright_queue::{Backoff, Drained, Limit, Observer, Options, Priority, Work, WorkQueue};
use parking_lot::Mutex;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn queue() -> WorkQueue<u32> {
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    WorkQueue::new(Options { backoff, ..Options::default() })
}

fn keys(queue: &WorkQueue<u32>) -> Vec<u32> {
    std::iter::from_fn(|| queue.try_get()).map(|work| *work.key()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_key_is_never_worked_on_twice_at_once() {
    let queue = queue();
    queue.add(1, Priority::NORMAL);
    let work = queue.get().await.unwrap();
    queue.add(1, Priority::NORMAL);
    assert!(queue.try_get().is_none());
    work.done();
    assert_eq!(*queue.get().await.unwrap().key(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_ends_during_work_queues_the_key_afterwards() {
    let queue = queue();
    queue.add(1, Priority::NORMAL);
    let work = queue.get().await.unwrap();
    queue.add_after(1, Priority::NORMAL, ms(10));
    sleep(ms(20)).await;
    assert!(queue.try_get().is_none());
    work.done();
    assert_eq!(keys(&queue), [1]);
}

#[tokio::test(start_paused = true)]
async fn equal_keys_collapse() {
    let queue = queue();
    for _ in 0..3 {
        queue.add(1, Priority::NORMAL);
        queue.add_after(1, Priority::NORMAL, ms(10));
    }
    assert_eq!(keys(&queue), [1]);
    sleep(ms(20)).await;
    assert_eq!(keys(&queue), []);
}

#[tokio::test(start_paused = true)]
async fn the_earliest_of_several_delays_wins() {
    let queue = queue();
    let start = Instant::now();
    for delay in [50, 20, 90] {
        queue.add_after(1, Priority::NORMAL, ms(delay));
    }
    queue.get().await.unwrap().done();
    assert_eq!(start.elapsed(), ms(20));
    assert!(timeout(ms(500), queue.get()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_highest_priority_of_equal_keys_wins_even_when_delayed() {
    let queue = queue();
    queue.add(1, Priority::NORMAL);
    queue.add(2, Priority::LOW);
    queue.add(2, Priority::HIGH);
    queue.add_after(3, Priority::HIGH, ms(5));
    queue.add(3, Priority::LOW);
    queue.add(4, Priority::HIGH);
    queue.add(4, Priority::LOW);
    assert_eq!(keys(&queue), [2, 3, 4, 1]);
}

#[tokio::test(start_paused = true)]
async fn equal_priority_is_first_in_first_out() {
    let queue = queue();
    for key in 0..100 {
        queue.add(key, Priority::NORMAL);
    }
    assert_eq!(keys(&queue), (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn no_priority_starves() {
    let queue = queue();
    queue.add(0, Priority::LOW);
    for hand_out in 1..=8 {
        queue.add(hand_out, Priority::HIGH);
        queue.add(hand_out + 100, Priority::HIGH);
        if *queue.get().await.unwrap().key() == 0 {
            assert_eq!(hand_out, 8);
            return;
        }
    }
    panic!("the key of low priority was not handed out");
}

#[tokio::test(start_paused = true)]
async fn every_hand_out_can_go_to_the_oldest() {
    let queue = WorkQueue::new(Options { oldest_every: NonZeroU32::MIN, ..Options::default() });
    for (key, priority) in [(1, Priority::LOW), (2, Priority::HIGH), (3, Priority::NORMAL)] {
        queue.add(key, priority);
    }
    assert_eq!(keys(&queue), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn backoff_is_per_key_and_resets_on_success() {
    let queue = queue();
    let fail = |queue: &WorkQueue<u32>| queue.try_get().unwrap().retry();
    for (failures, delay) in [(0, 5), (1, 10), (2, 20)] {
        queue.add(1, Priority::NORMAL);
        assert_eq!(queue.retries(&1), failures);
        assert_eq!(fail(&queue), ms(delay));
    }
    queue.add(2, Priority::NORMAL);
    assert_eq!(fail(&queue), ms(5));

    queue.add(1, Priority::NORMAL);
    let work = queue.try_get().unwrap();
    assert_eq!(work.retries(), 3);
    work.forget();
    work.done();
    queue.add(1, Priority::NORMAL);
    assert_eq!(fail(&queue), ms(5));
}

#[tokio::test(start_paused = true)]
async fn a_retry_comes_back_after_its_backoff_at_the_same_priority() {
    let queue = queue();
    queue.add(1, Priority::HIGH);
    let start = Instant::now();
    let work = queue.get().await.unwrap();
    assert_eq!(work.retry(), ms(5));
    work.done();
    let work = queue.get().await.unwrap();
    assert_eq!((work.priority(), start.elapsed()), (Priority::HIGH, ms(5)));
}

#[tokio::test(start_paused = true)]
async fn retries_of_all_keys_together_are_limited() {
    let limit = Some(Limit { every: ms(100), burst: NonZeroU32::new(2).unwrap() });
    let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
    let queue = WorkQueue::new(Options { limit, backoff, ..Options::default() });
    for key in 0..4 {
        queue.add(key, Priority::NORMAL);
    }
    let work: Vec<Work<u32>> = std::iter::from_fn(|| queue.try_get()).collect();
    assert_eq!(work.iter().map(Work::retry).collect::<Vec<_>>(), [ms(5), ms(5), ms(100), ms(200)]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_loses_nothing() {
    let queue = queue();
    queue.add(1, Priority::NORMAL);
    let worker = queue.clone();
    let ended = tokio::spawn(async move {
        let _work = worker.get().await.unwrap();
        panic!("as the test wants it");
    });
    assert!(ended.await.unwrap_err().is_panic());
    assert_eq!(queue.stats().working, 0);
    assert_eq!(queue.retries(&1), 1);
    assert_eq!(*queue.get().await.unwrap().key(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_timer_serves_all_waiting_workers_and_survives_its_holder() {
    let queue = queue();
    let start = Instant::now();
    queue.add_after(1, Priority::NORMAL, ms(30));
    queue.add_after(2, Priority::NORMAL, ms(30));
    // The first to wait holds the timer, and goes away.
    let mut holder = Box::pin(queue.get());
    assert!(timeout(ms(10), &mut holder).await.is_err());
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        let queue = queue.clone();
        workers.spawn(async move { *queue.get().await.unwrap().key() });
    }
    yield_now().await;
    drop(holder);
    let mut seen = workers.join_all().await;
    seen.sort_unstable();
    assert_eq!((seen, start.elapsed()), (vec![1, 2], ms(30)));
}

#[tokio::test(start_paused = true)]
async fn an_earlier_delay_wakes_a_worker_that_waits_for_a_later_one() {
    let queue = queue();
    let start = Instant::now();
    queue.add_after(1, Priority::NORMAL, Duration::from_secs(60));
    let worker = tokio::spawn({
        let queue = queue.clone();
        async move { *queue.get().await.unwrap().key() }
    });
    yield_now().await;
    queue.add_after(2, Priority::NORMAL, ms(10));
    assert_eq!((worker.await.unwrap(), start.elapsed()), (2, ms(10)));
}

#[tokio::test(start_paused = true)]
async fn a_delay_without_end_does_no_harm() {
    let queue = queue();
    queue.add_after(1, Priority::NORMAL, Duration::MAX);
    assert!(timeout(Duration::from_secs(3600), queue.get()).await.is_err());
    queue.add(1, Priority::NORMAL);
    assert_eq!(keys(&queue), [1]);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_all_workers_at_once() {
    let queue = queue();
    let mut workers = JoinSet::new();
    for _ in 0..3 {
        let queue = queue.clone();
        workers.spawn(async move { queue.get().await.is_none() });
    }
    yield_now().await;
    queue.shut_down();
    assert_eq!(workers.join_all().await, [true; 3]);
    queue.add(1, Priority::NORMAL);
    assert!(queue.try_get().is_none());
    assert!(queue.get().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_drain_hands_out_what_was_queued_and_what_was_added_during_work() {
    let queue = queue();
    for key in [1, 2] {
        queue.add(key, Priority::NORMAL);
    }
    let first = queue.get().await.unwrap();
    queue.add(1, Priority::NORMAL);
    let drain = tokio::spawn({
        let queue = queue.clone();
        async move { queue.drain(Duration::from_secs(5)).await }
    });
    yield_now().await;
    queue.add(3, Priority::NORMAL);
    assert_eq!(*queue.get().await.unwrap().key(), 2);
    // Key 1 is still worked on and comes again: a second worker has to wait for that, not to end.
    let second = tokio::spawn({
        let queue = queue.clone();
        async move { queue.get().await.map(|work| *work.key()) }
    });
    sleep(ms(100)).await;
    first.done();
    assert_eq!(second.await.unwrap(), Some(1));
    assert_eq!(drain.await.unwrap(), Drained { left: 0, delayed: 0 });
    assert!(queue.get().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_at_its_deadline() {
    let queue = queue();
    for key in [1, 2] {
        queue.add(key, Priority::NORMAL);
    }
    queue.add_after(3, Priority::NORMAL, ms(50));
    let _stuck = queue.get().await.unwrap();
    let start = Instant::now();
    assert_eq!(queue.drain(ms(200)).await, Drained { left: 2, delayed: 1 });
    assert_eq!(start.elapsed(), ms(200));
    assert!(queue.get().await.is_none());
}

#[derive(Default)]
struct Recorder(Mutex<(Vec<Duration>, Vec<Duration>)>);

impl Observer for Recorder {
    fn waited(&self, _: Priority, time: Duration) {
        self.0.lock().0.push(time);
    }
    fn worked(&self, time: Duration) {
        self.0.lock().1.push(time);
    }
}

#[tokio::test(start_paused = true)]
async fn tells_how_long_keys_waited_and_were_worked_on() {
    let recorder = Arc::new(Recorder::default());
    let queue = WorkQueue::new(Options { observer: Some(recorder.clone()), ..Options::default() });
    queue.add(1, Priority::NORMAL);
    queue.add(2, Priority::LOW);
    queue.add_after(3, Priority::LOW, ms(15));
    sleep(ms(10)).await;
    let first = queue.get().await.unwrap();
    sleep(ms(20)).await;
    let _second = queue.get().await.unwrap();
    sleep(ms(5)).await;

    let stats = queue.stats();
    assert_eq!(stats.depth, [(Priority::NORMAL, 0), (Priority::LOW, 1)]);
    assert_eq!((stats.working, stats.adds, stats.retries), (2, 3, 1));
    assert_eq!((stats.longest_running, stats.unfinished), (ms(25), ms(30)));

    first.done();
    queue.get().await.unwrap().done();
    let recorded = recorder.0.lock().clone();
    // The delay of key 3 is not waiting.
    assert_eq!(recorded.0, [ms(10), ms(30), ms(20)]);
    assert_eq!(recorded.1, [ms(25), ms(0)]);
}

/// They are kept while that costs little, as most keys come again.
#[tokio::test]
async fn keys_that_do_not_come_again_are_forgotten() {
    let queue = WorkQueue::new(Options::default());
    let held = |keys: &[std::sync::Weak<u32>]| keys.iter().filter(|key| key.strong_count() > 0).count();
    let stays = Arc::new(u32::MAX);
    queue.add_after(stays.clone(), Priority::NORMAL, Duration::from_secs(3600));
    let mut keys = Vec::new();
    for number in 0..100_000 {
        let key = Arc::new(number);
        keys.push(Arc::downgrade(&key));
        queue.add(key, Priority::NORMAL);
        queue.try_get().unwrap().done();
    }
    assert!(held(&keys) < 10_000, "{} are held", held(&keys));
    assert_eq!(queue.stats().keys, 1);
    for key in (0..100_000).map(Arc::new) {
        keys.push(Arc::downgrade(&key));
        queue.add(key, Priority::NORMAL);
    }
    while let Some(work) = queue.try_get() {
        work.done();
    }
    assert!(held(&keys) < 20_000, "{} are held", held(&keys));
    queue.add(stays, Priority::NORMAL);
    queue.try_get().unwrap().done();
    assert_eq!((held(&keys), queue.stats().keys), (0, 0));
}
