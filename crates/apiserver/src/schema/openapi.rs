//! Compiles the schema graph from the `components.schemas` of an OpenAPI v3 document of kube-apiserver.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::go_types::GoTypes;
use super::node::{Field, ListType, MapType, Node, NodeId, NodeKind, SchemaSet};

/// Why a document can't be compiled.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CompileError {
    /// A `$ref` names a type that the document does not hold.
    #[error("schema {from} refers to {to}, which the document does not hold; add it to components.schemas")]
    UnknownRef {
        /// The type that holds the reference.
        from: String,
        /// The type that is missing.
        to: String,
    },
}

impl SchemaSet {
    /// Compiles `components.schemas` (name → schema) with what is known of the Go structs behind them.
    ///
    /// # Errors
    /// When a reference leads nowhere.
    pub fn from_openapi(schemas: &Map<String, Value>, go_types: &GoTypes<'_>) -> Result<SchemaSet, CompileError> {
        let mut compiler = Compiler { go_types, nodes: Vec::new(), names: BTreeMap::new(), overrides: Vec::new() };
        // Named types get the first ids, so that references can be resolved before their target is compiled.
        for (index, name) in schemas.keys().enumerate() {
            compiler.names.insert(name.clone(), NodeId(index as u32));
            compiler.nodes.push(Node::default());
        }
        let mut kinds = Vec::new();
        for (name, schema) in schemas {
            let id = compiler.names[name];
            let mut node = compiler.compile(schema, name)?;
            node.type_name = Some(Arc::from(name.as_str()));
            compiler.add_go(&mut node, name);
            compiler.nodes[id.0 as usize] = node;
            for gvk in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten() {
                let part = |key: &str| Box::from(gvk.get(key).and_then(Value::as_str).unwrap_or_default());
                kinds.push(((part("group"), part("version"), part("kind")), id));
            }
        }
        compiler.override_map_types();
        kinds.sort();
        let names = compiler.names.into_iter().map(|(name, id)| (name.into_boxed_str(), id)).collect();
        Ok(SchemaSet { nodes: compiler.nodes, names, kinds })
    }
}

struct Compiler<'a> {
    go_types: &'a GoTypes<'a>,
    nodes: Vec<Node>,
    names: BTreeMap<String, NodeId>,
    /// Nodes that are another one but for its map type.
    overrides: Vec<(NodeId, NodeId, MapType)>,
}

impl Compiler<'_> {
    /// Adds what is known of the Go struct `name` to its node.
    fn add_go(&self, node: &mut Node, name: &str) {
        let Some(fields) = self.go_types.fields(name) else { return };
        // A struct without fields looks like free JSON in OpenAPI.
        node.kind = NodeKind::Object;
        for field in &mut node.properties {
            field.go = fields.get(&*field.name).map(|facts| Box::new(facts.to_field()));
        }
    }

    fn add(&mut self, schema: &Value, from: &str) -> Result<NodeId, CompileError> {
        if let Some(target) = ref_target(schema) {
            let target = self.resolve(target, from)?;
            let map_type = match schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
                Some("atomic") => MapType::Atomic,
                Some("granular") => MapType::Granular,
                _ => return Ok(target),
            };
            // A field may merge its type in another way than the type says; the type may not be compiled yet.
            let id = NodeId(self.nodes.len() as u32);
            self.nodes.push(Node::default());
            self.overrides.push((id, target, map_type));
            return Ok(id);
        }
        let node = self.compile(schema, from)?;
        self.nodes.push(node);
        Ok(NodeId(self.nodes.len() as u32 - 1))
    }

    fn override_map_types(&mut self) {
        for (id, target, map_type) in std::mem::take(&mut self.overrides) {
            self.nodes[id.0 as usize] = Node { map_type, ..self.nodes[target.0 as usize].clone() };
        }
    }

    fn resolve(&self, target: &str, from: &str) -> Result<NodeId, CompileError> {
        let name = target.trim_start_matches("#/components/schemas/");
        self.names.get(name).copied().ok_or_else(|| CompileError::UnknownRef { from: from.into(), to: name.into() })
    }

    fn compile(&mut self, schema: &Value, from: &str) -> Result<Node, CompileError> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut node = Node {
            kind: kind_of(schema, from),
            default: schema.get("default").cloned(),
            nullable: flag("nullable"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            format: text("format").map(Box::from),
            go: self.go_types.fields(from).is_some(),
            ..Node::default()
        };
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, field) in properties {
                node.properties.push(self.field(name, field, from)?);
            }
            node.properties.sort_by(|a, b| a.name.cmp(&b.name));
        }
        node.required = strings(schema.get("required"));
        if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
            node.additional = Some(self.add(values, from)?);
        }
        if node.kind == NodeKind::ObjectOrAny {
            let target = from.trim_end_matches("OrArray").trim_end_matches("OrBool");
            node.additional = Some(self.resolve(target, from)?);
        }
        if let Some(items) = schema.get("items") {
            node.items = Some(self.add(items, from)?);
        }
        node.list_type = match text("x-kubernetes-list-type") {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(strings(schema.get("x-kubernetes-list-map-keys"))),
            _ => ListType::Atomic,
        };
        if text("x-kubernetes-map-type") == Some("atomic") {
            node.map_type = MapType::Atomic;
        }
        Ok(node)
    }

    fn field(&mut self, name: &str, schema: &Value, from: &str) -> Result<Field, CompileError> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let strategies = text("x-kubernetes-patch-strategy").unwrap_or_default();
        Ok(Field {
            name: name.into(),
            node: self.add(schema, from)?,
            default: schema.get("default").cloned(),
            patch_merge: strategies.split(',').any(|s| s == "merge"),
            patch_replace: strategies.split(',').any(|s| s == "replace"),
            patch_retain_keys: strategies.split(',').any(|s| s == "retainKeys"),
            patch_merge_key: text("x-kubernetes-patch-merge-key").map(Box::from),
            go: None,
        })
    }
}

/// The target of a reference; fields refer by `allOf: [{$ref}]` to keep their own default beside it.
fn ref_target(schema: &Value) -> Option<&str> {
    schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str)
}

fn kind_of(schema: &Value, type_name: &str) -> NodeKind {
    // These types have a wire form that their schema does not tell. A nested schema carries the name of the type that
    // holds it, which has fields.
    let named = if schema.get("properties").is_some() { "" } else { type_name };
    match named.rsplit('.').next().unwrap_or_default() {
        "Quantity" => return NodeKind::Quantity,
        "IntOrString" => return NodeKind::IntOrString,
        "Time" => return NodeKind::Time,
        "MicroTime" => return NodeKind::MicroTime,
        "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrBool" => return NodeKind::ObjectOrAny,
        _ => {}
    }
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
    if flag("x-kubernetes-int-or-string") {
        return NodeKind::IntOrString;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if schema.get("properties").is_some() => NodeKind::Object,
        Some("object") if schema.get("additionalProperties").is_some_and(Value::is_object) => NodeKind::Map,
        Some("object") if flag("x-kubernetes-preserve-unknown-fields") => NodeKind::Object,
        // A bare object: RawExtension, FieldsV1.
        Some("object") => NodeKind::Any,
        Some("array") => NodeKind::List,
        Some("string") if schema.get("format").and_then(Value::as_str) == Some("byte") => NodeKind::Bytes,
        Some("string") => NodeKind::String,
        Some("integer") => NodeKind::Integer,
        Some("number") => NodeKind::Number,
        Some("boolean") => NodeKind::Boolean,
        _ if schema.get("properties").is_some() => NodeKind::Object,
        _ => NodeKind::Any,
    }
}

fn strings(value: Option<&Value>) -> Vec<Box<str>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(Box::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_keep_their_patch_strategy_and_types_their_list_keys() {
        let document = json!({
            "g.Spec": {"type": "object", "properties": {
                "ports": {"type": "array", "items": {"$ref": "#/components/schemas/g.Port"},
                    "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "port"},
                "self": {"allOf": [{"$ref": "#/components/schemas/g.Spec"}], "default": {}}}},
            "g.Port": {"type": "object", "required": ["port"], "properties": {"port": {"type": "integer"}}},
        });
        let set = Arc::new(SchemaSet::from_openapi(document.as_object().unwrap(), &GoTypes::default()).unwrap());
        let spec = set.named("g.Spec").unwrap();
        let ports = spec.node().property("ports").unwrap();
        assert!(ports.patch_merge);
        assert_eq!(ports.patch_merge_key.as_deref(), Some("port"));
        assert_eq!(set.node(ports.node).list_type, ListType::Map(vec!["port".into(), "protocol".into()]));
        assert_eq!(spec.node().property("self").unwrap().node, spec.id(), "a recursive type refers to itself");
    }

    #[test]
    fn a_missing_type_is_named() {
        let document = json!({"g.A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/g.B"}}}});
        let error = SchemaSet::from_openapi(document.as_object().unwrap(), &GoTypes::default()).unwrap_err();
        assert_eq!(error, CompileError::UnknownRef { from: "g.A".into(), to: "g.B".into() });
    }
}
