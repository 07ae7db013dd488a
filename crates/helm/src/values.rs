//! The values of a release as arguments of helm.

use std::collections::BTreeMap;

use serde_json::Value;

/// From here on Go writes a floating-point number with an exponent, and helm reads all numbers of a values file as such.
const EXPONENT: u64 = 1_000_000;

/// Arguments that give helm the whole numbers in `values` that a file can't give it: in a template they would be `1e+06`.
pub(crate) fn large_numbers(values: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(values, &mut String::new(), &mut found);
    found.into_iter().flat_map(|number| ["--set".to_string(), number]).collect()
}

/// Arguments for values that win over those of the custom resource.
pub(crate) fn overrides(overrides: &BTreeMap<String, String>) -> Vec<String> {
    overrides.iter().flat_map(|(path, value)| ["--set-string".to_string(), format!("{path}={value}")]).collect()
}

fn walk(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match value {
        Value::Object(members) => {
            // An empty key has no path.
            for (key, value) in members.iter().filter(|(key, _)| !key.is_empty()) {
                if !path.is_empty() {
                    path.push('.');
                }
                path.extend(key.chars().flat_map(|c| ".,[]={}\\".contains(c).then_some('\\').into_iter().chain([c])));
                walk(value, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                walk(value, path, found);
                path.truncate(length);
            }
        }
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs);
            if !path.is_empty() && size.is_some_and(|size| size >= EXPONENT) {
                found.push(format!("{path}={number}"));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn large_whole_numbers_are_set_by_their_paths() {
        let values = json!({
            "small": 999_999, "size": 1_000_000, "a.b": {"c": [1, {"d": -5_000_000}]}, "text": "1000000", "half": 1e9 + 0.5,
        });
        assert_eq!(large_numbers(&values), ["--set", "a\\.b.c[1].d=-5000000", "--set", "size=1000000"]);
        assert_eq!(large_numbers(&json!(10_000_000)), [""; 0]);
    }
}
