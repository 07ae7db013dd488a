//! Every combination of the options that lists and watches have, asked of both servers, and of those of deletions of
//! collections, which are dry runs.
//!
//! Each subject has objects that come, change, enter and leave a selector, and go; nothing is written after that, so the calls
//! may come in any order, many at a time. What differs is asked again, with more time: a busy machine is no difference.

use std::collections::BTreeMap;
use std::io::{self, Write};

use futures::{StreamExt, stream};
use kube::Client;
use serde_json::{Value, json};

use crate::case::{Question, Step, Until};
use crate::compare::{Difference, compare};
use crate::generated::signature;
use crate::http::{Http, overloaded};
use crate::{Book, Server};

/// Seconds that a watch lasts, at first and when a call is asked again.
const PATIENCE: [u32; 3] = [1, 4, 10];
/// Calls that are asked at the same time, at first and again.
const TOGETHER: [usize; 3] = [48, 32, 16];

/// The forms of an answer; that of lists has another name than that of watches.
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
const METADATA: [&str; 2] = [
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
];
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf,application/json";

/// A resource that is asked about.
struct Subject {
    name: &'static str,
    /// The path of the collection.
    path: &'static str,
    /// What an object has besides its metadata.
    object: Value,
    /// Every so many of the combinations are asked; all of them of kinds that stand for others.
    every: usize,
}

fn subjects() -> [Subject; 5] {
    let thing = json!({"apiVersion": "reads.example.com/v1", "kind": "Thing", "spec": {"a": 1}});
    let subject = |name, path, object, every| Subject { name, path, object, every };
    [
        subject("configmaps", "/api/v1/namespaces/$ns/configmaps", json!({"data": {"k": "v"}}), 1),
        // The real server keeps these in no cache.
        subject(
            "events",
            "/api/v1/namespaces/$ns/events",
            json!({"involvedObject": {"kind": "Pod", "namespace": "$ns", "name": "p"}, "reason": "R", "type": "Normal"}),
            1,
        ),
        subject("things", "/apis/reads.example.com/v1/namespaces/$ns/things", thing, 1),
        subject(
            "clusterthings",
            "/apis/reads.example.com/v1/clusterthings",
            json!({"apiVersion": "reads.example.com/v1", "kind": "ClusterThing"}),
            7,
        ),
        subject("runtimeclasses", "/apis/node.k8s.io/v1/runtimeclasses", json!({"handler": "h"}), 7),
    ]
}

/// Makes the custom resources.
fn definitions() -> Vec<Step> {
    let definition = |plural: &str, kind: &str, scope: &str| {
        json!({
            "metadata": {"name": format!("{plural}.reads.example.com")},
            "spec": {
                "group": "reads.example.com", "scope": scope, "names": {"plural": plural, "kind": kind},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "additionalPrinterColumns": [{"name": "A", "type": "integer", "jsonPath": ".spec.a"}],
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                }],
            },
        })
    };
    let made = [definition("things", "Thing", "Namespaced"), definition("clusterthings", "ClusterThing", "Cluster")];
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    made.into_iter().map(|body| Step { body: Some(body), ..Step::call("POST", path) }).collect()
}

impl Subject {
    /// Objects with a history; `$first`, `$middle` and `$last` are resourceVersions in it, `$next` and `$nextodd` lead on.
    fn history(&self) -> Vec<Step> {
        let path = self.path;
        let create = |name: &str, odd: bool| {
            let mut body = self.object.clone();
            body["metadata"] = json!({"name": name});
            if odd {
                body["metadata"]["labels"] = json!({"odd": "yes"});
            }
            Step { body: Some(body), ..Step::call("POST", path) }
        };
        let label = |name: &str, odd: Value| Step {
            body: Some(json!({"metadata": {"labels": {"odd": odd}}})),
            content_type: Some("application/merge-patch+json".to_owned()),
            ..Step::call("PATCH", &format!("{path}/{name}"))
        };
        let saved = |name: &str, pointer: &str, step: Step| {
            let save = BTreeMap::from([(name.to_owned(), pointer.to_owned())]);
            Step { save, ..step }
        };
        const VERSION: &str = "/metadata/resourceVersion";
        let served = Until { status: Some(201), body: BTreeMap::new() };
        vec![
            // Of a custom resource this may take a while.
            Step { until: Some(served), ..create("zero", false) },
            Step {
                until: Some(Until { status: Some(200), ..Until::default() }),
                ..Step::call("GET", &format!("{path}?resourceVersion=0"))
            },
            saved("first", VERSION, create("a", true)),
            create("b", false),
            create("c", true),
            label("a", Value::Null),
            saved("middle", VERSION, label("b", "yes".into())),
            Step::call("DELETE", &format!("{path}/c")),
            saved("last", VERSION, create("d", true)),
            // Behind the last one that is selected.
            create("e", false),
            saved("next", "/metadata/continue", Step::call("GET", &format!("{path}?limit=1"))),
            saved("nextodd", "/metadata/continue", Step::call("GET", &format!("{path}?limit=1&labelSelector=odd"))),
        ]
    }

    fn calls(&self) -> Vec<Step> {
        let path = self.path;
        let get = |options: &str| Step::call("GET", &format!("{path}?{options}"));
        let mut calls = Vec::new();

        let versions = [
            "",
            "resourceVersion=",
            "resourceVersion=0",
            "resourceVersion=$first",
            "resourceVersion=$middle",
            "resourceVersion=$last",
            "resourceVersion=9000000000",
            "resourceVersion=x",
        ];
        let matches = [
            "",
            "resourceVersionMatch=",
            "resourceVersionMatch=Exact",
            "resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch=Other",
        ];
        let limits = ["", "limit=0", "limit=1", "limit=2", "limit=-1", "limit=x"];
        let continues = ["", "continue=", "continue=$next", "continue=bad"];
        let selectors = ["", "labelSelector=odd", "fieldSelector=metadata.name%3Dd"];
        calls.extend(product(&[&versions, &matches, &limits, &continues, &selectors]).iter().map(|all| get(all)));
        // Tokens do not know what was selected.
        calls.extend(product(&[&limits, &["continue=$nextodd"], &selectors]).iter().map(|all| get(all)));
        let initial = ["sendInitialEvents=true", "sendInitialEvents=false"];
        calls.extend(product(&[&versions, &matches, &initial]).iter().map(|all| get(all)));
        calls.extend(versions.iter().map(|version| Step::call("GET", &format!("{path}/a?{version}"))));

        let watch = ["watch=true&timeoutSeconds=$patience"];
        let initial = ["", "sendInitialEvents=true", "sendInitialEvents=false"];
        let bookmarks = ["", "allowWatchBookmarks=true"];
        let continues = ["", "continue=$next"];
        calls.extend(
            product(&[&watch, &versions, &matches, &initial, &bookmarks, &continues, &selectors])
                .iter()
                .map(|all| get(all)),
        );

        let includes =
            ["", "includeObject=None", "includeObject=Metadata", "includeObject=Object", "includeObject=Other"];
        let read = [
            "",
            "limit=1",
            "resourceVersion=$first&resourceVersionMatch=Exact",
            "labelSelector=none",
            "continue=$next",
        ];
        let watched = [
            "resourceVersion=$first",
            "resourceVersion=$first&labelSelector=odd",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
        ];
        for (accept, options) in [
            (TABLE, product(&[&read, &includes])),
            (METADATA[0], product(&[&read, &includes])),
            (METADATA[1], product(&[&read, &includes])),
            (PROTOBUF, product(&[&read, &includes])),
            (TABLE, product(&[&watch, &watched, &includes])),
            (METADATA[1], product(&[&watch, &watched, &includes])),
            (PROTOBUF, product(&[&watch, &watched, &includes])),
        ] {
            calls.extend(options.iter().map(|all| Step { accept: Some(accept.to_owned()), ..get(all) }));
        }

        let delete = |options: &str| Step::call("DELETE", &format!("{path}?{options}"));
        let dry = ["dryRun=All"];
        let policies = [
            "",
            "propagationPolicy=Background",
            "propagationPolicy=Foreground",
            "propagationPolicy=Orphan",
            "propagationPolicy=Other",
        ];
        let orphans = ["", "orphanDependents=true"];
        let graces = ["", "gracePeriodSeconds=0", "gracePeriodSeconds=-1", "gracePeriodSeconds=x"];
        let limits = ["", "limit=1"];
        let versions = ["", "resourceVersion=0", "resourceVersion=$first", "resourceVersionMatch=Exact"];
        let selectors = ["", "labelSelector=odd"];
        calls.extend(
            product(&[&dry, &policies, &orphans, &graces, &limits, &versions, &selectors])
                .iter()
                .map(|all| delete(all)),
        );
        let bodies = [
            json!({"dryRun": ["All"]}),
            json!({"dryRun": ["All"], "propagationPolicy": "Foreground"}),
            json!({"dryRun": ["All"], "propagationPolicy": "Orphan", "orphanDependents": true}),
            json!({"dryRun": ["All"], "preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}),
            json!({"dryRun": ["All"], "preconditions": {"resourceVersion": "1"}}),
            json!({"dryRun": ["All"], "gracePeriodSeconds": 5}),
            json!({"dryRun": ["Some"]}),
            json!({"dryRun": ["All"], "ignoreStoreReadErrorWithClusterBreakingPotential": true}),
            json!({"dryRun": ["All"], "kind": "DeleteOptions", "apiVersion": "v1"}),
            json!({"dryRun": ["All"], "kind": "Pod", "apiVersion": "v1"}),
        ];
        for (body, options) in
            bodies.iter().flat_map(|body| ["", "limit=1", "labelSelector=odd"].map(|all| (body, all)))
        {
            calls.push(Step { body: Some(body.clone()), ..delete(options) });
        }
        calls.into_iter().step_by(self.every).collect()
    }
}

/// All combinations of one of each, as queries.
fn product(dimensions: &[&[&str]]) -> Vec<String> {
    dimensions.iter().fold(vec![String::new()], |before, values| {
        let join = |query: &String, value: &str| match (query.is_empty(), value.is_empty()) {
            (true, _) => value.to_owned(),
            (_, true) => query.clone(),
            _ => format!("{query}&{value}"),
        };
        before.iter().flat_map(|query| values.iter().map(move |value| join(query, value))).collect()
    })
}

/// Asks both servers, and fails when a difference comes each time that is not known.
///
/// # Errors
/// What comes before the questions went wrong, as it may on a busy machine: to be tried on new servers.
pub(crate) async fn run(real: Client, other: Client, book: &Book) -> Result<(), String> {
    let (mut asked, mut found) = (0, Vec::new());
    let mut pair = [real, other].map(|client| Http::new(client, PATIENCE[0]));
    begin(&mut pair, "reads", &definitions()).await?;
    for subject in subjects() {
        begin(&mut pair, &format!("reads-{}", subject.name), &subject.history()).await?;
        let mut calls = subject.calls();
        asked += calls.len();
        let mut last = Vec::new();
        for (patience, together) in PATIENCE.into_iter().zip(TOGETHER) {
            let pair = &pair;
            let answered = stream::iter(calls).map(|step| async move {
                let outcome = ask(pair, &step, patience, book, subject.name).await;
                (step, outcome)
            });
            let answered: Vec<(Step, Option<Difference>)> = answered.buffer_unordered(together).collect().await;
            (calls, last) = answered.into_iter().filter_map(|(step, new)| Some((step, new?))).unzip();
            if calls.is_empty() {
                break;
            }
            println!("{}: asked with watches of {patience} s, and not as it should be:", subject.name);
            tell(&last);
        }
        found.extend(last);
    }
    let new = found.len();
    // Not with println!, which says nothing when a test passes.
    writeln!(io::stdout(), "reads: {asked} calls, {new} new differences").expect("the standard output can be written");
    assert_eq!(new, 0, "new differences, see above");
    Ok(())
}

/// Tells differences, one of each cause.
fn tell(differences: &[Difference]) {
    let mut causes: BTreeMap<String, Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        causes.entry(signature(difference)).or_default().push(difference);
    }
    for all in causes.values() {
        println!("{} times, as here: {}", all.len(), all[0]);
    }
}

/// Makes a namespace, and what the calls are about, on both servers.
async fn begin(pair: &mut [Http; 2], namespace: &str, steps: &[Step]) -> Result<(), String> {
    for http in pair.iter_mut() {
        http.begin(namespace).await;
    }
    for step in steps {
        let [real, other] = pair;
        let answers = tokio::join!(real.answer(step), other.answer(step));
        if let Some(surprise) = step.surprise(&answers.0) {
            return Err(format!("{}: {surprise}", step.call));
        }
        let differences = compare(&answers.0, &answers.1);
        if !differences.is_empty() {
            return Err(format!("{}: {differences:?}", step.call));
        }
    }
    Ok(())
}

/// The first difference that is not known, where it says most.
async fn ask(pair: &[Http; 2], step: &Step, patience: u32, book: &Book, subject: &str) -> Option<Difference> {
    let [mut real, mut other] = pair.each_ref().map(|http| http.with_patience(patience));
    let mut answers = tokio::join!(real.answer(step), other.answer(step));
    for answer in [&mut answers.0, &mut answers.1] {
        // The revision in it is that of all objects, which others change too.
        if let Some(token) = answer["body"].pointer_mut("/metadata/continue").filter(|token| **token != "") {
            *token = "<continue>".into();
        }
    }
    let differs = |(at, real, other)| Difference {
        case: format!("reads/{subject}"),
        step: (0, format!("{} {}", step.call, step.body.as_ref().map_or(String::new(), Value::to_string))),
        at,
        real,
        other,
    };
    if overloaded(&answers.0) {
        return Some(differs((String::new(), Some(answers.0), None)));
    }
    let mut new = compare(&answers.0, &answers.1).into_iter().map(differs).filter(|new| book.knows(new).is_none());
    new.next_back()
}

#[test]
fn every_combination_is_there_once() {
    assert_eq!(product(&[&["", "a"], &["b", "c"]]), ["b", "c", "a&b", "a&c"]);
    let [first, ..] = subjects();
    let mut calls: Vec<String> =
        first.calls().iter().map(|step| format!("{} {:?} {:?}", step.call, step.accept, step.body)).collect();
    let all = calls.len();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), all);
}
