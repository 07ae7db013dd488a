//! Admission policies: what is not enforced is refused.

use serde_json::Value;

use crate::field::FieldError;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};

/// Refuses the binding of a policy. A policy alone does nothing, on the real server too; its binding puts it in force,
/// which nothing here would do.
pub(crate) fn check(resource: &Resource, object: &Value) -> ApiResult<()> {
    const BINDINGS: [&str; 2] = ["mutatingadmissionpolicybindings", "validatingadmissionpolicybindings"];
    if resource.group != "admissionregistration.k8s.io" || !BINDINGS.contains(&resource.plural.as_str()) {
        return Ok(());
    }
    let detail = "admission policies are not enforced by this server yet, and a binding would claim that they are; use a \
                  webhook, or a real cluster";
    let error = FieldError::forbidden("spec.policyName", detail);
    Err(ApiError::invalid(&resource.group, &resource.kind, object.text("metadata.name"), vec![error]))
}
