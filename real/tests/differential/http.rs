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
const COMPARED: [&str; 5] = ["cache-control", "content-type", "location", "vary", "warning"];
/// Headers that both servers are to send, with a value of their own.
const PRESENT: [&str; 3] = ["audit-id", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"];
/// The status of an answer that has not come.
pub(crate) const BROKEN: &str = "connection broken";
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
const UNTIL_WITHIN: Duration = Duration::from_secs(10);

/// Asks a server, with what the steps of the case have saved from its answers.
pub(crate) struct Http {
    client: Client,
    saved: BTreeMap<String, String>,
    normaliser: Normaliser,
}

impl Server for Http {
    type Question = Step;

    async fn begin(&mut self, namespace: &str) {
        self.saved = BTreeMap::from([("ns".to_owned(), namespace.to_owned())]);
        self.normaliser = Normaliser::default();
        let body = json!({"metadata": {"name": namespace}}).to_string();
        let step = Step { body: Some(Value::String(body)), ..Step::call("POST", "/api/v1/namespaces") };
        let answer = self.send(&step).await;
        assert_eq!(answer["status"], 201, "the namespace {namespace} is made: {answer}");
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
                while !reached(until, &answer) && Instant::now() < deadline {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    answer = self.send(step).await;
                }
                answer["reached"] = reached(until, &answer).into();
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
    pub(crate) fn new(client: Client) -> Self {
        Self { client, saved: BTreeMap::new(), normaliser: Normaliser::default() }
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

    async fn send_in_time(&self, step: &Step) -> Value {
        let (method, path) = step.call.split_once(' ').expect("a call is a method and a path");
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
        let bytes = body.collect().await.expect("the answer is whole").to_bytes();
        let text = String::from_utf8_lossy(&bytes);
        let content_type = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = match content_type {
            "application/yaml" => serde_saphyr::from_str(&text).unwrap_or_default(),
            // What is in it beyond what is read is compared by the vectors, byte by byte.
            "application/vnd.kubernetes.protobuf" => decode_protobuf(&bytes).unwrap_or_else(Value::String),
            _ => parse(&text),
        };
        json!({"status": parts.status.as_u16(), "headers": headers(&parts.headers), "body": body})
    }

    /// `$name` for each saved name.
    fn fill(&self, text: &str) -> String {
        self.saved.iter().rev().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }
}

/// One JSON document, a line each of several (a watch), or text.
fn parse(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let Ok(mut lines) = lines else { return Value::String(text.to_owned()) };
    // When a watch tells how far it is, beyond the end of the initial events, is chance.
    lines.retain(|event| event["type"] != "BOOKMARK" || ends_initial(&event["object"]));
    if lines.len() == 1 { lines.remove(0) } else { Value::Array(lines) }
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
