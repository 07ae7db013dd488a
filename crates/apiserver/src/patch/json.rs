//! JSON patch (RFC 6902).
//!
//! kube-apiserver is more lenient than the RFC, and clients rely on it: `replace` of a missing member sets it, negative
//! indices count from the end, `test` of a missing member against null holds, and `copy` of a missing member gives null.
//! That is why this walks the document itself.

use serde_json::{Map, Value};

use super::{json_kind, object_only};
use crate::status::{ApiError, ApiResult, Details};
use crate::store::{MAX_DEPTH, depth};

/// Most operations that one JSON patch may hold.
pub const MAX_JSON_PATCH_OPERATIONS: usize = 10_000;

/// Bytes that all copies of a patch may add together; each may double an object.
const MOST_COPIED: usize = 3 << 20;

/// Why a JSON patch changes nothing.
#[derive(Debug)]
pub(crate) enum JsonPatchFailure {
    /// It is no patch, or makes no object.
    Refused(ApiError),
    /// A `test` has failed; which one.
    Test(String),
    /// An operation does not apply; which one and why.
    Misfit(String),
}

/// Applies a JSON patch to an object.
///
/// Errors: 400 when the patch is no list of operations, 413 when it has more than [`MAX_JSON_PATCH_OPERATIONS`], 422 when
/// an operation can't be applied or a `test` fails. As on the real server the 422 does not say which one.
pub fn json_patch(live: &Value, patch: &Value) -> ApiResult<Value> {
    explained_json_patch(live, patch).map_err(|failure| match failure {
        JsonPatchFailure::Refused(error) => error,
        JsonPatchFailure::Test(_) | JsonPatchFailure::Misfit(_) => does_not_apply(),
    })
}

/// The same, and what is wrong when an operation can't be applied, in the words of the real server: it tells them when a
/// webhook or a policy has made the patch.
pub(crate) fn explained_json_patch(live: &Value, patch: &Value) -> Result<Value, JsonPatchFailure> {
    let operations = decode(patch).map_err(JsonPatchFailure::Refused)?;
    if operations.len() > MAX_JSON_PATCH_OPERATIONS {
        let message = format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {}",
            operations.len()
        );
        return Err(JsonPatchFailure::Refused(ApiError::too_large(message)));
    }
    let mut document = live.clone();
    let mut copied = 0;
    for operation in &operations {
        operation.apply(&mut document, &mut copied)?;
    }
    object_only(document).map_err(JsonPatchFailure::Refused)
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
    fn apply(&self, document: &mut Value, copied: &mut usize) -> Result<(), JsonPatchFailure> {
        let op = self.op;
        let misfit = JsonPatchFailure::Misfit;
        let undecodable = |what: &str, why: &str| misfit(format!("{op} operation failed to decode {what}: {why}"));
        let to = || {
            // Where the value is to go is told of in one way, where one is to be replaced or tested in another.
            let why = if matches!(op, "add" | "remove" | "copy") {
                MISSING
            } else {
                "operation missing path field: missing value"
            };
            self.path.ok_or_else(|| undecodable("path", why))
        };
        let from = || self.from.ok_or_else(|| undecodable("from", "operation, missing from field: missing value"));
        let absent =
            |what: &str, path: &str| misfit(format!("{op} operation does not apply: {what}: {path}: {MISSING}"));
        match op {
            "add" | "remove" => {
                let path = to()?;
                let place =
                    Place::find(document, path).ok_or_else(|| absent("doc is missing path", &format!("\"{path}\"")))?;
                check_depth(path, self.value)?;
                let done = if op == "add" { place.add(self.value.clone()) } else { place.remove().map(drop) };
                done.map_err(|why| misfit(format!("error in {op} for path: '{path}': {why}")))
            }
            "replace" => {
                let path = to()?;
                if path.is_empty() {
                    if !self.value.is_object() && !self.value.is_array() {
                        return Err(misfit("replace operation value must be object or array: %!w(<nil>)".into()));
                    }
                    *document = self.value.clone();
                    return Ok(());
                }
                let place = Place::find(document, path).ok_or_else(|| absent("doc is missing path", path))?;
                check_depth(path, self.value)?;
                place.replace(self.value.clone()).map_err(|_| absent("doc is missing key", path))
            }
            "move" => {
                let from = from()?;
                let place = Place::find(document, from).ok_or_else(|| absent("doc is missing from path", from))?;
                let key = place.key.clone();
                let value = place.remove().map_err(|why| misfit(format!("error in move for path: '{key}': {why}")))?;
                let path = to()?;
                let place =
                    Place::find(document, path).ok_or_else(|| absent("doc is missing destination path", path))?;
                check_depth(path, &value)?;
                place.add(value).map_err(|why| misfit(format!("error in move for path: '{path}': {why}")))
            }
            "copy" => {
                let from = from()?;
                let place = Place::find(document, from).ok_or_else(|| absent("doc is missing from path", from))?;
                let value = place.get().map_err(|why| misfit(format!("error in copy for from: '{from}': {why}")))?;
                let value = value.cloned().unwrap_or_default();
                let path = to()?;
                let place =
                    Place::find(document, path).ok_or_else(|| absent("doc is missing destination path", path))?;
                check_depth(path, &value)?;
                *copied += value.to_string().len();
                if *copied > MOST_COPIED {
                    return Err(misfit(format!(
                        "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit \
                         {MOST_COPIED}"
                    )));
                }
                place.add(value).map_err(|why| misfit(format!("error while adding value during copy: {why}")))
            }
            "test" => {
                let path = to()?;
                let holds = match path {
                    "" => document == self.value,
                    path => {
                        let place = Place::find(document, path).ok_or_else(|| absent("is missing path", path))?;
                        let found =
                            place.get().map_err(|why| misfit(format!("error in test for path: '{path}': {why}")))?;
                        found.unwrap_or(&Value::Null) == self.value
                    }
                };
                if holds {
                    Ok(())
                } else {
                    Err(JsonPatchFailure::Test(format!("testing value {path} failed: test failed")))
                }
            }
            other => Err(misfit(format!("Unexpected kind: {}", if other.is_empty() { "unknown" } else { other }))),
        }
    }
}

/// A patch can nest deeper than any body that could be read.
fn check_depth(path: &str, value: &Value) -> Result<(), JsonPatchFailure> {
    match path.matches('/').count() + depth(value) {
        deep if deep > MAX_DEPTH => Err(JsonPatchFailure::Misfit("exceeded max depth".into())),
        _ => Ok(()),
    }
}

const MISSING: &str = "missing value";

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
                    let at = index(&part, list.len()).ok()?;
                    list.get_mut(at)?
                }
                _ => return None,
            };
        }
        (container.is_object() || container.is_array()).then(|| Self { container, key: unescape(key) })
    }

    /// `None`: an object without the member.
    fn get(&self) -> Result<Option<&Value>, String> {
        match &*self.container {
            Value::Object(members) => Ok(members.get(&self.key)),
            Value::Array(list) => {
                let at = index(&self.key, list.len())?;
                list.get(at).map(Some).ok_or_else(|| no_such_index(&self.key))
            }
            _ => Ok(None),
        }
    }

    fn add(self, value: Value) -> Result<(), String> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key, value);
            }
            Value::Array(list) if self.key == "-" => list.push(value),
            Value::Array(list) => {
                if self.key.parse::<i64>().is_err() {
                    return Err(format!(
                        "value was not a proper array index: '{0}': {1}",
                        self.key,
                        not_a_number(&self.key)
                    ));
                }
                // Index len() appends, and so does -1.
                let at = index(&self.key, list.len() + 1)?;
                if at > list.len() {
                    return Err(no_such_index(&self.key));
                }
                list.insert(at, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn replace(self, value: Value) -> Result<(), String> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key, value);
            }
            Value::Array(list) => {
                let at = index(&self.key, list.len())?;
                *list.get_mut(at).ok_or_else(|| no_such_index(&self.key))? = value;
            }
            _ => {}
        }
        Ok(())
    }

    fn remove(self) -> Result<Value, String> {
        match self.container {
            Value::Array(list) => {
                let at = index(&self.key, list.len())?;
                if at < list.len() { Ok(list.remove(at)) } else { Err(no_such_index(&self.key)) }
            }
            container => {
                let found = container.as_object_mut().and_then(|members| members.remove(&self.key));
                found.ok_or_else(|| format!("Unable to remove nonexistent key: {}: {MISSING}", self.key))
            }
        }
    }
}

/// The position that an index means; it may lie behind the end.
fn index(text: &str, len: usize) -> Result<usize, String> {
    let number: i64 = text.parse().map_err(|_| not_a_number(text))?;
    let at = match usize::try_from(number) {
        Ok(at) => Some(at),
        Err(_) => usize::try_from(number.unsigned_abs()).ok().and_then(|back| len.checked_sub(back)),
    };
    at.ok_or_else(|| no_such_index(text))
}

fn no_such_index(text: &str) -> String {
    let number = text.parse::<i64>().unwrap_or_default();
    format!("Unable to access invalid index: {number}: invalid index referenced")
}

fn not_a_number(text: &str) -> String {
    format!("strconv.Atoi: parsing {text:?}: invalid syntax")
}

fn unescape(part: &str) -> String {
    if part.contains('~') { part.replace("~1", "/").replace("~0", "~") } else { part.to_string() }
}
