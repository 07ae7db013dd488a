//! What a call costs when it runs.

use crate::estimate::{AUTHORIZATION, LIST_COST, NAMED_FORMAT, REGEX, STRUCT_COST, TRAVERSAL, scale};
use crate::library::Extension;
use crate::types::Type;
use crate::value::{Map, Value};

/// How the cost of a call follows from its arguments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CostRule {
    /// Nothing.
    Free,
    /// So many units.
    Fixed(u64),
    /// The first argument is gone through so many times.
    Traverse(f64),
    /// The parts of the first argument are gone through.
    TraverseDeep,
    /// The result is gone through twice.
    Join,
    /// The list that is searched.
    InList,
    /// The shorter of two.
    Shorter,
    /// Both texts.
    Sum,
    /// Text and pattern.
    Match,
    /// Text and part.
    Contains,
    /// A list as long as the result is made.
    MakesResult,
    /// As long as the first argument, once for each level of the second.
    Flatten,
    /// Each element of a list (the argument at this index) is compared with each.
    SelfCompare(usize),
    /// Each of one list with each of another, so many times.
    Cross(u64),
    /// A network and an address.
    Contained { network: bool, text: bool },
    /// A selector.
    Selector,
    /// A named format.
    Format,
    /// Equality, which is cheap for values of libraries.
    Equality,
}

impl CostRule {
    /// The rule for a call; `overload` is empty when several are possible.
    pub(crate) fn of(function: &str, overload: &str) -> Self {
        match overload {
            "list_slice" | "lists_range" | "list_reverse" => return Self::MakesResult,
            "list_flatten" | "list_flatten_int" => return Self::Flatten,
            "list_distinct" => return Self::SelfCompare(0),
            "list_sets_contains_list" | "list_sets_intersects_list" => return Self::Cross(1),
            "list_sets_equivalent_list" => return Self::Cross(2),
            overload if overload.ends_with("_sort") => return Self::SelfCompare(0),
            overload if overload.ends_with("_sortByAssociatedKeys") => return Self::SelfCompare(1),
            _ => {}
        }
        match function {
            "check" => Self::Fixed(AUTHORIZATION),
            "fieldSelector" | "labelSelector" => Self::Selector,
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => Self::TraverseDeep,
            "url"
            | "lowerAscii"
            | "upperAscii"
            | "substring"
            | "trim"
            | "jsonpatch.escapeKey"
            | "cidr"
            | "isIP"
            | "isCIDR"
            | "quantity"
            | "isQuantity"
            | "semver"
            | "isSemver" => Self::Traverse(1.0),
            "ip" if overload != "cidr_ip" => Self::Traverse(1.0),
            "replace" | "split" | "ip.isCanonical" => Self::Traverse(2.0),
            "join" => Self::Join,
            "find" | "findAll" => Self::Match,
            "containsIP" => Self::Contained { network: false, text: overload == "cidr_contains_ip_string" },
            "containsCIDR" => Self::Contained { network: true, text: overload == "cidr_contains_cidr_string" },
            "validate" => Self::Format,
            "_==_" => Self::Equality,
            "_!=_" => Self::Shorter,
            _ => match overload {
                "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string" | "strings_quote"
                | "string_format" => Self::Traverse(1.0),
                "in_list" => Self::InList,
                "add_string" | "add_bytes" => Self::Sum,
                "matches_string" => Self::Match,
                "contains_string" => Self::Contains,
                overload
                    if (overload.starts_with("less_") || overload.starts_with("greater_"))
                        && (overload.ends_with("_string") || overload.ends_with("_bytes")) =>
                {
                    Self::Shorter
                }
                _ => Self::Fixed(1),
            },
        }
    }

    /// What a call cost that was made with `args`; `result` is what it gave, if it did.
    pub(crate) fn cost(self, args: &[Value<'_>], result: Option<&Value<'_>>) -> u64 {
        let size = |index: usize| args.get(index).map_or(1, Value::cost_size);
        let allocating = |factor: f64, size: u64| ((size as f64 * factor) as u64).saturating_add(1 + LIST_COST);
        match self {
            Self::Free => 0,
            Self::Fixed(cost) => cost,
            Self::Traverse(times) => scale(size(0), times * TRAVERSAL),
            Self::TraverseDeep => args.first().map_or(0, traversal),
            Self::Join => scale(result.map_or(1, Value::cost_size), 2.0 * TRAVERSAL),
            Self::InList => size(1),
            Self::Shorter => scale(size(0).min(size(1)), TRAVERSAL),
            Self::Sum => scale(size(0) + size(1), TRAVERSAL),
            Self::Match => scale(size(0) + 1, TRAVERSAL).saturating_mul(scale(size(1), REGEX)),
            Self::Contains => scale(size(0), TRAVERSAL).saturating_mul(scale(size(1), TRAVERSAL)),
            Self::MakesResult => allocating(1.0, result.map_or(1, Value::cost_size)),
            Self::Flatten => {
                let depth = match args.get(1) {
                    Some(Value::Int(depth)) => *depth as f64,
                    _ => 1.0,
                };
                allocating(depth, size(0))
            }
            Self::SelfCompare(index) => {
                let size = size(index);
                let first = match args.get(index) {
                    Some(Value::List(list)) => list.get(0).and_then(Result::ok),
                    _ => None,
                };
                let texts = first.is_some_and(|first| matches!(first.type_of(), Type::String | Type::Bytes));
                allocating(if texts { 2.0 + TRAVERSAL } else { 2.0 }, size.saturating_mul(size))
            }
            Self::Cross(times) => size(0).saturating_mul(size(1)).saturating_mul(times).saturating_add(1),
            Self::Contained { network, text } => {
                let mut cost = scale(2 * size(0), TRAVERSAL);
                if network {
                    cost += scale(size(0), TRAVERSAL) + 1;
                }
                if text {
                    cost += scale(size(1), TRAVERSAL);
                }
                cost
            }
            Self::Selector => {
                let length = size(1);
                LIST_COST + scale(length, TRAVERSAL) + scale(length, 0.5) * (LIST_COST + STRUCT_COST)
            }
            Self::Format => {
                let pattern = match args.first() {
                    Some(Value::Extension(extension)) => match &**extension {
                        Extension::Format(format) => format.pattern_length(),
                        _ => NAMED_FORMAT,
                    },
                    _ => NAMED_FORMAT,
                };
                scale(size(1) + 1, TRAVERSAL).saturating_mul(scale(pattern, REGEX))
            }
            Self::Equality if matches!(args.first(), Some(Value::Extension(_))) => 1,
            Self::Equality => Self::Shorter.cost(args, result),
        }
    }
}

/// What going through all parts of a value costs.
fn traversal(value: &Value<'_>) -> u64 {
    match value {
        Value::String(text) => (text.len() as f64 * TRAVERSAL) as u64,
        Value::Bytes(bytes) => (bytes.len() as f64 * TRAVERSAL) as u64,
        Value::List(list) => list.iter().map(|value| value.map_or(1, |value| traversal(&value))).sum(),
        Value::Map(map @ (Map::Json { .. } | Map::Values(_))) => {
            let entries = map.keys().into_iter();
            entries.map(|key| traversal(&key) + map.find(&key).map_or(0, |v| v.map_or(1, |v| traversal(&v)))).sum()
        }
        _ => 1,
    }
}
