//! ClusterRoles made of others: the rules of a role with an `aggregationRule` are those of the roles that it selects.

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use kube::core::Selector;
use kubewright_runtime::{Context, Error, Outcome, Reconciler};
use serde_json::json;

/// The name under which the rules are written, that of the controller in kube-controller-manager.
const MANAGER: &str = "clusterrole-aggregation-controller";

/// Fills in the rules of aggregated ClusterRoles.
pub(crate) struct Aggregation;

impl Reconciler for Aggregation {
    type Object = ClusterRole;

    async fn reconcile(&self, role: Arc<ClusterRole>, ctx: &Context) -> Result<Outcome, Error> {
        let Some(aggregation) = &role.aggregation_rule else { return Ok(Outcome::Settled) };
        let name = role.name_any();
        let mut rules: Vec<PolicyRule> = Vec::new();
        for selector in aggregation.cluster_role_selectors.iter().flatten() {
            // The API server lets no other selectors in.
            let Ok(selector) = Selector::try_from(selector.clone()) else { continue };
            let mut selected = ctx.select::<ClusterRole>(None, &selector)?;
            selected.retain(|other| other.name_any() != name);
            selected.sort_by_key(ResourceExt::name_any);
            for rule in selected.into_iter().flat_map(|role| role.rules.unwrap_or_default()) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
        if role.rules.as_deref().unwrap_or_default() == rules {
            return Ok(Outcome::Settled);
        }
        let metadata = json!({"name": name});
        let mut config =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata});
        // Without any, what somebody else has written stays, as with kube-controller-manager.
        if !rules.is_empty() {
            config["rules"] = json!(rules);
        }
        let params = PatchParams::apply(MANAGER).force();
        Api::<ClusterRole>::all(ctx.client().clone()).patch(&name, &params, &Patch::Apply(&config)).await?;
        Ok(Outcome::Settled)
    }
}
