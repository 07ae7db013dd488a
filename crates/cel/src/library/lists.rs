//! Functions of lists and sets.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::library::Function;
use crate::operators::{add, compare, contains, equal};
use crate::value::{List, Map, Result, Value};

/// The longest list that `lists.range` makes; its cost limit is reached before.
const LONGEST_RANGE: i64 = 10_000_000;

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "isSorted" => is_sorted,
        "sum" => sum,
        "min" => |args| extreme(args, "min"),
        "max" => |args| extreme(args, "max"),
        "slice" => slice,
        "flatten" => flatten,
        "sort" => |args| match args {
            [Value::List(list)] => sort(list, list),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "@sortByAssociatedKeys" => |args| match args {
            [Value::List(list), Value::List(keys)] => sort(list, keys),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "lists.range" => |args| match args {
            [Value::Int(count)] if *count <= LONGEST_RANGE => Ok(Value::list((0..*count).map(Value::Int).collect())),
            [Value::Int(_)] => Err(EvaluationError::over_budget()),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "distinct" => distinct,
        "first" => |args| end(args, true),
        "last" => |args| end(args, false),
        "optional.unwrap" | "unwrapOpt" => unwrap,
        "sets.contains" => |args| sets(args, |a, b| all(a, b)),
        "sets.equivalent" => |args| sets(args, |a, b| Ok(all(a, b)? && all(b, a)?)),
        "sets.intersects" => |args| {
            sets(args, |a, b| {
                for value in a {
                    if contains(b, value).unwrap_or(false) {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
        },
        "cel.@mapInsert" => map_insert,
        _ => return None,
    })
}

fn list<'a>(args: &[Value<'a>]) -> Result<Vec<Value<'a>>> {
    match args {
        [Value::List(list)] => list.to_vec(),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn is_sorted<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    for pair in list(args)?.windows(2) {
        if compare(&pair[0], &pair[1])?.is_gt() {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn sum<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut values = list(args)?.into_iter();
    let Some(first) = values.next() else { return Ok(Value::Int(0)) };
    values.try_fold(first, add)
}

fn extreme<'a>(args: &[Value<'a>], name: &str) -> Result<Value<'a>> {
    let mut values = list(args)?.into_iter();
    let Some(mut found) = values.next() else {
        return Err(EvaluationError::new(format!("{name} called on empty list")));
    };
    for value in values {
        let order = compare(&found, &value)?;
        if if name == "min" { order.is_gt() } else { order.is_lt() } {
            found = value;
        }
    }
    Ok(found)
}

pub(crate) fn index_of<'a>(list: &List<'a>, item: &Value<'a>, last: bool) -> Result<Value<'a>> {
    let found = |at: &usize| list.get(*at).is_some_and(|value| value.and_then(|value| equal(&value, item)) == Ok(true));
    let at = if last { (0..list.len()).rev().find(found) } else { (0..list.len()).find(found) };
    Ok(Value::Int(at.map_or(-1, |at| at as i64)))
}

fn slice<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else {
        return Err(EvaluationError::no_such_overload());
    };
    let wrong = |reason: String| Err(EvaluationError::new(format!("cannot slice({start}, {end}), {reason}")));
    if *start < 0 || *end < 0 {
        return wrong("negative indexes not supported".into());
    }
    if start > end {
        return wrong("start index must be less than or equal to end index".into());
    }
    if *end > list.len() as i64 {
        return wrong(format!("list is length {}", list.len()));
    }
    (*start..*end).filter_map(|at| list.get(at as usize)).collect::<Result<_>>().map(Value::list)
}

fn flatten<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return Err(EvaluationError::no_such_overload()),
    };
    if depth < 0 {
        return Err(EvaluationError::new("level must be non-negative"));
    }
    let mut flat = Vec::new();
    flatten_into(list, depth, &mut flat)?;
    Ok(Value::list(flat))
}

fn flatten_into<'a>(list: &List<'a>, depth: i64, flat: &mut Vec<Value<'a>>) -> Result<()> {
    for value in list.iter() {
        match value? {
            Value::List(inner) if depth > 0 => flatten_into(&inner, depth - 1, flat)?,
            value => flat.push(value),
        }
    }
    Ok(())
}

fn sort<'a>(list: &List<'a>, keys: &List<'a>) -> Result<Value<'a>> {
    let (values, keys) = (list.to_vec()?, keys.to_vec()?);
    if values.len() != keys.len() {
        let message = format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} \
             elements respectively",
            values.len(),
            keys.len()
        );
        return Err(EvaluationError::new(message));
    }
    let mut failed = None;
    let mut pairs: Vec<_> = keys.into_iter().zip(values).collect();
    if let Some((first, _)) = pairs.first() {
        let ty = first.type_of();
        if compare(first, first).is_err() {
            return Err(EvaluationError::new("list elements must be comparable"));
        }
        if pairs.iter().any(|(key, _)| key.type_of() != ty) {
            return Err(EvaluationError::new("list elements must have the same type"));
        }
    }
    pairs.sort_by(|(a, _), (b, _)| {
        compare(a, b).unwrap_or_else(|error| {
            failed = Some(error);
            std::cmp::Ordering::Equal
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(Value::list(pairs.into_iter().map(|(_, value)| value).collect())),
    }
}

/// `reverse` of a list; texts have none in Kubernetes.
pub(crate) fn reverse<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut values = list(args)?;
    values.reverse();
    Ok(Value::list(values))
}

fn distinct<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut seen: Vec<Value<'a>> = Vec::new();
    for value in list(args)? {
        if !seen.iter().any(|known| equal(known, &value) == Ok(true)) {
            seen.push(value);
        }
    }
    Ok(Value::list(seen))
}

fn end<'a>(args: &[Value<'a>], first: bool) -> Result<Value<'a>> {
    let [Value::List(list)] = args else { return Err(EvaluationError::no_such_overload()) };
    let found = if first { list.get(0) } else { list.get(list.len().wrapping_sub(1)) };
    Ok(Value::Optional(found.transpose()?.map(Arc::new)))
}

fn unwrap<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut values = Vec::new();
    for value in list(args)? {
        match value {
            Value::Optional(Some(value)) => values.push((*value).clone()),
            Value::Optional(None) => {}
            _ => return Err(EvaluationError::no_such_overload()),
        }
    }
    Ok(Value::list(values))
}

fn sets<'a>(args: &[Value<'a>], test: fn(&[Value<'a>], &[Value<'a>]) -> Result<bool>) -> Result<Value<'a>> {
    match args {
        [Value::List(a), Value::List(b)] => test(&a.to_vec()?, &b.to_vec()?).map(Value::Bool),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// All of `b` is in `a`.
fn all<'a>(a: &[Value<'a>], b: &[Value<'a>]) -> Result<bool> {
    for value in b {
        if !contains(a, value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn map_insert<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let (Some(Value::Map(Map::Values(map))), rest) = (args.first(), args.get(1..).unwrap_or_default()) else {
        return Err(EvaluationError::no_such_overload());
    };
    let mut entries = (**map).clone();
    let mut insert = |key: &Value<'a>, value: Value<'a>| {
        let at = key.key().ok_or_else(|| EvaluationError::new("unsupported key type"))?;
        match entries.insert(at, (key.clone(), value)) {
            None => Ok(()),
            Some(_) => {
                let shown = super::standard::to_string(key)?;
                let message = format!("insert failed: key {} already exists", shown.as_str().unwrap_or_default());
                Err(EvaluationError::new(message))
            }
        }
    };
    match rest {
        [key, value] => insert(key, value.clone())?,
        [Value::Map(added)] => {
            for key in added.keys() {
                if let Some(value) = added.find(&key) {
                    insert(&key, value?)?;
                }
            }
        }
        _ => return Err(EvaluationError::no_such_overload()),
    }
    Ok(Value::Map(Map::Values(Arc::new(entries))))
}
