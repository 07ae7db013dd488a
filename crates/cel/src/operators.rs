//! Equality, order and arithmetic.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::EvaluationError;
use crate::escape::escape;
use crate::schema::{Merge, SchemaKind};
use crate::value::{List, Map, Result, Text, Value};

/// `==`. Values of different types are different; numbers are equal across types.
pub(crate) fn equal(a: &Value<'_>, b: &Value<'_>) -> Result<bool> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::List(a), Value::List(b)) => return equal_lists(a, b),
        (Value::Map(a), Value::Map(b)) => return equal_maps(a, b),
        // Collections of a schema can only be compared with their like.
        (Value::List(List::Json { .. }) | Value::Map(Map::Json { .. }), _) => {
            return Err(EvaluationError::no_such_overload());
        }
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (Some(a), Some(b)) => return equal(a, b),
            (a, b) => a.is_none() && b.is_none(),
        },
        (Value::Type(a), Value::Type(b)) => a.runtime_name() == b.runtime_name(),
        (Value::Extension(a), Value::Extension(b)) => a.equals(b),
        _ => number_order(a, b) == Some(Some(Ordering::Equal)),
    })
}

fn equal_lists<'a>(a: &List<'a>, b: &List<'a>) -> Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    match a.merge() {
        Merge::Atomic => {
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(&a?, &b?)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Merge::Set => {
            let members = a.to_vec()?;
            for b in b.iter() {
                if !contains(&members, &b?)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Merge::Map(keys) => {
            let members = a.to_vec()?;
            for b in b.iter() {
                let b = b?;
                match members.iter().find(|a| same_entry(keys, a, &b)) {
                    Some(a) if equal(a, &b)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
    }
}

pub(crate) fn contains(members: &[Value<'_>], value: &Value<'_>) -> Result<bool> {
    let mut failed = None;
    for member in members {
        match equal(member, value) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(false), Err)
}

/// Two entries of a list of maps have the same keys.
fn same_entry(keys: &[String], a: &Value<'_>, b: &Value<'_>) -> bool {
    let (Value::Map(a), Value::Map(b)) = (a, b) else { return false };
    keys.iter().all(|key| {
        let key = escape(key).unwrap_or_else(|| key.clone());
        match (a.field(&key), b.field(&key)) {
            (Some(Ok(a)), Some(Ok(b))) => equal(&a, &b).unwrap_or(false),
            (None, None) => true,
            _ => false,
        }
    })
}

fn equal_maps<'a>(a: &Map<'a>, b: &Map<'a>) -> Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    if let (Map::Json { map: a_map, schema }, Map::Json { map: b_map, .. }) = (a, b)
        && let SchemaKind::Object(object) = &schema.kind
    {
        for (name, value) in a_map.iter() {
            let known = escape(name).filter(|name| object.fields.contains_key(name));
            match known {
                Some(name) => match (a.field(&name), b.field(&name)) {
                    (None, None) => {}
                    (Some(a), Some(b)) => {
                        if !equal(&a?, &b?)? {
                            return Ok(false);
                        }
                    }
                    _ => return Ok(false),
                },
                None => {
                    if b_map.get(name).is_some_and(|other| !equal_json(value, other)) {
                        return Ok(false);
                    }
                }
            }
        }
        return Ok(true);
    }
    for key in a.keys() {
        match (a.find(&key), b.find(&key)) {
            (Some(a), Some(b)) => {
                if !equal(&a?, &b?)? {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// As Kubernetes compares what it has no schema for: empty and absent collections are the same.
fn equal_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_json(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal_json(a, b)))
        }
        _ => a == b,
    }
}

/// The order of two numbers: `None` when one is none, `Some(None)` when one is not a number.
fn number_order(a: &Value<'_>, b: &Value<'_>) -> Option<Option<Ordering>> {
    let integer = |value: &Value<'_>| match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    };
    match (a, b, integer(a), integer(b)) {
        (_, _, Some(a), Some(b)) => Some(Some(a.cmp(&b))),
        (Value::Double(a), Value::Double(b), ..) => Some(a.partial_cmp(b)),
        (Value::Double(a), _, _, Some(b)) => Some(compare_double(*a, b)),
        (_, Value::Double(b), Some(a), _) => Some(compare_double(*b, a).map(Ordering::reverse)),
        _ => None,
    }
}

fn compare_double(a: f64, b: i128) -> Option<Ordering> {
    if a.is_nan() {
        return None;
    }
    if a.abs() > 1e30 {
        return Some(if a > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    Some((a.floor() as i128).cmp(&b).then(a.fract().partial_cmp(&0.0)?))
}

/// The order that `<` and its kin go by.
pub(crate) fn compare(a: &Value<'_>, b: &Value<'_>) -> Result<Ordering> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        _ => match number_order(a, b) {
            Some(Some(order)) => order,
            Some(None) => return Err(EvaluationError::new("NaN values cannot be ordered")),
            None => return Err(EvaluationError::no_such_overload()),
        },
    })
}

/// An operator of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

pub(crate) fn arithmetic<'a>(operator: Arithmetic, a: &Value<'a>, b: &Value<'a>) -> Result<Value<'a>> {
    use Arithmetic::{Divide, Modulo, Multiply, Subtract};
    let by_zero = || {
        let message = if operator == Modulo { "modulus by zero" } else { "division by zero" };
        Err(EvaluationError::new(message))
    };
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) if matches!(operator, Divide | Modulo) => {
            by_zero()
        }
        (Value::Int(a), Value::Int(b)) => {
            let result = match operator {
                Subtract => a.checked_sub(*b),
                Multiply => a.checked_mul(*b),
                Divide => a.checked_div(*b),
                Modulo => a.checked_rem(*b),
            };
            result.map(Value::Int).ok_or_else(|| EvaluationError::new("integer overflow"))
        }
        (Value::Uint(a), Value::Uint(b)) => {
            let result = match operator {
                Subtract => a.checked_sub(*b),
                Multiply => a.checked_mul(*b),
                Divide => a.checked_div(*b),
                Modulo => a.checked_rem(*b),
            };
            result.map(Value::Uint).ok_or_else(|| EvaluationError::new("unsigned integer overflow"))
        }
        (Value::Double(a), Value::Double(b)) => match operator {
            Subtract => Ok(Value::Double(a - b)),
            Multiply => Ok(Value::Double(a * b)),
            Divide => Ok(Value::Double(a / b)),
            Modulo => Err(EvaluationError::no_such_overload()),
        },
        (Value::Timestamp(a), Value::Timestamp(b)) if operator == Subtract => {
            let nanoseconds = a.as_nanosecond() - b.as_nanosecond();
            let duration = i64::try_from(nanoseconds).map_err(|_| EvaluationError::new("timestamp overflow"))?;
            Ok(Value::Duration(duration))
        }
        (Value::Timestamp(time), Value::Duration(duration)) if operator == Subtract => {
            crate::library::time::shift(*time, -i128::from(*duration))
        }
        (Value::Duration(a), Value::Duration(b)) if operator == Subtract => {
            a.checked_sub(*b).map(Value::Duration).ok_or_else(|| EvaluationError::new("duration overflow"))
        }
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// `+`.
pub(crate) fn add<'a>(a: Value<'a>, b: Value<'a>) -> Result<Value<'a>> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => {
            a.checked_add(b).map(Value::Int).ok_or_else(|| EvaluationError::new("integer overflow"))
        }
        (Value::Uint(a), Value::Uint(b)) => {
            a.checked_add(b).map(Value::Uint).ok_or_else(|| EvaluationError::new("unsigned integer overflow"))
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => Ok(match (a.is_empty(), b.is_empty()) {
            (true, _) => Value::String(b),
            (_, true) => Value::String(a),
            _ => Value::String(Text::Shared([&*a, &*b].concat().into())),
        }),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([&*a, &*b].concat().into())),
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(b).map(Value::Duration).ok_or_else(|| EvaluationError::new("duration overflow"))
        }
        (Value::Timestamp(time), Value::Duration(duration)) | (Value::Duration(duration), Value::Timestamp(time)) => {
            crate::library::time::shift(time, i128::from(duration))
        }
        (Value::List(a), Value::List(b)) => add_lists(a, &b),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn add_lists<'a>(a: List<'a>, b: &List<'a>) -> Result<Value<'a>> {
    let merge = a.merge();
    // A list that nobody else holds grows in place: this is what makes `map` and `filter` linear.
    let mut values = match a {
        List::Values { mut values, .. } => match Arc::get_mut(&mut values) {
            Some(own) => std::mem::take(own),
            None => values.to_vec(),
        },
        List::Json { .. } => a.to_vec()?,
    };
    for added in b.iter() {
        let added = added?;
        match merge {
            Merge::Atomic => values.push(added),
            Merge::Set => {
                if !contains(&values, &added)? {
                    values.push(added);
                }
            }
            Merge::Map(keys) => match values.iter_mut().find(|known| same_entry(keys, known, &added)) {
                Some(known) => *known = added,
                None => values.push(added),
            },
        }
    }
    Ok(Value::List(List::Values { values: Arc::new(values), merge }))
}
