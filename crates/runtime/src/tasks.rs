//! Tasks that run beside the controllers, and what a manager can tell of them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::BoxFuture;
use kube::{Client, api::ApiResource};
use kubewright_cache::{Backlog, CacheError, Caches, Delta, Deltas, Informer, Keep, Scope};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Handle, ReplicaStatus,
    health::{self, InformerStatus},
    leadership::duty::Duty,
    metrics::Metrics,
};

/// A task that has not been started.
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnOnce(TaskContext) -> BoxFuture<'static, Result<(), Error>> + Send>,
}

/// What a task of a manager works with.
#[derive(Clone)]
pub struct TaskContext {
    /// The manager's client. On a replica that does not work it reads, and its writes fail with
    /// [`NotLeading`](crate::NotLeading).
    pub client: Client,
    /// The manager's caches. What a task adds to them is shared with the controllers.
    pub caches: Caches,
    /// Cancelled when the manager stops.
    pub stop: CancellationToken,
    pub(crate) work: TaskWork,
    pub(crate) ready: Ready,
    pub(crate) duty: Duty,
    pub(crate) metrics: Metrics,
    pub(crate) handle: Handle,
}

/// Tells when this replica begins or ends to work, see [`TaskContext::turns`].
#[derive(Debug)]
pub struct Turns(watch::Receiver<u64>);

impl Turns {
    /// Waits until the replica has gained or lost a Lease, or another part of the keys, since the last call, or since this was
    /// made. Never ends where replicas do not take turns.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Whether a server is ready. Clones are of the same one.
#[derive(Debug, Clone)]
pub(crate) struct Ready(watch::Sender<bool>);

impl Ready {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn wait(&self) {
        // The sender lives as long as `self`.
        _ = self.0.subscribe().wait_for(|ready| *ready).await;
    }
}

/// The state of a task.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// It says that it has something to do which its watches do not show.
    pub busy: bool,
    /// Changes that it has not dealt with.
    pub pending: usize,
    /// What it [follows](TaskContext::follow).
    pub informers: Vec<InformerStatus>,
}

impl TaskContext {
    /// Follows the changes of a kind. Until what this returns is dropped the watch is part of the manager's status: one that
    /// is not in sync, or does not get on, makes the readiness endpoint fail, by name.
    ///
    /// # Errors
    /// [`CacheError::ShutDown`] when the manager has stopped.
    pub fn follow(&self, resource: &ApiResource, scope: Scope, keep: Keep) -> Result<Followed, CacheError> {
        let informer = self.caches.informer(resource, scope, keep)?;
        let deltas = informer.subscribe();
        let number = self.work.add(Watched { informer: informer.clone(), backlog: deltas.backlog() });
        Ok(Followed { deltas, informer, number, work: self.work.clone() })
    }

    /// Tells that what waits for a [server](crate::Manager::server) may start. A server that ends well without having told so is
    /// taken to have been ready; for other tasks it means nothing.
    pub fn ready(&self) {
        self.ready.set();
    }

    /// Tells when this replica begins or ends to work: writes that were refused with [`NotLeading`](crate::NotLeading) may
    /// be tried again then.
    pub fn turns(&self) -> Turns {
        Turns(self.duty.changes())
    }

    /// The manager's metrics of the moment, in the OpenMetrics text format, as `/metrics` has them.
    pub fn metrics(&self) -> String {
        self.metrics.render()
    }

    /// What this process is among the replicas of its operator, as far as is known now.
    pub fn replica(&self) -> ReplicaStatus {
        self.handle.replica()
    }

    /// Tells whether the task has something to do that its watches do not show, such as finding out what to watch.
    pub fn set_busy(&self, busy: bool) {
        self.work.0.busy.store(busy, Ordering::Relaxed);
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("caches", &self.caches).finish_non_exhaustive()
    }
}

/// The changes of a kind, for a task.
#[derive(Debug)]
pub struct Followed {
    deltas: Deltas,
    informer: Informer,
    number: u64,
    work: TaskWork,
}

impl Followed {
    /// The next change, as with [`Deltas::next`]: a change counts as dealt with when the next is asked for.
    pub async fn next(&mut self) -> Option<Delta> {
        self.deltas.next().await
    }

    /// The cache behind it.
    pub fn informer(&self) -> &Informer {
        &self.informer
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.work.0.watched.lock().remove(&self.number);
    }
}

/// What a task is at. Clones are of the same task.
#[derive(Clone, Default)]
pub(crate) struct TaskWork(Arc<Work>);

#[derive(Default)]
struct Work {
    busy: AtomicBool,
    watched: Mutex<BTreeMap<u64, Watched>>,
}

struct Watched {
    informer: Informer,
    backlog: Backlog,
}

impl TaskWork {
    fn add(&self, watch: Watched) -> u64 {
        let mut watched = self.0.watched.lock();
        let number = watched.last_key_value().map_or(0, |(last, _)| last + 1);
        watched.insert(number, watch);
        number
    }

    pub(crate) fn status(&self, name: &str) -> TaskStatus {
        let watched = self.0.watched.lock();
        // In the direction in which work moves, so that none slips by.
        let informers = watched.values().map(|watch| health::of_informer(&watch.informer)).collect();
        let pending = watched.values().map(|watch| watch.backlog.count()).sum();
        let busy = self.0.busy.load(Ordering::Relaxed);
        TaskStatus { name: name.to_string(), busy, pending, informers }
    }
}

impl fmt::Debug for TaskWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWork").finish_non_exhaustive()
    }
}
