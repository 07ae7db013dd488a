//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

use super::json_kind;
use crate::status::{ApiError, ApiResult};

/// Applies a merge patch to an object.
///
/// Errors: 400 when the patch is no object.
pub fn merge_patch(live: &Value, patch: &Value) -> ApiResult<Value> {
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => return Err(ApiError::bad_request("Invalid JSON Patch")),
        other => {
            let kind = json_kind(other);
            let into = "Go value of type map[string]interface {}";
            return Err(ApiError::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {kind} into {into}"
            )));
        }
    };
    let mut document = live.as_object().cloned().unwrap_or_default();
    merge(&mut document, patch);
    Ok(Value::Object(document))
}

fn merge(document: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, change) in patch {
        match (document.get_mut(name), change) {
            (_, Value::Null) => {
                document.remove(name);
            }
            (Some(Value::Object(members)), Value::Object(changes)) => merge(members, changes),
            (Some(place @ Value::Object(_)), _) => *place = change.clone(),
            (Some(place), _) => *place = without_nulls(change),
            (None, _) => {
                document.insert(name.clone(), without_nulls(change));
            }
        }
    }
}

/// What a patch adds has no null members; the real server drops them inside of lists as well, which the RFC does not ask.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
