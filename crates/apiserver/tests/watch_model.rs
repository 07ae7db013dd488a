//! Random writes and watches with selectors against a model: every watcher is sent what its selector makes of each change,
//! once and in order, whatever is skipped for it in between, and its bookmarks tell how far it is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{Client, Events};

/// Objects in each namespace.
const OBJECTS: usize = 3;
const NAMESPACES: [&str; 2] = ["one", "two"];
/// What the selectors look at; the first stands for no label.
const LABELS: [&str; 3] = ["", "1", "2"];
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// How long a watch lasts, in seconds; longer than any case, so that bookmarks come too.
const LASTS: u64 = 200;

#[derive(Debug, Clone, Copy)]
enum Selector {
    Everything,
    Label(usize),
    Exists,
    Not(usize),
    Name(usize),
    NotName(usize),
}

impl Selector {
    fn query(self) -> String {
        match self {
            Self::Everything => String::new(),
            Self::Label(label) => format!("&labelSelector=k%3D{}", LABELS[label]),
            Self::Exists => "&labelSelector=k".to_owned(),
            Self::Not(label) => format!("&labelSelector=k%21%3D{}", LABELS[label]),
            Self::Name(object) => format!("&fieldSelector=metadata.name%3Dm{object}"),
            Self::NotName(object) => format!("&fieldSelector=metadata.name%21%3Dm{object}"),
        }
    }

    fn matches(self, object: &Value) -> bool {
        let label = object["metadata"]["labels"]["k"].as_str();
        let is = |number: usize| object["metadata"]["name"] == format!("m{number}");
        match self {
            Self::Everything => true,
            Self::Label(wanted) => label == Some(LABELS[wanted]),
            Self::Exists => label.is_some(),
            Self::Not(unwanted) => label != Some(LABELS[unwanted]),
            Self::Name(wanted) => is(wanted),
            Self::NotName(unwanted) => !is(unwanted),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Create, or replace if it is there.
    Put {
        namespace: usize,
        object: usize,
        label: usize,
    },
    Delete {
        namespace: usize,
        object: usize,
    },
    /// Something else is written, that no watcher is told of.
    Elsewhere,
    Watch {
        namespace: Option<usize>,
        selector: Selector,
        back: usize,
        initial: bool,
        bookmarks: bool,
        metadata: bool,
    },
    /// A watcher takes what there is, up to so many events.
    Take {
        watcher: prop::sample::Index,
        events: usize,
    },
    /// Time passes, in milliseconds.
    Wait {
        time: u64,
    },
}

fn selector() -> impl Strategy<Value = Selector> {
    let label = 1..LABELS.len();
    prop_oneof![
        Just(Selector::Everything),
        label.clone().prop_map(Selector::Label),
        Just(Selector::Exists),
        label.prop_map(Selector::Not),
        (0..OBJECTS).prop_map(Selector::Name),
        (0..OBJECTS).prop_map(Selector::NotName),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (namespace, object) = (0..NAMESPACES.len(), 0..OBJECTS);
    let put = (namespace.clone(), object.clone(), 0..LABELS.len());
    let watch = (prop::option::of(namespace.clone()), selector(), 0..8usize, any::<[bool; 3]>());
    prop_oneof![
        9 => put.prop_map(|(namespace, object, label)| Step::Put { namespace, object, label }),
        3 => (namespace, object).prop_map(|(namespace, object)| Step::Delete { namespace, object }),
        1 => Just(Step::Elsewhere),
        3 => watch.prop_map(|(namespace, selector, back, [initial, bookmarks, metadata])| {
            Step::Watch { namespace, selector, back, initial, bookmarks, metadata }
        }),
        3 => (any::<prop::sample::Index>(), 1..6usize).prop_map(|(watcher, events)| Step::Take { watcher, events }),
        1 => (0..3_000u64).prop_map(|time| Step::Wait { time }),
    ]
}

/// A change, with the object as it was and as it is.
struct Change {
    revision: u64,
    before: Option<Value>,
    after: Option<Value>,
}

struct Watcher {
    events: Events,
    namespace: Option<String>,
    selector: Selector,
    metadata: bool,
    bookmarks: bool,
    /// All that it has been sent.
    sent: Vec<Value>,
    /// The objects that were there at its start, if it asked for them.
    expected: Vec<Value>,
    /// How many changes there were before its start.
    from: usize,
}

impl Watcher {
    fn concerns(&self, object: &Value) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| object["metadata"]["namespace"] == **wanted)
            && self.selector.matches(object)
    }

    fn event(&self, event_type: &str, object: &Value, revision: u64) -> Value {
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = revision.to_string().into();
        if self.metadata {
            let metadata = &object["metadata"];
            object = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
        }
        json!({"type": event_type, "object": object})
    }

    /// What a change is to this watcher.
    fn of_change(&self, change: &Change) -> Option<Value> {
        let before = change.before.as_ref().filter(|object| self.concerns(object));
        let after = change.after.as_ref().filter(|object| self.concerns(object));
        match (before, after) {
            (None, None) => None,
            (None, Some(object)) => Some(self.event("ADDED", object, change.revision)),
            (Some(_), Some(object)) => Some(self.event("MODIFIED", object, change.revision)),
            (Some(object), None) => Some(self.event("DELETED", object, change.revision)),
        }
    }

    /// Takes what comes while the time stands, or until the end.
    async fn take(&mut self, events: usize, until_end: bool) {
        for _ in 0..events {
            let next = self.events.next();
            let event = match until_end {
                true => next.await,
                false => match tokio::time::timeout(Duration::from_millis(1), next).await {
                    Ok(event) => event,
                    Err(_) => return,
                },
            };
            let Some(event) = event else { return };
            self.sent.push(event);
        }
    }

    /// Compares all that it was sent with all that has happened.
    fn check(&self, changes: &[Change], last: u64) {
        let mut expected = self.expected.clone();
        expected.extend(changes[self.from..].iter().filter_map(|change| self.of_change(change)));
        let is_bookmark = |event: &&Value| event["type"] == "BOOKMARK";
        let sent: Vec<&Value> = self.sent.iter().filter(|event| !is_bookmark(event)).collect();
        assert_eq!(sent, expected.iter().collect::<Vec<_>>());

        // Everything up to a bookmark has come before it, and nothing of that comes later.
        let revision = |event: &Value| {
            let text = event["object"]["metadata"]["resourceVersion"].as_str().expect("it has a resourceVersion");
            text.parse::<u64>().expect("it is a number")
        };
        let is_initial = |event: &Value| self.expected.contains(event);
        let mut told = 0;
        for event in self.sent.iter().filter(|event| !is_initial(event)) {
            match event["type"] == "BOOKMARK" {
                true => assert!(revision(event) >= told, "{} is before {told}", revision(event)),
                false => assert!(revision(event) > told, "{} is not after {told}", revision(event)),
            }
            told = revision(event);
        }
        match self.bookmarks {
            true => assert_eq!(told, last, "the last bookmark tells that all has been seen"),
            false => assert!(!self.sent.iter().any(|event| event["type"] == "BOOKMARK")),
        }
    }
}

/// Runs a case in namespaces of its own.
async fn run(client: &Client, number: usize, steps: Vec<Step>) {
    let namespaces = NAMESPACES.map(|name| format!("{name}-{number}"));
    for name in &namespaces {
        client.post("/api/v1/namespaces", &json!({"metadata": {"name": name}})).await.expect(201);
    }
    let collection = |namespace: usize| format!("/api/v1/namespaces/{}/configmaps", namespaces[namespace]);
    let begin = client.server.revision();
    let mut objects: BTreeMap<(usize, usize), Value> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut watchers: Vec<Watcher> = Vec::new();
    for (round, step) in steps.into_iter().enumerate() {
        match step {
            Step::Put { namespace, object, label } => {
                let mut new = json!({"metadata": {"name": format!("m{object}")}, "data": {"round": round.to_string()}});
                if label > 0 {
                    new["metadata"]["labels"] = json!({"k": LABELS[label]});
                }
                let before = objects.get(&(namespace, object)).cloned();
                let after = match before {
                    Some(_) => client.put(&format!("{}/m{object}", collection(namespace)), &new).await.expect(200),
                    None => client.post(&collection(namespace), &new).await.expect(201),
                };
                objects.insert((namespace, object), after.clone());
                changes.push(Change { revision: client.server.revision(), before, after: Some(after) });
            }
            Step::Delete { namespace, object } => {
                let Some(before) = objects.remove(&(namespace, object)) else { continue };
                client.delete(&format!("{}/m{object}", collection(namespace))).await.expect(200);
                changes.push(Change { revision: client.server.revision(), before: Some(before), after: None });
            }
            Step::Elsewhere => {
                let label = json!({"metadata": {"labels": {"round": round.to_string()}}});
                client.patch("merge", &format!("/api/v1/namespaces/{}", namespaces[0]), &label).await.expect(200);
            }
            Step::Watch { namespace, selector, back, initial, bookmarks, metadata } => {
                let path = namespace.map_or("/api/v1/configmaps".to_owned(), collection);
                // Other cases have left objects in other namespaces.
                let initial = initial && namespace.is_some();
                let from = if initial { changes.len() } else { changes.len().saturating_sub(back) };
                let start = match from.checked_sub(1) {
                    _ if initial => "sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned(),
                    Some(last) => format!("resourceVersion={}", changes[last].revision),
                    None => format!("resourceVersion={begin}"),
                };
                let path = format!(
                    "{path}?watch=true&timeoutSeconds={LASTS}&allowWatchBookmarks={bookmarks}&{start}{}",
                    selector.query()
                );
                let accept = if metadata { METADATA } else { "application/json" };
                let events = client.watch_as(&path, accept).await;
                let namespace = namespace.map(|namespace| namespaces[namespace].clone());
                let (sent, expected) = (Vec::new(), Vec::new());
                let mut watcher = Watcher { events, namespace, selector, metadata, bookmarks, sent, expected, from };
                if initial {
                    let there = objects.values().filter(|object| watcher.concerns(object));
                    let added = there.map(|object| {
                        let version = object["metadata"]["resourceVersion"].as_str().expect("it has one");
                        watcher.event("ADDED", object, version.parse().expect("it is a number"))
                    });
                    watcher.expected = added.collect();
                }
                watchers.push(watcher);
            }
            Step::Take { watcher, events } => {
                if !watchers.is_empty() {
                    watcher.get_mut(&mut watchers).take(events, false).await;
                }
            }
            Step::Wait { time } => tokio::time::sleep(Duration::from_millis(time)).await,
        }
    }
    let last = client.server.revision();
    for watcher in &mut watchers {
        watcher.take(usize::MAX, true).await;
        watcher.check(&changes, last);
    }
}

#[test]
fn watchers_are_sent_what_their_selectors_make_of_each_change() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let client = runtime.block_on(Client::start());
    let number = Cell::new(0);
    let config = Config { cases: 150, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..60), |steps| {
        number.set(number.get() + 1);
        runtime.block_on(run(&client, number.get(), steps));
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}
