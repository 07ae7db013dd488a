//! Asks a real kube-apiserver and the embedded one the same, and compares every answer field by field.
//!
//! `calls/*.yaml` are calls over HTTP (see [`case::Step`]), `kubectl/*.yaml` are commands of kubectl (see
//! [`kubectl::Invocation`]); [`generated`] makes more calls out of a seed. `accepted.yaml` has the differences that are
//! meant, `open.yaml` those that are still to go: any other fails the test, and so does an open one that is gone. Part of
//! the real tier: runs under `cargo xtask real`, which sets `KUBEWRIGHT_REAL=1`. The last line of each test's output counts
//! questions and differences. `KUBEWRIGHT_CASES=a,b` runs only these cases; `KUBEWRIGHT_TRANSCRIPT=FILE` adds all answers
//! to a file.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test by panicking")]

mod case;
mod compare;
mod generate;
mod generated;
mod http;
mod kubectl;
mod normalise;
#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubewright_apiserver::ApiServer;
use kubewright_real::{Options, RealCluster, ensure_binaries};
use serde_json::Value;

use case::{Question, load, selected};
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

/// Two real servers show that what is left after normalising does not depend on chance.
#[tokio::test]
async fn a_real_server_equals_another() {
    if !support::enabled("a_real_server_equals_another") {
        return;
    }
    let one = RealCluster::start(Options::default()).await.expect("a real server starts");
    let two = RealCluster::start(Options::default()).await.expect("another real server starts");
    let http = |cluster: &RealCluster| Http::new(cluster.client().expect("its kubeconfig is usable"));
    run("calls", http(&one), http(&two), Book::default()).await;
    let program = ensure_binaries().expect("kubectl is built").kubectl();
    let kubectl = |cluster: &RealCluster, name| Kubectl::new(program.clone(), cluster.kubeconfig(), name);
    run("kubectl", kubectl(&one, "one"), kubectl(&two, "two"), Book::default()).await;
}

/// The embedded server over TLS, as its clients meet it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_server_equals_a_real_one() {
    if !support::enabled("the_embedded_server_equals_a_real_one") {
        return;
    }
    let real = RealCluster::start(Options::default()).await.expect("a real server starts");
    let embedded = embedded().await;
    let client = client(&embedded).await;
    run("calls", Http::new(real.client().expect("its kubeconfig is usable")), Http::new(client), Book::read()).await;
    embedded.shutdown().await;
}

/// The same, asked by kubectl.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_sees_the_embedded_server_as_a_real_one() {
    if !support::enabled("kubectl_sees_the_embedded_server_as_a_real_one") {
        return;
    }
    let real = RealCluster::start(Options::default()).await.expect("a real server starts");
    let embedded = embedded().await;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("embedded-{}.kubeconfig", std::process::id()));
    fs::write(&file, embedded.kubeconfig()).expect("its kubeconfig can be written");
    let program = ensure_binaries().expect("kubectl is built").kubectl();
    let real_side = Kubectl::new(program.clone(), real.kubeconfig(), "real");
    run("kubectl", real_side, Kubectl::new(program, &file, "embedded"), Book::read()).await;
    // What stays in the target directory does no harm.
    let _ = fs::remove_file(file);
    embedded.shutdown().await;
}

/// The same, about generated calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_calls_find_no_difference() {
    if !support::enabled("generated_calls_find_no_difference") {
        return;
    }
    // As many addresses as the embedded server has: every case makes Services.
    let apiserver_arguments = vec!["--service-cluster-ip-range=10.96.0.0/12".to_owned()];
    let options = Options { apiserver_arguments, ..Options::default() };
    let real = RealCluster::start(options).await.expect("a real server starts");
    let embedded = embedded().await;
    let client = client(&embedded).await;
    generated::run(real.client().expect("its kubeconfig is usable"), client, Book::read()).await;
    embedded.shutdown().await;
}

/// A client of the embedded server, by its kubeconfig.
async fn client(embedded: &ApiServer) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&embedded.kubeconfig()).expect("its kubeconfig is well-formed");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("its kubeconfig is usable")).expect("a client can be made")
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

/// Asks both everything in a folder, and fails when a difference is found that is not known.
async fn run<S: Server>(folder: &str, mut real: S, mut other: S, book: Book) {
    let cases = load::<S::Question>(folder);
    let mut questions = 0;
    let mut differences = Vec::new();
    for case in &cases {
        let namespace = format!("{folder}-{}", case.name);
        real.begin(&namespace).await;
        other.begin(&namespace).await;
        for (index, question) in case.steps.iter().enumerate() {
            questions += 1;
            let answers = (real.answer(question).await, other.answer(question).await);
            write_down(&case.name, question.title(), &answers);
            for (at, real, other) in compare(&answers.0, &answers.1) {
                let step = (index + 1, question.title().to_owned());
                differences.push(Difference { case: format!("{folder}/{}", case.name), step, at, real, other });
            }
        }
    }
    let mut count = [0, 0];
    differences.retain(|difference| book.knows(difference).map(|index| count[index] += 1).is_none());
    for difference in &differences {
        println!("{difference}");
    }
    let stale = if selected() { Vec::new() } else { book.stale(folder) };
    for known in &stale {
        println!("stale, to be removed from open.yaml: {known:?}");
    }
    let [accepted, open] = count;
    let new = differences.len();
    let cases = cases.len();
    // Not with println!, which says nothing when a test passes.
    let line = format!(
        "{folder}: {cases} cases, {questions} questions, {new} new differences, {open} open, {accepted} accepted"
    );
    writeln!(io::stdout(), "{line}").expect("the standard output can be written");
    assert!(differences.is_empty(), "{new} new differences, see above");
    assert!(stale.is_empty(), "{} known differences are gone, see above", stale.len());
}

/// Adds a pair of answers to the transcript, for people to read.
fn write_down(case: &str, title: &str, (real, other): &(Value, Value)) {
    if let Some(path) = std::env::var_os("KUBEWRIGHT_TRANSCRIPT") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the transcript can be opened");
        writeln!(file, "{case} {title}\n  real     {real}\n  embedded {other}").expect("the transcript can be written");
    }
}
