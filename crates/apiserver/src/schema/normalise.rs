//! What a round trip through the Go struct behind a built-in type does to an object.
//!
//! Nulls and empty `omitempty` fields go, fields that Go writes always are filled in with their zero value, lists and
//! maps that are empty become null (they do not survive the protobuf in which the real server stores objects), and
//! quantities, times and base64 get their canonical form. Types without a Go struct (custom resources) are walked only
//! to reach the parts that have one, such as metadata.

use base64::Engine as _;
use serde_json::{Number, Value};

use super::check_types::decode_base64;
use super::go_time::{self, Layout};
use super::node::{Field, GoField, Node, NodeId, NodeKind, Omit, SchemaSet, TypeRef};
use super::quantity::Quantity;

/// Brings `value` into the form in which a server returns it. Values that [`check_types`](super::check_types) refuses
/// are left as they are.
pub fn normalise(ty: &TypeRef, value: &mut Value) {
    walk(ty.set(), ty.id(), value, Empty::Goes);
}

/// Brings `value` into the form that it has in the real server between decoding and storage: as [`normalise`], but an
/// empty list or map that Go always writes is still there, so that its writer comes to own it.
pub fn decoded(ty: &TypeRef, value: &mut Value) {
    walk(ty.set(), ty.id(), value, Empty::Stays);
}

/// What becomes of empty lists and maps that are written always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Goes,
    Stays,
}

fn walk(set: &SchemaSet, id: NodeId, value: &mut Value, empty: Empty) {
    let node = set.node(id);
    match (node.kind, &mut *value) {
        (NodeKind::Object, Value::Object(members)) => {
            for field in &node.properties {
                let Some(go) = field.go.as_deref() else {
                    if let Some(member) = members.get_mut(&*field.name) {
                        walk(set, field.node, member, empty);
                    }
                    continue;
                };
                let given = members.get_mut(&*field.name).map(Value::take).unwrap_or_default();
                match field_value(set, field, go, given, empty) {
                    Some(written) => drop(members.insert(field.name.to_string(), written)),
                    None => drop(members.remove(&*field.name)),
                }
            }
            if !node.go {
                let unnamed = members.iter_mut().filter(|(key, _)| node.property(key).is_none());
                unnamed.for_each(|(_, member)| match node.additional {
                    Some(values) => walk(set, values, member, empty),
                    None => whole_numbers(member),
                });
            }
        }
        (NodeKind::ObjectOrAny, Value::Object(_)) => {
            if let Some(id) = node.additional {
                walk(set, id, value, empty);
            }
        }
        (NodeKind::Map, Value::Object(members)) => {
            let Some(values) = node.additional else { return };
            members.values_mut().for_each(|member| element(set, node, values, member, empty));
        }
        (NodeKind::List, Value::Array(entries)) => {
            let Some(items) = node.items else { return };
            entries.iter_mut().for_each(|entry| element(set, node, items, entry, empty));
        }
        (NodeKind::Quantity, Value::String(text)) => {
            if let Ok(quantity) = Quantity::parse(text) {
                *text = quantity.canonical();
            }
        }
        (NodeKind::Quantity, Value::Number(number)) => {
            if let Ok(quantity) = Quantity::parse(&number.to_string()) {
                *value = quantity.canonical().into();
            }
        }
        (NodeKind::Time, Value::String(text)) => {
            if let Ok(canonical) = go_time::canonical(text, Layout::Seconds) {
                *value = canonical.into();
            }
        }
        (NodeKind::MicroTime, Value::String(text)) => {
            if let Ok(canonical) = go_time::canonical(text, Layout::Micros) {
                *value = canonical.into();
            }
        }
        (NodeKind::Bytes, Value::String(text)) => {
            if let Ok(bytes) = decode_base64(text) {
                *text = base64::engine::general_purpose::STANDARD.encode(bytes);
            }
        }
        (NodeKind::Bytes, Value::Array(bytes)) => {
            // Go reads a list of numbers as bytes too.
            let bytes: Vec<u8> = bytes.iter().map(|byte| byte.as_u64().unwrap_or(0).to_le_bytes()[0]).collect();
            *value = base64::engine::general_purpose::STANDARD.encode(bytes).into();
        }
        (NodeKind::Any | NodeKind::Bare, _) => whole_numbers(value),
        (NodeKind::Number | NodeKind::Integer, Value::Number(number)) => whole_number(number),
        _ => {}
    }
}

/// The value of a struct's field as Go writes it; `None`: it is left out. `given` is null when it is absent.
fn field_value(set: &SchemaSet, field: &Field, go: &GoField, mut given: Value, empty: Empty) -> Option<Value> {
    let node = set.node(field.node);
    if given.is_null() && !go.pointer {
        given = zero(node);
    }
    walk(set, field.node, &mut given, empty);
    let stays = empty == Empty::Stays && go.omit == Omit::Never;
    if matches!(node.kind, NodeKind::List | NodeKind::Map) && is_empty(&given) && !stays {
        given = Value::Null;
    }
    let left_out = match go.omit {
        Omit::Never => false,
        Omit::Empty if go.pointer => given.is_null(),
        Omit::Empty => !is_struct(node) && is_empty(&given),
        Omit::Zero => is_empty(&given),
    };
    (!left_out).then_some(given)
}

/// An entry of a list or map: null is the zero value there.
fn element(set: &SchemaSet, container: &Node, id: NodeId, value: &mut Value, empty: Empty) {
    let node = set.node(id);
    if container.go && value.is_null() {
        *value = if node.kind == NodeKind::Bytes { "".into() } else { zero(node) };
    }
    walk(set, id, value, empty);
}

/// What Go writes for the zero value.
fn zero(node: &Node) -> Value {
    match node.kind {
        NodeKind::Object => Value::Object(serde_json::Map::new()),
        NodeKind::String => "".into(),
        NodeKind::Integer | NodeKind::Number | NodeKind::IntOrString => 0.into(),
        NodeKind::Boolean => false.into(),
        NodeKind::Quantity => "0".into(),
        _ => Value::Null,
    }
}

/// A struct of Go, which `omitempty` never leaves out.
fn is_struct(node: &Node) -> bool {
    let reads_itself = [NodeKind::Time, NodeKind::MicroTime, NodeKind::Quantity, NodeKind::IntOrString, NodeKind::Any];
    node.kind == NodeKind::Object || reads_itself.contains(&node.kind)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => whole_number(number),
        Value::Array(entries) => entries.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// Go writes 1.0 as 1.
fn whole_number(number: &mut Number) {
    /// From here on Go writes an exponent, and an `i64` may not hold the number.
    const LIMIT: f64 = 9e18;
    if number.is_f64()
        && let Some(float) = number.as_f64()
        && float.fract() == 0.0
        && float.abs() < LIMIT
    {
        *number = Number::from(float as i64);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::builtin::BuiltinSchemas;
    use super::*;

    fn normalised(group: &str, kind: &str, mut value: Value) -> Value {
        let ty = BuiltinSchemas::get().kind(group, "v1", kind).unwrap();
        normalise(&ty, &mut value);
        let once = value.clone();
        normalise(&ty, &mut value);
        assert_eq!(value, once, "a second round trip changes nothing");
        value
    }

    #[test]
    fn structs_are_written_always_and_empty_fields_left_out() {
        let given = json!({"kind": "Pod", "metadata": {"labels": {}, "finalizers": [], "creationTimestamp": null},
            "spec": {"nodeName": "", "hostNetwork": false, "terminationGracePeriodSeconds": 0, "volumes": [{
                "name": "a", "emptyDir": {"sizeLimit": "1024Mi"}}],
                "containers": [{"name": "c", "env": [], "resources": {"limits": {"cpu": 1, "memory": "0.5"}}}]}});
        let expected = json!({"kind": "Pod", "metadata": {},
            "spec": {"terminationGracePeriodSeconds": 0, "volumes": [{
                "name": "a", "emptyDir": {"sizeLimit": "1Gi"}}],
                "containers": [{"name": "c", "resources": {"limits": {"cpu": "1", "memory": "500m"}}}]},
            "status": {}});
        assert_eq!(normalised("", "Pod", given), expected);
    }

    #[test]
    fn fields_that_go_writes_always_get_their_zero_value() {
        let event = normalised(
            "",
            "Event",
            json!({"involvedObject": {"namespace": "default"},
            "firstTimestamp": "2024-01-01T00:00:00.9+02:00", "eventTime": "2024-01-01T00:00:00.123456Z"}),
        );
        assert_eq!(
            event,
            json!({"involvedObject": {"namespace": "default"}, "metadata": {}, "source": {},
                "firstTimestamp": "2023-12-31T22:00:00Z", "lastTimestamp": null,
                "eventTime": "2024-01-01T00:00:00.123456Z", "reportingComponent": "", "reportingInstance": ""})
        );
        let role = normalised("rbac.authorization.k8s.io", "Role", json!({"rules": []}));
        assert_eq!(role, json!({"metadata": {}, "rules": null}));
        let ty = BuiltinSchemas::get().kind("rbac.authorization.k8s.io", "v1", "Role").unwrap();
        let mut role = json!({"metadata": {"labels": {}}, "rules": []});
        decoded(&ty, &mut role);
        assert_eq!(role, json!({"metadata": {}, "rules": []}));
    }

    #[test]
    fn entries_that_are_null_are_zero_values() {
        let secret = normalised("", "Secret", json!({"data": {"a": null, "b": "", "c": "aGk=\n"}}));
        assert_eq!(secret["data"], json!({"a": "", "b": "", "c": "aGk="}));
        let policy = normalised("networking.k8s.io", "NetworkPolicy", json!({"spec": {"ingress": [{}], "egress": []}}));
        assert_eq!(policy["spec"], json!({"podSelector": {}, "ingress": [{}]}));
    }
}
