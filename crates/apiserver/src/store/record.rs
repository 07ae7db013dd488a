//! Objects as they lie on disk.
//!
//! The key is `group NUL resource NUL namespace NUL name`: only the name, which comes last, may hold any character.
//! The value is a header of little-endian numbers (CRC-32 of the key and of what follows it, revision, then the layout
//! of the JSON), the JSON, and the packed selectable fields.

use super::encoded::{Encoded, Fields, Layout};
use super::key::ObjectKey;
use super::stored::{Draft, EventType, Stored};

/// Group, resource, namespace and name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RecordKey<'a> {
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

const HEADER: usize = 36;

/// The key of an object.
pub(super) fn encode_key(group: &str, resource: &str, key: &ObjectKey) -> Vec<u8> {
    [group, resource, key.namespace(), key.name()].join("\0").into_bytes()
}

/// What [`encode_key`] made.
pub(super) fn decode_key(key: &[u8]) -> Option<RecordKey<'_>> {
    let mut parts = std::str::from_utf8(key).ok()?.splitn(4, '\0');
    let mut part = || parts.next();
    Some(RecordKey { group: part()?, resource: part()?, namespace: part()?, name: part()? })
}

/// Writes the value of an object that lies under `key` to `out`, replacing what is there.
pub(super) fn encode(key: &[u8], stored: &Stored, out: &mut Vec<u8>) {
    let Layout { members, version, metadata_end, labels } = stored.layout();
    let json = stored.as_bytes();
    out.clear();
    out.reserve(HEADER + json.len() + stored.packed_fields().len());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&stored.revision().to_le_bytes());
    for number in [members, version, metadata_end, labels.0, labels.1, json.len() as u32] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(json);
    out.extend_from_slice(stored.packed_fields());
    let checksum = checksum(key, &out[4..]);
    out[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// What [`encode`] made, or `None` if it is damaged.
pub(super) fn decode(key: &[u8], object_key: ObjectKey, value: &[u8]) -> Option<Stored> {
    let (found, rest) = value.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*found) != checksum(key, rest) {
        return None;
    }
    let (revision, mut rest) = rest.split_first_chunk::<8>()?;
    let revision = u64::from_le_bytes(*revision);
    let mut numbers = [0; 6];
    for number in &mut numbers {
        let (bytes, after) = rest.split_first_chunk::<4>()?;
        *number = u32::from_le_bytes(*bytes);
        rest = after;
    }
    let [members, version, metadata_end, labels, labels_end, json_len] = numbers;
    let (json, fields) = rest.split_at_checked(json_len as usize)?;
    let layout = Layout { members, version, metadata_end, labels: (labels, labels_end) };
    if !layout.fits(json, revision) {
        return None;
    }
    let object = Encoded::from_stored(json, layout, revision, Fields(fields.to_vec()));
    Some(Draft::new(object_key, &object, EventType::Added, revision).stamp(revision))
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record() -> (Vec<u8>, Vec<u8>) {
        let object = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"labels": {"a": "b"}, "name": "n"}});
        let fields = [("status.phase", "Running")].into_iter().collect();
        let object = Encoded::from_tree(object.as_object().unwrap(), fields);
        let key = ObjectKey::new("ns", "n");
        let stored = Draft::new(key.clone(), &object, EventType::Modified, 7).stamp(1234);
        let key = encode_key("apps", "pods", &key);
        let mut value = Vec::new();
        encode(&key, &stored, &mut value);
        (key, value)
    }

    #[test]
    fn an_object_comes_back_as_it_was() {
        let (key, value) = record();
        let stored = decode(&key, ObjectKey::new("ns", "n"), &value).unwrap();
        assert_eq!(stored.revision(), 1234);
        assert_eq!(stored.tree()["metadata"]["resourceVersion"], "1234");
        assert_eq!(stored.label("a"), Some("b"));
        assert_eq!(stored.field("status.phase"), Some("Running"));
        assert_eq!(stored.metadata(), br#"{"resourceVersion":"1234","labels":{"a":"b"},"name":"n"}"#);
        let mut again = Vec::new();
        encode(&key, &stored, &mut again);
        assert_eq!(again, value);
    }

    #[test]
    fn keys_come_back_as_they_were() {
        let key = encode_key("", "clusterroles", &ObjectKey::new("", "odd\0name"));
        let expected = RecordKey { group: "", resource: "clusterroles", namespace: "", name: "odd\0name" };
        assert_eq!(decode_key(&key), Some(expected));
        assert_eq!(decode_key(b"a\0b"), None);
    }

    proptest! {
        #[test]
        fn damage_is_noticed(at in any::<prop::sample::Index>(), flip in 1..=255u8, cut in any::<bool>()) {
            let (key, mut value) = record();
            let at = at.index(value.len());
            if cut {
                value.truncate(at);
            } else {
                value[at] ^= flip;
            }
            prop_assert!(decode(&key, ObjectKey::new("ns", "n"), &value).is_none());
        }
    }
}
