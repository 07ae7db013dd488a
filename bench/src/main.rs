//! Measures the embedded control plane beside a real kube-apiserver with etcd, and the runtime beside its peers, in one
//! run on one machine.
//!
//! - `apiserver`: what is measured of the API server under load: each verb, lists, watches, memory, growth.
//! - `control_plane`: what is measured of a control plane, and in which order.
//! - `runtime`: what is measured of the runtime: programs that do the same on Kubewright and on its peers.
//! - `toolchain`: what is measured of the command line, beside controller-gen, kopium, a project in Go and helm.
//! - `operators`: what is measured of the operators, on the embedded control plane; left out without the feature of that name.
//! - `embedded`: the embedded API server, in a process of its own as the real one is.
//! - `load`: what the servers are given to do.
//! - `compile`: compiles the programs that are measured.
//! - `process`: what the operating system tells of a process.
//! - `report`: the table, and the same as JSON.
//!
//! Run it with `cargo xtask bench`, which builds it for release.

mod apiserver;
mod compile;
mod control_plane;
mod embedded;
mod load;
#[cfg(feature = "operators")]
mod operators;
mod process;
mod report;
mod runtime;
mod toolchain;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

/// That of the `kubewright` command: a control plane makes many small pieces and drops them on other threads: the system's allocator takes half as long again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(name = "cargo xtask bench", about = "Measure the embedded control plane beside a real one.")]
#[command(after_help = "\
Examples:
  cargo xtask bench                  everything, as a table
  cargo xtask bench --seconds 2      shorter loads
  cargo xtask bench --without-real   only the embedded control plane; needs no Go
  cargo xtask bench apiserver        the API server under load, empty and with 100,000 objects
  cargo xtask bench runtime          the runtime beside controller-runtime, client-go and kube-rs; needs Go
  cargo xtask bench toolchain        generators, a first test and a Helm operator beside those of others; needs Go
  cargo xtask bench operators        the operators with thousands of objects; needs PostgreSQL and Go
  cargo xtask bench -o json          for programs")]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Args)]
struct Options {
    /// How long each load lasts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Leave the real servers out.
    #[arg(long)]
    without_real: bool,
    /// How to print the result.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table to read, which is Markdown too.
    Table,
    /// JSON.
    Json,
}

/// What else to measure, and what this program does in the processes that it starts to measure them.
#[derive(Subcommand)]
enum What {
    /// Measure the API server under load: verbs, lists, watches, memory, and how they grow with the number of objects.
    Apiserver(apiserver::Options),
    /// Measure the runtime beside controller-runtime, client-go and kube-rs, which are built first.
    Runtime(runtime::Options),
    /// Measure the command line beside controller-gen, kopium, a project in Go and helm, which are built first.
    Toolchain(toolchain::Options),
    /// Measure the operators: throughput, calls and memory with thousands of objects.
    #[cfg(feature = "operators")]
    Operators(operators::Options),
    /// Measure one of them in this process.
    #[cfg(feature = "operators")]
    #[command(hide = true)]
    OperatorLife(operators::LifeOptions),
    /// Serve until the standard input closes.
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
    /// Print how many microseconds a start takes to the first answer in process.
    #[command(hide = true)]
    InProcess,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Real(#[from] kubewright_real::Error),
    #[error("the embedded API server did not start: {0}")]
    Start(#[from] kubewright_apiserver::StartError),
    #[error("the process with the embedded API server {0}")]
    Host(String),
    #[error("can't {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error("the kubeconfig of the embedded API server is not usable: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("a request failed: {0}")]
    Client(#[from] Box<kube::Error>),
    #[error("a request failed: {0}")]
    Request(String),
    #[error("a connection failed: {0}")]
    Connection(#[from] hyper::Error),
    #[error("{program} can't be built ({status}); its output is above")]
    Build { program: String, status: std::process::ExitStatus },
    #[error("{program}: {reason}")]
    Program { program: String, reason: String },
    #[error("{0}")]
    Wrong(String),
    #[error("{program} {task}: {reason}")]
    Task { program: &'static str, task: String, reason: String },
    #[cfg(feature = "operators")]
    #[error("the operator: {0}")]
    Operator(Box<dyn std::error::Error + Send + Sync>),
    #[error("a client stopped with a panic: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

impl Error {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    #[cfg(feature = "operators")]
    fn operator(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Operator(Box::new(error))
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let print = |report: report::Report| match arguments.options.output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{:#}", report.json()),
    };
    let result = match &arguments.what {
        Some(What::Serve { data_dir }) => embedded::serve(data_dir.clone()).await,
        Some(What::InProcess) => embedded::answer_in_process().await,
        Some(What::Apiserver(options)) => apiserver::measure(options).await.map(print),
        Some(What::Runtime(options)) => runtime::measure(options).await.map(print),
        Some(What::Toolchain(options)) => toolchain::measure(options).await.map(print),
        #[cfg(feature = "operators")]
        Some(What::Operators(options)) => operators::measure(options).await.map(print),
        #[cfg(feature = "operators")]
        Some(What::OperatorLife(options)) => operators::live(options).await,
        None => control_plane::measure(&arguments.options).await.map(print),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
