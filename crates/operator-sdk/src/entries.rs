//! The entries of watches.yaml, read with the lines that errors name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::duration;

/// Why watches.yaml can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {cause}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct WatchesError {
    /// The file.
    pub file: PathBuf,
    /// The line, if it is about one; the first is 1.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub cause: String,
}

/// What is wrong with a file, and in which line.
pub type Wrong = (Option<u64>, String);

/// An entry.
#[derive(Debug)]
pub struct Entry {
    fields: BTreeMap<String, Spanned<Value>>,
}

/// Reads a file and hands its text to `parse`, with the folder that it is in.
///
/// # Errors
/// With the file, the line and what would be right.
pub fn load<T>(file: &Path, parse: impl FnOnce(String, &Path) -> Result<T, Wrong>) -> Result<T, WatchesError> {
    let failed = |line, cause| WatchesError { file: file.into(), line, cause };
    let text = std::fs::read_to_string(file).map_err(|error| {
        failed(None, format!("{error}; run this in the project's folder, or name the file with --watches-file"))
    })?;
    let folder = file.parent().unwrap_or(Path::new(""));
    parse(text, folder).map_err(|(line, cause)| failed(line, cause))
}

impl Entry {
    /// The entries of a text. `form` says what the file is, for when it is something else.
    ///
    /// # Errors
    /// If it is no list of maps.
    pub fn all(text: &str, form: &str) -> Result<Vec<Self>, Wrong> {
        let entries: Option<Vec<BTreeMap<String, Spanned<Value>>>> = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map(|at| at.line());
            let text = error.to_string();
            let cause = text.lines().next().unwrap_or_default().to_string();
            (line, format!("{cause}; the file is {form}"))
        })?;
        Ok(entries.unwrap_or_default().into_iter().map(|fields| Self { fields }).collect())
    }

    /// Tells the log of fields that have no meaning: operator-sdk passes over them too, and projects have some for other
    /// tools.
    pub fn warn_of_others(&self, known: &[&str]) {
        for (name, value) in &self.fields {
            if !known.contains(&name.as_str()) {
                tracing::warn!(field = name, line = value.referenced.line(), "watches.yaml has a field of no meaning");
            }
        }
    }

    /// The line of a field, or that of the entry if the field is not there.
    pub fn line(&self, name: &str) -> Option<u64> {
        let first = || self.fields.values().map(|value| value.referenced.line()).min();
        self.fields.get(name).map(|value| value.referenced.line()).or_else(first)
    }

    /// An error about a field.
    ///
    /// # Errors
    /// Always.
    pub fn wrong<T>(&self, name: &str, cause: impl std::fmt::Display) -> Result<T, Wrong> {
        Err((self.line(name), format!("{name}: {cause}")))
    }

    /// A field; `None` if it is absent or null.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).map(|value| &value.value).filter(|value| !value.is_null())
    }

    /// A field that is a text.
    ///
    /// # Errors
    /// If it is something else.
    pub fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => self.wrong(name, format!("{other} is no text; put it into quotes")),
        }
    }

    /// A field that is a text and must be there. `has` says which fields an entry has.
    ///
    /// # Errors
    /// If it is absent, empty or something else.
    pub fn required(&self, name: &str, has: &str) -> Result<String, Wrong> {
        match self.text(name)?.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text),
            None => self.wrong(name, format!("it must not be empty; an entry has {has}")),
        }
    }

    /// A field that is true or false.
    ///
    /// # Errors
    /// If it is something else.
    pub fn truth(&self, name: &str) -> Result<Option<bool>, Wrong> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(other) => self.wrong(name, format!("{other} is neither true nor false")),
        }
    }

    /// A field that is a duration; zero is as if it were not there.
    ///
    /// # Errors
    /// If it is something else.
    pub fn period(&self, name: &str) -> Result<Option<Duration>, Wrong> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match duration::parse(&text) {
            Ok(Duration::ZERO) => Ok(None),
            Ok(period) => Ok(Some(period)),
            Err(cause) => self.wrong(name, cause),
        }
    }

    /// A field that is a label selector, in the form of `kubectl get -l`.
    ///
    /// # Errors
    /// If it is something else, or makes no sense.
    pub fn selector(&self, name: &str) -> Result<Option<String>, Wrong> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let selector: LabelSelector = match serde_json::from_value(value.clone()) {
            Ok(selector) => selector,
            Err(error) => return self.wrong(name, format!("{error}; it has matchLabels and matchExpressions")),
        };
        let mut parts: Vec<String> =
            selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
        for expression in selector.match_expressions.iter().flatten() {
            let key = &expression.key;
            let values = expression.values.as_deref().unwrap_or_default();
            let joined = values.join(",");
            parts.push(match (expression.operator.as_str(), values.is_empty()) {
                ("In", false) => format!("{key} in ({joined})"),
                ("NotIn", false) => format!("{key} notin ({joined})"),
                ("Exists", true) => key.clone(),
                ("DoesNotExist", true) => format!("!{key}"),
                (operator, _) => {
                    let cause = format!(
                        "{key}: {operator} with {} values makes no sense; In and NotIn have values, Exists and DoesNotExist none",
                        values.len()
                    );
                    return self.wrong(name, cause);
                }
            });
        }
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    }
}
