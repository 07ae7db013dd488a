//! From a controller as it was built to one at work.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{self, BoxFuture},
};
use kube::Client;
use kubewright_cache::{CacheError, Caches, Deltas, Informer, Keep, Scope};
use kubewright_queue::{Drained, Options as QueueOptions, WorkQueue};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Controller, Key, ManagerError, ManagerOptions,
    context::{ControllerContext, OtherCluster},
    controller::Source,
    engine::{Engine, Intake},
    events::Recorder,
    handle::ReadStatus,
    health::{self, ControllerStatus, InformerStatus},
    journal::Journal,
    leadership::duty::Duty,
    metrics::Metrics,
    owned::memory::Memory,
    parts::ReadRunning,
    rights::Rights,
    sources::{self, web::Route},
    stores::{Store, Stores},
    watch::WatchSpec,
};

/// What a controller starts with.
pub(crate) struct Start<'a> {
    /// The cluster that the controller is at home in.
    pub(crate) client: &'a Client,
    pub(crate) caches: &'a Caches,
    pub(crate) recorder: &'a Recorder,
    /// The manager's other clusters.
    pub(crate) others: BTreeMap<Arc<str>, (&'a Client, &'a Caches)>,
    pub(crate) metrics: &'a Metrics,
    pub(crate) options: &'a ManagerOptions,
    pub(crate) duty: &'a Duty,
    pub(crate) journal: &'a Arc<Journal>,
    pub(crate) stop: &'a CancellationToken,
}

/// A controller at work.
pub(crate) struct Started {
    /// Ends after a stop, when the running reconciles have ended.
    pub(crate) run: BoxFuture<'static, Result<(), ManagerError>>,
    pub(crate) status: ReadStatus,
    /// The keys that are worked on.
    pub(crate) running: ReadRunning,
}

/// A controller of any key.
pub(crate) trait Runner: Send {
    fn name(&self) -> &str;
    fn field_manager(&self) -> &str;
    /// The cluster that it is at home in.
    fn home(&self) -> Arc<str>;
    /// All clusters that it watches.
    fn clusters(&self) -> BTreeSet<Arc<str>>;
    /// The rights that it needs in a cluster.
    fn rights(&self, cluster: &str) -> Rights;
    /// A kind of children of which less than everything would be cached.
    fn partial_child(&self) -> Option<&str>;
    /// A kind of children that would be in another cluster than their owner.
    fn stray_child(&self) -> Option<&str>;
    /// Its HTTP endpoints.
    fn routes(&self) -> Vec<Route>;
    /// Its state before it starts.
    fn idle(&self) -> ControllerStatus;
    fn start(self: Box<Self>, start: &Start<'_>) -> Result<Started, CacheError>;
}

impl<K: Key> Runner for Controller<K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn field_manager(&self) -> &str {
        self.options.field_manager.as_deref().unwrap_or(&self.name)
    }

    fn home(&self) -> Arc<str> {
        Controller::home(self)
    }

    fn clusters(&self) -> BTreeSet<Arc<str>> {
        let watched = self.sources.iter().filter_map(|source| source.watch.cluster.clone());
        watched.chain([self.home()]).collect()
    }

    fn rights(&self, cluster: &str) -> Rights {
        Controller::rights(self, cluster)
    }

    fn stray_child(&self) -> Option<&str> {
        self.stray.as_deref()
    }

    fn partial_child(&self) -> Option<&str> {
        let partial = self.sources.iter().map(|source| &source.watch).find(|watch| {
            watch.keep != Keep::Whole
                && watch.cluster.as_ref().is_none_or(|cluster| *cluster == self.home())
                && self
                    .owned
                    .iter()
                    .any(|owned| owned.plural == watch.resource.plural && owned.group == watch.resource.group)
        });
        partial.map(|watch| watch.resource.kind.as_str())
    }

    fn routes(&self) -> Vec<Route> {
        self.routes.clone()
    }

    fn idle(&self) -> ControllerStatus {
        let informers = self.sources.iter().flat_map(|source| source.watch.scopes().into_iter().map(move |_| source));
        let informers = informers.map(|source| InformerStatus {
            resource: source.watch.resource.clone(),
            cluster: source.watch.cluster.as_ref().filter(|cluster| **cluster != self.home()).map(ToString::to_string),
            synced: false,
            revision: 0,
            error: None,
        });
        ControllerStatus {
            name: self.name.clone(),
            started: false,
            queued: 0,
            delayed: 0,
            scheduled: 0,
            active: 0,
            concurrency: self.options.concurrency,
            max_retries: self.options.max_retries,
            failing: Vec::new(),
            informers: informers.collect(),
        }
    }

    fn start(self: Box<Self>, start: &Start<'_>) -> Result<Started, CacheError> {
        let (field_manager, home) = (self.field_manager().to_string(), self.home());
        let Self { name, options, main, sources, owned, handler, trigger, woken, beside, flow_of, .. } = *self;
        let watches: Vec<(Source<K>, Scope)> = sources
            .into_iter()
            .map(|mut source| {
                source.watch.cluster = source.watch.cluster.filter(|cluster| *cluster != home);
                source
            })
            .flat_map(|source| source.watch.scopes().into_iter().map(move |scope| (source.clone(), scope)))
            .collect();
        // Those of the kind that it is for are the first.
        let mains = main.as_ref().map_or(0, |main| main.scopes().len());
        let mut stores = Stores::default();
        let mut others: BTreeMap<Arc<str>, OtherCluster> = BTreeMap::new();
        for (name, &(client, caches)) in &start.others {
            let other = OtherCluster { client: client.clone(), caches: caches.clone(), stores: Stores::default() };
            others.insert(name.clone(), other);
        }
        let mut informers = Vec::new();
        for (source, scope) in &watches {
            let (caches, stores) = match source.watch.cluster.as_ref().and_then(|cluster| others.get_mut(cluster)) {
                Some(other) => (&other.caches, &mut other.stores),
                None => (start.caches, &mut stores),
            };
            let store = store(&source.watch, scope, caches)?;
            informers.push(store.informer.clone());
            stores.0.push(store);
        }
        stores.index_children(&owned);
        let how = QueueOptions {
            backoff: options.backoff,
            limit: options.retry_limit,
            seed: start.options.seed,
            observer: Some(start.metrics.queue_observer(&name)),
            ..QueueOptions::default()
        };
        let queue = match flow_of {
            Some(flow_of) => WorkQueue::fair(how, flow_of),
            None => WorkQueue::new(how),
        };
        let read = queue.clone();
        start.metrics.queue(&name, move || read.stats());
        let metrics = start.metrics.controller(&name, options.concurrency);
        let context = ControllerContext {
            name: name.as_str().into(),
            field_manager,
            client: start.client.clone(),
            caches: start.caches.clone(),
            cluster: home,
            stores,
            others,
            mains,
            homes: main.map(|main| main.namespaces).unwrap_or_default(),
            on_demand_labels: options.on_demand_labels.clone(),
            owned,
            memory: Memory::default(),
            recorder: start.recorder.clone(),
            journal: start.journal.clone(),
            clock: start.options.clock.clone(),
        };
        let deltas: Vec<Deltas> = informers.iter().map(Informer::subscribe).collect();
        let backlogs = deltas.iter().map(Deltas::backlog).collect();
        let intake = Intake { queue, trigger, backlogs };
        let (duty, stop) = (start.duty.clone(), start.stop.clone());
        let engine = Arc::new(Engine::new(Arc::new(context), options, intake, handler, metrics, duty, stop));
        let (status, running) = (engine.clone(), engine.clone());
        let drain = start.options.drain;
        let run = async move {
            let mut feeds = JoinSet::new();
            feeds.spawn(engine.clone().take_up(watches.iter().map(|(source, _)| source.clone()).collect()));
            for ((source, _), deltas) in watches.into_iter().zip(deltas) {
                feeds.spawn(engine.clone().feed(source, deltas));
            }
            feeds.spawn(engine.clone().listen(woken));
            let main: Vec<Informer> =
                engine.context.stores.0[..mains].iter().map(|store| store.informer.clone()).collect();
            for source in beside {
                let (trigger, clock) = (engine.intake.trigger.clone(), engine.context.clock.clone());
                let source = source(sources::Start { trigger, clock, main: main.clone() });
                // A stream may end: a feed does not.
                feeds.spawn(source.then(|()| future::pending()));
            }
            run(engine, feeds, drain).await
        };
        let (status, running) = (Box::new(move || status.status()), Box::new(move || running.running()));
        Ok(Started { run: Box::pin(run), status, running })
    }
}

fn store(watch: &WatchSpec, scope: &Scope, caches: &Caches) -> Result<Store, CacheError> {
    let WatchSpec { resource, namespaced, cluster, keep, .. } = watch.clone();
    let scope = scope.clone();
    let informer = caches.informer(&resource, scope.clone(), keep)?;
    let indexes = watch.indexes.iter().map(|(name, values)| {
        let values = values.clone();
        (name.clone(), informer.add_index(move |object| values(object)))
    });
    Ok(Store { indexes: indexes.collect(), resource, namespaced, cluster, scope, informer, labelled: None })
}

/// Caches, then workers, then the stop.
async fn run<K: Key>(engine: Arc<Engine<K>>, mut feeds: JoinSet<()>, drain: Duration) -> Result<(), ManagerError> {
    let stop = engine.stop.clone();
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        synced = sync(&engine) => synced?,
        Some(ended) = feeds.join_next() => return Err(feed_ended(&engine, ended)),
    }
    tracing::info!(controller = %engine.context.name, "caches in sync, starting workers");
    let mut workers = JoinSet::new();
    for _ in 0..engine.options.concurrency.max(1) {
        workers.spawn(engine.clone().work());
    }
    engine.set_started();
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        Some(Err(error)) = workers.join_next() => return Err(panicked(&engine, &error)),
        Some(ended) = feeds.join_next() => return Err(feed_ended(&engine, ended)),
    }
    // What is left then is not lost: the next start lists everything anew.
    let Drained { left, .. } = engine.intake.queue.drain(drain).await;
    tracing::debug!(controller = %engine.context.name, left, "the queue is drained");
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|error| panicked(&engine, &error))?;
    }
    Ok(())
}

async fn sync<K: Key>(engine: &Engine<K>) -> Result<(), ManagerError> {
    let all = async {
        for store in engine.context.all_stores() {
            store.informer.wait_synced().await;
        }
    };
    let Some(after) = engine.options.sync_timeout else {
        all.await;
        return Ok(());
    };
    timeout(after, all).await.map_err(|_| {
        let informers = engine.context.all_stores().map(health::informer).filter(|informer| !informer.synced);
        let watches: Vec<String> = informers
            .map(|informer| match &informer.error {
                Some(error) => format!("{}{} ({error})", informer.resource.plural, informer.place()),
                None => format!("{}{} (no answer yet)", informer.resource.plural, informer.place()),
            })
            .collect();
        ManagerError::NotSynced { controller: engine.context.name.to_string(), watches: watches.join(", "), after }
    })
}

fn panicked<K: Key>(engine: &Engine<K>, error: &tokio::task::JoinError) -> ManagerError {
    tracing::error!(controller = %engine.context.name, %error, "a part of the controller ended");
    ManagerError::Panicked { name: format!("controller {}", engine.context.name) }
}

/// A feed ends before the stop only when a predicate or a mapper panics.
fn feed_ended<K: Key>(engine: &Engine<K>, ended: Result<(), tokio::task::JoinError>) -> ManagerError {
    match ended {
        Err(error) => panicked(engine, &error),
        Ok(()) => ManagerError::Panicked { name: format!("a watch of controller {}", engine.context.name) },
    }
}
