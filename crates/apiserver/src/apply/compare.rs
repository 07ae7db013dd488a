//! What differs between two objects.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::path::{PathElement, same_value};
use super::set::{FieldSet, SetNode};
use super::types::{Entries, EntryKey, Form, Ty};

/// The fields in which two objects differ; no field is in more than one set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl Comparison {
    /// Added or modified.
    pub(super) fn changed(&self) -> FieldSet {
        self.added.clone().union(self.modified.clone())
    }

    pub(super) fn without(mut self, fields: &FieldSet) -> Self {
        self.added.subtract_recursively(fields);
        self.modified.subtract_recursively(fields);
        self.removed.subtract_recursively(fields);
        self
    }
}

/// Compares two objects. Entries that can't be told apart from others are an error; duplicates are compared as one.
pub(super) fn compare(ty: Ty<'_>, old: &Value, new: &Value) -> Result<Comparison, String> {
    Ok(walk(ty, Some(old), Some(new))?.below)
}

/// What was found at a value and below it.
#[derive(Default)]
struct Found {
    itself: Option<Change>,
    below: Comparison,
}

#[derive(Clone, Copy)]
enum Change {
    Added,
    Modified,
    Removed,
}

impl Comparison {
    fn attach(&mut self, element: PathElement, found: Found) {
        let Found { itself, below } = found;
        let node = |member, children| SetNode { element: element.clone(), member, children };
        for (set, member, children) in [
            (&mut self.added, matches!(itself, Some(Change::Added)), below.added),
            (&mut self.modified, matches!(itself, Some(Change::Modified)), below.modified),
            (&mut self.removed, matches!(itself, Some(Change::Removed)), below.removed),
        ] {
            if member || !children.is_empty() {
                set.push(node(member, children));
            }
        }
    }

    fn union(self, other: Comparison) -> Self {
        Self {
            added: self.added.union(other.added),
            modified: self.modified.union(other.modified),
            removed: self.removed.union(other.removed),
        }
    }
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.itself.is_none()
            && self.below.added.is_empty()
            && self.below.modified.is_empty()
            && self.below.removed.is_empty()
    }
}

fn walk(ty: Ty<'_>, old: Option<&Value>, new: Option<&Value>) -> Result<Found, String> {
    match ty.forms(old, new) {
        (form, None) => walk_as(ty, form, old, new),
        // The value took another form: what the old one held is gone, what the new one holds is new.
        (before, Some(after)) => {
            let old_form = walk_as(ty, before, old, new)?;
            let new_form = walk_as(ty, after, old, new)?;
            Ok(Found { itself: new_form.itself.or(old_form.itself), below: old_form.below.union(new_form.below) })
        }
    }
}

fn walk_as(ty: Ty<'_>, form: Form, old: Option<&Value>, new: Option<&Value>) -> Result<Found, String> {
    let mut below = Comparison::default();
    match form {
        Form::Map if !ty.is_atomic_map() => {
            let (before, after) = (members(old), members(new));
            if before.is_none() && after.is_none() {
                return Ok(leaf(old, new));
            }
            walk_members(ty, before, after, &mut below)?;
        }
        Form::List if !matches!(ty.list(), Entries::Atomic) => {
            let (before, after) = (entries(old), entries(new));
            if before.is_empty() && after.is_empty() {
                return Ok(leaf(old, new));
            }
            if before != after {
                walk_entries(ty, before, after, &mut below)?;
            }
        }
        _ => return Ok(leaf(old, new)),
    }
    let itself = match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => None,
    };
    Ok(Found { itself, below })
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Found {
    let itself = match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        (Some(old), Some(new)) => (!same_value(old, new)).then_some(Change::Modified),
    };
    Found { itself, below: Comparison::default() }
}

/// The members of a map that has any.
fn members(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value?.as_object().filter(|members| !members.is_empty())
}

fn entries(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn walk_members(
    ty: Ty<'_>,
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
    out: &mut Comparison,
) -> Result<(), String> {
    let mut old = old.into_iter().flatten().peekable();
    let mut new = new.into_iter().flatten().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some((before, _)), Some((after, _))) => before.cmp(after),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(()),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        let Some((name, _)) = before.or(after) else { return Ok(()) };
        let found = walk(ty.member(name).unwrap_or(Ty::Deduced), before.map(|b| b.1), after.map(|a| a.1))?;
        if !found.is_nothing() {
            out.attach(PathElement::field(name.as_str()), found);
        }
    }
}

fn walk_entries(ty: Ty<'_>, old: &[Value], new: &[Value], out: &mut Comparison) -> Result<(), String> {
    let entry_type = ty.entries().unwrap_or(Ty::Opaque);
    let mut all: Vec<(EntryKey<'_>, bool, usize)> = Vec::with_capacity(old.len() + new.len());
    for (is_new, list) in [(false, old), (true, new)] {
        for (index, entry) in list.iter().enumerate() {
            let key = ty.identify(entry).map_err(|message| format!("element {index}: {message}"))?;
            all.push((key, is_new, index));
        }
    }
    all.sort();
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        let (before, after) = same.split_at(same.iter().take_while(|(_, is_new, _)| !is_new).count());
        let at = |list: &'_ [(EntryKey<'_>, bool, usize)]| list.first().map(|(_, _, index)| *index);
        let found = match (before, after) {
            ([] | [_], [] | [_]) => walk(entry_type, at(before).map(|i| &old[i]), at(after).map(|i| &new[i]))?,
            ([_, _, ..], [_, _, ..]) => {
                let values = before.iter().zip(after).all(|((_, _, o), (_, _, n))| same_value(&old[*o], &new[*n]));
                let is_same = before.len() == after.len() && values;
                Found { itself: (!is_same).then_some(Change::Modified), ..Found::default() }
            }
            // Duplicates have one owner together; without them each field has its own again.
            ([_, _, ..], _) => {
                if let Some(index) = at(after) {
                    out.attach(same[0].0.to_element(), walk(entry_type, None, Some(&new[index]))?);
                }
                Found { itself: Some(Change::Removed), ..Found::default() }
            }
            (_, [_, _, ..]) => {
                if let Some(index) = at(before) {
                    out.attach(same[0].0.to_element(), walk(entry_type, Some(&old[index]), None)?);
                }
                Found { itself: Some(Change::Added), ..Found::default() }
            }
        };
        if !found.is_nothing() {
            out.attach(same[0].0.to_element(), found);
        }
    }
    Ok(())
}
