//! The loop of a controller: deltas become keys, keys go through the queue to workers, workers call the reconciler.
//!
//! ```text
//! informer ─delta→ feed (predicates, mapper) ─key→ WorkQueue ─Work→ work ─→ Handler
//!                                                    ↑                │ failed: backoff; After: delay
//!                                                    └────────────────┘ wrote: expectations
//! ```

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use kubewright_cache::{Backlog, Delta, Deltas};
use kubewright_queue::{Priority, Work, WorkQueue};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span, field::Empty};

use crate::{
    Change, Context, ControllerOptions, Error, Key, NotLeading, Outcome, Reason, Trigger,
    context::ControllerContext,
    controller::{Source, Wake},
    expectations::{Expectations, Readiness},
    handler::Handler,
    hash,
    health::{self, ControllerStatus, FailingKey},
    journal::{self, Observed},
    leadership::{
        duty::{Duty, Held, Permit, Standing},
        guard,
    },
    metrics::ControllerMetrics,
    on_demand::OnDemand,
    owned::memory::Target,
    relations::{Interest, Kind, Relations},
    tracker::Run,
    writes::{Write, WriteLog},
};

/// A controller at work.
pub(crate) struct Engine<K: Hash + Eq + Clone> {
    pub(crate) context: Arc<ControllerContext>,
    pub(crate) options: ControllerOptions,
    pub(crate) intake: Intake<K>,
    handler: Arc<dyn Handler<K>>,
    metrics: ControllerMetrics,
    expectations: Expectations<K>,
    pub(crate) relations: Relations<K>,
    /// Watches of kinds that were not declared.
    pub(crate) on_demand: OnDemand,
    reasons: Mutex<FxHashMap<K, Why>>,
    failing: Mutex<BTreeMap<K, Failure>>,
    /// Keys that are done until a later look.
    scheduled: Mutex<BTreeSet<K>>,
    running: Mutex<BTreeSet<K>>,
    pub(crate) duty: Duty,
    /// Keys that wait for being ours.
    pub(crate) aside: Mutex<BTreeSet<K>>,
    /// Waits for caches, which end with `stop`.
    tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    started: AtomicBool,
    reconciles: AtomicU64,
}

/// Where keys come from, and where they wait.
pub(crate) struct Intake<K: Hash + Eq + Clone> {
    pub(crate) queue: WorkQueue<K>,
    pub(crate) trigger: Trigger<K>,
    /// How far the feeds are behind.
    pub(crate) backlogs: Vec<Backlog>,
}

/// Why a key is queued.
#[derive(Debug)]
struct Why {
    /// The first reason.
    reason: Reason,
    /// The versions of the changes that it was queued for; `None` if there was another reason, or too many.
    causes: Option<Vec<u64>>,
}

/// Changes that are told apart as causes of one reconcile.
const CAUSES: usize = 16;

/// Why a key is not settled.
#[derive(Debug)]
struct Failure {
    retries: u32,
    error: String,
}

impl Failure {
    fn of(&self, key: String) -> FailingKey {
        FailingKey { key, retries: self.retries, error: self.error.clone() }
    }
}

/// How a reconcile ended other than by its own answer.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the reconcile panicked: {0}")]
    Panicked(String),
    #[error("the reconcile was dropped after {0:?}, the time that it may take")]
    TimedOut(Duration),
}

impl<K: Key> Engine<K> {
    pub(crate) fn new(
        context: Arc<ControllerContext>,
        options: ControllerOptions,
        intake: Intake<K>,
        handler: Arc<dyn Handler<K>>,
        metrics: ControllerMetrics,
        duty: Duty,
        stop: CancellationToken,
    ) -> Self {
        Self {
            context,
            options,
            intake,
            handler,
            metrics,
            expectations: Expectations::default(),
            relations: Relations::default(),
            on_demand: OnDemand::default(),
            reasons: Mutex::default(),
            failing: Mutex::default(),
            scheduled: Mutex::default(),
            running: Mutex::default(),
            duty,
            aside: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
            started: false.into(),
            reconciles: 0.into(),
        }
    }

    /// Turns the changes of one watch into keys, until the manager stops.
    pub(crate) async fn feed(self: Arc<Self>, source: Source<K>, mut deltas: Deltas) {
        let kind: Arc<str> = source.watch.resource.kind.as_str().into();
        let read_as = Kind::of(source.watch.cluster.as_ref(), &source.watch.resource);
        loop {
            let delta = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                delta = deltas.next() => match delta {
                    Some(delta) => delta,
                    None => return,
                },
            };
            self.guarded(&delta, || self.take(&source, &kind, &read_as, &delta));
        }
    }

    /// Runs predicates and mappers on a change; one that panics loses that change.
    pub(crate) fn guarded(&self, delta: &Delta, take: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(take)) {
            self.metrics.panics.inc();
            let (panic, object) = (panic_message(&*panic), &delta.reference);
            tracing::error!(%object, panic, "a predicate or mapper panicked: the change wakes nobody");
        }
    }

    fn take(&self, source: &Source<K>, kind: &Arc<str>, read_as: &Kind, delta: &Delta) {
        // Children are where the controller is at home.
        if delta.new.is_none() && source.watch.cluster.is_none() {
            for subresource in ["", "status"] {
                let target = Target::new(&source.watch.resource, delta.reference.clone(), subresource);
                self.context.memory.forget(&target);
            }
        }
        if !is_news(delta) {
            return;
        }
        let priority = if delta.initial { Priority::LOW } else { Priority::NORMAL };
        let version = delta.new.as_ref().and_then(|new| new.resource_version().parse().ok());
        for key in self.relations.affected(read_as, delta, &source.watch.indexes) {
            if self.wants(&key) {
                self.add_for(key, priority, version, || reason(kind, delta));
            }
        }
        if source.watch.wants(delta) {
            // Both states are asked: what an object no longer refers to has to hear of it.
            for object in delta.old.iter().chain(&delta.new) {
                (source.map)(object, &mut |key| {
                    if self.wants(&key) {
                        self.add_for(key, priority, version, || reason(kind, delta));
                    }
                });
            }
        }
    }

    /// Queues keys that are woken from outside, until the manager stops.
    pub(crate) async fn listen(self: Arc<Self>, mut woken: mpsc::UnboundedReceiver<Wake<K>>) {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                wake = woken.recv() => {
                    let Some(wake) = wake else { return };
                    self.wake(wake);
                    self.intake.trigger.queued();
                },
            }
        }
    }

    /// Works on keys, one after the other, until the queue ends.
    pub(crate) async fn work(self: Arc<Self>) {
        while let Some(work) = self.intake.queue.get().await {
            match self.expectations.readiness(work.key()) {
                Readiness::Ready => {
                    if let Some(permit) = self.permit(&work) {
                        self.clone().reconcile(work, permit).await;
                    }
                }
                Readiness::Awaited => {}
                Readiness::Wait(wait) => {
                    self.metrics.deferred.inc();
                    let (key, priority) = (work.key().clone(), work.priority());
                    let engine = self.clone();
                    self.tasks.spawn(async move {
                        tokio::select! {
                            () = wait.over() => {}
                            () = engine.stop.cancelled() => {}
                        }
                        engine.expectations.awaited(&key);
                        engine.intake.queue.add(key, priority);
                    });
                }
            }
        }
    }

    /// The keys that are worked on right now.
    pub(crate) fn running(&self) -> Vec<String> {
        self.running.lock().iter().map(ToString::to_string).collect()
    }

    /// The caches are in sync and the workers run.
    pub(crate) fn set_started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> ControllerStatus {
        // In the direction in which work moves, so that none slips by: watches, feeds, queue. Keys that are put off leave
        // the queue and come back to it; hence both sides of it.
        let undeclared = self.on_demand.stores();
        let informers = self.context.all_stores().chain(&undeclared).map(health::informer).collect();
        let Intake { queue, trigger, backlogs } = &self.intake;
        let unfed = trigger.pending() + backlogs.iter().map(Backlog::count).sum::<usize>() + self.on_demand.backlog();
        let put_off = self.tasks.len();
        let stats = queue.stats();
        ControllerStatus {
            name: self.context.name.to_string(),
            started: self.started.load(Ordering::Relaxed),
            queued: unfed + health::queued(&stats),
            delayed: stats.delayed,
            scheduled: self.scheduled.lock().len(),
            active: stats.working + put_off.max(self.tasks.len()),
            concurrency: self.options.concurrency,
            max_retries: self.options.max_retries,
            failing: self.failing.lock().iter().map(|(key, failure)| failure.of(key.to_string())).collect(),
            informers,
        }
    }

    pub(crate) fn add(&self, key: K, priority: Priority, reason: impl FnOnce() -> Reason) {
        self.add_for(key, priority, None, reason);
    }

    /// Queues a key for a change that led to this version.
    fn add_for(&self, key: K, priority: Priority, version: Option<u64>, reason: impl FnOnce() -> Reason) {
        {
            let mut reasons = self.reasons.lock();
            let why = reasons.entry(key.clone()).or_insert_with(|| Why { reason: reason(), causes: Some(Vec::new()) });
            why.causes = match (why.causes.take(), version) {
                (Some(mut causes), Some(version))
                    if causes.len() < CAUSES && self.context.journal.detector.is_some() =>
                {
                    causes.push(version);
                    Some(causes)
                }
                _ => None,
            };
        }
        self.intake.queue.add(key, priority);
    }

    /// Forgets what is known of a key that is not worked on here any more.
    pub(crate) fn forget(&self, key: &K) {
        self.reasons.lock().remove(key);
        self.failing.lock().remove(key);
        self.scheduled.lock().remove(key);
    }

    /// Forgets the failures and the reads of keys that others work on.
    pub(crate) fn drop_foreign(&self, held: &Held) {
        let ours = |key: &K| held.standing(hash::of_key(key)) == Standing::Ours;
        self.failing.lock().retain(|key, _| ours(key));
        self.scheduled.lock().retain(ours);
        for key in self.relations.keys().iter().filter(|key| !ours(key)) {
            self.has_read(key, &FxHashSet::default());
        }
    }

    /// A key has read this and nothing else: changes of anything else do not matter to it any more.
    pub(crate) fn has_read(&self, key: &K, reads: &FxHashSet<Interest>) {
        for kind in self.relations.replace(key, reads) {
            self.on_demand.end(&kind, || self.relations.reads(&kind));
        }
        self.on_demand.end_unread(|kind, object| self.relations.reads_object(kind, object));
    }

    async fn reconcile(self: Arc<Self>, work: Work<K>, permit: Permit) {
        let key = work.key().clone();
        let why = self.reasons.lock().remove(&key);
        let Why { reason, causes } = why.unwrap_or(Why { reason: Reason::Scheduled, causes: None });
        let id = self.reconciles.fetch_add(1, Ordering::Relaxed) + 1;
        // The last two are what OpenTelemetry's layer for tracing takes the outcome from.
        let span = tracing::info_span!(
            parent: None, "reconcile", controller = %self.context.name, %key, reconcile_id = id, %reason,
            otel.status_code = Empty, otel.status_description = Empty,
        );
        let log = Arc::new(self.write_log());
        let at = self.context.clock.now();
        let run = journal::Run {
            controller: self.context.name.clone(),
            id,
            key: key.to_string(),
            reason: reason.clone(),
            at,
        };
        let started = Instant::now();
        self.metrics.active.inc();
        self.running.lock().insert(key.clone());
        self.scheduled.lock().remove(&key);
        // Also when the worker is dropped at the deadline of a stop.
        let guard = Running { engine: &self, key: &key };
        let reads = Arc::new(Run::new(self.clone(), key.clone()));
        let context = Context::new(self.context.clone(), reads.clone(), reason);
        let subject = self.context.journal.detector.as_ref().and_then(|_| self.handler.version(&key, &context));
        let call = guard::scope(permit.clone(), self.call(&key, context, log.clone())).instrument(span.clone());
        let result = tokio::select! {
            biased;
            () = permit.revoked() => Err(NotLeading::Lost.into()),
            result = call => result,
        };
        drop(guard);
        let read = reads.end();
        // What waits for the end of the work sees it now, and not a moment later.
        drop(permit);
        let took = started.elapsed();
        self.metrics.time.observe(took.as_secs_f64());
        let writes = log.take();
        if let Some(detector) = &self.context.journal.detector {
            let (controller, causes) = (&self.context.name, causes.as_deref());
            let observed = Observed { controller, key: &run.key, causes, subject, writes: &writes };
            detector
                .observe(&observed)
                .into_iter()
                .for_each(|unsettled| self.context.journal.note_unsettled(unsettled));
        }
        if self.context.journal.keeps() {
            self.context.journal.add(run.end(took, read.iter(), &writes, &result));
        }
        self.expect(&key, writes);
        span.in_scope(|| self.settle(&work, result));
        work.done();
    }

    fn note_retry(&self, key: &K, retries: u32) {
        let retry = || Why { reason: Reason::Retry(retries + 1), causes: None };
        self.reasons.lock().entry(key.clone()).or_insert_with(retry).causes = None;
    }

    /// Where a reconcile notes its writes.
    fn write_log(&self) -> WriteLog {
        if self.context.journal.detector.is_none() {
            return WriteLog::default();
        }
        let context = self.context.clone();
        WriteLog::with_changes(Box::new(move |cluster, target, object| {
            let mut stores = context.stores_in(cluster)?.of(&target.group, &target.plural).peekable();
            stores.peek()?;
            Some(stores.find_map(|store| store.informer.get(object)))
        }))
    }

    fn expect(&self, key: &K, writes: Vec<Write>) {
        if writes.is_empty() {
            return;
        }
        let undeclared = self.on_demand.stores();
        let home = &self.context.cluster;
        self.expectations.expect(key, writes, |write| {
            let Write { cluster, group, plural, .. } = write;
            let declared = self.context.stores_in(cluster).into_iter().flat_map(|stores| stores.of(group, plural));
            let undeclared = undeclared.iter().filter(|store| {
                let (resource, place) = (&store.resource, store.cluster.as_ref().unwrap_or(home));
                place == cluster && resource.group == *group && resource.plural == *plural
            });
            declared.chain(undeclared).collect()
        });
    }

    async fn call(&self, key: &K, context: Context, log: Arc<WriteLog>) -> Result<Outcome, Error> {
        tracing::debug!("reconcile starts");
        let reconcile = AssertUnwindSafe(self.handler.handle(key, context)).catch_unwind();
        let reconcile = log.record(reconcile);
        let ended = match self.options.timeout {
            None => reconcile.await,
            Some(timeout) => match tokio::time::timeout(timeout, reconcile).await {
                Ok(ended) => ended,
                Err(_) => {
                    self.metrics.timeouts.inc();
                    return Err(Interrupted::TimedOut(timeout).into());
                }
            },
        };
        ended.unwrap_or_else(|panic| {
            self.metrics.panics.inc();
            Err(Interrupted::Panicked(panic_message(&*panic)).into())
        })
    }

    /// Decides what becomes of the key.
    fn settle(self: &Arc<Self>, work: &Work<K>, result: Result<Outcome, Error>) {
        let key = work.key();
        let error = match result {
            Ok(outcome) => {
                work.forget();
                self.failing.lock().remove(key);
                match outcome {
                    Outcome::Settled => {
                        self.metrics.settled.inc();
                        tracing::debug!("settled");
                    }
                    Outcome::After(delay) => {
                        self.metrics.after.inc();
                        tracing::debug!(?delay, "again later");
                        work.again_after(delay, Priority::NORMAL);
                    }
                    Outcome::Recheck(delay) => {
                        self.metrics.after.inc();
                        self.scheduled.lock().insert(key.clone());
                        tracing::debug!(?delay, "settled; looked at again later");
                        work.again_after(delay, Priority::NORMAL);
                    }
                }
                return;
            }
            Err(error) => error,
        };
        if let Some(why) = error.not_leading() {
            tracing::info!(%why, "ended; another replica has the key, or is going to");
            work.forget();
            self.set_aside(key);
            return;
        }
        if let Some(informer) = error.awaited().cloned() {
            // Neither the reconcile nor the key has failed.
            tracing::debug!(%error, "put off");
            self.metrics.deferred.inc();
            self.failing.lock().insert(key.clone(), Failure { retries: work.retries(), error: error.to_string() });
            let (engine, key, priority) = (self.clone(), key.clone(), work.priority());
            self.tasks.spawn(async move {
                tokio::select! {
                    _ = informer.wait_synced() => engine.intake.queue.add(key, priority),
                    () = engine.stop.cancelled() => {}
                }
            });
            return;
        }
        self.metrics.failed.inc();
        self.metrics.errors.inc();
        let span = Span::current();
        span.record("otel.status_code", "ERROR").record("otel.status_description", error.to_string());
        let retries = work.retries();
        if error.is_terminal() {
            self.metrics.terminal_errors.inc();
            tracing::error!(%error, "failed; only a change can help, so there is no retry");
            work.forget();
        } else if self.options.max_retries.is_some_and(|most| retries >= most) {
            self.metrics.dropped.inc();
            tracing::error!(%error, retries, "failed, and given up after the last retry, until something changes");
            work.forget();
        } else if let Some(delay) = error.retry_after() {
            // The server is busy, which is no fault of the key.
            self.note_retry(key, retries);
            work.again_after(delay, work.priority());
            tracing::warn!(%error, ?delay, "failed; the server asks to wait");
        } else {
            self.note_retry(key, retries);
            let delay = work.retry();
            tracing::warn!(%error, retries, ?delay, "failed; it will be tried again");
        }
        self.failing.lock().insert(key.clone(), Failure { retries, error: error.to_string() });
    }
}

/// Marks a key as being worked on.
struct Running<'a, K: Key> {
    engine: &'a Engine<K>,
    key: &'a K,
}

impl<K: Key> Drop for Running<'_, K> {
    fn drop(&mut self) {
        self.engine.metrics.active.dec();
        self.engine.running.lock().remove(self.key);
    }
}

/// Whether there is anything new in a delta: a relist may bring what is known.
fn is_news(delta: &Delta) -> bool {
    match (&delta.old, &delta.new) {
        (Some(old), Some(new)) => old.resource_version() != new.resource_version() || old.uid() != new.uid(),
        _ => true,
    }
}

fn reason(kind: &Arc<str>, delta: &Delta) -> Reason {
    let change = match (&delta.old, &delta.new) {
        _ if delta.initial => Change::Listed,
        (_, None) => Change::Removed,
        (None, Some(_)) => Change::Added,
        (Some(_), Some(_)) => Change::Modified,
    };
    Reason::Object { kind: kind.clone(), object: delta.reference.clone(), change }
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}
