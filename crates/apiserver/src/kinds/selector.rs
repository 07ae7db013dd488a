//! Label selectors (`metav1.LabelSelector`): checks, and whether labels match.

use serde_json::Value;

use super::metadata::validate_labels;
use super::names;
use super::path::Path;
use super::tree::Tree;
use crate::field::FieldError;

/// Checks a label selector; an absent one is right.
pub(super) fn validate(selector: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = validate_labels(selector.at("matchLabels"), &path.child("matchLabels"));
    let expressions = path.child("matchExpressions");
    for (index, requirement) in selector.list("matchExpressions").iter().enumerate() {
        let path = expressions.index(index);
        let values = requirement.list("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(path.child("values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(path.child("values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                errors.push(FieldError::invalid(path.child("operator"), other, "not a valid selector operator"));
            }
        }
        let key = requirement.text("key");
        for message in names::qualified_name(key) {
            errors.push(FieldError::invalid(path.child("key"), key, message));
        }
        for (at, value) in values.iter().filter_map(Value::as_str).enumerate() {
            for message in names::label_value(value) {
                errors.push(FieldError::invalid(path.child("values").index(at), value, message));
            }
        }
    }
    errors
}

/// Whether a selector selects nothing in particular: no labels, no expressions.
pub(super) fn is_empty(selector: &Value) -> bool {
    selector.entries("matchLabels").next().is_none() && selector.list("matchExpressions").is_empty()
}

/// Whether labels match a selector. An empty selector matches everything, an unknown operator nothing.
pub(super) fn matches(selector: &Value, labels: &Value) -> bool {
    selector.entries("matchLabels").all(|(key, value)| labels.get(key) == Some(value))
        && selector.list("matchExpressions").iter().all(|requirement| {
            let label = labels.get(requirement.text("key"));
            let listed = label.is_some_and(|label| requirement.list("values").contains(label));
            match requirement.text("operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_matches_by_labels_and_expressions() {
        let labels = json!({"a": "1", "b": "2"});
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchLabels": {"a": "2"}}), false),
            (json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "3"]}]}), true),
            (json!({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}), true),
            (json!({"matchExpressions": [{"key": "c", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}), false),
        ];
        for (selector, expected) in cases {
            assert_eq!(matches(&selector, &labels), expected, "{selector}");
        }
    }
}
