//! Metrics that are read when they are asked for, which costs nothing in between: those of queues and caches.

use std::{fmt, sync::Arc};

use kubewright_cache::{Caches, InformerStats, Keep};
use kubewright_queue::Stats;
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::OWN_CLUSTER;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    name: String,
    controller: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DepthLabels {
    name: String,
    controller: String,
    priority: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    /// Empty: the manager's own.
    cluster: String,
    group: String,
    version: String,
    resource: String,
    keep: &'static str,
    namespace: String,
    labels: String,
    fields: String,
}

type ReadStats = Box<dyn Fn() -> Stats + Send + Sync>;

/// The queues of all controllers, under client-go's names.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<Mutex<Vec<(String, ReadStats)>>>);

impl Queues {
    pub(crate) fn add(&self, controller: &str, stats: impl Fn() -> Stats + Send + Sync + 'static) {
        self.0.lock().push((controller.to_string(), Box::new(stats)));
    }

    pub(crate) fn remove(&self, controller: &str) {
        self.0.lock().retain(|(name, _)| name != controller);
    }
}

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}

impl Collector for Queues {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let queues: Vec<(QueueLabels, Stats)> = self
            .0
            .lock()
            .iter()
            .map(|(name, stats)| (QueueLabels { name: name.clone(), controller: name.clone() }, stats()))
            .collect();
        let help = "Keys that wait for a worker";
        let mut family = encoder.encode_descriptor("workqueue_depth", help, None, MetricType::Gauge)?;
        for (labels, stats) in &queues {
            for (priority, depth) in &stats.depth {
                let labels = DepthLabels {
                    name: labels.name.clone(),
                    controller: labels.controller.clone(),
                    priority: priority.0.into(),
                };
                gauge(*depth as f64).encode(family.encode_family(&labels)?)?;
            }
        }
        type Counts = fn(&Stats) -> u64;
        let counters: [(&str, &str, Counts); 2] = [
            ("workqueue_adds", "Keys that were queued", |stats| stats.adds),
            ("workqueue_retries", "Retries and delayed adds", |stats| stats.retries),
        ];
        for (name, help, read) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, stats) in &queues {
                ConstCounter::new(read(stats)).encode(family.encode_family(labels)?)?;
            }
        }
        type Seconds = fn(&Stats) -> f64;
        let gauges: [(&str, &str, Seconds); 2] = [
            ("workqueue_unfinished_work_seconds", "Sum of the times for which the present work has gone on", |stats| {
                stats.unfinished.as_secs_f64()
            }),
            (
                "workqueue_longest_running_processor_seconds",
                "The longest time for which present work has gone on",
                |stats| stats.longest_running.as_secs_f64(),
            ),
        ];
        for (name, help, read) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, stats) in &queues {
                gauge(read(stats)).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

/// The caches of a manager: how much they hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct CacheNumbers(Arc<Mutex<Vec<(String, Caches)>>>);

impl CacheNumbers {
    /// Adds the caches of a cluster.
    pub(crate) fn add(&self, cluster: &str, caches: Caches) {
        let label = if cluster == OWN_CLUSTER { "" } else { cluster };
        self.0.lock().push((label.to_string(), caches));
    }
}

impl Collector for CacheNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let caches: Vec<(CacheLabels, InformerStats)> = self
            .0
            .lock()
            .iter()
            .flat_map(|(cluster, caches)| caches.informers().into_iter().map(move |informer| (cluster, informer)))
            .map(|(cluster, informer)| {
                let (resource, scope) = (informer.resource().clone(), informer.scope().clone());
                let labels = CacheLabels {
                    cluster: cluster.clone(),
                    group: resource.group,
                    version: resource.version,
                    resource: resource.plural,
                    keep: match informer.keep() {
                        Keep::Whole => "whole",
                        Keep::Metadata => "metadata",
                        Keep::View(_) => "view",
                    },
                    namespace: scope.namespace.unwrap_or_default(),
                    labels: scope.labels.unwrap_or_default(),
                    fields: scope.fields.unwrap_or_default(),
                };
                (labels, informer.stats())
            })
            .collect();
        type Reads = fn(&InformerStats) -> usize;
        let gauges: [(&str, &str, Reads); 2] = [
            ("kubewright_cache_objects", "Objects in a cache", |stats| stats.objects),
            ("kubewright_cache_bytes", "Memory for the objects in a cache", |stats| stats.bytes),
        ];
        for (name, help, read) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, stats) in &caches {
                gauge(read(stats) as f64).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(value: f64) -> ConstGauge<f64> {
    ConstGauge::new(value)
}
