//! From the bytes of an object to what the cache keeps of it, in one pass.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::intern::Interners;
use crate::keep::Make;
use crate::pack::{Packed, Packer};
use crate::stored::{Entries, Kind, Labels, Members, Object, Owner, Stored, Text, write_text};
use crate::{Keep, ObjectRef};

/// Packs the objects of one informer.
#[derive(Debug)]
pub(crate) struct Scanner {
    kind: Arc<Kind>,
    keep: Keep,
    /// Managers whose entries in managedFields are kept.
    managers: BTreeSet<String>,
    interners: Arc<Interners>,
    /// Reused from object to object: members of metadata, and of the object.
    meta: Vec<u8>,
    rest: Vec<u8>,
    packer: Packer,
}

impl Scanner {
    pub(crate) fn new(kind: Kind, keep: Keep, managers: BTreeSet<String>, interners: Arc<Interners>) -> Self {
        Self {
            kind: Arc::new(kind),
            keep,
            managers,
            interners,
            meta: Vec::new(),
            rest: Vec::new(),
            packer: Packer::default(),
        }
    }

    fn finish(&mut self, fields: Fields<'_>) -> Result<Stored, String> {
        let strings = &self.interners.strings;
        let name = fields.name.filter(|name| !name.is_empty()).ok_or("an object without metadata.name")?;
        let namespace = fields.namespace.filter(|namespace| !namespace.is_empty());
        let reference =
            ObjectRef { namespace: namespace.map(|namespace| strings.text(&namespace)), name: (*name).into() };
        if fields.version.is_empty() {
            return Err(format!("the object {reference} has no metadata.resourceVersion"));
        }
        let labels = fields.labels.filter(|labels| !labels.0.is_empty()).map(|labels| self.intern_labels(labels));
        let owners = fields.owners.filter(|owners| !owners.is_empty()).map(|owners| self.intern_owners(&owners));
        // The members of metadata, then those of the object.
        let rest = self.meta.len();
        self.meta.append(&mut self.rest);
        let (Ok(rest), Ok(unpacked)) = (u32::try_from(rest), u32::try_from(self.meta.len())) else {
            return Err(format!("the object {reference} is larger than 4 GiB"));
        };
        let families: SmallVec<[u64; 2]> =
            owners.as_ref().map(family).into_iter().chain(labels.as_ref().map(family)).collect();
        let Packed { pattern, steps } = self.packer.pack(&self.meta, &families);
        let mut texts = [0; 4];
        let mut bytes = Vec::with_capacity(steps.len() + 80);
        for (end, text) in texts.iter_mut().zip([&fields.uid, &fields.version, &fields.creation, &fields.deletion]) {
            bytes.extend_from_slice(text.as_bytes());
            *end = u16::try_from(bytes.len())
                .map_err(|_| format!("the object {reference} has a uid or times of over 64 KiB"))?;
        }
        bytes.extend_from_slice(&steps);
        Ok(Stored(Arc::new(Object {
            kind: self.kind.clone(),
            reference,
            labels,
            owners,
            generation: fields.generation,
            pattern,
            bytes: bytes.into(),
            texts,
            unpacked,
            rest,
        })))
    }

    fn intern_labels(&self, Entries(mut labels): Entries<'_>) -> Arc<Labels> {
        labels.sort_unstable();
        labels.dedup_by(|one, other| one.0 == other.0);
        let strings = &self.interners.strings;
        let equal = |one: &Labels, other: &[(Cow<'_, str>, Cow<'_, str>)]| {
            one.iter().eq(other.iter().map(|(key, value)| (&**key, &**value)))
        };
        let make = || {
            let shared = labels.iter().map(|(key, value)| (strings.text(key), strings.text(value)));
            Arc::new(Labels(shared.collect()))
        };
        self.interners.labels.get(labels.as_slice(), equal, make)
    }

    fn intern_owners(&self, owners: &[OwnerFields<'_>]) -> Arc<[Owner]> {
        let strings = &self.interners.strings;
        let owners: Vec<Owner> = owners
            .iter()
            .map(|owner| Owner {
                api_version: strings.text(&owner.api_version),
                kind: strings.text(&owner.kind),
                name: strings.text(&owner.name),
                uid: strings.text(&owner.uid),
                controller: owner.controller,
                block_owner_deletion: owner.block_owner_deletion,
            })
            .collect();
        self.interners.owners.get(&*owners, |one, other| one == other, || owners.clone().into())
    }
}

/// Reads one object.
impl<'de> DeserializeSeed<'de> for &mut Scanner {
    type Value = Stored;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Stored, D::Error> {
        self.meta.clear();
        self.rest.clear();
        let keep = self.keep;
        let fields = match keep {
            Keep::Whole => deserializer.deserialize_map(ObjectVisitor { scanner: self, rest: true, annotations: true }),
            Keep::Metadata => {
                deserializer.deserialize_map(ObjectVisitor { scanner: self, rest: false, annotations: true })
            }
            Keep::View(view) => {
                let whole = <&RawValue>::deserialize(deserializer)?;
                let scanned = match view.make {
                    Make::Project(project) => self.scan_view(whole, project),
                    Make::Transform(change) => self.scan_transformed(whole, change),
                };
                return scanned.map_err(D::Error::custom);
            }
        }?;
        self.finish(fields).map_err(D::Error::custom)
    }
}

impl Scanner {
    /// The metadata of the object and the other members that its view has.
    fn scan_view(
        &mut self,
        whole: &RawValue,
        project: fn(&str) -> Result<String, serde_json::Error>,
    ) -> Result<Stored, String> {
        let seen = project(whole.get()).map_err(|error| format!("an object does not fit the view of it: {error}"))?;
        let Members(members) =
            serde_json::from_str(&seen).map_err(|error| format!("a view is not an object: {error}"))?;
        let annotations = members.iter().any(|(key, value)| key.0 == "metadata" && has_annotations(value));
        let mut deserializer = serde_json::Deserializer::from_str(whole.get());
        let visitor = ObjectVisitor { scanner: self, rest: false, annotations };
        let fields =
            serde::Deserializer::deserialize_map(&mut deserializer, visitor).map_err(|error| error.to_string())?;
        for (key, value) in members {
            if !matches!(&*key.0, "apiVersion" | "kind" | "metadata") {
                append(&mut self.rest, &key.0, value.get());
            }
        }
        self.finish(fields)
    }

    /// What a function leaves of an object.
    fn scan_transformed(&mut self, whole: &RawValue, change: fn(&mut Value)) -> Result<Stored, String> {
        let invalid = |error: serde_json::Error| error.to_string();
        let mut object: Value = serde_json::from_str(whole.get()).map_err(invalid)?;
        const IDENTITY: [&str; 4] = ["name", "namespace", "uid", "resourceVersion"];
        let identity = IDENTITY.map(|field| object["metadata"][field].clone());
        catch_unwind(AssertUnwindSafe(|| change(&mut object)))
            .map_err(|_| format!("the transform of {} panicked", identity[0]))?;
        if !object["metadata"].is_object() {
            object["metadata"] = Value::Object(serde_json::Map::new());
        }
        for (field, value) in IDENTITY.into_iter().zip(identity) {
            object["metadata"][field] = value;
        }
        let text = serde_json::to_string(&object).map_err(invalid)?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let visitor = ObjectVisitor { scanner: self, rest: true, annotations: true };
        let fields = serde::Deserializer::deserialize_map(&mut deserializer, visitor).map_err(invalid)?;
        self.finish(fields)
    }
}

fn has_annotations(metadata: &RawValue) -> bool {
    let members = serde_json::from_str(metadata.get()).unwrap_or(Members(Vec::new()));
    members.0.iter().any(|(key, value)| key.0 == "annotations" && value.get() != "null")
}

/// What is taken from an object, beside the members that are packed.
#[derive(Default)]
struct Fields<'a> {
    name: Option<Cow<'a, str>>,
    namespace: Option<Cow<'a, str>>,
    generation: Option<i64>,
    labels: Option<Entries<'a>>,
    owners: Option<Vec<OwnerFields<'a>>>,
    uid: Cow<'a, str>,
    version: Cow<'a, str>,
    creation: Cow<'a, str>,
    deletion: Cow<'a, str>,
}

/// Objects of one owner, or with the same labels, look alike.
fn family(of: &Arc<impl Hash + ?Sized>) -> u64 {
    FxBuildHasher.hash_one(of)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnerFields<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    controller: Option<bool>,
    block_owner_deletion: Option<bool>,
}

struct ObjectVisitor<'s> {
    scanner: &'s mut Scanner,
    /// Whether to keep members other than metadata.
    rest: bool,
    annotations: bool,
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of the Kubernetes API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let Self { scanner, rest, annotations } = self;
        let mut fields = None;
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "apiVersion" | "kind" => _ = map.next_value::<IgnoredAny>()?,
                "metadata" => fields = Some(map.next_value_seed(Metadata { scanner: &mut *scanner, annotations })?),
                _ if rest => append(&mut scanner.rest, &key, map.next_value::<&RawValue>()?.get()),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        fields.ok_or_else(|| A::Error::missing_field("metadata"))
    }
}

struct Metadata<'s> {
    scanner: &'s mut Scanner,
    annotations: bool,
}

impl<'de> DeserializeSeed<'de> for Metadata<'_> {
    type Value = Fields<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Metadata<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metadata of an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let Self { scanner, annotations } = self;
        scanner.meta.clear();
        let mut fields = Fields::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "name" => fields.name = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                "namespace" => fields.namespace = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                "generation" => fields.generation = map.next_value()?,
                "labels" => fields.labels = map.next_value()?,
                "ownerReferences" => fields.owners = map.next_value()?,
                "managedFields" if scanner.managers.is_empty() => _ = map.next_value::<IgnoredAny>()?,
                "managedFields" => {
                    let kept = map.next_value_seed(ManagedFields(&scanner.managers))?;
                    if !kept.is_empty() {
                        append(&mut scanner.meta, &key, &format!("[{}]", kept.join(",")));
                    }
                }
                "annotations" if !annotations => _ = map.next_value::<IgnoredAny>()?,
                "uid" => fields.uid = text(&mut map)?,
                "resourceVersion" => fields.version = text(&mut map)?,
                "creationTimestamp" => fields.creation = text(&mut map)?,
                "deletionTimestamp" => fields.deletion = text(&mut map)?,
                _ => append(&mut scanner.meta, &key, map.next_value::<&RawValue>()?.get()),
            }
        }
        Ok(fields)
    }
}

/// Reads managedFields and keeps the entries of some managers.
struct ManagedFields<'s>(&'s BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for ManagedFields<'_> {
    type Value = Vec<&'de str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        #[derive(Deserialize)]
        struct Entry<'a> {
            #[serde(borrow)]
            manager: Option<Cow<'a, str>>,
        }
        let entries = Option::<Vec<&RawValue>>::deserialize(deserializer)?.unwrap_or_default();
        let kept = entries.into_iter().map(RawValue::get).filter(|entry| {
            let entry = serde_json::from_str(entry).unwrap_or(Entry { manager: None });
            entry.manager.is_some_and(|manager| self.0.contains(&*manager))
        });
        Ok(kept.collect())
    }
}

/// Reads the items of a list, which may be null.
pub(crate) struct Items<'s>(pub(crate) &'s mut Scanner);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Stored>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Stored>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Stored>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the items of a list")
    }

    fn visit_none<E>(self) -> Result<Vec<Stored>, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Stored>, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Stored>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(&mut *self.0)? {
            items.push(item);
        }
        Ok(items)
    }
}

fn append(out: &mut Vec<u8>, key: &str, value: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    write_text(out, key);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

/// A string, which may be null.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Cow<'de, str>, A::Error> {
    Ok(map.next_value::<Option<Text<'de>>>()?.map(|text| text.0).unwrap_or_default())
}
