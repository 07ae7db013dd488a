//! Values and types as Go prints them, for messages that must equal the real server's.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// A value as `%v` shows it: `map[a:1 b:[x y]]`.
pub(crate) struct GoValue<'a>(pub(crate) &'a Value);

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
pub(crate) struct GoList<'a>(pub(crate) &'a [Value]);

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

/// A value as `%#v` shows it: `map[string]interface {}{"a":1}`.
pub(crate) struct GoSyntax<'a>(pub(crate) &'a Value);

impl Display for GoSyntax<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("interface {}(nil)"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(value) => write!(f, "{value}"),
            Value::String(value) => write!(f, "{value:?}"),
            Value::Array(list) => {
                f.write_str("[]interface {}{")?;
                for (index, value) in list.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", GoSyntax(value))?;
                }
                f.write_str("}")
            }
            Value::Object(members) => {
                f.write_str("map[string]interface {}{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{name:?}:{}", GoSyntax(value))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The Go type that a decoded JSON value has.
pub(crate) fn go_type(value: &Value) -> &'static str {
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

/// JSON as Go writes it, which escapes what HTML would read.
pub(crate) fn go_json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            // These stand inside of strings only.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}
