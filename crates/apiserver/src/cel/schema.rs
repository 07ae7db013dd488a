//! Schemas as the types of expressions: structural ones, and those of OpenAPI documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewright_cel::{Merge, ObjectSchema, Schema, SchemaKind, UNNAMED, escape};
use serde_json::{Map, Value};

/// The largest request: what limits the size of values that have no limit of their own.
pub(super) const LARGEST_REQUEST: u64 = 3 * 1024 * 1024;
/// The most characters of a duration or a time, with quotes.
const LONGEST_TIME: u64 = 32;
/// The characters of a date, with quotes.
const DATE: u64 = 12;

/// The type of a structural schema's values; `None` for what rules can't see. `root`: of a resource, whose name and kind
/// can be seen whether the schema has them or not.
pub(super) fn to_cel(schema: &Value, root: bool) -> Option<Arc<Schema>> {
    Converter { document: None, inside: Vec::new() }.schema(schema, root)
}

/// The type of the objects of a kind, by the OpenAPI v3 document of its group and version, under this name; `None` when the
/// document does not know the kind, or says nothing of its objects.
pub(crate) fn of_document(
    document: &Value,
    (group, version, kind): (&str, &str, &str),
    name: &str,
) -> Option<Arc<Schema>> {
    let is = |known: &Value| {
        text(known, "group") == group && text(known, "version") == version && text(known, "kind") == kind
    };
    let (own, schema) = document["components"]["schemas"].as_object()?.iter().find(|(_, schema)| {
        schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|kinds| kinds.iter().any(is))
    })?;
    let schema = Converter { document: Some(document), inside: vec![own] }.schema(schema, true)?;
    Some(schema.named(name))
}

struct Converter<'a> {
    /// Where references lead to. Structural schemas have none.
    document: Option<&'a Value>,
    /// The references that lead to where the converter is.
    inside: Vec<&'a str>,
}

impl<'a> Converter<'a> {
    fn schema(&mut self, schema: &'a Value, root: bool) -> Option<Arc<Schema>> {
        let Some((document, name)) = self.document.zip(reference(schema)) else {
            let nullable = flag(schema, "nullable");
            return self.convert(schema, root).map(|converted| Arc::new(Schema { nullable, ..converted }));
        };
        if self.inside.contains(&name) {
            // What contains itself is an object without fields.
            let object = ObjectSchema { name: UNNAMED.into(), fields: BTreeMap::new() };
            return Some(Arc::new(Schema::new(SchemaKind::Object(Arc::new(object)), 0, 2)));
        }
        let referred = document["components"]["schemas"].get(name)?;
        self.inside.push(name);
        let converted = self.convert(referred, root || flag(referred, "x-kubernetes-embedded-resource"));
        self.inside.pop();
        converted.map(Arc::new)
    }

    fn convert(&mut self, schema: &'a Value, root: bool) -> Option<Schema> {
        let max_length = count(schema, "maxLength");
        // Built-in types say so by their format.
        let int_or_string = self.document.is_some() && text(schema, "format") == "int-or-string";
        if int_or_string || flag(schema, "x-kubernetes-int-or-string") {
            let most = max_length.map_or(LARGEST_REQUEST - 2, |most| most.saturating_mul(4));
            return Some(Schema::new(SchemaKind::IntOrString, most, 1));
        }
        Some(match text(schema, "type") {
            "array" => {
                let items = schema.get("items")?;
                let items = self.schema(items, flag(items, "x-kubernetes-embedded-resource"))?;
                let most = count(schema, "maxItems").unwrap_or((LARGEST_REQUEST - 2) / (items.min_size + 1));
                let merge = match text(schema, "x-kubernetes-list-type") {
                    "set" => Merge::Set,
                    "map" => {
                        let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                        Merge::Map(keys.filter_map(Value::as_str).map(str::to_owned).collect())
                    }
                    _ => Merge::Atomic,
                };
                Schema::new(SchemaKind::List { items, merge }, most, 2)
            }
            "object" => return self.object(schema, root),
            "string" => string(schema, max_length),
            "boolean" => Schema::new(SchemaKind::Bool, 0, 4),
            "number" => Schema::new(SchemaKind::Double, 0, 1),
            "integer" => Schema::new(SchemaKind::Int, 0, 1),
            _ => return None,
        })
    }

    fn object(&mut self, schema: &'a Value, root: bool) -> Option<Schema> {
        if let Some(values @ Value::Object(_)) = schema.get("additionalProperties")
            && !root
        {
            let values = self.schema(values, flag(values, "x-kubernetes-embedded-resource"))?;
            let most = count(schema, "maxProperties").unwrap_or((LARGEST_REQUEST - 2) / (values.min_size + 6));
            return Some(Schema::new(SchemaKind::Map(values), most, 2));
        }
        // The documents know all metadata of a resource, rules see only its names.
        let root = root && !(self.document.is_some() && schema["properties"]["metadata"].is_object());
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = BTreeMap::new();
        let mut min_size = 2;
        for (name, property) in properties(schema) {
            if root && ["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
                continue;
            }
            let Some(field) = self.schema(property, flag(property, "x-kubernetes-embedded-resource")) else { continue };
            if required.contains(&name.as_str()) && property.get("default").is_none_or(Value::is_null) {
                min_size += name.len() as u64 + field.min_size + 4;
            }
            if let Some(name) = escape(name) {
                fields.insert(name, field);
            }
        }
        if root {
            let string = Arc::new(Schema::new(SchemaKind::String, LARGEST_REQUEST - 2, 2));
            let names = ["name", "generateName"].map(|name| (name.to_owned(), string.clone()));
            let metadata = ObjectSchema { name: UNNAMED.into(), fields: names.into() };
            let metadata = Schema::new(SchemaKind::Object(Arc::new(metadata)), 0, 2);
            fields.insert("apiVersion".into(), string.clone());
            fields.insert("kind".into(), string);
            fields.insert("metadata".into(), Arc::new(metadata));
        }
        let object = ObjectSchema { name: UNNAMED.into(), fields };
        Some(Schema::new(SchemaKind::Object(Arc::new(object)), 0, min_size))
    }
}

/// The name of the schema that a reference leads to; it may be wrapped so that it can have a description or a default.
fn reference(schema: &Value) -> Option<&str> {
    let own = schema.get("$ref").and_then(Value::as_str);
    let wrapped = || schema["allOf"].as_array()?.iter().find_map(|inner| inner.get("$ref")?.as_str());
    own.or_else(wrapped)?.rsplit('/').next()
}

fn string(schema: &Value, max_length: Option<u64>) -> Schema {
    match text(schema, "format") {
        "byte" => Schema::new(SchemaKind::Bytes, max_length.unwrap_or(LARGEST_REQUEST - 2), 2),
        "duration" => Schema::new(SchemaKind::Duration, LONGEST_TIME, 3),
        "date" => Schema::new(SchemaKind::Date, DATE, DATE),
        "date-time" => Schema::new(SchemaKind::Timestamp, LONGEST_TIME, 21),
        _ => {
            let allowed = schema["enum"].as_array().into_iter().flatten();
            let longest = allowed.map(|value| value.as_str().map_or(0, str::len) as u64).max();
            let most = match (max_length, longest) {
                (Some(characters), _) => characters.saturating_mul(4),
                (None, Some(longest)) => longest,
                (None, None) => LARGEST_REQUEST - 2,
            };
            Schema::new(SchemaKind::String, most, 2)
        }
    }
}

pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

pub(super) fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

pub(super) fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A limit; negative ones count as 0.
pub(super) fn count(schema: &Value, key: &str) -> Option<u64> {
    schema.get(key)?.as_i64().map(|limit| limit.max(0) as u64)
}
