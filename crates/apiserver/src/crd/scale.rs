//! The numbers behind the scale subresource of a custom resource.

use serde_json::Value;

use crate::field::FieldError;

/// What is wrong with the numbers of replicas in `object`, at `replicas` the wanted and at `status_replicas` the actual
/// one, and with the selector. Paths are dotted (`spec.replicas`); an empty one is not looked at.
pub fn validate_scale(replicas: &str, status_replicas: &str, selector: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for path in [replicas, status_replicas].into_iter().filter(|path| !path.is_empty()) {
        let (value, reason) = match find(object, path, "int64", |value| value.as_i64()) {
            Err(reason) => (0, reason),
            Ok(Some(count)) if count < 0 => (count, "should be a non-negative integer".to_owned()),
            Ok(Some(count)) if count > i64::from(i32::MAX) => {
                (count, format!("should be less than or equal to {}", i32::MAX))
            }
            Ok(_) => continue,
        };
        errors.push(FieldError::invalid(format!(".{path}"), value, reason));
    }
    if !selector.is_empty()
        && let Err(reason) = find(object, selector, "string", |value| value.as_str().map(drop))
    {
        errors.push(FieldError::invalid(format!(".{selector}"), "", reason));
    }
    errors
}

/// The value at a dotted path; the error is that of Go's accessors.
fn find<T>(object: &Value, path: &str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, String> {
    let mut value = object;
    let wrong = |value: &Value, wanted: &str| {
        format!(".{path} accessor error: {} is of the type {}, expected {wanted}", shown(value), go_type(value))
    };
    for name in path.split('.') {
        let Some(members) = value.as_object() else { return Err(wrong(value, "map[string]interface{}")) };
        match members.get(name) {
            Some(member) => value = member,
            None => return Ok(None),
        }
    }
    read(value).map(Some).ok_or_else(|| wrong(value, wanted))
}

/// A value as Go's `%v` prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(entries) => format!("[{}]", entries.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each message was given by a real server.
    #[test]
    fn replicas_are_counts() {
        for (object, expected) in [
            (json!({"spec": {"replicas": 1}}), ""),
            (json!({}), ""),
            (
                json!({"spec": "text"}),
                ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: text is of the type string, \
                 expected map[string]interface{}",
            ),
            (
                json!({"spec": {"replicas": "1"}}),
                ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: 1 is of the type string, expected int64",
            ),
            (json!({"spec": {"replicas": -1}}), ".spec.replicas: Invalid value: -1: should be a non-negative integer"),
        ] {
            let errors = validate_scale("spec.replicas", "status.replicas", "status.selector", &object);
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors.join(", "), expected);
        }
    }
}
