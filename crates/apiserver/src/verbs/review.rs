//! Reviews: questions about access, answered and not stored.
//!
//! The administrator, a member of `system:masters`, may do everything. No one else can log in, so of everyone else the
//! answer is no.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::{decode, managed, namespaces};
use crate::field::{FieldError, FieldErrorKind};
use crate::http::WriteOptions;
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};

/// Whether a resource is a review.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io")
}

/// Answers the review of the body.
pub(super) async fn create(call: &mut Call) -> ApiResult<Reply> {
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut review = decode::body(call, options.field_validation).await?;
    namespaces::match_namespace(call, &mut review)?;
    let resource = call.resource.clone();
    let manager = call.field_manager(&options.field_manager);
    managed::track(call, &manager, "", None, &mut review);
    review["status"] = match resource.kind.as_str() {
        "SelfSubjectReview" => {
            review["metadata"]["creationTimestamp"] = time_text(call.now()).into();
            json!({"userInfo": call.user.to_value()})
        }
        "SelfSubjectRulesReview" => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        "SelfSubjectAccessReview" => {
            check_attributes(&resource, &review)?;
            json!({"allowed": true})
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            check_attributes(&resource, &review)?;
            let groups = review.at("spec.groups").as_array().cloned().unwrap_or_default();
            json!({"allowed": groups.iter().any(|group| group == "system:masters")})
        }
        "TokenReview" => {
            if call.core.is_admin_token(review.text("spec.token")) {
                json!({"authenticated": true, "user": call.core.admin.to_value()})
            } else {
                json!({"user": {}, "error": "invalid bearer token"})
            }
        }
        _ => return Err(ApiError::method_not_allowed()),
    };
    Ok(Reply::tree(201, &review))
}

/// A question is about a resource or about a path, never both.
fn check_attributes(resource: &Resource, review: &Value) -> ApiResult<()> {
    let (about, path) = (review.at("spec.resourceAttributes"), review.at("spec.nonResourceAttributes"));
    let why = match (about.is_null(), path.is_null()) {
        (true, true) => "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        (false, false) => "cannot be specified in combination with resourceAttributes",
        _ => return Ok(()),
    };
    let field = if path.is_null() { "spec.resourceAttributes" } else { "spec.nonResourceAttributes" };
    let error = FieldError::new(FieldErrorKind::Invalid, field, path.clone(), why);
    Err(ApiError::invalid(&resource.group, "", "", vec![error]))
}
