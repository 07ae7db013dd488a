//! A scripted API server in process: real enough for informers and server-side apply, and it can misbehave on demand.
//!
//! It serves whatever kinds are asked for, by their paths. Lists in objects are atomic to its apply, but for owner
//! references. It runs on paused time.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "it runs in tests only")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Client, client::Body};
use kubewright_runtime::{
    Context, Controller, Error, Handle, Manager, ManagerError, ManagerOptions, ObjectRef, Outcome, Reconciler,
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A cheap handle to the server.
#[derive(Clone, Default)]
pub(crate) struct FakeApi(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Value>,
    revision: u64,
    uids: u64,
    watchers: Vec<Watcher>,
    /// Events that the watches do not get yet.
    held: Option<Vec<(Key, Value)>>,
    swallows: bool,
    hangs: bool,
    forbidden: BTreeSet<String>,
    /// Verbs on kinds that a SelfSubjectAccessReview says are not allowed.
    denied: BTreeSet<String>,
    /// Kinds without a status subresource.
    no_status: BTreeSet<String>,
    /// Holders whose Leases can't be written.
    no_leases: BTreeSet<String>,
    /// Answers for writes to come, in order, by method.
    failures: Vec<(Method, u16)>,
    requests: Vec<Logged>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) code: u16,
}

/// Plural, namespace (empty: none) and name.
type Key = (String, String, String);

struct Watcher {
    plural: String,
    namespace: Option<String>,
    events: mpsc::UnboundedSender<Value>,
}

struct Target {
    plural: String,
    namespace: Option<String>,
    name: Option<String>,
    subresource: Option<String>,
}

impl FakeApi {
    /// A client that talks to it.
    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        Client::new(service, "default")
    }

    /// Puts an object there, as another client would; returns it as stored.
    pub(crate) fn put(&self, plural: &str, object: Value) -> Value {
        let mut state = self.0.lock();
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let key = (plural.to_string(), text(&metadata["namespace"]), text(&metadata["name"]));
        state.store(key, object)
    }

    /// Changes an object that is there.
    pub(crate) fn change(&self, plural: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut state = self.0.lock();
        let key = (plural.to_string(), namespace.to_string(), name.to_string());
        let mut object = state.objects[&key].clone();
        change(&mut object);
        state.store(key, object)
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.0.lock().objects.get(&(plural.into(), namespace.into(), name.into())).cloned()
    }

    pub(crate) fn delete(&self, plural: &str, namespace: &str, name: &str) {
        self.0.lock().remove(&(plural.into(), namespace.into(), name.into()));
    }

    /// Watches get no events until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.0.lock().held.get_or_insert_default();
    }

    pub(crate) fn release(&self) {
        let mut state = self.0.lock();
        for (key, event) in state.held.take().unwrap_or_default() {
            state.send(&key, &event);
        }
    }

    /// Watches get nothing from now on, and what happens meanwhile never.
    pub(crate) fn swallow(&self) {
        self.0.lock().swallows = true;
    }

    /// Whether it is gone without a word: watches get nothing, requests no answer.
    pub(crate) fn hang(&self, hangs: bool) {
        let mut state = self.0.lock();
        (state.hangs, state.swallows) = (hangs, hangs);
    }

    /// Watches end with 410, and the server is back at an older revision, without what came after it.
    pub(crate) fn restore(&self, revision: u64) {
        let mut state = self.0.lock();
        state.swallows = false;
        state.revision = revision;
        let gone = status(410, "too old resource version", "");
        for watcher in state.watchers.drain(..) {
            let _ = watcher.events.send(json!({"type": "ERROR", "object": gone}));
        }
        for object in state.objects.values_mut() {
            object["metadata"]["resourceVersion"] = revision.to_string().into();
        }
    }

    /// Lists and watches of this kind are refused.
    pub(crate) fn forbid(&self, plural: &str) {
        self.0.lock().forbidden.insert(plural.to_string());
    }

    /// The names of the objects of a kind, in all namespaces.
    pub(crate) fn names(&self, plural: &str) -> Vec<String> {
        let state = self.0.lock();
        state.objects.keys().filter(|(of, ..)| of == plural).map(|(.., name)| name.clone()).collect()
    }

    /// Writes of Leases in the name of this holder, or of one that begins so, are answered by an error of the server.
    pub(crate) fn refuse_lease_writes_of(&self, holder: &str) {
        self.0.lock().no_leases.insert(holder.to_string());
    }

    /// A SelfSubjectAccessReview says that this verb on this kind is not allowed.
    pub(crate) fn deny(&self, verb: &str, plural: &str) {
        self.0.lock().denied.insert(format!("{verb} {plural}"));
    }

    pub(crate) fn permit(&self, verb: &str, plural: &str) {
        self.0.lock().denied.remove(&format!("{verb} {plural}"));
    }

    pub(crate) fn without_status(&self, plural: &str) {
        self.0.lock().no_status.insert(plural.to_string());
    }

    pub(crate) fn allow(&self, plural: &str) {
        self.0.lock().forbidden.remove(plural);
    }

    /// The next request with this method fails with this code.
    pub(crate) fn fail(&self, method: Method, code: u16) {
        self.0.lock().failures.push((method, code));
    }

    /// Requests that can change something, but for those about events and rights.
    pub(crate) fn writes(&self) -> Vec<Logged> {
        let state = self.0.lock();
        let writes = state.requests.iter().filter(|logged| logged.method != Method::GET);
        let about = |path: &str| path.contains("/events") || path.ends_with("reviews");
        writes.filter(|logged| !about(&logged.path)).cloned().collect()
    }

    /// How many watches of a kind are open.
    pub(crate) fn watches(&self, plural: &str) -> usize {
        let state = self.0.lock();
        state.watchers.iter().filter(|watcher| watcher.plural == plural && !watcher.events.is_closed()).count()
    }

    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.0.lock().requests.clone()
    }

    pub(crate) fn forget_requests(&self) {
        self.0.lock().requests.clear();
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<ReplyBody>, kube::Error> {
        let hangs = self.0.lock().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = parts.uri.path().to_string();
        let query = parts.uri.query().unwrap_or_default().to_string();
        let response = {
            let mut state = self.0.lock();
            let failure = state.failures.iter().position(|(method, _)| *method == parts.method);
            match failure.map(|at| state.failures.remove(at)) {
                Some((_, code)) => Err((code, "told to fail".to_string())),
                None => state.handle(&parts.method, &path, &query, &body),
            }
        };
        let (code, response) = match response {
            Ok((code, body)) => (code, body),
            Err((code, message)) => (code, Reply::Json(status(code, &message, &path))),
        };
        self.0.lock().requests.push(Logged { method: parts.method, path, query, code });
        let body = match response {
            Reply::Json(value) => whole_body(&value),
            Reply::Stream(events) => stream_body(events),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        Ok(response)
    }
}

/// Waits until something is so, with time standing still but for what is waited for; panics after two virtual minutes.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..120_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("in vain: {what}");
}

/// Checks that something stays so for a while of virtual time.
pub(crate) async fn consistently(what: &str, time: Duration, mut holds: impl FnMut() -> bool) {
    for _ in 0..100 {
        assert!(holds(), "no longer: {what}");
        tokio::time::sleep(time / 100).await;
    }
}

enum Reply {
    Json(Value),
    Stream(mpsc::UnboundedReceiver<Value>),
}

type ReplyBody = UnsyncBoxBody<Bytes, std::io::Error>;
type Answer = Result<(u16, Reply), (u16, String)>;

impl State {
    fn handle(&mut self, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
        let target = Target::parse(path).ok_or((404, format!("no such path: {path}")))?;
        let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        let namespace = target.namespace.clone().unwrap_or_default();
        if body["spec"]["holderIdentity"]
            .as_str()
            .is_some_and(|holder| self.no_leases.iter().any(|known| holder.starts_with(known.as_str())))
        {
            return Err((500, "etcd is away".into()));
        }
        match (method.as_str(), target.name.clone()) {
            ("GET", None) if self.forbidden.contains(&target.plural) => {
                Err((403, format!("{} is forbidden: the user may not list it", target.plural)))
            }
            ("GET", None) if matches!(query.get("watch"), Some(&"true" | &"1")) => {
                Ok((200, self.watch(&target, &query)))
            }
            ("GET", None) => Ok((200, Reply::Json(self.list(&target)))),
            ("GET", Some(name)) => {
                let key = (target.plural, namespace, name);
                let object = self.objects.get(&key).ok_or((404, "not found".to_string()))?;
                Ok((200, Reply::Json(object.clone())))
            }
            ("POST", None) if target.plural.ends_with("reviews") => {
                Ok((201, Reply::Json(self.review(&target.plural, body))))
            }
            ("POST", None) => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default().to_string();
                let key = (target.plural, namespace, name);
                if self.objects.contains_key(&key) {
                    return Err((409, "already exists".into()));
                }
                Ok((201, Reply::Json(self.store(key, body))))
            }
            ("PATCH", Some(_)) if target.subresource.is_some() && self.no_status.contains(&target.plural) => {
                Err((404, "the server could not find the requested resource".into()))
            }
            ("PATCH", Some(name)) => {
                let key = (target.plural, namespace, name);
                let manager = query.get("fieldManager").copied().unwrap_or_default();
                let status = target.subresource.as_deref() == Some("status");
                // Only an apply names its type.
                if body.get("apiVersion").is_some() {
                    self.apply(key, body, manager, status)
                } else {
                    self.merge(key, &body)
                }
            }
            ("PUT", Some(name)) => {
                let key = (target.plural, namespace, name);
                let object = self.objects.get(&key).ok_or((404, "not found".to_string()))?;
                let mut body = body;
                if body["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
                    return Err((409, "the object has been modified".into()));
                }
                body["metadata"]["uid"] = object["metadata"]["uid"].clone();
                Ok((200, Reply::Json(self.store(key, body))))
            }
            ("DELETE", Some(name)) => {
                let key = (target.plural, namespace, name);
                let object = self.objects.get(&key).ok_or((404, "not found".to_string()))?.clone();
                for field in ["uid", "resourceVersion"] {
                    let wanted = &body["preconditions"][field];
                    if !wanted.is_null() && *wanted != object["metadata"][field] {
                        return Err((409, format!("the precondition on {field} failed")));
                    }
                }
                let uid = object["metadata"]["uid"].clone();
                if object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty()) {
                    let mut object = object;
                    object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
                    return Ok((200, Reply::Json(self.store(key, object))));
                }
                self.remove(&key);
                Ok((
                    200,
                    Reply::Json(
                        json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"uid": uid}}),
                    ),
                ))
            }
            _ => Err((405, "method not allowed".into())),
        }
    }

    /// The token `good` is that of the user `ci`, who may post. Everything is allowed but what is denied.
    fn review(&self, plural: &str, mut review: Value) -> Value {
        review["status"] = match plural {
            "tokenreviews" => match review["spec"]["token"].as_str() {
                Some("good") => json!({"authenticated": true, "user": {"username": "ci"}}),
                Some("other") => json!({"authenticated": true, "user": {"username": "other"}}),
                _ => json!({"authenticated": false}),
            },
            "subjectaccessreviews" => {
                json!({"allowed": review["spec"]["user"] == "ci" && review["spec"]["nonResourceAttributes"]["verb"] == "post"})
            }
            _ => {
                let attributes = &review["spec"]["resourceAttributes"];
                let text = |field: &str| attributes[field].as_str().unwrap_or_default();
                let denied = format!("{} {}", text("verb"), text("resource"));
                json!({"allowed": !self.denied.contains(&denied)})
            }
        };
        review
    }

    fn list(&self, target: &Target) -> Value {
        let items: Vec<&Value> = self.selected(&target.plural, target.namespace.as_deref()).collect();
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.revision.to_string()}, "items": items})
    }

    fn selected<'a>(&'a self, plural: &'a str, namespace: Option<&'a str>) -> impl Iterator<Item = &'a Value> {
        let of_kind = self.objects.iter().filter(move |((of, ..), _)| of == plural);
        of_kind
            .filter(move |((_, within, _), _)| namespace.is_none_or(|namespace| within == namespace))
            .map(|(_, object)| object)
    }

    fn watch(&mut self, target: &Target, query: &BTreeMap<&str, &str>) -> Reply {
        let (events, stream) = mpsc::unbounded_channel();
        let from: u64 = query.get("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or_default();
        let initial = query.get("sendInitialEvents") == Some(&"true");
        for object in self.selected(&target.plural, target.namespace.as_deref()) {
            let version: u64 = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
            if initial || version > from {
                events.send(json!({"type": "ADDED", "object": object})).unwrap();
            }
        }
        if initial {
            let annotations = json!({"k8s.io/initial-events-end": "true"});
            let metadata = json!({"resourceVersion": self.revision.to_string(), "annotations": annotations});
            events.send(json!({"type": "BOOKMARK", "object": {"metadata": metadata}})).unwrap();
        }
        self.watchers.push(Watcher { plural: target.plural.clone(), namespace: target.namespace.clone(), events });
        Reply::Stream(stream)
    }

    fn apply(&mut self, key: Key, mut wanted: Value, manager: &str, status: bool) -> Answer {
        let before = self.objects.get(&key).cloned();
        let uid = &wanted["metadata"]["uid"];
        match &before {
            Some(before) if !uid.is_null() && *uid != before["metadata"]["uid"] => {
                return Err((409, "the uid in the precondition is another".into()));
            }
            None if !uid.is_null() || status => return Err((404, "not found".into())),
            _ => {}
        }
        let api_version = wanted["apiVersion"].clone();
        let mut live = before.clone().unwrap_or_else(|| {
            json!({"apiVersion": api_version, "kind": wanted["kind"], "metadata": {"name": key.2, "namespace": key.1}})
        });
        wanted["metadata"]
            .as_object_mut()
            .unwrap()
            .retain(|field, _| field == "labels" || field == "annotations" || field == "ownerReferences");
        wanted.as_object_mut().unwrap().retain(|field, value| match field.as_str() {
            "apiVersion" | "kind" => false,
            "status" => status,
            "metadata" => !status && !value.as_object().unwrap().is_empty(),
            _ => !status,
        });
        let subresource = if status { "status" } else { "" };
        let mut entries = live["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let mine = |entry: &Value| {
            entry["manager"] == manager && entry["subresource"].as_str().unwrap_or_default() == subresource
        };
        if let Some(at) = entries.iter().position(mine) {
            let old = entries.remove(at);
            remove_owned(&mut live, &old["fieldsV1"]);
        }
        let mut stored = wanted.clone();
        normalise(&mut stored);
        lay_over(&mut live, &stored);
        entries.push(json!({
            "manager": manager, "operation": "Apply", "apiVersion": api_version, "subresource": subresource,
            "fieldsType": "FieldsV1", "fieldsV1": fields_of(&wanted, ""),
        }));
        live["metadata"]["managedFields"] = entries.into();
        let code = if before.is_some() { 200 } else { 201 };
        if before.as_ref() == Some(&live) {
            return Ok((code, Reply::Json(live)));
        }
        Ok((code, Reply::Json(self.store(key, live))))
    }

    fn merge(&mut self, key: Key, patch: &Value) -> Answer {
        let mut object = self.objects.get(&key).ok_or((404, "not found".to_string()))?.clone();
        let version = &patch["metadata"]["resourceVersion"];
        if !version.is_null() && *version != object["metadata"]["resourceVersion"] {
            return Err((409, "the object has been modified".into()));
        }
        let before = object.clone();
        lay_over(&mut object, patch);
        if object == before {
            return Ok((200, Reply::Json(object)));
        }
        let finalizers = object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        if !object["metadata"]["deletionTimestamp"].is_null() && !finalizers {
            self.remove(&key);
            return Ok((200, Reply::Json(object)));
        }
        Ok((200, Reply::Json(self.store(key, object))))
    }

    fn store(&mut self, key: Key, mut object: Value) -> Value {
        self.revision += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = self.revision.to_string().into();
        if key.1.is_empty() {
            metadata.as_object_mut().unwrap().remove("namespace");
        }
        if metadata["uid"].is_null() {
            self.uids += 1;
            metadata["uid"] = format!("uid-{}", self.uids).into();
        }
        let known = self.objects.insert(key.clone(), object.clone()).is_some();
        let kind = if known { "MODIFIED" } else { "ADDED" };
        self.event(key, json!({"type": kind, "object": object}));
        object
    }

    fn remove(&mut self, key: &Key) {
        if let Some(mut object) = self.objects.remove(key) {
            self.revision += 1;
            object["metadata"]["resourceVersion"] = self.revision.to_string().into();
            self.event(key.clone(), json!({"type": "DELETED", "object": object}));
        }
    }

    fn event(&mut self, key: Key, event: Value) {
        if self.swallows {
            return;
        }
        match &mut self.held {
            Some(held) => held.push((key, event)),
            None => self.send(&key, &event),
        }
    }

    fn send(&mut self, (plural, namespace, _): &Key, event: &Value) {
        self.watchers.retain(|watcher| {
            let wants =
                watcher.plural == *plural && watcher.namespace.as_ref().is_none_or(|within| within == namespace);
            !wants || watcher.events.send(event.clone()).is_ok()
        });
    }
}

impl Target {
    fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        if parts.next()? == "apis" {
            parts.next()?;
        }
        parts.next()?;
        let mut rest: Vec<String> = parts.map(str::to_string).collect();
        let namespace = (rest.len() > 2 && rest[0] == "namespaces").then(|| rest.drain(..2).nth(1)).flatten();
        let mut rest = rest.into_iter();
        Some(Self { plural: rest.next()?, namespace, name: rest.next(), subresource: rest.next() })
    }
}

/// The server stores a quantity in another form than the one it was sent in.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(normalise),
        Value::String(text) if text == "1000m" => *text = "1".into(),
        _ => {}
    }
}

fn fields_of(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let fields = map.iter().map(|(key, value)| (format!("f:{key}"), fields_of(value, key)));
            Value::Object(fields.collect())
        }
        Value::Array(items) if name == "ownerReferences" => {
            let fields = items.iter().map(|item| (format!("k:{}", json!({"uid": item["uid"]})), json!({})));
            Value::Object(fields.collect())
        }
        _ => json!({}),
    }
}

fn remove_owned(live: &mut Value, fields: &Value) {
    for (key, below) in fields.as_object().into_iter().flatten() {
        let Some(name) = key.strip_prefix("f:") else { continue };
        let Some(map) = live.as_object_mut() else { continue };
        let leaf = below.as_object().is_none_or(Map::is_empty)
            || below.as_object().unwrap().keys().any(|key| key.starts_with("k:"));
        if leaf {
            map.remove(name);
        } else if let Some(inner) = map.get_mut(name) {
            remove_owned(inner, below);
            if inner.as_object().is_some_and(Map::is_empty) {
                map.remove(name);
            }
        }
    }
}

fn lay_over(live: &mut Value, patch: &Value) {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    live.remove(key);
                } else {
                    lay_over(live.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (live, patch) => *live = patch.clone(),
    }
}

fn status(code: u16, message: &str, path: &str) -> Value {
    let target = Target::parse(path).filter(|_| message == "not found");
    let details = target.map(|target| json!({"name": target.name}));
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details})
}

fn stream_body(events: mpsc::UnboundedReceiver<Value>) -> ReplyBody {
    let frames = stream::unfold(events, |mut events| async move {
        let event = events.recv().await?;
        Some((Ok(Frame::data(Bytes::from(format!("{event}\n")))), events))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn whole_body(value: &Value) -> ReplyBody {
    Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync()
}

type Job = dyn for<'a> Fn(Arc<ConfigMap>, &'a Context) -> BoxFuture<'a, Result<Outcome, Error>> + Send + Sync;

/// A reconciler of ConfigMaps that does what a test says, and counts its runs.
#[derive(Clone)]
pub(crate) struct Told {
    job: Arc<Job>,
    runs: Arc<Mutex<Vec<String>>>,
    gone: Arc<Mutex<Vec<String>>>,
}

/// Has ConfigMaps reconciled by `job`.
pub(crate) fn told<F>(job: F) -> Told
where
    F: for<'a> Fn(Arc<ConfigMap>, &'a Context) -> BoxFuture<'a, Result<Outcome, Error>> + Send + Sync + 'static,
{
    Told { job: Arc::new(job), runs: Arc::default(), gone: Arc::default() }
}

impl Told {
    /// The names of the objects for which it ran, in order.
    pub(crate) fn runs(&self) -> Vec<String> {
        self.runs.lock().clone()
    }

    pub(crate) fn gone(&self) -> Vec<String> {
        self.gone.lock().clone()
    }
}

impl Reconciler for Told {
    type Object = ConfigMap;

    async fn reconcile(&self, object: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
        self.runs.lock().push(object.metadata.name.clone().unwrap_or_default());
        (self.job)(object, ctx).await
    }

    async fn gone(&self, key: &ObjectRef, _: &Context) -> Result<Outcome, Error> {
        self.gone.lock().push(key.to_string());
        Ok(Outcome::Settled)
    }
}

/// A manager that runs in the background.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) stop: CancellationToken,
    task: JoinHandle<Result<(), ManagerError>>,
}

/// Runs controllers without HTTP endpoints.
pub(crate) fn run(api: &FakeApi, controllers: impl IntoIterator<Item = Controller>) -> Running {
    let options = ManagerOptions { listen: None, seed: 1, ..ManagerOptions::default() };
    let manager = Manager::new(api.client(), options);
    start(controllers.into_iter().fold(manager, Manager::controller))
}

pub(crate) fn start(manager: Manager) -> Running {
    let (handle, stop) = (manager.handle(), CancellationToken::new());
    Running { handle, task: tokio::spawn(manager.run(stop.clone())), stop }
}

impl Running {
    /// Waits until the manager has nothing to do.
    pub(crate) async fn settled(&self) {
        eventually("the manager settles", || {
            let controllers = self.handle.status();
            !controllers.is_empty() && controllers.iter().all(|c| c.started && c.queued + c.delayed + c.active == 0)
        })
        .await;
        // What the watches bring for the last writes.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// How it ended, by itself.
    pub(crate) async fn ended(self) -> Result<(), ManagerError> {
        self.task.await.unwrap()
    }

    pub(crate) async fn stop(self) -> Result<(), ManagerError> {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

/// A ConfigMap to reconcile.
pub(crate) fn parent(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "ns"}})
}
