//! Types in admission policies: whether the expressions of a ValidatingAdmissionPolicy fit the kinds that its rules name. What
//! does not is written to its status, where `kubectl describe` shows it, and keeps nothing from being enforced.
//!
//! A policy is checked once for each generation: kinds that are defined later do not count. Source: the behaviour of
//! kube-controller-manager's `validatingadmissionpolicy-status-controller`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::Request;
use k8s_openapi::api::admissionregistration::v1::{NamedRuleWithOperations, ParamKind, ValidatingAdmissionPolicy};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use kubewright_apiserver::{ExpressionWarning, PolicyTypeCheck};
use kubewright_runtime::{Context, Error, Outcome, Reconciler};
use serde_json::{Value, json};

use crate::kinds::{Discovered, discovered};

/// The name under which the status is written, that of the controller in kube-controller-manager.
const MANAGER: &str = "validatingadmissionpolicy-status";
/// Of a rule that names more kinds, so many are checked, and none of the rules after it.
const MOST_KINDS: usize = 10;

/// Writes to the status of policies what is wrong with their types.
pub(crate) struct PolicyTypes;

impl Reconciler for PolicyTypes {
    type Object = ValidatingAdmissionPolicy;

    async fn reconcile(&self, policy: Arc<ValidatingAdmissionPolicy>, ctx: &Context) -> Result<Outcome, Error> {
        let generation = policy.metadata.generation.unwrap_or_default();
        let observed = policy.status.as_ref().and_then(|status| status.observed_generation).unwrap_or_default();
        if generation <= observed {
            return Ok(Outcome::Settled);
        }
        let warnings: Vec<Value> = warnings(&policy, ctx.client())
            .await?
            .into_iter()
            .map(|ExpressionWarning { field, warning }| json!({"fieldRef": field, "warning": warning}))
            .collect();
        let types = if warnings.is_empty() { json!({}) } else { json!({"expressionWarnings": warnings}) };
        let name = policy.name_any();
        let config = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
            "status": {"observedGeneration": generation, "typeChecking": types},
        });
        let policies = Api::<ValidatingAdmissionPolicy>::all(ctx.client().clone());
        match policies.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&config)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Outcome::Settled),
            result => result.map(|_| Outcome::Settled).map_err(Error::from),
        }
    }
}

async fn warnings(policy: &ValidatingAdmissionPolicy, client: &Client) -> Result<Vec<ExpressionWarning>, Error> {
    let Some(spec) = &policy.spec else { return Ok(Vec::new()) };
    let rules = spec.match_constraints.as_ref().and_then(|matches| matches.resource_rules.as_deref());
    let kinds = named_kinds(rules.unwrap_or_default(), &served(client).await?);
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut documents = Documents { client, known: HashMap::new() };
    let mut check = PolicyTypeCheck::new();
    for Kind { group, version, kind } in &kinds {
        if let Some(document) = documents.of(group, version).await? {
            check = check.kind((group, version, kind), document);
        }
    }
    if let Some((group, version, kind)) = spec.param_kind.as_ref().and_then(param_kind) {
        check = check.params((group, version, kind), documents.of(group, version).await?);
    }
    Ok(check.warnings(&serde_json::to_value(policy)?))
}

/// A kind in a version. Their order is that of the warnings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

/// A resource by its names.
#[derive(Debug)]
struct Served {
    kind: Kind,
    plural: String,
    singular: String,
}

/// Asks the server for its resources, in all versions.
async fn served(client: &Client) -> Result<Vec<Served>, kube::Error> {
    let mut found = Vec::new();
    for Discovered { group, version, resource } in discovered(client).await? {
        let Some(kind) = resource.response_kind.and_then(|kind| kind.kind) else { continue };
        let singular = resource.singular_resource.filter(|singular| !singular.is_empty());
        found.push(Served {
            singular: singular.unwrap_or_else(|| kind.to_lowercase()),
            plural: resource.resource.unwrap_or_default(),
            kind: Kind { group, version, kind },
        });
    }
    Ok(found)
}

/// The kinds that rules name without wildcards and subresources.
fn named_kinds(rules: &[NamedRuleWithOperations], served: &[Served]) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    for rule in rules {
        let groups = plain(rule.api_groups.as_deref());
        let versions = plain(rule.api_versions.as_deref());
        let mut resources: Vec<&String> = rule.resources.iter().flatten().collect();
        resources.retain(|resource| !resource.contains(['*', '/']));
        resources.sort();
        let mut count = 0;
        for (group, version) in groups.iter().flat_map(|group| versions.iter().map(move |version| (group, version))) {
            for resource in &resources {
                let resource = resource.to_lowercase();
                let named = served.iter().filter(|served| {
                    // A rule about the core group finds the resource in any group: so the real one looks it up.
                    (group.is_empty() || served.kind.group == **group)
                        && served.kind.version == **version
                        && (served.plural == resource || served.singular == resource)
                });
                for served in named {
                    kinds.insert(served.kind.clone());
                    count += 1;
                    if count == MOST_KINDS {
                        return kinds;
                    }
                }
            }
        }
    }
    kinds
}

/// The names in order; none when there is a wildcard among them.
fn plain(names: Option<&[String]>) -> Vec<&String> {
    let mut names: Vec<&String> = names.unwrap_or_default().iter().collect();
    if names.iter().any(|name| name.contains('*')) {
        return Vec::new();
    }
    names.sort();
    names
}

/// Group, version and kind of the parameters.
fn param_kind(params: &ParamKind) -> Option<(&str, &str, &str)> {
    let (group, version) = match params.api_version.as_deref()?.split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", params.api_version.as_deref()?),
    };
    Some((group, version, params.kind.as_deref()?))
}

/// The OpenAPI documents of the server, each read once.
struct Documents<'a> {
    client: &'a Client,
    known: HashMap<String, Option<Value>>,
}

impl Documents<'_> {
    /// The document of a group and version; none when they are not served.
    async fn of(&mut self, group: &str, version: &str) -> Result<Option<&Value>, Error> {
        let path = match group {
            "" => format!("/openapi/v3/api/{version}"),
            group => format!("/openapi/v3/apis/{group}/{version}"),
        };
        if !self.known.contains_key(&path) {
            // Names that make no path name nothing that is served.
            let document = match Request::get(&path).body(Vec::new()) {
                Ok(request) => match self.client.request(request).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => None,
                    document => Some(document?),
                },
                Err(_) => None,
            };
            self.known.insert(path.clone(), document);
        }
        Ok(self.known.get(&path).and_then(Option::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served() -> Vec<Served> {
        let one = |group: &str, version: &str, kind: &str, plural: &str| Served {
            kind: Kind { group: group.into(), version: version.into(), kind: kind.into() },
            plural: plural.into(),
            singular: kind.to_lowercase(),
        };
        let mut served = vec![
            one("apps", "v1", "Deployment", "deployments"),
            one("", "v1", "Event", "events"),
            one("events.k8s.io", "v1", "Event", "events"),
        ];
        served
            .extend((0..12).map(|number| one("many", "v1", &format!("Kind{number:02}"), &format!("kinds{number:02}"))));
        served
    }

    fn named(rules: Value) -> Vec<String> {
        let rules: Vec<NamedRuleWithOperations> = serde_json::from_value(rules).unwrap();
        let show = |Kind { group, version, kind }| format!("{group}/{version}/{kind}");
        named_kinds(&rules, &served()).into_iter().map(show).collect()
    }

    fn rule(groups: &[&str], resources: &[&str]) -> Value {
        json!({"apiGroups": groups, "apiVersions": ["v1"], "operations": ["*"], "resources": resources})
    }

    #[test]
    fn rules_name_kinds_by_plural_and_singular() {
        assert_eq!(
            named(json!([rule(&["apps"], &["Deployment", "deployments/scale", "none"])])),
            ["apps/v1/Deployment"]
        );
    }

    #[test]
    fn wildcards_name_nothing() {
        assert_eq!(named(json!([rule(&["*"], &["deployments"]), rule(&["apps"], &["*"])])), [""; 0]);
    }

    #[test]
    fn a_rule_about_the_core_group_finds_other_groups_too() {
        assert_eq!(named(json!([rule(&[""], &["events"])])), ["/v1/Event", "events.k8s.io/v1/Event"]);
    }

    #[test]
    fn ten_kinds_of_a_rule_are_the_last_that_are_looked_at() {
        let many: Vec<String> = (0..12).map(|number| format!("kinds{number:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = named(json!([rule(&["many"], &many), rule(&["apps"], &["deployments"])]));
        assert_eq!(found.len(), 10);
        assert_eq!(found.last().map(String::as_str), Some("many/v1/Kind09"));
    }
}
