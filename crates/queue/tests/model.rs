//! Random histories of one queue beside a plain model of it, in paused time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use kubewright_queue::{Backoff, Options, Priority, Work, WorkQueue};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRunner};
use tokio::time::advance;

const OLDEST_EVERY: NonZeroU32 = const { NonZeroU32::new(3).unwrap() };
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(5), max: Duration::from_millis(60), jitter: 0.0 };

#[derive(Debug, Clone)]
enum Step {
    Add(u8, i8),
    AddAfter(u8, i8, u64),
    Advance(u64),
    Get,
    Done(usize),
    Retry(usize),
    Forget(usize),
    AgainAfter(usize, i8, u64),
    ForgetKey(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let (key, priority, delay, which) = (0..6_u8, -1..=1_i8, 0..80_u64, 0..4_usize);
    prop_oneof![
        4 => (key.clone(), priority.clone()).prop_map(|(key, priority)| Step::Add(key, priority)),
        3 => (key.clone(), priority.clone(), delay.clone()).prop_map(|(key, p, delay)| Step::AddAfter(key, p, delay)),
        3 => (0..50_u64).prop_map(Step::Advance),
        6 => Just(Step::Get),
        3 => which.clone().prop_map(Step::Done),
        2 => which.clone().prop_map(Step::Retry),
        1 => which.clone().prop_map(Step::Forget),
        1 => (which, priority, delay).prop_map(|(which, p, delay)| Step::AgainAfter(which, p, delay)),
        1 => key.prop_map(Step::ForgetKey),
    ]
}

/// What a queue is meant to do, said as plainly as possible.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    /// Counts additions to the lists.
    order: u64,
    /// Queued: by key its priority and order.
    queued: BTreeMap<u8, (i8, u64)>,
    /// Delayed: by key its priority, due time and order.
    delayed: BTreeMap<u8, (i8, u64, u64)>,
    /// Worked on: by key the priority at which it was added again, if it was.
    working: BTreeMap<u8, Option<i8>>,
    failures: BTreeMap<u8, u32>,
    hand_outs: u32,
    /// Whether keys take turns by flow, and by priority whose turn it is.
    fair: bool,
    turns: BTreeMap<i8, Vec<u8>>,
}

impl Model {
    fn tick(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    fn add(&mut self, key: u8, mut priority: i8) {
        if let Some((before, ..)) = self.delayed.remove(&key) {
            priority = priority.max(before);
        }
        let order = self.tick();
        if let Some(again) = self.working.get_mut(&key) {
            *again = Some(again.map_or(priority, |before| before.max(priority)));
        } else {
            match self.queued.get(&key) {
                Some(&(before, _)) if before >= priority => {}
                _ => {
                    self.queued.insert(key, (priority, order));
                    self.settle_turns();
                }
            }
        }
    }

    fn add_after(&mut self, key: u8, priority: i8, delay: u64) {
        let waits = self.queued.contains_key(&key) || matches!(self.working.get(&key), Some(Some(_)));
        if waits {
            return self.add(key, priority);
        }
        let (due, order) = (self.now + delay, self.tick());
        let entry = self.delayed.entry(key).or_insert((priority, due, order));
        entry.0 = entry.0.max(priority);
        if due < entry.1 {
            (entry.1, entry.2) = (due, order);
        }
    }

    fn promote(&mut self) {
        let mut due: Vec<_> = self.delayed.iter().filter(|(_, entry)| entry.1 <= self.now).collect();
        due.sort_by_key(|(_, entry)| (entry.1, entry.2));
        let due: Vec<_> = due.into_iter().map(|(&key, &(priority, ..))| (key, priority)).collect();
        for (key, priority) in due {
            self.add(key, priority);
        }
    }

    fn flow(&self, key: u8) -> u8 {
        if self.fair { key % 3 } else { 0 }
    }

    /// Each flow with a key has one turn: those that are new after the others.
    fn settle_turns(&mut self) {
        for priority in -1..=1 {
            let flows: Vec<u8> =
                self.queued.iter().filter(|(_, e)| e.0 == priority).map(|(&key, _)| self.flow(key)).collect();
            let turns = self.turns.entry(priority).or_default();
            turns.retain(|flow| flows.contains(flow));
            flows.iter().for_each(|flow| {
                if !turns.contains(flow) {
                    turns.push(*flow)
                }
            });
        }
    }

    fn get(&mut self) -> Option<(u8, i8, u32)> {
        self.promote();
        let highest = self.queued.values().map(|entry| entry.0).max()?;
        self.hand_outs += 1;
        let heads = |priority| {
            let turn = *self.turns.get(&priority)?.first()?;
            let its = self.queued.iter().filter(|(key, e)| e.0 == priority && self.flow(**key) == turn);
            its.min_by_key(|(_, e)| e.1)
        };
        let head = if self.hand_outs.is_multiple_of(OLDEST_EVERY.get()) {
            (-1..=1).filter_map(heads).min_by_key(|(_, entry)| entry.1)
        } else {
            heads(highest)
        };
        let (&key, &(priority, _)) = head?;
        self.queued.remove(&key);
        if let Some(turns) = self.turns.get_mut(&priority) {
            turns.rotate_left(1);
        }
        self.settle_turns();
        self.working.insert(key, None);
        Some((key, priority, self.failures.get(&key).copied().unwrap_or(0)))
    }

    fn done(&mut self, key: u8) {
        if let Some(Some(priority)) = self.working.remove(&key) {
            self.add(key, priority);
        }
    }

    fn retry(&mut self, key: u8, priority: i8) -> u64 {
        let failures = self.failures.entry(key).or_default();
        let delay = (5_u64 << (*failures).min(10)).min(60);
        *failures += 1;
        self.add_after(key, priority, delay);
        delay
    }
}

async fn check(steps: &[Step], fair: bool) -> Result<(), TestCaseError> {
    let options = Options { backoff: BACKOFF, limit: None, oldest_every: OLDEST_EVERY, ..Options::default() };
    let queue = if fair { WorkQueue::fair(options, |key: &u8| u64::from(key % 3)) } else { WorkQueue::new(options) };
    let mut model = Model { fair, ..Model::default() };
    let mut held: Vec<Work<u8>> = Vec::new();
    for step in steps {
        match *step {
            Step::Add(key, priority) => {
                queue.add(key, Priority(priority));
                model.add(key, priority);
            }
            Step::AddAfter(key, priority, delay) => {
                queue.add_after(key, Priority(priority), Duration::from_millis(delay));
                if delay == 0 { model.add(key, priority) } else { model.add_after(key, priority, delay) }
            }
            Step::Advance(time) => {
                advance(Duration::from_millis(time)).await;
                model.now += time;
            }
            Step::Get => {
                let work = queue.try_get();
                let seen = work.as_ref().map(|work| (*work.key(), work.priority().0, work.retries()));
                prop_assert_eq!(seen, model.get());
                if let Some(work) = work {
                    prop_assert!(held.iter().all(|other| other.key() != work.key()), "worked on twice at once");
                    held.push(work);
                }
            }
            Step::Done(which) if which < held.len() => {
                let work = held.remove(which);
                model.done(*work.key());
                work.done();
            }
            Step::Retry(which) if which < held.len() => {
                let delay = held[which].retry();
                prop_assert_eq!(
                    delay.as_millis(),
                    u128::from(model.retry(*held[which].key(), held[which].priority().0))
                );
            }
            Step::Forget(which) if which < held.len() => {
                held[which].forget();
                model.failures.remove(held[which].key());
            }
            Step::AgainAfter(which, priority, delay) if which < held.len() => {
                held[which].again_after(Duration::from_millis(delay), Priority(priority));
                model.add_after(*held[which].key(), priority, delay);
            }
            Step::ForgetKey(key) => {
                queue.forget(&key);
                model.failures.remove(&key);
            }
            Step::Done(_) | Step::Retry(_) | Step::Forget(_) | Step::AgainAfter(..) => {}
        }
        model.promote();
        let stats = queue.stats();
        prop_assert_eq!(stats.depth.iter().map(|(_, len)| len).sum::<usize>(), model.queued.len());
        prop_assert_eq!(stats.delayed, model.delayed.len());
        prop_assert_eq!(stats.working, model.working.len());
        prop_assert_eq!(stats.again, model.working.values().flatten().count());
        for key in 0..6 {
            prop_assert_eq!(queue.retries(&key), model.failures.get(&key).copied().unwrap_or(0));
        }
    }

    // A drain hands out all that was queued, and what was added during work.
    let mut owed: Vec<u8> = model.queued.keys().copied().collect();
    owed.extend(model.working.iter().filter(|(_, again)| again.is_some()).map(|(&key, _)| key));
    owed.sort_unstable();
    let workers = async {
        held.clear();
        let mut seen = Vec::new();
        while let Some(work) = queue.get().await {
            seen.push(*work.key());
        }
        seen.sort_unstable();
        seen
    };
    let (drained, seen) = tokio::join!(queue.drain(Duration::from_secs(1)), workers);
    prop_assert_eq!(seen, owed);
    prop_assert_eq!((drained.left, drained.delayed), (0, model.delayed.len()));

    // Nothing stays behind but what is remembered on purpose.
    let mut known: Vec<u8> = model.delayed.keys().chain(model.failures.keys()).copied().collect();
    known.sort_unstable();
    known.dedup();
    let known = known.iter().filter(|key| model.delayed.contains_key(key) || model.failures[key] > 0).count();
    prop_assert_eq!(queue.stats().keys, known);
    Ok(())
}

#[test]
fn behaves_like_the_model_over_random_histories() {
    // The default algorithm takes half of the time of an unoptimised test.
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Default::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let history = (prop::collection::vec(step(), 0..60), any::<bool>());
    runner.run(&history, |(steps, fair)| runtime.block_on(check(&steps, fair))).unwrap();
}
