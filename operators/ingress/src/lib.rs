//! Makes an Ingress for every Service that asks for one with the annotation `ingress/http: "true"`.
//!
//! ```text
//! Service ─annotations→ plan: which Ingress, or why not ─→ reconcile: own it, or say why not in an Event
//! ```
//!
//! | annotation | meaning | default |
//! |---|---|---|
//! | `ingress/http` | `"true"` asks for an Ingress; `"false"` is the same as none | none |
//! | `ingress/port` | name or number of the Service port behind it | the port named `http`, else 80, else the only one |
//! | `ingress/host` | host, or a template with `{name}`, `{namespace}`, `{domain}` | [`Options::host`] |
//! | `ingress/path` | path prefix | [`Options::path`] |
//! | `ingress/class` | ingress class | [`Options::class`] |
//! | `ingress/tls-secret` | Secret with the certificate for the host | none |
//!
//! The Ingress has the Service's name and namespace and is owned by it. An Ingress of that name which the Service
//! does not own is never touched.

mod options;
mod plan;
mod reconcile;

pub use options::Options;
pub use plan::{Refusal, annotation, plan};
pub use reconcile::{IngressReconciler, controller};

/// Services that show what the operator does; `kubewright up` applies them.
pub const EXAMPLES: &str = include_str!("../examples/services.yaml");
