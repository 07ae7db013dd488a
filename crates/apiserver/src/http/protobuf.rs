//! Bodies in protobuf, as typed Go clients (kubectl among them) send them for built-in kinds, read into trees.
//!
//! The form on the wire is that of gogo-protobuf for the Go structs; the schema graph knows the fields and their numbers.
//! `protobuf_write` writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::decode::Decoded;
use super::protobuf_union::Union;
use crate::schema::{BuiltinSchemas, NodeId, NodeKind, SchemaSet, TypeRef, normalise};

/// What every body starts with.
pub(super) const MAGIC: &[u8] = b"k8s\0";
/// Messages nest at most so deep.
const DEPTH: usize = 64;

/// Reads a body. The type is the one that it says it is of.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields(body) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
    let ty = type_of(group, version, &kind)
        .ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?} in protobuf"))?;
    let mut object = message(ty.set(), ty.id(), raw, &[], DEPTH)?;
    object.insert("kind".into(), kind.into());
    object.insert("apiVersion".into(), api_version.into());
    Ok(Decoded { value: Value::Object(object), duplicates: Vec::new() })
}

pub(super) fn type_of(group: &str, version: &str, kind: &str) -> Option<TypeRef> {
    let schemas = BuiltinSchemas::get();
    if kind == "DeleteOptions" {
        // One type for all groups.
        return schemas.types().named("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    }
    schemas.kind(group, version, kind)
}

/// The value of one field on the wire.
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message, one by one.
struct Fields<'a>(&'a [u8]);

const CUT: &str = "unexpected EOF";

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), String> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(*self.chunk()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| CUT)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(*self.chunk()?)),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok((key >> 3, value))
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut out = 0;
        for (at, byte) in self.0.iter().take(10).enumerate() {
            out |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Ok(out);
            }
        }
        Err(CUT.into())
    }

    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], String> {
        let (chunk, rest) = self.0.split_first_chunk::<N>().ok_or(CUT)?;
        self.0 = rest;
        Ok(chunk)
    }
}

/// Reads the fields of a struct. `outer` has the numbers of the embedded structs that are being read: each is a message on
/// the wire but stands in line in the tree.
fn message(
    set: &SchemaSet,
    id: NodeId,
    bytes: &[u8],
    outer: &[u16],
    depth: usize,
) -> Result<Map<String, Value>, String> {
    let depth = depth.checked_sub(1).ok_or("proto: messages are nested too deep")?;
    let node = set.node(id);
    let mut out = Map::new();
    for field in Fields(bytes) {
        let (number, wire) = field?;
        let level = outer.len();
        let is = |path: &[u16; 3]| {
            path.starts_with(outer) && path.get(level).is_some_and(|own| *own != 0 && u64::from(*own) == number)
        };
        let found = node.properties.iter().find(|property| property.go.as_deref().is_some_and(|go| is(&go.number)));
        // Fields of newer clients are skipped.
        let Some((property, go)) = found.and_then(|property| Some((property, property.go.as_deref()?))) else {
            continue;
        };
        if go.number.get(level + 1).is_some_and(|inner| *inner != 0) {
            if let Wire::Bytes(bytes) = wire {
                out.extend(message(set, id, bytes, &go.number[..=level], depth)?);
            }
            continue;
        }
        let name = property.name.to_string();
        let child = set.node(property.node);
        match (child.kind, child.items, child.additional) {
            (NodeKind::List, Some(items), _) => {
                let list = out.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    read_items(set, items, wire, depth, list)?;
                }
            }
            (NodeKind::Map, _, Some(values)) => {
                let map = out.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if let (Value::Object(map), Wire::Bytes(entry)) = (map, wire) {
                    let (key, value) = map_entry(set, values, entry, depth)?;
                    map.insert(key, value);
                }
            }
            _ => {
                let value = scalar(set, property.node, &go.type_text, wire, depth)?;
                out.insert(name, value);
            }
        }
    }
    Ok(out)
}

/// Reads one entry of a list, or several packed numbers.
fn read_items(
    set: &SchemaSet,
    items: NodeId,
    wire: Wire<'_>,
    depth: usize,
    list: &mut Vec<Value>,
) -> Result<(), String> {
    let packed = matches!(set.node(items).kind, NodeKind::Integer | NodeKind::Boolean);
    match wire {
        Wire::Bytes(bytes) if packed => {
            let mut rest = Fields(bytes);
            while !rest.0.is_empty() {
                let number = rest.varint()?;
                list.push(scalar(set, items, "", Wire::Varint(number), depth)?);
            }
        }
        wire => list.push(scalar(set, items, "", wire, depth)?),
    }
    Ok(())
}

fn map_entry(set: &SchemaSet, values: NodeId, entry: &[u8], depth: usize) -> Result<(String, Value), String> {
    let (mut key, mut value) = (String::new(), None);
    for field in Fields(entry) {
        match field? {
            (1, Wire::Bytes(text)) => key = utf8(text)?,
            (2, wire) => value = Some(wire),
            _ => {}
        }
    }
    let node = set.node(values);
    let value = match (node.kind, node.items, value) {
        // A list as the value of a map is a message of its own, with the entries in its field 1.
        (NodeKind::List, Some(items), Some(Wire::Bytes(bytes))) => {
            let mut list = Vec::new();
            for field in Fields(bytes) {
                if let (1, wire) = field? {
                    read_items(set, items, wire, depth, &mut list)?;
                }
            }
            Value::Array(list)
        }
        (_, _, Some(wire)) => scalar(set, values, "", wire, depth)?,
        (NodeKind::String | NodeKind::Bytes, _, None) => "".into(),
        (_, _, None) => Value::Null,
    };
    Ok((key, value))
}

/// Reads anything that is not a list or a map.
fn scalar(set: &SchemaSet, id: NodeId, go_type: &str, wire: Wire<'_>, depth: usize) -> Result<Value, String> {
    let kind = set.node(id).kind;
    if let (Some(form), Wire::Bytes(bytes)) = (Union::of(set.node(id)), &wire) {
        return union(form, bytes, depth);
    }
    Ok(match (kind, wire) {
        (NodeKind::Boolean, Wire::Varint(number)) => Value::Bool(number != 0),
        (NodeKind::Integer | NodeKind::Number, Wire::Varint(number)) => Value::from(number as i64),
        (NodeKind::Integer | NodeKind::Number, Wire::Fixed32(bits)) => Value::from(bits),
        (NodeKind::Number, Wire::Fixed64(bits)) => {
            Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
        }
        (NodeKind::String, Wire::Bytes(bytes)) if go_type.ends_with(".Duration") => duration(bytes)?.into(),
        (NodeKind::String, Wire::Bytes(bytes)) => utf8(bytes)?.into(),
        (NodeKind::Bytes, Wire::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        (NodeKind::Quantity, Wire::Bytes(bytes)) => text_field(bytes, 1)?.into(),
        (NodeKind::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (NodeKind::Time, Wire::Bytes(bytes)) => time(bytes, false)?,
        (NodeKind::MicroTime, Wire::Bytes(bytes)) => time(bytes, true)?,
        // RawExtension and FieldsV1 hold JSON.
        (NodeKind::Any | NodeKind::ObjectOrAny, Wire::Bytes(bytes)) => raw_json(bytes)?,
        (NodeKind::Object, Wire::Bytes(bytes)) => Value::Object(message(set, id, bytes, &[], depth)?),
        (NodeKind::Map, Wire::Bytes(bytes)) => raw_json(bytes)?,
        (_, _) => return Err("proto: wrong wireType".into()),
    })
}

fn union(form: Union, bytes: &[u8], depth: usize) -> Result<Value, String> {
    if form == Union::Json {
        return raw_json(bytes);
    }
    let schema = |bytes: &[u8]| -> Result<Value, String> {
        let ty = Union::schema().ok_or("proto: there is no type of schemas")?;
        let mut schema = message(ty.set(), ty.id(), bytes, &[], depth).map(Value::Object)?;
        // The type of the union does not lead to what is in it.
        normalise(&ty, &mut schema);
        Ok(schema)
    };
    let mut out = if form == Union::SchemaOrBool { Value::Bool(false) } else { Value::Null };
    let mut list = Vec::new();
    for field in Fields(bytes) {
        match (form, field?) {
            (Union::SchemaOrBool, (1, Wire::Varint(allowed))) if !out.is_object() => out = Value::Bool(allowed != 0),
            (Union::SchemaOrBool, (2, Wire::Bytes(bytes))) => out = schema(bytes)?,
            (Union::SchemaOrSchemas | Union::SchemaOrTexts, (1, Wire::Bytes(bytes))) => out = schema(bytes)?,
            (Union::SchemaOrSchemas, (2, Wire::Bytes(bytes))) => list.push(schema(bytes)?),
            (Union::SchemaOrTexts, (2, Wire::Bytes(bytes))) => list.push(utf8(bytes)?.into()),
            _ => {}
        }
    }
    Ok(if out.is_null() { Value::Array(list) } else { out })
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "proto: text that is not UTF-8".into())
}

fn text_field(message: &[u8], wanted: u64) -> Result<String, String> {
    let mut out = String::new();
    for field in Fields(message) {
        if let (number, Wire::Bytes(text)) = field?
            && number == wanted
        {
            out = utf8(text)?;
        }
    }
    Ok(out)
}

fn int_or_string(message: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in Fields(message) {
        match field? {
            (1, Wire::Varint(kind)) => is_text = kind == 1,
            (2, Wire::Varint(value)) => number = value as i64,
            (3, Wire::Bytes(value)) => text = utf8(value)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

/// Seconds and nanoseconds; the zero time is an empty message.
fn time(message: &[u8], micro: bool) -> Result<Value, String> {
    let (mut seconds, mut nanos) = (None, 0_i64);
    for field in Fields(message) {
        match field? {
            (1, Wire::Varint(value)) => seconds = Some(value as i64),
            (2, Wire::Varint(value)) => nanos = value as i64,
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Ok(Value::Null) };
    let nanos = i32::try_from(nanos).unwrap_or(0);
    let Ok(time) = Timestamp::new(seconds, nanos) else { return Ok(Value::Null) };
    Ok(if micro {
        time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    } else {
        time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
    .into())
}

/// Nanoseconds, as Go writes durations of whole seconds or less regular ones.
fn duration(message: &[u8]) -> Result<String, String> {
    let mut nanos = 0_i64;
    for field in Fields(message) {
        if let (1, Wire::Varint(value)) = field? {
            nanos = value as i64;
        }
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = (nanos % 1_000_000_000).unsigned_abs();
    let fraction = match fraction {
        0 => String::new(),
        fraction => format!(".{fraction:09}").trim_end_matches('0').to_string(),
    };
    Ok(match (hours, minutes) {
        (0, 0) => format!("{rest}{fraction}s"),
        (0, minutes) => format!("{minutes}m{rest}{fraction}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}{fraction}s"),
    })
}

fn raw_json(message: &[u8]) -> Result<Value, String> {
    for field in Fields(message) {
        if let (1, Wire::Bytes(json)) = field? {
            return super::decode::json(json).map(|decoded| decoded.value);
        }
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn varint(out: &mut Vec<u8>, mut number: usize) {
        while number > 0x7f {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    }

    fn field(number: usize, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        varint(&mut out, number << 3 | 2);
        varint(&mut out, payload.len());
        out.extend_from_slice(payload);
        out
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [field(1, b"a"), field(11, &[field(1, b"k"), field(2, b"v")].concat()), field(8, b"")].concat();
        let raw = [field(1, &metadata), field(2, &[field(1, b"x"), field(2, b"y")].concat())].concat();
        let decoded = decode(&body("v1", "ConfigMap", &raw)).unwrap();
        assert_eq!(
            decoded.value,
            json!({
                "kind": "ConfigMap", "apiVersion": "v1", "data": {"x": "y"},
                "metadata": {"name": "a", "labels": {"k": "v"}, "creationTimestamp": null},
            })
        );
    }

    #[test]
    fn embedded_structs_stand_in_line() {
        let volume = [field(1, b"v"), field(2, &field(19, &field(1, &field(1, b"cm"))))].concat();
        let raw = field(2, &field(1, &volume));
        let decoded = decode(&body("v1", "Pod", &raw)).unwrap();
        assert_eq!(decoded.value["spec"]["volumes"], json!([{"name": "v", "configMap": {"name": "cm"}}]));
    }

    #[test]
    fn what_is_no_protobuf_is_refused() {
        assert!(decode(b"{}").is_err());
        assert!(decode(&body("v1", "Nothing", &[])).is_err());
        assert!(decode(&body("v1", "ConfigMap", &[0x0a, 0x7f])).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(raw in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&body("v1", "Pod", &raw));
            let _ = decode(&raw);
        }
    }
}
