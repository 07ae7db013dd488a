//! Values and types as Go prints them, for messages that must equal the real server's.

use std::fmt::{self, Display};
use std::io::{self, Write};

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::Formatter;

/// A value as `%v` shows it: `map[a:1 b:[x y]]`.
pub(crate) struct GoValue<'a>(pub(crate) &'a Value);

impl Display for GoValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, value) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{}", GoValue(value))?;
        }
        f.write_str("]")
    }
}

/// A value as `%s` shows it, which is made for texts: `map[a:%!s(int64=1) b:x]`.
pub(crate) struct GoText<'a>(pub(crate) &'a Value);

impl Display for GoText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            Value::Null => f.write_str("%!s(<nil>)"),
            Value::Bool(_) | Value::Number(_) => write!(f, "%!s({}={})", go_type(self.0), self.0),
            Value::Array(list) => {
                let shown: Vec<String> = list.iter().map(|value| GoText(value).to_string()).collect();
                write!(f, "[{}]", shown.join(" "))
            }
            Value::Object(members) => {
                let show = |(name, value): (&String, &Value)| format!("{name}:{}", GoText(value));
                write!(f, "map[{}]", members.iter().map(show).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// JSON with the fields of objects in this order, and those that are not named after them, by name.
pub(crate) fn in_order(value: &Value, order: &[&str]) -> String {
    match value {
        Value::Object(members) => {
            let rank = |name: &str| order.iter().position(|known| *known == name).unwrap_or(order.len());
            let mut fields: Vec<(&String, &Value)> = members.iter().collect();
            fields.sort_by_key(|(name, _)| rank(name));
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), in_order(value, order)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(entries) => {
            let entries: Vec<String> = entries.iter().map(|entry| in_order(entry, order)).collect();
            format!("[{}]", entries.join(","))
        }
        other => other.to_string(),
    }
}

/// How a field of an internal Go struct is written when it is absent.
#[derive(Clone, Copy)]
pub(crate) enum Absent {
    /// A text: `""`
    Text,
    /// A number: `0`
    Number,
    /// A truth value: `false`
    Flag,
    /// A pointer, list or map: `null`
    Nil,
}

/// An object as the JSON of an internal Go struct, which has no JSON names: each field by its Go name, present or not.
pub(crate) fn internal_json(object: &Value, fields: &[(&str, &str, Absent)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(go, json, absent)| {
            let text = match (&object[*json], absent) {
                (Value::Null, Absent::Text) => "\"\"".to_owned(),
                (Value::Null, Absent::Number) => "0".to_owned(),
                (Value::Null, Absent::Flag) => "false".to_owned(),
                (Value::Null, Absent::Nil) => "null".to_owned(),
                (value, _) => in_order(value, &["matchLabels", "matchExpressions", "key", "operator", "values"]),
            };
            format!("\"{go}\":{text}")
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A value as `%#v` shows it: `map[string]interface {}{"a":1}`.
pub(crate) struct GoSyntax<'a>(pub(crate) &'a Value);

impl Display for GoSyntax<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// JSON as Go writes it: without what HTML would read, and whole floats without a fraction.
pub(crate) fn go_json(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter);
    // Writing to memory fails only for maps whose keys are not strings, which a `Value` can't have.
    if value.serialize(&mut serializer).is_err() {
        return value.to_string();
    }
    String::from_utf8(out).unwrap_or_else(|_| value.to_string())
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() < 1e21 {
            write!(writer, "{value:.0}")
        } else {
            write!(writer, "{value:?}")
        }
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut chars = after.chars();
            if let Some(c) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_written_as_go_writes_it() {
        let value = json!({"a<b": ["x&y\u{2028}", 2.0, -0.5, 1e300, 7, "\"\n"]});
        assert_eq!(go_json(&value), r#"{"a\u003cb":["x\u0026y\u2028",2,-0.5,1e300,7,"\"\n"]}"#);
    }

    #[test]
    fn values_are_shown_as_go_shows_them() {
        let value = json!({"b": [1, "x", null], "a": {"c": true}});
        assert_eq!(GoValue(&value).to_string(), "map[a:map[c:true] b:[1 x <nil>]]");
        assert_eq!(
            GoSyntax(&value).to_string(),
            r#"map[string]interface {}{"a":map[string]interface {}{"c":true}, "b":[]interface {}{1, "x", interface {}(nil)}}"#
        );
    }
}
