//! Field errors in Kubernetes' wording: `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`.
//!
//! Source: the messages that kube-apiserver returns in `Status.details.causes`.

use serde_json::Value;

use crate::go_text::in_order;

/// Why a field was refused. The names are the API's cause reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldErrorKind {
    /// `FieldValueRequired`
    Required,
    /// `FieldValueDuplicate`
    Duplicate,
    /// `FieldValueDuplicate`, of a value that the message does not show
    DuplicateUnshown,
    /// `FieldValueInvalid`
    Invalid,
    /// `FieldValueInvalid`, of a value that the message does not show
    InvalidUnshown,
    /// `FieldValueNotSupported`: not one of the values of an enumeration
    NotSupported,
    /// `FieldValueForbidden`
    Forbidden,
    /// `FieldValueTooLong`
    TooLong,
    /// `FieldValueTooMany`
    TooMany,
    /// `FieldValueTypeInvalid`
    TypeInvalid,
    /// `FieldValueNotFound`
    NotFound,
    /// `InternalError`
    Internal,
}

impl FieldErrorKind {
    /// The reason as it stands in `details.causes[].reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Duplicate | Self::DuplicateUnshown => "FieldValueDuplicate",
            Self::Invalid | Self::InvalidUnshown => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotFound => "FieldValueNotFound",
            Self::Internal => "InternalError",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Duplicate | Self::DuplicateUnshown => "Duplicate value",
            Self::Invalid | Self::InvalidUnshown | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::NotFound => "Not found",
            Self::Internal => "Internal error",
        }
    }
}

/// One refused field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Why it was refused.
    pub kind: FieldErrorKind,
    /// The path, for example `spec.ports[0].name`; empty for the object itself.
    pub field: String,
    /// The value that was refused; not shown for Required, Forbidden, TooLong, TooMany and Internal.
    pub value: Value,
    /// What would be right.
    pub detail: String,
    /// How the message shows the value, where that is not as JSON: an internal struct of the real server has other names
    /// and another order of fields.
    pub shown: Option<String>,
}

impl FieldError {
    /// A refusal of `value` at `field`.
    pub fn new(kind: FieldErrorKind, field: impl Into<String>, value: Value, detail: impl Into<String>) -> Self {
        Self { kind, field: field.into(), value, detail: detail.into(), shown: None }
    }

    /// The same error, with a value that the message shows as this text.
    #[must_use]
    pub fn showing(self, text: String) -> Self {
        Self { shown: Some(text), ..self }
    }

    /// `field: Required value: detail`
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, Value::Null, detail)
    }

    /// `field: Invalid value: "value": detail`
    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, value.into(), detail)
    }

    /// `field: Forbidden: detail`
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, Value::Null, detail)
    }

    /// `field: Duplicate value: "value"`
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, value.into(), "")
    }

    /// `field: Unsupported value: "value": supported values: "A", "B"`
    pub fn not_supported(field: impl Into<String>, value: impl Into<Value>, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        let detail = if list.is_empty() { String::new() } else { format!("supported values: {}", list.join(", ")) };
        Self::new(FieldErrorKind::NotSupported, field, value.into(), detail)
    }

    /// The message without the field, as it stands in `details.causes[].message`.
    pub fn body(&self) -> String {
        let words = self.kind.words();
        let mut out = match self.kind {
            FieldErrorKind::Required
            | FieldErrorKind::InvalidUnshown
            | FieldErrorKind::DuplicateUnshown
            | FieldErrorKind::Forbidden
            | FieldErrorKind::TooLong
            | FieldErrorKind::TooMany
            | FieldErrorKind::Internal => words.to_string(),
            _ => match &self.shown {
                Some(text) => format!("{words}: {text}"),
                None => format!("{words}: {}", shown(&self.value)),
            },
        };
        if !self.detail.is_empty() {
            out.push_str(": ");
            out.push_str(&self.detail);
        }
        out
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An error without a path is printed by the real server as `<nil>: …`.
        let field = if self.field.is_empty() { "<nil>" } else { &self.field };
        write!(f, "{field}: {}", self.body())
    }
}

/// Text as Go's `%q` shows it.
fn go_quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        // Writing to a String can't fail.
        let _ = match letter {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\x07' => out.write_str("\\a"),
            '\x08' => out.write_str("\\b"),
            '\x0b' => out.write_str("\\v"),
            '\x0c' => out.write_str("\\f"),
            control if control.is_control() && control.is_ascii() => write!(out, "\\x{:02x}", u32::from(control)),
            control if control.is_control() => write!(out, "\\u{:04x}", u32::from(control)),
            other => out.write_char(other),
        };
    }
    out.push('"');
    out
}

/// The fields of a label selector in the order of its Go struct.
const SELECTOR_FIELDS: [&str; 5] = ["matchLabels", "matchExpressions", "key", "operator", "values"];

fn is_label_selector(members: &serde_json::Map<String, Value>) -> bool {
    !members.is_empty() && members.keys().all(|key| SELECTOR_FIELDS[..2].contains(&key.as_str()))
}

/// A value as it is shown in messages: strings quoted as Go does with `%q`, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::String(s) => go_quoted(s),
        Value::Object(members) if is_label_selector(members) => in_order(value, &SELECTOR_FIELDS),
        other => other.to_string(),
    }
}
