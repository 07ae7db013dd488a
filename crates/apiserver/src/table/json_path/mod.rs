//! JSONPath as printer columns use it: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.
//!
//! What is there: fields (`.a`, `['a']`), indexes and slices (`[0]`, `[-1]`, `[1:3]`, `[::2]`), unions (`[0,2]`,
//! `['a','b']`), wildcards (`[*]`, `.*`), descent (`..a`), and filters with one comparison or an existence check.
//! Missing keys are no error: they find nothing.

mod parse;

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath(Vec<Step>);

/// Why a path can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("JSONPath {path:?} can't be read at character {at}: {why}")]
pub struct JsonPathError {
    /// The path.
    pub path: String,
    /// Byte offset of the fault.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Fields(Vec<String>),
    Slices(Vec<Slice>),
    All,
    Descend,
    Filter(Filter),
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Slice {
    from: i64,
    to: Option<i64>,
    step: i64,
    /// `[-1]`: one entry, so its end follows from its start.
    single: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Filter {
    left: Operand,
    comparison: Option<(Operator, Operand)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(JsonPath),
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Reads a path; the leading dot may be missing, and the whole may stand in braces.
    ///
    /// # Errors
    /// When the path is not of a supported form.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        parse::steps(inner).map(Self)
    }

    /// All values that the path leads to, in order. Nothing when a step does not fit what it meets.
    pub fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in found {
                if !step.walk(value, &mut next) {
                    return Vec::new();
                }
            }
            found = next;
        }
        found
    }
}

impl Step {
    /// Adds what lies one step further; false when the step does not fit the value.
    fn walk<'a>(&self, value: &'a Value, out: &mut Vec<&'a Value>) -> bool {
        match self {
            Self::Fields(names) => out.extend(names.iter().filter_map(|name| value.get(name))),
            Self::All => out.extend(children(value)),
            Self::Descend => descend(value, out),
            Self::Slices(slices) => match value {
                Value::Null => {}
                Value::Array(list) => return slices.iter().all(|slice| slice.walk(list, out)),
                _ => return false,
            },
            Self::Filter(filter) => match value {
                Value::Array(list) => out.extend(list.iter().filter(|entry| filter.keeps(entry))),
                _ => return false,
            },
        }
        true
    }
}

impl Slice {
    fn walk<'a>(&self, list: &'a [Value], out: &mut Vec<&'a Value>) -> bool {
        let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
        let from = if self.from < 0 { self.from + length } else { self.from };
        let to = match self.to {
            _ if self.single => from + 1,
            None => length,
            Some(to) if to < 0 => to + length,
            Some(to) => to,
        };
        if from == to {
            return true;
        }
        if from < 0 || from >= length || to < 0 || to > length || from > to || self.step <= 0 {
            return false;
        }
        let range = usize::try_from(from).unwrap_or_default()..usize::try_from(to).unwrap_or_default();
        out.extend(list[range].iter().step_by(usize::try_from(self.step).unwrap_or(1)));
        true
    }
}

impl Filter {
    fn keeps(&self, entry: &Value) -> bool {
        let left = self.left.values(entry);
        let Some((operator, right)) = &self.comparison else { return !left.is_empty() };
        let right = right.values(entry);
        match (left.as_slice(), right.as_slice()) {
            ([left], [right]) => operator.holds(left, right),
            _ => false,
        }
    }
}

impl Operand {
    fn values<'a>(&'a self, entry: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Path(path) => path.find(entry),
            Self::Literal(value) => vec![value],
        }
    }
}

impl Operator {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let ordering = match (left, right) {
            (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            _ => (left == right).then_some(Ordering::Equal),
        };
        match (self, ordering) {
            (Self::Equal, ordering) => ordering == Some(Ordering::Equal),
            (Self::NotEqual, ordering) => ordering != Some(Ordering::Equal),
            (_, None) => false,
            (Self::Less, Some(ordering)) => ordering.is_lt(),
            (Self::LessOrEqual, Some(ordering)) => ordering.is_le(),
            (Self::Greater, Some(ordering)) => ordering.is_gt(),
            (Self::GreaterOrEqual, Some(ordering)) => ordering.is_ge(),
        }
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn descend<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
    if children(value).next().is_some() {
        out.push(value);
        children(value).for_each(|child| descend(child, out));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_find_what_kubectl_finds() {
        let object = json!({
            "spec": {"replicas": 3, "a.b": "dotted", "list": [{"n": 1}, {"n": 2}, {"n": 3}], "flag": true},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]},
        });
        for (path, expected) in [
            (".spec.replicas", json!([3])),
            ("spec.replicas", json!([3])),
            ("{.spec.replicas}", json!([3])),
            ("$.spec.replicas", json!([3])),
            (".spec.missing.deeper", json!([])),
            (r".spec.a\.b", json!(["dotted"])),
            (".spec['a.b']", json!(["dotted"])),
            (".spec['replicas','flag']", json!([3, true])),
            (".spec.list[0].n", json!([1])),
            (".spec.list[-1].n", json!([3])),
            (".spec.list[0,2].n", json!([1, 3])),
            (".spec.list[1:].n", json!([2, 3])),
            (".spec.list[:2].n", json!([1, 2])),
            (".spec.list[::2].n", json!([1, 3])),
            (".spec.list[9].n", json!([])),
            (".spec.list[*].n", json!([1, 2, 3])),
            (".spec.replicas[0]", json!([])),
            (".spec.list[?(@.n>1)].n", json!([2, 3])),
            (".spec.list[?(@.n)].n", json!([1, 2, 3])),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!(["True"])),
            (".status.conditions[?(@.type=='Synced')].status", json!(["False"])),
            (".status.conditions[?( @.type != \"Ready\" )].status", json!(["False"])),
            (".status.conditions[?(@['type']=='Ready')].status", json!(["True"])),
            ("..n", json!([1, 2, 3])),
            (".", json!([object])),
        ] {
            let found = JsonPath::parse(path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(json!(found.find(&object)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_told_with_the_place() {
        for path in [".a[", ".a[x]", ".a['b]", ".a[?(@.b==)]", ".a[?(@.b", ".a[0,'b']", ".a[1:2:3:4]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
        let error = JsonPath::parse(".a[x]").unwrap_err();
        assert_eq!(
            error.to_string(),
            "JSONPath \".a[x]\" can't be read at character 3: an index, a quoted name, `*` or a filter was expected"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            if let Ok(path) = JsonPath::parse(&text) {
                path.find(&json!({"a": [1, {"b": "c"}]}));
            }
        }

        #[test]
        fn path_like_text_does_neither(text in r#"[.\[\]'"?(@)a-b0-9:*=,\\ -]{0,24}"#) {
            if let Ok(path) = JsonPath::parse(&text) {
                path.find(&json!({"a": [1, {"b": "c"}]}));
            }
        }
    }
}
