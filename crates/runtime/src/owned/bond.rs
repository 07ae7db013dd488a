//! What ties a child to its owner: an owner reference where there can be one, labels elsewhere.
//!
//! | owner | child | tie |
//! |---|---|---|
//! | in no namespace | any | owner reference |
//! | in a namespace | in the same one | owner reference |
//! | in a namespace | in another one, or in none | label and annotation |
//!
//! Kubernetes' garbage collector takes a reference of the third sort for a broken one and removes the child. So such a
//! child carries the uid of its owner as a label, by which it is found, and names it in an annotation, by which it
//! wakes it. The garbage collector knows nothing of that: the controller itself removes such children when their owner
//! is gone, see `prune`.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ApiResource;
use kubewright_cache::{ObjectRef, Stored};
use serde_json::{Map, Value, json};

use super::{ChildRef, Foreign};

/// The label with the uid of an owner that can't be referred to.
pub(crate) const OWNER_UID: &str = "kubewright.dev/owner-uid";
/// The annotation that names that owner: kind, namespace and name.
const OWNER: &str = "kubewright.dev/owner";
/// The label with the wave that a child belongs to.
pub(super) const WAVE: &str = "kubewright.dev/wave";

/// The object that owns children.
pub(super) struct Owner<'a> {
    pub(super) resource: &'a ApiResource,
    pub(super) reference: &'a ObjectRef,
    pub(super) uid: &'a str,
}

impl Owner<'_> {
    /// Ties a child to the owner.
    pub(super) fn tie(&self, metadata: &mut Map<String, Value>, namespace: Option<&str>) -> Result<(), &'static str> {
        if refers(self.reference.namespace.as_deref(), namespace) {
            return self.refer(metadata);
        }
        let owner = name(&self.resource.group, &self.resource.kind, self.reference);
        set(metadata, "labels", OWNER_UID, self.uid)?;
        set(metadata, "annotations", OWNER, &owner)
    }

    fn refer(&self, metadata: &mut Map<String, Value>) -> Result<(), &'static str> {
        let reference = OwnerReference {
            api_version: self.resource.api_version.clone(),
            kind: self.resource.kind.clone(),
            name: self.reference.name.to_string(),
            uid: self.uid.to_string(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        };
        let references = metadata.entry("ownerReferences").or_insert_with(|| json!([]));
        let references = references.as_array_mut().ok_or("metadata.ownerReferences is not a list")?;
        references.retain(|given| given["uid"] != self.uid);
        if references.iter().any(|given| given["controller"] == true) {
            return Err("metadata.ownerReferences names another controller");
        }
        references.push(serde_json::to_value(reference).map_err(|_| "the owner reference can't be encoded")?);
        Ok(())
    }
}

/// Whether the garbage collector lets an owner in the one namespace be referred to from the other.
fn refers(owner: Option<&str>, child: Option<&str>) -> bool {
    owner.is_none() || owner == child
}

/// Sets a label or an annotation.
pub(super) fn set(metadata: &mut Map<String, Value>, list: &str, key: &str, value: &str) -> Result<(), &'static str> {
    let list = metadata.entry(list).or_insert_with(|| json!({})).as_object_mut();
    list.ok_or("metadata.labels or metadata.annotations is not an object")?.insert(key.into(), value.into());
    Ok(())
}

/// What an object of this kind is called in the annotation.
pub(crate) fn name(group: &str, kind: &str, object: &ObjectRef) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("{kind}{dot}{group}/{object}")
}

/// The owner that a child names in its annotation.
pub(crate) fn named_owner(child: &Stored) -> Option<Cow<'_, str>> {
    // Most objects have no such label, and a label costs less to look up than an annotation.
    child.label(OWNER_UID)?;
    child.annotation(OWNER)
}

/// The object of this kind that a child belongs to.
pub(crate) fn owner_of(child: &Stored, owner: &ApiResource, namespaced: bool) -> Option<ObjectRef> {
    if let Some(named) = named_owner(child) {
        let (kind, object) = named.split_once('/')?;
        let (namespace, name) = object.split_once('/')?;
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        let fits = *kind == *owner.kind && *group == *owner.group && namespaced;
        return fits.then(|| ObjectRef::new(Some(namespace), name));
    }
    let reference = child.controller()?;
    // The version may differ: the owner wrote the one that was current then.
    let group = reference.api_version.split_once('/').map_or("", |(group, _)| group);
    if *reference.kind != *owner.kind || group != owner.group {
        return None;
    }
    let namespace = child.reference().namespace.as_deref().filter(|_| namespaced);
    Some(ObjectRef::new(namespace, &reference.name))
}

/// Whether a child belongs to the owner of this uid.
pub(super) fn belongs(child: &Stored, uid: &str) -> bool {
    child.label(OWNER_UID) == Some(uid) || child.controller().is_some_and(|owner| *owner.uid == *uid)
}

/// Whether the owner of this uid does not own the object that is there.
pub(super) fn foreign(live: &Value, uid: &str, object: &ObjectRef, kind: &str) -> Option<Foreign> {
    let metadata = &live["metadata"];
    let references = metadata["ownerReferences"].as_array();
    let controller = references.into_iter().flatten().find(|reference| reference["controller"] == true);
    let label = &metadata["labels"][OWNER_UID];
    if controller.is_some_and(|controller| controller["uid"] == uid) || label == uid {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let controller =
        controller.map(|controller| format!("{} {}", text(&controller["kind"]), text(&controller["name"])));
    let named = || metadata["annotations"][OWNER].as_str().filter(|_| label.is_string()).map(str::to_string);
    Some(Foreign {
        child: ChildRef { kind: kind.to_string(), object: object.clone() },
        controller: controller.or_else(named),
    })
}
