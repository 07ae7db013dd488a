//! Metrics under controller-runtime's and client-go's names, so that dashboards made for those work.

use std::{fmt, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use kubewright_cache::Caches;
use kubewright_queue::{Observer, Priority, Stats};
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::collect::{CacheNumbers, Queues};

/// All metrics of a manager.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Mutex<Registry>>,
    queues: Queues,
    caches: CacheNumbers,
    reconciles: Family<ResultLabels, Counter>,
    errors: Family<ControllerLabels, Counter>,
    terminal_errors: Family<ControllerLabels, Counter>,
    panics: Family<ControllerLabels, Counter>,
    timeouts: Family<ControllerLabels, Counter>,
    deferred: Family<ControllerLabels, Counter>,
    dropped: Family<ControllerLabels, Counter>,
    time: Family<ControllerLabels, Histogram, Buckets>,
    max_concurrent: Family<ControllerLabels, Gauge>,
    active: Family<ControllerLabels, Gauge>,
    waited: Family<QueueLabels, Histogram, Buckets>,
    worked: Family<QueueLabels, Histogram, Buckets>,
    requests: Family<RequestLabels, Counter>,
    leads: Family<LeaseLabels, Gauge>,
}

/// Tells whether this process leads.
pub(crate) struct LeaderMetric(Gauge);

impl LeaderMetric {
    pub(crate) fn set(&self, leads: bool) {
        self.0.set(leads.into());
    }
}

/// The metrics of one controller.
pub(crate) struct ControllerMetrics {
    pub(crate) settled: Counter,
    pub(crate) after: Counter,
    pub(crate) failed: Counter,
    pub(crate) errors: Counter,
    pub(crate) terminal_errors: Counter,
    pub(crate) panics: Counter,
    pub(crate) timeouts: Counter,
    /// Keys that waited for the caches to see their last write.
    pub(crate) deferred: Counter,
    /// Keys given up after their last retry.
    pub(crate) dropped: Counter,
    pub(crate) time: Histogram,
    pub(crate) active: Gauge,
}

/// Counts the requests of a client.
#[derive(Clone)]
pub(crate) struct ClientMetrics {
    requests: Family<RequestLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    name: String,
    controller: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    code: String,
    method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaseLabels {
    name: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            queues: Queues::default(),
            caches: CacheNumbers::default(),
            reconciles: Family::default(),
            errors: Family::default(),
            terminal_errors: Family::default(),
            panics: Family::default(),
            timeouts: Family::default(),
            deferred: Family::default(),
            dropped: Family::default(),
            time: Family::new_with_constructor(Buckets(RECONCILE_SECONDS)),
            max_concurrent: Family::default(),
            active: Family::default(),
            waited: Family::new_with_constructor(Buckets(QUEUE_SECONDS)),
            worked: Family::new_with_constructor(Buckets(QUEUE_SECONDS)),
            requests: Family::default(),
            leads: Family::default(),
        };
        metrics.register();
        metrics
    }

    /// Lets somebody else register metrics.
    pub(crate) fn add(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.registry.lock());
    }

    fn register(&self) {
        let registry = &mut *self.registry.lock();
        let controllers = registry.sub_registry_with_prefix("controller_runtime");
        controllers.register("reconcile", "Reconciles by controller and result", self.reconciles.clone());
        controllers.register("reconcile_errors", "Reconciles that failed", self.errors.clone());
        let help = "Reconciles that failed in a way that no retry can mend";
        controllers.register("terminal_reconcile_errors", help, self.terminal_errors.clone());
        controllers.register("reconcile_panics", "Reconciles that panicked", self.panics.clone());
        controllers.register("reconcile_timeouts", "Reconciles that took too long", self.timeouts.clone());
        let help = "How long reconciles took";
        controllers.register_with_unit("reconcile_time", help, Unit::Seconds, self.time.clone());
        let help = "How many keys may be worked on at the same time";
        controllers.register("max_concurrent_reconciles", help, self.max_concurrent.clone());
        controllers.register("active_workers", "Reconciles that run", self.active.clone());
        let own = registry.sub_registry_with_prefix("kubewright");
        let help = "Reconciles put off until the caches had seen the key's last write";
        own.register("reconcile_deferred", help, self.deferred.clone());
        own.register("reconcile_dropped", "Keys given up after their last retry", self.dropped.clone());
        let queues = registry.sub_registry_with_prefix("workqueue");
        let help = "How long keys waited in the queue";
        queues.register_with_unit("queue_duration", help, Unit::Seconds, self.waited.clone());
        let help = "How long keys were worked on";
        queues.register_with_unit("work_duration", help, Unit::Seconds, self.worked.clone());
        registry.register("rest_client_requests", "Requests to the API server", self.requests.clone());
        let help = "Whether this process leads by the Lease of this name: 1 or 0";
        registry.register("leader_election_master_status", help, self.leads.clone());
        registry.register_collector(Box::new(self.queues.clone()));
        registry.register_collector(Box::new(self.caches.clone()));
    }

    /// For the Lease of this name.
    pub(crate) fn leader(&self, name: &str) -> LeaderMetric {
        LeaderMetric(self.leads.get_or_create_owned(&LeaseLabels { name: name.to_string() }))
    }

    pub(crate) fn controller(&self, name: &str, concurrency: usize) -> ControllerMetrics {
        let labels = ControllerLabels { controller: name.to_string() };
        let result = |result| {
            let labels = ResultLabels { controller: name.to_string(), result };
            self.reconciles.get_or_create_owned(&labels)
        };
        let limit = i64::try_from(concurrency).unwrap_or(i64::MAX);
        self.max_concurrent.get_or_create(&labels).set(limit);
        ControllerMetrics {
            settled: result("success"),
            after: result("requeue_after"),
            failed: result("error"),
            errors: self.errors.get_or_create_owned(&labels),
            terminal_errors: self.terminal_errors.get_or_create_owned(&labels),
            panics: self.panics.get_or_create_owned(&labels),
            timeouts: self.timeouts.get_or_create_owned(&labels),
            deferred: self.deferred.get_or_create_owned(&labels),
            dropped: self.dropped.get_or_create_owned(&labels),
            time: self.time.get_or_create_owned(&labels),
            active: self.active.get_or_create_owned(&labels),
        }
    }

    /// What a queue of this name tells its durations to.
    pub(crate) fn queue_observer(&self, name: &str) -> Arc<dyn Observer> {
        let labels = QueueLabels { name: name.to_string(), controller: name.to_string() };
        Arc::new(Durations {
            waited: self.waited.get_or_create_owned(&labels),
            worked: self.worked.get_or_create_owned(&labels),
        })
    }

    /// Has the queue's numbers read at each scrape.
    pub(crate) fn queue(&self, name: &str, stats: impl Fn() -> Stats + Send + Sync + 'static) {
        self.queues.add(name, stats);
    }

    /// Forgets a queue.
    pub(crate) fn remove_queue(&self, name: &str) {
        self.queues.remove(name);
    }

    /// Has the caches' numbers read at each scrape.
    pub(crate) fn caches(&self, cluster: &str, caches: Caches) {
        self.caches.add(cluster, caches);
    }

    pub(crate) fn client(&self) -> ClientMetrics {
        ClientMetrics { requests: self.requests.clone() }
    }

    /// Everything in the OpenMetrics text format.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        match text::encode(&mut out, &self.registry.lock()) {
            Ok(()) => out,
            // Writing to a String does not fail.
            Err(fmt::Error) => String::new(),
        }
    }
}

impl ClientMetrics {
    pub(crate) fn count(&self, method: &Method, status: Option<StatusCode>) {
        let code = status.map_or_else(|| "<error>".to_string(), |status| status.as_u16().to_string());
        let labels = RequestLabels { code, method: method.to_string() };
        self.requests.get_or_create(&labels).inc();
    }
}

struct Durations {
    waited: Histogram,
    worked: Histogram,
}

impl Observer for Durations {
    fn waited(&self, _priority: Priority, time: Duration) {
        self.waited.observe(time.as_secs_f64());
    }

    fn worked(&self, time: Duration) {
        self.worked.observe(time.as_secs_f64());
    }
}

const RECONCILE_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
    1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
];

const QUEUE_SECONDS: &[f64] = &[1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0];

#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}
