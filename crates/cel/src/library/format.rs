//! `"%s: %d".format([name, count])`: the clauses of a template, and what they make of values.
//!
//! Numbers with a fraction are written as in American English, with a comma between thousands: it is what the formatter of
//! the version that Kubernetes takes does.

use crate::error::EvaluationError;
use crate::library::standard::to_string;
use crate::library::strings;
use crate::types::Type;
use crate::value::{Map, Result, Value};

/// Digits of a fraction when none are asked for.
const PRECISION: usize = 6;
/// The largest precision that can be asked for.
const FINEST: usize = 32_767;

/// A piece of a template.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece<'t> {
    Text(&'t str),
    /// What stands for the next value; an error tells why it can't be read.
    Clause(std::result::Result<Clause, String>),
    /// `%` with nothing behind it.
    End,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clause {
    /// `%s`
    Text,
    /// `%d`
    Decimal,
    /// `%.2f`, with the digits of its fraction
    Fixed(usize),
    /// `%.2e`
    Scientific(usize),
    /// `%b`
    Binary,
    /// `%x`, or `%X` with large letters
    Hex { upper: bool },
    /// `%o`
    Octal,
}

impl Clause {
    /// What it can be used on.
    fn takes(self) -> &'static str {
        match self {
            Self::Text => {
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and \
                 timestamps"
            }
            Self::Decimal => "decimal clause can only be used on integers",
            Self::Fixed(_) => "fixed-point clause can only be used on doubles",
            Self::Scientific(_) => "scientific clause can only be used on doubles",
            Self::Binary => "only integers and bools can be formatted as binary",
            Self::Hex { .. } => "only integers, byte buffers, and strings can be formatted as hex",
            Self::Octal => "octal clause can only be used on integers",
        }
    }

    /// Why a value of this type can't be written so.
    pub(crate) fn refusal(self, ty: &Type) -> String {
        format!("error during formatting: {}, was given {}", self.takes(), ty.runtime_name())
    }

    /// Whether values of a type can be written so; what is in lists and maps does not matter.
    pub(crate) fn accepts(self, ty: &Type) -> bool {
        let integer = matches!(ty, Type::Int | Type::Uint);
        matches!(ty, Type::Dyn)
            || match self {
                Self::Text => !matches!(ty, Type::Object(_) | Type::Opaque(..) | Type::Error | Type::Parameter(_)),
                Self::Decimal | Self::Octal => integer,
                // "NaN" and "Infinity" are texts.
                Self::Fixed(_) | Self::Scientific(_) => matches!(ty, Type::Double | Type::String),
                Self::Binary => integer || *ty == Type::Bool,
                Self::Hex { .. } => integer || matches!(ty, Type::String | Type::Bytes),
            }
    }
}

/// The pieces of a template, one after the other.
pub(crate) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(after) = rest.strip_prefix('%') else {
            let (text, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
            rest = after;
            return Some(Piece::Text(text));
        };
        if let Some(beyond) = after.strip_prefix('%') {
            rest = beyond;
            return Some(Piece::Text("%"));
        }
        if after.is_empty() {
            rest = after;
            return Some(Piece::End);
        }
        Some(Piece::Clause(match clause(after) {
            Ok((clause, beyond)) => {
                rest = beyond;
                Ok(clause)
            }
            Err(why) => {
                rest = "";
                Err(format!("could not parse formatting clause: {why}"))
            }
        }))
    })
}

/// The clause that a text starts with, and what follows it.
fn clause(text: &str) -> std::result::Result<(Clause, &str), String> {
    let (mut rest, mut precision) = (text, PRECISION);
    if let Some(after) = text.strip_prefix('.') {
        let end = after.find(|c: char| !c.is_ascii_digit());
        let failed = |why: &str| format!("error while parsing precision: {why}");
        let end = end.ok_or_else(|| failed("could not find end of precision specifier"))?;
        let digits = &after[..end];
        let not_a_number = |why: &str| {
            failed(&format!("error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": {why}"))
        };
        if digits.is_empty() {
            return Err(not_a_number("invalid syntax"));
        }
        precision = digits
            .parse()
            .ok()
            .filter(|precision| *precision <= FINEST)
            .ok_or_else(|| not_a_number("value out of range"))?;
        rest = &after[end..];
    }
    let byte = rest.as_bytes().first().copied().unwrap_or_default();
    let clause = match byte {
        b's' => Clause::Text,
        b'd' => Clause::Decimal,
        b'f' => Clause::Fixed(precision),
        b'e' => Clause::Scientific(precision),
        b'b' => Clause::Binary,
        b'x' => Clause::Hex { upper: false },
        b'X' => Clause::Hex { upper: true },
        b'o' => Clause::Octal,
        // Byte by byte, as the real server reads it.
        other => return Err(format!("unrecognized formatting clause \"{}\"", char::from(other))),
    };
    Ok((clause, &rest[1..]))
}

pub(crate) fn format<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::String(template), Value::List(list)] = args else { return Err(EvaluationError::no_such_overload()) };
    let mut out = String::with_capacity(template.len());
    let mut next = 0;
    for piece in pieces(template) {
        let clause = match piece {
            Piece::Text(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Clause(clause) => Some(clause),
            Piece::End => None,
        };
        let value = list.get(next).ok_or_else(|| EvaluationError::new(format!("index {next} out of range")))??;
        next += 1;
        let clause = clause.ok_or_else(|| EvaluationError::new("unexpected end of string"))?;
        write(&mut out, clause.map_err(EvaluationError::new)?, &value)?;
    }
    Ok(Value::text(out))
}

fn write(out: &mut String, clause: Clause, value: &Value<'_>) -> Result<()> {
    let text = match (clause, value) {
        (Clause::Text, _) => show(value)?,
        (Clause::Decimal, Value::Int(number)) => number.to_string(),
        (Clause::Decimal, Value::Uint(number)) => number.to_string(),
        (Clause::Fixed(precision), _) => match number(value) {
            Some(number) => fixed(number, precision),
            None => return Err(refused(clause, value)),
        },
        (Clause::Scientific(width), _) => match number(value) {
            Some(number) => format!("{:>width$}", scientific(number)),
            None => return Err(refused(clause, value)),
        },
        (Clause::Binary, Value::Bool(value)) => u8::from(*value).to_string(),
        (Clause::Binary, Value::Int(number)) => format!("{}{:b}", sign(*number), number.unsigned_abs()),
        (Clause::Binary, Value::Uint(number)) => format!("{number:b}"),
        (Clause::Octal, Value::Int(number)) => format!("{}{:o}", sign(*number), number.unsigned_abs()),
        (Clause::Octal, Value::Uint(number)) => format!("{number:o}"),
        (Clause::Hex { upper }, _) => {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let hex: String = match value {
                Value::Int(number) => format!("{}{:x}", sign(*number), number.unsigned_abs()),
                Value::Uint(number) => format!("{number:x}"),
                Value::String(text) => hex(text.as_bytes()),
                Value::Bytes(bytes) => hex(bytes),
                _ => return Err(refused(clause, value)),
            };
            if upper { hex.to_ascii_uppercase() } else { hex }
        }
        _ => return Err(refused(clause, value)),
    };
    out.push_str(&text);
    Ok(())
}

fn refused(clause: Clause, value: &Value<'_>) -> EvaluationError {
    EvaluationError::new(clause.refusal(&value.type_of()))
}

fn sign(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

/// The number that a value with a fraction stands for.
fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn not_finite(number: f64) -> Option<String> {
    if number.is_finite() {
        return None;
    }
    let text = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "∞"
    } else {
        "-∞"
    };
    Some(text.to_owned())
}

/// `-1,234.50`
fn fixed(number: f64, precision: usize) -> String {
    if let Some(text) = not_finite(number) {
        return text;
    }
    let digits = format!("{:.precision$}", number.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    // A zero has no sign, what is rounded to zero has one.
    let mut out = String::from(if number < 0.0 { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let fraction = padded(fraction, precision);
    if fraction.is_empty() { out } else { format!("{out}.{fraction}") }
}

/// `1.500000×10⁰³`
fn scientific(number: f64) -> String {
    if let Some(text) = not_finite(number) {
        return text;
    }
    let digits = format!("{:.PRECISION$e}", number.abs());
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let raised: String = format!("{:02}", exponent.abs()).chars().map(superscript).collect();
    let sign = if number < 0.0 { "-" } else { "" };
    let minus = if exponent < 0 { "⁻" } else { "" };
    format!("{sign}{mantissa}×10{minus}{raised}")
}

/// The digits of a fraction: of many zeros at the end only so many are written as the low byte of the precision says.
fn padded(fraction: &str, precision: usize) -> &str {
    let needed = fraction.trim_end_matches('0').len();
    &fraction[..needed.max(precision % 256).min(fraction.len())]
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
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
                    parts.push((show_key(&key)?, show_inside(&value?)?));
                }
            }
            parts.sort_by(|(one, _), (other, _)| one.cmp(other));
            let parts: Vec<String> = parts.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Null => "null".into(),
        Value::Type(ty) => ty.runtime_name().to_owned(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::Duration(_) => to_string(value)?.as_str().unwrap_or_default().to_owned(),
        Value::Map(Map::Lazy(_)) | Value::Optional(_) | Value::Extension(_) => {
            return Err(refused(Clause::Text, value));
        }
    })
}

/// Inside of lists and maps texts are quoted, times are calls, and numbers have six digits after the point.
fn show_inside(value: &Value<'_>) -> Result<String> {
    Ok(match value {
        Value::String(text) => strings::quote_go(text),
        Value::Bytes(_) => format!("b{}", strings::quote_go(&show(value)?)),
        Value::Timestamp(_) => format!("timestamp({})", strings::quote_go(&show(value)?)),
        Value::Duration(_) => format!("duration({})", strings::quote_go(&show(value)?)),
        Value::Double(number) if number.is_finite() => format!("{number:.PRECISION$}"),
        Value::Double(_) => format!("\"{}\"", show(value)?),
        Value::Map(Map::Lazy(_)) | Value::Optional(_) | Value::Extension(_) => {
            let ty = value.type_of();
            let message = format!("error during formatting: no formatting function for {}", ty.runtime_name());
            return Err(EvaluationError::new(message));
        }
        _ => show(value)?,
    })
}

fn show_key(key: &Value<'_>) -> Result<String> {
    match key {
        Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::Uint(_) => show_inside(key),
        other => {
            let ty = other.type_of();
            let message =
                format!("error during formatting: no formatting function for map key of type {}", ty.runtime_name());
            Err(EvaluationError::new(message))
        }
    }
}
