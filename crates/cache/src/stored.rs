//! An object as the cache keeps it: metadata at hand, the rest as packed JSON that is decoded on demand.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::io::Write as _;
use std::mem::size_of;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::Selector;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ObjectRef;
use crate::index::{expressions, matches};
use crate::pack::{Pattern, unpack};

/// A cached object. Cheap to clone: clones share it.
///
/// The accessors lend what lies in the cache; [`decode`](Self::decode) makes a new value each time. `managedFields` is
/// not kept, save for the managers in [`CacheOptions::keep_fields_of`](crate::CacheOptions::keep_fields_of).
/// `apiVersion` and `kind` are always there.
#[derive(Clone)]
pub struct Stored(pub(crate) Arc<Object>);

/// Who owns an object: an entry of its `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// `apiVersion` of the owner.
    pub api_version: Arc<str>,
    /// `kind` of the owner.
    pub kind: Arc<str>,
    /// Name of the owner, which lives in the same namespace or in none.
    pub name: Arc<str>,
    /// Uid of the owner.
    pub uid: Arc<str>,
    /// Whether the owner is the managing controller.
    pub controller: Option<bool>,
    /// Whether foreground deletion of the owner waits for this object.
    pub block_owner_deletion: Option<bool>,
}

/// The bytes of an object do not fit the type that was asked for.
#[derive(Debug, thiserror::Error)]
#[error(
    "{kind} {reference} in the cache cannot be read as {ty}: {source}; does the type fit the kind and its version?"
)]
pub struct DecodeError {
    kind: Arc<str>,
    reference: ObjectRef,
    ty: &'static str,
    source: serde_json::Error,
}

/// What all objects of an informer have in common.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) api_version: Arc<str>,
    pub(crate) kind: Arc<str>,
}

/// Labels, by key.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Labels(pub(crate) Box<[(Arc<str>, Arc<str>)]>);

pub(crate) struct Object {
    pub(crate) kind: Arc<Kind>,
    pub(crate) reference: ObjectRef,
    pub(crate) labels: Option<Arc<Labels>>,
    pub(crate) owners: Option<Arc<[Owner]>>,
    pub(crate) generation: Option<i64>,
    pub(crate) pattern: Option<Arc<Pattern>>,
    /// The texts that are asked for most, one after the other, then the other members of `metadata` and those of the
    /// object, packed, each without braces.
    pub(crate) bytes: Box<[u8]>,
    /// Where the texts end in `bytes`: uid, resourceVersion, creationTimestamp, deletionTimestamp.
    pub(crate) texts: [u16; 4],
    /// How long the members are unpacked, and where those of the object begin then.
    pub(crate) unpacked: u32,
    pub(crate) rest: u32,
}

/// A text at the beginning of [`Object::bytes`].
#[derive(Clone, Copy)]
enum At {
    Uid,
    ResourceVersion,
    Creation,
    Deletion,
}

impl Stored {
    /// Namespace and name.
    pub fn reference(&self) -> &ObjectRef {
        &self.0.reference
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.0.reference.name
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.0.reference.namespace.as_deref()
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        &self.0.kind.api_version
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        &self.0.kind.kind
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.0.text(At::Uid)
    }

    /// `metadata.resourceVersion`. Of a deleted object it is that of the deletion, if the cache saw it happen.
    pub fn resource_version(&self) -> &str {
        self.0.text(At::ResourceVersion)
    }

    /// `metadata.generation`.
    pub fn generation(&self) -> Option<i64> {
        self.0.generation
    }

    /// `metadata.creationTimestamp`, in RFC 3339.
    pub fn creation_timestamp(&self) -> Option<&str> {
        Some(self.0.text(At::Creation)).filter(|text| !text.is_empty())
    }

    /// `metadata.deletionTimestamp`, in RFC 3339. An object that has one is on its way out.
    pub fn deletion_timestamp(&self) -> Option<&str> {
        Some(self.0.text(At::Deletion)).filter(|text| !text.is_empty())
    }

    /// Keys and values of `metadata.labels`, in the order of the keys.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.labels.iter().flat_map(|labels| labels.iter())
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.labels.as_ref().and_then(|labels| labels.get(key))
    }

    /// Whether a label selector matches the object.
    pub fn matches(&self, selector: &Selector) -> bool {
        matches(&expressions(selector), |key| self.label(key))
    }

    /// Keys and values of `metadata.annotations`, as the server has ordered them.
    pub fn annotations(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let entries =
            self.0.member("annotations", |json| serde_json::from_str::<Entries<'_>>(json).map(Entries::owned));
        entries.unwrap_or_default().into_iter()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<Cow<'_, str>> {
        self.annotations().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let finalizers = self.0.member("finalizers", |json| serde_json::from_str::<Vec<String>>(json));
        finalizers.unwrap_or_default().into_iter().map(Cow::Owned)
    }

    /// `metadata.ownerReferences`.
    pub fn owners(&self) -> &[Owner] {
        self.0.owners.as_deref().unwrap_or_default()
    }

    /// The owner that is the managing controller.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners().iter().find(|owner| owner.controller == Some(true))
    }

    /// All of `metadata`, decoded.
    pub fn metadata(&self) -> Result<ObjectMeta, DecodeError> {
        #[derive(Deserialize)]
        struct Partial {
            metadata: ObjectMeta,
        }
        self.decode::<Partial>().map(|partial| partial.metadata)
    }

    /// Decodes the object into a type of k8s-openapi, a struct of your own or a [`kube::core::DynamicObject`].
    pub fn decode<K: DeserializeOwned>(&self) -> Result<K, DecodeError> {
        serde_json::from_slice(&self.json()).map_err(|source| DecodeError {
            kind: self.0.kind.kind.clone(),
            reference: self.0.reference.clone(),
            ty: std::any::type_name::<K>(),
            source,
        })
    }

    /// The object as a tree of JSON.
    pub fn tree(&self) -> Value {
        // What was packed is valid JSON.
        self.decode().unwrap_or_default()
    }

    /// The object as JSON.
    pub fn json(&self) -> Vec<u8> {
        self.0.compose()
    }

    /// What the object costs in memory, in bytes, without what it shares with others.
    pub fn bytes(&self) -> usize {
        // Two counters in front of what an Arc points to.
        const ARC: usize = 2 * size_of::<usize>();
        ARC + size_of::<Object>() + self.0.bytes.len() + ARC + self.0.reference.name.len()
    }

    /// Whether both are the same state of the same object.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.resource_version() == other.resource_version() && self.uid() == other.uid()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}@{}", self.kind(), self.reference(), self.resource_version())
    }
}

impl Labels {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl Object {
    fn text(&self, at: At) -> &str {
        let end = |at: At| usize::from(self.texts[at as usize]);
        let start = match at {
            At::Uid => 0,
            At::ResourceVersion => end(At::Uid),
            At::Creation => end(At::ResourceVersion),
            At::Deletion => end(At::Creation),
        };
        // Each begins and ends where it did when it was valid UTF-8.
        std::str::from_utf8(&self.bytes[start..end(at)]).unwrap_or_default()
    }

    /// The members of `metadata` that are not fields here, and those of the object, each without braces.
    fn unpack(&self) -> Vec<u8> {
        // What is composed around them has room too.
        let mut out = Vec::with_capacity(self.unpacked as usize);
        unpack(self.pattern.as_deref(), &self.bytes[usize::from(self.texts[At::Deletion as usize])..], &mut out);
        out
    }

    /// A member of `metadata` that is not a field here; none if it has another type, which is an error when decoded.
    fn member<T>(&self, name: &str, read: impl Fn(&str) -> Result<T, serde_json::Error>) -> Option<T> {
        let mut json = self.unpack();
        json.truncate(self.rest as usize);
        json.splice(0..0, *b"{");
        json.push(b'}');
        let Members(members) = serde_json::from_slice(&json).ok()?;
        members.iter().find(|(key, _)| key.0 == name).and_then(|(_, value)| read(value.get()).ok())
    }

    fn compose(&self) -> Vec<u8> {
        let members = self.unpack();
        let mut out = Vec::with_capacity(members.len() + 512);
        out.extend_from_slice(b"{\"apiVersion\":");
        write_text(&mut out, &self.kind.api_version);
        out.extend_from_slice(b",\"kind\":");
        write_text(&mut out, &self.kind.kind);
        out.extend_from_slice(b",\"metadata\":{\"name\":");
        write_text(&mut out, &self.reference.name);
        if let Some(namespace) = &self.reference.namespace {
            out.extend_from_slice(b",\"namespace\":");
            write_text(&mut out, namespace);
        }
        if let Some(generation) = self.generation {
            // Writing into a Vec cannot fail.
            _ = write!(out, ",\"generation\":{generation}");
        }
        if let Some(labels) = &self.labels {
            out.extend_from_slice(b",\"labels\":");
            for (at, (key, value)) in labels.iter().enumerate() {
                out.push(if at == 0 { b'{' } else { b',' });
                write_text(&mut out, key);
                out.push(b':');
                write_text(&mut out, value);
            }
            out.push(b'}');
        }
        if let Some(owners) = &self.owners {
            out.extend_from_slice(b",\"ownerReferences\":");
            for (at, owner) in owners.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                owner.compose(&mut out);
            }
            out.push(b']');
        }
        for (key, at) in [
            (",\"uid\":", At::Uid),
            (",\"resourceVersion\":", At::ResourceVersion),
            (",\"creationTimestamp\":", At::Creation),
            (",\"deletionTimestamp\":", At::Deletion),
        ] {
            let text = self.text(at);
            if !text.is_empty() {
                out.extend_from_slice(key.as_bytes());
                write_text(&mut out, text);
            }
        }
        let (meta, rest) = members.split_at((self.rest as usize).min(members.len()));
        for (members, end) in [(meta, b'}'), (rest, b'}')] {
            if !members.is_empty() {
                out.push(b',');
                out.extend_from_slice(members);
            }
            out.push(end);
        }
        out
    }
}

impl Owner {
    fn compose(&self, out: &mut Vec<u8>) {
        let Self { api_version, kind, name, uid, controller, block_owner_deletion } = self;
        let texts = [("{\"apiVersion\":", api_version), (",\"kind\":", kind), (",\"name\":", name), (",\"uid\":", uid)];
        for (key, text) in texts {
            out.extend_from_slice(key.as_bytes());
            write_text(out, text);
        }
        for (key, flag) in [(",\"controller\":", controller), (",\"blockOwnerDeletion\":", block_owner_deletion)] {
            if let Some(flag) = flag {
                out.extend_from_slice(key.as_bytes());
                out.extend_from_slice(if *flag { b"true" } else { b"false" });
            }
        }
        out.push(b'}');
    }
}

/// A string of JSON, borrowed where it holds no escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The members of an object whose values are strings, in their order.
#[derive(Debug, Default)]
pub(crate) struct Entries<'a>(pub(crate) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Entries<'_> {
    fn owned<'b>(self) -> Vec<(Cow<'b, str>, Cow<'b, str>)> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        self.0.into_iter().map(|(key, value)| (own(key), own(value))).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for Visitor<'a> {
            type Value = Entries<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Entries<'a>, A::Error> {
                let mut entries = Vec::new();
                while let Some((Text(key), Text(value))) = map.next_entry::<Text<'de>, Text<'de>>()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

/// The members of an object, unread.
pub(crate) struct Members<'a>(pub(crate) Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for Entries<'a> {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// Appends a string of JSON.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a string into a Vec cannot fail.
    _ = serde_json::to_writer(out, text);
}
