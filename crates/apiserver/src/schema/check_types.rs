//! The errors that Go's JSON decoder gives for a built-in type.

use base64::Engine as _;
use serde_json::{Number, Value};

use super::go_time::{self, Layout};
use super::node::{Field, Node, NodeId, NodeKind, SchemaSet, TypeRef};
use super::quantity::Quantity;

/// Checks that `value` can be decoded into the Go struct behind `ty`; of a custom resource, only the metadata is one.
///
/// # Errors
/// What the decoder would say of the first field that it can't read:
/// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
pub fn check_types(ty: &TypeRef, value: &Value) -> Result<(), String> {
    if ty.node().go {
        return check(ty.set(), ty.id(), "", value, &ROOT);
    }
    check_embedded(ty.set(), ty.id(), value, &mut String::new())
}

/// Checks the same of a tree that is turned into the Go struct value by value, without the decoder, as for strategic merge
/// patches and server-side apply.
///
/// # Errors
/// What the converter would say: it names no field.
pub fn check_unstructured(ty: &TypeRef, value: &Value) -> Result<(), String> {
    convert(ty.set(), ty.id(), value)
}

fn convert(set: &SchemaSet, id: NodeId, value: &Value) -> Result<(), String> {
    let node = set.node(id);
    let given = match value {
        Value::Null => return Ok(()),
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    };
    match (node.kind, value) {
        (NodeKind::Object, Value::Object(members)) => members
            .iter()
            .try_for_each(|(key, member)| node.property(key).map_or(Ok(()), |field| convert(set, field.node, member))),
        (NodeKind::Object, _) => Err(format!("cannot restore struct from: {given}")),
        (NodeKind::Map, Value::Object(members)) => {
            node.additional.map_or(Ok(()), |id| members.values().try_for_each(|member| convert(set, id, member)))
        }
        (NodeKind::Map, _) => Err(format!("cannot restore map from {given}")),
        (NodeKind::List, Value::Array(entries)) => {
            node.items.map_or(Ok(()), |id| entries.iter().try_for_each(|entry| convert(set, id, entry)))
        }
        (NodeKind::List, _) => Err(format!("cannot restore slice from {given}")),
        (NodeKind::Bytes, Value::String(text)) => {
            decode_base64(text).map(drop).map_err(|why| format!("error decoding from json: {why}"))
        }
        (NodeKind::Bytes, Value::Array(_)) => Ok(()),
        (NodeKind::Bytes, _) => Err(format!("cannot restore slice from {given}")),
        (NodeKind::String, Value::String(_)) | (NodeKind::Boolean, Value::Bool(_)) => Ok(()),
        (NodeKind::Integer, Value::Number(number)) if number.as_f64().is_some_and(|float| float.fract() != 0.0) => {
            Err(format!("cannot convert float64 to {}", fallback(set, id)))
        }
        (NodeKind::Integer | NodeKind::Number, Value::Number(_)) => Ok(()),
        (NodeKind::String, Value::Number(_)) if given == "int64" => Err("cannot convert int64 to string".into()),
        (NodeKind::String | NodeKind::Boolean | NodeKind::Integer | NodeKind::Number, _) => {
            Err(format!("unrecognized type: {}", fallback(set, id)))
        }
        // These read themselves.
        _ => check(set, id, "", value, &ROOT),
    }
}

const ROOT: Place<'static> = Place { outer: None, structure: "", name: "", via: "" };

/// Looks for metadata inside of a custom resource.
fn check_embedded(set: &SchemaSet, id: NodeId, value: &Value, path: &mut String) -> Result<(), String> {
    let node = set.node(id);
    if node.go {
        return check(set, id, "v1.ObjectMeta", value, &ROOT).map_err(|error| match path.as_str() {
            "metadata" => error,
            _ => format!("{path}: Invalid value: {value}: {error}"),
        });
    }
    let end = path.len();
    match value {
        Value::Object(members) => {
            if node.embedded_resource && end > 0 {
                let odd = ["apiVersion", "kind"].into_iter().find_map(|field| Some((field, members.get(field)?)));
                let odd = odd.filter(|(_, value)| !value.is_string());
                let kind = members.get("kind").filter(|kind| !kind.is_string()).map(|kind| ("kind", kind));
                if let Some((field, value)) = odd.or(kind) {
                    return Err(format!("{path}.{field}: Invalid value: {value}: must be a string"));
                }
            }
            for (key, member) in members {
                let Some(id) = node.property(key).map(|field| field.node).or(node.additional) else { continue };
                path.push_str(if end == 0 { "" } else { "." });
                path.push_str(key);
                check_embedded(set, id, member, path)?;
                path.truncate(end);
            }
        }
        Value::Array(entries) => {
            let Some(items) = node.items else { return Ok(()) };
            for (index, entry) in entries.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                check_embedded(set, items, entry, path)?;
                path.truncate(end);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Where the decoder stands: a chain of fields, without list indices and map keys.
struct Place<'a> {
    outer: Option<&'a Place<'a>>,
    /// The struct that holds the field.
    structure: &'a str,
    name: &'a str,
    /// The embedded struct that holds it there.
    via: &'a str,
}

impl Place<'_> {
    fn push_path(&self, out: &mut String) {
        let Some(outer) = self.outer else { return };
        outer.push_path(out);
        for part in [self.via, self.name].into_iter().filter(|part| !part.is_empty()) {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(part);
        }
    }

    fn error(&self, what: &str, go_type: &str) -> String {
        if self.outer.is_none() {
            return format!("json: cannot unmarshal {what} into Go value of type {go_type}");
        }
        let mut path = String::new();
        self.push_path(&mut path);
        format!("json: cannot unmarshal {what} into Go struct field {}.{path} of type {go_type}", self.structure)
    }
}

/// `go_type` is the type as errors print it.
fn check(set: &SchemaSet, id: NodeId, go_type: &str, value: &Value, place: &Place<'_>) -> Result<(), String> {
    let node = set.node(id);
    if value.is_null() {
        return Ok(());
    }
    let refuse = |go_type: &str| Err(place.error(&described(value), go_type));
    match (node.kind, value) {
        (NodeKind::Any | NodeKind::Bare, _) => Ok(()),
        (NodeKind::ObjectOrAny, _) => object_or_any(set, node, value, place),
        (NodeKind::Object, Value::Object(members)) => {
            let name = node.type_name.as_deref().unwrap_or_default();
            let structure = name.rsplit('.').next().unwrap_or_default();
            for (key, member) in members {
                let Some(field) = node.property(key) else { continue };
                let inner = Place { outer: Some(place), structure, name: key, via: via(field) };
                check(set, field.node, type_text(field), member, &inner)?;
            }
            Ok(())
        }
        (NodeKind::Map, Value::Object(members)) => {
            let Some(values) = node.additional else { return Ok(()) };
            let element = map_element(go_type, set, values);
            members.values().try_for_each(|member| check(set, values, element, member, place))
        }
        (NodeKind::List, Value::Array(entries)) => {
            let Some(items) = node.items else { return Ok(()) };
            let element = go_type.strip_prefix("[]").unwrap_or_else(|| fallback(set, items));
            entries.iter().try_for_each(|entry| check(set, items, element, entry, place))
        }
        (NodeKind::String, Value::String(_)) | (NodeKind::Boolean, Value::Bool(_)) => Ok(()),
        (NodeKind::Number, Value::Number(_)) => Ok(()),
        (NodeKind::Integer, Value::Number(number)) if fits(number, go_type) => Ok(()),
        (NodeKind::Integer, Value::Number(number)) => Err(place.error(&format!("number {number}"), go_type)),
        (NodeKind::IntOrString, Value::String(_)) => Ok(()),
        (NodeKind::IntOrString, Value::Number(number)) if fits(number, "int32") => Ok(()),
        (NodeKind::IntOrString, Value::Number(number)) => Err(place.error(&format!("number {number}"), "int32")),
        (NodeKind::IntOrString, _) => refuse("int32"),
        (NodeKind::Quantity, Value::String(text)) => quantity(text),
        (NodeKind::Quantity, other) => quantity(&other.to_string()),
        (NodeKind::Time, Value::String(text)) => go_time::canonical(text, Layout::Seconds).map(drop),
        (NodeKind::MicroTime, Value::String(text)) => go_time::canonical(text, Layout::Micros).map(drop),
        (NodeKind::Time | NodeKind::MicroTime, _) => refuse("string"),
        (NodeKind::Bytes, Value::String(text)) => decode_base64(text).map(drop),
        // A list of numbers is read too: bytes are a list in Go.
        (NodeKind::Bytes, Value::Array(bytes)) => bytes.iter().try_for_each(|byte| match byte {
            Value::Number(number) if number.as_u64().is_some_and(|n| u8::try_from(n).is_ok()) => Ok(()),
            Value::Number(number) => Err(place.error(&format!("number {number}"), "uint8")),
            Value::Null => Ok(()),
            other => Err(place.error(&described(other), "uint8")),
        }),
        _ if go_type.is_empty() => refuse(fallback(set, id)),
        _ => refuse(go_type),
    }
}

/// Types of a schema that read themselves: a schema, or a boolean or a list in its place.
fn object_or_any(set: &SchemaSet, node: &Node, value: &Value, place: &Place<'_>) -> Result<(), String> {
    let or_bool = node.type_name.as_deref().is_some_and(|name| name.ends_with("OrBool"));
    match (value, node.additional) {
        (Value::Object(_), Some(id)) => check(set, id, "v1.JSONSchemaProps", value, place),
        (Value::String(_) | Value::Number(_) | Value::Array(_), _) if or_bool => {
            Err("boolean or JSON schema expected".into())
        }
        _ => Ok(()),
    }
}

/// Decodes base64 as Go does: line ends are skipped.
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    let skips = |byte: &u8| *byte == b'\r' || *byte == b'\n';
    let clean: Vec<u8> = text.bytes().filter(|byte| !skips(byte)).collect();
    base64::engine::general_purpose::STANDARD.decode(&clean).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => clean.len() / 4 * 4,
        };
        // The decoder counts the line ends that it skipped.
        let kept = text.bytes().enumerate().filter(|(_, byte)| !skips(byte)).map(|(index, _)| index);
        let at = kept.clone().nth(at).unwrap_or(text.len());
        format!("illegal base64 data at input byte {at}")
    })
}

fn quantity(text: &str) -> Result<(), String> {
    Quantity::parse(text).map(drop).map_err(|error| error.to_string())
}

/// A JSON value as the decoder names it.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .into()
}

fn fits(number: &Number, go_type: &str) -> bool {
    match go_type {
        "int32" => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        "uint32" => number.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
        "uint64" => number.as_u64().is_some(),
        _ => number.as_i64().is_some(),
    }
}

fn via(field: &Field) -> &str {
    field.go.as_deref().map_or("", |go| &*go.via)
}

fn type_text(field: &Field) -> &str {
    field.go.as_deref().map_or("", |go| &*go.type_text)
}

/// `string` out of `map[string]string`; a named map (`v1.ResourceList`) does not tell.
fn map_element<'a>(go_type: &'a str, set: &SchemaSet, values: NodeId) -> &'a str {
    let element = go_type.strip_prefix("map[").and_then(|rest| rest.split_once(']')).map(|(_, element)| element);
    element.unwrap_or_else(|| fallback(set, values))
}

/// The type text where the struct that holds the value does not tell it.
fn fallback(set: &SchemaSet, id: NodeId) -> &'static str {
    let node = set.node(id);
    match node.kind {
        NodeKind::Boolean => "bool",
        NodeKind::Integer if node.format.as_deref() == Some("int32") => "int32",
        NodeKind::Integer => "int64",
        NodeKind::Number => "float64",
        NodeKind::Bytes => "[]uint8",
        NodeKind::Map => "map[string]string",
        NodeKind::List => "[]interface {}",
        NodeKind::Object => "struct",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::builtin::BuiltinSchemas;
    use super::*;

    fn check_kind(group: &str, kind: &str, value: Value) -> String {
        let ty = BuiltinSchemas::get().kind(group, "v1", kind).unwrap();
        check_types(&ty, &value).err().unwrap_or_default()
    }

    fn deployment(spec: Value) -> String {
        check_kind("apps", "Deployment", json!({"metadata": {"name": "a"}, "spec": spec}))
    }

    fn container(container: Value) -> String {
        deployment(json!({"template": {"spec": {"containers": [container]}}}))
    }

    fn unmarshal(what: &str, field: &str, go_type: &str) -> String {
        format!("json: cannot unmarshal {what} into Go struct field {field} of type {go_type}")
    }

    /// Each message was given by a real server.
    #[test]
    fn wrong_types_are_refused_in_the_words_of_gos_decoder() {
        for (given, expected) in [
            (deployment(json!({"replicas": "3"})), unmarshal("string", "DeploymentSpec.spec.replicas", "int32")),
            (deployment(json!({"replicas": 1.5})), unmarshal("number 1.5", "DeploymentSpec.spec.replicas", "int32")),
            (
                deployment(json!({"replicas": 99_999_999_999_u64})),
                unmarshal("number 99999999999", "DeploymentSpec.spec.replicas", "int32"),
            ),
            (deployment(json!("x")), unmarshal("string", "Deployment.spec", "v1.DeploymentSpec")),
            (deployment(json!({"paused": 1})), unmarshal("number", "DeploymentSpec.spec.paused", "bool")),
            (
                deployment(json!({"selector": "x"})),
                unmarshal("string", "DeploymentSpec.spec.selector", "v1.LabelSelector"),
            ),
            (
                deployment(json!({"selector": {"matchLabels": []}})),
                unmarshal("array", "LabelSelector.spec.selector.matchLabels", "map[string]string"),
            ),
            (
                deployment(json!({"selector": {"matchLabels": {"a": 1}}})),
                unmarshal("number", "LabelSelector.spec.selector.matchLabels", "string"),
            ),
            (
                deployment(json!({"template": {"spec": {"containers": {}}}})),
                unmarshal("object", "PodSpec.spec.template.spec.containers", "[]v1.Container"),
            ),
            (container(json!(1)), unmarshal("number", "PodSpec.spec.template.spec.containers", "v1.Container")),
            (
                container(json!({"ports": [{"containerPort": 80, "protocol": 5}]})),
                unmarshal("number", "ContainerPort.spec.template.spec.containers.ports.protocol", "v1.Protocol"),
            ),
            (
                container(json!({"resources": {"requests": []}})),
                unmarshal(
                    "array",
                    "ResourceRequirements.spec.template.spec.containers.resources.requests",
                    "v1.ResourceList",
                ),
            ),
            (
                container(json!({"livenessProbe": {"httpGet": {"port": {}}}})),
                unmarshal(
                    "object",
                    "HTTPGetAction.spec.template.spec.containers.livenessProbe.ProbeHandler.httpGet.port",
                    "int32",
                ),
            ),
            (
                deployment(json!({"template": {"spec": {"volumes": [{"emptyDir": 1}]}}})),
                unmarshal(
                    "number",
                    "Volume.spec.template.spec.volumes.VolumeSource.emptyDir",
                    "v1.EmptyDirVolumeSource",
                ),
            ),
            (check_kind("", "Secret", json!({"data": {"a": 1}})), unmarshal("number", "Secret.data", "[]uint8")),
            (check_kind("", "Secret", json!({"data": {"a": "!"}})), "illegal base64 data at input byte 0".into()),
            (
                check_kind("", "Pod", json!({"metadata": {"creationTimestamp": 1}})),
                unmarshal("number", "ObjectMeta.metadata.creationTimestamp", "string"),
            ),
            (
                check_kind("", "Pod", json!({"metadata": {"labels": {"a": 1}}})),
                unmarshal("number", "ObjectMeta.metadata.labels", "string"),
            ),
        ] {
            assert_eq!(given, expected);
        }
    }

    #[test]
    fn what_go_reads_is_not_refused() {
        assert_eq!(check_kind("", "Secret", json!({"data": {"a": null, "b": "", "c": "aGk=\n"}})), "");
        assert_eq!(container(json!({"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}, "command": null})), "");
        assert_eq!(deployment(json!({"strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}})), "");
    }
}
