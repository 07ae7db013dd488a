//! Whether a webhook is to be asked, and about which version of the resource.

use std::sync::Arc;

use serde_json::Value;

use super::configuration::Rule;
use crate::admission::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::selector::LabelSelector;
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// Whether webhooks are never asked about it: they could make it impossible to remove them.
pub(in crate::admission) fn is_exempt(attributes: &Attributes) -> bool {
    const EXEMPT: [&str; 6] = [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    ];
    let resource = &attributes.resource;
    resource.group == "admissionregistration.k8s.io" && EXEMPT.contains(&resource.kind.as_str())
}

/// About which requests a webhook or a policy is asked.
#[derive(Debug)]
pub(in crate::admission) struct Matching {
    /// None: about all requests.
    rules: Option<Vec<Rule>>,
    excluded: Vec<Rule>,
    /// `matchPolicy` is `Equivalent`.
    takes_equivalents: bool,
    namespaces: Result<LabelSelector, String>,
    objects: Result<LabelSelector, String>,
}

impl Matching {
    /// Reads a webhook.
    pub(super) fn of_webhook(hook: &Value) -> Self {
        Self { rules: Some(hook.list("rules").iter().map(Rule::read).collect()), ..Self::read(hook) }
    }

    /// Reads `matchConstraints` or `matchResources`, which is about all requests when it has no rules.
    pub(in crate::admission) fn read(matches: &Value) -> Self {
        let rules: Vec<Rule> = matches.list("resourceRules").iter().map(Rule::read).collect();
        let everything = Value::Object(serde_json::Map::new());
        let selector =
            |field: &str| LabelSelector::from_object(if matches.has(field) { matches.at(field) } else { &everything });
        Self {
            rules: (!rules.is_empty()).then_some(rules),
            excluded: matches.list("excludeResourceRules").iter().map(Rule::read).collect(),
            takes_equivalents: matches.text("matchPolicy") == "Equivalent",
            namespaces: selector("namespaceSelector"),
            objects: selector("objectSelector"),
        }
    }

    /// The version of the resource that is to be asked about; none: nothing is.
    pub(in crate::admission) fn target(
        &self,
        attributes: &Attributes,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> ApiResult<Option<Arc<Resource>>> {
        target(self, attributes, object, old)
    }
}

/// The version of the resource that the webhook is to be asked about; none: it is not to be asked.
fn target(
    hook: &Matching,
    attributes: &Attributes,
    object: Option<&Value>,
    old: Option<&Value>,
) -> ApiResult<Option<Arc<Resource>>> {
    // What is wrong with the selectors matters only if the rules match.
    let in_namespace = in_namespace(hook, attributes, object);
    if matches!(in_namespace, Ok(false)) {
        return Ok(None);
    }
    let selected = selects_object(hook, object, old);
    if matches!(selected, Ok(false)) {
        return Ok(None);
    }
    if by_rules(&hook.excluded, hook.takes_equivalents, attributes).is_some() {
        return Ok(None);
    }
    let target = match &hook.rules {
        Some(rules) => by_rules(rules, hook.takes_equivalents, attributes),
        None => Some(attributes.resource.clone()),
    };
    let Some(target) = target else { return Ok(None) };
    in_namespace?;
    selected?;
    Ok(Some(target))
}

fn by_rules(rules: &[Rule], equivalent: bool, attributes: &Attributes) -> Option<Arc<Resource>> {
    let matches = |rule: &Rule, resource: &Resource| rule.matches(attributes, resource);
    if rules.iter().any(|rule| matches(rule, &attributes.resource)) {
        return Some(attributes.resource.clone());
    }
    if !equivalent {
        return None;
    }
    // The rules decide which version it is, in their order.
    let equivalents = equivalents(attributes);
    rules.iter().find_map(|rule| equivalents.iter().find(|resource| matches(rule, resource)).cloned())
}

/// The other versions, and groups, that serve the same objects.
fn equivalents(attributes: &Attributes) -> Vec<Arc<Resource>> {
    let own = &attributes.resource;
    let mut all = attributes.core.registry.resources();
    all.retain(|other| {
        Arc::ptr_eq(other.collection(), own.collection())
            && other.api_version != own.api_version
            && (attributes.subresource.is_empty() || other.subresource(&attributes.subresource).is_some())
    });
    all
}

impl Rule {
    fn matches(&self, attributes: &Attributes, resource: &Resource) -> bool {
        let is_namespace = resource.group.is_empty() && resource.version == "v1" && resource.plural == "namespaces";
        let cluster = is_namespace || attributes.namespace.is_empty();
        let scope = match self.scope.as_str() {
            "Namespaced" => !cluster,
            "Cluster" => cluster,
            _ => true,
        };
        let fits = |own: &str, wanted: &str| own == "*" || own == wanted;
        let named = self.names.is_empty() || self.names.contains(&attributes.name);
        scope
            && named
            && self.operations.iter().any(|own| fits(own, attributes.operation.as_str()))
            && self.groups.iter().any(|own| fits(own, &resource.group))
            && self.versions.iter().any(|own| fits(own, &resource.version))
            && self.resources.iter().any(|(own, sub)| fits(own, &resource.plural) && fits(sub, &attributes.subresource))
    }
}

fn in_namespace(hook: &Matching, attributes: &Attributes, object: Option<&Value>) -> ApiResult<bool> {
    if attributes.namespace.is_empty() && attributes.resource.plural != "namespaces" {
        return Ok(true);
    }
    let selector = hook.namespaces.as_ref().map_err(ApiError::internal)?;
    if selector.is_empty() {
        return Ok(true);
    }
    let written = matches!(attributes.operation, Operation::Create | Operation::Update);
    if attributes.resource.plural == "namespaces" && attributes.subresource.is_empty() && written {
        return Ok(object.is_some_and(|object| labels_match(selector, object)));
    }
    let namespaces = attributes.core.store.collection("", "namespaces");
    match namespaces.get(&ObjectKey::new("", &attributes.namespace)) {
        Some(namespace) => Ok(selector.matches(|key| namespace.label(key))),
        None => Err(ApiError::not_found("", "namespaces", &attributes.namespace)),
    }
}

fn selects_object(hook: &Matching, object: Option<&Value>, old: Option<&Value>) -> ApiResult<bool> {
    let selector = hook.objects.as_ref().map_err(ApiError::internal)?;
    Ok(selector.is_empty() || [object, old].into_iter().flatten().any(|object| labels_match(selector, object)))
}

fn labels_match(selector: &LabelSelector, object: &Value) -> bool {
    let labels = object.at("metadata.labels");
    selector.matches(|key| labels.get(key).and_then(Value::as_str))
}
