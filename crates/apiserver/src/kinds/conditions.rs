//! Conditions in a status, where the real server checks them: those of the type that API conventions name.

use serde_json::Value;

use super::names;
use super::path::Path;
use super::tree::Tree;
use crate::field::{FieldError, FieldErrorKind};

const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;

/// What is wrong with the list of conditions at `path`.
pub(super) fn validate(conditions: &[Value], path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = path.index(index);
        let ty = condition.text("type");
        if conditions[..index].iter().any(|other| other.text("type") == ty) {
            errors.push(FieldError::duplicate(path.child("type"), ty));
        }
        errors.extend(condition_errors(condition, &path));
    }
    errors
}

fn condition_errors(condition: &Value, path: &Path<'_>) -> Vec<FieldError> {
    const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
    let mut errors = Vec::new();
    let ty = condition.text("type");
    errors
        .extend(names::qualified_name(ty).into_iter().map(|wrong| FieldError::invalid(path.child("type"), ty, wrong)));
    let status = condition.text("status");
    if !STATUSES.contains(&status) {
        errors.push(FieldError::not_supported(path.child("status"), status, &STATUSES));
    }
    let generation = condition.int("observedGeneration").unwrap_or_default();
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        errors.push(FieldError::invalid(path.child("observedGeneration"), generation, detail));
    }
    if !condition.has("lastTransitionTime") {
        errors.push(FieldError::required(path.child("lastTransitionTime"), ""));
    }
    let reason = condition.text("reason");
    if reason.is_empty() {
        errors.push(FieldError::required(path.child("reason"), ""));
    } else {
        if !is_reason(reason) {
            let message = "a condition reason must start with alphabetic character, optionally followed by a string of \
                           alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
            let examples = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
            let detail = names::regex(message, "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", &examples);
            errors.push(FieldError::invalid(path.child("reason"), reason, detail));
        }
        errors.extend(too_long(reason, LONGEST_REASON, path.child("reason")));
    }
    errors.extend(too_long(condition.text("message"), LONGEST_MESSAGE, path.child("message")));
    errors
}

fn is_reason(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_,:".contains(&byte);
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last))
        if first.is_ascii_alphabetic() && (last.is_ascii_alphanumeric() || *last == b'_'))
        && bytes.iter().all(|byte| inner(*byte))
}

fn too_long(text: &str, limit: usize, path: Path<'_>) -> Option<FieldError> {
    let detail = format!("may not be more than {limit} bytes");
    (text.len() > limit).then(|| FieldError::new(FieldErrorKind::TooLong, path, Value::Null, detail))
}
