//! Compiles the structural schema of a custom resource.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::Pattern;
use super::builtin::BuiltinSchemas;
use super::constraints::Constraints;
use super::node::{Field, ListType, MapType, Node, NodeId, NodeKind, SchemaSet, TypeRef};
use crate::crd::structural;
use crate::field::FieldError;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Compiles `openAPIV3Schema` of a version to the type of its objects: the schema, with `apiVersion`, `kind` and
/// `metadata` as every object has them.
///
/// # Errors
/// What makes the schema unusable, with paths that start at `openAPIV3Schema`.
pub fn compile(schema: &Value) -> Result<TypeRef, Vec<FieldError>> {
    let errors = structural::check(schema, "openAPIV3Schema");
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(compile_checked(schema))
}

/// [`compile`] for a schema that [`structural::check`] accepts; what it would refuse counts as absent.
pub(crate) fn compile_checked(schema: &Value) -> TypeRef {
    compile_at(schema, Place::Root)
}

/// Compiles a schema that stands inside of another.
pub(crate) fn compile_part(schema: &Value) -> TypeRef {
    compile_at(schema, Place::Inside)
}

fn compile_at(schema: &Value, place: Place) -> TypeRef {
    let base = object_meta_set();
    let object_meta = base.names.iter().find(|(name, _)| &**name == OBJECT_META).map(|(_, id)| *id);
    let mut compiler = Compiler { nodes: base.nodes.clone(), object_meta };
    let root = compiler.node(schema, place);
    let set = SchemaSet { nodes: compiler.nodes, names: base.names.clone(), kinds: Vec::new() };
    TypeRef::new(Arc::new(set), root)
}

/// `ObjectMeta` and what it refers to; each custom type starts with a copy.
fn object_meta_set() -> &'static SchemaSet {
    static SET: OnceLock<SchemaSet> = OnceLock::new();
    SET.get_or_init(|| BuiltinSchemas::get().types().part(OBJECT_META))
}

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Inside,
    /// Below `allOf`, `anyOf`, `oneOf` or `not`: only constraints count.
    Junctor,
}

struct Compiler {
    nodes: Vec<Node>,
    object_meta: Option<NodeId>,
}

impl Compiler {
    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn node(&mut self, schema: &Value, place: Place) -> NodeId {
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let mut node = Node {
            kind: kind_of(schema, place),
            default: schema.get("default").cloned(),
            nullable: flag("nullable"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            format: text("format").map(Box::from),
            required: strings(schema.get("required")),
            list_type: match text("x-kubernetes-list-type") {
                Some("set") => ListType::Set,
                Some("map") => ListType::Map(strings(schema.get("x-kubernetes-list-map-keys"))),
                _ => ListType::Atomic,
            },
            map_type: if text("x-kubernetes-map-type") == Some("atomic") { MapType::Atomic } else { MapType::Granular },
            ..Node::default()
        };
        let own_metadata = schema.pointer("/properties/metadata").filter(|_| place != Place::Junctor);
        let has_type_fields = place == Place::Root || (node.embedded_resource && place == Place::Inside);
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !(has_type_fields && name == "metadata") {
                let inner = if place == Place::Junctor { Place::Junctor } else { Place::Inside };
                node.properties.push(field(name, self.node(property, inner), property.get("default").cloned()));
            }
        }
        if has_type_fields {
            self.add_type_fields(&mut node);
        }
        node.properties.sort_by(|a, b| a.name.cmp(&b.name));
        match schema.get("additionalProperties") {
            // What values may be is not told: objects among them lose their fields.
            Some(Value::Bool(true)) => {
                node.additional = Some(self.add(Node { kind: NodeKind::Bare, nullable: true, ..Node::default() }));
            }
            Some(values @ Value::Object(_)) => node.additional = Some(self.node(values, inner(place))),
            _ => {}
        }
        if let Some(items) = schema.get("items") {
            node.items = Some(self.node(items, inner(place)));
        }
        let mut constraints = self.constraints(schema);
        if let (Some(metadata), true) = (own_metadata, has_type_fields) {
            // Names may be restricted; the rest of metadata is typed as ever.
            let restricted = self.node(&json!({"properties": {"metadata": without_type(metadata)}}), Place::Junctor);
            constraints.all_of.push(restricted);
        }
        if !constraints.is_empty() {
            node.constraints = Some(Box::new(constraints));
        }
        self.add(node)
    }

    fn add_type_fields(&mut self, node: &mut Node) {
        for name in ["apiVersion", "kind"] {
            if !node.properties.iter().any(|field| &*field.name == name) {
                let id = self.add(Node { kind: NodeKind::String, ..Node::default() });
                node.properties.push(field(name, id, None));
            }
            if node.embedded_resource && !node.required.iter().any(|required| &**required == name) {
                node.required.push(name.into());
            }
        }
        if let Some(id) = self.object_meta {
            node.properties.push(field("metadata", id, None));
        }
    }

    fn constraints(&mut self, schema: &Value) -> Constraints {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut list = |key: &str| -> Vec<NodeId> {
            let schemas = schema.get(key).and_then(Value::as_array).into_iter().flatten();
            schemas.map(|schema| self.node(schema, Place::Junctor)).collect()
        };
        Constraints {
            all_of: list("allOf"),
            any_of: list("anyOf"),
            one_of: list("oneOf"),
            not: schema.get("not").map(|schema| self.node(schema, Place::Junctor)),
            values: schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            minimum: number("minimum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            maximum: number("maximum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: schema.get("pattern").and_then(Value::as_str).and_then(|source| Pattern::new(source).ok()),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: flag("uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
        }
    }
}

fn inner(place: Place) -> Place {
    if place == Place::Junctor { Place::Junctor } else { Place::Inside }
}

fn field(name: &str, node: NodeId, default: Option<Value>) -> Field {
    Field {
        name: name.into(),
        node,
        default,
        patch_merge: false,
        patch_replace: false,
        patch_retain_keys: false,
        patch_merge_key: None,
        go: None,
    }
}

/// The type stands in the type of metadata already, and says it in other words.
fn without_type(metadata: &Value) -> Value {
    let mut out = metadata.clone();
    if let Some(object) = out.as_object_mut() {
        object.remove("type");
    }
    out
}

fn kind_of(schema: &Value, place: Place) -> NodeKind {
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
    if flag("x-kubernetes-int-or-string") {
        return NodeKind::IntOrString;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if place == Place::Root || schema.get("properties").is_some() => NodeKind::Object,
        Some("object") if schema.get("additionalProperties").is_some_and(|values| *values != Value::Bool(false)) => {
            NodeKind::Map
        }
        Some("object") => NodeKind::Object,
        Some("array") => NodeKind::List,
        Some("string") => NodeKind::String,
        Some("integer") => NodeKind::Integer,
        Some("number") => NodeKind::Number,
        Some("boolean") => NodeKind::Boolean,
        _ if place == Place::Root => NodeKind::Object,
        _ => NodeKind::Any,
    }
}

fn strings(value: Option<&Value>) -> Vec<Box<str>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(Box::from).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_types, normalise, prune, unknown_fields};
    use super::*;

    fn compiled(spec: Value) -> TypeRef {
        compile(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}})).unwrap()
    }

    #[test]
    fn pruning_follows_the_structural_schema() {
        let ty = compiled(json!({
            "emb": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            "pres": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"in": {"type": "object", "properties": {"x": {"type": "string"}}}}},
            "free": {"x-kubernetes-preserve-unknown-fields": true},
            "ap": {"type": "object", "additionalProperties": true},
            "bare": {"type": "object"},
            "lst": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        }));
        let mut value = json!({
            "apiVersion": "val.io/v1", "kind": "Test", "metadata": {"name": "a", "zz": 1}, "foo": 1,
            "spec": {
                "emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "foo": 1, "labels": {"a": "b"}}, "q": 1},
                "pres": {"q": 1, "in": {"x": "a", "y": 1}},
                "free": [1, {"a": null}], "ap": {"a": {"b": 1}, "c": 1}, "bare": {"a": 1}, "lst": [{"q": 1}], "unknown": 1},
        });
        let unknown = unknown_fields(&ty, &value);
        assert_eq!(
            unknown,
            [
                "metadata.zz",
                "foo",
                "spec.ap.a.b",
                "spec.bare.a",
                "spec.lst[0].q",
                "spec.pres.in.y",
                "spec.unknown",
                "spec.emb.metadata.foo"
            ]
        );
        prune(&ty, &mut value);
        let spec = json!({
            "emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "labels": {"a": "b"}}, "q": 1},
            "pres": {"q": 1, "in": {"x": "a"}},
            "free": [1, {"a": null}], "ap": {"a": {}, "c": 1}, "bare": {}, "lst": [{}]});
        assert_eq!(value, json!({"apiVersion": "val.io/v1", "kind": "Test", "metadata": {"name": "a"}, "spec": spec}));
    }

    /// Each message was given by a real server.
    #[test]
    fn metadata_is_typed_wherever_it_stands() {
        let ty = compiled(json!({
            "emb": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}));
        for (given, expected) in [
            (
                json!({"metadata": {"labels": {"a": 1}}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
            ),
            (json!({"metadata": "x"}), "json: cannot unmarshal string into Go value of type v1.ObjectMeta"),
            (
                json!({"spec": {"emb": {"metadata": {"name": "a", "labels": {"a": 1}}}}}),
                "spec.emb.metadata: Invalid value: {\"labels\":{\"a\":1},\"name\":\"a\"}: \
                 json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
            ),
            (
                json!({"spec": {"emb": {"metadata": 5}}}),
                "spec.emb.metadata: Invalid value: 5: json: cannot unmarshal number into Go value of type v1.ObjectMeta",
            ),
        ] {
            assert_eq!(check_types(&ty, &given).unwrap_err(), expected);
        }
        assert_eq!(check_types(&ty, &json!({"spec": {"emb": "any"}, "metadata": {"name": "a"}})), Ok(()));
    }

    #[test]
    fn only_metadata_and_numbers_of_a_custom_resource_are_brought_into_form() {
        let ty = compiled(json!({
            "n": {"type": "number"}, "i": {"type": "integer"}, "s": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}},
            "free": {"x-kubernetes-preserve-unknown-fields": true}}));
        let mut value = json!({"metadata": {"name": "a", "labels": {}, "creationTimestamp": null},
            "spec": {"n": 1.0, "i": 3.0, "s": "", "l": [], "free": [1.0, 1.5, null]}});
        normalise(&ty, &mut value);
        assert_eq!(
            value,
            json!({"metadata": {"name": "a"}, "spec": {"n": 1, "i": 3, "s": "", "l": [], "free": [1, 1.5, null]}})
        );
    }
}
