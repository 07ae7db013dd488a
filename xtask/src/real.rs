//! `cargo xtask real`: builds and starts the real servers and runs the tests that honour them.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::PossibleValuesParser;
use kubewright_real::{
    KUBERNETES_VERSION, Options, RealCluster, cargo, ensure_ansible, ensure_binaries, ensure_helm, ensure_minio,
    ensure_registry, ensure_skopeo,
};
use serde_json::Value;

/// The crates, and where they lie, with tests that run on the cluster of `KUBEWRIGHT_TEST_KUBECONFIG` or that start real
/// servers themselves.
const CRATES: [(&str, &str); 16] = [
    ("kubewright-real", "real"),
    ("kubewright-runtime", "crates/runtime"),
    ("kubewright-webhook", "crates/webhook"),
    ("kubewright-cluster", "crates/cluster"),
    ("kubewright-codegen", "crates/codegen"),
    ("kubewright-helm", "crates/helm"),
    ("kubewright-ansible", "crates/ansible"),
    ("kubewright-image", "crates/image"),
    ("kubewright-access", "operators/access"),
    ("kubewright-account", "operators/account"),
    ("kubewright-dataservice", "operators/dataservice"),
    ("kubewright-ingress", "operators/ingress"),
    ("kubewright-objectstorage", "operators/objectstorage"),
    ("kubewright-cli", "crates/cli"),
    ("kubewright-bench", "bench"),
    ("kubewright-example-site", "examples/site"),
];

#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo xtask real                          build the servers if need be, run every test of the real tier
  cargo xtask real --build-only             only fill the cache (some minutes, once)
  cargo xtask real -p kubewright-real       the tests of one crate
  cargo xtask real -- differential          the tests with this word in their name
  cargo xtask real --serve                  start the servers and leave them running until Ctrl-C

The servers are built with Go, those of Kubernetes from the module in real/go, and kept in $KUBEWRIGHT_CACHE or ~/.cache/kubewright.")]
pub(crate) struct Arguments {
    /// Build the servers, run nothing.
    #[arg(long, conflicts_with_all = ["serve", "package", "filter"])]
    build_only: bool,
    /// Start the servers, print the kubeconfig and wait for Ctrl-C.
    #[arg(long, conflicts_with_all = ["package", "filter"])]
    serve: bool,
    /// Only the tests of this crate; can be given more than once.
    #[arg(short, long, value_name = "CRATE", value_parser = PossibleValuesParser::new(CRATES.map(|(name, _)| name)))]
    package: Vec<String>,
    /// Arguments for the test programs: words in the names of tests, --nocapture, …
    #[arg(last = true, value_name = "TEST ARGUMENT")]
    filter: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Real(#[from] kubewright_real::Error),
    #[error("can't run {program}: {source}")]
    Run { program: String, source: io::Error },
    #[error("the tests don't compile: see above (`cargo test --workspace --no-run` shows the same)")]
    Compile,
    #[error("can't wait for Ctrl-C: {0}")]
    Signal(io::Error),
    #[error("tests failed: {failed}; the logs of the real servers are in {}", .logs.display())]
    Tests { failed: String, logs: PathBuf },
    #[error("no test has run: none of {crates} has one whose name matches")]
    NoTests { crates: String },
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Error> {
    let binaries = ensure_binaries()?;
    println!("servers: {}", binaries.dir().display());
    if !arguments.serve {
        println!("MinIO: {}", ensure_minio()?.display());
        println!("helm: {}", ensure_helm()?.display());
        println!("registry: {}", ensure_registry()?.display());
        println!("ansible-runner: {}", ensure_ansible()?.display());
        println!("skopeo: {}", ensure_skopeo()?);
    }
    if arguments.build_only {
        return Ok(());
    }
    let options = Options { controller_manager: true, ..Options::default() };
    if arguments.serve {
        let cluster = RealCluster::start(options).await?;
        println!("kube-apiserver {KUBERNETES_VERSION} runs until Ctrl-C:");
        println!("export KUBECONFIG={}", cluster.kubeconfig().display());
        return tokio::signal::ctrl_c().await.map_err(Error::Signal);
    }

    let mut crates = CRATES.to_vec();
    crates.retain(|(name, _)| arguments.package.is_empty() || arguments.package.iter().any(|wanted| wanted == name));
    let programs = compile(&crates)?;
    let mut cluster = RealCluster::start(options).await?;
    let mut outcomes = Vec::new();
    for program in &programs {
        let first = test(program, &arguments.filter, &cluster)?;
        outcomes.push(if first.failed.is_empty() { first } else { again(program, first, &cluster)? });
    }

    println!("\nreal tier, beside kube-apiserver {KUBERNETES_VERSION}:");
    for (program, Outcome { passed, failed, good, took, .. }) in programs.iter().zip(&outcomes) {
        let verdict = if *good { "" } else { ", FAILED" };
        let failed = failed.len();
        println!("  {:32} {passed} passed, {failed} failed{verdict} ({:.1} s)", program.name, took.as_secs_f64());
    }
    let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
    let failed: usize = outcomes.iter().map(|outcome| outcome.failed.len()).sum();
    println!("{passed} passed, {failed} failed");
    for (program, outcome) in programs.iter().zip(&outcomes) {
        for name in &outcome.unsteady {
            println!("UNSTEADY: {} {name} failed at first, and passed alone", program.name);
        }
    }

    let bad: Vec<&str> = programs
        .iter()
        .zip(&outcomes)
        .filter_map(|(program, outcome)| (!outcome.good).then_some(program.name.as_str()))
        .collect();
    if !bad.is_empty() {
        cluster.keep_files();
        let logs = cluster.kubeconfig().with_file_name("*.log");
        return Err(Error::Tests { failed: bad.join(", "), logs });
    }
    if passed == 0 {
        let crates: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
        return Err(Error::NoTests { crates: crates.join(", ") });
    }
    Ok(())
}

/// A compiled program of tests.
struct Program {
    /// The crate and the test, as `kubewright-real cluster`.
    name: String,
    executable: PathBuf,
    dir: PathBuf,
}

/// Compiles the tests of the workspace, all of them so that `cargo test --workspace` and this share what is compiled, and
/// finds those of `crates`.
fn compile(crates: &[(&str, &str)]) -> Result<Vec<Program>, Error> {
    let output = cargo()
        .args(["test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"])
        .current_dir(crate::workspace())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Run { program: "cargo test --workspace --no-run".to_owned(), source })?;
    if !output.status.success() {
        return Err(Error::Compile);
    }
    let mut programs = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let (Some(executable), Some(manifest)) = (text("/executable"), text("/manifest_path")) else { continue };
        if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
            continue;
        }
        for (name, path) in crates {
            let dir = crate::workspace().join(path);
            if dir.join("Cargo.toml") == Path::new(manifest) {
                let name = format!("{name} {}", text("/target/name").unwrap_or_default());
                programs.push(Program { name, executable: executable.into(), dir });
            }
        }
    }
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(programs)
}

/// How a program of tests went.
#[derive(Debug)]
struct Outcome {
    passed: usize,
    /// The names of the tests that failed.
    failed: Vec<String>,
    /// The names of those that failed at first and passed alone.
    unsteady: Vec<String>,
    good: bool,
    took: Duration,
}

/// Runs the tests that failed once more, one after the other: real servers beside other tests on few cores are late at
/// times. What is wrong fails again; what passes now is told at the end.
fn again(program: &Program, first: Outcome, cluster: &RealCluster) -> Result<Outcome, Error> {
    println!("\nonce more, alone: {}", first.failed.join(", "));
    let mut arguments = vec!["--exact".to_owned(), "--test-threads=1".to_owned()];
    arguments.extend(first.failed.iter().cloned());
    let second = test(program, &arguments, cluster)?;
    let mut unsteady = first.failed;
    unsteady.retain(|name| !second.failed.contains(name));
    Ok(Outcome {
        passed: first.passed + second.passed,
        failed: second.failed,
        unsteady,
        good: second.good,
        took: first.took + second.took,
    })
}

/// Runs a program of tests on the cluster and shows what it prints as it prints it.
fn test(program: &Program, filter: &[String], cluster: &RealCluster) -> Result<Outcome, Error> {
    let failed = |source| Error::Run { program: program.executable.display().to_string(), source };
    println!("\n{}: {}", program.name, program.executable.display());
    let started = Instant::now();
    let mut child = Command::new(&program.executable)
        .args(filter)
        .current_dir(&program.dir)
        .env("CARGO_MANIFEST_DIR", &program.dir)
        .env("KUBEWRIGHT_TEST_KUBECONFIG", cluster.kubeconfig())
        .env("KUBEWRIGHT_REAL", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut outcome =
        Outcome { passed: 0, failed: Vec::new(), unsteady: Vec::new(), good: false, took: Duration::ZERO };
    let mut failures = Failures::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.map_err(failed)?;
            outcome.passed += passed(&line).unwrap_or_default();
            failures.read(&line);
            // When nobody reads what we print any more, the tests are still worth finishing.
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
    outcome.good = child.wait().map_err(failed)?.success();
    // Without a failure there is no list, and what looks like one has been printed by a test.
    outcome.failed = if outcome.good { Vec::new() } else { failures.0 };
    outcome.took = started.elapsed();
    Ok(outcome)
}

/// The number of passed tests in the closing line of a test program.
fn passed(line: &str) -> Option<usize> {
    let line = line.strip_prefix("test result: ")?;
    let before = &line[..line.find("passed;")?];
    before.trim_end().rsplit(' ').next()?.parse().ok()
}

/// The names of the tests that failed, as a program lists them last: what a test prints can break the line that tells how it
/// ended.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn read(&mut self, line: &str) {
        // A list of what they have printed comes before that of their names, under the same title.
        if line == "failures:" {
            self.0.clear();
        } else if let Some(name) = line.strip_prefix("    ").filter(|name| !name.contains(' ')) {
            self.0.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_program_is_read() {
        let line = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(passed(line), Some(12));
        let line = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(passed(line), Some(3));
        assert_eq!(passed("test result_is_read ... ok"), None);
    }

    #[test]
    fn tests_that_fail_are_named() {
        let mut failures = Failures::default();
        let output = "running 2 tests\ntest one::two ... it printed this\nFAILED\ntest three ... ok\n\nfailures:\n\n\
                      ---- one::two stdout ----\n    indented\n\n\nfailures:\n    one::two\n    panics\n\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        output.lines().for_each(|line| failures.read(line));
        assert_eq!(failures.0, ["one::two", "panics"]);
    }
}
