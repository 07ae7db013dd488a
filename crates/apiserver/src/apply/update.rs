//! Ownership after a create, update or patch: what changed belongs to the writer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::conflict::Conflicts;
use super::managed::{self, ManagerId, Managers, Operation, Owned};
use super::reconcile::reconcile;
use super::set::FieldSet;
use super::types::Ty;
use super::validate::{Duplicates, validate};
use super::{Writer, without_identity};

/// Updates `new.metadata.managedFields` after a write that was not an apply.
///
/// `old` is the stored object, `None` for a create; `new` is the object as it was decoded and defaulted, before the
/// server sets fields itself (generated names, allocated addresses, status of a create), which nobody owns. A client may
/// reset the managers with an empty list (or one empty entry) in `new.metadata.managedFields`. An object without any
/// managers gets none by an update; the first apply gives what was there to `before-first-apply`.
///
/// Objects that do not fit their type lose their managers, as on the real server: a write must not fail for them.
pub fn track_update(writer: &Writer<'_>, old: Option<&Value>, new: &mut Value) {
    let managers = given_managers(writer, old, new);
    managed::take(new);
    if managers.is_empty() && old.is_some() {
        return;
    }
    let blank = || Cow::Owned(managed::blank(writer.ty));
    let before = old.map_or_else(blank, Cow::Borrowed);
    if let Ok(mut managers) = after_update(writer, &before, new, managers, writer.manager()) {
        managers.cap();
        managers.store(new);
    }
}

/// Gives the times in `new.metadata.managedFields` back their old values when nothing else differs from `old`, so that a
/// write without effect is not stored.
pub fn keep_times_of_no_op(old: &Value, new: &mut Value) {
    fn entries(object: &Value) -> Option<&Value> {
        object.get("metadata")?.get("managedFields")
    }
    let (Some(Value::Array(before)), Some(Value::Array(after))) = (entries(old), entries(new)) else { return };
    let timeless = |entry: &Value| -> Vec<(String, Value)> {
        let members = entry.as_object().into_iter().flatten();
        members.filter(|(name, _)| *name != "time").map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    if before == after || before.len() != after.len() || !before.iter().map(timeless).eq(after.iter().map(timeless)) {
        return;
    }
    if managed::same_without_managers(old, new)
        && let Some(Value::Object(metadata)) = new.get_mut("metadata")
    {
        metadata.insert("managedFields".into(), Value::Array(before.clone()));
    }
}

/// The managers that the write starts from: the client's, if it sent any that can be read, or those of the stored object.
fn given_managers(writer: &Writer<'_>, old: Option<&Value>, new: &Value) -> Managers {
    let stored = || old.and_then(|old| Managers::of(old).ok()).unwrap_or_default();
    // Managers can't be written through a subresource.
    if !writer.subresource.is_empty() {
        return stored();
    }
    if managed::is_reset(new) {
        return Managers::default();
    }
    match Managers::of(new) {
        Ok(managers) if !managers.is_empty() => managers,
        _ => stored(),
    }
}

/// Managers after `manager` has changed `old` into `new` by an update.
pub(super) fn after_update(
    writer: &Writer<'_>,
    old: &Value,
    new: &Value,
    mut managers: Managers,
    manager: &str,
) -> Result<Managers, String> {
    managers.reconcile_with(writer);
    let mut versions = Comparisons::new(writer, old, new)?;
    versions.take_from_others(&mut managers, None)?;
    let mut fields = versions.own.changed();
    without_identity(&mut fields);
    if !fields.is_empty() {
        let id = ManagerId::new(manager, Operation::Update, writer.api_version, writer.subresource);
        let before = managers.entries.remove(&id).map(|owned| owned.fields).unwrap_or_default();
        let owned = Owned {
            api_version: writer.api_version.into(),
            fields: before.union(fields),
            time: writer.now_in_seconds(),
        };
        managers.entries.insert(id, owned);
    }
    Ok(managers)
}

impl Managers {
    /// Makes one field of what became a leaf of the schema since.
    pub(super) fn reconcile_with(&mut self, writer: &Writer<'_>) {
        for owned in self.entries.values_mut() {
            if writer.is_own_version(&owned.api_version) {
                reconcile(Ty::of(writer.ty), &mut owned.fields);
            } else if let Some(ty) = writer.ty_in(&owned.api_version) {
                reconcile(Ty::of(&ty), &mut owned.fields);
            }
        }
    }
}

/// What changed, in each version that a manager uses.
pub(super) struct Comparisons<'a> {
    writer: &'a Writer<'a>,
    old: &'a Value,
    new: &'a Value,
    pub(super) own: Comparison,
    others: BTreeMap<String, Option<Comparison>>,
}

impl<'a> Comparisons<'a> {
    pub(super) fn new(writer: &'a Writer<'a>, old: &'a Value, new: &'a Value) -> Result<Self, String> {
        let own = compare(Ty::of(writer.ty), old, new)?;
        let own = match writer.reset {
            Some(reset) => own.without(reset),
            None => own,
        };
        Ok(Self { writer, old, new, own, others: BTreeMap::new() })
    }

    /// `None`: that version is not served. An object with fields that the version does not have is an error, as on the
    /// real server: conversion of custom resources leaves them in.
    fn in_version(&mut self, api_version: &str) -> Result<Option<&Comparison>, String> {
        if self.writer.is_own_version(api_version) {
            return Ok(Some(&self.own));
        }
        if !self.others.contains_key(api_version) {
            let comparison = self.compare_in(api_version)?;
            self.others.insert(api_version.into(), comparison);
        }
        Ok(self.others.get(api_version).and_then(Option::as_ref))
    }

    fn compare_in(&self, api_version: &str) -> Result<Option<Comparison>, String> {
        let Some(ty) = self.writer.ty_in(api_version) else { return Ok(None) };
        let convert = |object| self.writer.convert(object, api_version);
        let (Some(old), Some(new)) = (convert(self.old), convert(self.new)) else { return Ok(None) };
        for object in [&old, &new] {
            validate(Ty::of(&ty), object, Duplicates::Allowed)?;
        }
        let comparison = compare(Ty::of(&ty), &old, &new)?;
        // What the endpoint puts back has not changed in any version.
        Ok(Some(match self.writer.reset {
            Some(reset) => comparison.without(reset),
            None => comparison,
        }))
    }

    /// What the managers other than `applier` own and has changed.
    pub(super) fn conflicts(&mut self, managers: &Managers, applier: &ManagerId) -> Result<Conflicts, String> {
        let mut out = Vec::new();
        for (id, owned) in managers.entries.iter().filter(|(id, _)| *id != applier) {
            let Some(comparison) = self.in_version(&owned.api_version)? else { continue };
            let added = owned.fields.intersection(&comparison.added);
            let modified = owned.fields.intersection(&comparison.modified);
            let fields = added.union(modified);
            if !fields.is_empty() {
                out.push((id.clone(), fields));
            }
        }
        Ok(Conflicts(out))
    }

    /// Takes what has changed or is gone from all managers but `except`, and managers who own nothing off the list.
    pub(super) fn take_from_others(
        &mut self,
        managers: &mut Managers,
        except: Option<&ManagerId>,
    ) -> Result<(), String> {
        for (id, owned) in &mut managers.entries {
            if Some(id) == except {
                continue;
            }
            match self.in_version(&owned.api_version)? {
                Some(comparison) => {
                    for gone in [&comparison.added, &comparison.modified, &comparison.removed] {
                        owned.fields.subtract(gone);
                    }
                }
                None => owned.fields = FieldSet::default(),
            }
        }
        managers.entries.retain(|_, owned| !owned.fields.is_empty());
        Ok(())
    }
}

/// The set without the fields that the endpoint puts back.
pub(super) fn without_reset(writer: &Writer<'_>, fields: FieldSet) -> FieldSet {
    match writer.reset {
        Some(reset) => fields.recursive_difference(reset),
        None => fields,
    }
}
