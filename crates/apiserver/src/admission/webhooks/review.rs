//! The question to a webhook as an AdmissionReview, and what is made of the answer.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{Hook, Phase};
use crate::admission::attributes::{Attributes, Kind, kind_of};
use crate::http::decode_json;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult, Cause};

/// What a webhook has not let through.
pub(super) enum Failure {
    /// It could not be asked, or has answered nonsense: `failurePolicy` decides.
    Calling(String),
    /// It has said no.
    Rejected(ApiError),
}

/// Asks a webhook about `object`, which is in the version of `target`. It may answer with a JSON patch.
pub(super) async fn ask(
    hook: &Hook,
    phase: Phase,
    attributes: &Attributes,
    target: &Resource,
    object: Option<&Value>,
    old: Option<&Value>,
    warnings: &mut Vec<String>,
) -> Result<Option<Value>, Failure> {
    if attributes.is_dry_run() && !hook.takes_dry_runs {
        let why = format!("admission webhook {:?} does not support dry run", hook.name);
        return Err(Failure::Rejected(ApiError::bad_request(why)));
    }
    let known = |version: &&String| matches!(version.as_str(), "v1" | "v1beta1");
    let Some(version) = hook.review_versions.iter().find(known) else {
        let why = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, \
                   v1beta1)";
        return Err(Failure::Calling(why.into()));
    };
    let uid = attributes.core.env.random.uuid();
    let review = review(version, &uid, attributes, target, object, old);
    let timeout = hook.timeout.min(attributes.deadline.saturating_duration_since(Instant::now()));
    let answered = attributes.core.webhooks.post(&hook.client, review.to_string().into(), timeout, true).await;
    let review = answered.and_then(|review| read(review, version));
    let review = review.map_err(|why| Failure::Calling(format!("failed to call webhook: {why}")))?;
    let answer = verified(&review, version, &uid, phase)
        .map_err(|why| Failure::Calling(format!("received invalid webhook response: {why}")))?;
    warnings.extend(answer.list("warnings").iter().filter_map(Value::as_str).map(String::from));
    if !answer.flag("allowed") {
        return Err(Failure::Rejected(denied(&hook.name, answer.at("status"))));
    }
    let patch = match answer.text("patch") {
        "" => None,
        _ if phase == Phase::Validating => None,
        text => {
            let bytes = BASE64_STANDARD.decode(text).map_err(|error| error.to_string());
            let patch = bytes.and_then(|bytes| decode_json(&bytes));
            let undecodable = |why| Failure::Calling(format!("received undecodable patch in webhook response: {why}"));
            Some(patch.map_err(undecodable)?)
        }
    };
    if patch.is_some() && version == "v1" && answer.text("patchType") != "JSONPatch" {
        return Err(Failure::Calling(format!("unsupported patch type {:?}", answer.text("patchType"))));
    }
    Ok(patch)
}

/// What a client is told when a webhook that must not fail could not be asked.
pub(super) fn failed(hook: &Hook, why: &str) -> ApiError {
    ApiError::internal(format!("failed calling webhook {:?}: {why}", hook.name))
}

/// What a client is told when admission as a whole takes too long.
pub(super) fn in_time(attributes: &Attributes) -> ApiResult<()> {
    if Instant::now() < attributes.deadline {
        return Ok(());
    }
    let why = "Timeout: request did not complete within requested timeout - context deadline exceeded";
    Err(ApiError { details: Some(Box::default()), ..ApiError::new(504, "Timeout", why) })
}

fn review(
    version: &str,
    uid: &str,
    attributes: &Attributes,
    target: &Resource,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Value {
    let mut request = request(attributes, target);
    request["uid"] = uid.into();
    request["object"] = object.cloned().unwrap_or_default();
    request["oldObject"] = old.cloned().unwrap_or_default();
    json!({"kind": "AdmissionReview", "apiVersion": format!("admission.k8s.io/{version}"), "request": request})
}

/// What is asked, but for the objects.
pub(in crate::admission) fn request(attributes: &Attributes, target: &Resource) -> Value {
    let (resource, subresource) = (&attributes.resource, attributes.subresource.as_str());
    let mut request = json!({
        "kind": kind_value(&kind_of(target, subresource)),
        "resource": resource_value(target),
        "requestKind": kind_value(&attributes.kind()),
        "requestResource": resource_value(resource),
        "operation": attributes.operation.as_str(),
        "userInfo": attributes.user.to_value(),
        "dryRun": attributes.is_dry_run(),
        "options": attributes.options_value(),
    });
    let texts = [
        ("subResource", subresource),
        ("requestSubResource", subresource),
        ("name", &attributes.name),
        ("namespace", &attributes.namespace),
    ];
    for (key, text) in texts {
        if !text.is_empty() {
            request[key] = text.into();
        }
    }
    request
}

fn kind_value(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

fn resource_value(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "resource": resource.plural})
}

/// An answer that is a review of the version that was sent; it may leave out to say so.
fn read(review: Value, version: &str) -> Result<Value, String> {
    const GROUP: &str = "admission.k8s.io";
    let (kind, api_version) = (review.text("kind"), review.text("apiVersion"));
    if kind.is_empty()
        || api_version.is_empty()
        || kind == "AdmissionReview" && api_version == format!("{GROUP}/{version}")
    {
        return Ok(review);
    }
    match api_version.split_once('/') {
        Some((GROUP, other @ ("v1" | "v1beta1"))) if kind == "AdmissionReview" => {
            Err(format!("converting ({other}.{kind}) to ({version}.{kind}): unknown conversion"))
        }
        _ => Err(format!(
            "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )),
    }
}

/// `response` of a review, if it is an answer to the question.
fn verified<'a>(review: &'a Value, version: &str, uid: &str, phase: Phase) -> Result<&'a Value, String> {
    let response = review.at("response");
    if !response.is_object() {
        return Err("webhook response was absent".into());
    }
    if version == "v1beta1" {
        return Ok(response);
    }
    let given = response.text("uid");
    if given != uid {
        return Err(format!("expected response.uid={uid:?}, got {given:?}"));
    }
    if review.text("kind").is_empty() || review.text("apiVersion").is_empty() {
        return Err("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=".into());
    }
    let (patch, patch_type) = (!response.text("patch").is_empty(), response.at("patchType").as_str());
    match (phase, patch, patch_type) {
        (Phase::Mutating, true, None) => Err("webhook returned response.patch but not response.patchType".into()),
        (Phase::Mutating, false, Some(_)) => Err("webhook returned response.patchType but not response.patch".into()),
        (Phase::Mutating, true, Some("")) => Err("webhook returned invalid response.patchType of \"\"".into()),
        (Phase::Validating, true, _) => Err("validating webhook may not return response.patch".into()),
        (Phase::Validating, _, Some(_)) => Err("validating webhook may not return response.patchType".into()),
        _ => Ok(response),
    }
}

/// The error for a no: the status that the webhook gives, in its name.
fn denied(name: &str, status: &Value) -> ApiError {
    let by = format!("admission webhook {name:?} denied the request");
    let (message, reason) = (status.text("message"), status.text("reason"));
    let text = match (message, reason) {
        ("", "") => format!("{by} without explanation"),
        ("", reason) => format!("{by}: {reason}"),
        (message, _) => format!("{by}: {message}"),
    };
    let code = status.int("code").and_then(|code| u16::try_from(code).ok()).unwrap_or(0).max(400);
    let mut error = ApiError::new(code, reason.to_string(), text);
    let details = status.at("details");
    if details.is_object() {
        let own = error.details.get_or_insert_default();
        own.name = details.text("name").into();
        own.group = details.text("group").into();
        own.kind = details.text("kind").into();
        own.uid = details.text("uid").into();
        own.retry_after_seconds =
            details.int("retryAfterSeconds").and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
        let cause = |cause: &Value| Cause {
            reason: cause.text("reason").into(),
            message: cause.text("message").into(),
            field: cause.text("field").into(),
        };
        own.causes = details.list("causes").iter().map(cause).collect();
    }
    error
}
