//! Asks a server by HTTP: sends a call and gives the answer as one JSON tree, ready to be compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use kubewright_apiserver::decode_protobuf;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::Server;
use crate::case::{Step, Until};
use crate::normalise::Normaliser;

/// Headers whose value both servers are to agree on.
const COMPARED: [&str; 7] = ["allow", "cache-control", "content-type", "location", "retry-after", "vary", "warning"];
/// Headers that both servers are to send, with a value of their own.
const PRESENT: [&str; 3] = ["audit-id", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"];
/// The status of an answer that has not come.
const BROKEN: &str = "connection broken";
/// Long, as the machine may have other things to do.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const UNTIL_WITHIN: Duration = Duration::from_secs(60);
/// What a server says that has not got the time, or the etcd, that it needs.
const OVERLOADED: [&str; 8] = [
    "etcdserver: ",
    "context deadline exceeded",
    "context canceled",
    "request did not complete within",
    "storage is (re)initializing",
    "unable to handle the request",
    "connection refused",
    "Too many requests, please try again later",
];
/// Selects nothing.
const NOTHING: &str = "labelSelector=nothing%3Dthis";

/// Whether an answer tells how busy the machine is, and nothing else: it did not come, or is an error for want of time.
pub(crate) fn overloaded(answer: &Value) -> bool {
    let of_one = |status: &Value, text: &str| {
        status.as_u64().is_none_or(|status| {
            matches!(status, 429 | 500 | 503 | 504) && OVERLOADED.iter().any(|words| text.contains(words))
        })
    };
    match answer.get("outcomes").and_then(Value::as_array) {
        // Their messages are not kept: no call that is sent several times ends like this for another reason.
        Some(outcomes) => outcomes.iter().filter_map(Value::as_str).any(|outcome| outcome.starts_with(['5', '"'])),
        None => of_one(&answer["status"], &answer["body"].to_string()),
    }
}

/// Asks a server, with what the steps of the case have saved from its answers.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    /// `$patience` of the steps: how many seconds a watch lasts.
    patience: u32,
    saved: BTreeMap<String, String>,
    normaliser: Normaliser,
}

impl Server for Http {
    type Question = Step;

    async fn begin(&mut self, namespace: &str) {
        let watched = ("patience".to_owned(), self.patience.to_string());
        self.saved = BTreeMap::from([("ns".to_owned(), namespace.to_owned()), watched]);
        self.normaliser = Normaliser::default();
        let body = json!({"metadata": {"name": namespace}}).to_string();
        let step = Step { body: Some(Value::String(body)), ..Step::call("POST", "/api/v1/namespaces") };
        let deadline = Instant::now() + UNTIL_WITHIN;
        let mut answer = self.send(&step).await;
        let mut again = false;
        while overloaded(&answer) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(100)).await;
            answer = self.send(&step).await;
            again = true;
        }
        // What was answered with an error for want of time may have been made all the same.
        let made = answer["status"] == 201 || (again && answer["status"] == 409);
        assert!(made, "the namespace {namespace} is made: {answer}");
    }

    /// Status, headers and body; of a step with `until` also whether the answer became like that.
    async fn answer(&mut self, step: &Step) -> Value {
        let mut answer;
        match &step.until {
            None if step.times.is_some() => return self.send_at_once(step).await,
            None => answer = self.send(step).await,
            Some(until) => {
                let deadline = Instant::now() + UNTIL_WITHIN;
                answer = self.send(step).await;
                let until = self.filled(until);
                while !reached(&until, &answer) && Instant::now() < deadline {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    answer = self.send(step).await;
                }
                answer["reached"] = reached(&until, &answer).into();
            }
        }
        for (name, pointer) in &step.save {
            let found = answer["body"].pointer(pointer);
            match found.map(|value| value.as_str().map_or(value.to_string(), str::to_owned)) {
                Some(text) => self.saved.insert(name.clone(), text),
                None if self.saved.contains_key(name) => None,
                None => self.saved.insert(name.clone(), String::new()),
            };
        }
        self.normaliser.normalise(&mut answer);
        answer
    }
}

impl Http {
    pub(crate) fn new(client: Client, patience: u32) -> Self {
        Self { client, patience, saved: BTreeMap::new(), normaliser: Normaliser::default() }
    }

    /// The same with what it has learned so far, and watches that last so many seconds.
    pub(crate) fn with_patience(&self, patience: u32) -> Self {
        let mut other = Self { patience, ..self.clone() };
        other.saved.insert("patience".to_owned(), patience.to_string());
        other
    }

    /// The statuses and reasons of the answers to the same call, sent several times at once.
    async fn send_at_once(&self, step: &Step) -> Value {
        let calls = (0..step.times.unwrap_or(1)).map(|_| self.send(step));
        let mut outcomes: Vec<String> = join_all(calls)
            .await
            .iter()
            .map(|answer| format!("{} {}", answer["status"], answer["body"]["reason"].as_str().unwrap_or_default()))
            .collect();
        outcomes.sort();
        json!({"outcomes": outcomes})
    }

    async fn send(&self, step: &Step) -> Value {
        timeout(ANSWERS_WITHIN, self.send_in_time(step))
            .await
            .unwrap_or_else(|_| json!({"status": format!("none within {ANSWERS_WITHIN:?}")}))
    }

    /// Waits until the server's cache is as new as what has been written: it answers from there what names a resourceVersion,
    /// and a watch, and would tell an older state when it is busy.
    async fn catch_up(&self, path: &str) {
        if let Some(collection) = collection(&self.fill(path)) {
            let path = format!("{collection}?{NOTHING}");
            let request = Request::get(path).body(Body::from(Vec::new())).expect("the path is well-formed");
            // A refusal does not matter: then the call itself is refused too.
            if let Ok(response) = self.client.send(request).await {
                let _ = response.into_body().collect().await;
            }
        }
    }

    async fn send_in_time(&self, step: &Step) -> Value {
        let (method, path) = step.call.split_once(' ').expect("a call is a method and a path");
        if path.contains("resourceVersion=") || path.contains("watch=") {
            self.catch_up(path).await;
        }
        let mut request = Request::builder()
            .method(method)
            .uri(self.fill(path))
            // The name of the field manager, when none is given, comes from it.
            .header("user-agent", "differential/1")
            .header("accept", step.accept.as_deref().unwrap_or("application/json"));
        for (name, value) in &step.headers {
            request = request.header(name, self.fill(value));
        }
        let body = match &step.body {
            None => String::new(),
            Some(Value::String(text)) => self.fill(text),
            Some(tree) => self.fill(&tree.to_string()),
        };
        if step.body.is_some() {
            request = request.header("content-type", step.content_type.as_deref().unwrap_or("application/json"));
        }
        let request = request.body(Body::from(body.into_bytes())).expect("the case gives a well-formed request");
        // A real server that panics ends the connection.
        let Ok(response) = self.client.send(request).await else { return json!({"status": BROKEN}) };
        let (parts, body) = response.into_parts();
        let Ok(bytes) = body.collect().await.map(|body| body.to_bytes()) else { return json!({"status": BROKEN}) };
        let text = String::from_utf8_lossy(&bytes);
        let content_type = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = match content_type {
            "application/yaml" => serde_saphyr::from_str(&text).unwrap_or_default(),
            // What is in it beyond what is read is compared by the vectors, byte by byte.
            "application/vnd.kubernetes.protobuf" => decode_protobuf(&bytes).unwrap_or_else(Value::String),
            "application/vnd.kubernetes.protobuf;stream=watch" => of_watch(frames(&bytes)),
            _ => parse(&text),
        };
        json!({"status": parts.status.as_u16(), "headers": headers(&parts.headers), "body": body})
    }

    fn filled(&self, until: &Until) -> Until {
        let mut until = until.clone();
        for value in until.body.values_mut() {
            if let Value::String(text) = value {
                *text = self.fill(text);
            }
        }
        until
    }

    /// `$name` for each saved name.
    fn fill(&self, text: &str) -> String {
        self.saved.iter().rev().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }
}

/// The path of the collection that a path leads to, or into.
fn collection(path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let resource = if parts.get(1) == Some(&"apis") { 4 } else { 3 };
    let namespaced = parts.get(resource) == Some(&"namespaces") && parts.len() > resource + 2;
    let ends = if namespaced { resource + 3 } else { resource + 1 };
    parts.get(..ends).map(|parts| parts.join("/"))
}

/// One JSON document, a line each of several (a watch), or text.
fn parse(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match lines {
        Ok(lines) => of_watch(lines),
        Err(_) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

/// The events of a watch, or the only thing that there is.
fn of_watch(mut events: Vec<Value>) -> Value {
    // When a watch tells how far it is, beyond the end of the initial events, is chance.
    events.retain(|event| event["type"] != "BOOKMARK" || ends_initial(&event["object"]));
    match events.len() {
        0 => Value::Null,
        1 => events.remove(0),
        _ => Value::Array(events),
    }
}

/// The events of a watch in protobuf: each with its length in front, a message of a type and an object in its envelope.
fn frames(bytes: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        let event_type = field(frame, 1).map(|text| String::from_utf8_lossy(text).into_owned());
        let object = field(frame, 2).and_then(|object| field(object, 1)).unwrap_or_default();
        events.push(json!({"type": event_type, "object": decode_protobuf(object).unwrap_or_else(Value::String)}));
        rest = after;
    }
    events
}

/// A field that has a length, of a message whose fields all have one.
fn field(message: &[u8], number: u8) -> Option<&[u8]> {
    let mut rest = message;
    while let Some((tag, mut after)) = rest.split_first() {
        let (mut length, mut shift) = (0_usize, 0);
        while let Some((byte, behind)) = after.split_first() {
            length |= usize::from(byte & 0x7f) << shift;
            (after, shift) = (behind, shift + 7);
            if byte & 0x80 == 0 || shift > 28 {
                break;
            }
        }
        let (value, behind) = after.split_at_checked(length)?;
        if *tag == number << 3 | 2 {
            return Some(value);
        }
        rest = behind;
    }
    None
}

/// Whether a bookmark, or the row of it in a table, tells that what was there has been sent.
fn ends_initial(object: &Value) -> bool {
    let ends = |object: &Value| !object["metadata"]["annotations"]["k8s.io/initial-events-end"].is_null();
    ends(object) || ends(&object["rows"][0]["object"])
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut found = Map::new();
    for name in COMPARED {
        let values: Vec<String> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        if !values.is_empty() {
            found.insert(name.to_owned(), values.join(", ").into());
        }
    }
    for name in PRESENT {
        found.insert(name.to_owned(), headers.contains_key(name).into());
    }
    found
}

fn reached(until: &Until, answer: &Value) -> bool {
    until.status.is_none_or(|status| answer["status"] == status)
        && until.body.iter().all(|(pointer, value)| answer["body"].pointer(pointer) == Some(value))
}

#[test]
fn the_collection_of_a_path_is_found() {
    assert_eq!(collection("/api/v1/namespaces/n/pods/a/status?x=1").as_deref(), Some("/api/v1/namespaces/n/pods"));
    assert_eq!(collection("/apis/apps/v1/deployments?watch=1").as_deref(), Some("/apis/apps/v1/deployments"));
    assert_eq!(collection("/api/v1/namespaces/a").as_deref(), Some("/api/v1/namespaces"));
    assert_eq!(collection("/api/v1"), None);
}

#[test]
fn an_error_for_want_of_time_is_told_from_others() {
    let answer = |status: u16, message: &str| json!({"status": status, "body": {"message": message}});
    assert!(overloaded(&answer(500, "etcdserver: request timed out")));
    assert!(overloaded(&json!({"status": BROKEN})));
    assert!(!overloaded(&answer(504, "Timeout: Too large resource version: 9, current: 8")));
    assert!(!overloaded(&answer(422, "etcdserver: request timed out")));
    assert!(overloaded(&json!({"outcomes": ["200 ", "504 Timeout"]})));
    assert!(!overloaded(&json!({"outcomes": ["201 ", "409 AlreadyExists"]})));
}
