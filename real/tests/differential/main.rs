//! Asks a real kube-apiserver and the embedded one the same, and compares every answer field by field.
//!
//! `calls/*.yaml` are calls over HTTP (see [`case::Step`]), `kubectl/*.yaml` are commands of kubectl (see
//! [`kubectl::Invocation`]), `forgotten/*.yaml` calls to servers that forget old states soon; [`reads`] makes a call of every
//! combination of the options of lists and watches, [`generated`] makes more calls out of a seed. `accepted.yaml` has the differences that are
//! meant, `open.yaml` those that are still to go: any other fails the test, and so does an open one that is gone, and a step
//! whose answer from the real server is not of the kind that it asks for (a success, unless it says otherwise). What fails
//! is asked again on new servers, more patiently, and fails the test if it comes each time: a busy machine is no difference.
//! Part of the real tier: runs under `cargo xtask real`, which sets `KUBEWRIGHT_REAL=1`. The last line of each test's output
//! counts questions and differences. `KUBEWRIGHT_CASES=a,b` runs only these cases; `KUBEWRIGHT_TRANSCRIPT=FILE` adds all
//! answers to a file.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test by panicking")]

mod case;
mod compare;
mod generate;
mod generated;
mod http;
mod kubectl;
mod normalise;
mod reads;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubewright_apiserver::ApiServer;
use kubewright_real::{Options, RealCluster, ensure_binaries};
use serde_json::Value;

use case::{Case, Question, load, selected};
use compare::{Difference, Known, compare};
use http::Http;
use kubectl::Kubectl;

/// A server that is asked, in one way or another.
trait Server {
    type Question: Question;

    /// Forgets what earlier cases have left, and makes the namespace of this one.
    async fn begin(&mut self, namespace: &str);

    /// The answer, normalised.
    async fn answer(&mut self, question: &Self::Question) -> Value;
}

/// How often what fails is asked; and how long watches last then, in seconds.
const PATIENCE: [u32; 3] = [1, 3, 10];

/// Two real servers show that what is left after normalising does not depend on chance.
#[tokio::test]
async fn a_real_server_equals_another() {
    if !support::enabled("a_real_server_equals_another") {
        return;
    }
    let program = ensure_binaries().expect("kubectl is built").kubectl();
    run("calls", Book::default(), async |patience| {
        let [one, two] = [real().await, real().await];
        let http = |cluster: &RealCluster| Http::new(cluster.client().expect("its kubeconfig is usable"), patience);
        (http(&one), http(&two), (one, two))
    })
    .await;
    run("kubectl", Book::default(), async |_| {
        let [one, two] = [real().await, real().await];
        let kubectl = |cluster: &RealCluster, name| Kubectl::new(program.clone(), cluster.kubeconfig(), name);
        (kubectl(&one, "one"), kubectl(&two, "two"), (one, two))
    })
    .await;
}

/// The embedded server over TLS, as its clients meet it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_server_equals_a_real_one() {
    if !support::enabled("the_embedded_server_equals_a_real_one") {
        return;
    }
    run("calls", Book::read(), async |patience| {
        let (real, embedded) = (real().await, embedded().await);
        let other = Http::new(client(&embedded).await, patience);
        (Http::new(real.client().expect("its kubeconfig is usable"), patience), other, (real, embedded))
    })
    .await;
}

/// The same, asked by kubectl.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_sees_the_embedded_server_as_a_real_one() {
    if !support::enabled("kubectl_sees_the_embedded_server_as_a_real_one") {
        return;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("embedded-{}.kubeconfig", std::process::id()));
    let program = ensure_binaries().expect("kubectl is built").kubectl();
    run("kubectl", Book::read(), async |_| {
        let (real, embedded) = (real().await, embedded().await);
        fs::write(&file, embedded.kubeconfig()).expect("its kubeconfig can be written");
        let real_side = Kubectl::new(program.clone(), real.kubeconfig(), "real");
        (real_side, Kubectl::new(program.clone(), &file, "embedded"), (real, embedded))
    })
    .await;
    // What stays in the target directory does no harm.
    let _ = fs::remove_file(file);
}

/// The same, about generated calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_calls_find_no_difference() {
    if !support::enabled("generated_calls_find_no_difference") {
        return;
    }
    let real = real().await;
    let embedded = embedded().await;
    let client = client(&embedded).await;
    generated::run(real.client().expect("its kubeconfig is usable"), client, Book::read()).await;
    embedded.shutdown().await;
}

/// The same, about all combinations of the options of lists and watches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_watches_heed_their_options_as_on_a_real_server() {
    if !support::enabled("lists_and_watches_heed_their_options_as_on_a_real_server") {
        return;
    }
    let mut why = String::new();
    for _ in PATIENCE {
        match reads().await {
            Ok(()) => return,
            Err(failed) => why = failed,
        }
        println!("reads: the servers could not be prepared: {why}");
    }
    panic!("the servers could not be prepared: {why}");
}

/// Asks new servers; an error tells that they did not do what comes before the questions.
async fn reads() -> Result<(), String> {
    let real = real().await;
    let embedded = embedded().await;
    // Answers that ask for another try are to be compared, not to be followed.
    let [one, two] = [real.config(), config(&embedded).await].map(|mut config| {
        config.default_retry = false;
        Client::try_from(config).expect("a client can be made")
    });
    let outcome = reads::run(one, two, &Book::read()).await;
    embedded.shutdown().await;
    outcome
}

/// The same, about states that both have forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_is_told_as_by_a_real_server() {
    if !support::enabled("what_is_forgotten_is_told_as_by_a_real_server") {
        return;
    }
    run("forgotten", Book::read(), async |patience| {
        let real = forgetful("1s").await;
        let listen = Some(([127, 0, 0, 1], 0).into());
        let options = kubewright_apiserver::Options { listen, history: 3, ..Default::default() };
        let embedded = ApiServer::start(options).await.expect("the embedded server starts");
        let other = Http::new(client(&embedded).await, patience);
        (Http::new(real.client().expect("its kubeconfig is usable"), patience), other, (real, embedded))
    })
    .await;
}

/// A real server. It forgets no old states, as a test may last longer than the five minutes after which it would.
async fn real() -> RealCluster {
    forgetful("0").await
}

/// A real server that forgets old states so often; 0: never.
async fn forgetful(interval: &str) -> RealCluster {
    let arguments = [
        format!("--etcd-compaction-interval={interval}"),
        // As many addresses as the embedded server has: every generated case may make Services.
        "--service-cluster-ip-range=10.96.0.0/12".to_owned(),
    ];
    let options = Options { apiserver_arguments: arguments.into(), ..Options::default() };
    RealCluster::start(options).await.expect("a real server starts")
}

/// A client of the embedded server, by its kubeconfig.
async fn client(embedded: &ApiServer) -> Client {
    Client::try_from(config(embedded).await).expect("a client can be made")
}

/// What a client needs to know of the embedded server, by its kubeconfig.
async fn config(embedded: &ApiServer) -> Config {
    let kubeconfig = Kubeconfig::from_yaml(&embedded.kubeconfig()).expect("its kubeconfig is well-formed");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.expect("its kubeconfig is usable")
}

async fn embedded() -> ApiServer {
    let listen = Some(([127, 0, 0, 1], 0).into());
    let options = kubewright_apiserver::Options { listen, ..Default::default() };
    ApiServer::start(options).await.expect("the embedded server starts")
}

/// The differences that are known: which are meant, and which are still to go.
#[derive(Default)]
struct Book {
    accepted: Vec<Known>,
    open: Vec<Known>,
}

impl Book {
    fn read() -> Self {
        let read = |text| serde_saphyr::from_str(text).expect("the file of known differences is well-formed");
        Self { accepted: read(include_str!("accepted.yaml")), open: read(include_str!("open.yaml")) }
    }

    /// Whether a difference is an accepted one (0), an open one (1) or new.
    fn knows(&self, difference: &Difference) -> Option<usize> {
        [&self.accepted, &self.open].into_iter().position(|known| {
            // All that cover it, so that none of them is taken for stale.
            known.iter().filter(|known| known.covers(difference)).map(Known::find).count() > 0
        })
    }

    /// Whether an entry about this very folder covers a difference.
    fn is_about(&self, folder: &str, difference: &Difference) -> bool {
        let mut all = self.accepted.iter().chain(&self.open);
        all.any(|known| known.is_about(folder) && known.covers(difference))
    }

    /// The open entries about this folder that cover nothing any more. What is accepted may depend on the machine, or on
    /// chance.
    fn stale(&self, folder: &str) -> Vec<&Known> {
        self.open.iter().filter(|known| known.is_stale(folder)).collect()
    }
}

/// Asks both servers that `start` starts everything in a folder, and fails when a difference comes each time that is not
/// known. `start` is told how many seconds a watch is to last, and gives what keeps the servers running.
async fn run<S: Server, K>(folder: &str, book: Book, start: impl AsyncFn(u32) -> (S, S, K)) {
    let mut cases = load::<S::Question>(folder);
    let (number, mut questions, mut known) = (cases.len(), 0, [0, 0]);
    let mut found = Found::default();
    for patience in PATIENCE {
        let (mut real, mut other, servers) = start(patience).await;
        found = ask(folder, &cases, (&mut real, &mut other), &book).await;
        drop(servers);
        if questions == 0 {
            (questions, known) = (found.questions, found.known);
        }
        let mut again = found.cases();
        // An open difference may have failed to show for the same reasons.
        again.extend(stale(folder, &book).into_iter().filter_map(Known::case).map(str::to_owned));
        cases.retain(|case| again.contains(&format!("{folder}/{}", case.name)));
        if cases.is_empty() {
            break;
        }
        println!("{folder}: asked with watches of {patience} s, and not as it should be: {again:?}");
        println!("{found}");
    }
    let stale = stale(folder, &book);
    for known in &stale {
        println!("stale, to be removed from open.yaml: {known:?}");
    }
    let [accepted, open] = known;
    let new = found.differences.len();
    // Not with println!, which says nothing when a test passes.
    let line = format!(
        "{folder}: {number} cases, {questions} questions, {new} new differences, {open} open, {accepted} accepted"
    );
    writeln!(io::stdout(), "{line}").expect("the standard output can be written");
    assert!(found.differences.is_empty(), "{new} new differences, see above");
    assert!(found.surprises.is_empty(), "the cases ask for something else than the real server answers, see above");
    assert!(stale.is_empty(), "{} known differences are gone, see above", stale.len());
}

/// The open entries that cover nothing any more; when only some cases run, that is not known.
fn stale<'a>(folder: &str, book: &'a Book) -> Vec<&'a Known> {
    if selected() { Vec::new() } else { book.stale(folder) }
}

/// What has been found that is not as it should be.
#[derive(Default)]
struct Found {
    questions: usize,
    /// How many accepted and open differences.
    known: [usize; 2],
    differences: Vec<Difference>,
    /// The case, and how the real server's answer is not what the step asks for.
    surprises: Vec<(String, String)>,
}

impl Found {
    /// The cases in which something is not as it should be.
    fn cases(&self) -> BTreeSet<String> {
        let of_differences = self.differences.iter().map(|difference| &difference.case);
        of_differences.chain(self.surprises.iter().map(|(case, _)| case)).cloned().collect()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        for (case, surprise) in &self.surprises {
            writeln!(f, "{case} {surprise}")?;
        }
        Ok(())
    }
}

/// Asks both servers these cases of a folder.
async fn ask<S: Server>(
    folder: &str,
    cases: &[Case<S::Question>],
    (real, other): (&mut S, &mut S),
    book: &Book,
) -> Found {
    let mut found = Found::default();
    for case in cases {
        let name = format!("{folder}/{}", case.name);
        let namespace = format!("{folder}-{}", case.name);
        real.begin(&namespace).await;
        other.begin(&namespace).await;
        for (index, question) in case.steps.iter().enumerate() {
            found.questions += 1;
            let answers = (real.answer(question).await, other.answer(question).await);
            write_down(&case.name, question.title(), &answers);
            if let Some(surprise) = question.surprise(&answers.0) {
                found.surprises.push((name.clone(), format!("{} {}: {surprise}", index + 1, question.title())));
            }
            for (at, real, other) in compare(&answers.0, &answers.1) {
                let step = (index + 1, question.title().to_owned());
                let difference = Difference { case: name.clone(), step, at, real, other };
                match book.knows(&difference) {
                    Some(index) => found.known[index] += 1,
                    None => found.differences.push(difference),
                }
            }
        }
    }
    found
}

/// Adds a pair of answers to the transcript, for people to read.
fn write_down(case: &str, title: &str, (real, other): &(Value, Value)) {
    if let Some(path) = std::env::var_os("KUBEWRIGHT_TRANSCRIPT") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the transcript can be opened");
        writeln!(file, "{case} {title}\n  real     {real}\n  embedded {other}").expect("the transcript can be written");
    }
}
