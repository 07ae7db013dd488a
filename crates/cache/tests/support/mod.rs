//! An API server for one kind that does what a test tells it to, wrongly if need be.
#![expect(dead_code, reason = "each test program uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::ApiResource;
use kube::client::Body;
use kubewright_cache::{CacheOptions, Caches, Informer, Keep, ObjectRef, Scope};
use parking_lot::Mutex;
use serde_json::{Value, json};

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;
type Frames = UnboundedSender<Result<Frame<Bytes>, io::Error>>;

/// What to do with the next request instead of answering it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answer with a Status.
    Status(u16, &'static str),
    /// Answer with a status code, a Retry-After header and no body.
    RetryAfter(u16, u64),
    /// Answer 200 with this.
    Body(&'static str),
    /// Break the connection.
    Refuse,
    /// Never answer.
    Hang,
    /// Answer a list or a stream as a replica of the server that is so many changes behind.
    Lag(usize),
}

/// The server; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<ObjectRef, Value>,
    revision: u64,
    /// Events by revision, and the last revision that is no longer there.
    log: Vec<(u64, &'static str, Value)>,
    compacted: u64,
    /// What was there after each change of the log, and before.
    past: Vec<(u64, BTreeMap<ObjectRef, Value>)>,
    uids: u64,
    watchers: Vec<Frames>,
    /// Pages of lists by their continue token.
    pages: BTreeMap<String, (u64, Vec<Value>)>,
    requests: Vec<String>,
    accepts: Vec<String>,
    faults: VecDeque<Fault>,
    no_watch_list: bool,
    ignores_watch_list: bool,
}

/// What a server can be put back to.
pub(crate) struct Backup {
    objects: BTreeMap<ObjectRef, Value>,
    revision: u64,
}

pub(crate) fn key(name: &str) -> ObjectRef {
    ObjectRef::new(Some("default"), name)
}

pub(crate) fn config_maps() -> ApiResource {
    ApiResource::erase::<ConfigMap>(&())
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A server that refuses WatchList, as those of Kubernetes 1.27 to 1.31 do by default.
    pub(crate) fn without_watch_list() -> Self {
        let server = Self::default();
        server.0.lock().no_watch_list = true;
        server
    }

    /// A server that has never heard of WatchList and takes it for a watch, as those before 1.27.
    pub(crate) fn ignoring_watch_list() -> Self {
        let server = Self::default();
        server.0.lock().ignores_watch_list = true;
        server
    }

    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            let (request, _) = request.into_parts();
            async move { server.answer(&request).await }
        });
        Client::new(service, "default")
    }

    pub(crate) fn caches(&self) -> Caches {
        Caches::new(self.client(), CacheOptions::default())
    }

    pub(crate) fn informer(&self) -> Informer {
        self.caches().informer(&config_maps(), Scope::default(), Keep::Whole).unwrap()
    }

    /// Creates or changes an object; tells its revision.
    pub(crate) fn put(&self, name: &str, data: &str) -> u64 {
        self.put_with(&key(name), json!({}), data)
    }

    pub(crate) fn put_with(&self, key: &ObjectRef, mut metadata: Value, data: &str) -> u64 {
        let state = &mut *self.0.lock();
        state.revision += 1;
        let known = state.objects.get(key).map(|object| object["metadata"]["uid"].clone());
        let event = if known.is_some() { "MODIFIED" } else { "ADDED" };
        let uid = known.unwrap_or_else(|| {
            state.uids += 1;
            json!(format!("uid-{}", state.uids))
        });
        metadata["name"] = json!(&*key.name);
        metadata["uid"] = uid;
        metadata["resourceVersion"] = json!(state.revision.to_string());
        if let Some(namespace) = &key.namespace {
            metadata["namespace"] = json!(&**namespace);
        }
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": data}});
        state.objects.insert(key.clone(), object.clone());
        state.happened(event, object);
        state.revision
    }

    pub(crate) fn delete(&self, name: &str) {
        self.delete_key(&key(name));
    }

    pub(crate) fn delete_key(&self, key: &ObjectRef) {
        let state = &mut *self.0.lock();
        if let Some(mut object) = state.objects.remove(key) {
            state.revision += 1;
            object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
            state.happened("DELETED", object);
        }
    }

    /// Lets time pass for other kinds.
    pub(crate) fn advance(&self) -> u64 {
        let state = &mut *self.0.lock();
        state.revision += 1;
        state.revision
    }

    pub(crate) fn bookmark(&self) {
        let state = &mut *self.0.lock();
        let line = bookmark(state.revision, false);
        state.send(&line);
    }

    /// Sends the last so many events again.
    pub(crate) fn repeat_last(&self, count: usize) {
        let state = &mut *self.0.lock();
        let lines: Vec<String> =
            state.log.iter().rev().take(count).rev().map(|(_, kind, object)| event(kind, object)).collect();
        for line in lines {
            state.send(&line);
        }
    }

    /// Sends bytes as they are to all watchers.
    pub(crate) fn send_raw(&self, bytes: &str) {
        self.0.lock().send(bytes);
    }

    /// Forgets the history.
    pub(crate) fn compact(&self) {
        let state = &mut *self.0.lock();
        state.forget();
    }

    /// Ends all watches politely.
    pub(crate) fn end_watches(&self) {
        self.0.lock().watchers.clear();
    }

    /// Breaks the connections of all watches.
    pub(crate) fn break_watches(&self) {
        for watcher in self.0.lock().watchers.drain(..) {
            _ = watcher.unbounded_send(Err(io::Error::other("connection reset")));
        }
    }

    /// Keeps the connections of all watches open but sends nothing more on them.
    pub(crate) fn silence_watches(&self) {
        let mut state = self.0.lock();
        // Whom nobody drops does not end.
        state.watchers.drain(..).for_each(std::mem::forget);
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.0.lock().faults.push_back(fault);
    }

    pub(crate) fn backup(&self) -> Backup {
        let state = self.0.lock();
        Backup { objects: state.objects.clone(), revision: state.revision }
    }

    /// Puts the server back to an earlier state, with an empty history.
    pub(crate) fn restore(&self, backup: Backup) {
        let state = &mut *self.0.lock();
        (state.objects, state.revision) = (backup.objects, backup.revision);
        // A watch from a version to come is accepted, and waits for it.
        state.forget();
    }

    pub(crate) fn revision(&self) -> u64 {
        self.0.lock().revision
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().requests.clone()
    }

    pub(crate) fn accepts(&self) -> Vec<String> {
        self.0.lock().accepts.clone()
    }

    pub(crate) fn open_watches(&self) -> usize {
        let state = &mut *self.0.lock();
        state.watchers.retain(|watcher| !watcher.is_closed());
        state.watchers.len()
    }

    /// Names and data of all objects.
    pub(crate) fn contents(&self) -> BTreeMap<ObjectRef, Value> {
        self.0.lock().objects.clone()
    }

    async fn answer(&self, request: &http::request::Parts) -> Result<Answer, io::Error> {
        let uri = request.uri.to_string();
        let fault = {
            let state = &mut *self.0.lock();
            state.requests.push(uri.clone());
            let accept = request.headers.get("accept").map(|accept| accept.to_str().unwrap().to_string());
            state.accepts.push(accept.unwrap_or_default());
            state.faults.pop_front()
        };
        match fault {
            Some(Fault::Status(code, reason)) => return Ok(status(code, reason)),
            Some(Fault::RetryAfter(code, seconds)) => {
                let answer = Response::builder().status(code).header("Retry-After", seconds);
                return Ok(answer.body(full(String::new())).unwrap());
            }
            Some(Fault::Body(body)) => return Ok(Response::new(full(body.to_string()))),
            Some(Fault::Refuse) => return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Lag(_)) | None => {}
        }
        let lag = if let Some(Fault::Lag(changes)) = fault { changes } else { 0 };
        // What a request takes: it lets others run.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let query: BTreeMap<String, String> = uri
            .split_once('?')
            .map(|(_, query)| query)
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let state = &mut *self.0.lock();
        Ok(if query.contains_key("watch") { state.watch(&query, lag) } else { state.list(&query, lag) })
    }
}

impl State {
    fn happened(&mut self, kind: &'static str, object: Value) {
        self.send(&event(kind, &object));
        self.log.push((self.revision, kind, object));
        self.past.push((self.revision, self.objects.clone()));
    }

    /// Forgets the history.
    fn forget(&mut self) {
        self.compacted = self.revision;
        self.log.clear();
        self.pages.clear();
        self.past.clear();
    }

    /// What was there so many changes ago, as far as that is known.
    fn seen_with(&self, lag: usize) -> (u64, BTreeMap<ObjectRef, Value>) {
        let at = self.past.len().checked_sub(lag + 1).filter(|_| lag > 0);
        at.map_or_else(|| (self.revision, self.objects.clone()), |at| self.past[at].clone())
    }

    fn send(&mut self, line: &str) {
        self.watchers.retain(|watcher| watcher.unbounded_send(Ok(Frame::data(line.to_string().into()))).is_ok());
    }

    fn watch(&mut self, query: &BTreeMap<String, String>, lag: usize) -> Answer {
        let streaming = query.contains_key("sendInitialEvents");
        if streaming && self.no_watch_list {
            return status(422, "Invalid");
        }
        let (sender, receiver) = unbounded();
        let mut lines = Vec::new();
        if streaming {
            let (revision, objects) = self.seen_with(lag);
            lines.extend(objects.values().map(|object| event("ADDED", object)));
            if !self.ignores_watch_list {
                lines.push(bookmark(revision, true));
            }
            lines
                .extend(self.log.iter().filter(|(at, ..)| *at > revision).map(|(_, kind, object)| event(kind, object)));
        } else {
            let from: u64 = query["resourceVersion"].parse().unwrap();
            if from < self.compacted {
                return status(410, "Expired");
            }
            lines.extend(self.log.iter().filter(|(at, ..)| *at > from).map(|(_, kind, object)| event(kind, object)));
        }
        for line in lines {
            sender.unbounded_send(Ok(Frame::data(line.into()))).unwrap();
        }
        self.watchers.push(sender);
        Response::new(BodyExt::boxed_unsync(StreamBody::new(receiver)))
    }

    fn list(&mut self, query: &BTreeMap<String, String>, lag: usize) -> Answer {
        let limit = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let (revision, mut items) = match query.get("continue") {
            None => {
                let (revision, objects) = self.seen_with(lag);
                (revision, objects.into_values().collect())
            }
            Some(token) => match self.pages.remove(token) {
                Some(page) => page,
                None => return status(410, "Expired"),
            },
        };
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if items.len() > limit {
            let rest = items.split_off(limit);
            let token = format!("token{}x{}", revision, rest.len());
            metadata["continue"] = json!(token);
            self.pages.insert(token, (revision, rest));
        }
        for item in &mut items {
            // As the server has it: items of a typed list lack them.
            let item = item.as_object_mut().unwrap();
            item.remove("apiVersion");
            item.remove("kind");
        }
        let list = json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": items});
        Response::new(full(list.to_string()))
    }
}

fn event(kind: &str, object: &Value) -> String {
    // The type comes first, as from all servers.
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

fn bookmark(revision: u64, initial_end: bool) -> String {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if initial_end {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    event("BOOKMARK", &json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}))
}

fn status(code: u16, reason: &str) -> Answer {
    let message = format!("the test wants {reason}");
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code});
    Response::builder().status(code).body(full(status.to_string())).unwrap()
}

fn full(body: String) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}
