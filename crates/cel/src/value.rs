//! Values of expressions. JSON is borrowed and read as its schema says, piece by piece, when something asks for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use crate::error::EvaluationError;
use crate::escape::{escape, unescape};
use crate::library::Extension;
use crate::schema::{Merge, Schema, SchemaKind};
use crate::types::Type;

pub(crate) type Result<T> = std::result::Result<T, EvaluationError>;

/// A value that an expression reads or gives.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// A text.
    String(Text<'a>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A point in time.
    Timestamp(jiff::Timestamp),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A list.
    List(List<'a>),
    /// A map or an object.
    Map(Map<'a>),
    /// A value or none.
    Optional(Option<Arc<Value<'a>>>),
    /// A type.
    Type(Type),
    /// A value of one of the libraries: a quantity, an address, an authorizer.
    Extension(Arc<Extension<'a>>),
}

/// A text, borrowed or shared.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// Part of the input.
    Borrowed(&'a str),
    /// Made by the expression.
    Shared(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

/// A list.
#[derive(Debug, Clone)]
pub enum List<'a> {
    /// A JSON array.
    Json {
        /// The array.
        items: &'a [Json],
        /// What its elements are.
        schema: &'a Schema,
        /// What `==` and `+` mean.
        merge: &'a Merge,
    },
    /// Elements made by the expression.
    Values {
        /// The elements.
        values: Arc<Vec<Value<'a>>>,
        /// What `==` and `+` mean; atomic for lists that come from no schema.
        merge: &'a Merge,
    },
}

/// A map or an object.
#[derive(Debug, Clone)]
pub enum Map<'a> {
    /// A JSON object.
    Json {
        /// The object.
        map: &'a serde_json::Map<String, Json>,
        /// A schema of an object, a map, or anything.
        schema: &'a Schema,
    },
    /// Entries made by the expression.
    Values(Arc<Entries<'a>>),
    /// Fields that are evaluated when they are read.
    Lazy(&'a dyn LazyFields),
}

pub(crate) type Entries<'a> = BTreeMap<Key<'a>, (Value<'a>, Value<'a>)>;

/// An object whose fields are evaluated when they are read.
pub trait LazyFields: Sync {
    /// The value of a field, or `None` when there is none of that name.
    fn field<'s>(&'s self, name: &str) -> Option<Result<Value<'s>>>;
}

impl fmt::Debug for dyn LazyFields + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyFields")
    }
}

/// A key of a map; integers are equal whatever their type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key<'a> {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Number(i128),
    /// A text.
    String(Text<'a>),
}

static ANY: LazyLock<Schema> = LazyLock::new(Schema::any);
pub(crate) static ATOMIC: Merge = Merge::Atomic;

impl<'a> Value<'a> {
    /// Reads JSON that has no schema.
    pub fn json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::String(Text::Borrowed(text)),
            Json::Array(items) => Self::List(List::Json { items, schema: &ANY, merge: &ATOMIC }),
            Json::Object(map) => Self::Map(Map::Json { map, schema: &ANY }),
        }
    }

    /// Reads JSON as `schema` says.
    ///
    /// # Errors
    /// When the JSON is something else. Lists, maps and objects are only looked at when they are read.
    pub fn typed(json: &'a Json, schema: &'a Schema) -> Result<Self> {
        if json.is_null() {
            return match schema.nullable || schema.kind == SchemaKind::Dyn {
                true => Ok(Self::Null),
                false => Err(EvaluationError::new("invalid data, got null for schema with nullable=false")),
            };
        }
        let invalid = |expected: &str| {
            Err(EvaluationError::new(format!("invalid data, expected {expected}, got {}", go_type(json))))
        };
        match (&schema.kind, json) {
            (SchemaKind::Dyn | SchemaKind::Given(_), _) => Ok(Self::json(json)),
            (SchemaKind::IntOrString, Json::String(_)) => Ok(Self::json(json)),
            (SchemaKind::IntOrString, Json::Number(number)) if number.is_i64() => Ok(Self::json(json)),
            (SchemaKind::IntOrString, _) => {
                Err(EvaluationError::new("invalid data, expected XIntOrString value to be either a string or integer"))
            }
            (SchemaKind::Bool, Json::Bool(value)) => Ok(Self::Bool(*value)),
            (SchemaKind::Bool, _) => invalid("bool"),
            (SchemaKind::Int, Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Ok(Self::Int(value)),
                (None, Some(value)) if value.fract() == 0.0 && value.abs() < 9e18 => Ok(Self::Int(value as i64)),
                _ => invalid("int"),
            },
            (SchemaKind::Int, _) => invalid("int"),
            (SchemaKind::Double, Json::Number(number)) => Ok(Self::Double(number.as_f64().unwrap_or(f64::NAN))),
            (SchemaKind::Double, _) => invalid("float"),
            (SchemaKind::String, Json::String(text)) => Ok(Self::String(Text::Borrowed(text))),
            (SchemaKind::Bytes, Json::String(text)) => crate::library::base64(text).map(|b| Self::Bytes(b.into())),
            (SchemaKind::Duration, Json::String(text)) => {
                crate::library::time::openapi_duration(text).map(Self::Duration)
            }
            (SchemaKind::Date, Json::String(text)) => crate::library::time::date(text).map(Self::Timestamp),
            (SchemaKind::Timestamp, Json::String(text)) => crate::library::time::date_time(text).map(Self::Timestamp),
            (
                SchemaKind::String
                | SchemaKind::Bytes
                | SchemaKind::Duration
                | SchemaKind::Date
                | SchemaKind::Timestamp,
                _,
            ) => invalid("string"),
            (SchemaKind::List { items: schema, merge }, Json::Array(items)) => {
                Ok(Self::List(List::Json { items, schema, merge }))
            }
            (SchemaKind::List { .. }, _) => {
                Err(EvaluationError::new("invalid data, expected an array for the provided schema with type=array"))
            }
            (SchemaKind::Map(_) | SchemaKind::Object(_), Json::Object(map)) => Ok(Self::Map(Map::Json { map, schema })),
            (SchemaKind::Map(_) | SchemaKind::Object(_), _) => {
                Err(EvaluationError::new("invalid data, expected a map for the provided schema with type=object"))
            }
        }
    }

    /// A text made by the expression.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::String(Text::Shared(text.into()))
    }

    /// A list made by the expression.
    pub fn list(values: Vec<Value<'a>>) -> Self {
        Self::List(List::Values { values: Arc::new(values), merge: &ATOMIC })
    }

    pub(crate) fn extension(extension: Extension<'a>) -> Self {
        Self::Extension(Arc::new(extension))
    }

    pub(crate) fn some(value: Value<'a>) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// The truth value that it is.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value as JSON: timestamps and durations as texts, bytes in base64; `None` for what has no JSON.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => (*value).into(),
            Self::Uint(value) => (*value).into(),
            Self::Double(value) => (*value).into(),
            Self::String(text) => Json::String(text.to_string()),
            Self::List(list) => {
                let mut items = Vec::with_capacity(list.len());
                for index in 0..list.len() {
                    items.push(list.get(index)?.ok()?.to_json()?);
                }
                Json::Array(items)
            }
            Self::Map(Map::Json { map, .. }) => Json::Object((*map).clone()),
            Self::Map(Map::Values(entries)) => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries.values() {
                    map.insert(key.as_str()?.to_owned(), value.to_json()?);
                }
                Json::Object(map)
            }
            Self::Bytes(_) | Self::Timestamp(_) | Self::Duration(_) => {
                Json::String(crate::library::standard::to_string(self).ok()?.as_str()?.to_owned())
            }
            Self::Extension(extension) => match &**extension {
                Extension::Message(message) => return message.to_json(),
                _ => return None,
            },
            Self::Map(Map::Lazy(_)) | Self::Optional(_) | Self::Type(_) => return None,
        })
    }

    /// Its type at run time; elements of collections are of any type.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Type(_) => Type::Type(None),
            Self::Extension(extension) => extension.type_of(),
        }
    }

    /// What `size()` counts, for costs; 1 for what has no size.
    pub(crate) fn cost_size(&self) -> u64 {
        match self {
            Self::String(text) => text.chars().count() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::List(list) => list.len() as u64,
            Self::Map(map) => map.len() as u64,
            Self::Optional(Some(value)) => value.cost_size(),
            Self::Extension(extension) => extension.cost_size(),
            _ => 1,
        }
    }

    pub(crate) fn key(&self) -> Option<Key<'a>> {
        match self {
            Self::Bool(value) => Some(Key::Bool(*value)),
            Self::Int(value) => Some(Key::Number(i128::from(*value))),
            Self::Uint(value) => Some(Key::Number(i128::from(*value))),
            Self::Double(value) if value.fract() == 0.0 && value.abs() < 1.8e19 => Some(Key::Number(*value as i128)),
            Self::String(text) => Some(Key::String(text.clone())),
            _ => None,
        }
    }
}

impl<'a> List<'a> {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Json { items, .. } => items.len(),
            Self::Values { values, .. } => values.len(),
        }
    }

    /// It has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`; an error when it is not what the schema says.
    pub fn get(&self, index: usize) -> Option<Result<Value<'a>>> {
        match self {
            Self::Json { items, schema, .. } => Some(Value::typed(items.get(index)?, schema)),
            Self::Values { values, .. } => values.get(index).cloned().map(Ok),
        }
    }

    pub(crate) fn merge(&self) -> &'a Merge {
        match self {
            Self::Json { merge, .. } | Self::Values { merge, .. } => merge,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<Value<'a>>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    pub(crate) fn to_vec(&self) -> Result<Vec<Value<'a>>> {
        self.iter().collect()
    }
}

impl<'a> Map<'a> {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Json { map, .. } => map.len(),
            Self::Values(entries) => entries.len(),
            Self::Lazy(_) => 0,
        }
    }

    /// It has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of an entry, or `None` when there is none.
    pub(crate) fn find(&self, key: &Value<'a>) -> Option<Result<Value<'a>>> {
        match self {
            Self::Values(entries) => entries.get(&key.key()?).map(|(_, value)| Ok(value.clone())),
            Self::Json { .. } | Self::Lazy(_) => match key {
                Value::String(text) => self.field(text),
                _ => Some(Err(EvaluationError::no_such_overload())),
            },
        }
    }

    /// The value of an entry with a text as its key.
    pub(crate) fn field(&self, name: &str) -> Option<Result<Value<'a>>> {
        match self {
            Self::Values(entries) => {
                entries.get(&Key::String(Text::Shared(name.into()))).map(|(_, value)| Ok(value.clone()))
            }
            Self::Json { map, schema } => match &schema.kind {
                SchemaKind::Object(object) => {
                    let raw: Cow<'_, str> = if name.contains("__") { unescape(name)?.into() } else { name.into() };
                    let json = map.get(&*raw).filter(|json| !json.is_null())?;
                    let field = object.fields.get(name).or_else(|| object.fields.get(&escape(&raw)?))?;
                    Some(Value::typed(json, field))
                }
                SchemaKind::Map(values) => Some(Value::typed(map.get(name)?, values)),
                _ => Some(Ok(Value::json(map.get(name)?))),
            },
            Self::Lazy(fields) => fields.field(name),
        }
    }

    /// The keys, in order.
    pub(crate) fn keys(&self) -> Vec<Value<'a>> {
        match self {
            Self::Values(entries) => entries.values().map(|(key, _)| key.clone()).collect(),
            Self::Json { map, schema } => match &schema.kind {
                SchemaKind::Object(object) => {
                    let known = map.keys().filter_map(|key| escape(key));
                    known.filter(|key| object.fields.contains_key(key)).map(Value::text).collect()
                }
                _ => map.keys().map(|key| Value::String(Text::Borrowed(key))).collect(),
            },
            Self::Lazy(_) => Vec::new(),
        }
    }
}

/// The name of the Go type behind JSON, as messages print it.
fn go_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "<nil>",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_i64() => "int64",
        Json::Number(_) => "float64",
        Json::String(_) => "string",
        Json::Array(_) => "[]interface {}",
        Json::Object(_) => "map[string]interface {}",
    }
}
