//! Project chores: `cargo xtask --help`.
//!
//! - `acceptance`: which promises of the operators have a test.
//! - `bench`: the embedded control plane measured beside a real one.
//! - `fuzz`: runs the fuzz targets of the embedded API server for a while.
//! - `invariants`: breaks each invariant of the queue, the cache and the runtime, and sees its test fail.
//! - `planted`: plants bugs in the embedded API server and sees the comparison with a real one find each.
//! - `real`: the tests that need real Kubernetes servers.
//! - `schemas`: what the embedded API server knows of the built-in kinds, taken from a real server.

mod acceptance;
mod bench;
mod breakage;
mod fuzz;
mod invariants;
mod planted;
mod real;
mod schemas;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project chores.", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Count the promises of the operators (docs/acceptance.md) that have a test.
    Acceptance(acceptance::Arguments),
    /// Measure the embedded control plane beside a real one.
    Bench(bench::Arguments),
    /// Run the fuzz targets of the embedded API server for a while.
    Fuzz(fuzz::Arguments),
    /// Break each invariant of docs/invariants.md and see its test fail.
    Invariants(invariants::Arguments),
    /// Plant bugs in the embedded API server, one at a time, and see the comparison with a real one find each.
    Planted(planted::Arguments),
    /// Run the tests that compare with, or run on, real Kubernetes servers.
    Real(real::Arguments),
    /// Take the schemas of the built-in kinds from a real API server.
    Schemas(schemas::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Acceptance(arguments) => acceptance::run(&arguments).map_err(|error| error.to_string()),
        Chore::Bench(arguments) => bench::run(arguments).map_err(|error| error.to_string()),
        Chore::Fuzz(arguments) => fuzz::run(&arguments).map_err(|error| error.to_string()),
        Chore::Invariants(arguments) => invariants::run(&arguments).map_err(|error| error.to_string()),
        Chore::Planted(arguments) => planted::run(&arguments).map_err(|error| error.to_string()),
        Chore::Real(arguments) => real::run(arguments).await.map_err(|error| error.to_string()),
        Chore::Schemas(arguments) => schemas::run(arguments).await.map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout.
fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
