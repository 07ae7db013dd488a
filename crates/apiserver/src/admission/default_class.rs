//! DefaultStorageClass and DefaultIngressClass: claims and Ingresses that name no class get the default one.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::kinds::tree::Tree;
use crate::store::RangeRequest;

/// Gives a new PersistentVolumeClaim the default StorageClass.
pub(super) fn storage(attributes: &Attributes, claim: &mut Value) {
    const DEFAULT: [&str; 2] =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let named = claim.at("metadata.annotations").get("volume.beta.kubernetes.io/storage-class").is_some()
        || claim.has("spec.storageClassName");
    if concerns(attributes, "", "persistentvolumeclaims")
        && !named
        && let Some(name) = newest(attributes, "storage.k8s.io", "storageclasses", &DEFAULT)
    {
        claim.ensure("spec").set("storageClassName", name);
    }
}

/// Gives a new Ingress the default IngressClass.
pub(super) fn ingress(attributes: &Attributes, ingress: &mut Value) {
    const DEFAULT: [&str; 1] = ["ingressclass.kubernetes.io/is-default-class"];
    let named = ingress.at("metadata.annotations").get("kubernetes.io/ingress.class").is_some()
        || ingress.has("spec.ingressClassName");
    if concerns(attributes, "networking.k8s.io", "ingresses")
        && !named
        && let Some(name) = newest(attributes, "networking.k8s.io", "ingressclasses", &DEFAULT)
    {
        ingress.ensure("spec").set("ingressClassName", name);
    }
}

fn concerns(attributes: &Attributes, group: &str, plural: &str) -> bool {
    attributes.is(group, plural) && attributes.subresource.is_empty() && attributes.operation == Operation::Create
}

/// The name of the newest class that is marked as default by one of the annotations.
fn newest(attributes: &Attributes, group: &str, plural: &str, annotations: &[&str]) -> Option<String> {
    // The newest state is always there. There are few classes.
    let range = attributes.core.store.collection(group, plural).range(RangeRequest::default()).ok()?;
    let mut classes: Vec<Value> = range.items.iter().map(|stored| stored.tree()).collect();
    classes.retain(|class| {
        let own = class.at("metadata.annotations");
        annotations.iter().any(|name| own.get(name).is_some_and(|value| value == "true"))
    });
    // In order of names, so that the first of the newest is taken.
    let newest = classes.iter().map(|class| class.text("metadata.creationTimestamp")).max()?;
    let class = classes.iter().find(|class| class.text("metadata.creationTimestamp") == newest)?;
    Some(class.text("metadata.name").into())
}
