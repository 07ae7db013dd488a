//! The state machine behind the queue's lock: no waiting, no clock; times are nanoseconds since the queue was made.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::level::Level;
use crate::limit::{Bucket, nanos};
use crate::slots::{List, Place, Slots};
use crate::{Backoff, Options, Priority, Stats};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Nothing new is taken in; what is there is handed out.
    Draining,
    /// Nothing is handed out.
    Closed,
}

/// What tells the flow of a key.
pub(crate) type FlowOf<K> = dyn Fn(&K) -> u64 + Send + Sync;

pub(crate) struct State<K> {
    pub(crate) mode: Mode,
    pub(crate) slots: Slots<K>,
    /// From the highest priority to the lowest; one is made when its priority is first used.
    levels: Vec<Level>,
    queued: usize,
    again: usize,
    working: List,
    /// (due, order, slot)
    delayed: BTreeSet<(u64, u64, u32)>,
    order: u64,
    oldest_every: u32,
    /// Hand-outs until it is the oldest key's turn.
    until_oldest: u32,
    adds: u64,
    retries: u64,
    backoff: Backoff,
    bucket: Option<Bucket>,
    random: StdRng,
    flow_of: Option<Box<FlowOf<K>>>,
}

/// A key that was handed out.
pub(crate) struct Taken<K> {
    pub(crate) index: u32,
    pub(crate) key: K,
    pub(crate) priority: Priority,
    pub(crate) failures: u32,
    pub(crate) waited: u64,
}

impl<K: Hash + Eq + Clone> State<K> {
    pub(crate) fn new(options: &Options, flow_of: Option<Box<FlowOf<K>>>) -> Self {
        Self {
            mode: Mode::Open,
            slots: Slots::new(),
            levels: Vec::new(),
            queued: 0,
            again: 0,
            working: List::new(),
            delayed: BTreeSet::new(),
            order: 0,
            oldest_every: options.oldest_every.get(),
            until_oldest: options.oldest_every.get(),
            adds: 0,
            retries: 0,
            backoff: options.backoff,
            bucket: options.limit.map(Bucket::new),
            random: StdRng::seed_from_u64(options.seed),
            flow_of,
        }
    }

    /// Queues the key of a slot, or raises its priority if it is queued already.
    pub(crate) fn add(&mut self, index: u32, priority: Priority, now: u64) {
        let slot = &mut self.slots[index];
        match slot.place {
            Place::Idle => {
                slot.priority = priority;
                self.enqueue(index, now);
            }
            Place::Delayed => {
                slot.priority = slot.priority.max(priority);
                self.delayed.remove(&(slot.at, slot.order, index));
                self.enqueue(index, now);
            }
            Place::Queued | Place::Again => self.raise(index, priority),
        }
    }

    /// Queues the key of a slot at `due`, unless it is queued already or due before that.
    pub(crate) fn add_at(&mut self, index: u32, priority: Priority, due: u64) {
        self.retries += 1;
        let slot = &mut self.slots[index];
        match slot.place {
            Place::Idle => slot.priority = priority,
            Place::Delayed => {
                slot.priority = slot.priority.max(priority);
                if slot.at <= due {
                    return;
                }
                self.delayed.remove(&(slot.at, slot.order, index));
            }
            Place::Queued | Place::Again => return self.raise(index, priority),
        }
        (slot.place, slot.at, slot.order) = (Place::Delayed, due, self.order);
        self.delayed.insert((due, self.order, index));
        self.order += 1;
    }

    /// Counts a failure of the key of a slot and tells how long it is to wait.
    pub(crate) fn fail(&mut self, index: u32, now: u64) -> Duration {
        let slot = &mut self.slots[index];
        let delay = self.backoff.delay(slot.failures, &mut self.random);
        slot.failures = slot.failures.saturating_add(1);
        let limit = self.bucket.as_mut().map_or(0, |bucket| bucket.reserve(now));
        delay.max(Duration::from_nanos(limit))
    }

    pub(crate) fn forget(&mut self, index: u32) {
        self.slots[index].failures = 0;
        self.free_if_unused(index);
    }

    /// Queues the keys whose delay is over.
    pub(crate) fn promote(&mut self, now: u64) {
        while let Some(&(due, _, index)) = self.delayed.first()
            && due <= now
        {
            self.delayed.pop_first();
            self.enqueue(index, due);
        }
    }

    pub(crate) fn take(&mut self, now: u64) -> Option<Taken<K>> {
        if self.queued == 0 || self.mode == Mode::Closed {
            return None;
        }
        self.until_oldest -= 1;
        let mut waiting = self.levels.iter_mut().filter(|level| level.len() > 0);
        let level = if self.until_oldest == 0 {
            self.until_oldest = self.oldest_every;
            waiting.min_by_key(|level| self.slots[level.front()].order)
        } else {
            waiting.next()
        }?;
        let index = level.take_front(&mut self.slots);
        self.queued -= 1;
        self.slots.push_back(&mut self.working, index);
        let slot = &mut self.slots[index];
        slot.place = Place::Idle;
        slot.working = true;
        slot.started = now;
        Some(Taken {
            index,
            key: slot.key().clone(),
            priority: slot.priority,
            failures: slot.failures,
            waited: now.saturating_sub(slot.at),
        })
    }

    /// Ends the work on the key of a slot and tells when it began.
    pub(crate) fn done(&mut self, index: u32) -> u64 {
        self.slots.unlink(&mut self.working, index);
        let slot = &mut self.slots[index];
        slot.working = false;
        let started = slot.started;
        if slot.place == Place::Again {
            self.again -= 1;
            self.push(index);
        } else {
            self.free_if_unused(index);
        }
        started
    }

    pub(crate) fn ready(&self) -> bool {
        self.queued > 0
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        self.delayed.first().map(|&(due, ..)| due)
    }

    /// Whether a drained queue has nothing more to hand out, now or when the present work ends.
    pub(crate) fn exhausted(&self) -> bool {
        self.queued == 0 && self.again == 0
    }

    pub(crate) fn working(&self) -> usize {
        self.working.len
    }

    /// Keys that are queued, worked on or both.
    pub(crate) fn unfinished(&self) -> usize {
        self.queued + self.working.len
    }

    pub(crate) fn stats(&self, now: Option<u64>) -> Stats {
        let running = || self.slots.iter(&self.working).map(|slot| now.unwrap_or(0).saturating_sub(slot.started));
        Stats {
            depth: self.levels.iter().map(|level| (level.priority, level.len())).collect(),
            delayed: self.delayed.len(),
            working: self.working.len,
            again: self.again,
            keys: self.slots.len(),
            adds: self.adds,
            retries: self.retries,
            unfinished: Duration::from_nanos(running().fold(0, u64::saturating_add)),
            longest_running: Duration::from_nanos(running().max().unwrap_or(0)),
        }
    }

    /// Queues a key that is idle or was delayed; if it is worked on, as soon as that ends.
    fn enqueue(&mut self, index: u32, since: u64) {
        self.adds += 1;
        let slot = &mut self.slots[index];
        slot.at = since;
        if slot.working {
            slot.place = Place::Again;
            self.again += 1;
        } else {
            self.push(index);
        }
    }

    fn push(&mut self, index: u32) {
        let slot = &mut self.slots[index];
        (slot.place, slot.order) = (Place::Queued, self.order);
        self.order += 1;
        self.queued += 1;
        let flow = self.flow_of.as_ref().map(|flow_of| flow_of(slot.key()));
        let level = level(&mut self.levels, slot.priority);
        level.push(&mut self.slots, index, flow);
    }

    fn raise(&mut self, index: u32, priority: Priority) {
        let slot = &mut self.slots[index];
        if priority <= slot.priority {
            return;
        }
        let before = std::mem::replace(&mut slot.priority, priority);
        if slot.place == Place::Queued {
            let flow = self.flow_of.as_ref().map(|flow_of| flow_of(slot.key()));
            level(&mut self.levels, before).remove(&mut self.slots, index, flow);
            self.queued -= 1;
            self.push(index);
        }
    }

    fn free_if_unused(&mut self, index: u32) {
        let slot = &self.slots[index];
        if slot.place == Place::Idle && !slot.working && slot.failures == 0 {
            self.slots.release(index);
        }
    }
}

fn level(levels: &mut Vec<Level>, priority: Priority) -> &mut Level {
    let at = match levels.binary_search_by(|level| priority.cmp(&level.priority)) {
        Ok(at) => at,
        Err(at) => {
            levels.insert(at, Level::new(priority));
            at
        }
    };
    &mut levels[at]
}

/// `delay` from `now`, in the queue's time.
pub(crate) fn due(now: u64, delay: Duration) -> u64 {
    now.saturating_add(nanos(delay))
}
