//! Conversions, sizes, and the functions of texts that the language itself has.

use crate::error::EvaluationError;
use crate::library::{Extension, Function, time};
use crate::pattern::Pattern;
use crate::value::{Map, Result, Value};

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "!_" => |args| match args {
            [Value::Bool(value)] => Ok(Value::Bool(!value)),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "-_" => negate,
        "size" => size,
        "type" => |args| Ok(Value::Type(one(args)?.type_of())),
        "dyn" => |args| one(args).cloned(),
        "bool" => to_bool,
        "bytes" => to_bytes,
        "double" => to_double,
        "int" => to_int,
        "uint" => to_uint,
        "string" => |args| to_string(one(args)?),
        "contains" => |args| text_test(args, |text, part| text.contains(part)),
        "startsWith" => |args| text_test(args, |text, part| text.starts_with(part)),
        "endsWith" => |args| text_test(args, |text, part| text.ends_with(part)),
        "matches" => |args| match args {
            [Value::String(text), Value::String(pattern)] => Ok(Value::Bool(compile(pattern)?.matches(text))),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "find" => |args| match args {
            [Value::String(text), Value::String(pattern)] => {
                Ok(Value::text(legal(pattern)?.find_all(text, Some(1)).first().copied().unwrap_or_default()))
            }
            _ => Err(EvaluationError::no_such_overload()),
        },
        "findAll" => find_all,
        "optional.of" => |args| Ok(Value::some(one(args)?.clone())),
        "optional.ofNonZeroValue" => |args| {
            let value = one(args)?;
            Ok(if is_zero(value) { Value::Optional(None) } else { Value::some(value.clone()) })
        },
        "optional.none" => |_| Ok(Value::Optional(None)),
        "value" => |args| match args {
            [Value::Optional(Some(value))] => Ok((**value).clone()),
            [Value::Optional(None)] => Err(EvaluationError::new("optional.none() dereference")),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "hasValue" => |args| match args {
            [Value::Optional(value)] => Ok(Value::Bool(value.is_some())),
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => return None,
    })
}

/// Compiles a pattern of `matches`.
pub(crate) fn compile(pattern: &str) -> Result<Pattern> {
    Pattern::new(pattern).map_err(|error| EvaluationError::new(format!("error parsing regexp: {error}")))
}

fn legal(pattern: &str) -> Result<Pattern> {
    Pattern::new(pattern).map_err(|error| EvaluationError::new(format!("Illegal regex: {error}")))
}

fn find_all<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (text, pattern, limit) = match args {
        [Value::String(text), Value::String(pattern)] => (text, pattern, None),
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => {
            (text, pattern, usize::try_from(*limit).ok())
        }
        _ => return Err(EvaluationError::no_such_overload()),
    };
    Ok(Value::list(legal(pattern)?.find_all(text, limit).into_iter().map(Value::text).collect()))
}

pub(crate) fn one<'a, 'v>(args: &'a [Value<'v>]) -> Result<&'a Value<'v>> {
    match args {
        [value] => Ok(value),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn text_test<'a>(args: &[Value<'a>], test: fn(&str, &str) -> bool) -> Result<Value<'a>> {
    match args {
        [Value::String(text), Value::String(part)] => Ok(Value::Bool(test(text, part))),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn negate<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match args {
        [Value::Int(value)] => {
            value.checked_neg().map(Value::Int).ok_or_else(|| EvaluationError::new("integer overflow"))
        }
        [Value::Double(value)] => Ok(Value::Double(-value)),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn size<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ (Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_)) => {
            Ok(Value::Int(value.cost_size() as i64))
        }
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn failed<'a>(value: &Value<'a>, to: &str) -> Result<Value<'a>> {
    let from = value.type_of();
    Err(EvaluationError::new(format!("type conversion error from '{}' to '{to}'", from.runtime_name())))
}

fn to_bool<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ Value::Bool(_) => Ok(value.clone()),
        value @ Value::String(text) => match &**text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => failed(value, "bool"),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn to_bytes<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ Value::Bytes(_) => Ok(value.clone()),
        Value::String(text) => Ok(Value::Bytes(text.as_bytes().into())),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn to_double<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        value @ Value::Double(_) => Ok(value.clone()),
        Value::Int(value) => Ok(Value::Double(*value as f64)),
        Value::Uint(value) => Ok(Value::Double(*value as f64)),
        value @ Value::String(text) => match text.parse() {
            Ok(number) => Ok(Value::Double(number)),
            Err(_) => failed(value, "double"),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn to_int<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let overflow = || EvaluationError::new("integer overflow");
    match one(args)? {
        value @ Value::Int(_) => Ok(value.clone()),
        Value::Uint(value) => i64::try_from(*value).map(Value::Int).map_err(|_| overflow()),
        Value::Double(value) if *value > i64::MIN as f64 && *value < i64::MAX as f64 => Ok(Value::Int(*value as i64)),
        Value::Double(_) => Err(overflow()),
        value @ Value::String(text) => match parse_go_int(text) {
            Some(number) => Ok(Value::Int(number)),
            None => failed(value, "int"),
        },
        Value::Timestamp(time) => Ok(Value::Int(time.as_second())),
        Value::Duration(nanoseconds) => Ok(Value::Int(*nanoseconds)),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// A decimal integer with an optional sign.
fn parse_go_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn to_uint<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let overflow = || EvaluationError::new("unsigned integer overflow");
    match one(args)? {
        value @ Value::Uint(_) => Ok(value.clone()),
        Value::Int(value) => u64::try_from(*value).map(Value::Uint).map_err(|_| overflow()),
        Value::Double(value) if *value >= 0.0 && *value < u64::MAX as f64 => Ok(Value::Uint(*value as u64)),
        Value::Double(_) => Err(overflow()),
        value @ Value::String(text) => match text.strip_prefix('+').map_or_else(|| text.parse().ok(), |_| None) {
            Some(number) => Ok(Value::Uint(number)),
            None => failed(value, "uint"),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

pub(crate) fn to_string<'a>(value: &Value<'a>) -> Result<Value<'a>> {
    Ok(match value {
        Value::String(_) => value.clone(),
        Value::Bool(value) => Value::text(value.to_string()),
        Value::Int(value) => Value::text(value.to_string()),
        Value::Uint(value) => Value::text(value.to_string()),
        Value::Double(value) => Value::text(go_double(*value)),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(_) => return Err(EvaluationError::new("invalid UTF-8 in bytes, cannot convert to string")),
        },
        Value::Timestamp(time) => Value::text(time::rfc3339(*time)),
        Value::Duration(nanoseconds) => Value::text(time::seconds(*nanoseconds)),
        Value::Extension(extension) => match &**extension {
            Extension::Ip(ip) => Value::text(ip.to_string()),
            Extension::Cidr(cidr) => Value::text(cidr.to_string()),
            _ => return Err(EvaluationError::no_such_overload()),
        },
        _ => return Err(EvaluationError::no_such_overload()),
    })
}

/// As Go prints a float with the fewest digits (`%g`): `1e+06` from a million on, fractions plain from 1e-4.
fn go_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let exponent = if value == 0.0 { 0 } else { scientific_exponent(value) };
    if !(-4..6).contains(&exponent) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value}")
}

fn scientific_exponent(value: f64) -> i32 {
    format!("{value:e}").rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// The value is the one that a field has when nobody sets it.
fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Optional(None) => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Duration(nanoseconds) => *nanoseconds == 0,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty() && !matches!(map, Map::Lazy(_)),
        Value::Timestamp(_) | Value::Optional(Some(_)) | Value::Type(_) | Value::Extension(_) => false,
    }
}
