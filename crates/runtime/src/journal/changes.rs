//! Which fields a write has changed.

use std::fmt;

use serde_json::Value;

/// The most changes that are told of one write.
const MOST: usize = 20;
/// The longest that a value is shown.
const LONGEST: usize = 60;

/// A field that has another value than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Where it is: `.spec.ports[0].port`. Elements of lists are found by their position. Empty if the object as a whole
    /// was made or deleted.
    pub field: String,
    /// What it was, as JSON, shortened; `None` if it was not there.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        let colon = if self.field.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{} → {}", self.field, text(&self.from), text(&self.to))
    }
}

/// The fields in which two states of an object differ, without what the server counts and stamps by itself.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    const NOT_OURS: [&str; 4] =
        [".metadata.managedFields", ".metadata.resourceVersion", ".metadata.generation", ".metadata.uid"];
    if before == after || changes.len() >= MOST || NOT_OURS.contains(&path) {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let gone =
                before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(key, value)| (key, Some(value), None));
            let there = after.iter().map(|(key, value)| (key, before.get(key), Some(value)));
            for (key, before, after) in gone.chain(there) {
                compare(&format!("{path}.{key}"), before, after, changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for at in 0..before.len().max(after.len()) {
                compare(&format!("{path}[{at}]"), before.get(at), after.get(at), changes);
            }
        }
        (before, after) => {
            changes.push(FieldChange { field: path.to_string(), from: before.map(shown), to: after.map(shown) });
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_named_and_what_the_server_counts_is_left_out() {
        let before = json!({"metadata": {"resourceVersion": "1", "generation": 1}, "spec": {"replicas": 1, "old": true, "list": [1, 2]}});
        let after = json!({"metadata": {"resourceVersion": "2", "generation": 2}, "spec": {"replicas": 2, "new": {"a": 1}, "list": [1, 3, 4]}});
        let shown: Vec<String> = between(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                ".spec.old: true → nothing",
                ".spec.list[1]: 2 → 3",
                ".spec.list[2]: nothing → 4",
                ".spec.new: nothing → {\"a\":1}",
                ".spec.replicas: 1 → 2",
            ]
        );
        assert!(between(&after, &after).is_empty());
    }

    #[test]
    fn long_values_are_shortened() {
        let long = between(&json!({"a": "x"}), &json!({"a": "ü".repeat(200)}));
        assert_eq!(long[0].to.as_ref().unwrap().chars().count(), LONGEST + 1);
    }
}
