//! Sends the same calls to a real kube-apiserver and to the embedded one, and compares every answer field by field.
//!
//! `cases/*.yaml` are the calls (see [`case::Step`]), `accepted.yaml` the differences that are meant, each with a reason.
//! Part of the real tier: runs under `cargo xtask real`, which sets `KUBEWRIGHT_REAL=1`. The last line of its output counts
//! calls and differences. `KUBEWRIGHT_CASES=a,b` runs only these cases; `KUBEWRIGHT_TRANSCRIPT=FILE` writes down all answers.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test by panicking")]

mod case;
mod compare;
mod normalise;
mod side;
#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use kubewright_real::{Options, RealCluster};
use serde_json::Value;

use case::{Case, load};
use compare::{Accepted, Difference, compare};
use side::Side;

/// Two real servers show that what is left after normalising does not depend on chance.
#[tokio::test]
async fn a_real_server_equals_another() {
    if !support::enabled("a_real_server_equals_another") {
        return;
    }
    let one = RealCluster::start(Options::default()).await.expect("a real server starts");
    let two = RealCluster::start(Options::default()).await.expect("another real server starts");
    let one = Side::new(one.client().expect("its kubeconfig is usable"));
    let two = Side::new(two.client().expect("its kubeconfig is usable"));
    run(one, two, &[]).await;
}

/// Runs all cases on both and fails when a difference is found that is not accepted.
async fn run(mut real: Side, mut other: Side, accepted: &[Accepted]) {
    let cases = cases();
    let mut transcript = Transcript::from_environment();
    let mut calls = 0;
    let mut differences = Vec::new();
    for case in &cases {
        let namespace = format!("case-{}", case.name);
        real.begin(&namespace).await;
        other.begin(&namespace).await;
        for (index, step) in case.steps.iter().enumerate() {
            calls += 1;
            let answers = (real.answer(step).await, other.answer(step).await);
            transcript.add(&case.name, &step.call, &answers);
            for (at, real, other) in compare(&answers.0, &answers.1) {
                let step = (index + 1, step.call.clone());
                differences.push(Difference { case: case.name.clone(), step, at, real, other });
            }
        }
    }
    let found = differences.len();
    differences.retain(|difference| !accepted.iter().any(|accepted| accepted.covers(difference)));
    for difference in &differences {
        println!("{difference}");
    }
    println!(
        "{} cases, {calls} calls: {} differences, {} accepted",
        cases.len(),
        differences.len(),
        found - differences.len()
    );
    assert!(differences.is_empty(), "{} differences, see above", differences.len());
}

fn cases() -> Vec<Case> {
    let mut cases = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/cases"));
    if let Ok(wanted) = std::env::var("KUBEWRIGHT_CASES") {
        cases.retain(|case| wanted.split(',').any(|name| name == case.name));
    }
    cases
}

/// All answers, for people to read.
struct Transcript(Option<File>);

impl Transcript {
    fn from_environment() -> Self {
        Self(
            std::env::var_os("KUBEWRIGHT_TRANSCRIPT")
                .map(|path| File::create(path).expect("the transcript can be made")),
        )
    }

    fn add(&mut self, case: &str, call: &str, (real, other): &(Value, Value)) {
        if let Some(file) = &mut self.0 {
            writeln!(file, "{case} {call}\n  real     {real}\n  embedded {other}")
                .expect("the transcript can be written");
        }
    }
}
