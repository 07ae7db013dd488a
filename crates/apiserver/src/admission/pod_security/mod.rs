//! PodSecurity: the Pods of a namespace keep to the Pod Security Standard that its labels name.
//!
//! A Pod that breaks what is enforced is refused; of what the namespace warns of, the writers of Pods and of everything
//! that makes Pods are warned. There is no audit log, so `audit` only has to be well-formed. Source: KEP-2579.

mod checks;
mod standard;

use std::collections::BTreeMap;

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};
use crate::store::{ObjectKey, RangeRequest};
use checks::{Pod, check};
use standard::{Level, Policy, Standard};

/// Pods that are looked at when the labels of their namespace change.
const LOOKED_AT: usize = 3_000;

/// Subresources of Pods that change nothing of the spec.
const HARMLESS: [&str; 8] = ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];

/// Refuses what the namespace does not allow.
pub(super) fn validate(
    attributes: &Attributes,
    object: Option<&Value>,
    old: Option<&Value>,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    let Some(object) = object else { return Ok(()) };
    let resource = (attributes.resource.group.as_str(), attributes.resource.plural.as_str());
    if resource == ("", "namespaces") {
        return if attributes.subresource.is_empty() { namespace(attributes, object, old, warnings) } else { Ok(()) };
    }
    if resource == ("", "pods") {
        let significant = !HARMLESS.contains(&attributes.subresource.as_str())
            && old.is_none_or(|old| attributes.operation != Operation::Update || is_significant(object, old));
        let pod = Pod { metadata: object.at("metadata"), spec: object.at("spec") };
        return if significant { evaluate(attributes, pod, true, warnings) } else { Ok(()) };
    }
    let template = match resource {
        ("", "podtemplates") => object.at("template"),
        ("", "replicationcontrollers")
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => object.at("spec.template"),
        ("batch", "cronjobs") => object.at("spec.jobTemplate.spec.template"),
        _ => return Ok(()),
    };
    if !attributes.subresource.is_empty() || template.is_null() {
        return Ok(());
    }
    evaluate(attributes, Pod { metadata: template.at("metadata"), spec: template.at("spec") }, false, warnings)
}

fn evaluate(attributes: &Attributes, pod: Pod<'_>, enforced: bool, warnings: &mut Vec<String>) -> ApiResult<()> {
    let namespaces = attributes.core.store.collection("", "namespaces");
    let Some(namespace) = namespaces.get(&ObjectKey::new("", &attributes.namespace)) else { return Ok(()) };
    // Most namespaces have no such label, and nothing needs to be parsed.
    if !namespace.labels().any(|(key, _)| key.starts_with("pod-security.kubernetes.io/")) {
        return Ok(());
    }
    let (policy, _) = Policy::read(namespace.tree().at("metadata.labels"));
    if enforced {
        let found = check(pod, policy.enforce);
        if !found.is_empty() {
            let why = format!("violates PodSecurity \"{}\": {}", policy.enforce, found.details());
            return Err(ApiError::forbidden("", "pods", &attributes.name, why));
        }
    }
    let found = check(pod, policy.warn);
    if !found.is_empty() {
        warnings.push(format!("would violate PodSecurity \"{}\": {}", policy.warn, found.details()));
    }
    Ok(())
}

/// The labels must be well-formed, and whoever enforces more is told of the Pods that break it.
fn namespace(
    attributes: &Attributes,
    object: &Value,
    old: Option<&Value>,
    warnings: &mut Vec<String>,
) -> ApiResult<()> {
    let (policy, errors) = Policy::read(object.at("metadata.labels"));
    let before = old.map(|old| Policy::read(old.at("metadata.labels")));
    let texts = |errors: &[crate::field::FieldError]| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    if !errors.is_empty() && before.as_ref().is_none_or(|(_, old)| texts(old) != texts(&errors)) {
        return Err(ApiError::invalid("", "Namespace", object.text("metadata.name"), errors));
    }
    let Some((before, _)) = before else { return Ok(()) };
    let relaxed = policy.enforce.minor == before.enforce.minor && policy.enforce.level <= before.enforce.level;
    if policy.enforce == before.enforce || policy.enforce.level == Level::Privileged || relaxed {
        return Ok(());
    }
    warnings.extend(existing(attributes, policy.enforce));
    Ok(())
}

/// What there is to say of the Pods that are there already.
fn existing(attributes: &Attributes, standard: Standard) -> Vec<String> {
    let name = attributes.name.as_str();
    let range = RangeRequest { namespace: Some(name), limit: LOOKED_AT, ..RangeRequest::default() };
    // The newest state is always there.
    let Ok(pods) = attributes.core.store.collection("", "pods").range(range) else { return Vec::new() };
    // Reasons, with the first Pod and the number of those that have them.
    let mut found: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for stored in &pods.items {
        let pod = stored.tree();
        let violations = check(Pod { metadata: pod.at("metadata"), spec: pod.at("spec") }, standard);
        if !violations.is_empty() {
            let entry = found.entry(violations.reasons()).or_insert_with(|| (stored.key().name().to_owned(), 0));
            entry.1 += 1;
        }
    }
    let mut out = Vec::new();
    if let Some(more) = pods.remaining.filter(|more| *more > 0) {
        let (looked, all) = (pods.items.len(), pods.items.len() + more);
        out.push(format!(
            "new PodSecurity enforce level only checked against the first {looked} of {all} existing pods"
        ));
    }
    if !found.is_empty() {
        out.push(format!(
            "existing pods in namespace {name:?} violate the new PodSecurity enforce level \"{standard}\""
        ));
    }
    let mut pods: Vec<String> = found
        .into_iter()
        .map(|(reasons, (pod, count))| match count {
            1 => format!("{pod}: {reasons}"),
            2 => format!("{pod} (and 1 other pod): {reasons}"),
            _ => format!("{pod} (and {} other pods): {reasons}", count - 1),
        })
        .collect();
    pods.sort();
    out.extend(pods);
    out
}

/// Only images, and which containers there are, can change in a way that matters.
fn is_significant(new: &Value, old: &Value) -> bool {
    let images = |pod: &Value, list: &str| -> Vec<(String, String)> {
        pod.at("spec").list(list).iter().map(|c| (c.text("name").to_owned(), c.text("image").to_owned())).collect()
    };
    let changed = |list: &&str| images(new, list) != images(old, list);
    ["containers", "initContainers", "ephemeralContainers"].iter().any(changed)
}
