//! `cargo xtask bench`: builds the benchmarks for release and runs them.

use std::io;
use std::process::ExitStatus;

use clap::Args;
use kubewright_real::cargo;

#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Arguments for the benchmarks; see `cargo xtask bench --help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't run `cargo run --release --package kubewright-bench`: {0}")]
    Cargo(io::Error),
    #[error("the benchmarks failed ({0})")]
    Failed(ExitStatus),
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Error> {
    // The operators and all that they depend on take long to build.
    let without_operators = arguments.arguments.first().is_some_and(|what| what == "apiserver" || what == "toolchain");
    let status = cargo()
        .args(["run", "--quiet", "--release", "--package", "kubewright-bench"])
        .args(without_operators.then_some("--no-default-features"))
        .arg("--")
        .args(arguments.arguments)
        .current_dir(crate::workspace())
        .status()
        .map_err(Error::Cargo)?;
    if status.success() { Ok(()) } else { Err(Error::Failed(status)) }
}
