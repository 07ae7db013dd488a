//! GET of a collection: the stored bytes of its objects, joined.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::call::{Call, Content, Reply};
use super::continue_token::ContinueToken;
use super::render::MessageFor;
use super::{conversion, render};
use crate::http::{Accept, ListOptions, Shape, VersionMatch, item_head, list_end, list_head};
use crate::kinds;
use crate::registry::Resource;
use crate::selector::{FieldSelector, LabelSelector};
use crate::status::{ApiError, ApiResult};
use crate::store::{Compacted, ObjectKey, RangeRequest, Stored};
use crate::table::IncludeObject;

/// Answers with the objects that are selected.
pub(super) async fn list(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let mut options = ListOptions::parse(&call.query)?;
    check_fields(&call.resource, &mut options.fields)?;
    let mut page = read(call, &options)?;
    accept.check_metadata(true, &call.resource.go_type("List"))?;
    convert(call, &mut page).await?;
    render_list(call, accept, &page)
}

/// Brings the objects of a page into the version that is asked for, where that takes a webhook.
pub(super) async fn convert(call: &mut Call, page: &mut Page) -> ApiResult<()> {
    let (core, resource) = (call.core.clone(), call.resource.clone());
    page.items = conversion::served(&core, &resource, std::mem::take(&mut page.items)).await?;
    Ok(())
}

/// Objects of one page, and the metadata of the list.
pub(super) struct Page {
    pub items: Vec<Arc<Stored>>,
    pub revision: u64,
    pub continue_token: String,
    pub remaining: Option<usize>,
}

/// Reads what the options select, at the revision that they ask for.
pub(super) fn read(call: &Call, options: &ListOptions) -> ApiResult<Page> {
    let resource = &call.resource;
    let (after, revision) = start(call, options)?;
    let rest = after.clone();
    let selector = Selector { labels: &options.labels, fields: &options.fields };
    let filter = |stored: &Stored| selector.matches(stored);
    let request = RangeRequest {
        namespace: (!call.namespace.is_empty()).then_some(call.namespace.as_str()),
        name: if after.is_none() { selected_name(call, options) } else { None },
        after,
        revision,
        // What is in memory is read whole.
        limit: if from_memory(resource, options) { 0 } else { options.limit },
        filter: if selector.is_empty() { None } else { Some(&filter) },
    };
    let range = resource.collection().range(request).map_err(|gone| too_old(call, rest, gone))?;
    let token = match (range.more, range.items.last()) {
        (true, Some(last)) => {
            let token = ContinueToken { revision: Some(range.revision), after: last.key().clone() };
            token.encode(&call.namespace)
        }
        _ => String::new(),
    };
    let remaining = range.remaining.filter(|remaining| *remaining > 0);
    Ok(Page { items: range.items, revision: range.revision, continue_token: token, remaining })
}

/// The name of the only object that can be selected, where it is enough to find it.
pub(super) fn selected_name<'a>(call: &Call, options: &'a ListOptions) -> Option<&'a str> {
    let placed = !call.resource.namespaced || !call.namespace.is_empty();
    options.fields.exact("metadata.name").filter(|name| placed && !name.is_empty())
}

/// Whether any state will do: the real server then answers from its cache, and heeds no limit.
fn from_memory(resource: &Resource, options: &ListOptions) -> bool {
    is_cached(resource) && options.resource_version == "0" && options.version_match != Some(VersionMatch::Exact)
}

/// Whether the real server keeps the objects in its watch cache, which answers in other words. It keeps no Events there.
pub(super) fn is_cached(resource: &Resource) -> bool {
    resource.is_custom() || resource.kind != "Event"
}

/// The key that the page starts after, and the revision to read at; `None`: the newest.
fn start(call: &Call, options: &ListOptions) -> ApiResult<(Option<ObjectKey>, Option<u64>)> {
    let version = options.resource_version.as_str();
    if !options.continue_token.is_empty() {
        let token = ContinueToken::decode(&options.continue_token, &call.namespace, call.resource.namespaced)
            .map_err(ApiError::bad_request)?;
        if !matches!(version, "" | "0") {
            return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
        }
        not_in_the_future(call, token.revision.unwrap_or_default(), is_cached(&call.resource))?;
        return Ok((Some(token.after), token.revision));
    }
    let revision =
        parse_revision(version).map_err(|why| ApiError::bad_request(format!("invalid resource version: {why}")))?;
    // A limit with a version but no match asks for exactly that version, for old clients.
    let limited = options.version_match.is_none() && options.limit > 0 && revision > 0;
    let exact = limited || options.version_match == Some(VersionMatch::Exact);
    // One object at exactly a version does not come from the cache, and a limit does not matter to it.
    let one = selected_name(call, options).is_some();
    not_in_the_future(call, revision, is_cached(&call.resource) && !(one && exact))?;
    let exact = exact && !(one && limited);
    Ok((None, exact.then_some(revision)))
}

/// Reads a resourceVersion; empty is 0. The error is the text that the real server gives.
pub(super) fn parse_revision(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}")
    })
}

/// Refuses revisions that are not there yet. `cached`: the real server would wait for its cache, and tells the client to try
/// again.
pub(super) fn not_in_the_future(call: &Call, revision: u64, cached: bool) -> ApiResult<()> {
    let current = call.core.store.revision();
    let retry_after = u32::from(cached);
    if revision > current { Err(ApiError::resource_version_too_large(revision, current, retry_after)) } else { Ok(()) }
}

/// Who has come to a key gets a token with which the list goes on from there, in the state that there is then.
fn too_old(call: &Call, rest: Option<ObjectKey>, _gone: Compacted) -> ApiError {
    let Some(after) = rest else {
        return ApiError::expired("The resourceVersion for the provided list is too old.");
    };
    let token = ContinueToken { revision: None, after }.encode(&call.namespace);
    let mut error = ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    error.continue_token = Some(token.into());
    error
}

/// Refuses field selectors that the kind does not have, and gives the fields the names that they have in the stored
/// version.
pub(super) fn check_fields(resource: &Resource, selector: &mut FieldSelector) -> ApiResult<()> {
    let known = resource.selectable_fields();
    // Some have no namespace to select by.
    let nowhere = match resource.is_custom() {
        true => !resource.namespaced,
        false => matches!(resource.kind.as_str(), "Namespace" | "Node"),
    };
    for requirement in &mut selector.requirements {
        let field = requirement.field.as_str();
        let stored = kinds::convert::stored_field(&resource.group, &resource.kind, field);
        let is_known = |stored: &str| match stored {
            "metadata.name" => true,
            "metadata.namespace" => !nowhere,
            other => known.contains(&other),
        };
        match stored {
            Some(stored) if is_known(&stored) => requirement.field = stored.into_owned(),
            _ => {
                return Err(ApiError::bad_request(if resource.kind == "Job" {
                    format!("field label {field:?} not supported for Job")
                } else if (known.is_empty() || resource.kind == "ReplicaSet") && !resource.is_custom() {
                    format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {field}")
                }));
            }
        }
    }
    Ok(())
}

/// A label and a field selector.
#[derive(Clone, Copy)]
pub(super) struct Selector<'a> {
    pub labels: &'a LabelSelector,
    pub fields: &'a FieldSelector,
}

impl Selector<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, stored: &Stored) -> bool {
        self.labels.matches(|key| stored.label(key)) && self.fields.matches(|field| stored.field(field))
    }
}

/// Puts a list together in the form that was asked for.
pub(super) fn render_list(call: &Call, accept: Accept, page: &Page) -> ApiResult<Reply> {
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    // Lists of custom resources always say whether they go on.
    if !page.continue_token.is_empty() || call.resource.is_custom() && accept.shape == Shape::Whole {
        metadata["continue"] = page.continue_token.as_str().into();
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    let resource = &call.resource;
    match accept.shape {
        Shape::Table => {
            let include = IncludeObject::parse(&call.query.text("includeObject"))?;
            let table = render::table(resource, accept, &page.items, include, metadata, call.now());
            Ok(Reply::tree(200, &table))
        }
        Shape::Metadata if page.items.is_empty() => {
            let kind = "PartialObjectMetadataList";
            let list = json!({"kind": kind, "apiVersion": accept.meta_version(), "metadata": metadata, "items": null});
            Ok(Reply::tree(200, &list))
        }
        Shape::Metadata => Ok(joined("PartialObjectMetadataList", accept.meta_version(), &metadata, page, {
            let meta_version = accept.meta_version();
            let resource = resource.clone();
            move |stored: &Stored, out: &mut BytesMut| render::put_metadata(&resource, meta_version, stored, out)
        })),
        Shape::Whole if accept.protobuf && size(page) > AT_ONCE => Ok(packed(resource.clone(), metadata, page)),
        Shape::Whole => {
            let resource_ref = resource.clone();
            Ok(joined(&resource.list_kind, &resource.api_version, &metadata, page, move |stored, out| {
                render::put_item(&resource_ref, stored, out);
            }))
        }
    }
}

/// Lists up to this size are put together at once.
const AT_ONCE: usize = 32 * 1024;
/// Size of the chunks of larger ones.
const CHUNK: usize = 64 * 1024;

/// So many objects are brought into protobuf before others get their turn.
const TOGETHER: usize = 64;

/// The size of the objects of a page as JSON.
fn size(page: &Page) -> usize {
    page.items.iter().map(|stored| stored.as_bytes().len()).sum()
}

/// An object of a list in protobuf.
enum Message {
    /// Kept with the object.
    Kept(Arc<Stored>),
    Made(Vec<u8>),
}

impl Message {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Kept(stored) => stored.packed_before().unwrap_or_default(),
            Self::Made(bytes) => bytes,
        }
    }
}

/// A list in protobuf. All its objects are brought into that form first, since its size comes before them.
fn packed(resource: Arc<Resource>, metadata: Value, page: &Page) -> Reply {
    let items = page.items.clone();
    let chunks = stream::once(async move {
        let mut messages = Vec::with_capacity(items.len());
        for (number, stored) in items.into_iter().enumerate() {
            if number % TOGETHER == 0 {
                tokio::task::yield_now().await;
            }
            // What was stored has a form.
            let made = match render::message(&resource, &stored, MessageFor::List).unwrap_or_default() {
                Cow::Borrowed(_) => None,
                Cow::Owned(made) => Some(made),
            };
            messages.push(made.map_or(Message::Kept(stored), Message::Made));
        }
        let sizes = messages.iter().map(|message| message.bytes().len());
        let mut head = list_head(&resource.api_version, &resource.list_kind, &metadata, sizes);
        let mut messages = messages.into_iter();
        let mut ended = false;
        stream::iter(std::iter::from_fn(move || {
            let mut out = BytesMut::with_capacity(CHUNK + CHUNK / 2);
            out.extend_from_slice(&head.take().unwrap_or_default());
            while out.len() < CHUNK {
                let Some(message) = messages.next() else {
                    if std::mem::replace(&mut ended, true) {
                        break;
                    }
                    out.extend_from_slice(list_end());
                    break;
                };
                let message = message.bytes();
                out.extend_from_slice(&item_head(message.len()));
                out.extend_from_slice(message);
            }
            Some(out.freeze()).filter(|chunk| !chunk.is_empty())
        }))
    });
    let content = Content::PackedChunks { length: size(page), chunks: Box::pin(chunks.flatten()) };
    Reply { code: 200, content, headers: Vec::new() }
}

fn joined(
    kind: &str,
    api_version: &str,
    metadata: &Value,
    page: &Page,
    put: impl Fn(&Stored, &mut BytesMut) + Send + 'static,
) -> Reply {
    let head = format!(
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
        Value::from(kind),
        Value::from(api_version)
    );
    let estimate: usize = page.items.iter().map(|stored| stored.as_bytes().len()).sum::<usize>() + head.len();
    let mut parts =
        ListParts { head: Some(head), items: page.items.clone().into_iter(), first: true, put, done: false };
    if estimate <= AT_ONCE {
        let mut out = BytesMut::with_capacity(estimate + page.items.len() + 64);
        while let Some(chunk) = parts.next_chunk() {
            out.extend_from_slice(&chunk);
        }
        return Reply::json(200, out.freeze());
    }
    let chunks = stream::unfold(parts, |mut parts| async move { parts.next_chunk().map(|chunk| (chunk, parts)) });
    Reply {
        code: 200,
        content: Content::JsonChunks { length: estimate, chunks: Box::pin(chunks) },
        headers: Vec::new(),
    }
}

/// A list on its way out.
struct ListParts<F> {
    head: Option<String>,
    items: std::vec::IntoIter<Arc<Stored>>,
    first: bool,
    put: F,
    done: bool,
}

impl<F: Fn(&Stored, &mut BytesMut)> ListParts<F> {
    fn next_chunk(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let mut out = BytesMut::with_capacity(CHUNK.min(self.items.len() * 512 + 512));
        if let Some(head) = self.head.take() {
            out.extend_from_slice(head.as_bytes());
        }
        for stored in self.items.by_ref() {
            if !std::mem::take(&mut self.first) {
                out.extend_from_slice(b",");
            }
            (self.put)(&stored, &mut out);
            if out.len() >= CHUNK {
                return Some(out.freeze());
            }
        }
        out.extend_from_slice(b"]}");
        self.done = true;
        Some(out.freeze())
    }
}
