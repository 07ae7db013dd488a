//! What functions and operators there are, and for which types.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::types::Type;

/// One signature of a function.
#[derive(Debug)]
pub(crate) struct Overload {
    /// Its name in cost tables.
    pub(crate) id: &'static str,
    /// Called as `target.function(…)`; the target is the first argument.
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
}

/// The signatures of a function or operator, in the order in which they are tried.
pub(crate) fn overloads(function: &str) -> Option<&'static [Overload]> {
    FUNCTIONS.get(function).map(Vec::as_slice)
}

static FUNCTIONS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for line in SIGNATURES.lines() {
        let Some((name, overload)) = parse_signature(line) else { continue };
        functions.entry(name).or_default().push(overload);
    }
    functions
});

/// `function overload (arguments) -> result`; a dot before the parenthesis marks a member function.
fn parse_signature(line: &'static str) -> Option<(&'static str, Overload)> {
    let (name, rest) = line.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let (args, result) = rest.split_once(") -> ")?;
    let (dot, args) = args.split_once('(')?;
    let args = split(args).into_iter().map(parse_type).collect();
    Some((name, Overload { id, member: dot == ".", args, result: parse_type(result) }))
}

/// Splits at the commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn parse_type(text: &str) -> Type {
    if let Some((name, parameters)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut parameters: Vec<Type> = split(parameters).into_iter().map(parse_type).collect();
        return match (name, parameters.len()) {
            ("list", 1) => Type::list(parameters.remove(0)),
            ("map", 2) => {
                let value = parameters.remove(1);
                Type::map(parameters.remove(0), value)
            }
            ("type", 1) => Type::Type(Some(Arc::new(parameters.remove(0)))),
            _ => Type::Opaque(
                if name == "optional" { crate::types::OPTIONAL.into() } else { name.into() },
                parameters.into(),
            ),
        };
    }
    match text {
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "net.IP" | "net.CIDR" => Type::Opaque(text.into(), Arc::new([])),
        "A" | "B" | "K" | "V" => Type::Parameter(text.into()),
        _ => Type::object(text),
    }
}

/// The standard library and what Kubernetes 1.36 adds to it.
const SIGNATURES: &str = include_str!("signatures.txt");
