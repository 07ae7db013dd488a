//! Objects that expressions make to say how something is to be changed: `Object{spec: Object.spec{replicas: 3}}` and
//! `JSONPatch{op: "add", path: "/spec/replicas", value: 3}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::EvaluationError;
use crate::operators::equal;
use crate::types::Type;
use crate::value::{List, Map, Result, Value};

/// The type of an operation of a JSON patch.
pub(crate) const OPERATION: &str = "JSONPatch";
/// The type of the whole object; those of objects in it are this and the path to them.
const OBJECT: &str = "Object";
/// Writes a key as part of a JSON pointer.
pub(crate) const ESCAPE_KEY: &str = "jsonpatch.escapeKey";

/// Whether it is `Object` or the type of an object in it.
pub(crate) fn is_object(name: &str) -> bool {
    name.strip_prefix(OBJECT).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The type of a field of an object that an expression makes. Objects have any field, of any type.
pub(crate) fn field_type(object: &str, field: &str) -> Option<Type> {
    match (object, field) {
        (OPERATION, "op" | "path" | "from") => Some(Type::String),
        (OPERATION, "value") => Some(Type::Dyn),
        (OPERATION, _) => None,
        _ => Some(Type::Dyn),
    }
}

/// An object that an expression has made.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    name: Arc<str>,
    fields: BTreeMap<Arc<str>, Value<'a>>,
}

impl<'a> Message<'a> {
    pub(crate) fn new(name: &Arc<str>) -> Self {
        Self { name: name.clone(), fields: BTreeMap::new() }
    }

    pub(crate) fn set(&mut self, field: &Arc<str>, value: Value<'a>) -> Result<()> {
        if &*self.name == OPERATION && &**field != "value" && value.as_str().is_none() {
            let message = format!("unexpected type {} for JSONPatchType '{field}' field", go_type(&value));
            return Err(EvaluationError::new(message));
        }
        self.fields.insert(field.clone(), value);
        Ok(())
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        &self.name
    }

    /// The value of a field that has been set.
    pub fn field(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.get(name)
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.name == other.name
            && self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|((name, value), (other_name, other))| {
                name == other_name && equal(value, other).unwrap_or_default()
            })
    }

    /// As JSON; `None` when one of the values has no JSON.
    pub fn to_json(&self) -> Option<Json> {
        let fields = self.fields.iter().map(|(name, value)| Some((name.to_string(), value.to_json()?)));
        fields.collect::<Option<serde_json::Map<_, _>>>().map(Json::Object)
    }

    /// Where the types of the objects in it are not those of the fields that they are in: nothing else checks them.
    pub fn misnamed(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.check_names(&self.name, &mut found);
        found
    }

    fn check_names(&self, expected: &str, found: &mut Vec<String>) {
        if &*self.name != expected {
            let name = &self.name;
            found.push(format!(
                "unexpected type name {name:?}, expected {expected:?}, which matches field name path from root Object type"
            ));
        }
        for (field, value) in &self.fields {
            check_names_in(value, &format!("{expected}.{field}"), found);
        }
    }
}

fn check_names_in(value: &Value<'_>, expected: &str, found: &mut Vec<String>) {
    match value {
        Value::Extension(extension) => {
            if let super::Extension::Message(message) = &**extension {
                message.check_names(expected, found);
            }
        }
        Value::List(List::Values { values, .. }) => {
            values.iter().for_each(|value| check_names_in(value, expected, found));
        }
        Value::Map(Map::Values(entries)) => {
            entries.values().for_each(|(_, value)| check_names_in(value, expected, found));
        }
        _ => {}
    }
}

/// The Go type behind a value, as messages print it.
fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "structpb.NullValue",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Double(_) => "float64",
        Value::String(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::Timestamp(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::List(List::Json { .. }) => "[]interface {}",
        Value::List(List::Values { .. }) => "[]ref.Val",
        Value::Map(Map::Values(_)) => "map[ref.Val]ref.Val",
        Value::Map(_) => "map[string]interface {}",
        Value::Optional(_) | Value::Type(_) | Value::Extension(_) => "interface {}",
    }
}

pub(crate) fn escape_key<'a>(args: &[Value<'a>]) -> Result<Value<'a>> {
    let [Value::String(key)] = args else { return Err(EvaluationError::no_such_overload()) };
    Ok(Value::text(key.replace('~', "~0").replace('/', "~1")))
}
