//! The namespace and the name of an object must be those of its path.

use serde_json::Value;

use super::call::Call;
use crate::status::{ApiError, ApiResult};

/// The namespace of an object must be that of its path; an object without one takes the path's.
pub(super) fn match_namespace(call: &Call, object: &mut Value) -> ApiResult<()> {
    let expected = if call.resource.namespaced { call.namespace.as_str() } else { "" };
    let metadata = &mut object["metadata"];
    let given = metadata["namespace"].as_str().unwrap_or_default();
    if expected.is_empty() {
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("namespace");
        }
        return Ok(());
    }
    if given.is_empty() {
        metadata["namespace"] = expected.into();
    } else if given != expected {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// The name of an object must be that of its path.
pub(super) fn match_name(call: &Call, object: &Value) -> ApiResult<()> {
    let given = object["metadata"]["name"].as_str().unwrap_or_default();
    let expected = &call.name;
    if given.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({expected} based on URL) was undeterminable: name must be provided"
        )));
    }
    if given != expected {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({expected})"
        )));
    }
    Ok(())
}
