//! Named formats: `format.dns1123Label().validate(name)`.

use std::sync::LazyLock;

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
    "format.uri" => "URI", 1103, uri;
    "format.uuid" => "uuid", 70, uuid;
    "format.byte" => "byte", 84, |text| unless(is_base64(text), "invalid base64");
    "format.date" => "date", 71, |text| unless(time::date(text).is_ok(), "invalid date");
    "format.datetime" => "datetime", 71, |text| unless(is_date_time(text), "invalid datetime");
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

/// What is wrong with a text that must match a pattern.
fn unless_matches(text: &str, pattern: &str, message: &str, examples: &[&str]) -> Option<String> {
    if Pattern::new(&format!("^{pattern}$")).is_ok_and(|compiled| compiled.matches(text)) {
        return None;
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    Some(format!("{message} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or ")))
}

/// What is wrong with a text that is longer than so many bytes, in the words of the rule.
fn unless_short(text: &str, limit: usize, unit: &str) -> Option<String> {
    (text.len() > limit).then(|| format!("must be no more than {limit} {unit}"))
}

/// A prefix may end with a dash, as something will follow it; as the real server does, the letter before it is not looked at.
fn complete(text: &str, prefix: bool) -> String {
    if !prefix || text.len() < 2 || !text.ends_with('-') {
        return text.to_owned();
    }
    let start = &text.as_bytes()[..text.len() - 2];
    format!("{}a", String::from_utf8_lossy(start))
}

fn dns_label(text: &str, prefix: bool) -> Vec<String> {
    let message = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    let text = &complete(text, prefix);
    let shape = unless_matches(text, LABEL, message, &["my-name", "123-abc"]).map(|wrong| {
        let dotted = unless_matches(text, &subdomain(), "", &[]).is_none();
        if dotted { "must not contain dots".to_owned() } else { wrong }
    });
    unless_short(text, 63, "characters").into_iter().chain(shape).collect()
}

fn subdomain() -> String {
    format!("{LABEL}(\\.{LABEL})*")
}

fn dns_subdomain(text: &str, prefix: bool) -> Vec<String> {
    subdomain_in(&complete(text, prefix), "characters")
}

fn subdomain_in(text: &str, unit: &str) -> Vec<String> {
    let message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    let shape = unless_matches(text, &subdomain(), message, &["example.com"]);
    unless_short(text, 253, unit).into_iter().chain(shape).collect()
}

fn dns_1035_label(text: &str, prefix: bool) -> Vec<String> {
    let message = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    let text = &complete(text, prefix);
    let shape = unless_matches(text, "[a-z]([-a-z0-9]*[a-z0-9])?", message, &["my-name", "abc-123"]);
    unless_short(text, 63, "characters").into_iter().chain(shape).collect()
}

fn label_value(text: &str) -> Vec<String> {
    let message = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let pattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
    let shape = unless_matches(text, pattern, message, &["MyValue", "my_value", "12345"]);
    unless_short(text, 63, "bytes").into_iter().chain(shape).collect()
}

fn qualified_name(text: &str) -> Vec<String> {
    let shape = |name: &str, rule: &str| {
        let message = format!(
            "{rule}must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        );
        unless_matches(name, QUALIFIED, &message, &["MyName", "my.name", "123-abc"])
    };
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((_, name)) if name.contains('/') => {
            let wrong = shape("", "a valid label key ").into_iter();
            let with = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return wrong.map(|wrong| format!("{wrong} {with}")).collect();
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut wrong = match prefix {
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => subdomain_in(prefix, "bytes").into_iter().map(|wrong| format!("prefix part {wrong}")).collect(),
        None => Vec::new(),
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    }
    wrong.extend(unless_short(name, 63, "bytes").map(|wrong| format!("name part {wrong}")));
    wrong.extend(shape(name, "name part "));
    wrong
}

fn uri(text: &str) -> Vec<String> {
    super::net::Url::parse(text).err().into_iter().collect()
}

fn uuid(text: &str) -> Vec<String> {
    unless(is_uuid(text), "does not match the UUID format")
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits; the dash after each may be missing.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        match rest.split_at_checked(length) {
            Some((digits, after)) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// Whole groups of four; whether the bits after the last byte are zero does not matter.
fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && digits.bytes().all(known)
}

/// A day, `t` and a time of day with its zone, which may be any.
fn is_date_time(text: &str) -> bool {
    static TIME: LazyLock<Option<Pattern>> = LazyLock::new(|| {
        Pattern::new("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$").ok()
    });
    let text = text.to_lowercase();
    let mut parts = text.split('t');
    let (Some(day), Some(time)) = (parts.next(), parts.next()) else { return false };
    super::time::date(day).is_ok() && TIME.as_ref().is_some_and(|pattern| pattern.matches(time))
}
