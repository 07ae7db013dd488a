//! Spans on their way from the process to a collector.

use std::fmt;

use opentelemetry::{InstrumentationScope, trace::TracerProvider};
use opentelemetry_otlp::{
    ExporterBuildError, HttpExporterBuilderSet, SpanExporter, SpanExporterBuilder, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{Resource, error::OTelSdkError, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::transport::Transport;

/// The export of spans to a collector. To be [shut down](Self::shutdown) at the end, or the last spans are lost.
pub struct Traces {
    provider: SdkTracerProvider,
}

/// Traces can't be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The endpoint, or another setting, can't be used.
    #[error("traces can't be exported: {0}; check OTEL_EXPORTER_OTLP_ENDPOINT and the other OTEL_ variables")]
    Settings(#[from] ExporterBuildError),
    /// The certificates of the system can't be read, which https needs.
    #[error("traces can't be exported: the system's certificates can't be read: {0}")]
    Certificates(#[source] std::io::Error),
    /// What was left could not be sent.
    #[error("the last spans could not be sent to the collector: {0}")]
    Shutdown(#[source] OTelSdkError),
}

impl Traces {
    /// Reads the environment; `None` if it names no collector. `service` is what `OTEL_SERVICE_NAME` says, if that is not set.
    /// Is called inside of a tokio runtime, which sends the spans.
    ///
    /// # Errors
    /// If a variable is wrong. That nobody answers at the endpoint is no error: spans are then lost, and the log tells so.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn from_env(service: &str) -> Result<Option<Self>, TelemetryError> {
        let endpoint = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"].into_iter().find_map(set);
        let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if endpoint.is_none() || off {
            return Ok(None);
        }
        // The exporter reads the variables itself.
        Self::export(SpanExporter::builder().with_http(), service).map(Some)
    }

    /// Exports to the collector at this URL, `http://localhost:4318/v1/traces`, whatever the environment says of it.
    ///
    /// # Errors
    /// As [`Self::from_env`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn to(url: &str, service: &str) -> Result<Self, TelemetryError> {
        Self::export(SpanExporter::builder().with_http().with_endpoint(url), service)
    }

    fn export(to: SpanExporterBuilder<HttpExporterBuilderSet>, service: &str) -> Result<Self, TelemetryError> {
        let transport = Transport::new().map_err(TelemetryError::Certificates)?;
        let exporter = to.with_http_client(transport).build()?;
        // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before a name that is only a default.
        let mut resource = Resource::builder();
        if set("OTEL_SERVICE_NAME").is_none()
            && !set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| all.contains("service.name="))
        {
            resource = resource.with_service_name(service.to_string());
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        Ok(Self { provider })
    }

    /// The layer that records spans: those of level INFO and above, whatever is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let scope = InstrumentationScope::builder("kubewright").with_version(env!("CARGO_PKG_VERSION")).build();
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer_with_scope(scope))
            .with_filter(LevelFilter::INFO)
    }

    /// Sends what has been recorded, and ends the export.
    ///
    /// # Errors
    /// If the collector did not take it in time (5 s).
    pub async fn shutdown(self) -> Result<(), TelemetryError> {
        // It waits for a thread that waits for this runtime.
        let sent = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        sent.unwrap_or(Err(OTelSdkError::AlreadyShutdown)).map_err(TelemetryError::Shutdown)
    }
}

/// A variable that is empty is as good as none, says the specification.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}
