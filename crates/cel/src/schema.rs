//! What a Kubernetes schema says about a value: its type, and how large it may get.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::types::Type;

/// The schema of a JSON value.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// What the value is.
    pub kind: SchemaKind,
    /// The most characters, bytes, elements or entries that it may have; 0 where there is nothing to count.
    pub max_elements: u64,
    /// The fewest bytes that it takes as JSON.
    pub min_size: u64,
    /// `null` is a value of its own.
    pub nullable: bool,
}

/// What a JSON value is taken for.
#[derive(Debug, Clone, PartialEq)]
pub enum SchemaKind {
    /// Whatever the JSON says.
    Dyn,
    /// An integer or a text.
    IntOrString,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `double`; integers in the JSON too.
    Double,
    /// `string`.
    String,
    /// `bytes`, in base64.
    Bytes,
    /// `duration`, as Go writes it.
    Duration,
    /// `timestamp`: a day.
    Date,
    /// `timestamp`: day and time of day.
    Timestamp,
    /// A list.
    List {
        /// The schema of its elements.
        items: Arc<Schema>,
        /// What `==` and `+` mean for it.
        merge: Merge,
    },
    /// A map from texts to values of one schema.
    Map(Arc<Schema>),
    /// An object with declared fields.
    Object(Arc<ObjectSchema>),
    /// What is not JSON but given when a program runs, of this type: a field of an object with such fields.
    Given(Type),
}

/// How elements of a list are told apart: `x-kubernetes-list-type`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Merge {
    /// By position.
    #[default]
    Atomic,
    /// By value; `==` ignores order and `+` adds what is new.
    Set,
    /// By these fields; `==` ignores order and `+` replaces what has the same keys.
    Map(Vec<String>),
}

/// An object with declared fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSchema {
    /// The name of its type, unique in an environment; [`UNNAMED`] until [`Schema::named`] gives it one.
    pub name: Arc<str>,
    /// Its fields by their escaped names, see [`crate::escape`].
    pub fields: BTreeMap<String, Arc<Schema>>,
}

/// The name of object types that have got none.
pub const UNNAMED: &str = "object";

impl Schema {
    /// A schema that is not nullable.
    pub fn new(kind: SchemaKind, max_elements: u64, min_size: u64) -> Self {
        Self { kind, max_elements, min_size, nullable: false }
    }

    /// Any JSON.
    pub fn any() -> Self {
        Self::new(SchemaKind::Dyn, 0, 1)
    }

    /// The type of its values.
    pub fn to_type(&self) -> Type {
        match &self.kind {
            SchemaKind::Dyn | SchemaKind::IntOrString => Type::Dyn,
            SchemaKind::Bool => Type::Bool,
            SchemaKind::Int => Type::Int,
            SchemaKind::Double => Type::Double,
            SchemaKind::String => Type::String,
            SchemaKind::Bytes => Type::Bytes,
            SchemaKind::Duration => Type::Duration,
            SchemaKind::Date | SchemaKind::Timestamp => Type::Timestamp,
            SchemaKind::List { items, .. } => Type::list(items.to_type()),
            SchemaKind::Map(values) => Type::map(Type::String, values.to_type()),
            SchemaKind::Object(object) => Type::Object(object.name.clone()),
            SchemaKind::Given(ty) => ty.clone(),
        }
    }

    /// The schema with names for its object types: `name`, `name.field`, `name.field.@elem`, `name.field.@idx`.
    pub fn named(self: &Arc<Self>, name: &str) -> Arc<Self> {
        let kind = match &self.kind {
            SchemaKind::Object(object) => {
                let name = if &*object.name == UNNAMED { name } else { &object.name };
                let fields = object.fields.iter();
                let fields = fields.map(|(field, schema)| (field.clone(), schema.named(&format!("{name}.{field}"))));
                SchemaKind::Object(Arc::new(ObjectSchema { name: name.into(), fields: fields.collect() }))
            }
            SchemaKind::Map(values) => SchemaKind::Map(values.named(&format!("{name}.@elem"))),
            SchemaKind::List { items, merge } => {
                SchemaKind::List { items: items.named(&format!("{name}.@idx")), merge: merge.clone() }
            }
            _ => return self.clone(),
        };
        Arc::new(Self { kind, ..**self })
    }

    /// The elements of a list or the values of a map.
    pub fn element(&self) -> Option<&Arc<Schema>> {
        match &self.kind {
            SchemaKind::List { items: element, .. } | SchemaKind::Map(element) => Some(element),
            _ => None,
        }
    }

    /// The object schemas in it, itself included.
    pub(crate) fn objects(&self, found: &mut Vec<Arc<ObjectSchema>>) {
        match &self.kind {
            SchemaKind::Object(object) => {
                found.push(object.clone());
                object.fields.values().for_each(|field| field.objects(found));
            }
            _ => self.element().into_iter().for_each(|element| element.objects(found)),
        }
    }
}
