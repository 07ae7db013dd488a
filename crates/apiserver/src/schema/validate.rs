//! Validation of custom resources against their structural schema, in the words of the real server.

use serde_json::{Map, Number, Value};

use super::constraints::Constraints;
use super::format;
use super::list_type::duplicates;
use super::node::{ListType, MapType, Node, NodeId, NodeKind, SchemaSet, TypeRef};
use crate::field::{FieldError, FieldErrorKind};

/// What `ty` refuses in `value`. Metadata is not looked at: it has rules of its own, which hold for every kind.
pub fn validate(ty: &TypeRef, value: &Value) -> Vec<FieldError> {
    let mut errors = validate_keywords(ty, value);
    duplicates(ty.set(), ty.id(), value, &mut String::new(), &mut errors);
    errors
}

/// What `ty` refuses in `new`, which takes the place of `old`. What was wrong before and is not touched is let pass, so
/// that a stricter schema does not keep writers from other fields.
pub fn validate_update(ty: &TypeRef, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut outcome = Outcome::default();
    Validator { set: ty.set() }.node(ty.id(), new, Some(old), &mut String::new(), &mut outcome);
    let mut errors = outcome.errors;
    let mut before = Vec::new();
    duplicates(ty.set(), ty.id(), old, &mut String::new(), &mut before);
    if before.is_empty() {
        duplicates(ty.set(), ty.id(), new, &mut String::new(), &mut errors);
    }
    errors
}

/// [`validate_update`] of `/status`: only the status is looked at. Messages name fields from there, as the real
/// server's do.
pub fn validate_status_update(ty: &TypeRef, new: &Value, old: &Value) -> Vec<FieldError> {
    let Some(field) = ty.node().property("status") else { return Vec::new() };
    let Some(status) = new.get("status") else { return Vec::new() };
    let errors = validate_update(&ty.at(field.node), status, old.get("status").unwrap_or(&Value::Null));
    let below = |error: FieldError| {
        let separator = if error.field.is_empty() || error.field.starts_with('[') { "" } else { "." };
        FieldError { field: format!("status{separator}{}", error.field), ..error }
    };
    errors.into_iter().map(below).collect()
}

/// [`validate`] without the uniqueness of sets and keyed lists.
pub(crate) fn validate_keywords(ty: &TypeRef, value: &Value) -> Vec<FieldError> {
    let mut outcome = Outcome::default();
    Validator { set: ty.set() }.node(ty.id(), value, None, &mut String::new(), &mut outcome);
    outcome.errors
}

/// Errors, and how many checks were made: the alternative of an `anyOf` with the most checks is taken for the one that
/// was meant.
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    checks: usize,
}

impl Outcome {
    fn add(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    fn merge(&mut self, other: Outcome) {
        self.errors.extend(other.errors);
        self.checks += other.checks;
    }
}

struct Validator<'a> {
    set: &'a SchemaSet,
}

impl Validator<'_> {
    fn node(&self, id: NodeId, value: &Value, old: Option<&Value>, path: &mut String, out: &mut Outcome) {
        let node = self.set.node(id);
        if node.go {
            return;
        }
        let before = out.errors.len();
        out.checks += 1;
        self.check_type(node, value, path, out);
        let none = Constraints::default();
        let constraints = node.constraints.as_deref().unwrap_or(&none);
        if !value.is_null() {
            self.junctors(constraints, value, old, path, out);
        }
        match value {
            Value::String(text) => {
                self.string(constraints, text, path, out);
                if let Some(format) = node.format.as_deref()
                    && !format::fits(format, text)
                    && matches!(node.kind, NodeKind::String | NodeKind::Any)
                {
                    out.add(wrong_type(path, format, value.clone()));
                }
            }
            Value::Number(number) => self.number(node, constraints, number, path, out),
            Value::Array(entries) => self.list(node, constraints, entries, old, path, out),
            _ => {}
        }
        if !constraints.values.is_empty() && !constraints.values.iter().any(|allowed| same(allowed, value)) {
            out.add(unsupported(path, value, &constraints.values));
        }
        if let Value::Object(members) = value {
            self.object(node, constraints, members, old, path, out);
        }
        out.checks += 1;
        if old == Some(value) {
            out.errors.truncate(before);
        }
    }

    fn check_type(&self, node: &Node, value: &Value, path: &str, out: &mut Outcome) {
        let Some(expected) = json_type(node.kind) else { return };
        let given = given_type(value);
        let known_format = node.format.as_deref().filter(|format| format::KNOWN.contains(format));
        let fits = match (node.kind, value) {
            (_, Value::Null) => node.nullable,
            // A format stands for the type. That it lets lists pass is the real server's doing too.
            (NodeKind::String, Value::Array(_)) if known_format.is_some() => true,
            (NodeKind::String, Value::Number(_) | Value::Bool(_) | Value::Object(_))
            | (NodeKind::Integer | NodeKind::Number, Value::Bool(_) | Value::Object(_))
                if known_format.is_some() =>
            {
                let given = match value {
                    Value::Number(number) if number.is_f64() => "float64",
                    Value::Number(_) => "int64",
                    _ => "",
                };
                return out.add(wrong_type(path, known_format.unwrap_or_default(), given.into()));
            }
            (NodeKind::Integer, Value::Number(number)) if !is_whole(number) => {
                // With a format, the format stands for the type.
                return match node.format.as_deref() {
                    Some(format) => out.add(wrong_type(path, format, "float64".into())),
                    None => out.add(wrong_type(path, expected, given.into())),
                };
            }
            (NodeKind::IntOrString, Value::Number(number)) => is_whole(number),
            (NodeKind::IntOrString, _) => given == "string",
            (NodeKind::Number | NodeKind::Integer, _) => matches!(value, Value::Number(_)),
            _ => given == expected,
        };
        if !fits {
            out.add(wrong_type(path, expected, given.into()));
        }
    }

    fn string(&self, constraints: &Constraints, text: &str, path: &str, out: &mut Outcome) {
        let count = || text.chars().count() as u64;
        // Only the first of these is reported.
        if let Some(most) = constraints.max_length.filter(|most| count() > *most) {
            let detail = format!("may not be more than {most} bytes");
            out.add(FieldError::new(FieldErrorKind::TooLong, path, Value::Null, detail));
        } else if let Some(least) = constraints.min_length.filter(|least| count() < *least) {
            out.add(FieldError::invalid(path, text, format!("{path} in body should be at least {least} chars long")));
        } else if let Some(pattern) = constraints.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            out.add(FieldError::invalid(path, text, format!("{path} in body should match '{}'", pattern.source())));
        }
        out.checks += 1;
    }

    fn number(&self, node: &Node, constraints: &Constraints, number: &Number, path: &str, out: &mut Outcome) {
        if node.kind == NodeKind::Integer && !in_range(number, node.format.as_deref()) {
            let format = match &node.format {
                Some(format) => format!("with format {format}"),
                None => "(default format)".into(),
            };
            let detail = format!("Checked value must be of type integer {format} in {path}");
            out.add(FieldError::invalid("", "", detail));
        }
        let refuse = |detail: String| FieldError::invalid(path, Value::Number(number.clone()), detail);
        // Go compares whole numbers with the bound cut to a whole number.
        let whole = number.as_i64();
        let bound = |bound: f64| if whole.is_some() { bound.trunc() } else { bound };
        let given = number.as_f64().unwrap_or_default();
        if let Some(factor) = constraints.multiple_of {
            let factor = bound(factor);
            let fits = match whole {
                Some(whole) => factor > 0.0 && whole % (factor as i64) == 0,
                None if factor < 1.0 => is_json_integer(1.0 / factor * given),
                None => is_json_integer(given / factor),
            };
            if factor <= 0.0 {
                let detail = format!("factor MultipleOf declared for {path} must be positive: {factor}");
                out.add(FieldError::invalid(path, json_number(factor), detail));
            } else if !fits {
                out.add(refuse(format!("{path} in body should be a multiple of {factor}")));
            }
        }
        if let Some(minimum) = constraints.minimum {
            let (minimum, exclusive) = (bound(minimum), constraints.exclusive_minimum);
            if given < minimum || (exclusive && given <= minimum) {
                let words = if exclusive { "greater than" } else { "greater than or equal to" };
                out.add(refuse(format!("{path} in body should be {words} {minimum}")));
            }
        }
        if let Some(maximum) = constraints.maximum {
            let (maximum, exclusive) = (bound(maximum), constraints.exclusive_maximum);
            if given > maximum || (exclusive && given >= maximum) {
                let words = if exclusive { "less than" } else { "less than or equal to" };
                out.add(refuse(format!("{path} in body should be {words} {maximum}")));
            }
        }
        out.checks += 1;
    }

    fn list(
        &self,
        node: &Node,
        constraints: &Constraints,
        entries: &[Value],
        old: Option<&Value>,
        path: &mut String,
        out: &mut Outcome,
    ) {
        if let Some(items) = node.items {
            for (index, entry) in entries.iter().enumerate() {
                let old = old.and_then(|old| counterpart(node, entry, old));
                within(path, &format!("[{index}]"), |path| self.node(items, entry, old, path, out));
            }
        }
        let count = entries.len() as u64;
        if let Some(least) = constraints.min_items.filter(|least| count < *least) {
            out.add(FieldError::invalid(&**path, count, format!("{path} in body should have at least {least} items")));
        }
        if let Some(most) = constraints.max_items.filter(|most| count > *most) {
            out.add(too_many(path, count, most));
        }
        let repeated = |(index, entry): (usize, &Value)| entries[..index].contains(entry);
        if constraints.unique_items && entries.iter().enumerate().any(repeated) {
            let detail = format!("{path} in body shouldn't contain duplicates");
            out.add(FieldError::new(FieldErrorKind::Duplicate, &**path, "".into(), detail));
        }
        out.checks += 1;
    }

    fn object(
        &self,
        node: &Node,
        constraints: &Constraints,
        members: &Map<String, Value>,
        old: Option<&Value>,
        path: &mut String,
        out: &mut Outcome,
    ) {
        // An atomic map changes as a whole.
        let old = old.filter(|_| node.map_type == MapType::Granular);
        let count = members.len() as u64;
        if let Some(least) = constraints.min_properties.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} properties");
            out.add(FieldError::invalid(&**path, count, detail));
        }
        if let Some(most) = constraints.max_properties.filter(|most| count > *most) {
            out.add(too_many(path, count, most));
        }
        if let Some(values) = node.additional {
            for (key, member) in members.iter().filter(|(key, _)| node.property(key).is_none()) {
                let old = old.and_then(|old| old.get(key));
                within(path, &step(path, key), |path| self.node(values, member, old, path, out));
            }
        }
        for field in &node.properties {
            if let Some(member) = members.get(&*field.name) {
                let old = old.and_then(|old| old.get(&*field.name));
                within(path, &step(path, &field.name), |path| self.node(field.node, member, old, path, out));
            }
        }
        for name in node.required.iter().filter(|name| !members.contains_key(&***name)) {
            out.add(FieldError::required(format!("{path}{}", step(path, name)), ""));
        }
    }

    fn junctors(
        &self,
        constraints: &Constraints,
        value: &Value,
        old: Option<&Value>,
        path: &mut String,
        out: &mut Outcome,
    ) {
        let mut run = |id: NodeId, old: Option<&Value>| {
            let mut inner = Outcome::default();
            self.node(id, value, old, path, &mut inner);
            inner
        };
        // Which alternative holds is asked of the whole value, whatever was there before.
        let any: Vec<Outcome> = constraints.any_of.iter().map(|id| run(*id, None)).collect();
        let one: Vec<Outcome> = constraints.one_of.iter().map(|id| run(*id, None)).collect();
        let all: Vec<Outcome> = constraints.all_of.iter().map(|id| run(*id, old)).collect();
        let not = constraints.not.map(|id| run(id, None));
        let refuse = |detail: String| FieldError::invalid("", "", format!("\"{path}\" {detail}"));

        if !any.is_empty() && !any.iter().any(|outcome| outcome.errors.is_empty()) {
            out.add(refuse("must validate at least one schema (anyOf)".into()));
            best(any, out);
        }
        let valid = one.iter().filter(|outcome| outcome.errors.is_empty()).count();
        if !one.is_empty() && valid != 1 {
            let found =
                if valid == 0 { "Found none valid".into() } else { format!("Found {valid} valid alternatives") };
            out.add(refuse(format!("must validate one and only one schema (oneOf). {found}")));
            if valid == 0 {
                best(one, out);
            }
        }
        let (total, valid) = (all.len(), all.iter().filter(|outcome| outcome.errors.is_empty()).count());
        all.into_iter().for_each(|outcome| out.merge(outcome));
        if valid != total {
            let none = if valid == 0 { ". None validated" } else { "" };
            out.add(refuse(format!("must validate all the schemas (allOf){none}")));
        }
        if not.is_some_and(|outcome| outcome.errors.is_empty()) {
            out.add(refuse("must not validate the schema (not)".into()));
        }
    }
}

/// The errors of the alternative with the most checks, the first of equals.
fn best(outcomes: Vec<Outcome>, out: &mut Outcome) {
    let best = outcomes.into_iter().reduce(|best, next| if next.checks > best.checks { next } else { best });
    if let Some(best) = best {
        out.merge(best);
    }
}

/// The entry of `old` that `entry` takes the place of. Only lists with keys tell.
fn counterpart<'a>(list: &Node, entry: &Value, old: &'a Value) -> Option<&'a Value> {
    let ListType::Map(keys) = &list.list_type else { return None };
    let same = |old: &&Value| keys.iter().all(|key| old.get(&**key) == entry.get(&**key));
    old.as_array()?.iter().find(same)
}

/// Runs `check` with `step` behind `path`.
pub(super) fn within(path: &mut String, step: &str, check: impl FnOnce(&mut String)) {
    let end = path.len();
    path.push_str(step);
    check(path);
    path.truncate(end);
}

/// What a member of an object adds to the path.
pub(super) fn step(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!(".{key}") }
}

fn json_type(kind: NodeKind) -> Option<&'static str> {
    Some(match kind {
        NodeKind::Object | NodeKind::Map => "object",
        NodeKind::List => "array",
        NodeKind::String => "string",
        NodeKind::Integer => "integer",
        NodeKind::Number => "number",
        NodeKind::Boolean => "boolean",
        NodeKind::IntOrString => "integer,string",
        _ => return None,
    })
}

fn given_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn wrong_type(path: &str, expected: &str, given: Value) -> FieldError {
    let detail = format!("{path} in body must be of type {expected}: {given}");
    FieldError::new(FieldErrorKind::TypeInvalid, path, given, detail)
}

fn unsupported(path: &str, value: &Value, allowed: &[Value]) -> FieldError {
    let texts: Vec<String> = allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    // Go shows 2.0 as 2.
    let shown = value.as_f64().filter(|_| value.is_f64()).map_or_else(|| value.clone(), json_number);
    FieldError::not_supported(path, shown, &texts)
}

fn too_many(path: &str, count: u64, most: u64) -> FieldError {
    let detail = format!("{count}: must have at most {most} items");
    FieldError::new(FieldErrorKind::TooMany, path, Value::Null, detail)
}

/// Equal as JSON: 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn is_whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(is_json_integer)
}

/// Whole as far as a float can tell; the tolerance is upstream's.
fn is_json_integer(number: f64) -> bool {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    const TOLERANCE: f64 = 1e-9;
    if !number.is_finite() || number.abs() > LARGEST {
        return false;
    }
    let whole = number.abs().trunc();
    whole == number.abs() || (number.abs() - whole) / (number.abs() + whole) < TOLERANCE
}

fn in_range(number: &Number, format: Option<&str>) -> bool {
    let whole = match number.as_f64() {
        Some(float) if number.is_f64() => (float.fract() == 0.0 && float.abs() < 9.2e18).then_some(float as i64),
        _ => number.as_i64(),
    };
    match format {
        Some("int32") => whole.is_some_and(|n| i32::try_from(n).is_ok()),
        Some("uint32") => whole.is_some_and(|n| u32::try_from(n).is_ok()),
        _ => whole.is_some(),
    }
}

fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { (number as i64).into() } else { number.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::crd;

    fn errors(schema: Value, value: Value) -> String {
        let ty = crd::compile(&json!({"type": "object", "properties": {"spec": {
            "type": "object", "properties": {"x": schema}}}}));
        let errors = validate(&ty.unwrap(), &json!({"spec": {"x": value}}));
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Each message was given by a real server (with another field name).
    #[test]
    fn messages_equal_the_real_servers() {
        let string = json!({"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"});
        let integer = json!({"type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 3});
        let exclusive = json!({"type": "integer", "minimum": 1, "maximum": 10,
            "exclusiveMinimum": true, "exclusiveMaximum": true});
        let number = json!({"type": "number", "minimum": 0.5, "multipleOf": 0.1});
        let list = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}});
        let map = json!({"type": "object", "minProperties": 1, "maxProperties": 2,
            "additionalProperties": {"type": "string"}});
        let required = json!({"type": "object", "required": ["a", "b"],
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
        let either = json!([{"minLength": 3}, {"pattern": "^x"}]);
        let keyed = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"],
            "items": {"type": "object", "required": ["k"], "properties": {
                "k": {"type": "string"}, "p": {"type": "integer", "default": 1}}}});
        let set = json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"});
        for (schema, value, expected) in [
            (&string, json!("a"), r#"spec.x: Invalid value: "a": spec.x in body should be at least 2 chars long"#),
            (&string, json!("abcdef"), "spec.x: Too long: may not be more than 4 bytes"),
            (&string, json!("A!"), r#"spec.x: Invalid value: "A!": spec.x in body should match '^[a-z]+$'"#),
            (
                &string,
                json!(5),
                r#"spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer""#,
            ),
            (
                &json!({"type": "string", "enum": ["a", "b"]}),
                json!("c"),
                r#"spec.x: Unsupported value: "c": supported values: "a", "b""#,
            ),
            (
                &json!({"enum": [1, "x", {"a": 1}], "x-kubernetes-preserve-unknown-fields": true}),
                json!(2),
                r#"spec.x: Unsupported value: 2: supported values: "1", "x", "{\"a\":1}""#,
            ),
            (&integer, json!(0), "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1"),
            (&integer, json!(12), "spec.x: Invalid value: 12: spec.x in body should be less than or equal to 10"),
            (&integer, json!(4), "spec.x: Invalid value: 4: spec.x in body should be a multiple of 3"),
            (&integer, json!(3.0), ""),
            (
                &integer,
                json!(3.5),
                "spec.x: Invalid value: \"number\": spec.x in body must be of type integer: \"number\", \
                 <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec.x, \
                 spec.x: Invalid value: 3.5: spec.x in body should be a multiple of 3",
            ),
            (&exclusive, json!(1), "spec.x: Invalid value: 1: spec.x in body should be greater than 1"),
            (&exclusive, json!(10), "spec.x: Invalid value: 10: spec.x in body should be less than 10"),
            (
                &json!({"type": "integer", "format": "int32"}),
                json!(9_999_999_999_i64),
                "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.x",
            ),
            (
                &json!({"type": "integer", "format": "int64"}),
                json!(1e30),
                "spec.x: Invalid value: \"float64\": spec.x in body must be of type int64: \"float64\", \
                 <nil>: Invalid value: \"\": Checked value must be of type integer with format int64 in spec.x",
            ),
            (&number, json!(0.1), "spec.x: Invalid value: 0.1: spec.x in body should be greater than or equal to 0.5"),
            (&number, json!(0.7), ""),
            (&number, json!(0.75), "spec.x: Invalid value: 0.75: spec.x in body should be a multiple of 0.1"),
            (&number, json!(1), "spec.x: Invalid value: 0: factor MultipleOf declared for spec.x must be positive: 0"),
            (&list, json!([]), "spec.x: Invalid value: 0: spec.x in body should have at least 1 items"),
            (&list, json!([1, 2, 3]), "spec.x: Too many: 3: must have at most 2 items"),
            (
                &list,
                json!(["x", 2]),
                "spec.x[0]: Invalid value: \"string\": spec.x[0] in body must be of type integer: \"string\"",
            ),
            (&list, json!({}), "spec.x: Invalid value: \"object\": spec.x in body must be of type array: \"object\""),
            (&map, json!({}), "spec.x: Invalid value: 0: spec.x in body should have at least 1 properties"),
            (&map, json!({"a": "1", "b": "2", "c": "3"}), "spec.x: Too many: 3: must have at most 2 items"),
            (
                &map,
                json!({"a": 1}),
                "spec.x.a: Invalid value: \"integer\": spec.x.a in body must be of type string: \"integer\"",
            ),
            (&required, json!({}), "spec.x.a: Required value, spec.x.b: Required value"),
            (
                &json!({"type": "string", "allOf": either}),
                json!("ab"),
                "spec.x: Invalid value: \"ab\": spec.x in body should be at least 3 chars long, \
                 spec.x: Invalid value: \"ab\": spec.x in body should match '^x', \
                 <nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf). None validated",
            ),
            (
                &json!({"type": "string", "anyOf": either}),
                json!("ab"),
                "<nil>: Invalid value: \"\": \"spec.x\" must validate at least one schema (anyOf), \
                 spec.x: Invalid value: \"ab\": spec.x in body should be at least 3 chars long",
            ),
            (
                &json!({"type": "string", "oneOf": either}),
                json!("xabc"),
                "<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). \
                 Found 2 valid alternatives",
            ),
            (
                &json!({"type": "string", "oneOf": either}),
                json!("ab"),
                "<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). \
                 Found none valid, spec.x: Invalid value: \"ab\": spec.x in body should be at least 3 chars long",
            ),
            (
                &json!({"type": "string", "not": {"pattern": "^x"}}),
                json!("xa"),
                "<nil>: Invalid value: \"\": \"spec.x\" must not validate the schema (not)",
            ),
            (&json!({"type": "string", "nullable": true}), json!(null), ""),
            (
                &json!({"x-kubernetes-int-or-string": true}),
                json!(1.5),
                "spec.x: Invalid value: \"number\": spec.x in body must be of type integer,string: \"number\"",
            ),
            (
                &json!({"x-kubernetes-int-or-string": true}),
                json!(true),
                "spec.x: Invalid value: \"boolean\": spec.x in body must be of type integer,string: \"boolean\"",
            ),
            (&set, json!(["a", "b", "a", "a"]), "spec.x[2]: Duplicate value: \"a\""),
            (
                &keyed,
                json!([{"k": "a", "p": 1}, {"k": "a", "p": 1}, {"k": "b"}]),
                "spec.x[1]: Duplicate value: {\"k\":\"a\",\"p\":1}",
            ),
            (
                &json!({"type": "string", "format": "date-time"}),
                json!("x"),
                "spec.x: Invalid value: \"x\": spec.x in body must be of type date-time: \"x\"",
            ),
            (
                &json!({"type": "array", "items": {"type": "object"}}),
                json!([null]),
                "spec.x[0]: Invalid value: \"null\": spec.x[0] in body must be of type object: \"null\"",
            ),
            (
                &json!({"type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true}),
                json!({}),
                "spec.x.apiVersion: Required value, spec.x.kind: Required value",
            ),
        ] {
            assert_eq!(errors(schema.clone(), value), expected);
        }
    }

    #[test]
    fn what_was_wrong_before_and_is_not_touched_is_let_pass() {
        let list = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "required": ["k"], "properties": {
                "k": {"type": "string"}, "v": {"type": "string", "maxLength": 1}}}});
        let status = json!({"type": "object", "properties": {"phase": {"type": "string"}}});
        let ty = crd::compile(&json!({"type": "object", "properties": {"status": status, "spec": {
            "type": "object", "required": ["c"], "properties": {
                "a": {"type": "string", "maxLength": 1}, "b": {"type": "string"}, "list": list}}}}));
        let ty = ty.unwrap();
        let texts = |errors: Vec<FieldError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let old = json!({"spec": {"a": "long", "b": "x", "list": [{"k": "1", "v": "long"}, {"k": "2", "v": "long"}]}});
        assert_eq!(texts(validate_update(&ty, &old, &old)), Vec::<String>::new());
        let mut new = old.clone();
        new["spec"]["b"] = "y".into();
        new["spec"]["list"] = json!([{"k": "2", "v": "long"}, {"k": "1", "v": "longer"}]);
        assert_eq!(
            texts(validate_update(&ty, &new, &old)),
            ["spec.list[1].v: Too long: may not be more than 1 bytes", "spec.c: Required value"]
        );
        // A real server names the field from the status in the message.
        let new = json!({"spec": {}, "status": {"phase": 1}});
        assert_eq!(
            texts(validate_status_update(&ty, &new, &old)),
            ["status.phase: Invalid value: \"integer\": phase in body must be of type string: \"integer\""]
        );
    }

    #[test]
    fn names_may_be_restricted_and_the_rest_of_metadata_is_left_to_its_own_rules() {
        let ty = crd::compile(&json!({"type": "object", "required": ["spec"], "properties": {
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}}}));
        let errors = validate(&ty.unwrap(), &json!({"metadata": {"name": "abcd", "labels": {"a": 5}}}));
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(errors.contains(&"metadata.name: Too long: may not be more than 3 bytes".to_string()), "{errors:?}");
        assert!(errors.contains(&"spec: Required value".to_string()));
    }
}
