//! JSON patch (RFC 6902).
//!
//! kube-apiserver is more lenient than the RFC, and clients rely on it: `replace` of a missing member sets it, negative
//! indices count from the end, `test` of a missing member against null holds, and `copy` of a missing member gives null.
//! That is why this walks the document itself.

use serde_json::{Map, Value};

use super::{json_kind, object_only};
use crate::status::{ApiError, ApiResult, Details};

/// Most operations that one JSON patch may hold.
pub const MAX_JSON_PATCH_OPERATIONS: usize = 10_000;

/// Applies a JSON patch to an object.
///
/// Errors: 400 when the patch is no list of operations, 413 when it has more than [`MAX_JSON_PATCH_OPERATIONS`], 422 when
/// an operation can't be applied or a `test` fails. As on the real server the 422 does not say which one.
pub fn json_patch(live: &Value, patch: &Value) -> ApiResult<Value> {
    json_patch_if_tests_hold(live, patch)?.ok_or_else(does_not_apply)
}

/// The same for a patch whose failing `test` is no error: then there is nothing to change.
pub(crate) fn json_patch_if_tests_hold(live: &Value, patch: &Value) -> ApiResult<Option<Value>> {
    let operations = decode(patch)?;
    if operations.len() > MAX_JSON_PATCH_OPERATIONS {
        let message = format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {}",
            operations.len()
        );
        return Err(ApiError::too_large(message));
    }
    let mut document = live.clone();
    for operation in &operations {
        match operation.apply(&mut document) {
            Some(()) => {}
            None if operation.op == "test" => return Ok(None),
            None => return Err(does_not_apply()),
        }
    }
    object_only(document).map(Some)
}

/// Members of operations that RFC 6902 does not know, as warnings or strict errors word them.
pub fn json_patch_unknown_fields(patch: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (index, operation) in patch.as_array().into_iter().flatten().enumerate() {
        for name in operation.as_object().into_iter().flat_map(Map::keys) {
            if !["op", "path", "from", "value"].contains(&name.as_str()) {
                out.push(format!("json patch unknown field \"[{index}].{name}\""));
            }
        }
    }
    out
}

struct Operation<'a> {
    op: &'a str,
    path: Option<&'a str>,
    from: Option<&'a str>,
    value: &'a Value,
}

fn decode(patch: &Value) -> ApiResult<Vec<Operation<'_>>> {
    let list = match patch {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        other => return Err(undecodable(other, "Go value of type []handlers.jsonPatchOp")),
    };
    list.iter()
        .map(|entry| {
            if !entry.is_object() && !entry.is_null() {
                return Err(undecodable(entry, "Go value of type handlers.jsonPatchOp"));
            }
            Ok(Operation {
                op: text(entry, "op")?.unwrap_or_default(),
                path: text(entry, "path")?,
                from: text(entry, "from")?,
                value: entry.get("value").unwrap_or(&Value::Null),
            })
        })
        .collect()
}

fn text<'a>(operation: &'a Value, name: &str) -> ApiResult<Option<&'a str>> {
    match operation.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(undecodable(other, &format!("Go struct field jsonPatchOp.{name} of type string"))),
    }
}

fn undecodable(value: &Value, into: &str) -> ApiError {
    ApiError::bad_request(format!("error decoding patch: json: cannot unmarshal {} into {into}", json_kind(value)))
}

fn does_not_apply() -> ApiError {
    let message = "the server rejected our request due to an error in our request";
    ApiError { details: Some(Box::<Details>::default()), ..ApiError::new(422, "Invalid", message) }
}

impl Operation<'_> {
    /// `None`: the operation does not apply.
    fn apply(&self, document: &mut Value) -> Option<()> {
        let path = self.path?;
        match self.op {
            "add" => Place::find(document, path)?.add(self.value.clone()),
            "remove" => Place::find(document, path)?.remove().map(drop),
            "replace" if path.is_empty() => {
                *document = (self.value.is_object() || self.value.is_array()).then(|| self.value.clone())?;
                Some(())
            }
            "replace" => Place::find(document, path)?.replace(self.value.clone()),
            "move" => {
                let value = Place::find(document, self.from?)?.remove()?;
                Place::find(document, path)?.add(value)
            }
            "copy" => {
                let value = Place::find(document, self.from?)?.get()?.cloned().unwrap_or_default();
                Place::find(document, path)?.add(value)
            }
            "test" if path.is_empty() => (document == self.value).then_some(()),
            "test" => {
                let holds = Place::find(document, path)?.get()?.unwrap_or(&Value::Null) == self.value;
                holds.then_some(())
            }
            _ => None,
        }
    }
}

/// A member of an object or list, whether it is there or not.
struct Place<'a> {
    container: &'a mut Value,
    key: String,
}

impl<'a> Place<'a> {
    fn find(document: &'a mut Value, path: &str) -> Option<Self> {
        // What stands before the first slash is ignored, as the real server does.
        let (_, path) = path.split_once('/')?;
        let (parents, key) = path.rsplit_once('/').map_or((None, path), |(parents, key)| (Some(parents), key));
        let mut container = document;
        for part in parents.into_iter().flat_map(|parents| parents.split('/')) {
            let part = unescape(part);
            container = match container {
                Value::Object(members) => members.get_mut(&part)?,
                Value::Array(list) => {
                    let at = index(&part, list.len())?;
                    list.get_mut(at)?
                }
                _ => return None,
            };
        }
        (container.is_object() || container.is_array()).then(|| Self { container, key: unescape(key) })
    }

    /// Outer `None`: no such place; inner `None`: an object without the member.
    fn get(&self) -> Option<Option<&Value>> {
        match &*self.container {
            Value::Object(members) => Some(members.get(&self.key)),
            Value::Array(list) => Some(Some(list.get(index(&self.key, list.len())?)?)),
            _ => None,
        }
    }

    fn add(self, value: Value) -> Option<()> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key, value);
            }
            Value::Array(list) if self.key == "-" => list.push(value),
            Value::Array(list) => {
                // Index len() appends, and so does -1.
                let at = index(&self.key, list.len() + 1)?;
                if at > list.len() {
                    return None;
                }
                list.insert(at, value);
            }
            _ => return None,
        }
        Some(())
    }

    fn replace(self, value: Value) -> Option<()> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key, value);
            }
            Value::Array(list) => {
                let at = index(&self.key, list.len())?;
                *list.get_mut(at)? = value;
            }
            _ => return None,
        }
        Some(())
    }

    fn remove(self) -> Option<Value> {
        match self.container {
            Value::Object(members) => members.remove(&self.key),
            Value::Array(list) => {
                let at = index(&self.key, list.len())?;
                (at < list.len()).then(|| list.remove(at))
            }
            _ => None,
        }
    }
}

/// The position that an index means; it may lie behind the end.
fn index(text: &str, len: usize) -> Option<usize> {
    let number: i64 = text.parse().ok()?;
    if number >= 0 {
        usize::try_from(number).ok()
    } else {
        len.checked_sub(usize::try_from(number.unsigned_abs()).ok()?)
    }
}

fn unescape(part: &str) -> String {
    if part.contains('~') { part.replace("~1", "/").replace("~0", "~") } else { part.to_string() }
}
