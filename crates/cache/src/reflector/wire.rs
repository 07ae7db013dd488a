//! What comes over the wire: lines of a watch, pages of a list, errors.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Stored;
use crate::reflector::machine::{Event, Failure};
use crate::scan::{Items, Scanner};
use crate::stored::Text;
use crate::version::Version;

/// The annotation of the bookmark that ends the initial events of a WatchList.
const INITIAL_END: &str = "k8s.io/initial-events-end";
/// How much of something unreadable an error shows.
const SHOWN: usize = 200;

/// Why the server's answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    /// The HTTP status code, 0 if there is none.
    pub(crate) code: u16,
    pub(crate) message: String,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Stored>,
    pub(crate) version: Version,
    pub(crate) more: Option<String>,
}

/// Cuts a stream of bytes into lines. What remains at the end without a line break is half a line, and no line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// Up to here there is no line break.
    searched: usize,
}

impl Lines {
    pub(crate) fn push(&mut self, chunk: &Bytes) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next line that is not empty, without its line break.
    pub(crate) fn next(&mut self) -> Option<BytesMut> {
        loop {
            let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                self.searched = self.buffer.len();
                return None;
            };
            let line = self.buffer.split_to(self.searched + found);
            self.buffer.advance(1);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }
}

/// Reads a line of a watch.
pub(crate) fn event(scanner: &mut Scanner, line: &[u8]) -> Result<Event<Stored>, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let line_of = || String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned();
    let read =
        EventVisitor(scanner).deserialize(&mut deserializer).and_then(|event| deserializer.end().map(|()| event));
    read.unwrap_or_else(|error| Err(Fault::garbage(format!("the watch sent what is no event: {error}: {}", line_of()))))
}

/// Reads a page of a list.
pub(crate) fn page(scanner: &mut Scanner, body: &[u8]) -> Result<Page, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = PageVisitor(scanner).deserialize(&mut deserializer).and_then(|page| deserializer.end().map(|()| page));
    read.map_err(|error| Fault::garbage(format!("the answer to a list is no list: {error}")))
}

/// Reads the version of a list, and nothing else.
pub(crate) fn newest(body: &[u8]) -> Result<Version, Fault> {
    #[derive(Deserialize)]
    struct Versioned {
        metadata: ListMeta,
    }
    let list: Versioned = serde_json::from_slice(body)
        .map_err(|error| Fault::garbage(format!("the answer to a list is no list: {error}")))?;
    list.metadata.version().map_err(Fault::garbage)
}

impl Fault {
    pub(crate) fn garbage(message: String) -> Self {
        Self { failure: Failure::Garbage, code: 0, message }
    }

    pub(crate) fn broken(message: String) -> Self {
        Self { failure: Failure::Other { stay_away: Duration::ZERO }, code: 0, message }
    }

    pub(crate) fn silent(after: Duration) -> Self {
        Self { failure: Failure::Silent, code: 0, message: format!("nothing was heard of the server for {after:?}") }
    }

    /// What the server answered instead of what it was asked for. `streaming`: it was asked for a WatchList.
    pub(crate) fn from_answer(code: StatusCode, retry_after: Option<&str>, body: &[u8], streaming: bool) -> Self {
        let status = serde_json::from_slice(body).unwrap_or_else(|_| StatusFields {
            message: Some(String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).into_owned()),
            ..StatusFields::default()
        });
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
        Self::from_status(code.as_u16(), status, retry_after, streaming)
    }

    fn from_status(code: u16, status: StatusFields, retry_after: Option<u64>, streaming: bool) -> Self {
        let reason = status.reason.unwrap_or_default();
        let details = status.details.unwrap_or_default();
        let stay_away = Duration::from_secs(retry_after.or(details.retry_after_seconds).unwrap_or(0));
        let failure = match code {
            _ if code == 410 || reason == "Expired" || reason == "Gone" => Failure::Expired,
            400 | 406 | 422 if streaming => Failure::Unsupported,
            _ => Failure::Other { stay_away },
        };
        let message = status.message.filter(|message| !message.is_empty()).unwrap_or(reason);
        Self { failure, code, message: format!("the server answered {code}: {message}") }
    }
}

#[derive(Debug, Default, Deserialize)]
struct StatusFields {
    code: Option<u16>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(default)]
    resource_version: String,
    #[serde(rename = "continue")]
    more: Option<String>,
}

impl ListMeta {
    /// Nothing can be watched from an empty version.
    fn version(&self) -> Result<Version, String> {
        match &*self.resource_version {
            "" => Err("the answer to a list has no resourceVersion; the kind cannot be watched".to_string()),
            version => Ok(Version::new(version)),
        }
    }
}

#[derive(Deserialize)]
struct Bookmark {
    metadata: BookmarkMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMeta {
    resource_version: String,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// Reads an event. The object is read as what the type says it is, in the same pass if the type comes first, which it
/// does with all servers that are known.
struct EventVisitor<'s>(&'s mut Scanner);

type Read = Result<Event<Stored>, Fault>;

impl<'de> DeserializeSeed<'de> for EventVisitor<'_> {
    type Value = Read;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EventVisitor<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of a watch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut kind, mut early, mut event) = (None, None, None);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "type" => kind = Some(map.next_value::<Text<'de>>()?.0),
                "object" => match kind.as_deref() {
                    Some(kind) => event = Some(map.next_value_seed(ObjectOf { kind, scanner: &mut *self.0 })?),
                    None => early = Some(map.next_value::<&RawValue>()?),
                },
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field("type"))?;
        if let (None, Some(object)) = (&event, early) {
            let object_of = ObjectOf { kind: &kind, scanner: self.0 };
            let mut deserializer = serde_json::Deserializer::from_str(object.get());
            event = Some(object_of.deserialize(&mut deserializer).map_err(A::Error::custom)?);
        }
        event.ok_or_else(|| A::Error::missing_field("object"))
    }
}

struct ObjectOf<'a> {
    kind: &'a str,
    scanner: &'a mut Scanner,
}

impl<'de> DeserializeSeed<'de> for ObjectOf<'_> {
    type Value = Read;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        let Self { kind, scanner } = self;
        match kind {
            "ADDED" | "MODIFIED" | "DELETED" => {
                let object = scanner.deserialize(deserializer)?;
                let version = Version::new(object.resource_version());
                Ok(Ok(if kind == "DELETED" { Event::Deleted(object, version) } else { Event::Put(object, version) }))
            }
            "BOOKMARK" => {
                let Bookmark { metadata } = Bookmark::deserialize(deserializer)?;
                if metadata.resource_version.is_empty() {
                    return Err(D::Error::custom("a bookmark without resourceVersion"));
                }
                let initial_end = metadata
                    .annotations
                    .is_some_and(|annotations| annotations.get(INITIAL_END).is_some_and(|value| value == "true"));
                Ok(Ok(Event::Bookmark { version: Version::new(&metadata.resource_version), initial_end }))
            }
            "ERROR" => {
                let status = StatusFields::deserialize(deserializer)?;
                Ok(Err(Fault::from_status(status.code.unwrap_or(500), status, None, false)))
            }
            other => Err(D::Error::unknown_variant(other, &["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"])),
        }
    }
}

struct PageVisitor<'s>(&'s mut Scanner);

impl<'de> DeserializeSeed<'de> for PageVisitor<'_> {
    type Value = Page;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut meta, mut items) = (None, None);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "metadata" => meta = Some(map.next_value::<ListMeta>()?),
                "items" => items = Some(map.next_value_seed(Items(&mut *self.0))?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let meta = meta.ok_or_else(|| A::Error::missing_field("metadata"))?;
        Ok(Page {
            items: items.ok_or_else(|| A::Error::missing_field("items"))?,
            version: meta.version().map_err(A::Error::custom)?,
            more: meta.more.filter(|more| !more.is_empty()),
        })
    }
}
