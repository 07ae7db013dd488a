//! Kinds that several group-versions serve, stored once and converted on the way in and out.
//!
//! Versions of a custom resource differ in `apiVersion` only (conversion strategy None), but each shows and stores no more
//! than its schema has, unless a webhook converts them: see [`super::conversion`]. Of the built-in kinds,
//! Event (core and events.k8s.io) and HorizontalPodAutoscaler (autoscaling v1 and v2) have fields of other names:
//! [`crate::kinds::convert`] knows them.

use serde_json::Value;

use super::conversion;
use crate::kinds::convert;
use crate::registry::Resource;
use crate::schema::{self, Nulls};
use crate::server::Core;
use crate::status::ApiResult;
use crate::store::Stored;

/// Whether objects of this resource are stored with other fields than it serves.
pub(super) fn changes_fields(resource: &Resource) -> bool {
    !resource.is_custom() && resource.api_version != resource.storage_api_version
}

/// Whether other group-versions serve the same objects with other fields, or may have another schema for them.
pub(super) fn has_several_versions(resource: &Resource) -> bool {
    match resource.kind.as_str() {
        "Event" => matches!(resource.group.as_str(), "" | "events.k8s.io"),
        "HorizontalPodAutoscaler" => resource.group == "autoscaling",
        _ => resource.custom.as_ref().is_some_and(|custom| custom.several_versions),
    }
}

/// From the stored version to the one that `resource` serves.
pub(super) fn to_version(resource: &Resource, mut object: Value) -> Value {
    if let Some(ty) = resource.ty().filter(|_| is_pruned(resource)) {
        schema::prune(ty, &mut object);
    }
    if changes_fields(resource) && object["apiVersion"] == resource.storage_api_version.as_str() {
        convert::from_storage(&resource.group, &resource.version, &resource.kind, &mut object);
    }
    object["apiVersion"] = resource.api_version.as_str().into();
    object
}

/// From the version that `resource` serves to the stored one.
pub(super) fn to_storage(resource: &Resource, mut object: Value) -> Value {
    if changes_fields(resource) {
        convert::to_storage(&resource.group, &resource.version, &resource.kind, &mut object);
        let (group, version) =
            resource.storage_api_version.rsplit_once('/').unwrap_or(("", &resource.storage_api_version));
        if let Some(ty) = schema::BuiltinSchemas::get().kind(group, version, &resource.kind) {
            schema::normalise(&ty, &mut object);
        }
    }
    if let Some(ty) = resource.custom.as_ref().and_then(|custom| custom.stored_ty.as_ref()) {
        schema::prune(ty, &mut object);
        schema::default(ty, &mut object, Nulls::Dropped);
    }
    object["kind"] = resource.kind.as_str().into();
    object["apiVersion"] = resource.storage_api_version.as_str().into();
    object
}

/// Brings an object that admission is about from one version of its resource to another.
pub(crate) async fn between(core: &Core, from: &Resource, to: &Resource, object: &mut Value) -> ApiResult<()> {
    // The kinds of some subresources are the same in all versions.
    if from.api_version != to.api_version && object["kind"] == from.kind.as_str() {
        *object = match conversion::webhook(from) {
            Some(webhook) => conversion::to_version(core, from, webhook, &to.api_version, object.take()).await?,
            None => to_version(to, to_storage(from, object.take())),
        };
    }
    Ok(())
}

/// Whether a version of a custom resource is not the stored one: what is stored may have fields that it does not.
pub(super) fn is_pruned(resource: &Resource) -> bool {
    resource.custom.as_ref().is_some_and(|custom| custom.stored_ty.is_some())
}

/// What is shown of an object that has been stored: what its version shares with the stored one.
pub(super) fn round_trip(resource: &Resource, object: Value) -> Value {
    if is_pruned(resource) { to_version(resource, to_storage(resource, object)) } else { object }
}

/// Whether to store an object, which shows the same as what is stored, would take fields away that it does not show, or
/// put the metrics of an autoscaler into the order in which `autoscaling/v1` gives them.
pub(super) fn loses_fields(resource: &Resource, stored: &Stored, object: &Value) -> bool {
    let reorders = resource.kind == "HorizontalPodAutoscaler" && changes_fields(resource);
    (is_pruned(resource) || reorders) && to_storage(resource, object.clone()) != stored.tree()
}

/// The group that objects are stored in.
pub(super) fn storage_group(resource: &Resource) -> &str {
    resource.storage_api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Lets `act` work on an object in the form that its kind's rules are written for.
pub(super) fn in_storage_form<R>(resource: &Resource, object: &mut Value, act: impl FnOnce(&mut Value) -> R) -> R {
    if !changes_fields(resource) {
        return act(object);
    }
    *object = to_storage(resource, object.take());
    let result = act(object);
    *object = to_version(resource, object.take());
    result
}
