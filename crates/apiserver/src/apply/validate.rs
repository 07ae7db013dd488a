//! Whether an object has the form that its type gives it, in the words of the real server.

use serde_json::Value;

use super::path::{PathElement, PathText};
use super::types::{Entries, EntryKey, Form, Ty};
use crate::go_text::{GoSyntax, GoValue, go_type};
use crate::schema::NodeKind;

/// What to say to entries of sets and keyed lists that are there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    /// Stored objects may have them: validation came after them.
    Allowed,
    /// A configuration may not.
    Refused,
}

/// Checks an object: known fields, right forms, entries that can be told apart.
///
/// The error lists all findings as the real server prints them.
pub(super) fn validate(ty: Ty<'_>, value: &Value, duplicates: Duplicates) -> Result<(), String> {
    let mut check = Check { duplicates, path: Vec::new(), errors: Vec::new() };
    check.walk(ty, value);
    match check.errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

struct Check {
    duplicates: Duplicates,
    path: Vec<PathElement>,
    errors: Vec<String>,
}

impl Check {
    fn refuse(&mut self, message: impl std::fmt::Display) {
        let text =
            if self.path.is_empty() { message.to_string() } else { format!("{}: {message}", PathText(&self.path)) };
        self.errors.push(text);
    }

    fn below(&mut self, element: PathElement, check: impl FnOnce(&mut Self)) {
        self.path.push(element);
        check(self);
        self.path.pop();
    }

    fn walk(&mut self, ty: Ty<'_>, value: &Value) {
        match (ty.form(value), value) {
            (_, Value::Null) => {}
            (Form::Map, Value::Object(members)) => {
                for (name, member) in members {
                    let element = || PathElement::field(name.as_str());
                    match ty.member(name) {
                        Some(ty) if is_plain(ty, member) => {}
                        Some(ty) => self.below(element(), |check| check.walk(ty, member)),
                        None => {
                            self.below(element(), |check| check.refuse("field not declared in schema"));
                            // The real server stops at the first unknown field of an object.
                            return;
                        }
                    }
                }
            }
            (Form::Map, other) => self.refuse(format_args!("expected map, got &{{{}}}", GoValue(other))),
            (Form::List, Value::Array(list)) => self.walk_list(ty, list),
            (Form::List, other) => self.refuse(format_args!("expected list, got &{{{}}}", GoValue(other))),
            (Form::Scalar, value) => self.walk_scalar(ty, value),
        }
    }

    fn walk_list(&mut self, ty: Ty<'_>, list: &[Value]) {
        let entry_type = ty.entries().unwrap_or(Ty::Opaque);
        if matches!(ty.list(), Entries::Atomic) {
            for (index, entry) in list.iter().enumerate() {
                if !is_plain(entry_type, entry) {
                    self.below(PathElement::Index(index as i64), |check| check.walk(entry_type, entry));
                }
            }
            return;
        }
        let mut keys: Vec<(EntryKey<'_>, usize)> = Vec::with_capacity(list.len());
        for (index, entry) in list.iter().enumerate() {
            match ty.identify(entry) {
                Ok(key) => keys.push((key, index)),
                Err(message) => {
                    self.refuse(format_args!("element {index}: {message}"));
                    break;
                }
            }
        }
        let identified = keys.len();
        keys.sort();
        let mut is_repeated = vec![false; identified];
        for pair in keys.windows(2) {
            is_repeated[pair[1].1] = pair[0].0 == pair[1].0;
        }
        keys.sort_by_key(|(_, index)| *index);
        for (key, index) in &keys {
            if is_repeated[*index] && self.duplicates == Duplicates::Refused {
                self.refuse(format_args!("duplicate entries for key {}", key.to_element()));
            }
            if !is_plain(entry_type, &list[*index]) {
                self.below(key.to_element(), |check| check.walk(entry_type, &list[*index]));
            }
        }
    }

    fn walk_scalar(&mut self, ty: Ty<'_>, value: &Value) {
        match (ty.scalar_kind(), value) {
            (Some(NodeKind::Number), Value::Number(_))
            | (Some(NodeKind::String), Value::String(_))
            | (Some(NodeKind::Boolean), Value::Bool(_))
            | (None, Value::Number(_) | Value::String(_) | Value::Bool(_)) => {}
            (Some(NodeKind::Number), other) => {
                self.refuse(format_args!("expected numeric (int or float), got {}", go_type(other)));
            }
            (Some(NodeKind::String), other) => {
                self.refuse(format_args!("expected string, got &value.valueUnstructured{{Value:{}}}", GoSyntax(other)));
            }
            (Some(_), other) => self.refuse(format_args!("expected boolean, got &{{{}}}", GoValue(other))),
            (None, other) => self.refuse(format_args!("expected any scalar, got &{{{}}}", GoValue(other))),
        }
    }
}

/// Whether a value is certainly right, which saves building its path.
fn is_plain(ty: Ty<'_>, value: &Value) -> bool {
    let is_scalar = !value.is_object() && !value.is_array();
    is_scalar
        && ty.form(value) == Form::Scalar
        && match ty.scalar_kind() {
            Some(NodeKind::Number) => value.is_number(),
            Some(NodeKind::String) => value.is_string(),
            Some(_) => value.is_boolean(),
            None => true,
        }
}
