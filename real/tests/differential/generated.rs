//! Asks both servers generated calls; see [`crate::generate`].
//!
//! What is known of the cases that always run stands in `accepted.yaml` and `open.yaml` by cause, as what is known of the
//! written ones does; an entry about `generated/…` ends its case, and an open one that no case needs is told of.
//! `KUBEWRIGHT_SEED` and `KUBEWRIGHT_GENERATED` choose other calls and more of them, `KUBEWRIGHT_KIND` those about one
//! resource, `KUBEWRIGHT_WILD` those with more changes: what is found then is told in full, as cases that can be added to
//! `calls/`.
//!
//! Cases are asked many at a time, on a machine that may be busy. So a case that shows a difference is asked again, alone, in
//! other namespaces, with more time for its watches: what is chance, or load, does not come each time. A case whose answers
//! only tell how busy the real server is counts as not asked, and there may be only a few of those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use kube::Client;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::case::{Case, Step, Until};
use crate::compare::{Difference, compare};
use crate::generate::{Catalog, shrink::shrink};
use crate::http::{Http, overloaded};
use crate::{Book, Server};

const SEED: u64 = 1;
const CASES: usize = 3_200;
/// Cases asked at the same time.
const WORKERS: usize = 8;
/// Where answers differ that differ in many places: the first of these says most.
const TELLING: [&str; 3] = ["/body/message", "/body/reason", "/status"];
/// The folder that entries about generated cases name.
const FOLDER: &str = "generated";
/// Differences that are shrunk and told; of the others only the place is.
const TOLD: usize = 80;

/// How often a case that has shown a difference is asked again: it has to come each time.
const AGAIN: usize = 5;
/// How often a case is asked until it has been answered so often.
const ATTEMPTS: usize = 10;
/// Cases that are asked again. Of more than these, so many are no chance.
const DOUBTFUL: usize = 100;
/// How many of a hundred cases may stay without an answer.
const UNANSWERED: usize = 2;
/// Seconds that a watch lasts, at first and when a case is asked again.
const PATIENCE: [u32; 2] = [1, 5];

const DOCUMENTS_WITHIN: Duration = Duration::from_secs(60);

/// Both servers.
struct Pair {
    real: Client,
    other: Client,
    book: Book,
    /// Numbers namespaces, as a sequence may be asked more than once.
    runs: AtomicUsize,
}

/// Asks both servers the generated cases, and fails when a difference is found that is not known.
pub(crate) async fn run(real: Client, other: Client, book: Book) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("KUBEWRIGHT_SEED").unwrap_or(SEED);
    let wanted = number("KUBEWRIGHT_GENERATED").map_or(CASES, |cases| usize::try_from(cases).expect("not that many"));
    let kind = std::env::var("KUBEWRIGHT_KIND").ok();
    let wild = std::env::var_os("KUBEWRIGHT_WILD").is_some();

    let catalog = Arc::new(Catalog::new(&documents(&real).await));
    let pair = Arc::new(Pair { real, other, book, runs: AtomicUsize::new(0) });
    pair.define(&catalog).await;

    let next = Arc::new(AtomicUsize::new(0));
    let found = Arc::new(Mutex::new(Findings::default()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (catalog, pair, next, found, kind) =
            (catalog.clone(), pair.clone(), next.clone(), found.clone(), kind.clone());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= wanted {
                    return;
                }
                let case = catalog.case(seed, number, wild);
                if kind.as_ref().is_some_and(|kind| resource(&case.steps[0]) != *kind) {
                    continue;
                }
                let outcome = pair.ask(&case.steps, PATIENCE[0]).await;
                let mut found = found.lock();
                match outcome.new.is_some() || outcome.ended.is_some() {
                    true => found.doubtful.push((case, outcome.new)),
                    false => found.add(case, outcome),
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("a worker ends when there are no more cases");
    }

    let mut found = Arc::into_inner(found).expect("the workers have ended").into_inner();
    for (index, (case, first)) in mem::take(&mut found.doubtful).into_iter().enumerate() {
        let outcome = match index < DOUBTFUL {
            true => pair.ask_again(&case).await,
            false => pair.ask(&case.steps, PATIENCE[1]).await,
        };
        if let Some(first) = first.filter(|_| outcome.new.is_none()) {
            println!("did not come again: case {}: {first}", case.name);
        }
        found.add(case, outcome);
    }
    found.new.sort_by_key(|(case, _)| case.name.split('-').next_back().and_then(|number| number.parse::<usize>().ok()));
    let mut causes = BTreeSet::new();
    let mut told = found.new.iter().filter(|(_, difference)| causes.insert(signature(difference))).take(TOLD);
    while let group =
        told.by_ref().take(WORKERS).map(|(case, difference)| pair.tell(case, difference)).collect::<Vec<_>>()
        && !group.is_empty()
    {
        for text in join_all(group).await {
            println!("{text}");
        }
    }
    for (case, difference) in &found.new {
        println!("{}", line(case, difference));
    }
    // Other calls, or fewer of them, need not meet every cause.
    let all = seed == SEED && wanted >= CASES && !wild && kind.is_none();
    let stale = if all { pair.book.stale(FOLDER) } else { Vec::new() };
    for known in &stale {
        // No failure: whether a case comes as far as its difference may be chance.
        println!("no case needs this any more, remove it from open.yaml if that is no chance: {known:?}");
    }
    let Findings { cases, calls, kinds, new, unanswered, known: [accepted, open], .. } = &found;
    for (case, why) in unanswered {
        println!("{}: without an answer: {why}", case.name);
    }
    let (kinds, new, unanswered) = (kinds.len(), new.len(), unanswered.len());
    // Not with println!, which says nothing when a test passes.
    let line = format!(
        "generated: seed {seed}, {cases} cases, {calls} calls, {kinds} kinds, {new} new differences, {open} open, {accepted} \
         accepted, {unanswered} unanswered"
    );
    writeln!(io::stdout(), "{line}").expect("the standard output can be written");
    assert_eq!(new, 0, "new differences, see above");
    assert!(unanswered * 100 <= cases * UNANSWERED, "too many cases without an answer, see above");
}

#[derive(Default)]
struct Findings {
    cases: usize,
    calls: usize,
    kinds: BTreeSet<String>,
    new: Vec<(Case<Step>, Difference)>,
    /// Cases that are to be asked again, with the difference that has been seen.
    doubtful: Vec<(Case<Step>, Option<Difference>)>,
    /// Cases that the real server has not answered to their end, and what it did instead.
    unanswered: Vec<(Case<Step>, String)>,
    /// How many accepted and open ones.
    known: [usize; 2],
}

/// What came of asking one case.
struct Outcome {
    calls: usize,
    /// The first difference that is not known, where the case ends.
    new: Option<Difference>,
    /// The answer of the real server after which nothing can be compared.
    ended: Option<String>,
    known: [usize; 2],
}

impl Findings {
    fn add(&mut self, case: Case<Step>, outcome: Outcome) {
        self.cases += 1;
        self.calls += outcome.calls;
        self.kinds.insert(resource(&case.steps[0]));
        for (sum, count) in self.known.iter_mut().zip(outcome.known) {
            *sum += count;
        }
        match (outcome.new, outcome.ended) {
            (Some(difference), _) => self.new.push((case, difference)),
            (None, Some(answer)) => self.unanswered.push((case, answer)),
            (None, None) => {}
        }
    }
}

impl Pair {
    /// Gives both servers the definitions of the generated custom resources, and waits until they are served.
    async fn define(&self, catalog: &Catalog) {
        let mut servers = [&self.real, &self.other].map(|client| Http::new(client.clone(), PATIENCE[0]));
        for server in &mut servers {
            server.begin("generated").await;
            for definition in &catalog.definitions {
                let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
                let body = Some(definition.clone());
                let answer = server.answer(&Step { body, ..Step::call("POST", path) }).await;
                assert_eq!(answer["status"], 201, "the definition is made: {answer}");
                let name = definition["metadata"]["name"].as_str().expect("a definition has a name");
                let (plural, group) = name.split_once('.').expect("a definition's name has a dot");
                for version in definition["spec"]["versions"].as_array().expect("a definition has versions") {
                    // A dry run that gets through is better than a list: it shows that writes are served too.
                    let version = version["name"].as_str().expect("a version has a name");
                    let namespace = if definition["spec"]["scope"] == "Cluster" { "" } else { "namespaces/generated/" };
                    let kind = &definition["spec"]["names"]["kind"];
                    let body = json!({
                        "apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": {"name": "probe"}, "spec": {"size": "small"}
                    });
                    let until = Until { status: Some(201), body: BTreeMap::new() };
                    let path = format!("/apis/{group}/{version}/{namespace}{plural}?dryRun=All");
                    let step = Step { body: Some(body), until: Some(until), ..Step::call("POST", &path) };
                    let answer = server.answer(&step).await;
                    assert_eq!(answer["reached"], true, "the custom resource is served: {answer}");
                }
            }
        }
    }

    /// Asks a case again that has shown a difference, or was not answered, until one answer shows none, or all do.
    async fn ask_again(&self, case: &Case<Step>) -> Outcome {
        let mut shown = 0;
        let mut last = self.ask(&case.steps, PATIENCE[1]).await;
        for _ in 1..ATTEMPTS {
            if last.new.is_some() {
                shown += 1;
            }
            if shown == AGAIN || (last.new.is_none() && last.ended.is_none()) {
                break;
            }
            last = self.ask(&case.steps, PATIENCE[1]).await;
        }
        last
    }

    /// Asks both servers all steps, until an answer differs in a way that is not known.
    async fn ask(&self, steps: &[Step], patience: u32) -> Outcome {
        let namespace = format!("g{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let [mut real, mut other] = [&self.real, &self.other].map(|client| Http::new(client.clone(), patience));
        tokio::join!(real.begin(&namespace), other.begin(&namespace));
        let mut outcome = Outcome { calls: 0, new: None, ended: None, known: [0, 0] };
        for (index, step) in steps.iter().enumerate() {
            outcome.calls += 1;
            let answers = tokio::join!(real.answer(step), other.answer(step));
            // It is busy, or has panicked, which it does at some calls: what the right answer is can't be learned from it.
            if overloaded(&answers.0) {
                outcome.ended = Some(format!("{}: {}", step.call, answers.0));
                break;
            }
            let mut ends = false;
            let mut differences = compare(&answers.0, &answers.1);
            differences
                .sort_by_key(|(at, ..)| TELLING.iter().position(|telling| telling == at).unwrap_or(TELLING.len()));
            for (at, real, other) in differences {
                let case = format!("generated/{}", resource(step));
                let difference = Difference { case, step: (index + 1, step.call.clone()), at, real, other };
                match self.book.knows(&difference) {
                    Some(known) => {
                        outcome.known[known] += 1;
                        if self.book.is_about(FOLDER, &difference) {
                            ends = true;
                            break;
                        }
                    }
                    None => outcome.new = outcome.new.or(Some(difference)),
                }
            }
            // What differs now would differ in all that follows.
            if ends || outcome.new.is_some() {
                break;
            }
        }
        outcome
    }

    /// A difference with the smallest calls that show it, as a case that can be added to `calls/`.
    async fn tell(&self, case: &Case<Step>, difference: &Difference) -> String {
        let steps = case.steps[..difference.step.0].to_vec();
        let wanted = cause(difference);
        let mut shown = None;
        let steps = shrink(steps, async |steps: &[Step]| {
            let new =
                self.ask(steps, PATIENCE[0]).await.new.filter(|new| new.step.0 == steps.len() && cause(new) == wanted);
            let shows = new.is_some();
            shown = new.or(shown.take());
            shows
        })
        .await;
        let mut text = format!("case {}: {}", case.name, shown.as_ref().unwrap_or(difference));
        for step in steps {
            let step = serde_json::to_string(&step).expect("a step can be written");
            // Writing to a String can't fail.
            let _ = write!(text, "\n- {step}");
        }
        text
    }
}

/// The OpenAPI documents of the real server that the catalogue needs.
async fn documents(real: &Client) -> BTreeMap<String, Value> {
    let mut documents = BTreeMap::new();
    for name in Catalog::documents() {
        let deadline = Instant::now() + DOCUMENTS_WITHIN;
        let document = loop {
            let path = format!("/openapi/v3/{name}");
            let request = http::Request::get(path).body(Vec::new()).expect("the path is well-formed");
            match real.request::<Value>(request).await {
                Ok(document) => break document,
                // It puts them together after it has told that it is ready.
                Err(error) => {
                    assert!(Instant::now() < deadline, "the real server tells the schemas of {name}: {error}")
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        documents.insert(name, document);
    }
    documents
}

/// The resource that a step is about, as `apps/deployments`.
fn resource(step: &Step) -> String {
    let path = step.call.split_once(' ').map_or("", |(_, path)| path.split('?').next().unwrap_or_default());
    let mut parts: Vec<&str> = path.trim_start_matches("/apis/").trim_start_matches("/api/").split('/').collect();
    if let Some(at) = parts.iter().position(|part| *part == "namespaces")
        && parts.len() > at + 2
    {
        parts.drain(at..at + 2);
    }
    let group = if path.starts_with("/api/") { "" } else { parts[0] };
    let plural = parts.get(if group.is_empty() { 1 } else { 2 }).copied().unwrap_or_default();
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

/// A pointer with `*` for each number in it.
fn starred(at: &str) -> String {
    let parts: Vec<&str> = at.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part }).collect();
    parts.join("/")
}

/// A difference in short: the case, the resource, and where it is.
fn line(case: &Case<Step>, difference: &Difference) -> String {
    format!("{} {} {}", case.name, difference.case.trim_start_matches("generated/"), starred(&difference.at))
}

/// Tells one difference from another in the same place: where it is and how the two sides begin.
fn cause(difference: &Difference) -> String {
    let side = |value: &Option<Value>| {
        let text = value.as_ref().map_or(String::new(), Value::to_string);
        text.chars().filter(|letter| letter.is_alphabetic()).take(50).collect::<String>()
    };
    format!("{} {} {}", starred(&difference.at), side(&difference.real), side(&difference.other))
}

/// Equal for differences that probably have the same cause.
pub(crate) fn signature(difference: &Difference) -> String {
    let side = |value: &Option<Value>| {
        let text = value.as_ref().map_or(String::new(), Value::to_string);
        text.chars().filter(|letter| !letter.is_ascii_digit()).take(90).collect::<String>()
    };
    let method = difference.step.1.split(' ').next().unwrap_or_default();
    format!("{method} {} {} {}", starred(&difference.at), side(&difference.real), side(&difference.other))
}

#[test]
fn the_resource_of_a_call_is_found() {
    let of = |call: &str| resource(&Step { call: call.to_owned(), ..Step::default() });
    assert_eq!(of("GET /api/v1/namespaces/$ns/pods/a/status?x=1"), "pods");
    assert_eq!(of("GET /api/v1/namespaces/a"), "namespaces");
    assert_eq!(of("GET /apis/apps/v1/namespaces/$ns/deployments"), "deployments.apps");
    assert_eq!(of("GET /apis/storage.k8s.io/v1/storageclasses/a"), "storageclasses.storage.k8s.io");
}
