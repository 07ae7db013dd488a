//! Runs DataServices: middleware, services and web out of one resource.
//!
//! ```text
//! DataService ─plan (pure)→ waves: middleware → services → web ─composite pattern→ objects, conditions
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `api` | the custom resource |
//! | `plan` | what a DataService consists of |
//! | `options` | what an administrator may set |
//!
//! How waves, readiness, probes, checksums and conditions work is told in
//! [`patterns::composite`](kubewright::patterns::composite).

mod api;
mod options;
mod plan;

use std::sync::Arc;

use kubewright::OptionsError;
use kubewright::k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kubewright::k8s_openapi::api::core::v1::{ConfigMap, Secret, Service as CoreService};
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::CustomResourceExt;
use kubewright::patterns::composite::{self, Composite, CompositeOptions, NetworkProber, Plan, Prober, Refusal};
use kubewright::prelude::*;

pub use api::{
    DataService, DataServiceSpec, Middleware, MiddlewareKind, Port, Service, Storage, ThirdParty, UnknownKind,
};
pub use options::Options;
pub use plan::plan;

/// A DataService that shows what the operator does; `kubewright up` applies it. It needs nothing outside of the cluster.
pub const EXAMPLES: &str = include_str!("../examples/dataservice.yaml");

/// What installs the operator into `d3os-operator-system`, as `kubewright manifests --operators dataservice` prints it.
pub const MANIFESTS: &str = include_str!("../deploy/install.yaml");

/// The custom resources.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![DataService::crd()]
}

/// The controller, ready to be added to a manager.
///
/// # Errors
/// If an option can't be used.
pub fn controller(options: Options) -> Result<Controller, OptionsError> {
    let prober = Arc::new(NetworkProber::new(options.probe_timeout));
    controller_with_prober(options, Watch::all(), prober)
}

/// The controller for the DataServices that `watch` selects, with a prober of one's own: for tests.
///
/// # Errors
/// If an option can't be used.
pub fn controller_with_prober(
    options: Options,
    watch: Watch<DataService>,
    prober: Arc<dyn Prober>,
) -> Result<Controller, OptionsError> {
    options.check()?;
    let how = ControllerOptions { concurrency: options.workers, ..ControllerOptions::default() };
    let Options { probe_interval, probe_retry, .. } = options;
    let probing = CompositeOptions { probe_interval, probe_retry, prober };
    Ok(composite::controller("dataservice", watch, DataServices { options }, probing)
        .owns(ours::<Deployment>())
        .owns(ours::<StatefulSet>())
        .owns(ours::<DaemonSet>())
        .owns(ours::<CoreService>())
        .owns(ours::<ConfigMap>())
        // Those of users too: middleware can name one.
        .owns(Watch::<Secret>::all())
        .options(how))
}

/// Children are told by a label, so that the caches hold no others.
fn ours<K: Resource<DynamicType = (), Scope: 'static>>() -> Watch<K> {
    let (key, value) = plan::MANAGED_BY;
    Watch::all().labels(format!("{key}={value}"))
}

struct DataServices {
    options: Options,
}

impl Composite for DataServices {
    type Object = DataService;

    fn plan(&self, object: &DataService) -> Result<Plan, Refusal> {
        plan(object, &self.options)
    }
}
