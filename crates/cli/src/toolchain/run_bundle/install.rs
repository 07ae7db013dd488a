//! What tells the manager to install: OperatorGroup, Subscription, and the word on its InstallPlan; then the wait.

use std::collections::BTreeSet;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::kube::api::{Api, DynamicObject, ListParams, Patch};
use kubewright::kube::{self, ResourceExt};
use kubewright_bundle::Bundle;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::catalog::{params, patch_params};
use super::{CHANNEL, RunBundleError, Runner, label, listed};
use crate::toolchain::cleanup::GROUP;
use crate::toolchain::olm::{LOOK, api, object, refused};

/// Conditions of a Subscription that are troubles when they are true.
const TROUBLES: [&str; 5] =
    ["ResolutionFailed", "BundleUnpackFailed", "CatalogSourcesUnhealthy", "InstallPlanFailed", "InstallPlanMissing"];

/// What is to be installed.
pub(super) struct Wanted {
    /// The ClusterServiceVersion.
    version: String,
    package: String,
    /// The CatalogSource, and its namespace.
    source: (String, String),
    /// The operator's Deployments.
    deployments: Vec<String>,
}

impl Wanted {
    pub(super) fn new(bundle: &Bundle, source: &DynamicObject) -> Self {
        let deployments = bundle.csv.spec.install.spec.deployments.iter().flatten();
        Self {
            version: bundle.name().into(),
            package: bundle.package().into(),
            source: (source.name_any(), source.namespace().unwrap_or_default()),
            deployments: deployments.map(|deployment| deployment.name.clone()).collect(),
        }
    }
}

/// How far the manager is.
struct Installation {
    subscription: DynamicObject,
    source: Option<DynamicObject>,
    /// Of this bundle.
    plan: Option<DynamicObject>,
    version: Option<DynamicObject>,
}

impl Runner<'_> {
    /// Whether the namespace has an OperatorGroup; it must be for these namespaces, if some are asked for.
    pub(super) async fn grouped(&self, wanted: Option<&BTreeSet<String>>) -> Result<bool, RunBundleError> {
        let groups = self.olm("v1", "OperatorGroup").list(&ListParams::default()).await;
        let groups = groups.map_err(|error| refused("operatorgroups", error))?.items;
        match groups.as_slice() {
            [] => Ok(false),
            [group] => {
                let targets = group.data["spec"]["targetNamespaces"].as_array().into_iter().flatten();
                let has: BTreeSet<String> = targets.filter_map(|name| name.as_str().map(Into::into)).collect();
                match wanted.filter(|wanted| **wanted != has) {
                    None => Ok(true),
                    Some(wanted) => {
                        Err(RunBundleError::Group { name: group.name_any(), has: listed(&has), wanted: listed(wanted) })
                    }
                }
            }
            more => Err(RunBundleError::Groups {
                namespace: self.namespace.clone(),
                names: more.iter().map(ResourceExt::name_any).collect(),
            }),
        }
    }

    /// Makes the OperatorGroup that says which namespaces the operator watches.
    pub(super) async fn create_group(&self, targets: &BTreeSet<String>) -> Result<(), RunBundleError> {
        // An empty list is something else than none.
        let spec = if targets.is_empty() { json!({}) } else { json!({"targetNamespaces": targets}) };
        let made =
            self.olm("v1", "OperatorGroup").create(&params(), &object("v1", "OperatorGroup", GROUP, &spec)).await;
        made.map_err(|error| refused(&format!("operatorgroup/{GROUP}"), error))?;
        println!("created operatorgroup/{GROUP} for {}", listed(targets));
        Ok(())
    }

    /// Makes the Subscription, and tells its name.
    pub(super) async fn subscribe(&self, wanted: &Wanted) -> Result<String, RunBundleError> {
        let name = format!("{}-sub", label(&wanted.version));
        let spec = json!({
            "name": wanted.package,
            "channel": CHANNEL,
            "startingCSV": wanted.version,
            "source": wanted.source.0,
            "sourceNamespace": wanted.source.1,
            // So that nothing but this bundle is installed, and upgraded when that is asked for.
            "installPlanApproval": "Manual",
        });
        let shown = format!("subscription/{name}");
        let subscription = object("v1alpha1", "Subscription", &name, &spec);
        match self.olm("v1alpha1", "Subscription").create(&params(), &subscription).await {
            Ok(_) => println!("created {shown}"),
            Err(kube::Error::Api(status)) if status.code == 409 => return Err(self.there(shown)),
            Err(error) => return Err(refused(&shown, error).into()),
        }
        Ok(name)
    }

    /// Waits until the manager has planned the bundle, says yes to that, and waits until the operator runs.
    pub(super) async fn installed(&mut self, subscription: &str, wanted: &Wanted) -> Result<(), RunBundleError> {
        loop {
            let now = self.look(subscription, wanted).await?;
            for (object, state) in now.states(wanted) {
                self.tell(&object, &state);
            }
            if let Some(plan) = &now.plan {
                let shown = format!("installplan/{}", plan.name_any());
                if plan.data["spec"]["approved"] != true {
                    let approved = Patch::Merge(json!({"spec": {"approved": true}}));
                    let plans = api(&self.client, &self.namespace, "v1alpha1", "InstallPlan");
                    let patched = plans.patch(&plan.name_any(), &patch_params(), &approved).await;
                    patched.map_err(|error| refused(&shown, error))?;
                    println!("approved {shown}");
                } else if phase(plan) == "Failed" {
                    return Err(self.failed(format!("{shown} has failed: {}", said(plan))));
                }
                // One that has failed is tried again by the manager, which succeeds when its Deployments do after all.
                if now.version.as_ref().is_some_and(|version| phase(version) == "Succeeded") {
                    return Ok(());
                }
            }
            if Instant::now() >= self.deadline {
                let what = match &now {
                    Installation { plan: None, .. } => format!("subscription/{subscription} has no InstallPlan"),
                    Installation { version: None, .. } => {
                        format!("clusterserviceversion/{} is not there", wanted.version)
                    }
                    _ => format!("clusterserviceversion/{} has not succeeded", wanted.version),
                };
                let states = now.states(wanted).into_iter().filter(|(_, state)| !state.is_empty());
                let mut said: Vec<String> = states.map(|(object, state)| format!("{object}: {state}")).collect();
                if let Some(version) = &now.version {
                    said.extend(self.troubles(version, wanted).await?);
                }
                if said.is_empty() {
                    said.push("the Operator Lifecycle Manager has said nothing: see whether it runs".into());
                }
                return Err(self.late(what, said));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks at all that tells how far the manager is.
    async fn look(&self, subscription: &str, wanted: &Wanted) -> Result<Installation, RunBundleError> {
        let get = async |namespace: &str, kind: &str, name: &str| {
            let found = api(&self.client, namespace, "v1alpha1", kind).get_opt(name).await;
            found.map_err(|error| refused(&format!("{}/{name}", kind.to_lowercase()), error))
        };
        let Some(subscription) = get(&self.namespace, "Subscription", subscription).await? else {
            return Err(self.failed(format!("subscription/{subscription} is gone: something has deleted it")));
        };
        let planned = subscription.data["status"]["installPlanRef"]["name"].as_str();
        let plan = match planned {
            Some(name) => get(&self.namespace, "InstallPlan", name).await?,
            None => None,
        };
        // Until it is planned anew, the Subscription names the plan of the bundle before.
        let of_ours = |plan: &DynamicObject| {
            let versions = plan.data["spec"]["clusterServiceVersionNames"].as_array();
            versions.into_iter().flatten().any(|version| *version == *wanted.version)
        };
        Ok(Installation {
            source: get(&wanted.source.1, "CatalogSource", &wanted.source.0).await?,
            plan: plan.filter(of_ours),
            version: get(&self.namespace, "ClusterServiceVersion", &wanted.version).await?,
            subscription,
        })
    }

    /// What a ClusterServiceVersion waits for: requirements, and Deployments.
    async fn troubles(&self, version: &DynamicObject, wanted: &Wanted) -> Result<Vec<String>, RunBundleError> {
        let mut troubles = Vec::new();
        for requirement in version.data["status"]["requirementStatus"].as_array().into_iter().flatten() {
            let text = |key: &str| requirement[key].as_str().unwrap_or_default();
            if !["Present", "Satisfied", ""].contains(&text("status")) {
                let shown = format!("{} {}: {} {}", text("kind"), text("name"), text("status"), text("message"));
                troubles.push(shown.trim_end().to_string());
            }
        }
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), &self.namespace);
        for name in &wanted.deployments {
            let found = deployments.get_opt(name).await;
            let found = found.map_err(|error| refused(&format!("deployment/{name}"), error))?;
            let conditions = found.and_then(|deployment| deployment.status).and_then(|status| status.conditions);
            for condition in conditions.iter().flatten().filter(|condition| condition.status != "True") {
                let message = condition.message.as_deref().unwrap_or_default();
                troubles.push(format!("deployment/{name} is not {}: {message}", condition.type_));
            }
        }
        Ok(troubles)
    }
}

impl Installation {
    /// How the objects are, as far as they say.
    fn states(&self, wanted: &Wanted) -> Vec<(String, String)> {
        let mut states = Vec::new();
        if let Some(source) = &self.source {
            let connection = &source.data["status"]["connectionState"]["lastObservedState"];
            let state = [text(connection), text(&source.data["status"]["message"])];
            states.push((format!("catalogsource/{}", wanted.source.0), joined(&state)));
        }
        let conditions = self.subscription.data["status"]["conditions"].as_array().into_iter().flatten();
        let troubles = conditions
            .filter(|condition| condition["status"] == "True" && TROUBLES.contains(&text(&condition["type"])))
            .map(|condition| joined(&[text(&condition["type"]), text(&condition["message"])]));
        let troubles: Vec<String> = troubles.collect();
        states.push((format!("subscription/{}", self.subscription.name_any()), troubles.join("; ")));
        if let Some(plan) = &self.plan {
            states.push((format!("installplan/{}", plan.name_any()), said(plan)));
        }
        if let Some(version) = &self.version {
            states.push((format!("clusterserviceversion/{}", wanted.version), said(version)));
        }
        states
    }
}

fn phase(object: &DynamicObject) -> &str {
    text(&object.data["status"]["phase"])
}

/// The phase of a plan or a version, and what it says of that.
fn said(object: &DynamicObject) -> String {
    let status = &object.data["status"];
    let conditions = status["conditions"].as_array().into_iter().flatten();
    // Those of a version are its past; those of a plan are as they are.
    let failing =
        conditions.filter(|condition| condition["status"] == "False").map(|condition| text(&condition["message"]));
    let mut parts = vec![text(&status["phase"]), text(&status["message"])];
    parts.extend(failing);
    joined(&parts)
}

/// What is not empty, each once.
fn joined(parts: &[&str]) -> String {
    let mut told: Vec<&str> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !told.contains(part) {
            told.push(part);
        }
    }
    told.join(": ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
