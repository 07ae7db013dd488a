//! NamespaceLifecycle: nothing new in namespaces that are not there or going; some namespaces can't be deleted.

use super::attributes::{Attributes, Operation};
use crate::status::{ApiError, ApiResult, Cause};
use crate::store::ObjectKey;

/// Namespaces that can't be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn admit(attributes: &Attributes) -> ApiResult<()> {
    let (namespace, name) = (attributes.namespace.as_str(), attributes.name.as_str());
    if attributes.is_namespace() {
        if attributes.operation == Operation::Delete && IMMORTAL.contains(&name) {
            return Err(ApiError::forbidden("", "namespaces", name, "this namespace may not be deleted"));
        }
        return Ok(());
    }
    if namespace.is_empty() || attributes.operation == Operation::Delete {
        return Ok(());
    }
    let namespaces = attributes.core.store.collection("", "namespaces");
    let Some(found) = namespaces.get(&ObjectKey::new("", namespace)) else {
        return Err(ApiError::not_found("", "namespaces", namespace));
    };
    // A namespace that is being deleted is rare, and its phase is a selectable field, so nothing needs to be parsed.
    if attributes.operation != Operation::Create || found.field("status.phase") != Some("Terminating") {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let resource = &attributes.resource;
    let mut error = ApiError::forbidden(&resource.group, &resource.plural, name, why);
    error.details.get_or_insert_default().causes.push(Cause {
        reason: "NamespaceTerminating".into(),
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".into(),
    });
    Err(error)
}
