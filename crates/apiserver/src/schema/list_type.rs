//! Uniqueness in sets and keyed lists.

use std::collections::BTreeSet;

use serde_json::Value;

use super::node::{ListType, NodeId, SchemaSet};
use super::validate::{step, within};
use crate::field::FieldError;

/// Entries of sets and keyed lists that occur twice.
pub(super) fn duplicates(set: &SchemaSet, id: NodeId, value: &Value, path: &mut String, errors: &mut Vec<FieldError>) {
    let node = set.node(id);
    if node.go {
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let Some(field) = node.property(key) {
                    within(path, &step(path, key), |path| duplicates(set, field.node, member, path, errors));
                } else if let Some(values) = node.additional {
                    within(path, &format!("[{key}]"), |path| duplicates(set, values, member, path, errors));
                }
            }
        }
        Value::Array(entries) => {
            match &node.list_type {
                ListType::Atomic => {}
                ListType::Set => repeated(entries.to_vec(), path, errors),
                ListType::Map(keys) => {
                    let other = entries.iter().position(|entry| !(entry.is_null() || entry.is_object()));
                    if let Some(index) = other {
                        let detail = "must be an object for an array of list-type map";
                        errors.push(FieldError::invalid(format!("{path}[{index}]"), entries[index].clone(), detail));
                    } else {
                        let key_of = |entry: &Value| {
                            let given =
                                keys.iter().filter_map(|key| Some((key.to_string(), entry.get(&**key)?.clone())));
                            Value::Object(given.collect())
                        };
                        repeated(entries.iter().map(key_of).collect(), path, errors);
                    }
                }
            }
            if let Some(items) = node.items {
                for (index, entry) in entries.iter().enumerate() {
                    within(path, &format!("[{index}]"), |path| duplicates(set, items, entry, path, errors));
                }
            }
        }
        _ => {}
    }
}

/// Reports the second of equal keys, once.
fn repeated(keys: Vec<Value>, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    let mut reported = BTreeSet::new();
    for (index, key) in keys.into_iter().enumerate() {
        let text = key.to_string();
        if !seen.insert(text.clone()) && reported.insert(text) {
            errors.push(FieldError::duplicate(format!("{path}[{index}]"), key));
        }
    }
}
