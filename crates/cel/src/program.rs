//! Compiled expressions, and what they run on.

use std::sync::Arc;

use crate::check::{Checked, check};
use crate::environment::Environment;
use crate::error::{CompileError, EvaluationError};
use crate::estimate::{Range, estimate};
use crate::evaluate::Evaluator;
use crate::library::Extension;
use crate::library::authorizer::{AuthorizationAttributes, Authorizer, Question};
use crate::literals;
use crate::parse::parse;
use crate::plan::{Node, plan};
use crate::schema::Schema;
use crate::types::Type;
use crate::value::{LazyFields, Map, Value};

/// A compiled expression. It can run on many threads at once.
#[derive(Debug)]
pub struct Program {
    node: Node,
    result: Type,
    variables: Vec<String>,
    cost: Range,
}

/// What an expression gave, and what that cost.
#[derive(Debug, Clone)]
pub struct Evaluation<'a> {
    /// The result, or why there is none.
    pub result: Result<Value<'a>, EvaluationError>,
    /// Units of cost.
    pub cost: u64,
}

/// The stack that compiling gets: the parser recurses deeply.
const STACK: usize = 256 << 20;

impl Environment {
    /// Compiles an expression that must give `result`; `dyn` stands for any type.
    ///
    /// # Errors
    /// What is wrong with its syntax, its types or a constant part of it, in the words of the real server.
    pub fn compile(&self, expression: &str, result: &Type) -> Result<Program, CompileError> {
        on_large_stack(|| Program::new(self.checked(expression)?, self, result))
    }

    /// Checks an expression without making a program of it, and gives the type of its result.
    ///
    /// # Errors
    /// What is wrong with its syntax or its types, in the words of the real server.
    pub fn check(&self, expression: &str) -> Result<Type, CompileError> {
        on_large_stack(|| {
            let checked = self.checked(expression)?;
            Ok(checked.type_of(&checked.ast.root).clone())
        })
    }

    fn checked(&self, expression: &str) -> Result<Checked, CompileError> {
        let ast = parse(expression).map_err(CompileError::Issues)?;
        let checked = check(ast, expression, self).map_err(CompileError::Issues)?;
        literals::check(&checked, expression).map_err(CompileError::Issues)?;
        Ok(checked)
    }
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, CompileError> + Send) -> Result<T, CompileError> {
    let failed = |reason: &str| Err(CompileError::Constant(format!("the compiler failed: {reason}")));
    std::thread::scope(|scope| {
        match std::thread::Builder::new().name("cel".into()).stack_size(STACK).spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|_| failed("internal error")),
            Err(error) => failed(&error.to_string()),
        }
    })
}

impl Program {
    fn new(checked: Checked, environment: &Environment, wanted: &Type) -> Result<Self, CompileError> {
        let result = checked.type_of(&checked.ast.root).clone();
        if !wanted.is_dyn() && result != *wanted {
            return Err(CompileError::Result(format!("cel expression must evaluate to a {wanted}")));
        }
        let node = plan(&checked).map_err(|error| CompileError::Constant(error.to_string()))?;
        let cost = estimate(&checked, environment);
        Ok(Self { node, result, variables: checked.variables, cost })
    }

    /// The type of its result.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// The expression reads a variable.
    pub fn reads(&self, variable: &str) -> bool {
        self.variables.iter().any(|name| name == variable)
    }

    /// What a run may cost, from the fewest to the most units.
    pub fn estimated_cost(&self) -> Range {
        self.cost
    }

    /// Runs the expression until it ends or costs more than `limit`.
    pub fn evaluate<'a>(&self, bindings: &Bindings<'a>, limit: u64) -> Evaluation<'a> {
        let mut evaluator = Evaluator::new(bindings, limit);
        let result = evaluator.evaluate(&self.node);
        Evaluation { result, cost: evaluator.cost }
    }
}

/// The values of the variables.
#[derive(Debug, Clone, Default)]
pub struct Bindings<'a> {
    values: Vec<(&'a str, Result<Value<'a>, EvaluationError>)>,
}

impl<'a> Bindings<'a> {
    /// No variables have values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a variable a value.
    #[must_use]
    pub fn value(mut self, name: &'a str, value: Value<'a>) -> Self {
        self.values.push((name, Ok(value)));
        self
    }

    /// Gives a variable JSON without a schema.
    #[must_use]
    pub fn json(self, name: &'a str, json: &'a serde_json::Value) -> Self {
        self.value(name, Value::json(json))
    }

    /// Gives a variable JSON that is read as `schema` says.
    #[must_use]
    pub fn typed(mut self, name: &'a str, json: &'a serde_json::Value, schema: &'a Schema) -> Self {
        self.values.push((name, Value::typed(json, schema)));
        self
    }

    /// Gives a variable an optional value of `schema`.
    #[must_use]
    pub fn optional(mut self, name: &'a str, json: Option<&'a serde_json::Value>, schema: &'a Schema) -> Self {
        let value = json.map(|json| Value::typed(json, schema).map(Arc::new)).transpose();
        self.values.push((name, value.map(Value::Optional)));
        self
    }

    /// Gives a variable an object whose fields are evaluated when they are read.
    #[must_use]
    pub fn lazy(self, name: &'a str, fields: &'a dyn LazyFields) -> Self {
        self.value(name, Value::Map(Map::Lazy(fields)))
    }

    /// Gives `authorizer` its value, and `authorizer.requestResource` the question about the request's resource.
    #[must_use]
    pub fn authorizer(self, authorizer: &'a dyn Authorizer, resource: AuthorizationAttributes) -> Self {
        self.value("authorizer", Value::extension(Extension::Authorizer(Box::new(Question::new(authorizer))))).value(
            "authorizer.requestResource",
            Value::extension(Extension::Authorizer(Box::new(Question::resource(authorizer, resource)))),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<Result<Value<'a>, EvaluationError>> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}
