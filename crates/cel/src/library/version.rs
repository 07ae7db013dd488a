//! Semantic versions: `semver("1.2.3")`, `semver("v1.2", true)`.

use semver::Version;

use crate::error::EvaluationError;
use crate::library::Extension;
use crate::value::{Result, Value};

fn read(args: &[Value<'_>]) -> Result<std::result::Result<Version, String>> {
    let (text, normalize) = match args {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(normalize)] => (text, *normalize),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    let text = if normalize { normalized(text) } else { text.to_string() };
    if text.is_empty() {
        return Ok(Err("Version string empty".into()));
    }
    Ok(Version::parse(&text).map_err(|error| error.to_string()))
}

/// Without a leading `v` and leading zeros, with three parts.
fn normalized(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts: Vec<&str> = numbers
        .split('.')
        .map(|part| {
            let short = part.trim_start_matches('0');
            if short.is_empty() && !part.is_empty() { "0" } else { short }
        })
        .collect();
    if parts.len() < 3 && rest.is_empty() {
        parts.resize(3, "0");
    }
    format!("{}{rest}", parts.join("."))
}

pub(crate) fn parse<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let version = read(args)?.map_err(EvaluationError::new)?;
    Ok(Value::extension(Extension::Semver(version)))
}

pub(crate) fn is_semver<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(Value::Bool(read(args)?.is_ok()))
}

pub(crate) fn part<'a>(args: &[Value<'a>], part: fn(&Version) -> u64) -> Result<Value<'a>> {
    match args {
        [Value::Extension(extension)] => match &**extension {
            Extension::Semver(version) => Ok(Value::Int(part(version) as i64)),
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}
