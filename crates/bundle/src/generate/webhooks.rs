//! Webhook configurations → what the ClusterServiceVersion tells of them, so that the Operator Lifecycle Manager makes
//! their configurations, Services and certificates.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Manifests;
use crate::checks::newer;
use crate::csv::{items, name, text};
use crate::finding::{Finding, reason};

/// Fields of a webhook that a ClusterServiceVersion has too.
const SAME: [&str; 8] = [
    "rules",
    "failurePolicy",
    "matchPolicy",
    "objectSelector",
    "sideEffects",
    "timeoutSeconds",
    "admissionReviewVersions",
    "reinvocationPolicy",
];

/// All webhooks, sorted by their names.
pub(super) fn webhooks(manifests: &Manifests, warnings: &mut Vec<Finding>) -> Vec<Value> {
    let mut described = Vec::new();
    for configuration in &manifests.webhooks {
        let kind = match text(configuration, "kind") {
            "ValidatingWebhookConfiguration" => "ValidatingAdmissionWebhook",
            _ => "MutatingAdmissionWebhook",
        };
        for webhook in items(&configuration["webhooks"]) {
            described.push(admission(manifests, webhook, kind, warnings));
        }
    }
    described.extend(conversions(manifests));
    described.sort_by(|a, b| text(a, "generateName").cmp(text(b, "generateName")));
    described
}

fn admission(manifests: &Manifests, webhook: &Value, kind: &str, warnings: &mut Vec<Finding>) -> Value {
    let shown = text(webhook, "name");
    let mut described = Map::from_iter([
        ("type".to_string(), json!(kind)),
        ("generateName".to_string(), json!(shown)),
        ("sideEffects".to_string(), json!("None")),
        ("admissionReviewVersions".to_string(), json!(["v1"])),
    ]);
    for key in SAME {
        if let Some(value) = webhook.get(key).filter(|value| !value.is_null()) {
            described.insert(key.into(), value.clone());
        }
    }
    for lost in ["namespaceSelector", "matchConditions"] {
        let there =
            webhook.get(lost).is_some_and(|value| !value.is_null() && *value != json!({}) && *value != json!([]));
        if there {
            let message = format!(
                "the webhook {shown} has {lost}, which a ClusterServiceVersion can't have: the Operator Lifecycle Manager \
                 limits it to the namespaces that are watched"
            );
            warnings.push(Finding::warning(reason::CSV, message));
        }
    }
    match webhook["clientConfig"]["service"].as_object() {
        None => {
            let message =
                format!("the webhook {shown} is not reached by a Service, which the Operator Lifecycle Manager needs");
            warnings.push(Finding::warning(reason::CSV, message));
        }
        Some(service) => {
            if let Some(path) = service.get("path") {
                described.insert("webhookPath".into(), path.clone());
            }
            reached(manifests, service, &mut described);
        }
    }
    described.into()
}

/// The Deployment and the ports behind the Service of a webhook.
fn reached(manifests: &Manifests, reference: &Map<String, Value>, described: &mut Map<String, Value>) {
    let wanted = reference.get("name").and_then(Value::as_str).unwrap_or_default();
    let port = reference.get("port").cloned().unwrap_or(json!(443));
    let service = manifests.service(wanted);
    let selected = service.and_then(|service| selected(manifests, service));
    let deployment = selected.unwrap_or_else(|| wanted.trim_end_matches("-service").to_string());
    described.insert("deploymentName".into(), deployment.into());
    let ports = service.map(|service| items(&service["spec"]["ports"])).unwrap_or_default();
    if let Some(found) = ports.iter().find(|candidate| candidate["port"] == port) {
        described.insert("containerPort".into(), port);
        if let Some(target) = found.get("targetPort") {
            described.insert("targetPort".into(), target.clone());
        }
    }
}

/// The Deployment whose Pods a Service selects.
fn selected(manifests: &Manifests, service: &Value) -> Option<String> {
    let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
    let fits = |deployment: &&Value| {
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    manifests.deployments.iter().find(fits).map(|deployment| name(deployment).to_string())
}

/// A webhook that converts, and the definitions that it converts.
struct Conversion {
    service: Map<String, Value>,
    versions: Value,
    definitions: Vec<String>,
}

/// Conversions, put together by Service, port and path.
fn conversions(manifests: &Manifests) -> Vec<Value> {
    let mut groups: BTreeMap<[String; 3], Conversion> = BTreeMap::new();
    for definition in &manifests.definitions {
        let definition = match definition["apiVersion"] == "apiextensions.k8s.io/v1" {
            true => definition.clone(),
            false => newer(definition),
        };
        let webhook = &definition["spec"]["conversion"]["webhook"];
        let Some(service) = webhook["clientConfig"]["service"].as_object() else { continue };
        let key = ["name", "port", "path"].map(|key| service.get(key).map(Value::to_string).unwrap_or_default());
        let group = groups.entry(key).or_insert_with(|| Conversion {
            service: service.clone(),
            versions: webhook["conversionReviewVersions"].clone(),
            definitions: Vec::new(),
        });
        group.definitions.push(name(&definition).to_string());
    }
    let described = groups.into_values().map(|Conversion { service, versions, mut definitions }| {
        definitions.sort();
        let plurals: String = definitions.iter().filter_map(|name| name.split('.').next()).collect();
        let mut described = Map::from_iter([
            ("type".to_string(), json!("ConversionWebhook")),
            ("generateName".to_string(), json!(format!("c{plurals}.kb.io"))),
            ("sideEffects".to_string(), json!("None")),
            ("admissionReviewVersions".to_string(), if versions.is_array() { versions } else { json!(["v1"]) }),
            ("conversionCRDs".to_string(), json!(definitions)),
        ]);
        if let Some(path) = service.get("path") {
            described.insert("webhookPath".into(), path.clone());
        }
        reached(manifests, &service, &mut described);
        Value::from(described)
    });
    described.collect()
}
