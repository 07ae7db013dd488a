//! Objects that ask for something which this control plane does not do. A real server takes them; taken here they would be
//! promises that nobody keeps.

use serde_json::Value;

use super::attributes::Attributes;
use crate::field::FieldError;
use crate::kinds::tree::Tree;
use crate::status::{ApiError, ApiResult};

/// Refuses APIServices that hand a group over to another API server: requests are not forwarded.
pub(super) fn validate(attributes: &Attributes, object: &Value) -> ApiResult<()> {
    let resource = &attributes.resource;
    if resource.group != "apiregistration.k8s.io" || resource.kind != "APIService" || !object.has("spec.service") {
        return Ok(());
    }
    let why = "this control plane has no aggregation layer and forwards no requests to other API servers; serve the API as \
               custom resources, or use a cluster that has one";
    let refused = vec![FieldError::forbidden("spec.service", why)];
    Err(ApiError::invalid(&resource.group, &resource.kind, object.text("metadata.name"), refused))
}
