//! The compiled rules of one version of a custom resource, and what they refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewright_cel::{Bindings, Program, Schema, SchemaKind, Value as CelValue, escape};
use serde_json::Value;

use super::check::{Environments, has_rules, rules};
use super::field_path;
use super::schema::{flag, properties, text, to_cel};
use crate::field::{FieldError, FieldErrorKind};

/// The most that one evaluation may cost.
const CALL_LIMIT: u64 = 1_000_000;
/// The most that all evaluations for one object may cost together.
const OBJECT_LIMIT: u64 = 10_000_000;
/// The most bytes of an evaluated message.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// The rules of a version.
#[derive(Debug)]
pub(crate) struct Rules {
    root: Node,
}

/// What rules say about an object.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What is refused.
    pub(crate) errors: Vec<FieldError>,
    /// What would be refused, but was so before and has not been touched.
    pub(crate) warnings: Vec<String>,
}

/// The rules of a schema and of the schemas inside of it.
#[derive(Debug)]
struct Node {
    schema: Arc<Schema>,
    /// `type` of the schema.
    kind: String,
    rules: Vec<Rule>,
    properties: BTreeMap<String, Node>,
    values: Option<Box<Node>>,
    items: Option<Box<Node>>,
    /// The keys of a list of type `map`, whose old and new entries belong together.
    keys: Option<Vec<String>>,
    /// It changes as a whole.
    atomic: bool,
}

#[derive(Debug)]
struct Rule {
    program: Program,
    message_program: Option<Program>,
    /// The source of the rule, or its message.
    name: String,
    message: Option<String>,
    source_of_message: String,
    field: String,
    reason: Option<String>,
    transition: bool,
    optional_old: bool,
}

impl Rules {
    /// Compiles the rules of a schema; `None` when it has none.
    ///
    /// # Errors
    /// Why one does not compile. Definitions are checked before they are stored.
    pub(crate) fn compile(schema: &Value) -> Result<Option<Self>, String> {
        Ok(Node::compile(schema, true, None)?.map(|root| Self { root }))
    }

    /// What the rules refuse in `new`, which takes the place of `old`.
    pub(crate) fn validate(&self, new: &Value, old: Option<&Value>) -> Verdict {
        let mut run = Run { verdict: Verdict::default(), budget: OBJECT_LIMIT, over: false };
        let before = match old {
            Some(old) => Before::Known(old),
            None => Before::Nothing,
        };
        run.node(&self.root, "", new, old, before, true);
        run.verdict
    }
}

impl Node {
    fn compile(schema: &Value, root: bool, known: Option<&Arc<Schema>>) -> Result<Option<Self>, String> {
        if !has_rules(schema) {
            return Ok(None);
        }
        let root = root || flag(schema, "x-kubernetes-embedded-resource");
        let Some(own) = known.cloned().or_else(|| to_cel(schema, root)) else { return Ok(None) };
        let mut compiled = Vec::new();
        if !rules(schema).is_empty() {
            let environments = Environments::new(&own);
            for rule in rules(schema).iter().filter(|rule| !text(rule, "rule").trim().is_empty()) {
                compiled.push(Rule::compile(rule, schema, &environments)?);
            }
        }
        let inside = |inner: Option<&Value>, known: Option<&Arc<Schema>>| -> Result<Option<Box<Self>>, String> {
            match inner.filter(|inner| inner.is_object()) {
                Some(inner) => Ok(Self::compile(inner, false, known)?.map(Box::new)),
                None => Ok(None),
            }
        };
        let mut fields = BTreeMap::new();
        for (name, property) in properties(schema) {
            let known = match &own.kind {
                SchemaKind::Object(object) => escape(name).and_then(|name| object.fields.get(&name)),
                _ => None,
            };
            if let Some(node) = Self::compile(property, false, known)? {
                fields.insert(name.clone(), node);
            }
        }
        let element = own.element().cloned();
        let keys = (text(schema, "x-kubernetes-list-type") == "map").then(|| {
            let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
            keys.filter_map(Value::as_str).map(str::to_owned).collect()
        });
        Ok(Some(Self {
            kind: text(schema, "type").to_owned(),
            rules: compiled,
            properties: fields,
            values: inside(schema.get("additionalProperties"), element.as_ref())?,
            items: inside(schema.get("items"), element.as_ref())?,
            keys,
            atomic: text(schema, "x-kubernetes-map-type") == "atomic",
            schema: own,
        }))
    }
}

impl Rule {
    fn compile(rule: &Value, schema: &Value, environments: &Environments) -> Result<Self, String> {
        let program = environments.compile_rule(rule).map_err(|error| error.to_string())?;
        let source_of_message = text(rule, "messageExpression").to_owned();
        let message_program = match source_of_message.is_empty() {
            true => None,
            false => Some(environments.compile_message(rule)?),
        };
        let message = text(rule, "message").trim();
        Ok(Self {
            transition: program.reads("oldSelf"),
            program,
            message_program,
            name: if message.is_empty() { text(rule, "rule").trim().to_owned() } else { message.to_owned() },
            message: (!message.is_empty()).then(|| message.to_owned()),
            source_of_message,
            field: field_path::normalize(text(rule, "fieldPath"), schema).unwrap_or_default(),
            reason: rule.get("reason").and_then(Value::as_str).map(str::to_owned),
            optional_old: flag(rule, "optionalOldSelf"),
        })
    }
}

/// What was there before, for letting pass what has not been touched.
#[derive(Clone, Copy)]
enum Before<'a> {
    /// The object is new, or its old state can't be told.
    Nothing,
    /// The value that stood here; `Null` for none.
    Known(&'a Value),
    /// What stood here can't be told, but whether something around it has changed.
    Around { changed: bool },
}

impl<'a> Before<'a> {
    fn unchanged(self, new: &Value) -> bool {
        match self {
            Self::Nothing => false,
            Self::Known(old) => old == new,
            Self::Around { changed } => !changed,
        }
    }

    /// For a part of `new`; `old` is the part's old state, where that can be told.
    fn part(self, new: &Value, old: Option<Option<&'a Value>>) -> Self {
        match (self, old) {
            (Self::Known(_), Some(Some(part))) => Self::Known(part),
            (Self::Known(_), Some(None)) => Self::Known(&Value::Null),
            (Self::Known(whole), None) => Self::Around { changed: whole != new },
            (before, _) => before,
        }
    }
}

/// One validation.
struct Run {
    verdict: Verdict,
    budget: u64,
    /// The budget is used up, or something else ends the validation.
    over: bool,
}

impl Run {
    fn node(&mut self, node: &Node, path: &str, new: &Value, old: Option<&Value>, before: Before<'_>, root: bool) {
        if new.is_null() {
            return;
        }
        self.rules(node, path, new, old.filter(|old| !old.is_null()), before);
        match new {
            Value::Array(entries) => {
                let Some(items) = &node.items else { return };
                let old_entries = old.and_then(Value::as_array);
                for (index, entry) in entries.iter().enumerate() {
                    if self.over {
                        return;
                    }
                    let counterpart = node.keys.as_ref().map(|keys| {
                        let same = |old: &&Value| keys.iter().all(|key| old.get(key) == entry.get(key));
                        old_entries.and_then(|old| old.iter().find(same))
                    });
                    let before = before.part(new, counterpart);
                    self.node(items, &format!("{path}[{index}]"), entry, counterpart.flatten(), before, false);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if self.over {
                        return;
                    }
                    let old_member = old.and_then(|old| old.get(name));
                    // What is converted to this version on reading can't be told apart.
                    let before = match root && ["apiVersion", "kind"].contains(&name.as_str()) {
                        true => Before::Nothing,
                        false => before.part(new, (!node.atomic).then_some(old_member)),
                    };
                    if let Some(values) = &node.values {
                        self.node(values, &format!("{path}[{name}]"), member, old_member, before, false);
                    }
                    if let Some(property) = node.properties.get(name) {
                        let separator = if path.is_empty() { "" } else { "." };
                        self.node(property, &format!("{path}{separator}{name}"), member, old_member, before, false);
                    }
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, node: &Node, path: &str, new: &Value, old: Option<&Value>, before: Before<'_>) {
        for rule in &node.rules {
            if self.over {
                return;
            }
            if rule.transition && old.is_none() && !rule.optional_old {
                continue;
            }
            let mut bindings = Bindings::new().typed("self", new, &node.schema);
            if rule.transition {
                bindings = match old {
                    old if rule.optional_old => bindings.optional("oldSelf", old, &node.schema),
                    Some(old) => bindings.typed("oldSelf", old, &node.schema),
                    None => bindings,
                };
            }
            let evaluation = rule.program.evaluate(&bindings, CALL_LIMIT);
            let refuse = |detail: String| FieldError::invalid(path, node.kind.as_str(), detail);
            if evaluation.cost > self.budget {
                let detail =
                    "validation failed due to running out of cost budget, no further validation rules will be run";
                self.verdict.errors.push(refuse(detail.into()));
                self.over = true;
                return;
            }
            self.budget -= evaluation.cost;
            match evaluation.result {
                Ok(CelValue::Bool(true)) => {}
                Ok(_) => self.failed(node, rule, path, new, &bindings, before),
                Err(error) if error.is_over_budget() => {
                    let detail = format!(
                        "'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {}",
                        rule.name
                    );
                    self.verdict.errors.push(refuse(detail));
                    self.over = true;
                }
                Err(error) if error.is_no_such_overload() => {
                    let detail = format!(
                        "'{error}': call arguments did not match a supported operator, function or macro signature for \
                         rule: {}",
                        rule.name
                    );
                    self.verdict.errors.push(refuse(detail));
                }
                Err(error) => self.verdict.errors.push(refuse(format!("{error} evaluating rule: {}", rule.name))),
            }
        }
    }

    /// Reports that a rule does not hold.
    fn failed(
        &mut self,
        node: &Node,
        rule: &Rule,
        path: &str,
        new: &Value,
        bindings: &Bindings<'_>,
        before: Before<'_>,
    ) {
        let separator = if path.is_empty() || rule.field.is_empty() { "" } else { "." };
        let field = format!("{path}{separator}{}", rule.field);
        let evaluated = match &rule.message_program {
            Some(program) => match self.message(program, rule, bindings) {
                Ok(message) => message,
                Err(detail) => {
                    let error = FieldError::invalid(field, node.kind.as_str(), detail);
                    self.report(rule, error, new, before);
                    self.over = true;
                    return;
                }
            },
            None => None,
        };
        let detail = evaluated.unwrap_or_else(|| match &rule.message {
            Some(message) => message.clone(),
            None => format!("failed rule: {}", rule.name),
        });
        let shown = !["object", "array"].contains(&node.kind.as_str());
        let value = if shown { new.clone() } else { Value::Null };
        let error = match rule.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::forbidden(field, detail),
            Some("FieldValueRequired") => FieldError::required(field, detail),
            Some("FieldValueDuplicate") if shown => FieldError::duplicate(field, value),
            Some("FieldValueDuplicate") => FieldError::new(FieldErrorKind::DuplicateUnshown, field, value, ""),
            _ if shown => FieldError::invalid(field, value, detail),
            _ => FieldError::new(FieldErrorKind::InvalidUnshown, field, value, detail),
        };
        self.report(rule, error, new, before);
    }

    /// The evaluated message, or `None` when the plain one must do.
    ///
    /// # Errors
    /// When the message costs too much: what is reported instead.
    fn message(&mut self, program: &Program, rule: &Rule, bindings: &Bindings<'_>) -> Result<Option<String>, String> {
        let evaluation = program.evaluate(bindings, CALL_LIMIT);
        if evaluation.cost > self.budget {
            let detail = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will \
                 be run";
            return Err(detail.into());
        }
        match evaluation.result {
            Err(error) if error.is_over_budget() => Err(format!(
                "no further validation rules will be run due to call cost exceeds limit for messageExpression: {:?}",
                rule.source_of_message
            )),
            result => {
                self.budget -= evaluation.cost;
                let message = result.ok().and_then(|value| value.as_str().map(|text| text.trim().to_owned()));
                let usable = |text: &String| !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n');
                Ok(message.filter(usable))
            }
        }
    }

    fn report(&mut self, rule: &Rule, error: FieldError, new: &Value, before: Before<'_>) {
        if !rule.transition && before.unchanged(new) {
            self.verdict.warnings.push(error.to_string());
        } else {
            self.verdict.errors.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Errors and warnings of a write under a schema for `spec`.
    fn verdict(spec: Value, new: Value, old: Option<Value>) -> (Vec<String>, Vec<String>) {
        let rules = Rules::compile(&json!({"type": "object", "properties": {"spec": spec}})).unwrap().unwrap();
        let wrap = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
        let verdict = rules.validate(&wrap(new), old.map(wrap).as_ref());
        (verdict.errors.iter().map(ToString::to_string).collect(), verdict.warnings)
    }

    #[test]
    fn a_schema_without_rules_has_none() {
        assert!(
            Rules::compile(&json!({"type": "object", "properties": {"spec": {"type": "object"}}})).unwrap().is_none()
        );
    }

    #[test]
    fn transition_rules_wait_for_an_old_value() {
        let spec =
            json!({"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed"}]});
        assert!(verdict(spec.clone(), json!("a"), None).0.is_empty());
        assert!(verdict(spec.clone(), json!("a"), Some(json!("a"))).0.is_empty());
        let errors = verdict(spec, json!("b"), Some(json!("a"))).0;
        assert_eq!(errors, ["spec: Invalid value: \"b\": fixed"]);
    }

    #[test]
    fn entries_of_keyed_lists_meet_their_old_selves() {
        let rule = json!([{"rule": "self.n >= oldSelf.n"}]);
        let items = json!({"type": "object", "properties": {"k": {"type": "string"}, "n": {"type": "integer"}},
                           "x-kubernetes-validations": rule});
        let spec = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": items});
        let old = json!([{"k": "a", "n": 1}, {"k": "b", "n": 5}]);
        let errors = verdict(spec, json!([{"k": "b", "n": 4}, {"k": "a", "n": 1}, {"k": "c", "n": 0}]), Some(old)).0;
        assert_eq!(errors, ["spec[0]: Invalid value: failed rule: self.n >= oldSelf.n"]);
    }

    #[test]
    fn what_was_wrong_before_and_is_not_touched_is_only_warned_of() {
        let spec = json!({"type": "object", "properties": {
            "a": {"type": "string", "x-kubernetes-validations": [{"rule": "self != 'bad'"}]},
            "b": {"type": "integer"}}});
        let old = json!({"a": "bad", "b": 1});
        let (errors, warnings) = verdict(spec.clone(), json!({"a": "bad", "b": 2}), Some(old.clone()));
        assert!(errors.is_empty());
        assert_eq!(warnings, ["spec.a: Invalid value: \"bad\": failed rule: self != 'bad'"]);
        assert_eq!(verdict(spec, json!({"a": "bad", "b": 2}), Some(json!({"a": "x"}))).0.len(), 1);
    }

    #[test]
    fn an_object_has_one_budget() {
        let rule = json!([{"rule": "self.all(a, self.all(b, a + b >= 0))"}]);
        let list = json!({"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": rule});
        let spec = json!({"type": "array", "items": list});
        let numbers: Vec<i64> = (0..300).collect();
        let errors = verdict(spec, json!(vec![numbers; 40]), None).0;
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("validation failed due to running out of cost budget"), "{errors:?}");
    }
}
