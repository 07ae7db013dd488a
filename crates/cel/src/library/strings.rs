//! Functions of texts. Positions count characters.

use crate::error::EvaluationError;
use crate::library::standard::one;
use crate::library::{Function, format};
use crate::value::{Result, Value};

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "charAt" => char_at,
        "lowerAscii" => |args| map(args, str::to_ascii_lowercase),
        "upperAscii" => |args| map(args, str::to_ascii_uppercase),
        "trim" => |args| map(args, |text| text.trim().to_owned()),
        "replace" => replace,
        "split" => split,
        "substring" => substring,
        "join" => join,
        "strings.quote" => |args| map(args, quote),
        "format" => format::format,
        _ => return None,
    })
}

fn map<'a>(args: &[Value<'a>], change: fn(&str) -> String) -> Result<Value<'a>> {
    match one(args)? {
        Value::String(text) => Ok(Value::text(change(text))),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn out_of_range<'a>(index: i64) -> Result<Value<'a>> {
    Err(EvaluationError::new(format!("index out of range: {index}")))
}

fn char_at<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::String(text), Value::Int(index)] = args else { return Err(EvaluationError::no_such_overload()) };
    let length = text.chars().count();
    match usize::try_from(*index) {
        Ok(index) if index < length => Ok(Value::text(text.chars().nth(index).map(String::from).unwrap_or_default())),
        Ok(index) if index == length => Ok(Value::text("")),
        _ => out_of_range(*index),
    }
}

/// Where a text occurs in another, from an offset on; the last place when `last`, up to the offset.
pub(crate) fn index_of<'a>(args: &[Value<'a>], last: bool) -> Result<Value<'a>> {
    let (text, part, offset) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(offset)] => (text, part, Some(*offset)),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    let text: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let length = text.len() as i64;
    if let Some(offset) = offset
        && (offset < 0 || offset >= length && !(part.is_empty() && offset <= length) && length > 0)
    {
        return if part.is_empty() || offset < 0 || offset >= length {
            out_of_range(offset)
        } else {
            Ok(Value::Int(-1))
        };
    }
    if part.is_empty() {
        let end = if last { length } else { 0 };
        return Ok(Value::Int(offset.unwrap_or(end)));
    }
    if part.len() > text.len() {
        return Ok(Value::Int(-1));
    }
    let latest = text.len() - part.len();
    let offset = offset.and_then(|offset| usize::try_from(offset).ok());
    let fits = |at: &usize| text[*at..*at + part.len()] == part[..];
    let found = if last {
        (0..=offset.unwrap_or(latest).min(latest)).rev().find(fits)
    } else {
        (offset.unwrap_or(0)..=latest).find(fits)
    };
    Ok(Value::Int(found.map_or(-1, |at| at as i64)))
}

fn replace<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    match args {
        [Value::String(text), Value::String(from), Value::String(to)] => Ok(Value::text(text.replace(&**from, to))),
        [Value::String(text), Value::String(from), Value::String(to), Value::Int(limit)] => {
            match usize::try_from(*limit) {
                Ok(limit) => Ok(Value::text(text.replacen(&**from, to, limit))),
                Err(_) => Ok(Value::text(text.replace(&**from, to))),
            }
        }
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn split<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (text, separator, limit) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => (text, separator, *limit),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    let limit = match limit {
        0 => return Ok(Value::list(Vec::new())),
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    if separator.is_empty() {
        let mut parts = Vec::new();
        let mut rest = &**text;
        while let Some(c) = rest.chars().next() {
            let taken = if parts.len() + 1 == limit { rest.len() } else { c.len_utf8() };
            parts.push(Value::text(&rest[..taken]));
            rest = &rest[taken..];
        }
        return Ok(Value::list(parts));
    }
    Ok(Value::list(text.splitn(limit, &**separator).map(Value::text).collect()))
}

fn substring<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (text, start, end) = match args {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    let length = text.chars().count() as i64;
    let stop = end.unwrap_or(length);
    if start < 0 || start > length {
        return out_of_range(start);
    }
    if stop < 0 || stop > length {
        return out_of_range(stop);
    }
    if start > stop {
        let message = format!("invalid substring range. start: {start}, end: {stop}");
        return Err(EvaluationError::new(message));
    }
    Ok(Value::text(text.chars().skip(start as usize).take((stop - start) as usize).collect::<String>()))
}

fn join<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (list, separator) = match args {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    let mut joined = String::new();
    for (index, part) in list.iter().enumerate() {
        let Value::String(part) = part? else { return Err(EvaluationError::no_such_overload()) };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&part);
    }
    Ok(Value::text(joined))
}

/// The text as a literal.
pub(crate) fn quote(text: &str) -> String {
    quoted(text, |c, quoted| quoted.push(c))
}

/// As Go writes a text that is to be read as Go: what can't be seen is escaped.
pub(crate) fn quote_go(text: &str) -> String {
    quoted(text, |c, quoted| match c {
        c if !is_hidden(c) => quoted.push(c),
        c if c.is_ascii() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
    })
}

/// In quotes; `other` writes what has no short escape.
fn quoted(text: &str, other: impl Fn(char, &mut String)) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            c => other(c, &mut quoted),
        }
    }
    quoted.push('"');
    quoted
}

/// Control and format characters, spaces but the usual one, and what has no meaning of its own.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{e0000}'..='\u{10ffff}')
}
