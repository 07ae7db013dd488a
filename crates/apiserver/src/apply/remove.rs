//! Removal of fields from an object.

use serde_json::Value;

use super::path::PathElement;
use super::set::FieldSet;
use super::types::{Entries, Form, Ty};

/// Removes the members and list entries in `fields`, with all that is below them.
///
/// A map or list that loses everything becomes null, as the real server does: nothing was there without its parts.
/// What is inside of a leaf (an atomic list or map) can't be removed.
pub(super) fn remove(ty: Ty<'_>, value: &mut Value, fields: &FieldSet) {
    if fields.is_empty() {
        return;
    }
    match (ty.form(value), &mut *value) {
        (Form::Map, Value::Object(members)) if !ty.is_atomic_map() => {
            for node in &fields.nodes {
                let PathElement::Field(name) = &node.element else { continue };
                if node.member {
                    members.remove(name.as_str());
                } else if let Some(member) = members.get_mut(name.as_str()) {
                    remove(ty.member(name).unwrap_or(Ty::Deduced), member, &node.children);
                }
            }
            if members.is_empty() {
                *value = Value::Null;
            }
        }
        (Form::List, Value::Array(list)) if !matches!(ty.list(), Entries::Atomic) => {
            let entry_type = ty.entries().unwrap_or(Ty::Opaque);
            list.retain_mut(|entry| {
                let node = ty.identify(entry).ok().and_then(|key| fields.get(&key.to_element()));
                match node {
                    Some(node) if node.member => false,
                    Some(node) => {
                        remove(entry_type, entry, &node.children);
                        true
                    }
                    None => true,
                }
            });
            if list.is_empty() {
                *value = Value::Null;
            }
        }
        _ => {}
    }
}
