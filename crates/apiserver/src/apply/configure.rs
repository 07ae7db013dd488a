//! Merging of what an admission policy declares: as server-side apply merges, but nobody comes to own a field.

use serde_json::Value;

use super::merge::merge;
use super::path::{PathElement, PathText};
use super::types::{Entries, Form, Ty};
use super::validate::{Duplicates, validate};
use crate::schema::TypeRef;

/// `live` with what `config` says.
///
/// The error says, in the words of the real server, why `config` does not fit the type or can't be merged: lists and maps
/// that are owned as a whole may not be in it.
pub(crate) fn configure(ty: &TypeRef, live: &Value, config: &Value) -> Result<Value, String> {
    let ty = Ty::of(ty);
    validate(ty, config, Duplicates::Refused)
        .map_err(|why| format!("failed to convert patch object to typed object: {why}"))?;
    let mut atomics = Vec::new();
    find_atomics(ty, config, &mut Vec::new(), &mut atomics);
    if !atomics.is_empty() {
        let atomics = atomics.join(", ");
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {atomics}"));
    }
    merge(ty, live.clone(), config).map_err(|why| format!("failed to merge patch: {why}"))
}

fn find_atomics(ty: Ty<'_>, value: &Value, path: &mut Vec<PathElement>, found: &mut Vec<String>) {
    match (ty.form(value), value) {
        (Form::Map, Value::Object(members)) => {
            if ty.is_atomic_map() {
                found.push(PathText(path).to_string());
            }
            for (name, member) in members {
                // Members that the type does not name are not looked into.
                if let Some(ty) = ty.member(name).filter(|_| ty.declares(name)) {
                    path.push(PathElement::field(name.as_str()));
                    find_atomics(ty, member, path, found);
                    path.pop();
                }
            }
        }
        (Form::List, Value::Array(entries)) => {
            if matches!(ty.list(), Entries::Atomic) {
                found.push(PathText(path).to_string());
            }
            for (index, entry) in entries.iter().enumerate() {
                if let Some(ty) = ty.entries() {
                    path.push(PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX)));
                    find_atomics(ty, entry, path, found);
                    path.pop();
                }
            }
        }
        _ => {}
    }
}
