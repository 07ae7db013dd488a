//! Resource quantities: `quantity("1.5Gi")`.

use crate::error::EvaluationError;
use crate::library::Extension;
use crate::library::standard::one;
use crate::value::{Result, Value};

/// An amount in billionths. Nothing finer exists, and nothing larger than about 10^29 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const UNIT: i128 = 1_000_000_000;

const FORMAT: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";

impl Quantity {
    /// Reads a quantity; what is finer than a billionth is rounded away from zero.
    fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            Some(_) => (false, text),
            None => return Err(FORMAT),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || whole.is_empty() && fraction.is_empty() {
            return Err(FORMAT);
        }
        let (ten, two) = match suffix {
            "" => (0, 0),
            "n" => (-9, 0),
            "u" => (-6, 0),
            "m" => (-3, 0),
            "k" => (3, 0),
            "M" => (6, 0),
            "G" => (9, 0),
            "T" => (12, 0),
            "P" => (15, 0),
            "E" => (18, 0),
            "Ki" => (0, 10),
            "Mi" => (0, 20),
            "Gi" => (0, 30),
            "Ti" => (0, 40),
            "Pi" => (0, 50),
            "Ei" => (0, 60),
            _ => match suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<i32>().ok()) {
                Some(exponent) if (-30..=29).contains(&exponent) => (exponent, 0),
                _ if suffix.chars().all(|c| "eEinumkKMGTP+-0123456789".contains(c)) => return Err(SUFFIX),
                _ => return Err(FORMAT),
            },
        };
        let digits = format!("{whole}{fraction}");
        let mut amount: i128 =
            if digits.len() > 37 { return Err(SUFFIX) } else { digits.parse().map_err(|_| FORMAT)? };
        amount = amount.checked_mul(1 << two).ok_or(SUFFIX)?;
        let power = ten + 9 - i32::try_from(fraction.len()).map_err(|_| FORMAT)?;
        if power >= 0 {
            amount = 10_i128.checked_pow(power.unsigned_abs()).and_then(|by| amount.checked_mul(by)).ok_or(SUFFIX)?;
        } else {
            let by = 10_i128.checked_pow(power.unsigned_abs()).ok_or(SUFFIX)?;
            amount = amount / by + i128::from(amount % by != 0);
        }
        Ok(Self(if negative { -amount } else { amount }))
    }

    fn as_integer(self) -> Option<i64> {
        (self.0 % UNIT == 0).then(|| i64::try_from(self.0 / UNIT).ok()).flatten()
    }
}

fn quantity<'v>(value: Option<&Value<'v>>) -> Result<Quantity> {
    match value {
        Some(Value::Extension(extension)) => match &**extension {
            Extension::Quantity(quantity) => Ok(*quantity),
            _ => Err(EvaluationError::no_such_overload()),
        },
        Some(Value::Int(units)) => Ok(Quantity(i128::from(*units) * UNIT)),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

pub(crate) fn parse<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        Value::String(text) => match Quantity::parse(text) {
            Ok(quantity) => Ok(Value::extension(Extension::Quantity(quantity))),
            Err(message) => Err(EvaluationError::new(message)),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

pub(crate) fn is_quantity<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match one(args)? {
        Value::String(text) => Ok(Value::Bool(Quantity::parse(text).is_ok())),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

pub(crate) fn sign<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(Value::Int(quantity(args.first())?.0.signum() as i64))
}

pub(crate) fn as_float<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(Value::Double(quantity(args.first())?.0 as f64 / UNIT as f64))
}

pub(crate) fn as_integer<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let integer = quantity(args.first())?.as_integer();
    integer.map(Value::Int).ok_or_else(|| EvaluationError::new("cannot convert value to integer"))
}

pub(crate) fn is_integer<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(Value::Bool(quantity(args.first())?.as_integer().is_some()))
}

pub(crate) fn add<'a>(args: &[Value<'a>], subtract: bool) -> Result<Value<'a>> {
    let (a, b) = (quantity(args.first())?, quantity(args.get(1))?);
    let sum = if subtract { a.0.checked_sub(b.0) } else { a.0.checked_add(b.0) };
    let sum = sum.ok_or_else(|| EvaluationError::new("quantity overflow"))?;
    Ok(Value::extension(Extension::Quantity(Quantity(sum))))
}
