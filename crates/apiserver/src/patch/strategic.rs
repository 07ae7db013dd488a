//! Strategic merge patch: a merge patch that knows lists.
//!
//! The schema tells which lists merge and by which key; directives in the patch (`$patch`, `$retainKeys`,
//! `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`) say the rest. Only built-in kinds have it.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use super::order::{self, Positions};
use super::{json_kind, object_only};
use crate::go_text::{GoList, GoText, GoValue, go_type};
use crate::schema::{Field, Node, NodeKind, SchemaSet, TypeRef};
use crate::status::{ApiError, ApiResult};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";

/// Applies a strategic merge patch to an object of type `ty`.
///
/// Errors: 400 for a patch that is no object or whose directives have a wrong form, 422 for merge lists of lists, and 500
/// with the real server's text for entries without their merge key, fields that the type lacks, and unknown directives.
pub fn strategic(ty: &TypeRef, live: &Value, patch: &Value) -> ApiResult<Value> {
    let patch = match patch {
        Value::Object(patch) => patch.clone(),
        Value::Null => Map::new(),
        other => {
            let kind = json_kind(other);
            let message = format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
            return Err(ApiError::bad_request(message));
        }
    };
    let live = live.as_object().cloned().unwrap_or_default();
    let schema = Schema { set: ty.set(), node: ty.node() };
    object_only(Value::Object(merge_map(live, patch, schema)?))
}

#[derive(Debug)]
enum PatchError {
    /// 400
    Malformed(&'static str),
    /// 422
    Unsupported,
    /// 500, as plain Go errors are answered
    Failed(String),
}

type PatchResult<T> = Result<T, PatchError>;

impl From<PatchError> for ApiError {
    fn from(error: PatchError) -> Self {
        match error {
            PatchError::Malformed(message) => ApiError::bad_request(message),
            PatchError::Unsupported => {
                let message = "the server rejected our request due to an error in our request";
                ApiError { details: Some(Box::default()), ..ApiError::new(422, "Invalid", message) }
            }
            PatchError::Failed(message) => ApiError::new(500, "", message),
        }
    }
}

const BAD_PRIMITIVE_LIST: PatchError = PatchError::Malformed("invalid patch format of primitive list");
const BAD_RETAIN_KEYS: PatchError = PatchError::Malformed("invalid patch format of retainKeys");
const BAD_SET_ELEMENT_ORDER: PatchError = PatchError::Malformed("invalid patch format of setElementOrder list");

fn no_merge_key(entry: &Value, key: &str) -> PatchError {
    PatchError::Failed(format!("map: {} does not contain declared merge key: {key}", GoValue(entry)))
}

fn bad_type(expected: &str, actual: &Value) -> PatchError {
    PatchError::Failed(format!("expected a {expected}, but received a {}", go_type(actual)))
}

fn unknown_directive(directive: &Value, patch: &Map<String, Value>) -> PatchError {
    let patch = Value::Object(patch.clone());
    PatchError::Failed(format!("unknown patch type: {} in map: {}", GoText(directive), GoValue(&patch)))
}

/// The type that a map or list entry has.
#[derive(Clone, Copy)]
struct Schema<'a> {
    set: &'a SchemaSet,
    node: &'a Node,
}

/// How a list field merges.
struct ListStrategy<'a> {
    entries: Schema<'a>,
    merge: bool,
    /// `None`: a list of scalars.
    key: Option<&'a str>,
}

impl<'a> Schema<'a> {
    fn field(self, name: &str) -> PatchResult<(&'a Field, Schema<'a>)> {
        let lacks = match self.node.kind {
            NodeKind::Object => {
                let found = self.node.property(name).or_else(|| {
                    // Go's decoder falls back to a field whose name differs in case only.
                    self.node.properties.iter().find(|field| field.name.eq_ignore_ascii_case(name))
                });
                if let Some(field) = found {
                    return Ok((field, Schema { set: self.set, node: self.set.node(field.node) }));
                }
                true
            }
            NodeKind::Any => true,
            _ => false,
        };
        Err(PatchError::Failed(if lacks {
            let name_of_type = self.node.type_name.as_deref().and_then(|n| n.rsplit('.').next()).unwrap_or_default();
            format!("unable to find api field in struct {name_of_type} for the json field {name:?}")
        } else {
            let kind = self.go_kind();
            format!("merging an object in json but data type is not struct, instead is: {kind}")
        }))
    }

    fn list(self, name: &str) -> PatchResult<ListStrategy<'a>> {
        let (field, schema) = self.field(name)?;
        let Some(items) = schema.node.items else {
            return Err(PatchError::Failed("expected slice or array type, but got: struct".into()));
        };
        let entries = Schema { set: self.set, node: self.set.node(items) };
        Ok(ListStrategy { entries, merge: field.patch_merge, key: field.patch_merge_key.as_deref() })
    }

    fn go_kind(self) -> &'static str {
        match self.node.kind {
            NodeKind::Map => "map",
            NodeKind::List | NodeKind::Bytes => "slice",
            NodeKind::String => "string",
            NodeKind::Integer => "int",
            NodeKind::Number => "float64",
            NodeKind::Boolean => "bool",
            _ => "struct",
        }
    }
}

type Object = Map<String, Value>;

fn merge_map(mut original: Object, mut patch: Object, schema: Schema<'_>) -> PatchResult<Object> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Object::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    merge_ordered_lists(&mut original, &mut patch, schema)?;

    for (name, change) in patch {
        let (name, deletes) = if name.starts_with(DELETE_FROM_PRIMITIVE_LIST) {
            (list_name(&name, DELETE_FROM_PRIMITIVE_LIST).ok_or(BAD_PRIMITIVE_LIST)?.to_string(), true)
        } else {
            (name, false)
        };
        if change.is_null() {
            original.remove(&name);
            continue;
        }
        let merged = match (original.get_mut(&name).map(Value::take), change) {
            (Some(Value::Object(old)), Value::Object(change)) => {
                let (field, schema) = schema.field(&name)?;
                Some(Value::Object(if field.patch_replace { change } else { merge_map(old, change, schema)? }))
            }
            (Some(Value::Array(old)), Value::Array(change)) => {
                let strategy = schema.list(&name)?;
                Some(Value::Array(merge_list(old, change, &strategy, deletes)?))
            }
            // A deletion of entries needs a list to delete from.
            (old, _) if deletes => old,
            (_, change) => added(change),
        };
        match merged {
            Some(value) => original.insert(name, value),
            None => original.remove(&name),
        };
    }
    Ok(original)
}

/// Drops the members that `$retainKeys` does not list.
fn retain_keys(original: &mut Object, patch: &mut Object) -> PatchResult<()> {
    let Some(directive) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(list) = directive else { return Err(BAD_RETAIN_KEYS) };
    let kept: FxHashSet<&str> = list.iter().filter_map(Value::as_str).collect();
    let is_parallel = |name: &str| name.starts_with(DELETE_FROM_PRIMITIVE_LIST) || name.starts_with(SET_ELEMENT_ORDER);
    if patch.iter().any(|(name, value)| !value.is_null() && !is_parallel(name) && !kept.contains(name.as_str())) {
        return Err(BAD_RETAIN_KEYS);
    }
    original.retain(|name, _| kept.contains(name.as_str()));
    Ok(())
}

/// Merges the lists that have a `$setElementOrder`, and takes them out of the patch.
fn merge_ordered_lists(original: &mut Object, patch: &mut Object, schema: Schema<'_>) -> PatchResult<()> {
    let directives: Vec<String> = patch.keys().filter(|name| name.starts_with(SET_ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            other => return Err(bad_type("[]interface {}", &other.unwrap_or_default())),
        };
        let name = list_name(&directive, SET_ELEMENT_ORDER).ok_or(BAD_SET_ELEMENT_ORDER)?;
        list_member(original, name)?;
        let change = list_member(patch, name)?;
        let strategy = schema.list(name)?;
        check_order(change.map_or(&[], Vec::as_slice), &order, strategy.key)?;

        let change = patch.remove(name).and_then(into_list);
        let old = original.get_mut(name).map(Value::take).and_then(into_list);
        let wanted = Positions::of(&order, strategy.key);
        let before =
            old_positions(old.as_deref().unwrap_or_default(), change.as_deref().unwrap_or_default(), strategy.key);
        let merged = match (old, change) {
            (None, None) => continue,
            (Some(old), None) => {
                same_type(&old, &[])?;
                old
            }
            (None, Some(change)) => {
                same_type(&change, &[])?;
                change.into_iter().filter_map(without_directives).collect()
            }
            (Some(old), Some(change)) => {
                same_type(&old, &change)?;
                merge_list(old, change, &strategy, false)?
            }
        };
        check_merge_keys(&merged, strategy.key)?;
        if let (Some(_), Some(index)) = (strategy.key, order.iter().position(|entry| !entry.is_object())) {
            return Err(PatchError::Failed(format!("value for key {index} is not a map")));
        }
        check_merge_keys(&order, strategy.key)?;
        original.insert(name.into(), Value::Array(order::arrange(merged, &wanted, &before, strategy.key)));
    }
    Ok(())
}

/// The old order of a list, by which entries that only the server has are put between those of the patch.
fn old_positions(old: &[Value], change: &[Value], key: Option<&str>) -> Positions {
    let Some(name) = key else { return Positions::of(old, key) };
    let does = |entry: &Value, directive: &str| entry.get(DIRECTIVE).is_some_and(|found| found == directive);
    let deleted: FxHashSet<&Value> =
        change.iter().filter(|entry| does(entry, "delete")).filter_map(|entry| entry.get(name)).collect();
    if deleted.is_empty() || change.iter().any(|entry| does(entry, "replace")) {
        return Positions::of(old, key);
    }
    let added = change.iter().filter(|entry| entry.get(DIRECTIVE).is_none());
    Positions::of_rest(old, |identity| deleted.contains(identity), added, key)
}

fn list_member<'a>(members: &'a Object, name: &str) -> PatchResult<Option<&'a Vec<Value>>> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(other) => Err(bad_type("[]interface {}", other)),
    }
}

fn into_list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        _ => None,
    }
}

fn list_name<'a>(directive: &'a str, prefix: &str) -> Option<&'a str> {
    directive.strip_prefix(prefix)?.strip_prefix('/')
}

/// The patch's entries must come in the order that `$setElementOrder` gives, and none may be missing there.
fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> PatchResult<()> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    if let (Some(_), Some(scalar)) = (key, patch.iter().find(|entry| !entry.is_object())) {
        return Err(bad_type("map[string]interface {}", scalar));
    }
    let deleted = |entry: &Value| key.is_some() && entry.get(DIRECTIVE).is_some_and(|d| d == "delete");
    let mut wanted = order.iter();
    'entries: for entry in patch.iter().filter(|entry| !deleted(entry) && entry.get(DIRECTIVE).is_none()) {
        for candidate in wanted.by_ref() {
            if merge_key(entry, key)? == merge_key(candidate, key)? {
                continue 'entries;
            }
        }
        return Err(PatchError::Failed(format!(
            "The order in patch list:\n{}\n doesn't match {SET_ELEMENT_ORDER} list:\n{}\n",
            GoList(patch),
            GoList(order)
        )));
    }
    Ok(())
}

fn merge_key<'a>(entry: &'a Value, key: Option<&str>) -> PatchResult<&'a Value> {
    let Some(key) = key else { return Ok(entry) };
    match entry {
        Value::Object(members) => members.get(key).ok_or_else(|| no_merge_key(entry, key)),
        other => Err(bad_type("map[string]interface {}", other)),
    }
}

fn merge_list(
    old: Vec<Value>,
    change: Vec<Value>,
    strategy: &ListStrategy<'_>,
    deletes: bool,
) -> PatchResult<Vec<Value>> {
    if !strategy.merge && !deletes {
        return Ok(change);
    }
    if old.is_empty() && change.is_empty() {
        return Ok(old);
    }
    if !same_type(&old, &change)? {
        if deletes {
            let gone: FxHashSet<&Value> = change.iter().collect();
            return Ok(old.into_iter().filter(|entry| !gone.contains(entry)).collect());
        }
        let (wanted, before) = (Positions::of(&change, None), Positions::of(&old, None));
        let mut seen = FxHashSet::default();
        let merged = old.into_iter().chain(change).filter(|entry| seen.insert(entry.clone())).collect();
        return Ok(order::arrange(merged, &wanted, &before, None));
    }
    let Some(key) = strategy.key else {
        let kind = strategy.entries.go_kind();
        return Err(PatchError::Failed(format!("cannot merge lists without merge key for {kind}")));
    };
    let (old, change) = apply_directives(old, change, key)?;
    let (wanted, before) = (Positions::of(&change, Some(key)), Positions::of(&old, Some(key)));
    let merged = merge_entries(old, change, key, strategy.entries)?;
    check_merge_keys(&merged, Some(key))?;
    Ok(order::arrange(merged, &wanted, &before, Some(key)))
}

/// Takes entries with `$patch` out of the patch and does what they say.
fn apply_directives(old: Vec<Value>, change: Vec<Value>, key: &str) -> PatchResult<(Vec<Value>, Vec<Value>)> {
    let mut kept = Vec::with_capacity(change.len());
    let mut deleted = FxHashSet::default();
    let mut replace = false;
    for entry in change {
        let Some(directive) = entry.get(DIRECTIVE) else {
            kept.push(entry);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                deleted.insert(entry.get(key).ok_or_else(|| no_merge_key(&entry, key))?.clone());
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(PatchError::Failed("merging lists cannot yet be specified in the patch".into()));
            }
            _ => return Err(unknown_directive(directive, &entry.as_object().cloned().unwrap_or_default())),
        }
    }
    if replace {
        return Ok((kept, Vec::new()));
    }
    let survives = |entry: &Value| entry.get(key).is_none_or(|identity| !deleted.contains(identity));
    Ok((old.into_iter().filter(survives).collect(), kept))
}

fn merge_entries(mut old: Vec<Value>, change: Vec<Value>, key: &str, schema: Schema<'_>) -> PatchResult<Vec<Value>> {
    let mut at: FxHashMap<Value, usize> = FxHashMap::default();
    for (index, entry) in old.iter().enumerate() {
        if let Some(identity) = entry.get(key) {
            at.entry(identity.clone()).or_insert(index);
        }
    }
    for entry in change {
        let identity = entry.get(key).ok_or_else(|| no_merge_key(&entry, key))?;
        match at.get(identity) {
            Some(&index) => {
                if let (Value::Object(before), Value::Object(entry)) = (old[index].take(), entry) {
                    old[index] = Value::Object(merge_map(before, entry, schema)?);
                }
            }
            None => {
                at.insert(identity.clone(), old.len());
                old.push(entry);
            }
        }
    }
    Ok(old)
}

fn check_merge_keys(list: &[Value], key: Option<&str>) -> PatchResult<()> {
    list.iter().try_for_each(|entry| merge_key(entry, key).map(drop))
}

/// Whether the entries are objects; all must have one type, and may not be lists.
fn same_type(old: &[Value], change: &[Value]) -> PatchResult<bool> {
    let mut entries = old.iter().chain(change);
    let Some(first) = entries.next() else {
        return Err(PatchError::Failed("no elements in any of the given slices".into()));
    };
    if first.is_array() {
        return Err(PatchError::Unsupported);
    }
    let kind = go_type(first);
    if entries.any(|entry| go_type(entry) != kind) {
        let lists = format!("[{} {}]", GoList(old), GoList(change));
        return Err(PatchError::Failed(format!("list element types are not identical: {lists}")));
    }
    Ok(first.is_object())
}

/// A value that the patch adds: without null members and without what a directive drops.
fn added(mut value: Value) -> Option<Value> {
    discard_nulls(&mut value);
    without_directives(value)
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(discard_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) if members.contains_key(DIRECTIVE) => None,
        Value::Object(members) => Some(Value::Object(
            members.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?))).collect(),
        )),
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
