//! Values and types as Go prints them with `%v` and `reflect.TypeOf`, for messages that must equal the real server's.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// A value as `%v` shows it: `map[a:1 b:[x y]]`.
pub(super) struct GoValue<'a>(pub(super) &'a Value);

impl Display for GoValue<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("<nil>"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(value) => write!(f, "{value}"),
            Value::String(value) => f.write_str(value),
            Value::Array(list) => GoList(list).fmt(f),
            Value::Object(members) => {
                f.write_str("map[")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    let space = if index > 0 { " " } else { "" };
                    write!(f, "{space}{name}:{}", GoValue(value))?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A list as `%v` shows it: `[a b]`.
pub(super) struct GoList<'a>(pub(super) &'a [Value]);

impl Display for GoList<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, value) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{}", GoValue(value))?;
        }
        f.write_str("]")
    }
}

/// The Go type that a decoded JSON value has.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
