//! Named formats: `format.dns1123Label().validate(name)`.

use base64::Engine as _;

use crate::error::EvaluationError;
use crate::library::{Extension, Function, time};
use crate::pattern::Pattern;
use crate::value::{Result, Value};

/// A format: its name, how long the pattern behind it is, and what is wrong with a text.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    name: &'static str,
    pattern_length: u64,
    check: fn(&str) -> Vec<String>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl Format {
    /// How long the pattern behind it is, for costs.
    pub(crate) fn pattern_length(&self) -> u64 {
        self.pattern_length
    }
}

macro_rules! format_functions {
    ($($call:literal => $name:literal, $length:literal, $check:expr;)*) => {
        const FORMATS: &[Format] = &[$(Format { name: $name, pattern_length: $length, check: $check }),*];

        pub(crate) fn function(name: &str) -> Option<Function> {
            Some(match name {
                $($call => |_| named($name),)*
                "format.named" => |args| match args {
                    [Value::String(name)] => match format!("format.{}", &**name).as_str() {
                        $($call => Ok(Value::some(named($name)?)),)*
                        _ => Ok(Value::Optional(None)),
                    },
                    _ => Err(EvaluationError::no_such_overload()),
                },
                "validate" => validate,
                _ => return None,
            })
        }
    };
}

format_functions! {
    "format.dns1123Label" => "DNS1123Label", 30, |text| dns_label(text, false);
    "format.dns1123Subdomain" => "DNS1123Subdomain", 60, |text| dns_subdomain(text, false);
    "format.dns1035Label" => "DNS1035Label", 30, |text| dns_1035_label(text, false);
    "format.qualifiedName" => "QualifiedName", 60, qualified_name;
    "format.dns1123LabelPrefix" => "DNS1123LabelPrefix", 30, |text| dns_label(text, true);
    "format.dns1123SubdomainPrefix" => "DNS1123SubdomainPrefix", 60, |text| dns_subdomain(text, true);
    "format.dns1035LabelPrefix" => "DNS1035LabelPrefix", 30, |text| dns_1035_label(text, true);
    "format.labelValue" => "LabelValue", 40, label_value;
    "format.uri" => "URI", 1024, uri;
    "format.uuid" => "uuid", 80, uuid;
    "format.byte" => "byte", 84, |text| unless(base64::engine::general_purpose::STANDARD.decode(text).is_ok(), "invalid base64");
    "format.date" => "date", 120, |text| unless(time::date(text).is_ok(), "invalid date");
    "format.datetime" => "datetime", 120, |text| unless(time::date_time(text).is_ok(), "invalid datetime");
}

fn named<'a>(name: &str) -> Result<Value<'a>> {
    let format = FORMATS.iter().find(|format| format.name == name);
    format.map(|format| Value::extension(Extension::Format(*format))).ok_or_else(EvaluationError::no_such_overload)
}

fn validate<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::Extension(extension), Value::String(text)] = args else {
        return Err(EvaluationError::no_such_overload());
    };
    let Extension::Format(format) = &**extension else { return Err(EvaluationError::no_such_overload()) };
    let wrong = (format.check)(text);
    if wrong.is_empty() {
        return Ok(Value::Optional(None));
    }
    Ok(Value::some(Value::list(wrong.into_iter().map(Value::text).collect())))
}

fn unless(right: bool, message: &str) -> Vec<String> {
    if right { Vec::new() } else { vec![message.to_owned()] }
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A text that must match a pattern and stay within a length.
fn rule(text: &str, limit: usize, pattern: &str, message: &str, examples: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > limit {
        wrong.push(format!("must be no more than {limit} characters"));
    }
    if !Pattern::new(&format!("^{pattern}$")).is_ok_and(|compiled| compiled.matches(text)) {
        let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
        let examples = examples.join(" or ");
        wrong.push(format!("{message} (e.g. {examples}regex used for validation is '{pattern}')"));
    }
    wrong
}

/// A prefix may end with a dash: something will follow it.
fn complete(text: &str, prefix: bool) -> String {
    match text.strip_suffix('-') {
        Some(start) if prefix && !start.is_empty() => format!("{start}a"),
        _ => text.to_owned(),
    }
}

fn dns_label(text: &str, prefix: bool) -> Vec<String> {
    let message = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    rule(&complete(text, prefix), 63, LABEL, message, &["my-name", "123-abc"])
}

fn dns_subdomain(text: &str, prefix: bool) -> Vec<String> {
    let message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    rule(&complete(text, prefix), 253, &format!("{LABEL}(\\.{LABEL})*"), message, &["example.com"])
}

fn dns_1035_label(text: &str, prefix: bool) -> Vec<String> {
    let message = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    rule(&complete(text, prefix), 63, "[a-z]([-a-z0-9]*[a-z0-9])?", message, &["my-name", "abc-123"])
}

fn label_value(text: &str) -> Vec<String> {
    let message = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let pattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
    rule(text, 63, pattern, message, &["MyValue", "my_value", "12345"])
}

fn qualified_name(text: &str) -> Vec<String> {
    let message = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let examples = ["MyName", "my.name", "123-abc"];
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((_, name)) if name.contains('/') => {
            let mut wrong = rule("", 63, QUALIFIED, &format!("a qualified name {message}"), &examples);
            wrong.iter_mut().for_each(|wrong| {
                wrong.push_str(" with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")
            });
            return wrong;
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut wrong = match prefix {
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => dns_subdomain(prefix, false).into_iter().map(|wrong| format!("prefix part {wrong}")).collect(),
        None => Vec::new(),
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    }
    wrong.extend(rule(name, 63, QUALIFIED, message, &examples).into_iter().map(|wrong| format!("name part {wrong}")));
    wrong
}

fn uri(text: &str) -> Vec<String> {
    match super::net::function("isURL").map(|test| test(&[Value::text(text)])) {
        Some(Ok(Value::Bool(true))) => Vec::new(),
        _ => vec![format!("parse {text:?}: invalid URI for request")],
    }
}

fn uuid(text: &str) -> Vec<String> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let right = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    unless(right, "does not match the UUID format")
}
