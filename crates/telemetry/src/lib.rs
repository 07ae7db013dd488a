//! Traces of reconciles and of the requests that they make, exported by OpenTelemetry (OTLP over HTTP, protobuf).
//!
//! What is exported is set with the environment variables of the
//! [OpenTelemetry specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/):
//!
//! | variable | meaning |
//! |---|---|
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` | where the collector is, `http://localhost:4318`; without either nothing is exported |
//! | `OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT` | for the requests to it |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who the spans are of |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | how many; default: all |
//! | `OTEL_BSP_…` | how they are batched |
//! | `OTEL_SDK_DISABLED=true`, `OTEL_TRACES_EXPORTER=none` | nothing is exported after all |
//!
//! Each reconcile is a span with controller, key, reason and the id that stands in the logs; each request of a client from
//! [`client`] is a span below it, whose id goes along (`traceparent`, W3C Trace Context), so that the spans of a server with
//! tracing (KEP-647) and of webhooks join the same trace.
//!
//! ```no_run
//! use kubewright_runtime::{Manager, ManagerOptions, connect};
//! use kubewright_telemetry::Traces;
//! use tracing_subscriber::prelude::*;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let traces = Traces::from_env("my-operator")?;
//! tracing_subscriber::registry().with(traces.as_ref().map(Traces::layer)).with(tracing_subscriber::fmt::layer()).init();
//!
//! let client = kubewright_telemetry::client(connect(None, None).await?);
//! Manager::new(client, ManagerOptions::default()).run_until_signal().await?;
//! // What has been recorded and not sent yet.
//! if let Some(traces) = traces {
//!     traces.shutdown().await?;
//! }
//! # Ok(())
//! # }
//! ```

mod requests;
mod traces;
mod transport;

pub use requests::client;
pub use traces::{TelemetryError, Traces};
