//! Compares two answers field by field, and knows which differences are meant.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde_json::Value;

/// A field that differs.
#[derive(Debug)]
pub(crate) struct Difference {
    /// As `calls/apply`.
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

/// Differences that are known, with the reason why they are there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// The case, as `calls/apply`; all when left out.
    case: Option<String>,
    /// The numbers of the steps in the case; all when left out.
    steps: Option<Vec<usize>>,
    /// Where the pointer starts; `*` stands for one of its parts. Everywhere when left out.
    #[serde(default)]
    at: String,
    /// What either answer contains there; anything when left out.
    text: Option<String>,
    #[expect(dead_code, reason = "asked for, and read by people only")]
    reason: String,
    /// Whether it has covered a difference.
    #[serde(skip)]
    found: AtomicBool,
}

impl Known {
    pub(crate) fn covers(&self, difference: &Difference) -> bool {
        self.case.as_ref().is_none_or(|case| *case == difference.case)
            && self.steps.as_ref().is_none_or(|steps| steps.contains(&difference.step.0))
            && starts_with(&difference.at, &self.at)
            && self.text.as_ref().is_none_or(|text| {
                let sides = [&difference.real, &difference.other];
                sides.into_iter().flatten().any(|side| side.to_string().contains(text.as_str()))
            })
    }

    /// Remembers that it has covered a difference.
    pub(crate) fn find(&self) {
        self.found.store(true, Ordering::Relaxed);
    }

    /// Whether it has covered no difference, although it is about this folder of cases.
    pub(crate) fn is_stale(&self, folder: &str) -> bool {
        self.is_about(folder) && !self.found.load(Ordering::Relaxed)
    }

    /// The case that it is about, as `calls/apply`; none when it is about all.
    pub(crate) fn case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    /// Whether it is about this folder of cases.
    pub(crate) fn is_about(&self, folder: &str) -> bool {
        self.case.as_ref().and_then(|case| case.split_once('/')).is_some_and(|(of, _)| of == folder)
    }
}

/// Whether a pointer starts with these parts.
fn starts_with(pointer: &str, start: &str) -> bool {
    let mut parts = pointer.split('/');
    start.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
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
fn a_star_stands_for_one_part() {
    assert!(starts_with("/body/items/3/status", "/body/items/*/status"));
    assert!(!starts_with("/body/items/3/spec", "/body/items/*/status"));
    assert!(!starts_with("/body", "/body/items"));
}

#[test]
fn differences_are_found_where_they_are() {
    let one = serde_json::json!({"a": [1, 2], "b": {"c/d": 1}, "e": null});
    let two = serde_json::json!({"a": [1], "b": {"c/d": 2}, "e": null});
    let found: Vec<String> = compare(&one, &two).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(found, ["/a/1", "/b/c~1d"]);
}
