//! `"%s: %d".format([name, count])`.

use crate::error::EvaluationError;
use crate::library::standard::{go_double, to_string};
use crate::library::{strings, time};
use crate::value::{Map, Result, Value};

/// Precision of `%f` and `%e` when none is given.
const PRECISION: usize = 6;
/// The largest precision.
const FINEST: usize = 1_000;

pub(crate) fn format<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::String(template), Value::List(list)] = args else { return Err(EvaluationError::no_such_overload()) };
    let mut out = String::with_capacity(template.len());
    let mut rest = &**template;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut precision = PRECISION;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            precision = after[..end].parse().ok().filter(|precision| *precision <= FINEST).ok_or_else(|| {
                EvaluationError::new(
                    "error while formatting string: could not parse formatting clause: error while parsing precision",
                )
            })?;
            rest = &after[end..];
        }
        let mut chars = rest.chars();
        let Some(verb) = chars.next() else {
            return Err(EvaluationError::new("unexpected end of string"));
        };
        rest = chars.as_str();
        let value = list.get(next).ok_or_else(|| EvaluationError::new(format!("index {next} out of range")))??;
        next += 1;
        write(&mut out, verb, precision, &value)?;
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn write(out: &mut String, verb: char, precision: usize, value: &Value<'_>) -> Result<()> {
    let wrong = |wanted: &str| {
        let ty = value.type_of();
        Err(EvaluationError::new(format!("error during formatting: {wanted}, was given {}", ty.runtime_name())))
    };
    match (verb, value) {
        ('s', _) => out.push_str(&show(value)?),
        ('d', Value::Int(number)) => out.push_str(&number.to_string()),
        ('d', Value::Uint(number)) => out.push_str(&number.to_string()),
        ('d', _) => return wrong("decimal clause can only be used on integers"),
        ('f', Value::Double(number)) => out.push_str(&format!("{number:.precision$}")),
        ('f', Value::Int(number)) => out.push_str(&format!("{:.precision$}", *number as f64)),
        ('f', Value::Uint(number)) => out.push_str(&format!("{:.precision$}", *number as f64)),
        ('f', _) => return wrong("fixed-point clause can only be used on doubles"),
        ('e', Value::Double(number)) => {
            let text = format!("{number:.precision$e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if exponent < 0 { '-' } else { '+' };
            out.push_str(&format!("{digits}e{sign}{:02}", exponent.abs()));
        }
        ('e', _) => return wrong("scientific clause can only be used on doubles"),
        ('b', Value::Bool(value)) => out.push(if *value { '1' } else { '0' }),
        ('b', Value::Int(number)) if *number < 0 => out.push_str(&format!("-{:b}", number.unsigned_abs())),
        ('b', Value::Int(number)) => out.push_str(&format!("{number:b}")),
        ('b', Value::Uint(number)) => out.push_str(&format!("{number:b}")),
        ('b', _) => return wrong("only integers and bools can be formatted as binary"),
        ('o', Value::Int(number)) if *number < 0 => out.push_str(&format!("-{:o}", number.unsigned_abs())),
        ('o', Value::Int(number)) => out.push_str(&format!("{number:o}")),
        ('o', Value::Uint(number)) => out.push_str(&format!("{number:o}")),
        ('o', _) => return wrong("octal clause can only be used on integers"),
        ('x' | 'X', _) => {
            let hex = match value {
                Value::Int(number) if *number < 0 => format!("-{:x}", number.unsigned_abs()),
                Value::Int(number) => format!("{number:x}"),
                Value::Uint(number) => format!("{number:x}"),
                Value::String(text) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
                Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => return wrong("only integers, byte buffers, and strings can be formatted as hex"),
            };
            out.push_str(&if verb == 'X' { hex.to_ascii_uppercase() } else { hex });
        }
        _ => {
            let message = format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\"");
            return Err(EvaluationError::new(message));
        }
    }
    Ok(())
}

/// A value as `%s` writes it.
fn show(value: &Value<'_>) -> Result<String> {
    Ok(match value {
        Value::String(text) => text.to_string(),
        Value::List(list) => {
            let parts: Result<Vec<String>> = list.iter().map(|value| show_inside(&value?)).collect();
            format!("[{}]", parts?.join(", "))
        }
        Value::Map(map @ (Map::Json { .. } | Map::Values(_))) => {
            let mut parts = Vec::new();
            for key in map.keys() {
                if let Some(value) = map.find(&key) {
                    parts.push(format!("{}: {}", show_inside(&key)?, show_inside(&value?)?));
                }
            }
            parts.sort();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Null => "null".into(),
        Value::Double(number) => go_double(*number),
        Value::Duration(nanoseconds) => time::seconds(*nanoseconds),
        Value::Type(ty) => ty.runtime_name().to_owned(),
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Bytes(_) | Value::Timestamp(_) => {
            to_string(value)?.as_str().unwrap_or_default().to_owned()
        }
        Value::Map(Map::Lazy(_)) | Value::Optional(_) | Value::Extension(_) => {
            let ty = value.type_of();
            let message = format!(
                "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, \
                 lists, types, durations, and timestamps, was given {}",
                ty.runtime_name()
            );
            return Err(EvaluationError::new(message));
        }
    })
}

/// Inside lists and maps, texts are quoted and times are calls.
fn show_inside(value: &Value<'_>) -> Result<String> {
    Ok(match value {
        Value::String(text) => strings::quote(text),
        Value::Bytes(_) => format!("b{}", strings::quote(&show(value)?)),
        Value::Timestamp(_) => format!("timestamp({})", strings::quote(&show(value)?)),
        Value::Duration(_) => format!("duration({})", strings::quote(&show(value)?)),
        _ => show(value)?,
    })
}
