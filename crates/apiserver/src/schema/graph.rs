//! Compiled types as bytes, so that a process starts without parsing OpenAPI.
//!
//! Numbers are unsigned LEB128. Texts stand once, in a table; elsewhere they are indices into it, shifted by one where
//! a text may be absent. Layout: texts, named types, kinds, nodes. Built-in types have no constraints, so those are not
//! part of the form.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::node::{Field, GoField, ListType, MapType, Node, NodeId, NodeKind, Omit, SchemaSet};

const KINDS: [NodeKind; 15] = [
    NodeKind::Any,
    NodeKind::Object,
    NodeKind::Map,
    NodeKind::List,
    NodeKind::String,
    NodeKind::Bytes,
    NodeKind::Integer,
    NodeKind::Number,
    NodeKind::Boolean,
    NodeKind::IntOrString,
    NodeKind::Quantity,
    NodeKind::Time,
    NodeKind::MicroTime,
    NodeKind::Bare,
    NodeKind::ObjectOrAny,
];
const OMITS: [Omit; 3] = [Omit::Never, Omit::Empty, Omit::Zero];

/// Writes a set without constraints.
pub(super) fn encode(set: &SchemaSet) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.number(set.names.len());
    for (name, id) in &set.names {
        writer.text(name);
        writer.number(id.0 as usize);
    }
    writer.number(set.kinds.len());
    for ((group, version, kind), id) in &set.kinds {
        [group, version, kind].into_iter().for_each(|text| writer.text(text));
        writer.number(id.0 as usize);
    }
    writer.number(set.nodes.len());
    set.nodes.iter().for_each(|node| writer.node(node));

    let mut texts = Writer::default();
    texts.number(writer.texts.len());
    let mut sorted: Vec<_> = writer.texts.into_iter().collect();
    sorted.sort_by_key(|(_, index)| *index);
    for (text, _) in sorted {
        texts.number(text.len());
        texts.out.extend(text.bytes());
    }
    texts.out.extend(writer.out);
    texts.out
}

/// Reads what [`encode`] wrote. None: the bytes are something else.
pub(super) fn decode(bytes: &[u8]) -> Option<SchemaSet> {
    let mut reader = Reader { rest: bytes, texts: Vec::new() };
    for _ in 0..reader.number()? {
        let length = reader.number()?;
        let (text, rest) = reader.rest.split_at_checked(length)?;
        reader.texts.push(std::str::from_utf8(text).ok()?);
        reader.rest = rest;
    }
    let names = reader.list(|r| Some((r.text()?.into(), r.id()?)))?;
    let kinds = reader.list(|r| Some(((r.text()?.into(), r.text()?.into(), r.text()?.into()), r.id()?)))?;
    let nodes = reader.list(Reader::node)?;
    reader.rest.is_empty().then_some(SchemaSet { nodes, names, kinds })
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    texts: BTreeMap<String, usize>,
}

impl Writer {
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        let next = self.texts.len();
        let index = *self.texts.entry(text.to_owned()).or_insert(next);
        self.number(index);
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.number(usize::from(text.is_some()));
        text.into_iter().for_each(|text| self.text(text));
    }

    fn value(&mut self, value: Option<&Value>) {
        self.optional_text(value.map(Value::to_string).as_deref());
    }

    fn id(&mut self, id: Option<NodeId>) {
        self.number(id.map_or(0, |id| id.0 as usize + 1));
    }

    fn flags(&mut self, flags: &[bool]) {
        self.number(flags.iter().enumerate().map(|(bit, flag)| usize::from(*flag) << bit).sum());
    }

    fn texts(&mut self, texts: &[Box<str>]) {
        self.number(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }

    fn node(&mut self, node: &Node) {
        self.number(KINDS.iter().position(|kind| *kind == node.kind).unwrap_or_default());
        let atomic = node.map_type == MapType::Atomic;
        self.flags(&[node.nullable, node.preserve_unknown, node.embedded_resource, node.go, atomic]);
        self.optional_text(node.type_name.as_deref());
        self.optional_text(node.format.as_deref());
        self.value(node.default.as_ref());
        self.id(node.additional);
        self.id(node.items);
        match &node.list_type {
            ListType::Atomic => self.number(0),
            ListType::Set => self.number(1),
            ListType::Map(keys) => {
                self.number(2);
                self.texts(keys);
            }
        }
        self.texts(&node.required);
        self.number(node.properties.len());
        for field in &node.properties {
            self.text(&field.name);
            self.number(field.node.0 as usize);
            self.flags(&[field.patch_merge, field.patch_retain_keys, field.go.is_some(), field.patch_replace]);
            self.optional_text(field.patch_merge_key.as_deref());
            self.value(field.default.as_ref());
            if let Some(go) = &field.go {
                self.text(&go.type_text);
                self.text(&go.via);
                self.flags(&[go.pointer]);
                go.number.iter().for_each(|number| self.number((*number).into()));
                self.number(OMITS.iter().position(|omit| *omit == go.omit).unwrap_or_default());
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    texts: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<usize> {
        let mut number = 0usize;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let index = self.number()?;
        self.texts.get(index).copied()
    }

    fn optional_text(&mut self) -> Option<Option<&'a str>> {
        if self.number()? == 0 { Some(None) } else { self.text().map(Some) }
    }

    fn value(&mut self) -> Option<Option<Value>> {
        let Some(text) = self.optional_text()? else { return Some(None) };
        // Most defaults are one of these.
        Some(Some(match text {
            "\"\"" => "".into(),
            "{}" => Value::Object(serde_json::Map::new()),
            "0" => 0.into(),
            other => serde_json::from_str(other).ok()?,
        }))
    }

    fn id(&mut self) -> Option<NodeId> {
        Some(NodeId(self.number()?.try_into().ok()?))
    }

    fn optional_id(&mut self) -> Option<Option<NodeId>> {
        let number: u32 = self.number()?.try_into().ok()?;
        Some(number.checked_sub(1).map(NodeId))
    }

    fn flags<const N: usize>(&mut self) -> Option<[bool; N]> {
        let bits = self.number()?;
        Some(std::array::from_fn(|bit| bits & (1 << bit) != 0))
    }

    fn list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        // Each entry takes a byte at least, so a wrong count can't ask for much.
        let mut out = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            out.push(entry(self)?);
        }
        Some(out)
    }

    fn texts(&mut self) -> Option<Vec<Box<str>>> {
        self.list(|reader| reader.text().map(Box::from))
    }

    fn node(&mut self) -> Option<Node> {
        let kind = *KINDS.get(self.number()?)?;
        let [nullable, preserve_unknown, embedded_resource, go, atomic] = self.flags()?;
        Some(Node {
            kind,
            nullable,
            preserve_unknown,
            embedded_resource,
            go,
            map_type: if atomic { MapType::Atomic } else { MapType::Granular },
            type_name: self.optional_text()?.map(Arc::from),
            format: self.optional_text()?.map(Box::from),
            default: self.value()?,
            additional: self.optional_id()?,
            items: self.optional_id()?,
            list_type: match self.number()? {
                0 => ListType::Atomic,
                1 => ListType::Set,
                _ => ListType::Map(self.texts()?),
            },
            required: self.texts()?,
            properties: self.list(Self::field)?,
            constraints: None,
        })
    }

    fn field(&mut self) -> Option<Field> {
        let (name, node) = (self.text()?.into(), self.id()?);
        let [patch_merge, patch_retain_keys, has_go, patch_replace] = self.flags()?;
        let patch_merge_key = self.optional_text()?.map(Box::from);
        let default = self.value()?;
        let go = if has_go {
            let (type_text, via) = (self.text()?.into(), self.text()?.into());
            let [pointer] = self.flags()?;
            let mut part = || -> Option<u16> { self.number()?.try_into().ok() };
            let number = [part()?, part()?, part()?];
            Some(Box::new(GoField { type_text, via, pointer, number, omit: *OMITS.get(self.number()?)? }))
        } else {
            None
        };
        Some(Field { name, node, default, patch_merge, patch_replace, patch_retain_keys, patch_merge_key, go })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::go_types::GoTypes;
    use super::*;

    #[test]
    fn types_come_back_as_they_were() {
        let document = json!({
            "g.Spec": {"type": "object", "required": ["ports"], "properties": {
                "ports": {"type": "array", "items": {"$ref": "#/components/schemas/g.Port"}, "default": [1, {"a": null}],
                    "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "port"},
                "labels": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
                "count": {"type": "integer", "format": "int32", "default": 0, "nullable": true}},
                "x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": "Spec"}]},
            "g.Port": {"type": "object", "properties": {"port": {"type": "integer"}}}});
        let go = r#"{"g.Spec": {"ports": ["[]v1.Port"], "count": ["*int32", "empty", "Inner", "2.4"]}}"#;
        let go = GoTypes::parse(go.as_bytes()).unwrap();
        let set = SchemaSet::from_openapi(document.as_object().unwrap(), &go).unwrap();
        let read = decode(&encode(&set)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{set:?}"));
    }

    proptest::proptest! {
        #[test]
        fn damaged_bytes_are_refused_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
