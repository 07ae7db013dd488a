//! Objects as JSON bytes, ready for their resourceVersion to be filled in.

use std::fmt;
use std::ops::Range;

use serde::Serialize;
use serde_json::{Map, Value};

/// An object as JSON, with an empty `resourceVersion`.
///
/// The members stand in the order `kind`, `apiVersion`, `metadata`, then the rest by name, so that the type can be
/// left out (typed lists) and the metadata cut out (`PartialObjectMetadata`) without parsing.
///
/// Its debug form leaves the content out, which may be secret.
#[derive(Clone)]
pub struct Encoded {
    pub(super) json: Vec<u8>,
    pub(super) layout: Layout,
    pub(super) fields: Fields,
    /// How deep it is nested; 0 of what was stored before.
    pub(super) depth: usize,
}

/// Where things are in the JSON of an object, in bytes from its start.
///
/// 32 bits suffice: objects are bounded by [`StoreOptions::max_object_bytes`](super::StoreOptions::max_object_bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout {
    /// Where `metadata` starts (its key): after `{`, or after `{"kind":"K","apiVersion":"v",`.
    pub(super) members: u32,
    /// Between the quotes of `"resourceVersion":""`.
    pub(super) version: u32,
    /// After the closing brace of `metadata`.
    pub(super) metadata_end: u32,
    /// The object that is the value of `labels`; empty without labels.
    pub(super) labels: (u32, u32),
}

/// Values of the fields that a field selector may name, beyond `metadata.name` and `metadata.namespace`.
///
/// Kept in one piece of memory behind the object's JSON.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(pub(super) Vec<u8>);

/// How deep an object may be nested: no deeper than readers of JSON go, this store among them, in a list too.
pub const MAX_DEPTH: usize = 125;

/// How deep objects and lists are nested in a value.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

const METADATA_KEY: &[u8] = b"\"metadata\":";

impl Encoded {
    /// Encodes an object. Its `metadata.resourceVersion`, if any, is ignored.
    ///
    /// `fields` are the selectable fields of its kind with their values.
    pub fn from_tree(object: &Map<String, Value>, fields: Fields) -> Self {
        let mut json = Vec::with_capacity(1024);
        let mut layout = Layout::default();
        json.push(b'{');
        for name in ["kind", "apiVersion"] {
            if let Some(value) = object.get(name) {
                member(&mut json, name, value);
                json.push(b',');
            }
        }
        layout.members = offset(&json);
        json.extend_from_slice(METADATA_KEY);
        encode_metadata(&mut json, &mut layout, object.get("metadata").and_then(Value::as_object));
        layout.metadata_end = offset(&json);
        for (name, value) in object {
            if !matches!(name.as_str(), "kind" | "apiVersion" | "metadata") {
                json.push(b',');
                member(&mut json, name, value);
            }
        }
        json.push(b'}');
        let depth = 1 + object.values().map(depth).max().unwrap_or_default();
        Self { json, layout, fields, depth }
    }

    /// Takes the revision out of the JSON of a stored object. `layout` is that of the JSON with the revision.
    pub(super) fn from_stored(stored: &[u8], mut layout: Layout, revision: u64, fields: Fields) -> Self {
        let digits = decimal_len(revision);
        let version = layout.version as usize;
        let mut json = Vec::with_capacity(stored.len());
        json.extend_from_slice(&stored[..version]);
        json.extend_from_slice(&stored[version + digits..]);
        layout.shift(0u32.wrapping_sub(digits as u32));
        Self { json, layout, fields, depth: 0 }
    }

    /// The JSON, in which `metadata.resourceVersion` is the empty string.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} bytes)", self.json.len())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({} bytes)", self.0.len())
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Fields {
    /// Collects names and values. Entries longer than 4 GiB are cut.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut packed = Vec::new();
        for (name, value) in entries {
            pack(name.as_ref(), &mut packed);
            pack(value.as_ref(), &mut packed);
        }
        Self(packed)
    }
}

impl Layout {
    /// The same places once a revision of `digits` digits has been filled in.
    pub(super) fn with_version(mut self, digits: usize) -> Self {
        self.shift(digits as u32);
        self
    }

    /// Whether these are places in `json`, an object with this revision.
    pub(super) fn fits(&self, json: &[u8], revision: u64) -> bool {
        let version = self.version as usize;
        self.members as usize + METADATA_KEY.len() < version
            && json.get(version..).is_some_and(|rest| rest.starts_with(format!("{revision}\"").as_bytes()))
            && self.metadata_end as usize <= json.len()
            && self.metadata_end as usize > version + decimal_len(revision)
            && (self.labels == (0, 0) || self.labels.0 > self.version)
            && self.labels.0 <= self.labels.1
            && self.labels.1 <= self.metadata_end
    }

    /// Where the labels are.
    pub(super) fn labels(&self) -> Range<usize> {
        self.labels.0 as usize..self.labels.1 as usize
    }

    /// Where the value of `metadata` is.
    pub(super) fn metadata(&self) -> Range<usize> {
        self.members as usize + METADATA_KEY.len()..self.metadata_end as usize
    }

    /// Moves what comes after the revision by a number of bytes, modulo 2^32.
    fn shift(&mut self, by: u32) {
        self.metadata_end = self.metadata_end.wrapping_add(by);
        if self.labels.0 > self.version {
            self.labels.0 = self.labels.0.wrapping_add(by);
            self.labels.1 = self.labels.1.wrapping_add(by);
        }
    }
}

/// How many decimal digits a revision has.
pub(super) fn decimal_len(revision: u64) -> usize {
    revision.checked_ilog10().unwrap_or(0) as usize + 1
}

/// The value of `name` in packed [`Fields`].
pub(super) fn field<'a>(packed: &'a [u8], name: &str) -> Option<&'a str> {
    let mut rest = packed;
    loop {
        let (found, after) = unpack(rest)?;
        let (value, after) = unpack(after)?;
        if found == name.as_bytes() {
            return std::str::from_utf8(value).ok();
        }
        rest = after;
    }
}

/// Names and values in the JSON of a map of strings, without unescaping: keys and values of labels have no
/// characters that JSON escapes.
pub(super) fn labels(json: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let (key, after) = quoted(rest)?;
        let (value, after) = quoted(after)?;
        rest = after;
        Some((key, value))
    })
}

/// The first quoted string, and what comes after it.
fn quoted(json: &[u8]) -> Option<(&[u8], &[u8])> {
    // These strings are too short for vectorised searches to pay.
    let start = json.iter().position(|byte| *byte == b'"')? + 1;
    let mut end = start;
    loop {
        match json.get(end)? {
            b'"' => return Some((&json[start..end], &json[end + 1..])),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// A length as a byte or, if it does not fit, 255 and four bytes.
fn pack(text: &str, packed: &mut Vec<u8>) {
    match u8::try_from(text.len()) {
        Ok(len) if len < u8::MAX => packed.push(len),
        _ => {
            packed.push(u8::MAX);
            packed.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    packed.extend_from_slice(text.as_bytes());
}

/// The first packed text, and what comes after it.
fn unpack(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    match packed.split_first()? {
        (&u8::MAX, rest) => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            rest.split_at_checked(u32::from_le_bytes(*len) as usize)
        }
        (&len, rest) => rest.split_at_checked(usize::from(len)),
    }
}

fn encode_metadata(json: &mut Vec<u8>, layout: &mut Layout, metadata: Option<&Map<String, Value>>) {
    json.extend_from_slice(b"{\"resourceVersion\":\"");
    layout.version = offset(json);
    json.push(b'"');
    for (name, value) in metadata.into_iter().flatten() {
        match (name.as_str(), value) {
            ("resourceVersion", _) => {}
            ("labels", Value::Object(labels)) if labels.values().all(Value::is_string) => {
                json.extend_from_slice(b",\"labels\":");
                let start = offset(json);
                encode(json, value);
                layout.labels = (start, offset(json));
            }
            _ => {
                json.push(b',');
                member(json, name, value);
            }
        }
    }
    json.push(b'}');
}

fn member(json: &mut Vec<u8>, name: &str, value: &Value) {
    encode(json, name);
    json.push(b':');
    encode(json, value);
}

#[expect(clippy::expect_used, reason = "a tree has string keys only, and writing to memory can't fail")]
fn encode(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("a tree can be encoded");
}

fn offset(json: &[u8]) -> u32 {
    json.len() as u32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(object: Value) -> Encoded {
        Encoded::from_tree(object.as_object().unwrap(), Fields::default())
    }

    #[test]
    fn type_and_metadata_come_first_and_the_version_is_left_open() {
        let encoded = encoded(json!({"data": {"a": "b"}, "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"uid": "u", "resourceVersion": "7", "name": "x"}}));
        assert_eq!(
            std::str::from_utf8(encoded.json()).unwrap(),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"","name":"x","uid":"u"},"data":{"a":"b"}}"#
        );
        assert!(encoded.json()[encoded.layout.members as usize..].starts_with(b"\"metadata\""));
        assert_eq!(encoded.json()[encoded.layout.metadata()], *br#"{"resourceVersion":"","name":"x","uid":"u"}"#);
    }

    #[test]
    fn objects_without_type_or_metadata_are_encoded_too() {
        assert_eq!(encoded(json!({})).json(), br#"{"metadata":{"resourceVersion":""}}"#);
        assert_eq!(encoded(json!({"metadata": 1})).json(), br#"{"metadata":{"resourceVersion":""}}"#);
    }

    #[test]
    fn labels_are_read_from_the_bytes() {
        let encoded = encoded(json!({"metadata": {"labels": {"a": "1", "b/c": ""}}}));
        let found: Vec<_> = labels(&encoded.json()[encoded.layout.labels()]).collect();
        assert_eq!(found, [(&b"a"[..], &b"1"[..]), (b"b/c", b"")]);
    }

    #[test]
    fn quotes_within_labels_do_not_end_them() {
        let encoded = encoded(json!({"metadata": {"labels": {"a\"": "1\\", "b": "2"}}}));
        let found: Vec<_> = labels(&encoded.json()[encoded.layout.labels()]).collect();
        assert_eq!(found[1], (&b"b"[..], &b"2"[..]));
    }

    #[test]
    fn fields_are_found_by_name() {
        let fields: Fields = [("spec.nodeName", ""), ("status.phase", "Running")].into_iter().collect();
        assert_eq!(field(&fields.0, "status.phase"), Some("Running"));
        assert_eq!(field(&fields.0, "spec.nodeName"), Some(""));
        assert_eq!(field(&fields.0, "spec.other"), None);
        assert_eq!(field(&Fields::default().0, "a"), None);
        let long = "x".repeat(1000);
        let fields: Fields = [(long.as_str(), "1"), ("a", long.as_str()), ("b", "2")].into_iter().collect();
        assert_eq!((field(&fields.0, "a"), field(&fields.0, "b")), (Some(long.as_str()), Some("2")));
    }
}
