//! When a child of a foreign kind is ready: by a condition, by an expression, or at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kubewright_cel::{Bindings, CompileError, Environment, Program, Type};
use kubewright_runtime::readiness::{self, Readiness};
use serde_json::Value;

/// The most that an expression may cost each time; that of a validation rule in a CustomResourceDefinition.
const BUDGET: u64 = 10_000_000;

/// When a child is ready.
#[derive(Clone)]
pub struct Rule(Check);

#[derive(Clone)]
enum Check {
    Condition(String),
    Expression { text: Arc<str>, program: Arc<Program> },
    AtOnce,
}

impl Rule {
    /// When its condition of this type is True, and not of an older generation.
    pub fn condition(kind: impl Into<String>) -> Self {
        Self(Check::Condition(kind.into()))
    }

    /// When this expression of the Common Expression Language, with the child as `object`, is true. One that fails, because
    /// there is no status yet, say, means that it is not ready.
    ///
    /// ```
    /// # use kubewright_patterns::composite::Rule;
    /// let rule = Rule::expression("object.status.phase == 'Running' && object.status.instances > 0")?;
    /// assert!(Rule::expression("object.status.phase ==").is_err());
    /// # Ok::<(), kubewright_patterns::composite::RuleError>(())
    /// ```
    ///
    /// # Errors
    /// If it does not parse, or does not tell true or false.
    pub fn expression(text: impl Into<String>) -> Result<Self, RuleError> {
        let text = text.into();
        let compiled = Environment::new().variable("object", Type::Dyn).compile(&text, &Type::Bool);
        match compiled {
            Ok(program) => Ok(Self(Check::Expression { text: text.into(), program: Arc::new(program) })),
            Err(cause) => Err(RuleError { text, cause }),
        }
    }

    /// As soon as it is there.
    pub fn at_once() -> Self {
        Self(Check::AtOnce)
    }

    fn judge(&self, object: &Value) -> Readiness {
        if !object["metadata"]["deletionTimestamp"].is_null() {
            return Readiness::NotYet("it is being deleted".into());
        }
        match &self.0 {
            Check::Condition(kind) => readiness::condition(object, kind),
            Check::AtOnce => Readiness::Ready,
            Check::Expression { text, program } => {
                let result = program.evaluate(&Bindings::new().json("object", object), BUDGET).result;
                match result.map(|value| value.as_bool()) {
                    Ok(Some(true)) => Readiness::Ready,
                    Ok(_) => Readiness::NotYet(format!("{text} is false")),
                    Err(error) => Readiness::NotYet(format!("{text}: {error}")),
                }
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Check::Condition(kind) => write!(f, "condition {kind}"),
            Check::Expression { text, .. } => f.write_str(text),
            Check::AtOnce => f.write_str("at once"),
        }
    }
}

/// A rule that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} can't tell when an object is ready: {cause}")]
pub struct RuleError {
    text: String,
    cause: CompileError,
}

/// The rules for kinds that have one of their own.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules(BTreeMap<(String, String), Rule>);

impl Rules {
    pub(super) fn add(&mut self, group: String, kind: String, rule: Rule) {
        self.0.insert((group, kind), rule);
    }

    pub(super) fn judge(&self, object: &Value) -> Readiness {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let kind = object["kind"].as_str().unwrap_or_default();
        match self.0.get(&(group.to_string(), kind.to_string())) {
            Some(rule) => rule.judge(object),
            None => readiness::of(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(rule: Rule) -> Rules {
        let mut rules = Rules::default();
        rules.add("example.com".into(), "Bucket".into(), rule);
        rules
    }

    fn bucket(status: Value) -> Value {
        json!({"apiVersion": "example.com/v1", "kind": "Bucket", "metadata": {"generation": 1}, "status": status})
    }

    #[test]
    fn a_foreign_kind_is_ready_by_its_condition() {
        let rules = rules(Rule::condition("Available"));
        let available = json!({"conditions": [{"type": "Available", "status": "True"}]});
        assert!(rules.judge(&bucket(available)).is_ready());
        let other = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        assert!(!rules.judge(&bucket(other)).is_ready());
    }

    #[test]
    fn a_foreign_kind_is_ready_by_an_expression_and_not_while_that_fails() {
        let rules = rules(Rule::expression("object.status.phase == 'Bound'").unwrap());
        assert!(rules.judge(&bucket(json!({"phase": "Bound"}))).is_ready());
        let Readiness::NotYet(why) = rules.judge(&bucket(json!({"phase": "Pending"}))) else { panic!() };
        assert_eq!(why, "object.status.phase == 'Bound' is false");
        let Readiness::NotYet(why) = rules.judge(&bucket(json!({}))) else { panic!() };
        assert!(why.contains("no such key"), "{why}");
        let error = Rule::expression("object.status.phase").unwrap_err().to_string();
        assert!(error.contains("must evaluate to a bool"), "{error}");
    }

    #[test]
    fn other_kinds_keep_the_built_in_rules() {
        let rules = rules(Rule::at_once());
        assert!(rules.judge(&bucket(Value::Null)).is_ready());
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}});
        assert!(!rules.judge(&pod).is_ready());
        let mut leaving = bucket(Value::Null);
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(!rules.judge(&leaving).is_ready());
    }
}
