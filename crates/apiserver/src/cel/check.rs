//! What is wrong with the rules of a definition.

use kubewright_cel::{CompileError, Environment, Program, Schema, SchemaKind, Type};
use serde_json::Value;
use std::sync::Arc;

use super::field_path;
use super::schema::{LARGEST_REQUEST, count, flag, properties, text, to_cel};
use crate::field::{FieldError, FieldErrorKind};

/// The most that one rule may cost, times how often it may run.
const RULE_LIMIT: u64 = 10_000_000;
/// The most that all rules of a version may cost.
const DEFINITION_LIMIT: u64 = 100_000_000;
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Adds what is wrong with the rules in a schema whose path is `path`. When the schema has errors, or rules have before
/// they are compiled, none is compiled.
pub(crate) fn check(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_shape(schema, path, errors);
    if errors.is_empty() {
        errors.extend(check_rules(schema, path));
    }
}

fn check_rules(schema: &Value, path: &str) -> Vec<FieldError> {
    let mut checker = Checker { errors: Vec::new(), total: 0, expensive: Vec::new() };
    let place = Place { cardinality: Some(1), uncorrelatable: None };
    checker.schema(schema, path, true, &place, None);
    let Checker { mut errors, total, expensive } = checker;
    if total > DEFINITION_LIMIT {
        for (path, _) in expensive {
            let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.push(FieldError::forbidden(path, detail));
        }
        let name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.push(FieldError::forbidden(path, too_expensive(name, total, DEFINITION_LIMIT)));
    }
    errors
}

/// What is wrong with the rules before they are compiled.
fn check_shape(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (child, path) in children(schema, path) {
        check_shape(child, &path, errors);
    }
    for (index, rule) in rules(schema).iter().enumerate() {
        let at = |key: &str| format!("{path}.x-kubernetes-validations[{index}].{key}");
        let breaks = |text: &str| text.contains(['\n', '\r']);
        let (source, message) = (text(rule, "rule"), text(rule, "message"));
        if source.trim().is_empty() {
            errors.push(FieldError::required(at("rule"), "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.push(FieldError::invalid(at("message"), message, "must be non-empty if specified"));
        } else if breaks(message.trim()) {
            errors.push(FieldError::invalid(at("message"), message, "must not contain line breaks"));
        } else if breaks(source.trim()) && message.trim().is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(FieldError::required(at("message"), detail));
        }
        let expression = text(rule, "messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(at("messageExpression"), detail));
        }
        if let Some(reason) = rule.get("reason").and_then(Value::as_str).filter(|reason| !REASONS.contains(reason)) {
            errors.push(FieldError::not_supported(at("reason"), reason, &REASONS));
        }
        let field = text(rule, "fieldPath");
        if !field.is_empty() && field.trim().is_empty() {
            errors.push(FieldError::invalid(at("fieldPath"), field, "must be non-empty if specified"));
        }
        if breaks(field) {
            errors.push(FieldError::invalid(at("fieldPath"), field, "must not contain line breaks"));
        }
        if !field.is_empty() && field_path::normalize(field, schema).is_err() {
            errors.push(FieldError::invalid(at("fieldPath"), field, "must be a valid path"));
        }
    }
}

/// Where in the schema the checker is.
struct Place {
    /// How often values of this schema may occur in an object; `None`: no limit.
    cardinality: Option<u64>,
    /// The list or map around whose old and new elements can't be told to belong together.
    uncorrelatable: Option<String>,
}

struct Checker {
    errors: Vec<FieldError>,
    total: u64,
    /// The most expensive rules.
    expensive: Vec<(String, u64)>,
}

impl Checker {
    /// `known`: the type as the schema around has it.
    fn schema(&mut self, schema: &Value, path: &str, root: bool, place: &Place, known: Option<&Arc<Schema>>) {
        if !has_rules(schema) {
            return;
        }
        let root = root || flag(schema, "x-kubernetes-embedded-resource");
        let own =
            if rules(schema).is_empty() { known.cloned() } else { known.cloned().or_else(|| to_cel(schema, root)) };
        let cardinality = match (place.cardinality, most_elements(schema)) {
            (Some(outer), Some(inner)) => Some(outer.saturating_mul(inner)),
            _ => None,
        };
        let inside = |uncorrelatable: bool| Place {
            cardinality,
            uncorrelatable: if uncorrelatable { Some(path.to_owned()) } else { place.uncorrelatable.clone() },
        };
        let element = own.as_deref().and_then(Schema::element);
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.schema(values, &format!("{path}.additionalProperties"), false, &inside(false), element);
        }
        for (name, property) in properties(schema) {
            let field = match own.as_deref().map(|own| &own.kind) {
                Some(SchemaKind::Object(object)) => {
                    kubewright_cel::escape(name).and_then(|name| object.fields.get(&name))
                }
                _ => None,
            };
            self.schema(property, &format!("{path}.properties[{name}]"), false, &inside(false), field);
        }
        if let Some(items) = schema.get("items") {
            let correlatable = text(schema, "x-kubernetes-list-type") == "map";
            self.schema(items, &format!("{path}.items"), false, &inside(!correlatable), element);
        }
        if rules(schema).is_empty() {
            return;
        }
        let Some(own) = own else {
            let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: unable \
                          to convert structural schema to CEL declarations";
            self.errors.push(FieldError::new(
                FieldErrorKind::Internal,
                format!("{path}.x-kubernetes-validations"),
                Value::Null,
                detail,
            ));
            return;
        };
        let environments = Environments::new(&own);
        // How often a value of this size fits into a request.
        let fitting = LARGEST_REQUEST / (own.min_size + 1);
        let times = place.cardinality.unwrap_or(fitting);
        for (index, rule) in rules(schema).iter().enumerate() {
            self.rule(rule, &format!("{path}.x-kubernetes-validations[{index}]"), &environments, times, place);
        }
    }

    fn rule(&mut self, rule: &Value, path: &str, environments: &Environments, times: u64, place: &Place) {
        let field = format!("{path}.rule");
        let program = match environments.compile_rule(rule) {
            Ok(program) => program,
            Err(error) => {
                self.errors.push(refused(&field, rule, &error.to_string()));
                return;
            }
        };
        let cost = program.estimated_cost().max.saturating_mul(times);
        self.charge(&field, "estimated rule cost", cost);
        if !text(rule, "messageExpression").is_empty() {
            let field = format!("{path}.messageExpression");
            match environments.compile_message(rule) {
                Ok(program) => {
                    let cost = program.estimated_cost().max;
                    self.charge(&field, "estimated messageExpression cost", cost);
                }
                Err(message) => self.errors.push(refused(&field, rule, &message)),
            }
        }
        if program.reads("oldSelf") {
            if let Some(within) = &place.uncorrelatable {
                let detail =
                    format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {within}");
                self.errors.push(FieldError::invalid(field, text(rule, "rule"), detail));
            }
        } else if let Some(optional) = rule.get("optionalOldSelf").and_then(Value::as_bool) {
            let detail = "may not be set if oldSelf is not used in rule";
            self.errors.push(FieldError::invalid(format!("{path}.optionalOldSelf"), optional, detail));
        }
    }

    fn charge(&mut self, field: &str, name: &str, cost: u64) {
        if cost > RULE_LIMIT {
            self.errors.push(FieldError::forbidden(field, too_expensive(name, cost, RULE_LIMIT)));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= DEFINITION_LIMIT / 100 {
            self.expensive.push((field.to_owned(), cost));
            self.expensive.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
            self.expensive.truncate(4);
        }
    }
}

/// What the rules of one schema may read: `self`, and `oldSelf` as a value or as an optional one.
pub(super) struct Environments {
    plain: Environment,
    optional: Environment,
}

impl Environments {
    pub(super) fn new(schema: &Arc<Schema>) -> Self {
        let named = schema.named("selfType");
        let base = Environment::new().schema_variable("self", &named).sizes_of(&named);
        Self {
            plain: base.clone().schema_variable("oldSelf", &named),
            optional: base.optional_variable("oldSelf", &named),
        }
    }

    fn of(&self, rule: &Value) -> &Environment {
        if flag(rule, "optionalOldSelf") { &self.optional } else { &self.plain }
    }

    pub(super) fn compile_rule(&self, rule: &Value) -> Result<Program, CompileError> {
        self.of(rule).compile(text(rule, "rule"), &Type::Bool)
    }

    /// # Errors
    /// Why the expression is refused, in the words of the real server.
    pub(super) fn compile_message(&self, rule: &Value) -> Result<Program, String> {
        self.of(rule).compile(text(rule, "messageExpression"), &Type::String).map_err(|error| match error {
            CompileError::Issues(issues) => format!("messageExpression compilation failed: {issues}"),
            CompileError::Result(_) => "messageExpression must evaluate to a string".into(),
            CompileError::Constant(reason) => format!("messageExpression instantiation failed: {reason}"),
        })
    }
}

/// A refusal that shows the whole rule, in the order of its fields.
fn refused(field: &str, rule: &Value, detail: &str) -> FieldError {
    let shown =
        |key: &str| go_json(&rule.get(key).filter(|value| !value.is_null()).cloned().unwrap_or_else(|| "".into()));
    let or_null = |key: &str| go_json(rule.get(key).unwrap_or(&Value::Null));
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        shown("rule"),
        shown("message"),
        shown("messageExpression"),
        or_null("reason"),
        shown("fieldPath"),
        or_null("optionalOldSelf"),
    );
    FieldError::new(FieldErrorKind::InvalidUnshown, field, Value::Null, format!("{shown}: {detail}"))
}

/// JSON as Go writes it: safe to be put into HTML.
fn go_json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn too_expensive(name: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = match factor {
        factor if factor > 100.0 => "more than 100x".to_owned(),
        factor if factor < 1.5 => format!("{factor:.6}x"),
        factor => format!("{factor:.1}x"),
    };
    format!(
        "{name} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// How many values of the schemas inside may occur in one value of this schema; `None`: no limit.
fn most_elements(schema: &Value) -> Option<u64> {
    match text(schema, "type") {
        "object" if schema.get("additionalProperties").is_some_and(|values| !values.is_null()) => {
            count(schema, "maxProperties")
        }
        "array" => count(schema, "maxItems"),
        _ => Some(1),
    }
}

pub(super) fn rules(schema: &Value) -> &[Value] {
    schema.get("x-kubernetes-validations").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The schema or one inside of it has rules.
pub(super) fn has_rules(schema: &Value) -> bool {
    !rules(schema).is_empty() || children(schema, "").iter().any(|(child, _)| has_rules(child))
}

/// The schemas inside that have values of their own.
fn children<'a>(schema: &'a Value, path: &str) -> Vec<(&'a Value, String)> {
    let mut found: Vec<(&Value, String)> =
        properties(schema).map(|(name, property)| (property, format!("{path}.properties[{name}]"))).collect();
    for key in ["additionalProperties", "items"] {
        if let Some(inner @ Value::Object(_)) = schema.get(key) {
            found.push((inner, format!("{path}.{key}")));
        }
    }
    found
}
