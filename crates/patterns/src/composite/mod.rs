//! Composites: one object that stands for many children, made in waves.
//!
//! ```text
//! object ─Composite::plan (pure)→ Plan: waves of components ─→ needs: probes, required Secrets ─→ checksums
//!        ─→ owned set in waves (runtime) ─→ judge (pure): conditions ─→ status, events
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `plan` | [`Plan`], [`Component`]: what there should be, and [`Refusal`], why there is no plan |
//! | `rules` | [`Rule`]: when a child of a foreign kind is ready |
//! | `probe`, `probes` | [`Probe`]: whether something outside of the cluster answers, and the last answers |
//! | `checksum` | checksums of configuration on pod templates |
//! | `judge` | what the conditions say |
//! | `reconcile` | carries plans out |
//!
//! # What it does
//! - A wave is begun when all components of the waves before it are ready. That holds for creation and for changes: a
//!   component that is lost later makes the object `Degraded` and tears nothing down.
//! - Children that are no longer in the plan are deleted, those that somebody changed are repaired, those that somebody
//!   deleted are made again, those that are right cost no request.
//! - A change of a ConfigMap or Secret rolls the pods of its component.
//! - The status has `observedGeneration`, a condition for each component, and three for all: `Ready`, `Progressing` (work is
//!   under way), `Degraded` (a component failed, is lost, or could not be applied).
//! - A plan that makes no sense is a [`Refusal`]: conditions and a Warning event say why, and what is there stays.
//! - Errors that pass by themselves (conflicts, timeouts, 5xx, 429) are retried and are no state; others are told in
//!   `Degraded`, and retried too.
//!
//! ```
//! use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
//! use kube::CustomResource;
//! use kubewright_patterns::composite::{
//!     self, Component, Composite, CompositeOptions, CompositeStatus, Plan, Refusal,
//! };
//! use kubewright_runtime::{Controller, Watch};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//!
//! #[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug)]
//! #[kube(group = "example.com", version = "v1", kind = "Shop", namespaced, status = "CompositeStatus")]
//! struct ShopSpec {
//!     image: String,
//!     greeting: String,
//! }
//!
//! struct Shops;
//!
//! impl Composite for Shops {
//!     type Object = Shop;
//!
//!     fn plan(&self, shop: &Shop) -> Result<Plan, Refusal> {
//!         if shop.spec.greeting.is_empty() {
//!             return Err(Refusal::new("NoGreeting", "spec.greeting is empty: write what to greet with"));
//!         }
//!         let refuse = |error: serde_json::Error| Refusal::new("InvalidShop", error.to_string());
//!         let config: ConfigMap = serde_json::from_value(json!({
//!             "metadata": {"name": "shop"}, "data": {"greeting": shop.spec.greeting},
//!         }))
//!         .map_err(refuse)?;
//!         let deployment: Deployment = serde_json::from_value(json!({
//!             "metadata": {"name": "shop"},
//!             "spec": {
//!                 "selector": {"matchLabels": {"app": "shop"}},
//!                 "template": {
//!                     "metadata": {"labels": {"app": "shop"}},
//!                     "spec": {"containers": [{"name": "shop", "image": shop.spec.image}]},
//!                 },
//!             },
//!         }))
//!         .map_err(refuse)?;
//!         Ok(Plan::new().wave("app", [Component::new("shop").child(&config).child(&deployment)]))
//!     }
//! }
//!
//! fn controller() -> Controller {
//!     composite::controller("shops", Watch::all(), Shops, CompositeOptions::default())
//!         .owns(Watch::<ConfigMap>::all())
//!         .owns(Watch::<Deployment>::all())
//! }
//! # controller();
//! ```

mod checksum;
mod judge;
mod plan;
mod probe;
mod probes;
mod reconcile;
mod rules;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kubewright_runtime::{Controller, Watch};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::plan::{Component, Plan, Refusal, Requirement};
pub use self::probe::{NetworkProber, Probe, ProbeError, Prober};
pub use self::rules::{Rule, RuleError};

use self::probes::Probes;
use self::reconcile::CompositeReconciler;

/// What an author writes: what an object should consist of.
pub trait Composite: Send + Sync + 'static {
    /// The kind. Its status is a [`CompositeStatus`], or has at least the fields of one, and is a subresource.
    type Object: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static;

    /// What the object should consist of: a function of the object alone, so that it can be tested without a server, and
    /// that the same object twice is the same plan.
    fn plan(&self, object: &Self::Object) -> Result<Plan, Refusal>;
}

/// How composites are worked on.
#[derive(Clone)]
pub struct CompositeOptions {
    /// How often what lies outside of the cluster is probed while it answers. Default: 30 s.
    pub probe_interval: Duration,
    /// How often it is while it does not. Default: 5 s.
    pub probe_retry: Duration,
    /// What probes. Default: a [`NetworkProber`] that waits 5 s.
    pub prober: Arc<dyn Prober>,
}

impl Default for CompositeOptions {
    fn default() -> Self {
        let retry = Duration::from_secs(5);
        Self { probe_interval: 6 * retry, probe_retry: retry, prober: Arc::new(NetworkProber::new(retry)) }
    }
}

impl fmt::Debug for CompositeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompositeOptions")
            .field("probe_interval", &self.probe_interval)
            .field("probe_retry", &self.probe_retry)
            .finish_non_exhaustive()
    }
}

/// The status of a composite.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CompositeStatus {
    /// The generation that the status is about.
    pub observed_generation: Option<i64>,
    /// How many components are ready, of how many: `11/12`.
    pub components: Option<String>,
    /// The first wave that is not ready; absent when all are.
    pub wave: Option<String>,
    /// `Ready`, `Progressing`, `Degraded`, and one for each component.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// A controller for composites. Each kind of child has to be added with [`Controller::owns`].
pub fn controller<C: Composite>(
    name: impl Into<String>,
    watch: Watch<C::Object>,
    composite: C,
    options: CompositeOptions,
) -> Controller {
    let probes = Probes::new(options.prober.clone(), options.probe_interval, options.probe_retry);
    Controller::new(name, watch, CompositeReconciler { composite, options, probes }).writes_status()
}

/// The schema of a list of conditions in the standard form (`metav1.Condition`), a map by `type` for server-side apply; for
/// `#[schemars(schema_with = "conditions_schema")]`.
pub fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024},
                "message": {"type": "string", "maxLength": 32768},
            },
        },
    })
}
