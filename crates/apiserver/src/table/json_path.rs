//! JSONPath as printer columns use it: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.
//!
//! What is there: fields (`.a`, `['a']`), indexes and slices (`[0]`, `[-1]`, `[1:3]`, `[::2]`), unions (`[0,2]`,
//! `['a','b']`), wildcards (`[*]`, `.*`), descent (`..a`), and filters with one comparison or an existence check.
//! Missing keys are no error: they find nothing.

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
        let mut parser = Parser { text: inner, at: 0 };
        let steps = parser.steps(false)?;
        Ok(Self(steps))
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

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn steps(&mut self, in_filter: bool) -> Result<Vec<Step>, JsonPathError> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                None => return Ok(steps),
                Some('$' | '@') if steps.is_empty() => self.skip(1),
                Some('[') => steps.push(self.brackets()?),
                Some('.') if self.rest().starts_with("..") => {
                    self.skip(2);
                    steps.push(Step::Descend);
                    if !matches!(self.peek(), Some('[') | None) {
                        steps.push(self.name(in_filter)?);
                    }
                }
                Some('.') => {
                    self.skip(1);
                    // A lone dot is the object itself; `.[0]` an index into it.
                    if !matches!(self.peek(), Some('[') | None) {
                        steps.push(self.name(in_filter)?);
                    }
                }
                Some(c) if in_filter && (c.is_whitespace() || "=!<>)".contains(c)) => return Ok(steps),
                Some(_) if steps.is_empty() && !in_filter => steps.push(self.name(false)?),
                Some(_) => return Err(self.error("a dot or bracket was expected")),
            }
        }
    }

    fn name(&mut self, in_filter: bool) -> Result<Step, JsonPathError> {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.skip(1);
                let Some(escaped) = self.peek() else {
                    return Err(self.error("a character must follow the backslash"));
                };
                name.push(escaped);
                self.skip(escaped.len_utf8());
            } else if matches!(c, '.' | '[') || (in_filter && (c.is_whitespace() || "=!<>)".contains(c))) {
                break;
            } else {
                name.push(c);
                self.skip(c.len_utf8());
            }
        }
        match name.as_str() {
            "" => Err(self.error("a field name was expected")),
            "*" => Ok(Step::All),
            _ => Ok(Step::Fields(vec![name])),
        }
    }

    fn brackets(&mut self) -> Result<Step, JsonPathError> {
        self.skip(1);
        self.blanks();
        if self.rest().starts_with('?') {
            return self.filter();
        }
        let mut names = Vec::new();
        let mut slices = Vec::new();
        let mut all = false;
        loop {
            self.blanks();
            match self.peek() {
                Some(quote @ ('\'' | '"')) => names.push(self.quoted(quote)?),
                Some('*') => {
                    self.skip(1);
                    all = true;
                }
                Some(c) if c == '-' || c == ':' || c.is_ascii_digit() => slices.push(self.slice()?),
                _ => return Err(self.error("an index, a quoted name, `*` or a filter was expected")),
            }
            self.blanks();
            match self.peek() {
                Some(',') => self.skip(1),
                Some(']') => {
                    self.skip(1);
                    break;
                }
                _ => return Err(self.error("`]` was expected")),
            }
        }
        match (all, names.is_empty(), slices.is_empty()) {
            (true, true, true) => Ok(Step::All),
            (false, false, true) => Ok(Step::Fields(names)),
            (false, true, false) => Ok(Step::Slices(slices)),
            _ => Err(self.error("names, indexes and `*` can't be mixed")),
        }
    }

    fn slice(&mut self) -> Result<Slice, JsonPathError> {
        let end =
            self.rest().find(|c: char| !(c.is_ascii_digit() || c == '-' || c == ':')).unwrap_or(self.rest().len());
        let text = self.rest()[..end].to_string();
        let number = |text: &str| -> Result<Option<i64>, JsonPathError> {
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|_| self.error("an index must be a number"))
        };
        let parts: Vec<&str> = text.split(':').collect();
        let slice = match parts.as_slice() {
            [index] => {
                let from = number(index)?.unwrap_or_default();
                Slice { from, to: None, step: 1, single: true }
            }
            [from, to] | [from, to, ""] => {
                Slice { from: number(from)?.unwrap_or_default(), to: number(to)?, step: 1, single: false }
            }
            [from, to, step] => {
                let step = number(step)?.unwrap_or(1);
                Slice { from: number(from)?.unwrap_or_default(), to: number(to)?, step, single: false }
            }
            _ => return Err(self.error("a slice has at most three parts")),
        };
        self.skip(end);
        Ok(slice)
    }

    fn filter(&mut self) -> Result<Step, JsonPathError> {
        self.skip(1);
        self.expect("(")?;
        let left = self.operand()?;
        self.blanks();
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = operators.iter().find(|(sign, _)| self.rest().starts_with(sign));
        let comparison = match operator {
            None => None,
            Some((sign, operator)) => {
                self.skip(sign.len());
                Some((*operator, self.operand()?))
            }
        };
        self.blanks();
        self.expect(")")?;
        self.blanks();
        self.expect("]")?;
        Ok(Step::Filter(Filter { left, comparison }))
    }

    fn operand(&mut self) -> Result<Operand, JsonPathError> {
        self.blanks();
        match self.peek() {
            Some('@' | '$') => Ok(Operand::Path(JsonPath(self.steps(true)?))),
            Some(quote @ ('\'' | '"')) => Ok(Operand::Literal(self.quoted(quote)?.into())),
            _ => {
                let end = self.rest().find(|c: char| c.is_whitespace() || "=!<>)".contains(c));
                let word = &self.rest()[..end.unwrap_or(self.rest().len())];
                let literal = match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => match word
                        .parse::<i64>()
                        .map(Number::from)
                        .ok()
                        .or_else(|| word.parse::<f64>().ok().and_then(Number::from_f64))
                    {
                        Some(number) => Value::Number(number),
                        None => return Err(self.error("a path, text, number or boolean was expected")),
                    },
                };
                let length = word.len();
                self.skip(length);
                Ok(Operand::Literal(literal))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, JsonPathError> {
        self.skip(1);
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.error("the closing quote is missing")),
                Some(c) if c == quote => {
                    self.skip(1);
                    return Ok(text);
                }
                Some('\\') => {
                    self.skip(1);
                    let Some(escaped) = self.peek() else { return Err(self.error("the closing quote is missing")) };
                    text.push(escaped);
                    self.skip(escaped.len_utf8());
                }
                Some(c) => {
                    text.push(c);
                    self.skip(c.len_utf8());
                }
            }
        }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), JsonPathError> {
        if self.rest().starts_with(sign) {
            self.skip(sign.len());
            return Ok(());
        }
        Err(self.error(match sign {
            "(" => "`(` was expected",
            ")" => "`)` was expected",
            _ => "`]` was expected",
        }))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn blanks(&mut self) {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        self.skip(blanks);
    }

    fn error(&self, why: &'static str) -> JsonPathError {
        JsonPathError { path: self.text.into(), at: self.at, why }
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
