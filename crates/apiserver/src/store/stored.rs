//! One version of an object as it lies in the store.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::{BufMut, Bytes};
use serde_json::Value;

use super::encoded::{self, Encoded, Fields, Layout, decimal_len};
use super::key::ObjectKey;

/// What an event says has happened, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// `ADDED`
    Added,
    /// `MODIFIED`
    Modified,
    /// `DELETED`
    Deleted,
}

/// One version of an object: its JSON with the resourceVersion in it, kept as the line that a watch sends.
///
/// All that is asked of it without parsing is answered from the bytes: a version is one allocation for the line,
/// and the labels and selectable fields are read where they lie.
///
/// Its debug form leaves the content out, which may be secret.
pub struct Stored {
    key: ObjectKey,
    revision: u64,
    /// The line `{"type":"…","object":` JSON `}\n`, then the packed fields.
    buffer: Bytes,
    json_len: u32,
    layout: Layout,
    event_type: EventType,
    /// The object in another encoding, once somebody has asked for it to be kept.
    packed: OnceLock<Packed>,
    /// That encoding has been made for a list.
    listed: AtomicBool,
}

/// Bytes that lists may keep in other encodings, in all of the process.
const MOST_LISTED: usize = 64 * 1024 * 1024;
/// How many they keep.
static LISTED: AtomicUsize = AtomicUsize::new(0);

/// An object in another encoding.
struct Packed {
    bytes: Box<[u8]>,
    /// It is part of [`LISTED`].
    counted: bool,
}

impl Packed {
    /// For a list, if there is room; otherwise the bytes come back.
    fn counted(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        let len = bytes.len();
        let room = |kept: usize| kept.checked_add(len).filter(|kept| *kept <= MOST_LISTED);
        match LISTED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(Self { bytes: bytes.into(), counted: true }),
            Err(_) => Err(bytes),
        }
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        if self.counted {
            LISTED.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }
}

/// A [`Stored`] whose revision is still to come: all that can be done before the lock is taken.
pub(super) struct Draft {
    key: ObjectKey,
    buffer: Vec<u8>,
    json_len: usize,
    /// As in [`Encoded`], before a revision is filled in.
    layout: Layout,
    digits: usize,
    event_type: EventType,
}

const FRAME_END: &[u8] = b"}\n";

impl EventType {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }

    /// By how many objects such an event changes their number.
    pub(super) fn count_change(self) -> isize {
        match self {
            Self::Added => 1,
            Self::Modified => 0,
            Self::Deleted => -1,
        }
    }

    fn frame_start(self) -> &'static [u8] {
        match self {
            Self::Added => br#"{"type":"ADDED","object":"#,
            Self::Modified => br#"{"type":"MODIFIED","object":"#,
            Self::Deleted => br#"{"type":"DELETED","object":"#,
        }
    }
}

impl Stored {
    /// Namespace and name.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// The revision that wrote it: its resourceVersion.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What the write was: the first version of an object is `Added`, the final state of a deleted one `Deleted`.
    pub fn event_type(&self) -> EventType {
        self.event_type
    }

    /// The same version of the object with another content: as it stands in another API version.
    pub fn in_other_form(&self, object: &Encoded) -> Self {
        Draft::new(self.key.clone(), object, self.event_type, self.revision).stamp(self.revision)
    }

    /// The object as JSON. Shares the memory of this version.
    pub fn json(&self) -> Bytes {
        let start = self.start();
        self.buffer.slice(start..start + self.json_len as usize)
    }

    /// The object as JSON.
    pub fn as_bytes(&self) -> &[u8] {
        let start = self.start();
        &self.buffer[start..start + self.json_len as usize]
    }

    /// What follows `{"kind":"K","apiVersion":"v",` in the JSON. With `{` before it, it is the object as it stands in
    /// typed lists.
    pub fn without_type(&self) -> &[u8] {
        &self.as_bytes()[self.layout.members as usize..]
    }

    /// The object in another encoding, which `make` gives: always the same one. It is kept with this version, so that it is
    /// made once however many watchers it is sent to.
    pub(crate) fn packed(&self, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<&[u8]> {
        if let Some(packed) = self.packed.get() {
            return Some(&packed.bytes);
        }
        let bytes = make()?.into_boxed_slice();
        Some(&self.packed.get_or_init(|| Packed { bytes, counted: false }).bytes)
    }

    /// The same for a list. It is kept when it is made for a second one, so that a client that lists once costs no memory,
    /// and as long as lists keep less than [`MOST_LISTED`] bytes in all.
    pub(crate) fn packed_for_list(&self, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<Cow<'_, [u8]>> {
        if let Some(packed) = self.packed.get() {
            return Some(Cow::Borrowed(&packed.bytes));
        }
        let made = make()?;
        if !self.listed.swap(true, Ordering::Relaxed) {
            return Some(Cow::Owned(made));
        }
        Some(match Packed::counted(made) {
            Ok(packed) => Cow::Borrowed(&self.packed.get_or_init(|| packed).bytes),
            Err(made) => Cow::Owned(made),
        })
    }

    /// Whether that encoding is kept.
    pub(crate) fn packed_before(&self) -> Option<&[u8]> {
        self.packed.get().map(|packed| &*packed.bytes)
    }

    /// The JSON of `metadata`.
    pub fn metadata(&self) -> &[u8] {
        &self.as_bytes()[self.layout.metadata()]
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        let (_, value) = self.packed_labels().find(|(found, _)| *found == key.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// The labels, sorted by key.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packed_labels()
            .filter_map(|(key, value)| Some((std::str::from_utf8(key).ok()?, std::str::from_utf8(value).ok()?)))
    }

    /// The value of a field that a field selector may name; knows `metadata.name` and `metadata.namespace`.
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            "metadata.name" => Some(self.key.name()),
            "metadata.namespace" => Some(self.key.namespace()),
            _ => encoded::field(self.packed_fields(), name),
        }
    }

    /// The object as a tree.
    #[expect(clippy::expect_used, reason = "the bytes were encoded here, or checked when they were read from disk")]
    pub fn tree(&self) -> Value {
        serde_json::from_slice(self.as_bytes()).expect("stored objects are JSON")
    }

    /// The line that a watch sends for this version, with the type of [`Self::event_type`]. Shares the memory of this
    /// version.
    pub fn frame(&self) -> Bytes {
        self.buffer.slice(..self.frame_len())
    }

    /// Appends the line that a watch sends for this version as an event of another type, such as `ADDED` for the
    /// initial events of a watch.
    pub fn put_frame(&self, event_type: EventType, out: &mut impl BufMut) {
        out.put_slice(event_type.frame_start());
        out.put_slice(self.as_bytes());
        out.put_slice(FRAME_END);
    }

    /// The same object as an event of another type and, if one is given, of another revision.
    pub(super) fn retyped(&self, event_type: EventType, revision: Option<u64>) -> Self {
        let fields = Fields(self.packed_fields().to_vec());
        let object = Encoded::from_stored(self.as_bytes(), self.layout, self.revision, fields);
        let revision = revision.unwrap_or(self.revision);
        Draft::new(self.key.clone(), &object, event_type, revision).stamp(revision)
    }

    /// Whether the object is there: it is not once this is its final state.
    pub(super) fn exists(&self) -> bool {
        self.event_type != EventType::Deleted
    }

    /// Where things are in [`Self::as_bytes`].
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of memory that the object's content takes.
    pub(super) fn size(&self) -> usize {
        self.buffer.len()
    }

    fn packed_labels(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        encoded::labels(&self.as_bytes()[self.layout.labels()])
    }

    fn start(&self) -> usize {
        self.event_type.frame_start().len()
    }

    fn frame_len(&self) -> usize {
        self.start() + self.json_len as usize + FRAME_END.len()
    }

    /// The selectable fields, as in [`Fields`].
    pub(super) fn packed_fields(&self) -> &[u8] {
        &self.buffer[self.frame_len()..]
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, revision, event_type, .. } = self;
        write!(f, "Stored({key}, {revision}, {})", event_type.as_str())
    }
}

impl Draft {
    /// Lays the object out for a revision that has as many digits as `expected`.
    pub(super) fn new(key: ObjectKey, object: &Encoded, event_type: EventType, expected: u64) -> Self {
        let digits = decimal_len(expected);
        let (before, after) = object.json.split_at(object.layout.version as usize);
        let json_len = object.json.len() + digits;
        let size = event_type.frame_start().len() + json_len + FRAME_END.len() + object.fields.0.len();
        let mut buffer = Vec::with_capacity(size);
        buffer.extend_from_slice(event_type.frame_start());
        buffer.extend_from_slice(before);
        buffer.resize(buffer.len() + digits, b'0');
        buffer.extend_from_slice(after);
        buffer.extend_from_slice(FRAME_END);
        buffer.extend_from_slice(&object.fields.0);
        Self { key, buffer, json_len, layout: object.layout, digits, event_type }
    }

    pub(super) fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Fills in the revision.
    pub(super) fn stamp(mut self, revision: u64) -> Stored {
        let digits = decimal_len(revision);
        let at = self.event_type.frame_start().len() + self.layout.version as usize;
        if digits != self.digits {
            // Other writers took the revisions up to the next power of ten meanwhile.
            self.buffer.splice(at..at + self.digits, std::iter::repeat_n(b'0', digits));
            self.json_len = self.json_len - self.digits + digits;
            self.buffer.shrink_to_fit();
        }
        let mut rest = revision;
        for digit in self.buffer[at..at + digits].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Stored {
            key: self.key,
            revision,
            buffer: self.buffer.into(),
            json_len: self.json_len as u32,
            layout: self.layout.with_version(digits),
            event_type: self.event_type,
            packed: OnceLock::new(),
            listed: AtomicBool::new(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    fn draft(expected: u64) -> Draft {
        let object = json!({"kind": "Pod", "apiVersion": "v1", "spec": {},
            "metadata": {"name": "x", "labels": {"app": "a"}}});
        let fields = [("status.phase", "Running")].into_iter().collect::<Fields>();
        let encoded = Encoded::from_tree(object.as_object().unwrap(), fields);
        Draft::new(ObjectKey::new("ns", "x"), &encoded, EventType::Modified, expected)
    }

    fn check(stored: &Stored, revision: &str) {
        assert_eq!(stored.tree()["metadata"]["resourceVersion"], revision);
        assert_eq!(stored.label("app"), Some("a"));
        assert_eq!(stored.field("status.phase"), Some("Running"));
        assert_eq!(stored.field("metadata.namespace"), Some("ns"));
        assert_eq!(stored.without_type(), &stored.as_bytes()[r#"{"kind":"Pod","apiVersion":"v1","#.len()..]);
        let metadata: Value = serde_json::from_slice(stored.metadata()).unwrap();
        assert_eq!(metadata, stored.tree()["metadata"]);
        let frame: Value = serde_json::from_slice(&stored.frame()).unwrap();
        assert_eq!(frame, json!({"type": stored.event_type().as_str(), "object": stored.tree()}));
        assert!(stored.frame().ends_with(b"\n"));
    }

    #[test]
    fn the_revision_is_filled_in_whatever_its_length() {
        check(&draft(5).stamp(7), "7");
        check(&draft(9).stamp(10), "10");
        check(&draft(1000).stamp(3), "3");
        check(&draft(0).stamp(u64::MAX), "18446744073709551615");
    }

    #[test]
    fn a_version_can_be_seen_as_another_event_of_another_revision() {
        let stored = draft(1).stamp(99);
        check(&stored.retyped(EventType::Added, None), "99");
        let left = stored.retyped(EventType::Deleted, Some(100));
        check(&left, "100");
        assert_eq!((left.revision(), left.event_type()), (100, EventType::Deleted));
        let mut frame = Vec::new();
        left.put_frame(EventType::Deleted, &mut frame);
        assert_eq!(frame, left.frame());
    }

    #[test]
    fn what_is_listed_twice_is_encoded_twice_and_kept_until_the_version_goes() {
        let stored = draft(7).stamp(7);
        let made = Cell::new(0);
        let list = || {
            let make = || {
                made.set(made.get() + 1);
                Some(vec![1; 10])
            };
            stored.packed_for_list(make).map(Cow::into_owned)
        };
        for _ in 0..4 {
            assert_eq!(list(), Some(vec![1; 10]));
        }
        assert_eq!(made.get(), 2);
        assert!(stored.packed_before().is_some());
    }

    #[test]
    fn lists_keep_no_more_than_they_may() {
        let stored = draft(7).stamp(7);
        let list = || stored.packed_for_list(|| Some(vec![0; MOST_LISTED + 1])).map(|bytes| bytes.len());
        assert_eq!((list(), list()), (Some(MOST_LISTED + 1), Some(MOST_LISTED + 1)));
        assert!(stored.packed_before().is_none());
    }
}
