//! `metadata.managedFields` of the objects that a call writes.

use serde_json::Value;

use super::call::Call;
use super::conversion::{self, Conversions};
use super::convert;
use crate::apply::{self, FieldSet, Versions, Writer};
use crate::registry::{Registry, Resource};
use crate::schema::TypeRef;
use crate::status::ApiResult;

/// Notes who owns what after a create, update or patch. `old` is none for a create.
pub(super) fn track(call: &Call, manager: &str, subresource: &str, old: Option<&Value>, new: &mut Value) {
    if let (Some(old), Some(metadata)) = (old, new["metadata"].as_object_mut()) {
        // Only the server marks objects as deleted. To mark one that is not is refused later.
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
            if let Some(value) = old["metadata"].get(field)
                && metadata.get(field).is_none_or(Value::is_null)
            {
                metadata.insert(field.into(), value.clone());
            }
        }
    }
    with_writer(call, manager, subresource, |writer| apply::track_update(writer, old, new));
}

/// Puts what webhooks have made of an object in its place. If they have broken its managedFields, these stay.
pub(crate) fn complete_mutated(object: &mut Value, mut new: Value, warnings: &mut Vec<String>) {
    let before = object["metadata"]["managedFields"].take();
    if new["metadata"]["managedFields"] != before
        && let Err(why) = apply::check_managers(&new)
    {
        new["metadata"]["managedFields"] = before;
        warnings.push(format!(
            ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating \
             admission controller; please fix your requests: {why}"
        ));
    }
    *object = new;
}

/// Merges what a manager declares into the live object.
pub(super) fn merge(
    call: &Call,
    manager: &str,
    live: Option<&Value>,
    config: &Value,
    force: bool,
) -> Option<ApiResult<Value>> {
    with_writer(call, manager, &call.subresource, |writer| apply::apply(writer, live, config, force))
}

/// Nothing for resources without a type, which have no fields to own.
fn with_writer<R>(call: &Call, manager: &str, subresource: &str, act: impl FnOnce(&Writer<'_>) -> R) -> Option<R> {
    let resource = &*call.resource;
    let paths: Vec<Vec<&str>> =
        resource.strategy().reset_fields(subresource).iter().map(|path| path.split('.').collect()).collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    let reset = FieldSet::of_fields(&paths);
    let versions = Served { registry: &call.core.registry, resource, conversions: &call.conversions };
    let several = convert::changes_fields(resource) || convert::has_several_versions(resource);
    Some(act(&Writer {
        ty: resource.ty()?,
        api_version: &resource.api_version,
        kind: &resource.kind,
        manager,
        subresource,
        reset: (!reset.is_empty()).then_some(&reset),
        versions: several.then_some(&versions as &dyn Versions),
        now: call.now(),
    }))
}

/// The versions of a kind that are served.
struct Served<'a> {
    registry: &'a Registry,
    resource: &'a Resource,
    conversions: &'a Conversions,
}

impl Served<'_> {
    fn resource(&self, api_version: &str) -> Option<std::sync::Arc<Resource>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        // What was written through another group is nobody's here: only Events are served by two.
        let served = self.registry.resolve(group, version, &self.resource.plural);
        served.filter(|served| served.group == self.resource.group)
    }
}

impl Versions for Served<'_> {
    fn ty(&self, api_version: &str) -> Option<TypeRef> {
        self.resource(api_version)?.ty().cloned()
    }

    fn convert(&self, object: &Value, api_version: &str) -> Option<Value> {
        let from = self.resource(object["apiVersion"].as_str()?)?;
        let to = self.resource(api_version)?;
        if conversion::webhook(&from).is_some() {
            return self.conversions.get(object, api_version);
        }
        if from.is_custom() {
            // Fields that the version does not have stay, as on the real server: see `Comparisons`.
            let mut object = object.clone();
            object["apiVersion"] = api_version.into();
            return Some(object);
        }
        Some(convert::to_version(&to, convert::to_storage(&from, object.clone())))
    }
}
