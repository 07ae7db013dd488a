//! Which namespaces take new objects: the NamespaceLifecycle admission of the real server.

use serde_json::Value;

use super::call::Call;
use crate::status::{ApiError, ApiResult, Cause};
use crate::store::ObjectKey;

/// Namespaces that can't be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Refuses new objects in namespaces that are not there or are being deleted.
pub(super) fn admit_create(call: &Call, name: &str) -> ApiResult<()> {
    if call.namespace.is_empty() || !call.resource.namespaced {
        return Ok(());
    }
    let namespaces = call.core.store.collection("", "namespaces");
    let Some(namespace) = namespaces.get(&ObjectKey::new("", &call.namespace)) else {
        return Err(ApiError::not_found("", "namespaces", &call.namespace));
    };
    // A namespace that is being deleted is rare, and its phase is a selectable field, so nothing needs to be parsed.
    if namespace.field("status.phase") != Some("Terminating") {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {} because it is being terminated", call.namespace);
    let mut error = ApiError::forbidden(&call.resource.group, &call.resource.plural, name, why);
    if let Some(details) = &mut error.details {
        details.causes.push(Cause {
            reason: "NamespaceTerminating".into(),
            message: format!("namespace {} is being terminated", call.namespace),
            field: "metadata.namespace".into(),
        });
    }
    Err(error)
}

/// Refuses the deletion of the namespaces that a cluster can't be without.
pub(super) fn admit_delete(call: &Call, name: &str) -> ApiResult<()> {
    if call.resource.group.is_empty() && call.resource.plural == "namespaces" && IMMORTAL.contains(&name) {
        return Err(ApiError::forbidden("", "namespaces", name, "this namespace may not be deleted"));
    }
    Ok(())
}

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
