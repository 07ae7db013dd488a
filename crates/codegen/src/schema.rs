//! A version's schema → Rust types.
//!
//! Each [`Ty`] knows the schema that it has by itself, as schemars derives it. Where the definition says more, `fields` adds
//! attributes; a struct or enum has the schema of its node wholly. So what comes out equals what went in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::apply;
use crate::fields::{Field, description, extend, field};
use crate::names;

/// The types of one version.
#[derive(Default)]
pub(crate) struct Types {
    /// Their source, the outer ones first.
    pub(crate) items: Vec<String>,
    /// Whether structs get an apply configuration each.
    apply: bool,
    used: BTreeSet<String>,
    known: BTreeMap<String, Ty>,
}

/// A Rust type for a node of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Ty {
    /// How Rust calls it.
    pub(crate) rust: String,
    /// How Rust calls it where only a part of it need be said.
    pub(crate) apply: String,
    /// The type whose schema it has; often itself.
    pub(crate) with: String,
    /// The schema that schemars derives for `with`.
    pub(crate) model: Value,
    /// Whether it has a `Default`.
    pub(crate) default: bool,
    pub(crate) shape: Shape,
}

/// What a type is, as far as defaults need to know.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Bool,
    /// With the range that it can hold.
    Integer(i64, i64),
    Number,
    Text,
    /// Its variants: value → name.
    Enum(BTreeMap<String, String>),
    List(Box<Ty>),
    Map,
    /// Whether `{}` is one, given the defaults of its fields.
    Struct {
        empty: bool,
    },
    IntOrString,
    Other,
}

impl Types {
    pub(crate) fn new(apply: bool) -> Self {
        Self { apply, ..Self::default() }
    }

    /// Keeps a name from being used by a type.
    pub(crate) fn reserve(&mut self, name: &str) -> String {
        names::unique_type(&mut self.used, name)
    }

    /// The type for a node; `path` is the name that a new type gets.
    pub(crate) fn ty(&mut self, node: &Map<String, Value>, path: &str) -> Ty {
        if node.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            let model = json!({"x-kubernetes-int-or-string": true});
            return Ty::plain("IntOrString", "super::schema::IntOrString", model, true, Shape::IntOrString);
        }
        match node.get("type").and_then(Value::as_str) {
            Some("boolean") => Ty::plain("bool", "bool", json!({"type": "boolean"}), true, Shape::Bool),
            Some("integer") => integer(node),
            Some("number") => number(node),
            Some("string") => self.text(node, path),
            Some("array") => self.list(node, path),
            Some("object") => self.object(node, path),
            _ => Ty::plain("Value", "super::schema::Any", json!({}), true, Shape::Other),
        }
    }

    fn text(&mut self, node: &Map<String, Value>, path: &str) -> Ty {
        let values = node.get("enum").and_then(Value::as_array);
        let texts: Option<Vec<&str>> = values.map(|values| {
            values.iter().filter(|value| !value.is_null()).map(Value::as_str).collect::<Option<_>>().unwrap_or_default()
        });
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
            return self.enumeration(node, &texts, path);
        }
        let model = json!({"type": "string"});
        if node.get("format").and_then(Value::as_str) == Some("date-time") && !node.contains_key("default") {
            return Ty::plain("Time", "String", model, false, Shape::Other);
        }
        Ty::plain("String", "String", model, true, Shape::Text)
    }

    fn enumeration(&mut self, node: &Map<String, Value>, texts: &[&str], path: &str) -> Ty {
        let whole = whole(node);
        let key = format!("enum {whole}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.reserve(path);
        let mut used = BTreeSet::new();
        let mut variants = BTreeMap::new();
        let mut lines = String::new();
        for text in texts {
            if variants.contains_key(*text) {
                continue;
            }
            let variant = names::unique(&mut used, &names::variant(text), "_");
            if variant != *text {
                lines += &format!("#[serde(rename = {text:?})]\n");
            }
            lines += &format!("{variant},\n");
            variants.insert((*text).to_string(), variant);
        }
        let values: Vec<Value> = variants_in_order(texts);
        let derived = json!({"type": "string", "enum": values});
        let (doc, attributes) = container_attributes(&whole, &derived);
        self.items.push(format!(
            "{doc}#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]\n\
             {attributes}pub enum {name} {{\n{lines}}}\n"
        ));
        let ty = Ty::plain(&name, &name, whole, false, Shape::Enum(variants));
        self.known.insert(key, ty.clone());
        ty
    }

    fn list(&mut self, node: &Map<String, Value>, path: &str) -> Ty {
        let item = match node.get("items").and_then(Value::as_object) {
            Some(items) => {
                let ty = self.ty(items, &singular(path));
                if items.get("nullable") == Some(&Value::Bool(true)) { ty.optional() } else { ty }
            }
            None => Ty::plain("Value", "super::schema::Any", json!({}), true, Shape::Other),
        };
        let model = json!({"type": "array", "items": item.model});
        Ty {
            rust: format!("Vec<{}>", item.rust),
            apply: format!("Vec<{}>", item.apply),
            with: format!("Vec<{}>", item.with),
            model,
            default: true,
            shape: Shape::List(Box::new(item)),
        }
    }

    fn object(&mut self, node: &Map<String, Value>, path: &str) -> Ty {
        let truth = |key: &str| node.get(key) == Some(&Value::Bool(true));
        let bare = json!({"type": "object"});
        if node.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty()) {
            return self.structure(node, path);
        }
        match node.get("additionalProperties") {
            Some(Value::Object(values)) => {
                let value = self.ty(values, &singular(path));
                let value = if values.get("nullable") == Some(&Value::Bool(true)) { value.optional() } else { value };
                Ty {
                    rust: format!("BTreeMap<String, {}>", value.rust),
                    apply: format!("BTreeMap<String, {}>", value.apply),
                    with: format!("BTreeMap<String, {}>", value.with),
                    model: json!({"type": "object", "additionalProperties": value.model}),
                    default: true,
                    shape: Shape::Map,
                }
            }
            Some(Value::Bool(true)) => {
                Ty::plain("BTreeMap<String, Value>", "super::schema::Object", bare, true, Shape::Map)
            }
            _ if truth("x-kubernetes-embedded-resource") => {
                Ty::plain("DynamicObject", "super::schema::Object", bare, false, Shape::Other)
            }
            _ => Ty::plain("BTreeMap<String, Value>", "super::schema::Object", bare, true, Shape::Map),
        }
    }

    fn structure(&mut self, node: &Map<String, Value>, path: &str) -> Ty {
        let whole = whole(node);
        let key = format!("struct {whole}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.reserve(path);
        let place = self.items.len();
        self.items.push(String::new());
        let fields = self.fields(node, &name);
        let (mut source, default) = struct_source(&name, &whole, &fields);
        let empty = fields.iter().all(Field::fills_itself);
        let mut ty = Ty::plain(&name, &name, whole, default, Shape::Struct { empty });
        if self.apply {
            ty.apply = self.reserve(&apply::name(&name));
            source += &apply::structure(&name, &ty.apply, &fields);
        }
        self.items[place] = source;
        self.known.insert(key, ty.clone());
        ty
    }

    /// The fields for the properties of a node.
    pub(crate) fn fields(&mut self, node: &Map<String, Value>, owner: &str) -> Vec<Field> {
        let required = required(node);
        let mut used = BTreeSet::new();
        let mut fields = Vec::new();
        for (property, schema) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let empty = Map::new();
            let schema = schema.as_object().unwrap_or(&empty);
            let ty = self.ty(schema, &format!("{owner}{}", part(property)));
            let ident = names::unique(&mut used, &names::field(property), "_");
            fields.push(field(owner, property, &ident, schema, ty, required.contains(&property.as_str())));
        }
        if node.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            let ident = names::unique(&mut used, "other", "_");
            fields.push(Field::rest(&ident));
        }
        fields
    }
}

impl Ty {
    fn plain(rust: &str, with: &str, model: Value, default: bool, shape: Shape) -> Self {
        Self { rust: rust.into(), apply: rust.into(), with: with.into(), model, default, shape }
    }

    /// The same inside of a list or map that may hold nulls.
    fn optional(self) -> Self {
        let (rust, apply) = (format!("Option<{}>", self.rust), format!("Option<{}>", self.apply));
        Self { rust, apply, default: true, shape: Shape::Other, ..self }
    }
}

/// The names in `required`.
pub(crate) fn required(node: &Map<String, Value>) -> Vec<&str> {
    node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The source of a struct, and whether it has a `Default`.
pub(crate) fn struct_source(name: &str, whole: &Value, fields: &[Field]) -> (String, bool) {
    let mut derived = json!({"type": "object"});
    let properties: Map<String, Value> =
        fields.iter().filter_map(|field| Some((field.property.clone()?, field.schema.clone()))).collect();
    if !properties.is_empty() {
        derived["properties"] = properties.into();
    }
    let needed: Vec<Value> = fields
        .iter()
        .filter(|field| field.derived_required)
        .filter_map(|field| field.property.clone().map(Value::from))
        .collect();
    if !needed.is_empty() {
        derived["required"] = needed.into();
    }
    let (doc, attributes) = container_attributes(whole, &derived);
    let default = fields.iter().all(|field| field.initial.is_some());
    let plain = fields.iter().all(|field| field.initial.as_deref() == Some("Default::default()"));
    let derive = if plain { "Default, " } else { "" };
    let rename = if fields.iter().any(|field| field.camel) { "#[serde(rename_all = \"camelCase\")]\n" } else { "" };
    let body: String = fields.iter().map(|field| field.source.as_str()).collect();
    let mut source = format!(
        "{doc}#[derive(Clone, Debug, {derive}PartialEq, Serialize, Deserialize, JsonSchema)]\n\
         {rename}{attributes}pub struct {name} {{\n{body}}}\n"
    );
    let functions: String = fields.iter().map(|field| field.function.as_str()).collect();
    if !functions.is_empty() {
        source += &format!("impl {name} {{\n{functions}}}\n");
    }
    if default && !plain {
        let values: String = fields
            .iter()
            .filter_map(|field| Some(format!("{}: {},\n", field.ident, field.initial.as_ref()?)))
            .collect();
        source += &format!("impl Default for {name} {{\nfn default() -> Self {{\nSelf {{\n{values}}}\n}}\n}}\n");
    }
    (source, default)
}

/// Description and extensions that make a struct's or enum's derived schema that of its node.
fn container_attributes(whole: &Value, derived: &Value) -> (String, String) {
    let empty = Map::new();
    let node = whole.as_object().unwrap_or(&empty);
    let (doc, mut attributes) = description(node.get("description").and_then(Value::as_str));
    for (key, value) in node {
        if key != "description" && derived.get(key) != Some(value) && key != "properties" {
            attributes += &extend(key, value);
        }
    }
    (doc, attributes)
}

/// A node without what belongs to the field that holds it.
pub(crate) fn whole(node: &Map<String, Value>) -> Value {
    let keep = |key: &str| key != "default" && key != "nullable";
    node.iter()
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

fn variants_in_order(texts: &[&str]) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    texts.iter().filter(|text| seen.insert(**text)).map(|text| (*text).into()).collect()
}

fn integer(node: &Map<String, Value>) -> Ty {
    match node.get("format").and_then(Value::as_str) {
        Some("int32") => {
            let range = Shape::Integer(i32::MIN.into(), i32::MAX.into());
            Ty::plain("i32", "i32", json!({"type": "integer", "format": "int32"}), true, range)
        }
        Some("int64") => {
            let range = Shape::Integer(i64::MIN, i64::MAX);
            Ty::plain("i64", "i64", json!({"type": "integer", "format": "int64"}), true, range)
        }
        Some("uint64") => {
            let range = Shape::Integer(0, i64::MAX);
            Ty::plain("u64", "super::schema::Integer", json!({"type": "integer"}), true, range)
        }
        _ => {
            let range = Shape::Integer(i64::MIN, i64::MAX);
            Ty::plain("i64", "super::schema::Integer", json!({"type": "integer"}), true, range)
        }
    }
}

fn number(node: &Map<String, Value>) -> Ty {
    if node.get("format").and_then(Value::as_str) == Some("double") {
        return Ty::plain("f64", "f64", json!({"type": "number", "format": "double"}), true, Shape::Number);
    }
    Ty::plain("f64", "super::schema::Number", json!({"type": "number"}), true, Shape::Number)
}

/// The part of a type's name that a property gives.
fn part(property: &str) -> String {
    let part = names::camel(property);
    if part.is_empty() { "Field".into() } else { part }
}

/// The name for the items of a list or the values of a map.
fn singular(path: &str) -> String {
    for (plural, singular) in [("ies", "y"), ("sses", "ss"), ("xes", "x")] {
        if let Some(stem) = path.strip_suffix(plural) {
            return format!("{stem}{singular}");
        }
    }
    match path.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') && !stem.ends_with('u') && stem.len() > 1 => stem.into(),
        _ => format!("{path}Item"),
    }
}
