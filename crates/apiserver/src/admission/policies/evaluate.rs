//! What a policy says of an object.

use kubewright_cel::{
    Bindings, EvaluationError, LazyFields, Program, Value as CelValue, namespace_schema, request_schema,
};
use serde_json::Value;

use super::policy::{Compiled, Policy, Validation};
use crate::admission::attributes::Attributes;
use crate::admission::webhooks::{Access, hold_conditions, request, request_resource};
use crate::registry::Resource;

/// What all expressions of a policy may cost together for one object.
const BUDGET: u64 = 10_000_000;
/// What one expression may cost.
const ONE: u64 = 1_000_000;
/// The longest message that an expression may give, in bytes.
const LONGEST_MESSAGE: usize = 5 * 1024;

/// What a policy is asked about.
pub(super) struct Input<'a> {
    pub attributes: &'a Attributes,
    /// The version of the resource that the objects are in.
    pub target: &'a Resource,
    pub object: Option<&'a Value>,
    pub old: Option<&'a Value>,
    pub param: Option<&'a Value>,
    pub namespace: Option<&'a Value>,
}

/// Something that a policy does not like.
pub(super) struct Said {
    pub message: String,
    /// Empty: `Invalid`.
    pub reason: String,
    /// It refuses the request whatever the actions of the binding are.
    pub always: bool,
    /// It is not a verdict but a failure, which `failurePolicy: Ignore` forgives.
    failed: bool,
}

impl Said {
    fn failed(message: String) -> Self {
        Self { message, reason: String::new(), always: false, failed: true }
    }
}

/// All that the policy does not like.
pub(super) fn evaluate(policy: &Policy, input: &Input<'_>) -> Vec<Said> {
    let mut said = Vec::new();
    with_input(policy, input, &mut |bindings, left| said = judge(policy, bindings, left));
    said.retain(|said| !(policy.may_fail && said.failed));
    said
}

/// Whether the conditions hold under which the policy looks at an object.
pub(super) fn applies(policy: &Policy, input: &Input<'_>) -> Result<bool, String> {
    if policy.conditions.is_empty() {
        return Ok(true);
    }
    let mut holds = Ok(true);
    with_input(policy, input, &mut |bindings, _| holds = hold_conditions(&policy.conditions, bindings));
    holds
}

/// What an expression of the policy gives, as far as `read` takes it.
pub(super) fn give<R>(
    policy: &Policy,
    (expression, program): (&str, &Compiled),
    input: &Input<'_>,
    read: impl Fn(&CelValue<'_>) -> Result<R, String>,
) -> Result<R, String> {
    let mut given = Err(String::new());
    with_input(policy, input, &mut |bindings, left| {
        given = run(program, expression, bindings, left).and_then(|value| read(&value));
    });
    given
}

/// Calls `then` with all that expressions of the policy may read.
fn with_input(policy: &Policy, input: &Input<'_>, then: &mut dyn FnMut(&Bindings<'_>, &mut u64)) {
    let request = request(input.attributes, input.target);
    let access = Access::of(input.attributes);
    let null = Value::Null;
    let plain = Bindings::new()
        .json("object", input.object.unwrap_or(&null))
        .json("oldObject", input.old.unwrap_or(&null))
        .typed("request", &request, request_schema())
        .json("params", input.param.unwrap_or(&null));
    let plain = match input.namespace {
        Some(namespace) => plain.typed("namespaceObject", namespace, namespace_schema()),
        None => plain.json("namespaceObject", &null),
    };
    let bindings = plain.authorizer(&access, request_resource(input.attributes));
    let mut left = BUDGET;
    with_variables(&policy.variables, None, &bindings, &mut left, then);
}

fn judge(policy: &Policy, bindings: &Bindings<'_>, left: &mut u64) -> Vec<Said> {
    match hold_conditions(&policy.conditions, bindings) {
        Ok(true) => {}
        Ok(false) => return Vec::new(),
        Err(why) => return vec![Said::failed(why)],
    }
    let mut said = Vec::new();
    for validation in &policy.validations {
        match run(&validation.program, &validation.expression, bindings, left) {
            Ok(CelValue::Bool(true)) => {}
            Ok(_) => {
                let message = message(validation, bindings, left);
                said.push(Said { message, reason: validation.reason.clone(), always: false, failed: false });
            }
            Err(why) => said.push(Said::failed(why)),
        }
    }
    let mut left = BUDGET;
    for (expression, program) in &policy.annotations {
        match run(program, expression, bindings, &mut left) {
            Ok(CelValue::String(_) | CelValue::Null) => {}
            Ok(_) => {
                let message = format!(
                    "valueExpression '{expression}' resulted in unsupported return type. Return type must be either string \
                     or null."
                );
                said.push(Said { message, reason: String::new(), always: true, failed: false });
            }
            Err(why) => said.push(Said { always: true, ..Said::failed(why) }),
        }
    }
    said
}

/// Why a validation has failed, in the policy's own words if it has some.
fn message(validation: &Validation, bindings: &Bindings<'_>, left: &mut u64) -> String {
    if let Some(program) = &validation.message_program
        && let Ok(CelValue::String(text)) = run(program, "", bindings, left)
    {
        let text = text.to_string();
        let text = text.trim();
        if !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n') {
            return text.to_owned();
        }
    }
    match validation.message.as_str() {
        "" => format!("failed expression: {}", validation.expression),
        message => message.to_owned(),
    }
}

fn run<'a>(
    program: &Compiled,
    expression: &str,
    bindings: &Bindings<'a>,
    left: &mut u64,
) -> Result<CelValue<'a>, String> {
    let program = program.as_ref().map_err(|why| format!("compilation error: {why}"))?;
    if *left == 0 {
        return Err(
            "validation failed due to running out of cost budget, no further validation rules will be run".into()
        );
    }
    let evaluation = program.evaluate(bindings, (*left).min(ONE));
    *left = left.saturating_sub(evaluation.cost);
    evaluation.result.map_err(|error| format!("expression '{expression}' resulted in error: {error}"))
}

/// The variables so far: the newest one, and those before it.
struct Variables<'a> {
    before: Option<&'a Variables<'a>>,
    name: &'a str,
    value: Result<CelValue<'a>, EvaluationError>,
}

impl LazyFields for Variables<'_> {
    fn field<'s>(&'s self, name: &str) -> Option<Result<CelValue<'s>, EvaluationError>> {
        if self.name == name {
            return Some(self.value.clone());
        }
        self.before.and_then(|before| before.field(name))
    }
}

/// Evaluates variables one after the other, each with those before it, and calls `then` with all of them. One that fails
/// does so where it is read.
fn with_variables(
    variables: &[(String, Compiled)],
    before: Option<&Variables<'_>>,
    bindings: &Bindings<'_>,
    left: &mut u64,
    then: &mut dyn FnMut(&Bindings<'_>, &mut u64),
) {
    let known = match before {
        Some(before) => bindings.clone().lazy("variables", before),
        None => bindings.clone(),
    };
    let Some(((name, program), rest)) = variables.split_first() else { return then(&known, left) };
    let value = match program {
        Ok(program) => value(program, &known, left),
        Err(why) => Err(EvaluationError::new(format!("composited variable {name:?} fails to compile: {why}"))),
    };
    let newest = Variables { before, name, value };
    with_variables(rest, Some(&newest), bindings, left, then);
}

fn value<'a>(program: &Program, bindings: &Bindings<'a>, left: &mut u64) -> Result<CelValue<'a>, EvaluationError> {
    let evaluation = program.evaluate(bindings, (*left).min(ONE));
    *left = left.saturating_sub(evaluation.cost);
    evaluation.result
}
