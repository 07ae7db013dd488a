//! The `kubewright` command.
//!
//! | module | what it holds |
//! |---|---|
//! | `args` | commands, flags, help |
//! | `access` | what is done about requests for access from outside of the operator |
//! | `account` | the accounts in their database |
//! | `up` | a control plane with the operators on this machine |
//! | `run` | the operators against a cluster |
//! | `cluster` | the cluster that a command works against |
//! | `rbac` | the roles that the operators need |
//! | `snapshot` | the objects of a control plane as a file, and back |
//! | `helm_operator`, `ansible_operator` | operator-sdk's Helm and Ansible operators |
//! | `sdk_manager` | the flags that they share |
//! | `assets` | this binary in place of the servers that Go's envtest starts |
//! | `operators` | which operators there are, and what they tell of themselves |
//! | `manifests` | applies examples |
//! | `tree`, `show` | what happened, as a tree |
//! | `toolchain` | what makes and looks after operator projects: types, projects, completion |
//! | `signals` | SIGINT and SIGTERM |
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage.

mod access;
mod account;
mod ansible_operator;
mod args;
mod assets;
mod cluster;
mod crds;
mod helm_operator;
mod manifests;
mod metrics;
mod minio;
mod operators;
mod rbac;
mod run;
mod sdk_manager;
mod show;
mod signals;
mod snapshot;
mod toolchain;
mod tree;
mod up;

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompleteEnv;
use kubewright_telemetry::Traces;
use mimalloc::MiMalloc;
use tracing_subscriber::{EnvFilter, prelude::*, reload};

use args::{Cli, Command, RunArgs};
use assets::Server;
use toolchain::{develop, run_bundle};

/// A control plane makes many small pieces and drops them on other threads: the system's allocator takes half as long again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if let Some(server) = arguments.next().and_then(|program| Server::called(&program.to_string_lossy())) {
        return server.run(arguments).await;
    }
    // The shell asks for completions by an environment variable, and gets nothing else.
    CompleteEnv::with_factory(Cli::command).complete();
    let mut command = Cli::command();
    if !std::io::stdout().is_terminal() {
        command = command.term_width(args::WIDTH);
    }
    let matches = command.get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // Who runs Ansible wants to see its tasks.
    let tasks = matches!(cli.command, Command::AnsibleOperator(_)) && cli.log == args::LOG;
    let filter = if tasks { format!("{},kubewright_ansible=info", args::LOG) } else { cli.log.clone() };
    let filter = match EnvFilter::try_new(filter) {
        Ok(filter) => filter,
        Err(error) => {
            return usage(&format!("--log {:?}: {error}; write for example info or kubewright_runtime=debug", cli.log));
        }
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let traces = match &cli.command {
        Command::Up(_) | Command::Run(_) => match Traces::from_env("kubewright") {
            Ok(traces) => traces,
            Err(error) => return usage(&chain(&error)),
        },
        _ => None,
    };
    let (filter, reload) = reload::Layer::new(filter);
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_filter(filter);
    tracing_subscriber::registry().with(traces.as_ref().map(Traces::layer)).with(log).init();
    let set_log = move |filter: &str| {
        let filter = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
        reload.reload(filter).map_err(|error| error.to_string())
    };

    let traced = traces.is_some();
    let result = match cli.command {
        Command::Up(args) => up::up(args, traced).await.map_err(Failure::from),
        Command::Run(RunArgs { bundle: Some(command), .. }) => run_bundle::run(&command).await.map_err(Failure::from),
        Command::Run(args) => match develop::project(&matches) {
            Ok(Some(folder)) => develop::run(&folder, &args).await.map_err(Failure::from),
            Ok(None) => run::run(args, set_log, traced).await.map_err(Failure::from),
            Err(error) => Err(error.into()),
        },
        Command::Rbac(args) => rbac::rbac(args).map_err(Failure::from),
        Command::Access(command) => access::access(command).await.map_err(|error| Failure::Failed(chain(&error))),
        Command::Account(command) => account::account(command).await.map_err(|error| Failure::Failed(chain(&error))),
        Command::Snapshot(command) => snapshot::snapshot(command).await.map_err(|error| Failure::Failed(chain(&error))),
        Command::Toolchain(command) => toolchain::run(command).await.map_err(Failure::from),
        Command::HelmOperator(command) => {
            helm_operator::helm_operator(command, set_log).await.map_err(|error| match error {
                helm_operator::HelmOperatorError::Usage(text) => Failure::Usage(text),
                error => Failure::Failed(chain(&error)),
            })
        }
        Command::AnsibleOperator(command) => {
            ansible_operator::ansible_operator(command, set_log).await.map_err(|error| match error {
                ansible_operator::AnsibleOperatorError::Usage(text) => Failure::Usage(text),
                error => Failure::Failed(chain(&error)),
            })
        }
        Command::Assets(args) => assets::assets(&args).map_err(|error| Failure::Failed(chain(&error))),
    };
    if let Some(traces) = traces
        && let Err(error) = traces.shutdown().await
    {
        tracing::warn!("{}", chain(&error));
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => usage(&text),
        Err(Failure::Failed(text)) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// How a command ended that did not do its work.
enum Failure {
    /// The command line can't be right: exit code 2.
    Usage(String),
    /// It did not work: exit code 1.
    Failed(String),
}

impl From<up::UpError> for Failure {
    fn from(error: up::UpError) -> Self {
        match &error {
            up::UpError::Operators(cause) if cause.is_usage() => Self::Usage(chain(&error)),
            _ => Self::Failed(chain(&error)),
        }
    }
}

impl From<toolchain::ToolchainError> for Failure {
    fn from(error: toolchain::ToolchainError) -> Self {
        match error.is_usage() {
            true => Self::Usage(chain(&error)),
            false => Self::Failed(chain(&error)),
        }
    }
}

impl From<rbac::RbacError> for Failure {
    fn from(error: rbac::RbacError) -> Self {
        match &error {
            rbac::RbacError::Operators(cause) if cause.is_usage() => Self::Usage(chain(&error)),
            rbac::RbacError::Operators(_) | rbac::RbacError::Output(_) => Self::Failed(chain(&error)),
        }
    }
}

impl From<run::RunError> for Failure {
    fn from(error: run::RunError) -> Self {
        match &error {
            run::RunError::Operators(cause) if cause.is_usage() => Self::Usage(chain(&error)),
            run::RunError::Usage(_) | run::RunError::Manager(kubewright::prelude::ManagerError::Replicas(_)) => {
                Self::Usage(chain(&error))
            }
            _ => Self::Failed(chain(&error)),
        }
    }
}

fn usage(text: &str) -> ExitCode {
    eprintln!("error: {text}\n\nFor more information, try '--help'.");
    ExitCode::from(2)
}

/// The error with all its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
