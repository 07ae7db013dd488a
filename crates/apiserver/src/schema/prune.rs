//! Fields that a type does not have: finding them (strict and warning validation) and dropping them.

use serde_json::Value;

use super::node::{Node, NodeId, NodeKind, SchemaSet, TypeRef};

/// Paths of the fields that `ty` does not have: `spec.foo`, `spec.ports[0].x`. For custom resources first those of the
/// object's metadata, then those of the schema, then those of embedded metadata, as the real server reports them.
pub fn unknown_fields(ty: &TypeRef, value: &Value) -> Vec<String> {
    let mut found = Found::default();
    find(ty.set(), ty.id(), value, &mut String::new(), &mut found);
    let Found { mut custom, structs } = found;
    if ty.node().go {
        return structs;
    }
    custom.sort();
    let (own, embedded): (Vec<_>, Vec<_>) = structs.into_iter().partition(|path| path.starts_with("metadata."));
    [own, custom, embedded].concat()
}

#[derive(Default)]
struct Found {
    /// Fields that a structural schema does not have.
    custom: Vec<String>,
    /// Fields that a Go struct does not have.
    structs: Vec<String>,
}

/// Drops the fields that `ty` does not have.
pub fn prune(ty: &TypeRef, value: &mut Value) {
    drop_unknown(ty.set(), ty.id(), value);
}

/// What becomes of one member of an object.
enum Member {
    /// It has this type.
    Typed(NodeId),
    /// It stays, whatever is in it.
    Free,
    /// The type has no such field.
    Unknown,
}

impl Node {
    fn member(&self, key: &str) -> Member {
        if let Some(field) = self.property(key) {
            return Member::Typed(field.node);
        }
        match self.additional {
            Some(values) => Member::Typed(values),
            None if self.preserve_unknown => Member::Free,
            None => Member::Unknown,
        }
    }

    /// The type that the entries of a list have. Where none is told, fields of objects are as unknown as they are in an
    /// object in place of the list.
    fn entries(&self, own: NodeId) -> Option<NodeId> {
        self.items.or((!self.preserve_unknown).then_some(own))
    }

    /// Whatever is in a value stays.
    fn is_free(&self) -> bool {
        self.kind == NodeKind::Any && self.properties.is_empty() && self.additional.is_none() && self.items.is_none()
    }
}

fn find(set: &SchemaSet, id: NodeId, value: &Value, path: &mut String, found: &mut Found) {
    let node = set.node(id);
    if node.is_free() {
        return;
    }
    match value {
        // Go's decoder does not look for unknown fields behind a type that reads itself.
        Value::Object(_) if node.kind == NodeKind::ObjectOrAny => {}
        Value::Object(members) => {
            for (key, member) in members {
                let end = path.len();
                if end > 0 {
                    path.push('.');
                }
                path.push_str(key);
                match node.member(key) {
                    Member::Typed(id) => find(set, id, member, path, found),
                    Member::Free => {}
                    Member::Unknown if node.go => found.structs.push(path.clone()),
                    Member::Unknown => found.custom.push(path.clone()),
                }
                path.truncate(end);
            }
        }
        Value::Array(entries) => {
            let Some(id) = node.entries(id) else { return };
            for (index, entry) in entries.iter().enumerate() {
                let end = path.len();
                path.push_str(&format!("[{index}]"));
                find(set, id, entry, path, found);
                path.truncate(end);
            }
        }
        _ => {}
    }
}

fn drop_unknown(set: &SchemaSet, id: NodeId, value: &mut Value) {
    let node = set.node(id);
    if node.is_free() {
        return;
    }
    match value {
        Value::Object(_) if node.kind == NodeKind::ObjectOrAny => {
            if let Some(id) = node.additional {
                drop_unknown(set, id, value);
            }
        }
        Value::Object(members) => members.retain(|key, member| match node.member(key) {
            Member::Typed(id) => {
                drop_unknown(set, id, member);
                true
            }
            Member::Free => true,
            Member::Unknown => false,
        }),
        Value::Array(entries) => {
            let Some(id) = node.entries(id) else { return };
            for entry in entries {
                drop_unknown(set, id, entry);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::builtin::BuiltinSchemas;
    use super::*;

    #[test]
    fn unknown_fields_are_named_by_path_and_dropped() {
        let service = BuiltinSchemas::get().kind("", "v1", "Service").unwrap();
        let mut value = json!({
            "apiVersion": "v1", "kind": "Service", "foo": 1,
            "metadata": {"name": "a", "labels": {"any": "key"}, "bar": {}},
            "spec": {"ports": [{"port": 1}, {"port": 2, "x": 1}], "selector": {"a": "b"}, "y": null},
        });
        let paths = unknown_fields(&service, &value);
        assert_eq!(paths, ["foo", "metadata.bar", "spec.ports[1].x", "spec.y"]);
        prune(&service, &mut value);
        assert_eq!(unknown_fields(&service, &value), Vec::<String>::new());
        assert_eq!(value["spec"], json!({"ports": [{"port": 1}, {"port": 2}], "selector": {"a": "b"}}));
        assert_eq!(value["metadata"], json!({"name": "a", "labels": {"any": "key"}}));
    }

    #[test]
    fn free_json_keeps_what_it_holds() {
        let revision = BuiltinSchemas::get().kind("apps", "v1", "ControllerRevision").unwrap();
        let mut value = json!({"data": {"spec": {"template": {"$patch": "replace"}}}, "revision": 1});
        let before = value.clone();
        prune(&revision, &mut value);
        assert_eq!(value, before);
    }

    #[test]
    fn schemas_inside_a_crd_are_pruned_at_every_depth() {
        let crd = BuiltinSchemas::get().kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "array", "items": {"type": "string", "x": 1}},
            "b": {"type": "object", "additionalProperties": true},
            "c": {"type": "object", "additionalProperties": {"type": "string", "x": 1}}}});
        let mut value = json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": schema}}]}});
        prune(&crd, &mut value);
        let properties = &value["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
        assert_eq!(properties["a"]["items"], json!({"type": "string"}));
        assert_eq!(properties["b"]["additionalProperties"], true);
        assert_eq!(properties["c"]["additionalProperties"], json!({"type": "string"}));
    }
}
