//! `cargo xtask fuzz`: runs each target of `fuzz/` for a while.
//!
//! The code is instrumented and linked with libFuzzer by the pinned, stable toolchain: that lacks the sanitizers of
//! `cargo fuzz` (which runs the same targets on a nightly toolchain), and there is no unsafe code for them to watch.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use clap::Args;
use kubewright_real::cargo;

const TARGETS: [&str; 7] = ["json", "yaml", "protobuf", "patch", "selectors", "continue_token", "schema"];

/// What `cargo fuzz --sanitizer none` passes: which branches are taken and what is compared is noted.
const INSTRUMENTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Longest input in bytes, longest time for one in seconds, most memory in megabytes.
const LIMITS: [&str; 3] = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=1024"];

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u32,
    /// Only these: json, yaml, protobuf, patch, selectors, continue_token, schema.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't run {program}: {source}")]
    Run { program: String, source: io::Error },
    #[error("the targets can't be built ({0}); libFuzzer needs a C++ compiler")]
    Build(ExitStatus),
    #[error("{target} failed; the input is in fuzz/artifacts, and the same program with it as argument fails again")]
    Found { target: String },
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let fuzz = crate::workspace().join("fuzz");
    let failed = |program: &str| {
        let program = program.to_owned();
        move |source| Error::Run { program, source }
    };
    let mut build = cargo();
    build.args(["build", "--release", "--bins"]).current_dir(&fuzz).env("RUSTFLAGS", INSTRUMENTED);
    // The flags are for the targets, not for what runs while they are built.
    let host = host()?;
    build.args(["--target", &host]).env("CARGO_TARGET_DIR", fuzz.join("target"));
    let status = build.status().map_err(failed("cargo build"))?;
    if !status.success() {
        return Err(Error::Build(status));
    }
    let chosen: Vec<&str> = match arguments.targets.as_slice() {
        [] => TARGETS.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    for target in chosen {
        println!("fuzzing {target} for {} s", arguments.seconds);
        let program: PathBuf = fuzz.join("target").join(&host).join("release").join(target);
        let (corpus, artifacts) = (fuzz.join("corpus").join(target), fuzz.join("artifacts").join(target));
        for directory in [&corpus, &artifacts] {
            std::fs::create_dir_all(directory).map_err(failed("mkdir"))?;
        }
        let status = Command::new(&program)
            .arg(&corpus)
            .arg(fuzz.join("seeds").join(target))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(format!("-max_total_time={}", arguments.seconds))
            .args(LIMITS)
            .args(["-print_final_stats=1", "-verbosity=0"])
            .status()
            .map_err(failed(target))?;
        if !status.success() {
            return Err(Error::Found { target: target.to_owned() });
        }
    }
    Ok(())
}

/// The platform that this runs on, in the compiler's words.
fn host() -> Result<String, Error> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|source| Error::Run { program: "rustc".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned())
}
