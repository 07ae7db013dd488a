//! Compares two answers field by field, and knows which differences are meant.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A field that differs.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) case: String,
    /// The number of the call in its case, from 1, and the call.
    pub(crate) step: (usize, String),
    /// JSON pointer into the answer.
    pub(crate) at: String,
    pub(crate) real: Option<Value>,
    pub(crate) other: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<Value>| value.as_ref().map_or("(absent)".to_owned(), Value::to_string);
        writeln!(f, "{} {} {}: {}", self.case, self.step.0, self.step.1, self.at)?;
        writeln!(f, "    real     {}", side(&self.real))?;
        write!(f, "    embedded {}", side(&self.other))
    }
}

/// A difference that is meant, with the reason why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    /// The case; all when left out.
    case: Option<String>,
    /// The number of the step in the case; all when left out.
    step: Option<usize>,
    /// Where the pointer starts.
    at: String,
    /// Why the servers are to differ here. Only people read it, and none is accepted without.
    #[expect(dead_code, reason = "a reason is asked for and told nobody but the reader of the file")]
    reason: String,
}

impl Accepted {
    pub(crate) fn covers(&self, difference: &Difference) -> bool {
        self.case.as_ref().is_none_or(|case| *case == difference.case)
            && self.step.is_none_or(|step| step == difference.step.0)
            && difference.at.starts_with(&self.at)
    }
}

/// The pointers at which two answers differ, with both values.
pub(crate) fn compare(real: &Value, other: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
    let mut found = Vec::new();
    walk(String::new(), Some(real), Some(other), &mut found);
    found
}

fn walk(
    at: String,
    real: Option<&Value>,
    other: Option<&Value>,
    found: &mut Vec<(String, Option<Value>, Option<Value>)>,
) {
    match (real, other) {
        (Some(Value::Object(one)), Some(Value::Object(two))) => {
            let mut keys: Vec<&String> = one.keys().chain(two.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let key_at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(key_at, one.get(key), two.get(key), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(two))) => {
            for index in 0..one.len().max(two.len()) {
                walk(format!("{at}/{index}"), one.get(index), two.get(index), found);
            }
        }
        _ if real == other => {}
        _ => found.push((at, real.cloned(), other.cloned())),
    }
}

#[test]
fn differences_are_found_where_they_are() {
    let one = serde_json::json!({"a": [1, 2], "b": {"c/d": 1}, "e": null});
    let two = serde_json::json!({"a": [1], "b": {"c/d": 2}, "e": null});
    let found: Vec<String> = compare(&one, &two).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(found, ["/a/1", "/b/c~1d"]);
}
