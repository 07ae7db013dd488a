//! The queue as workers and event handlers see it.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::DefaultHashBuilder;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::limit::nanos;
use crate::state::{FlowOf, Mode, State, due};
use crate::{Observer, Options, Priority, Stats, Work};

/// A queue of keys; clones share it. See the [crate's documentation](crate) for what it promises.
pub struct WorkQueue<K> {
    shared: Arc<Shared<K>>,
}

/// What was left when a queue had been drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Keys that were still queued or worked on when the deadline came.
    pub left: usize,
    /// Keys whose delay was not over; a drain does not wait for them.
    pub delayed: usize,
}

impl<K: Hash + Eq + Clone> WorkQueue<K> {
    /// Makes an empty queue.
    pub fn new(options: Options) -> Self {
        Self::make(options, None)
    }

    /// Makes an empty queue in which keys of equal priority take turns by the flow that they belong to, so that no flow
    /// keeps the others waiting, however many keys it has. Within a flow they are first in, first out.
    ///
    /// `flow_of` has to say the same of equal keys each time. It runs inside the queue's lock: keep it short, and do not
    /// use the queue in it.
    ///
    /// ```
    /// use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    /// use kubewright_queue::{Options, Priority, WorkQueue};
    ///
    /// // By namespace: two namespaces may share a number, which makes them one flow and does no other harm.
    /// let number = BuildHasherDefault::<DefaultHasher>::default();
    /// let queue = WorkQueue::fair(Options::default(), move |key: &&str| number.hash_one(key.split('/').next()));
    /// for key in ["noisy/1", "noisy/2", "noisy/3", "calm/1"] {
    ///     queue.add(key, Priority::NORMAL);
    /// }
    /// let order: Vec<_> = std::iter::from_fn(|| queue.try_get().map(|work| *work.key())).collect();
    /// assert_eq!(order, ["noisy/1", "calm/1", "noisy/2", "noisy/3"]);
    /// ```
    pub fn fair(options: Options, flow_of: impl Fn(&K) -> u64 + Send + Sync + 'static) -> Self {
        Self::make(options, Some(Box::new(flow_of)))
    }

    fn make(options: Options, flow_of: Option<Box<FlowOf<K>>>) -> Self {
        let state = Waiting { state: State::new(&options, flow_of), getters: 0, timekeeper: false };
        let shared = Shared {
            waiting: Mutex::new(state),
            hasher: DefaultHashBuilder::default(),
            start: Instant::now(),
            observer: options.observer,
            wake: Notify::new(),
            rearm: Notify::new(),
            drained: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Queues a key. If it is queued already, the higher priority counts; if it is worked on, it is queued when that
    /// ends; if it is delayed, it no longer is. After a shutdown this does nothing.
    pub fn add(&self, key: K, priority: Priority) {
        let shared = &*self.shared;
        let hash = shared.hasher.hash_one(&key);
        let now = shared.observed_now();
        let mut waiting = shared.waiting.lock();
        if waiting.state.mode == Mode::Open {
            let index = waiting.state.slots.find_or_insert(hash, key);
            waiting.state.add(index, priority, now);
            shared.wake_one(&waiting);
        }
    }

    /// Queues a key when `delay` is over. If it is queued already or due earlier, only its priority may rise. After a
    /// shutdown this does nothing.
    pub fn add_after(&self, key: K, priority: Priority, delay: Duration) {
        if delay.is_zero() {
            return self.add(key, priority);
        }
        let shared = &*self.shared;
        let hash = shared.hasher.hash_one(&key);
        let mut waiting = shared.waiting.lock();
        if waiting.state.mode == Mode::Open {
            let index = waiting.state.slots.find_or_insert(hash, key);
            shared.add_after(&mut waiting, index, priority, delay, shared.now());
        }
    }

    /// Waits for a key to work on. `None` after a shutdown: at once, or when a drained queue has nothing more.
    ///
    /// It may be dropped at any time (in a `select!`, say) without losing a key.
    pub async fn get(&self) -> Option<Work<K>> {
        if let Some(work) = self.try_get() {
            return Some(work);
        }
        let shared = &*self.shared;
        loop {
            // Made before the look at the state: it sees each shutdown from here on.
            let woken = shared.wake.notified();
            let (role, timer) = {
                let mut waiting = shared.waiting.lock();
                if let Some(work) = self.take(&mut waiting) {
                    return Some(work);
                }
                match waiting.state.mode {
                    Mode::Closed => return None,
                    Mode::Draining if waiting.state.exhausted() => return None,
                    Mode::Draining | Mode::Open => Waiter::enter(shared, &mut waiting),
                }
            };
            match timer {
                None => woken.await,
                Some(deadline) => {
                    tokio::select! {
                        biased;
                        () = woken => {}
                        () = shared.rearm.notified() => {}
                        () = sleep_until(deadline) => {}
                    }
                }
            }
            role.leave();
        }
    }

    /// A key to work on, if there is one right now.
    pub fn try_get(&self) -> Option<Work<K>> {
        self.take(&mut self.shared.waiting.lock())
    }

    /// How often the work on a key has failed in a row.
    pub fn retries<Q>(&self, key: &Q) -> u32
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.shared.hasher.hash_one(key);
        let waiting = self.shared.waiting.lock();
        waiting.state.slots.find(hash, key).map_or(0, |index| waiting.state.slots[index].failures)
    }

    /// Forgets the failures of a key: its next one starts at the base of the backoff. A worker says so with
    /// [`Work::forget`].
    pub fn forget<Q>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.shared.hasher.hash_one(key);
        let mut waiting = self.shared.waiting.lock();
        if let Some(index) = waiting.state.slots.find(hash, key) {
            waiting.state.forget(index);
        }
    }

    /// Ends the queue at once: nothing more is taken in or handed out.
    pub fn shut_down(&self) {
        self.shared.waiting.lock().state.mode = Mode::Closed;
        self.shared.wake.notify_waiters();
        self.shared.drained.notify_waiters();
    }

    /// Takes nothing more in, lets the workers finish what is queued and what was added during work, and ends the queue
    /// when that is done or when `deadline` has passed. Keys whose delay is not over are not waited for. Retries of the
    /// last pieces of work count among these.
    ///
    /// Dropping the future leaves the queue draining, without a deadline.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let shared = &*self.shared;
        {
            let mut waiting = shared.waiting.lock();
            // What is due counts as queued.
            shared.promote(&mut waiting);
            if waiting.state.mode == Mode::Open {
                waiting.state.mode = Mode::Draining;
            }
        }
        shared.wake.notify_waiters();
        let empty = async {
            loop {
                let changed = shared.drained.notified();
                {
                    let waiting = shared.waiting.lock();
                    if waiting.state.mode == Mode::Closed || waiting.state.unfinished() == 0 {
                        return;
                    }
                }
                changed.await;
            }
        };
        // Either way the queue ends; what is left is counted below.
        _ = timeout(deadline, empty).await;
        self.shut_down();
        let waiting = shared.waiting.lock();
        Drained { left: waiting.state.unfinished(), delayed: waiting.state.stats(None).delayed }
    }

    /// How many keys wait for a worker, of all priorities.
    pub fn len(&self) -> usize {
        let mut waiting = self.shared.waiting.lock();
        self.shared.promote(&mut waiting);
        waiting.state.unfinished() - waiting.state.working()
    }

    /// Whether no key waits for a worker.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of the queue right now.
    pub fn stats(&self) -> Stats {
        let mut waiting = self.shared.waiting.lock();
        self.shared.promote(&mut waiting);
        waiting.state.stats(self.shared.observer.is_some().then(|| self.shared.now()))
    }

    fn take(&self, waiting: &mut Waiting<K>) -> Option<Work<K>> {
        let shared = &self.shared;
        shared.promote(waiting);
        let taken = waiting.state.take(shared.observed_now())?;
        // One wake-up may stand for many keys whose delay was over at once, and this getter may have kept the time.
        shared.wake_one(waiting);
        Some(Work::new(shared.clone(), taken))
    }
}

impl<K> Clone for WorkQueue<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K> fmt::Debug for WorkQueue<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueue").finish_non_exhaustive()
    }
}

/// What a queue and the work that came from it share.
pub(crate) struct Shared<K> {
    waiting: Mutex<Waiting<K>>,
    hasher: DefaultHashBuilder,
    start: Instant,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Wakes one getter for one key, or all of them for a shutdown.
    wake: Notify,
    /// Wakes the timekeeper, as a key is due earlier than it thinks.
    rearm: Notify,
    /// Wakes the drains when work has ended.
    drained: Notify,
}

struct Waiting<K> {
    state: State<K>,
    /// Calls of `get` that wait.
    getters: usize,
    /// Whether one of them holds the timer.
    timekeeper: bool,
}

impl<K: Hash + Eq + Clone> Waiting<K> {
    /// When somebody has to look at the delays next.
    fn timer(&self) -> Option<u64> {
        // A drain does not wait for delays: what came due during it could come too late for the last worker.
        self.state.next_due().filter(|_| self.state.mode == Mode::Open)
    }
}

impl<K: Hash + Eq + Clone> Shared<K> {
    pub(crate) fn again_after(&self, index: u32, priority: Priority, delay: Duration) {
        self.add_after(&mut self.waiting.lock(), index, priority, delay, self.now());
    }

    pub(crate) fn retry(&self, index: u32, priority: Priority) -> Duration {
        let mut waiting = self.waiting.lock();
        let now = self.now();
        let delay = waiting.state.fail(index, now);
        self.add_after(&mut waiting, index, priority, delay, now);
        delay
    }

    pub(crate) fn forget(&self, index: u32) {
        self.waiting.lock().state.forget(index);
    }

    pub(crate) fn done(&self, index: u32) {
        let now = self.observed_now();
        let started = {
            let mut waiting = self.waiting.lock();
            let started = waiting.state.done(index);
            if waiting.state.mode == Mode::Open {
                self.wake_one(&waiting);
            } else {
                self.wake.notify_waiters();
                self.drained.notify_waiters();
            }
            started
        };
        if let Some(observer) = &self.observer {
            observer.worked(Duration::from_nanos(now.saturating_sub(started)));
        }
    }

    fn add_after(&self, waiting: &mut Waiting<K>, index: u32, priority: Priority, delay: Duration, now: u64) {
        let before = waiting.state.next_due();
        waiting.state.add_at(index, priority, due(now, delay));
        let earlier = waiting.state.next_due().is_some_and(|next| before.is_none_or(|before| next < before));
        if earlier && waiting.timekeeper {
            self.rearm.notify_one();
        } else {
            self.wake_one(waiting);
        }
    }

    fn promote(&self, waiting: &mut Waiting<K>) {
        if waiting.timer().is_some() {
            waiting.state.promote(self.now());
        }
    }

    /// Wakes a getter if there is something for it to do: a key to take, or a delay that nobody keeps the time of.
    fn wake_one(&self, waiting: &Waiting<K>) {
        let unkept = !waiting.timekeeper && waiting.timer().is_some();
        if waiting.getters > 0 && (waiting.state.ready() || unkept) {
            self.wake.notify_one();
        }
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    /// The time, if somebody wants to know how long things take.
    fn observed_now(&self) -> u64 {
        if self.observer.is_some() { self.now() } else { 0 }
    }
}

/// A `get` that waits. One of them, the timekeeper, holds the timer for the next delay; when it leaves, whether with a
/// key or because it was dropped, another takes over.
struct Waiter<'a, K: Hash + Eq + Clone> {
    shared: &'a Shared<K>,
    timekeeper: bool,
}

impl<'a, K: Hash + Eq + Clone> Waiter<'a, K> {
    /// To look at the state again. Nobody need be woken for that: this one takes what there is, or waits again.
    fn leave(self) {
        drop(self.end());
        std::mem::forget(self);
    }

    fn end(&self) -> MutexGuard<'a, Waiting<K>> {
        let mut waiting = self.shared.waiting.lock();
        waiting.getters -= 1;
        waiting.timekeeper &= !self.timekeeper;
        waiting
    }

    fn enter(shared: &'a Shared<K>, waiting: &mut Waiting<K>) -> (Self, Option<Instant>) {
        waiting.getters += 1;
        let timer = waiting.timer().filter(|_| !waiting.timekeeper);
        waiting.timekeeper |= timer.is_some();
        // A delay beyond the end of time is one that never ends, as far as tokio's timer goes.
        let deadline = timer.map(|due| {
            let start = shared.start;
            start.checked_add(Duration::from_nanos(due)).unwrap_or_else(|| start + Duration::from_secs(u32::MAX.into()))
        });
        (Self { shared, timekeeper: timer.is_some() }, deadline)
    }
}

impl<K: Hash + Eq + Clone> Drop for Waiter<'_, K> {
    fn drop(&mut self) {
        // It was dropped while it waited.
        let waiting = self.end();
        self.shared.wake_one(&waiting);
    }
}
