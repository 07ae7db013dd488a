//! controller-runtime's own tests, which start their control planes with envtest, on this program's assets.
//!
//! Part of the real tier (`KUBEWRIGHT_REAL=1`, which `cargo xtask real` sets), since it needs Go.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at the first surprise")]

mod support;

use std::io::Write;
use std::time::Duration;

use kubewright_real::Suite;
use support::{Scratch, kubewright, stderr};

/// All packages that start a control plane, the longest first; `pkg/client/apiutil` wants the internet.
const SUITE: Suite = Suite {
    module: "sigs.k8s.io/controller-runtime",
    version: "v0.25.2",
    packages: &[
        "pkg/manager",
        "pkg/cache",
        "pkg/webhook",
        "pkg/envtest",
        "pkg/client",
        "pkg/source",
        "pkg/builder",
        "pkg/controller",
        "pkg/cluster",
    ],
};

/// The two long ones mostly wait.
const PARALLEL: usize = 3;
const LIMIT: Duration = Duration::from_secs(400);

#[test]
fn controller_runtimes_own_tests_pass() {
    if std::env::var("KUBEWRIGHT_REAL").is_err() {
        println!("not run: part of the real tier, cargo xtask real");
        return;
    }
    let scratch = Scratch::new();
    let assets = scratch.path("assets");
    let made = kubewright().arg("assets").arg("--dir").arg(&assets).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));

    let outcomes = SUITE.run(&[("KUBEBUILDER_ASSETS", &assets)], PARALLEL, LIMIT).expect("the tests can be run");
    let mut bad = Vec::new();
    // The test harness would keep what println! prints.
    let mut out = std::io::stdout();
    writeln!(out, "controller-runtime {}:", SUITE.version).unwrap();
    for outcome in &outcomes {
        let verdict = if outcome.good { "" } else { ", FAILED" };
        writeln!(
            out,
            "  {:16} {} passed, {} failed{verdict} ({:.1} s)",
            outcome.package,
            outcome.passed,
            outcome.failed,
            outcome.took.as_secs_f64()
        )
        .unwrap();
        if !outcome.good || outcome.passed == 0 {
            bad.push(format!("{}: see {}\n{}", outcome.package, outcome.log.display(), outcome.failures.join("\n")));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
