//! Reviews: questions about access, answered and not stored.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::{decode, managed, namespaces};
use crate::auth::User;
use crate::authorization::{Attributes, Decision, PolicyRule, ResourceTarget, Target, aggregate};
use crate::field::{FieldError, FieldErrorKind};
use crate::http::WriteOptions;
use crate::kinds::metadata::time_text;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::selector::FieldSelector;
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
    call.core.ensure_access_defaults().await?;
    match resource.kind.as_str() {
        "SelfSubjectReview" => {
            managed::track(call, &manager, "", None, &mut review);
            review["metadata"]["creationTimestamp"] = time_text(call.now()).into();
            review["status"] = json!({"userInfo": call.user.to_value()});
        }
        "SelfSubjectRulesReview" => {
            // The question is not repeated in the answer.
            review["status"] = rules(call, &review)?;
            review["spec"] = json!({});
            review["metadata"] = json!({});
        }
        "SelfSubjectAccessReview" => {
            managed::track(call, &manager, "", None, &mut review);
            validate(&resource, &review, &call.namespace)?;
            review["status"] = access(call, &review, &call.user);
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            managed::track(call, &manager, "", None, &mut review);
            validate(&resource, &review, &call.namespace)?;
            review["status"] = access(call, &review, &subject(&review));
        }
        "TokenReview" => {
            managed::track(call, &manager, "", None, &mut review);
            review["status"] = token(call, &review)?;
        }
        _ => return Err(ApiError::method_not_allowed()),
    }
    Ok(Reply::tree(201, &review))
}

/// The user that a SubjectAccessReview asks about.
fn subject(review: &Value) -> User {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    };
    User {
        name: review.text("spec.user").into(),
        uid: review.text("spec.uid").into(),
        groups: texts(review.at("spec.groups")),
        extra: review.entries("spec.extra").map(|(key, values)| (key.clone(), texts(values))).collect(),
    }
}

/// `status` of the reviews that ask about one action.
fn access(call: &Call, review: &Value, user: &User) -> Value {
    let path = review.at("spec.nonResourceAttributes");
    let about = review.at("spec.resourceAttributes");
    let (verb, target) = if about.is_null() {
        (path.text("verb"), Target::Path(path.text("path")))
    } else {
        let target = ResourceTarget {
            group: about.text("group"),
            resource: about.text("resource"),
            subresource: about.text("subresource"),
            namespace: about.text("namespace"),
            name: about.text("name"),
        };
        (about.text("verb"), Target::Resource(target))
    };
    let decision = call.core.authorizer.decide(&Attributes { user, verb, target });
    let (allowed, reason) = match decision {
        Decision::Allowed(reason) => (true, reason),
        Decision::Denied(reason) => (false, reason),
    };
    let mut status = json!({ "allowed": allowed });
    if !reason.is_empty() {
        status["reason"] = reason.into();
    }
    let ignored = ignored_selectors(about);
    if !ignored.is_empty() {
        status["evaluationError"] = ignored.join("; ").into();
    }
    status
}

/// Selectors that can't be read do not count; whoever asks is told.
fn ignored_selectors(about: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let raw = |field: &str| about.at(field).text("rawSelector");
    let text = |field: &str| format!("spec.resourceAttributes.{field} ignored due to parse error");
    if FieldSelector::parse(raw("fieldSelector")).is_err() {
        out.push(text("fieldSelector"));
    }
    if crate::selector::LabelSelector::parse(raw("labelSelector")).is_err() {
        out.push(text("labelSelector"));
    }
    out
}

/// `status` of a SelfSubjectRulesReview.
fn rules(call: &Call, review: &Value) -> ApiResult<Value> {
    let namespace = review.text("spec.namespace");
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let held = call.core.authorizer.rules(&call.user, namespace);
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    for PolicyRule { verbs, api_groups, resources: plurals, resource_names, non_resource_urls } in held.rules {
        if !plurals.is_empty() {
            let mut rule = json!({ "verbs": verbs, "apiGroups": api_groups, "resources": plurals });
            if !resource_names.is_empty() {
                rule["resourceNames"] = resource_names.into();
            }
            resources.push(rule);
        }
        if !non_resource_urls.is_empty() {
            paths.push(json!({ "verbs": verbs, "nonResourceURLs": non_resource_urls }));
        }
    }
    let mut status = json!({ "incomplete": false, "resourceRules": resources, "nonResourceRules": paths });
    if !held.errors.is_empty() {
        status["evaluationError"] = aggregate(held.errors).into();
    }
    Ok(status)
}

/// `status` of a TokenReview.
fn token(call: &Call, review: &Value) -> ApiResult<Value> {
    let token = review.text("spec.token");
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    let asked: Vec<String> =
        review.list("spec.audiences").iter().filter_map(Value::as_str).map(str::to_string).collect();
    let audiences = if asked.is_empty() { call.core.tokens.audiences() } else { asked.as_slice() };
    Ok(match call.core.token_user(token, audiences) {
        Ok((user, audiences)) => json!({"authenticated": true, "user": user.to_value(), "audiences": audiences}),
        Err(why) => json!({"user": {}, "error": why}),
    })
}

/// What a review that asks about one action must say, and what it must not.
fn validate(resource: &Resource, review: &Value, namespace: &str) -> ApiResult<()> {
    let (about, path) = (review.at("spec.resourceAttributes"), review.at("spec.nonResourceAttributes"));
    let invalid =
        |field: &str, value: &Value, why: &str| FieldError::new(FieldErrorKind::Invalid, field, value.clone(), why);
    let mut errors = Vec::new();
    if !about.is_null() && !path.is_null() {
        let why = "cannot be specified in combination with resourceAttributes";
        errors.push(invalid("spec.nonResourceAttributes", path, why));
    }
    if about.is_null() && path.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.push(invalid("spec.resourceAttributes", path, why));
    }
    let is_self = resource.kind == "SelfSubjectAccessReview";
    if !is_self && review.text("spec.user").is_empty() && review.list("spec.groups").is_empty() {
        errors.push(invalid("spec.user", &"".into(), "at least one of user or group must be specified"));
    }
    for field in ["fieldSelector", "labelSelector"] {
        errors.extend(validate_selector(about.at(field), &format!("spec.resourceAttributes.{field}")));
    }
    let local = resource.namespaced;
    let mut metadata = review["metadata"].clone();
    for field in ["managedFields", if local { "namespace" } else { "managedFields" }] {
        metadata.drop_field(field);
    }
    if metadata.as_object().is_some_and(|metadata| metadata.values().any(|value| !value.is_null())) {
        let why = if local { "must be empty except for namespace" } else { "must be empty" };
        errors.push(invalid("metadata", &review["metadata"], why));
    }
    if local {
        if !about.is_null() && about.text("namespace") != namespace {
            let field = "spec.resourceAttributes.namespace";
            errors.push(invalid(field, &about.text("namespace").into(), "must match metadata.namespace"));
        }
        if !path.is_null() {
            // Shown by the names that they have within the real server.
            let shown = json!({"Path": path.text("path"), "Verb": path.text("verb")});
            errors.push(invalid("spec.nonResourceAttributes", &shown, "disallowed on this kind of request"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(&resource.group, "", "", errors)) }
}

fn validate_selector(selector: &Value, path: &str) -> Option<FieldError> {
    if selector.is_null() {
        return None;
    }
    let raw = selector.text("rawSelector");
    match (raw.is_empty(), selector.list("requirements").is_empty()) {
        (false, false) => {
            let why = "may not specified at the same time as requirements";
            Some(FieldError::invalid(format!("{path}.rawSelector"), raw, why))
        }
        (true, true) => {
            let why = format!("when {path} is specified, requirements or rawSelector is required");
            Some(FieldError::required(format!("{path}.requirements"), why))
        }
        _ => None,
    }
}
