//! A toolkit for Kubernetes operators.
//!
//! An operator watches objects and brings the world in line with them. With Kubewright you write the part that is
//! yours, a [`Reconciler`](prelude::Reconciler): given an object, what should there be? The rest is here: shared caches, a
//! queue that never works on a key twice at once, children that are applied, repaired and pruned, status, events,
//! metrics, health and an orderly stop.
//!
//! # A small operator
//! It gives each `Site` a ConfigMap with its page, keeps it right, and tells in the status that it has.
//!
//! ```no_run
//! use std::{collections::BTreeMap, sync::Arc};
//!
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kubewright::prelude::*;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug)]
//! #[kube(group = "example.com", version = "v1", kind = "Site", namespaced, status = "SiteStatus")]
//! struct SiteSpec {
//!     title: String,
//! }
//!
//! #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
//! #[serde(rename_all = "camelCase")]
//! struct SiteStatus {
//!     observed_generation: Option<i64>,
//! }
//!
//! struct Sites;
//!
//! impl Reconciler for Sites {
//!     type Object = Site;
//!
//!     async fn reconcile(&self, site: Arc<Site>, ctx: &Context) -> Result<Outcome, Error> {
//!         if site.spec.title.is_empty() {
//!             ctx.warning("NoTitle", "spec.title is empty: give the site a title");
//!             return Ok(Outcome::Settled);
//!         }
//!         let page = format!("<h1>{}</h1>", site.spec.title);
//!         let mut wanted = ConfigMap { data: Some(BTreeMap::from([("index.html".into(), page)])), ..ConfigMap::default() };
//!         wanted.metadata.name = site.metadata.name.clone();
//!         ctx.own([wanted]).await?;
//!         ctx.set_status(&SiteStatus { observed_generation: site.metadata.generation }).await?;
//!         Ok(Outcome::Settled)
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sites = Controller::new("sites", Watch::all(), Sites).owns(Watch::<ConfigMap>::all());
//!     let client = connect(None, None).await?;
//!     Manager::new(client, ManagerOptions::default()).controller(sites).run_until_signal().await?;
//!     Ok(())
//! }
//! ```
//!
//! What happens there:
//! - [`connect`](prelude::connect) takes the kubeconfig that `KUBECONFIG` or the home directory has, or the Pod's service
//!   account.
//! - The [`Manager`](prelude::Manager) lists and watches Sites and ConfigMaps, and starts work when both caches are in
//!   sync.
//! - [`Context::own`](prelude::Context::own) applies the ConfigMap with an owner reference. Somebody edits it: it is
//!   repaired. Somebody deletes it: it is made again. The Site goes: it goes too. Nothing has changed: nothing is sent.
//! - [`Context::set_status`](prelude::Context::set_status) writes when there is something new.
//! - SIGINT or SIGTERM end it: running reconciles finish, events are sent.
//!
//! A guide takes you from nothing to a tested operator (`docs/guide.md`); `docs/concepts.md` has the counterpart of each concept of
//! client-go and controller-runtime.
//!
//! # Where to look
//! | to | see |
//! |---|---|
//! | choose which changes count | [`Watch::when`](prelude::Watch::when), [`predicates`](prelude::predicates) |
//! | hear of what your objects refer to | nothing to do: what [`Context::get`](prelude::Context::get) reads wakes the reconcile when it changes |
//! | be woken by time, a channel or an HTTP call | [`runtime::sources`] |
//! | map other objects to yours by hand | [`Controller::watches`](prelude::Controller::watches) |
//! | make one child after the other | [`Wave`](prelude::Wave), [`readiness`](prelude::readiness) |
//! | set concurrency, retries, timeouts | [`ControllerOptions`](prelude::ControllerOptions) |
//! | say that a retry can't help | [`Error::terminal`](prelude::Error::terminal) |
//! | come back later | [`Outcome::After`](prelude::Outcome::After) if it is not done, [`Outcome::Recheck`](prelude::Outcome::Recheck) if it is |
//! | clean up outside of the cluster | [`runtime::finalizer`] |
//! | tell about progress | [`runtime::conditions`], [`Context::normal`](prelude::Context::normal) |
//! | read other objects | [`Context::get`](prelude::Context::get), [`list`](prelude::Context::list), [`select`](prelude::Context::select), [`list_by`](prelude::Context::list_by), [`find_by`](prelude::Context::find_by) |
//! | set some fields of objects that others set too | [`ApplyConfiguration`](trait@ApplyConfiguration) |
//! | have keys of your own | [`runtime::KeyReconciler`] |
//! | change or refuse objects before they are stored, convert between versions | [`webhook`] |
//! | look inside | [`Handle`](prelude::Handle), and `/metrics`, `/readyz` where [`ManagerOptions::listen`](prelude::ManagerOptions::listen) says |
//!
//! The types of Kubernetes come from [`k8s_openapi`], connection and custom resources from [`kube`]; both are re-exported
//! in the versions that fit.

mod apply;
mod options;
pub mod prelude;

pub use apply::ApplyConfiguration;
pub use k8s_openapi;
pub use kube;
pub use kubewright_cache as cache;
/// Makes a type's apply configuration: see the [trait](trait@ApplyConfiguration).
pub use kubewright_derive::ApplyConfiguration;
pub use kubewright_discovery as discovery;
pub use kubewright_patterns as patterns;
pub use kubewright_queue as queue;
pub use kubewright_runtime as runtime;
#[cfg(feature = "telemetry")]
pub use kubewright_telemetry as telemetry;
pub use kubewright_webhook as webhook;
pub use options::OptionsError;

/// The examples of the page on concepts compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/concepts.md")]
struct Concepts;

/// The examples of the page on generators compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/code-generators.md")]
struct CodeGenerators;

/// The examples in the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
