//! The set of fields that an object mentions.

use serde_json::Value;

use super::path::PathElement;
use super::set::{FieldSet, SetNode};
use super::types::{Entries, EntryKey, Form, Ty};

/// Every leaf, list entry and free key that `value` mentions. Duplicate entries count as one opaque entry.
pub(super) fn field_set(ty: Ty<'_>, value: &Value) -> FieldSet {
    collect(ty, value).children
}

/// Stands for list entries that have lost what tells them from others; no path in an object has it.
const UNIDENTIFIED: PathElement = PathElement::Index(-1);

#[derive(Default)]
struct Found {
    member: bool,
    children: FieldSet,
}

fn collect(ty: Ty<'_>, value: &Value) -> Found {
    let mut children = FieldSet::default();
    let mut member = false;
    match (ty.form(value), value) {
        (Form::Scalar, _) => member = true,
        (Form::Map, _) if ty.is_atomic_map() => member = true,
        (Form::List, _) if matches!(ty.list(), Entries::Atomic) => member = true,
        (Form::Map, Value::Object(members)) => {
            children.nodes.reserve(members.len());
            for (name, member) in members {
                let found = collect(ty.member(name).unwrap_or(Ty::Deduced), member);
                let is_empty = member.is_null() || member.as_object().is_some_and(|members| members.is_empty());
                children.push(SetNode {
                    element: PathElement::field(name.as_str()),
                    member: found.member || is_empty || !ty.declares(name),
                    children: found.children,
                });
            }
        }
        (Form::List, Value::Array(list)) => {
            let entry_type = ty.entries().unwrap_or(Ty::Opaque);
            let mut keyed: Vec<(EntryKey<'_>, &Value)> = Vec::with_capacity(list.len());
            let mut is_unidentified = false;
            for entry in list {
                match ty.identify(entry) {
                    Ok(key) => keyed.push((key, entry)),
                    Err(_) => is_unidentified = true,
                }
            }
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            children.nodes.reserve(keyed.len());
            for same in keyed.chunk_by(|a, b| a.0 == b.0) {
                let below =
                    if let [(_, entry)] = same { collect(entry_type, entry).children } else { FieldSet::default() };
                children.push(SetNode { element: same[0].0.to_element(), member: true, children: below });
            }
            if is_unidentified {
                // Pruning makes such entries on its way; the list still has something in it then.
                children.push(SetNode { element: UNIDENTIFIED, member: true, children: FieldSet::default() });
            }
        }
        _ => {}
    }
    Found { member, children }
}
