//! GET with `watch`: what is there, if asked for, then every change once and in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::call::{Call, Content, Reply};
use super::list::{self, Selector};
use super::render::MessageFor;
use super::{conversion, render};
use crate::http::{Accept, ListOptions, Shape, put_event, watch_frame};
use crate::registry::Resource;
use crate::schema;
use crate::server::Core;
use crate::status::{ApiError, ApiResult};
use crate::store::{Event, EventType, RangeRequest, Stored, Watch};
use crate::table::IncludeObject;

/// How often a watch that takes bookmarks gets one.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// How soon it gets one after events that were only for others: by nothing else does it know that it has seen all.
const BOOKMARK_AFTER_SKIPPED: Duration = Duration::from_millis(500);
/// How long before its end a watch gets its last bookmark.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// Watches without a timeout end after this time, and up to as much again.
const LONGEST: Duration = Duration::from_secs(1800);
/// So many events are converted together.
const CONVERTED: usize = 256;
/// Events are sent together up to this size.
const CHUNK: usize = 64 * 1024;

/// Answers with a stream of events.
pub(super) fn watch(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let mut options = ListOptions::parse(&call.query)?;
    list::check_fields(&call.resource, &mut options.fields)?;
    let include = match accept.shape {
        Shape::Table => IncludeObject::parse(&call.query.text("includeObject"))?,
        Shape::Whole | Shape::Metadata => IncludeObject::default(),
    };
    let revision = list::parse_revision(&options.resource_version).map_err(|why| ApiError::new(500, "", why))?;
    let collection = call.resource.collection();

    // Initial events: when they are asked for, and without a version to start from for clients that do not say.
    let initial = options.send_initial_events.unwrap_or(revision == 0);
    let mut start = Vec::new();
    let mut from = revision;
    let mut error = None;
    if initial || revision == 0 {
        // Like all that goes wrong once a watch has begun, this is told as an event.
        error = list::not_in_the_future(call, revision, true).err();
        let request = RangeRequest {
            namespace: (!call.namespace.is_empty()).then_some(call.namespace.as_str()),
            name: list::selected_name(call, &options),
            ..RangeRequest::default()
        };
        // The newest state is always there.
        let range = collection.range(request).map_err(|_| ApiError::internal("the newest revision can't be read"))?;
        from = range.revision;
        if initial {
            start = range.items;
        }
    }
    let send_end = options.send_initial_events == Some(true) && options.allow_bookmarks;
    let watch = match collection.watch(from) {
        Ok(watch) => Some(watch),
        Err(gone) => {
            let oldest = gone.oldest.saturating_sub(1);
            error = Some(ApiError::expired(match list::is_cached(&call.resource) {
                true => format!("too old resource version: {from} ({oldest})"),
                false => "The resourceVersion for the provided watch is too old.".to_owned(),
            }));
            None
        }
    };

    let now = Instant::now();
    let timeout = match options.timeout_seconds {
        // Cut to a year: clocks do not add up beyond some centuries.
        Some(seconds) => Duration::from_secs(seconds.min(31_536_000)),
        None => LONGEST + Duration::from_secs(call.core.env.random.number() % LONGEST.as_secs()),
    };
    let end = now + timeout;
    let stream = WatchStream {
        resource: call.resource.clone(),
        namespace: call.namespace.clone(),
        options,
        accept,
        include,
        core: call.core.clone(),
        shutdown: call.core.shutdown.clone(),
        _counted: call.core.watches.clone(),
        watch,
        error,
        initial: start.into(),
        initial_end: send_end.then_some(from),
        table_started: false,
        end,
        // A watch that is too short for a bookmark before its end gets none.
        next_bookmark: match timeout.checked_sub(BOOKMARK_BEFORE_END) {
            Some(last) => now + BOOKMARK_INTERVAL.min(last),
            None => now + BOOKMARK_INTERVAL,
        },
        done: false,
    };
    let chunks = stream::unfold(stream, |mut stream| async move { stream.next_chunk().await.map(|c| (c, stream)) });
    Ok(Reply { code: 200, content: Content::Watch(Box::pin(chunks)), headers: Vec::new() })
}

struct WatchStream {
    resource: Arc<Resource>,
    namespace: String,
    options: ListOptions,
    accept: Accept,
    include: IncludeObject,
    core: Arc<Core>,
    shutdown: CancellationToken,
    _counted: Arc<()>,
    watch: Option<Watch>,
    /// Sent in place of events.
    error: Option<ApiError>,
    initial: VecDeque<Arc<Stored>>,
    /// The revision of the bookmark that ends the initial events.
    initial_end: Option<u64>,
    table_started: bool,
    end: Instant,
    next_bookmark: Instant,
    done: bool,
}

impl WatchStream {
    /// The next events, as many as are there up to a chunk; none at the end.
    async fn next_chunk(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        if let Some(error) = self.error.take() {
            self.done = true;
            return Some(self.error_frame(&error));
        }
        let mut out = BytesMut::new();
        if let Err(error) = self.convert_initial().await {
            self.done = true;
            return Some(self.error_frame(&error));
        }
        self.put_initial(&mut out);
        if !out.is_empty() {
            return Some(out.freeze());
        }
        loop {
            // The watch is there unless there was an error, which has ended the stream above.
            let watch = self.watch.as_mut()?;
            let event = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                event = watch.next() => Some(event),
                () = sleep_until(self.next_bookmark), if self.options.allow_bookmarks => None,
                () = sleep_until(self.end) => return None,
            };
            match event {
                Some(Ok(event)) => {
                    let skipped = match conversion::webhook(&self.resource) {
                        Some(_) => self.put_converted(event, &mut out).await,
                        None => Ok(self.put_events(event, &mut out)),
                    };
                    match skipped {
                        Ok(true) => {
                            self.next_bookmark = self.next_bookmark.min(Instant::now() + BOOKMARK_AFTER_SKIPPED);
                        }
                        Ok(false) => {}
                        Err(error) => {
                            self.done = true;
                            return Some(self.error_frame(&error));
                        }
                    }
                }
                Some(Err(_gone)) => {
                    self.done = true;
                    let revision = watch.progress().unwrap_or_default();
                    let why = format!("too old resource version: {revision} (the watch was too slow)");
                    return Some(self.error_frame(&ApiError::expired(why)));
                }
                None => {
                    let now = Instant::now();
                    self.next_bookmark = now + BOOKMARK_INTERVAL;
                    let last = self.end - BOOKMARK_BEFORE_END.min(self.end - now);
                    if now < last {
                        self.next_bookmark = self.next_bookmark.min(last);
                    }
                    if let Some(revision) = watch.progress() {
                        self.put_bookmark(revision, false, &mut out);
                    }
                }
            }
            if !out.is_empty() {
                return Some(out.freeze());
            }
        }
    }

    /// Brings what is there at the start into the version that is asked for, where that takes a webhook.
    async fn convert_initial(&mut self) -> ApiResult<()> {
        if self.initial.is_empty() || conversion::webhook(&self.resource).is_none() {
            return Ok(());
        }
        let initial = std::mem::take(&mut self.initial).into_iter().filter(|stored| self.selects(stored)).collect();
        self.initial = conversion::served(&self.core, &self.resource, initial).await?.into();
        Ok(())
    }

    /// An event, and those behind it, of objects that a webhook converts; tells whether the last of them is for others.
    async fn put_converted(&mut self, first: Arc<Event>, out: &mut BytesMut) -> ApiResult<bool> {
        let mut objects = Vec::new();
        let mut skipped = false;
        let mut next = Some(first);
        while let Some(event) = next {
            let selected = event.for_selector(|stored| self.selects(stored)).cloned();
            skipped = selected.is_none();
            objects.extend(selected);
            next = match &mut self.watch {
                Some(watch) if objects.len() < CONVERTED => watch.try_next().unwrap_or_default(),
                _ => None,
            };
        }
        for stored in conversion::served(&self.core, &self.resource, objects).await? {
            self.put(stored.event_type(), &stored, false, out);
        }
        Ok(skipped)
    }

    fn put_initial(&mut self, out: &mut BytesMut) {
        while out.len() < CHUNK {
            match self.initial.pop_front() {
                Some(stored) if self.selects(&stored) => self.put(EventType::Added, &stored, false, out),
                Some(_) => {}
                None => {
                    if let Some(revision) = self.initial_end.take() {
                        self.put_bookmark(revision, true, out);
                    }
                    return;
                }
            }
        }
    }

    /// An event and those behind it; tells whether the last of them is for others.
    fn put_events(&mut self, first: Arc<Event>, out: &mut BytesMut) -> bool {
        let mut skipped = false;
        let mut next = Some(first);
        while let Some(event) = next {
            let selected = event.for_selector(|stored| self.selects(stored)).cloned();
            skipped = selected.is_none();
            if let Some(stored) = selected {
                self.put(stored.event_type(), &stored, true, out);
            }
            // A compacted log is met again, and reported, by the next wait.
            next = match &mut self.watch {
                Some(watch) if out.len() < CHUNK => watch.try_next().unwrap_or_default(),
                _ => None,
            };
        }
        skipped
    }

    fn selects(&self, stored: &Stored) -> bool {
        let selector = Selector { labels: &self.options.labels, fields: &self.options.fields };
        (self.namespace.is_empty() || stored.key().namespace() == self.namespace)
            && (selector.is_empty() || selector.matches(stored))
    }

    /// Appends an event. `shared`: others will be sent the same one.
    fn put(&mut self, event_type: EventType, stored: &Arc<Stored>, shared: bool, out: &mut BytesMut) {
        if !self.accept.protobuf {
            return self.put_json(event_type, stored, out);
        }
        let resource = &self.resource;
        if self.accept.shape == Shape::Whole {
            let whom = if shared { MessageFor::Watchers } else { MessageFor::One };
            match render::message(resource, stored, whom) {
                Some(message) => {
                    put_event(event_type.as_str(), &resource.api_version, &resource.kind, &message, out);
                }
                None => tracing::error!("an event without a protobuf form was left out of a watch"),
            }
            return;
        }
        let mut line = BytesMut::new();
        self.put_json(event_type, stored, &mut line);
        self.put_line(&line, out);
    }

    /// Appends an event that is given as JSON.
    fn put_line(&self, line: &[u8], out: &mut BytesMut) {
        if !self.accept.protobuf {
            out.put_slice(line);
            return;
        }
        match serde_json::from_slice(line).ok().and_then(|event| watch_frame(&event)) {
            Some(frame) => out.put_slice(&frame),
            None => tracing::error!("an event without a protobuf form was left out of a watch"),
        }
    }

    fn put_json(&mut self, event_type: EventType, stored: &Arc<Stored>, out: &mut BytesMut) {
        let resource = &self.resource;
        if self.accept.shape == Shape::Whole && render::is_served_form(resource, stored) {
            if event_type == stored.event_type() {
                out.put_slice(&stored.frame());
            } else {
                stored.put_frame(event_type, out);
            }
            return;
        }
        out.put_slice(b"{\"type\":\"");
        out.put_slice(event_type.as_str().as_bytes());
        out.put_slice(b"\",\"object\":");
        match self.accept.shape {
            Shape::Whole => render::put_whole(resource, stored, out),
            Shape::Metadata => render::put_metadata(resource, self.accept.meta_version(), stored, out),
            Shape::Table => {
                let metadata = json!({"resourceVersion": stored.revision().to_string()});
                let now = self.core.env.clock.now();
                let items = std::slice::from_ref(stored);
                let table = render::table(resource, self.accept, items, self.include, metadata, now);
                out.put_slice(self.later_table(table).to_string().as_bytes());
            }
        }
        out.put_slice(b"}\n");
    }

    /// Only the first table of a watch describes its columns.
    fn later_table(&mut self, mut table: Value) -> Value {
        if std::mem::replace(&mut self.table_started, true) {
            table["columnDefinitions"] = Value::Null;
        }
        table
    }

    fn put_bookmark(&mut self, revision: u64, ends_initial: bool, out: &mut BytesMut) {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, api_version) = match self.accept.shape {
            Shape::Metadata => ("PartialObjectMetadata", self.accept.meta_version()),
            Shape::Whole | Shape::Table => (self.resource.kind.as_str(), self.resource.api_version.as_str()),
        };
        let mut object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        // The real server sends an empty object of the kind, with the fields that Go always writes.
        if self.accept.shape != Shape::Metadata
            && !self.resource.is_custom()
            && let Some(ty) = self.resource.ty()
        {
            schema::normalise(ty, &mut object);
        }
        if self.accept.shape == Shape::Table {
            let row = json!({"cells": [], "object": object});
            let table = json!({
                "kind": "Table", "apiVersion": self.accept.meta_version(),
                "metadata": {"resourceVersion": revision.to_string()}, "columnDefinitions": render::columns(&self.resource),
                "rows": [row],
            });
            object = self.later_table(table);
        }
        let line = format!("{}\n", json!({"type": "BOOKMARK", "object": object}));
        self.put_line(line.as_bytes(), out);
    }

    fn error_frame(&self, error: &ApiError) -> Bytes {
        let mut out = BytesMut::new();
        let line = format!("{}\n", json!({"type": "ERROR", "object": error.to_status()}));
        self.put_line(line.as_bytes(), &mut out);
        out.freeze()
    }
}
