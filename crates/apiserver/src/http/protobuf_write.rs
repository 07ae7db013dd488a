//! Trees of built-in kinds in protobuf, as the real server answers them: gogo-protobuf of the Go structs, driven by the
//! same table of fields as the reader.
//!
//! Fields that Go holds without a pointer are written always, with their zero value where the tree has none; fields come in
//! the order of their numbers, entries of maps in that of their keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BufMut;
use jiff::Timestamp;
use serde_json::Value;

use super::protobuf::{MAGIC, type_of};
use super::protobuf_union::Union;
use crate::kinds::tree::Tree;
use crate::schema::quantity::Quantity;
use crate::schema::{BuiltinSchemas, Field, NodeId, NodeKind, SchemaSet, TypeRef};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// An object, a list, a `Status` or a `PartialObjectMetadata`; none for what has no protobuf form, such as custom resources
/// and tables.
pub fn encode_protobuf(tree: &Value) -> Option<Vec<u8>> {
    let (api_version, kind) = (tree.text("apiVersion"), tree.text("kind"));
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let raw = match (kind, kind.strip_suffix("List").filter(|_| tree.get("items").is_some())) {
        ("Status", _) if group.is_empty() => object(&meta("Status")?, tree)?,
        ("PartialObjectMetadata", _) if group == "meta.k8s.io" => {
            let mut out = Vec::new();
            bytes_field(&mut out, 1, &object(&meta("ObjectMeta")?, tree.at("metadata"))?);
            out
        }
        (_, Some(item)) => {
            let metadata_only = item == "PartialObjectMetadata" && group == "meta.k8s.io";
            let ty = if metadata_only { meta("ObjectMeta")? } else { type_of(group, version, item)? };
            list(&ty, tree, metadata_only)?
        }
        _ => object(&type_of(group, version, kind)?, tree)?,
    };
    let mut out = Envelope::new(api_version, kind, raw.len()).start;
    out.reserve(raw.len() + ENVELOPE_END.len());
    out.extend_from_slice(&raw);
    out.extend_from_slice(ENVELOPE_END);
    Some(out)
}

/// The message of an object of a built-in kind, without the envelope that names its kind.
pub(crate) fn encode_message(group: &str, version: &str, kind: &str, tree: &Value) -> Option<Vec<u8>> {
    object(&type_of(group, version, kind)?, tree)
}

/// What stands around a message.
struct Envelope {
    /// What comes before it; [`ENVELOPE_END`] comes after it.
    start: Vec<u8>,
    /// The size of all.
    size: usize,
}

/// Encoding and type of the content, empty: they are those of the envelope.
const ENVELOPE_END: &[u8] = &[0x1a, 0, 0x22, 0];

impl Envelope {
    fn new(api_version: &str, kind: &str, size: usize) -> Self {
        let mut type_meta = Vec::with_capacity(api_version.len() + kind.len() + 4);
        bytes_field(&mut type_meta, 1, api_version.as_bytes());
        bytes_field(&mut type_meta, 2, kind.as_bytes());
        let mut start = Vec::with_capacity(type_meta.len() + 16);
        start.extend_from_slice(MAGIC);
        bytes_field(&mut start, 1, &type_meta);
        key(&mut start, 2, 2);
        varint(&mut start, size as u64);
        let size = start.len() + size + ENVELOPE_END.len();
        Self { start, size }
    }
}

/// Appends an event of a watch, about an object whose message is given, as it stands in a stream: its length in four
/// bytes, then the event.
pub(crate) fn put_event(event_type: &str, api_version: &str, kind: &str, message: &[u8], out: &mut impl BufMut) {
    let envelope = Envelope::new(api_version, kind, message.len());
    let mut head = Vec::with_capacity(envelope.start.len() + 32);
    bytes_field(&mut head, 1, event_type.as_bytes());
    let mut extension = Vec::with_capacity(8);
    key(&mut extension, 1, 2);
    varint(&mut extension, envelope.size as u64);
    key(&mut head, 2, 2);
    varint(&mut head, (extension.len() + envelope.size) as u64);
    head.extend_from_slice(&extension);
    // Objects are limited to some megabytes.
    out.put_u32((head.len() + envelope.size) as u32);
    out.put_slice(&head);
    out.put_slice(&envelope.start);
    out.put_slice(message);
    out.put_slice(ENVELOPE_END);
}

/// The same of any event: JSON as it stands in a stream of JSON.
pub(crate) fn watch_frame(event: &Value) -> Option<Vec<u8>> {
    let object = encode_protobuf(event.at("object"))?;
    let mut extension = Vec::new();
    bytes_field(&mut extension, 1, &object);
    let mut frame = Vec::new();
    bytes_field(&mut frame, 1, event.text("type").as_bytes());
    bytes_field(&mut frame, 2, &extension);
    let mut out = u32::try_from(frame.len()).ok()?.to_be_bytes().to_vec();
    out.append(&mut frame);
    Some(out)
}

/// What comes before the first object of a list whose messages have these sizes. Each object comes after its
/// [`item_head`]; [`list_end`] is the end.
pub(crate) fn list_head(
    api_version: &str,
    list_kind: &str,
    metadata: &Value,
    items: impl Iterator<Item = usize>,
) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    bytes_field(&mut message, 1, &object(&meta("ListMeta")?, metadata)?);
    let items: usize = items.map(|size| item_head(size).len() + size).sum();
    let mut out = Envelope::new(api_version, list_kind, message.len() + items).start;
    out.extend_from_slice(&message);
    Some(out)
}

/// What comes before an object in a list.
pub(crate) fn item_head(size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(8);
    key(&mut out, 2, 2);
    varint(&mut out, size as u64);
    out
}

/// What comes after the last object of a list.
pub(crate) fn list_end() -> &'static [u8] {
    ENVELOPE_END
}

fn meta(name: &str) -> Option<TypeRef> {
    BuiltinSchemas::get().types().named(&format!("{META}{name}"))
}

fn object(ty: &TypeRef, tree: &Value) -> Option<Vec<u8>> {
    message(ty.set(), ty.id(), tree, &[])
}

fn list(ty: &TypeRef, tree: &Value, metadata_only: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    bytes_field(&mut out, 1, &object(&meta("ListMeta")?, tree.at("metadata"))?);
    for item in tree.list("items") {
        let item = if metadata_only {
            let mut wrapped = Vec::new();
            bytes_field(&mut wrapped, 1, &object(ty, item.at("metadata"))?);
            wrapped
        } else {
            object(ty, item)?
        };
        bytes_field(&mut out, 2, &item);
    }
    Some(out)
}

/// The fields of a struct. `outer` has the numbers of the embedded structs that are being written, whose fields stand in
/// line in the tree.
fn message(set: &SchemaSet, id: NodeId, tree: &Value, outer: &[u16]) -> Option<Vec<u8>> {
    let node = set.node(id);
    let level = outer.len();
    // A field, or the numbers of an embedded struct.
    let mut fields: Vec<(u16, Result<&Field, &[u16]>)> = Vec::new();
    for field in &node.properties {
        let Some(go) = field.go.as_deref().filter(|go| go.number.starts_with(outer)) else { continue };
        let Some(number) = go.number.get(level).copied().filter(|number| *number != 0) else { continue };
        let leaf = go.number.get(level + 1).is_none_or(|inner| *inner == 0);
        fields.push((number, if leaf { Ok(field) } else { Err(&go.number[..=level]) }));
    }
    // Types outside of the modules that the table comes from have no numbers, and no such form.
    if fields.is_empty() && !node.properties.is_empty() {
        return None;
    }
    fields.sort_by_key(|(number, _)| *number);
    fields.dedup_by_key(|(number, _)| *number);
    let mut out = Vec::new();
    for (number, field) in fields {
        match field {
            Err(embedded) => bytes_field(&mut out, number, &message(set, id, tree, embedded)?),
            Ok(field) => put(set, field, number, tree.get(&*field.name).unwrap_or(&Value::Null), &mut out)?,
        }
    }
    Some(out)
}

fn put(set: &SchemaSet, field: &Field, number: u16, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    let go = field.go.as_deref()?;
    let node = set.node(field.node);
    match (node.kind, node.items, node.additional) {
        (NodeKind::List, Some(items), _) => {
            for entry in value.as_array().into_iter().flatten() {
                scalar(set, items, "", number, entry, out)?;
            }
            Some(())
        }
        (NodeKind::Map, _, Some(values)) => {
            let mut entries: Vec<_> = value.as_object().into_iter().flatten().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            for (key, value) in entries {
                let mut entry = Vec::new();
                bytes_field(&mut entry, 1, key.as_bytes());
                let inner = set.node(values);
                match (inner.kind, inner.items) {
                    // A list as the value of a map is a message of its own.
                    (NodeKind::List, Some(items)) => {
                        let mut list = Vec::new();
                        for value in value.as_array().into_iter().flatten() {
                            scalar(set, items, "", 1, value, &mut list)?;
                        }
                        bytes_field(&mut entry, 2, &list);
                    }
                    _ => scalar(set, values, "", 2, value, &mut entry)?,
                }
                bytes_field(out, number, &entry);
            }
            Some(())
        }
        // What is not there is not written if it is a pointer, or bytes; anything else is, with its zero value.
        _ if value.is_null() && (go.pointer || matches!(node.kind, NodeKind::Bytes | NodeKind::Map)) => Some(()),
        _ => scalar(set, field.node, &go.type_text, number, value, out),
    }
}

/// Writes anything that is not a list or a map.
fn scalar(set: &SchemaSet, id: NodeId, go_type: &str, number: u16, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    if let Some(form) = Union::of(set.node(id)) {
        bytes_field(out, number, &union(form, value)?);
        return Some(());
    }
    let kind = set.node(id).kind;
    let text = || value.as_str().unwrap_or_default();
    match kind {
        NodeKind::Boolean => varint_field(out, number, u64::from(value.as_bool().unwrap_or_default())),
        NodeKind::Integer => varint_field(out, number, integer(value)),
        NodeKind::Number if go_type.contains("float") => {
            key(out, number, 1);
            out.extend_from_slice(&value.as_f64().unwrap_or_default().to_bits().to_le_bytes());
        }
        NodeKind::Number => varint_field(out, number, integer(value)),
        NodeKind::String if go_type.ends_with(".Duration") => {
            let mut message = Vec::new();
            varint_field(&mut message, 1, duration(text())? as u64);
            bytes_field(out, number, &message);
        }
        NodeKind::String => bytes_field(out, number, text().as_bytes()),
        NodeKind::Bytes => bytes_field(out, number, &STANDARD.decode(text()).ok()?),
        NodeKind::Quantity => {
            let given = value.as_str().map_or_else(|| value.to_string(), String::from);
            let amount = if value.is_null() { "0".into() } else { Quantity::parse(&given).ok()?.canonical() };
            let mut message = Vec::new();
            bytes_field(&mut message, 1, amount.as_bytes());
            bytes_field(out, number, &message);
        }
        NodeKind::IntOrString => {
            let mut message = Vec::new();
            varint_field(&mut message, 1, u64::from(value.is_string()));
            varint_field(&mut message, 2, integer(value));
            bytes_field(&mut message, 3, text().as_bytes());
            bytes_field(out, number, &message);
        }
        NodeKind::Time | NodeKind::MicroTime => {
            let mut message = Vec::new();
            if !value.is_null() {
                let time: Timestamp = text().parse().ok()?;
                let nanos = if kind == NodeKind::Time { 0 } else { time.subsec_nanosecond() };
                varint_field(&mut message, 1, time.as_second() as u64);
                varint_field(&mut message, 2, nanos as u64);
            }
            bytes_field(out, number, &message);
        }
        NodeKind::Object => bytes_field(out, number, &message(set, id, value, &[])?),
        // RawExtension and FieldsV1 hold JSON.
        NodeKind::Any | NodeKind::ObjectOrAny | NodeKind::Map => {
            let mut message = Vec::new();
            if !value.is_null() {
                bytes_field(&mut message, 1, value.to_string().as_bytes());
            }
            bytes_field(out, number, &message);
        }
        _ => return None,
    }
    Some(())
}

fn union(form: Union, value: &Value) -> Option<Vec<u8>> {
    let schema = |schema: &Value| object(&Union::schema()?, schema);
    let mut out = Vec::new();
    match (form, value) {
        (Union::Json, _) => bytes_field(&mut out, 1, value.to_string().as_bytes()),
        (Union::SchemaOrSchemas, Value::Array(schemas)) => {
            for one in schemas {
                bytes_field(&mut out, 2, &schema(one)?);
            }
        }
        (Union::SchemaOrTexts, Value::Array(texts)) => {
            texts.iter().for_each(|text| bytes_field(&mut out, 2, text.as_str().unwrap_or_default().as_bytes()));
        }
        (Union::SchemaOrBool, _) => {
            varint_field(&mut out, 1, u64::from(value.as_bool().unwrap_or(true)));
            if value.is_object() {
                bytes_field(&mut out, 2, &schema(value)?);
            }
        }
        (Union::SchemaOrSchemas | Union::SchemaOrTexts, _) => bytes_field(&mut out, 1, &schema(value)?),
    }
    Some(out)
}

fn integer(value: &Value) -> u64 {
    value.as_i64().map(|number| number as u64).or_else(|| value.as_u64()).unwrap_or_default()
}

/// Nanoseconds of a duration as Go writes it: `1h2m3.5s`.
fn duration(text: &str) -> Option<i64> {
    if text.is_empty() || text == "0" {
        return Some(0);
    }
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut sum = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(digits);
        let units = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(units);
        let size = match unit {
            "h" => 3_600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    Some(if negative { -(sum.round() as i64) } else { sum.round() as i64 })
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

pub(super) fn key(out: &mut Vec<u8>, number: u16, wire: u64) {
    varint(out, u64::from(number) << 3 | wire);
}

pub(super) fn varint_field(out: &mut Vec<u8>, number: u16, value: u64) {
    key(out, number, 0);
    varint(out, value);
}

pub(super) fn bytes_field(out: &mut Vec<u8>, number: u16, bytes: &[u8]) {
    key(out, number, 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::protobuf::decode;
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let pod = json!({"kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": "a", "namespace": "b", "labels": {"x": "y", "a": "b"}, "creationTimestamp": "2024-01-01T00:00:00Z",
                "managedFields": [{"manager": "m", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}]},
            "spec": {"terminationGracePeriodSeconds": -1, "hostNetwork": true, "containers": [{"name": "c", "image": "i",
                "resources": {"limits": {"cpu": "500m"}}, "livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 3},
                "env": [{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}]}],
                "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]}});
        let read = decode(&encode_protobuf(&pod).unwrap()).unwrap().value;
        let ty = type_of("", "v1", "Pod").unwrap();
        let (mut pod, mut read) = (pod, read);
        crate::schema::normalise(&ty, &mut pod);
        crate::schema::normalise(&ty, &mut read);
        assert_eq!(read, pod);
    }

    #[test]
    fn the_unions_of_a_definition_are_written_and_read_again() {
        let schema = json!({
            "type": "object",
            "properties": {
                "list": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "enum": [[1], null, {"a": "b"}]},
                "several": {"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": true},
                "map": {"type": "object", "additionalProperties": {"type": "integer", "maximum": 2.5}},
                "closed": {"type": "object", "additionalProperties": false, "default": {"x": [1, "y"]}},
                "depends": {"dependencies": {"a": ["b", "c"], "d": {"type": "string"}}},
            },
        });
        let definition = json!({
            "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "metadata": {"name": "a.b"},
            "spec": {"group": "b", "scope": "Cluster", "names": {"plural": "a", "kind": "A"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]},
        });
        let read = decode(&encode_protobuf(&definition).unwrap()).unwrap().value;
        let ty = type_of("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let (mut definition, mut read) = (definition, read);
        crate::schema::normalise(&ty, &mut definition);
        crate::schema::normalise(&ty, &mut read);
        assert_eq!(read, definition);
    }

    #[test]
    fn custom_resources_and_tables_have_no_such_form() {
        for kind in [
            json!({"kind": "Widget", "apiVersion": "example.com/v1"}),
            json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1"}),
        ] {
            assert_eq!(encode_protobuf(&kind), None);
        }
    }

    #[test]
    fn durations_are_nanoseconds() {
        for (text, nanos) in [("1h2m3.5s", 3_723_500_000_000), ("30s", 30_000_000_000), ("-1ms", -1_000_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Some(nanos), "{text}");
        }
        assert_eq!(duration("soon"), None);
    }
}
