//! Defaulting of custom resources.

use serde_json::Value;

use super::node::{NodeId, SchemaSet, TypeRef};

/// What becomes of nulls that the schema does not allow and has no default for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// They go, as in all that is decoded.
    Dropped,
    /// They stay, and validation refuses them: so it is with what server-side apply has merged.
    Kept,
}

/// Fills in the defaults of a structural schema, at every depth of what is there, as apiextensions does. Built-in types have
/// no such defaults; theirs are in `kinds`.
pub fn default(ty: &TypeRef, value: &mut Value, nulls: Nulls) {
    fill(ty.set(), ty.id(), value);
    if nulls == Nulls::Dropped {
        drop_nulls(ty.set(), ty.id(), value);
    }
}

fn fill(set: &SchemaSet, id: NodeId, value: &mut Value) {
    let node = set.node(id);
    if node.go {
        return;
    }
    let default_of = |id: NodeId| set.node(id).default.clone().unwrap_or_default();
    match value {
        Value::Object(members) => {
            for field in &node.properties {
                let Some(default) = &field.default else { continue };
                let missing = match members.get(&*field.name) {
                    None => true,
                    Some(member) => member.is_null() && !set.node(field.node).nullable,
                };
                if missing {
                    members.insert(field.name.to_string(), default.clone());
                }
            }
            for (key, member) in members {
                if let Some(field) = node.property(key) {
                    fill(set, field.node, member);
                } else if let Some(values) = node.additional {
                    if member.is_null() && !set.node(values).nullable {
                        *member = default_of(values);
                    }
                    fill(set, values, member);
                }
            }
        }
        Value::Array(entries) => {
            let Some(items) = node.items else { return };
            for entry in entries {
                if entry.is_null() && !set.node(items).nullable {
                    *entry = default_of(items);
                }
                fill(set, items, entry);
            }
        }
        _ => {}
    }
}

fn drop_nulls(set: &SchemaSet, id: NodeId, value: &mut Value) {
    let node = set.node(id);
    if node.go {
        return;
    }
    match value {
        Value::Object(members) => members.retain(|key, member| {
            let Some(id) = node.property(key).map(|field| field.node).or(node.additional) else { return true };
            if member.is_null() && !set.node(id).nullable {
                return false;
            }
            drop_nulls(set, id, member);
            true
        }),
        Value::Array(entries) => {
            let Some(items) = node.items else { return };
            entries.iter_mut().for_each(|entry| drop_nulls(set, items, entry));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::crd;

    /// Each pair was answered by a real server.
    #[test]
    fn defaults_and_nulls_equal_the_real_servers() {
        let spec = json!({"type": "object", "properties": {
            "str": {"type": "string"},
            "null": {"type": "string", "nullable": true},
            "nul": {"type": "string", "default": "dd"},
            "nuln": {"type": "string", "nullable": true, "default": "dd"},
            "def": {"type": "object", "default": {"n": {}}, "properties": {
                "n": {"type": "object", "default": {"q": 1}, "properties": {
                    "q": {"type": "integer", "default": 2}, "r": {"type": "string", "default": "z"}}},
                "m": {"type": "integer", "default": 7}}},
            "lst": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer", "default": 3}}}},
            "mp": {"type": "object", "additionalProperties": {"type": "object",
                "properties": {"a": {"type": "integer", "default": 3}}}}}});
        let ty = crd::compile(&json!({"type": "object", "properties": {"spec": spec}})).unwrap();
        for (given, expected) in [
            (json!({"def": {}}), json!({"def": {"m": 7, "n": {"q": 1, "r": "z"}}})),
            (json!({"def": {"n": {}}}), json!({"def": {"m": 7, "n": {"q": 2, "r": "z"}}})),
            (json!({"def": null}), json!({"def": {"m": 7, "n": {"q": 2, "r": "z"}}})),
            (json!({"def": {"n": null}}), json!({"def": {"m": 7, "n": {"q": 1, "r": "z"}}})),
            (json!({"nul": null, "nuln": null}), json!({"nul": "dd", "nuln": null})),
            (json!({"str": null, "null": null}), json!({"null": null})),
            (json!({"lst": [{}, {"a": null}, null]}), json!({"lst": [{"a": 3}, {"a": 3}, null]})),
            (json!({"mp": {"x": {}, "y": null}}), json!({"mp": {"x": {"a": 3}}})),
        ] {
            let mut object = json!({"spec": given});
            default(&ty, &mut object, Nulls::Dropped);
            let spec = object["spec"].as_object_mut().unwrap();
            for key in ["def", "nul", "nuln"] {
                if given.get(key).is_none() {
                    spec.remove(key);
                }
            }
            assert_eq!(object["spec"], expected, "{given}");
        }
    }
}
