//! The apply operation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::conflict::Conflicts;
use super::field_set::field_set;
use super::managed::{self, BEFORE_FIRST_APPLY, ManagerId, Managers, Operation, Owned};
use super::merge::merge;
use super::remove::remove;
use super::set::FieldSet;
use super::types::Ty;
use super::update::{Comparisons, after_update, without_reset};
use super::validate::{Duplicates, validate};
use super::{Writer, last_applied, without_identity};
use crate::schema::TypeRef;
use crate::status::{ApiError, ApiResult};

/// Applies a configuration: `live` with what `config` says, without what the manager said before and does not any more,
/// and with `metadata.managedFields` brought up to date. `live` is `None` when the object does not exist yet.
///
/// The result is not defaulted, pruned or validated. When nothing changes it equals `live`, times included.
///
/// Errors: 409 for fields that others own with another value (none with `force`), 400 for a configuration of another kind
/// or version or with managedFields, 500 (as the real server) for one that does not fit the type.
pub fn apply(writer: &Writer<'_>, live: Option<&Value>, config: &Value, force: bool) -> ApiResult<Value> {
    check_kind(writer, config)?;
    let mut managers = match live {
        Some(live) => Managers::of(live).map_err(|e| internal(format!("failed to decode managed fields: {e}")))?,
        None => Managers::default(),
    };
    if let Some(live) = live
        && managers.is_empty()
    {
        let blank = managed::blank(writer.ty);
        managers = after_update(writer, &blank, live, managers, BEFORE_FIRST_APPLY).map_err(|error| {
            let why = misfit(writer, live, "failed to convert new object", " to smd typed").unwrap_or(error);
            internal(format!("failed to create manager for existing fields: {why}"))
        })?;
    }
    check_config(writer, config)?;

    let nothing = json!({});
    let live = live.unwrap_or(&nothing);
    let id = ManagerId::new(writer.manager(), Operation::Apply, "", writer.subresource);
    let attempt = Attempt { writer, live, config, id: &id };
    let outcome = if writer.manager == last_applied::MANAGER && !force {
        attempt.run_after_client_side_apply(managers)?
    } else {
        attempt.run(managers, force)?
    };
    let Outcome { mut object, mut managers } = outcome.map_err(Conflicts::into_error)?;

    let changed = !managed::same_without_managers(live, &object);
    if let Some(owned) = managers.entries.get_mut(&id) {
        without_identity(&mut owned.fields);
        if changed {
            owned.time = writer.now_in_seconds();
        }
        if owned.fields.is_empty() {
            managers.entries.remove(&id);
        }
    }
    if writer.manager == last_applied::MANAGER {
        last_applied::refresh(&mut object, config);
    }
    managers.store(&mut object);
    Ok(object)
}

struct Attempt<'a> {
    writer: &'a Writer<'a>,
    live: &'a Value,
    config: &'a Value,
    id: &'a ManagerId,
}

struct Outcome {
    object: Value,
    managers: Managers,
}

impl Attempt<'_> {
    /// kubectl may take the fields that it owned by client-side apply.
    fn run_after_client_side_apply(&self, managers: Managers) -> ApiResult<Result<Outcome, Conflicts>> {
        let conflicts = match self.run(managers.clone(), false)? {
            Ok(outcome) => return Ok(Ok(outcome)),
            Err(conflicts) => conflicts,
        };
        let Some(allowed) = last_applied::owned_fields(self.writer, self.live) else { return Ok(Err(conflicts)) };
        let rest = conflicts.except(&allowed);
        if rest.is_empty() { self.run(managers, true) } else { Ok(Err(rest)) }
    }

    fn run(&self, mut managers: Managers, force: bool) -> ApiResult<Result<Outcome, Conflicts>> {
        let Self { writer, live, config, id } = *self;
        let ty = Ty::of(writer.ty);
        managers.reconcile_with(writer);
        let does_not_fit = |error: String| {
            let why = misfit(writer, live, "failed to create typed live object", "");
            internal(why.unwrap_or(error))
        };
        let mut object = merge(ty, managed::without_managers(live), config).map_err(does_not_fit)?;
        let fields = without_reset(writer, field_set(ty, config));
        let last = managers.entries.remove(id);
        let time = last.as_ref().and_then(|last| last.time);
        let gave_up = last.filter(|last| !last.fields.is_subset(&fields) || !writer.is_own_version(&last.api_version));
        managers.entries.insert(id.clone(), Owned { api_version: writer.api_version.into(), fields, time });
        if let Some(last) = gave_up {
            object = prune(writer, object, &managers, &last);
        }
        let mut comparisons = Comparisons::new(writer, live, &object).map_err(does_not_fit)?;
        if !force {
            let conflicts = comparisons.conflicts(&managers, id).map_err(internal)?;
            if !conflicts.is_empty() {
                return Ok(Err(conflicts));
            }
        }
        comparisons.take_from_others(&mut managers, Some(id)).map_err(internal)?;
        Ok(Ok(Outcome { object, managers }))
    }
}

/// Removes what the manager owned before, has given up now, and nobody else owns.
fn prune(writer: &Writer<'_>, merged: Value, managers: &Managers, last: &Owned) -> Value {
    let last_version = last.api_version.as_str();
    let Some(merged_there) = At::version(writer, &merged, last_version) else { return merged };
    let last_fields = merged_there.named(last.fields.clone());
    let mut pruned = merged_there.clone();
    pruned.remove(&last_fields);

    let mut by_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
    for owned in managers.entries.values() {
        let version = if writer.versions.is_some() { owned.api_version.as_str() } else { last_version };
        let all = by_version.entry(version).or_default();
        *all = std::mem::take(all).union(owned.fields.clone());
    }
    // The version of the last apply first: conversion may need what the others would not keep.
    let first = by_version.remove(last_version).map(|fields| (last_version, fields));
    for (version, fields) in first.into_iter().chain(by_version) {
        let Some(mut merged_here) = At::version(writer, &merged_there.object, version) else { continue };
        let Some(pruned_here) = At::version(writer, &pruned.object, version) else { continue };
        let kept = pruned_here.fields().union(merged_here.named(fields));
        let gone = merged_here.fields().difference(&kept);
        merged_here.remove(&gone);
        pruned = merged_here;
    }

    // Only what the manager itself owned goes.
    let Some(pruned) = At::version(writer, &pruned.object, last_version) else { return merged };
    let gone = merged_there.fields().difference(&pruned.fields()).intersection(&last_fields);
    let mut out = merged_there;
    out.remove(&gone);
    writer.convert(&out.object, writer.api_version).unwrap_or(merged)
}

/// An object in some version, with its type there.
#[derive(Clone)]
struct At {
    object: Value,
    ty: TypeRef,
}

impl At {
    fn version(writer: &Writer<'_>, object: &Value, api_version: &str) -> Option<Self> {
        Some(Self { ty: writer.ty_in(api_version)?, object: writer.convert(object, api_version)? })
    }

    /// The fields of the object, named ones on the way included.
    fn fields(&self) -> FieldSet {
        self.named(field_set(Ty::of(&self.ty), &self.object))
    }

    fn named(&self, fields: FieldSet) -> FieldSet {
        fields.with_named_fields(Some(Ty::of(&self.ty)))
    }

    fn remove(&mut self, fields: &FieldSet) {
        remove(Ty::of(&self.ty), &mut self.object, fields);
    }
}

/// 400 when the configuration is for another kind or version.
fn check_kind(writer: &Writer<'_>, config: &Value) -> ApiResult<()> {
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") == writer.api_version && text("kind") == writer.kind {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("invalid object type: {}", kind_text(text("apiVersion"), text("kind")))))
}

fn check_config(writer: &Writer<'_>, config: &Value) -> ApiResult<()> {
    let entries = config.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if entries.is_some_and(|entries| !entries.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    validate(Ty::of(writer.ty), config, Duplicates::Refused).map_err(|errors| {
        internal(format!("failed to create typed patch object ({}): {errors}", object_text(writer, config)))
    })
}

/// What is wrong with a stored object.
fn misfit(writer: &Writer<'_>, object: &Value, before: &str, after: &str) -> Option<String> {
    let errors = validate(Ty::of(writer.ty), object, Duplicates::Allowed).err()?;
    Some(format!("{before} ({}){after}: {errors}", object_text(writer, object)))
}

/// An object as the real server names it: `default/web; apps/v1, Kind=Deployment`.
fn object_text(writer: &Writer<'_>, object: &Value) -> String {
    let metadata = |name: &str| {
        let value = object.get("metadata").and_then(|metadata| metadata.get(name));
        value.and_then(Value::as_str).unwrap_or_default()
    };
    format!("{}/{}; {}", metadata("namespace"), metadata("name"), kind_text(writer.api_version, writer.kind))
}

/// A kind as the real server prints it: `apps/v1, Kind=Deployment`.
fn kind_text(api_version: &str, kind: &str) -> String {
    let group_slash = if api_version.contains('/') { "" } else { "/" };
    format!("{group_slash}{api_version}, Kind={kind}")
}

/// 500 with a plain text, as the real server answers for errors that it has no status for.
fn internal(message: String) -> ApiError {
    ApiError::new(500, "", message)
}
