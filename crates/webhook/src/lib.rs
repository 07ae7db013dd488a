//! Webhooks: the API server asks, this crate answers over HTTPS with a certificate that it makes and rotates itself.
//!
//! ```text
//! API server ─review→ server (TLS, time limit) ─→ handler ─→ your Mutator, Validator, Spoke, … ─→ review with the answer
//!                        ↑ certificate                             Secret or files ─→ certificates ─caBundle→ register
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Webhooks`] | all webhooks of an operator, as a part of its manager |
//! | [`Mutator`], [`Validator`], [`Request`], [`Denied`] | admission: what an author writes |
//! | [`Spoke`], [`Conversion`], [`round_trip`] | versions of a custom resource, and the proof that nothing is lost between them |
//! | [`Authorizer`], [`Authenticator`] | the API server's authorization and token webhooks |
//! | [`MetricsServer`] | metrics at an address of their own, over HTTPS and to those whom the cluster lets read them |
//! | [`Certificates`] | where the certificate comes from, and how it is renewed |
//! | [`Reach`], [`Registration`] | how the API server finds the webhooks |
//! | `wire`, `changes` | reviews as they are sent; patches that keep what a type does not know |
//! | `handler`, `server`, `metrics` | from a request to an answer |
//!
//! # A validating webhook
//! ```no_run
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kubewright_runtime::{Manager, ManagerOptions, connect};
//! use kubewright_webhook::{AdmissionOptions, Allowed, Denied, Request, Validator, WebhookOptions, Webhooks};
//!
//! struct Small;
//!
//! impl Validator for Small {
//!     type Object = ConfigMap;
//!
//!     async fn create(&self, new: &ConfigMap, _: &Request) -> Result<Allowed, Denied> {
//!         match new.data.as_ref().map_or(0, |data| data.len()) {
//!             0..=100 => Ok(Allowed::default()),
//!             keys => Err(Denied::invalid("data", format!("{keys} keys are too many: have at most 100"))),
//!         }
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let webhooks = Webhooks::new("small", WebhookOptions::default()).validating(Small, AdmissionOptions::default());
//! let manager = Manager::new(connect(None, None).await?, ManagerOptions::default());
//! webhooks.add_to(manager).run_until_signal().await?;
//! # Ok(())
//! # }
//! ```

mod admission;
mod authentication;
mod authorization;
mod certificates;
mod changes;
mod conversion;
mod handler;
mod metrics;
mod metrics_server;
mod register;
pub mod round_trip;
mod rules;
mod server;
mod webhooks;
mod wire;

pub use admission::{Allowed, Denied, Mutator, Operation, Request, Validator};
pub use authentication::{Authenticated, Authenticator};
pub use authorization::{Authorizer, Decision};
pub use certificates::{CertificateError, Certificates, Lifetimes};
pub use conversion::{Conversion, ConversionError, Spoke};
pub use metrics_server::{MetricsCertificate, MetricsError, MetricsOptions, MetricsSecurity, MetricsServer};
pub use register::{Reach, Registration};
pub use rules::{AdmissionOptions, FailurePolicy};
pub use webhooks::{WebhookError, WebhookOptions, Webhooks};
