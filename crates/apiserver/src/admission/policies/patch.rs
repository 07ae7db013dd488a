//! How a mutation of a policy changes an object: as a JSON patch, or as a configuration that is merged into it.

use kubewright_cel::{Extension, Message, Value as CelValue};
use serde_json::Value;

use super::evaluate::{self, Input};
use super::policy::{Mutation, Policy};
use crate::apply;
use crate::patch::{self, JsonPatchFailure};
use crate::registry::Resource;
use crate::schema::{BuiltinSchemas, TypeRef};
use crate::status::ApiError;
use crate::verbs;

/// Why an object is not changed.
pub(super) enum Failure {
    /// The policy has failed, which its `failurePolicy` may forgive.
    Policy(String),
    /// The request can't go on.
    Request(ApiError),
}

/// The object as the mutation leaves it; `None` when it has nothing to change.
pub(super) fn change(policy: &Policy, mutation: &Mutation, input: &Input<'_>) -> Result<Option<Value>, Failure> {
    let Some(object) = input.object else { return Ok(None) };
    let expression = (mutation.expression.as_str(), &mutation.program);
    let read = if mutation.json_patch { operations } else { configuration };
    let given = evaluate::give(policy, expression, input, read).map_err(Failure::Policy)?;
    let subresource = &input.attributes.subresource;
    let mut new = if mutation.json_patch {
        match patch::explained_json_patch(object, &given) {
            Ok(new) => new,
            // A test that fails says that there is nothing to change.
            Err(JsonPatchFailure::Test(_)) => return Ok(None),
            Err(JsonPatchFailure::Misfit(why)) => return Err(Failure::Policy(format!("JSON Patch: {why}"))),
            Err(JsonPatchFailure::Refused(error)) => {
                return Err(Failure::Policy(format!("JSON Patch: {}", error.message)));
            }
        }
    } else {
        let mut config = given;
        for field in ["apiVersion", "kind"] {
            config[field] = object[field].clone();
        }
        let Some(ty) = ty(input.target, subresource) else { return Ok(None) };
        apply::configure(&ty, object, &config).map_err(|why| Failure::Policy(format!("error applying patch: {why}")))?
    };
    verbs::redecode(input.target, subresource, &mut new).map_err(|why| match mutation.json_patch {
        true => Failure::Request(ApiError::internal(why)),
        false => Failure::Policy(why),
    })?;
    Ok(Some(new))
}

/// The type of what is posted to a resource, or to a subresource.
fn ty(resource: &Resource, subresource: &str) -> Option<TypeRef> {
    match resource.subresource(subresource).filter(|own| own.kind != resource.kind) {
        Some(own) => BuiltinSchemas::get().kind(&own.group, &own.version, &own.kind),
        None => resource.ty().cloned(),
    }
}

fn message<'v, 'a>(value: &'v CelValue<'a>) -> Option<&'v Message<'a>> {
    match value {
        CelValue::Extension(extension) => match &**extension {
            Extension::Message(message) => Some(message),
            _ => None,
        },
        _ => None,
    }
}

/// Nothing else checks the names of objects in an object that an expression makes.
fn check_names(message: &Message<'_>) -> Result<(), String> {
    match message.misnamed() {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(format!("type mismatch: {}", wrong.join("\n"))),
    }
}

/// The configuration that `applyConfiguration` gives.
fn configuration(given: &CelValue<'_>) -> Result<Value, String> {
    let Some(message) = message(given) else {
        return Err("unsupported return type from ApplyConfiguration expression".into());
    };
    check_names(message)?;
    let mut config = message.to_json().ok_or("invalid return type: a value in it has no form in JSON")?;
    make_whole(&mut config);
    Ok(config)
}

/// The operations that `jsonPatch` gives.
fn operations(given: &CelValue<'_>) -> Result<Value, String> {
    const WRONG: &str = "type mismatch: JSONPatchType.expression should evaluate to array";
    let CelValue::List(list) = given else { return Err(WRONG.into()) };
    let mut operations = Vec::with_capacity(list.len());
    for index in 0..list.len() {
        let Some(Ok(element)) = list.get(index) else { return Err(WRONG.into()) };
        let Some(operation) = message(&element) else {
            return Err("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".into());
        };
        if let Some(value) = operation.field("value").and_then(self::message) {
            check_names(value)?;
        }
        let operation =
            operation.to_json().ok_or("JSONPath valueExpression evaluated to a type that could not marshal to JSON")?;
        operations.push(operation);
    }
    let mut operations = Value::Array(operations);
    make_whole(&mut operations);
    Ok(operations)
}

/// Writes numbers without a fraction as whole ones, as Go does.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15) {
                *value = (float as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}
