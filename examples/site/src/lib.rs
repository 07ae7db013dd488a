//! Gives each Site a ConfigMap with its page.

use std::{collections::BTreeMap, sync::Arc};

use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a user writes.
#[derive(CustomResource, ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[kube(group = "example.com", version = "v1", kind = "Site", namespaced, status = "SiteStatus")]
#[kube(crates(
    kube = "kubewright::kube",
    kube_core = "kubewright::kube::core",
    k8s_openapi = "kubewright::k8s_openapi"
))]
#[kube(printcolumn = r#"{"name": "Title", "type": "string", "jsonPath": ".spec.title"}"#)]
#[serde(rename_all = "camelCase")]
pub struct SiteSpec {
    /// The heading of the page.
    #[schemars(length(min = 1))]
    pub title: String,
    /// A ConfigMap whose `style.css` goes into the page.
    // Left out when there is none: who writes null owns the field, and others can't apply it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style_from: Option<String>,
}

/// What the operator answers.
#[derive(ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// The generation of the specification that the page was made of.
    pub observed_generation: Option<i64>,
}

struct Sites;

impl Reconciler for Sites {
    type Object = Site;

    async fn reconcile(&self, site: Arc<Site>, ctx: &Context) -> Result<Outcome, Error> {
        let mut style = String::new();
        if let Some(name) = &site.spec.style_from {
            // What is read here wakes this Site when it appears, changes or goes.
            match ctx.get::<ConfigMap>(&ObjectRef::new(site.metadata.namespace.as_deref(), name))? {
                Some(found) => style = found.data.and_then(|mut data| data.remove("style.css")).unwrap_or_default(),
                None => ctx.warning("NoStyle", format!("spec.styleFrom: there is no ConfigMap {name}")),
            }
        }
        let page = format!("<style>{style}</style><h1>{}</h1>", site.spec.title);
        let mut wanted = ConfigMap::default();
        wanted.metadata.name = Some(format!("{}-page", site.name_any()));
        wanted.data = Some(BTreeMap::from([("index.html".to_string(), page)]));
        // Made, repaired and removed as needed. Where nothing differs nothing is sent.
        ctx.own([wanted]).await?;
        ctx.set_status(&SiteStatus { observed_generation: site.metadata.generation }).await?;
        Ok(Outcome::Settled)
    }
}

/// The controller, to be added to a manager.
pub fn controller() -> Controller {
    Controller::new("site", Watch::all(), Sites).owns(Watch::<ConfigMap>::all()).writes_status()
}
