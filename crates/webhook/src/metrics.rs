//! Metrics of the webhooks, under controller-runtime's names.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    webhook: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    webhook: String,
    code: u16,
}

#[derive(Clone)]
pub(crate) struct Metrics {
    requests: Family<CodeLabels, Counter>,
    in_flight: Family<WebhookLabels, Gauge>,
    latency: Family<WebhookLabels, Histogram, fn() -> Histogram>,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let latency: fn() -> Histogram = || Histogram::new([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0]);
        Self {
            requests: Family::default(),
            in_flight: Family::default(),
            latency: Family::new_with_constructor(latency),
            panics: Counter::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("controller_runtime_webhook");
        registry.register("requests", "Reviews by webhook and HTTP status code", self.requests.clone());
        registry.register("requests_in_flight", "Reviews that are being answered", self.in_flight.clone());
        registry.register_with_unit("latency", "How long answers took", Unit::Seconds, self.latency.clone());
        registry.register("panics", "Webhooks that panicked", self.panics.clone());
    }

    pub(crate) fn started(&self, webhook: &str) {
        self.in_flight.get_or_create(&WebhookLabels { webhook: webhook.into() }).inc();
    }

    pub(crate) fn ended(&self, webhook: &str, code: u16, took: Duration) {
        let labels = WebhookLabels { webhook: webhook.into() };
        self.in_flight.get_or_create(&labels).dec();
        self.latency.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests.get_or_create(&CodeLabels { webhook: webhook.into(), code }).inc();
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }
}
