//! Patches: JSON patch, merge patch and strategic merge patch, with kube-apiserver's semantics and errors.
//!
//! | module | what it holds |
//! |---|---|
//! | `json` | RFC 6902, with the leniences of the real server |
//! | `merge` | RFC 7386 |
//! | `strategic` | strategic merge patch: walks patch and object along the schema |
//! | `order` | order of merged lists: what the patch wants first, what only the server has in between |
//!
//! All of them are pure: live object and patch in, patched object out. The caller decodes the result (unknown fields,
//! defaults, validation) as it does for an update.

mod json;
mod merge;
mod order;
mod strategic;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::field::FieldError;
use crate::status::{ApiError, ApiResult};

pub(crate) use json::{JsonPatchFailure, explained_json_patch};
pub use json::{MAX_JSON_PATCH_OPERATIONS, json_patch, json_patch_unknown_fields};
pub use merge::merge_patch;
pub use strategic::strategic;

/// 422 for a patch whose result is not an object at all.
fn result_is_no_object(result: &Value) -> ApiError {
    let detail =
        format!("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", json_kind(result));
    ApiError::invalid("", "", "", vec![FieldError::invalid("patch", result.to_string(), detail)])
}

/// The result of a patch, which must be an object.
fn object_only(result: Value) -> ApiResult<Value> {
    if result.is_object() { Ok(result) } else { Err(result_is_no_object(&result)) }
}

/// The JSON type of a value in the words of Go's decoder.
fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
