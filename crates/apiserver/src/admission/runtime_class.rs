//! RuntimeClass: Pods get the overhead and the nodes of their runtime class, which must be there.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;

/// Fills in the overhead, the node selector and the tolerations of the class.
pub(super) fn admit(attributes: &Attributes, pod: &mut Value) -> ApiResult<()> {
    let Some(class) = class(attributes, pod)? else { return Ok(()) };
    let overhead = class.at("overhead.podFixed");
    let spec = pod.ensure("spec");
    if class.has("overhead") {
        if spec.entries("overhead").next().is_some() && spec.at("overhead") != overhead {
            return Err(forbidden(attributes, DIFFERS));
        }
        spec.set("overhead", overhead.clone());
    }
    for (key, wanted) in class.entries("scheduling.nodeSelector") {
        let selector = spec.ensure("nodeSelector");
        if let Some(own) = selector.get(key).filter(|own| *own != wanted) {
            let (wanted, own) = (wanted.as_str().unwrap_or_default(), own.as_str().unwrap_or_default());
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {own}"
            );
            return Err(forbidden(attributes, &why));
        }
        selector.set(key, wanted.clone());
    }
    let mut tolerations = spec.list("tolerations").to_vec();
    let before = tolerations.len();
    for toleration in class.list("scheduling.tolerations") {
        if !tolerations.contains(toleration) {
            tolerations.push(toleration.clone());
        }
    }
    if tolerations.len() > before {
        spec.set("tolerations", tolerations);
    }
    Ok(())
}

/// Refuses an overhead that is not that of the class.
pub(super) fn validate(attributes: &Attributes, pod: &Value) -> ApiResult<()> {
    if !concerns(attributes) {
        return Ok(());
    }
    let class = class(attributes, pod)?;
    match class.filter(|class| class.has("overhead")) {
        Some(class) if class.at("overhead.podFixed") == pod.at("spec.overhead") => Ok(()),
        Some(_) => Err(forbidden(attributes, DIFFERS)),
        None if pod.has("spec.overhead") => {
            let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
            Err(forbidden(attributes, why))
        }
        None => Ok(()),
    }
}

const DIFFERS: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

fn concerns(attributes: &Attributes) -> bool {
    attributes.is("", "pods") && attributes.subresource.is_empty() && attributes.operation == Operation::Create
}

fn class(attributes: &Attributes, pod: &Value) -> ApiResult<Option<Value>> {
    if !concerns(attributes) {
        return Ok(None);
    }
    let Some(name) = pod.at("spec.runtimeClassName").as_str() else { return Ok(None) };
    match attributes.core.store.collection("node.k8s.io", "runtimeclasses").get(&ObjectKey::new("", name)) {
        Some(class) => Ok(Some(class.tree())),
        None => Err(forbidden(attributes, &format!("pod rejected: RuntimeClass {name:?} not found"))),
    }
}

fn forbidden(attributes: &Attributes, why: &str) -> ApiError {
    ApiError::forbidden("", "pods", &attributes.name, why)
}
