//! Errors as the API reports them: a `Status` object with code, reason, message and details.
//!
//! Every failure inside this crate that a client sees ends as an [`ApiError`]; the texts equal kube-apiserver's.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::field::FieldError;

/// What a client gets instead of the object that it asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, for example `NotFound`; empty when the server gives none.
    pub reason: Cow<'static, str>,
    /// Human-readable text.
    pub message: String,
    /// `details`, when there are any. Boxed to keep `Result` small.
    pub details: Option<Box<Details>>,
    /// `metadata.continue`: where a list can go on all the same.
    pub continue_token: Option<Box<str>>,
}

/// `Status.details`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Name of the object, where there is one.
    pub name: String,
    /// API group of the resource.
    pub group: String,
    /// Plural resource name, or the kind for `Invalid`, as the real server does.
    pub kind: String,
    /// UID of the object.
    pub uid: String,
    /// One entry per refused field.
    pub causes: Vec<Cause>,
    /// Seconds after which the client may try again; 0: not given.
    pub retry_after_seconds: u32,
}

/// One entry of `details.causes`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cause {
    /// Machine-readable reason, for example `FieldValueInvalid`.
    pub reason: String,
    /// Human-readable text.
    pub message: String,
    /// Path of the field.
    pub field: String,
}

/// The result of a request.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error without details.
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), message: message.into(), details: None, continue_token: None }
    }

    /// 400: the request can't be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401: nobody that the server knows.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403 for a resource that may not be touched in this way.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: impl std::fmt::Display) -> Self {
        let qualified = qualified(group, resource);
        let message = if name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} {name:?} is forbidden: {why}")
        };
        Self::new(403, "Forbidden", message).about(group, resource, name)
    }

    /// 404 for an object.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", qualified(group, resource)))
            .about(group, resource, name)
    }

    /// 404 for a path or resource that is not served.
    pub fn no_such_resource() -> Self {
        Self {
            details: Some(Box::default()),
            ..Self::new(404, "NotFound", "the server could not find the requested resource")
        }
    }

    /// 405: the resource has no such verb.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: Some(Box::default()), ..Self::new(405, "MethodNotAllowed", message) }
    }

    /// 405: the objects of the resource can't be watched.
    pub fn not_watchable(group: &str, resource: &str) -> Self {
        let message = format!("watch is not supported on resources of kind {:?}", qualified(group, resource));
        Self::new(405, "MethodNotAllowed", message).about(group, resource, "")
    }

    /// 406: none of the media types that the client accepts can be made.
    pub fn not_acceptable(offered: &str) -> Self {
        Self::new(406, "NotAcceptable", format!("only the following media types are accepted: {offered}"))
    }

    /// 406 in the words of the router in front of the built-in kinds, which looks at the header first.
    pub fn not_routed(offered: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {offered}");
        Self { details: Some(Box::default()), ..Self::new(406, "NotAcceptable", message) }
    }

    /// 409: an object of that name is there.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", qualified(group, resource)))
            .about(group, resource, name)
    }

    /// 409: the write is based on an old version, or breaks a precondition.
    pub fn conflict(group: &str, resource: &str, name: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(group, resource));
        Self::new(409, "Conflict", message).about(group, resource, name)
    }

    /// 409: the resourceVersion sent is not the current one.
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, why)
    }

    /// 410: the resourceVersion or continue token is older than what the server remembers.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 413: the body is larger than the limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 415: the body's media type can't be read.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422: fields of the object are refused. `kind` is the kind, not the resource, as the real server does.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: Vec<FieldError>) -> Self {
        let texts: Vec<String> = dedup(errors.iter().map(ToString::to_string));
        let why = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let causes = errors
            .iter()
            .map(|e| Cause { reason: e.kind.reason().into(), message: e.body(), field: shown_path(&e.field).into() })
            .collect();
        let mut error = Self::new(422, "Invalid", format!("{} {name:?} is invalid: {why}", qualified(group, kind)))
            .about(group, kind, name);
        if let Some(details) = &mut error.details {
            details.causes = causes;
        }
        error
    }

    /// A 422 that refuses these fields too. Other errors stay as they are.
    #[must_use]
    pub fn with_more(self, more: Vec<FieldError>) -> Self {
        let Some(details) = self.details.as_deref().filter(|_| self.code == 422) else { return self };
        let again = Self::invalid(&details.group, &details.kind, &details.name, more);
        let mut causes = details.causes.clone();
        causes.extend(again.details.iter().flat_map(|details| details.causes.clone()));
        let texts = dedup(causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)));
        let message = format!(
            "{} {:?} is invalid: [{}]",
            qualified(&details.group, &details.kind),
            details.name,
            texts.join(", ")
        );
        let details = Details { causes, ..details.clone() };
        Self { message, details: Some(Box::new(details)), ..self }
    }

    /// 500: a fault of the server itself.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        let why = why.to_string();
        let mut error = Self::new(500, "InternalError", format!("Internal error occurred: {why}"));
        let cause = Cause { message: why, ..Cause::default() };
        error.details.get_or_insert_default().causes.push(cause);
        error
    }

    /// 504: the resourceVersion asked for lies in the future. The client may try again after so many seconds; 0: not said.
    pub fn resource_version_too_large(asked: u64, current: u64, retry_after_seconds: u32) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause = Cause {
            reason: "ResourceVersionTooLarge".into(),
            message: "Too large resource version".into(),
            field: String::new(),
        };
        let details = Details { causes: vec![cause], retry_after_seconds, ..Details::default() };
        Self { details: Some(Box::new(details)), ..Self::new(504, "Timeout", message) }
    }

    /// The same error with `details` that name the object.
    pub fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.details.get_or_insert_default();
        details.group = group.into();
        details.kind = kind.into();
        details.name = name.into();
        self
    }

    /// The `Status` object that goes on the wire.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if let Some(token) = &self.continue_token {
            status["metadata"]["continue"] = token.as_ref().into();
        }
        if !self.reason.is_empty() {
            status["reason"] = self.reason.as_ref().into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.to_value();
        }
        status
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                out.insert(key.into(), text.as_str().into());
            }
        }
        if !self.causes.is_empty() {
            out.insert("causes".into(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            out.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        Value::Object(out)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                out.insert(key.into(), text.as_str().into());
            }
        }
        Value::Object(out)
    }
}

fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_string() } else { format!("{resource}.{group}") }
}

fn shown_path(field: &str) -> &str {
    if field.is_empty() { "<nil>" } else { field }
}

fn dedup(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts {
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_the_field_as_the_real_server_does() {
        let error = ApiError::invalid("", "Service", "a", vec![FieldError::required("spec.ports", "")]);
        assert_eq!(error.message, "Service \"a\" is invalid: spec.ports: Required value");
        let status = error.to_status();
        assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueRequired");
        assert_eq!(status["details"]["causes"][0]["field"], "spec.ports");
    }

    #[test]
    fn several_field_errors_stand_in_brackets_once_each() {
        let errors =
            vec![FieldError::duplicate("a", "x"), FieldError::duplicate("a", "x"), FieldError::forbidden("b", "no")];
        let error = ApiError::invalid("g", "K", "n", errors);
        assert_eq!(error.message, "K.g \"n\" is invalid: [a: Duplicate value: \"x\", b: Forbidden: no]");
    }
}
