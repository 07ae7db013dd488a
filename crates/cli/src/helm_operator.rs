//! `kubewright helm-operator run`: an operator-sdk project whose custom resources are Helm releases.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::engine::ArgValueCandidates;
use kubewright::prelude::*;
use kubewright_helm::{HelmOperator, Options, Program, SetUpError, Watch as HelmWatch, WatchesError};

use crate::args::duration;
use crate::cluster::{ClusterError, answering};
use crate::run::until_signal;
use crate::sdk_manager::SdkManagerArgs;
use crate::toolchain::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum HelmOperatorCommand {
    /// Install, upgrade and keep a Helm release for each custom resource, as watches.yaml says.
    #[command(after_help = EXAMPLES, disable_version_flag = true)]
    Run(HelmRunArgs),
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  kubewright helm-operator run                                        in the folder of watches.yaml
  kubewright helm-operator run --watches-file ~/memcached-operator/watches.yaml --kubeconfig ./admin.conf
  WATCH_NAMESPACE=shop,blog kubewright helm-operator run              only in these namespaces
  kubewright helm-operator run --leader-elect --leader-election-id memcached-operator --health-probe-bind-address :8081

Helm 4 has to be installed. Flags and WATCH_NAMESPACE are those of operator-sdk's helm-operator.";

/// Its flags are named as operator-sdk names them.
#[derive(Debug, Args)]
pub(crate) struct HelmRunArgs {
    /// The file that says which kinds are releases of which charts.
    #[arg(long, value_name = "FILE", default_value = "./watches.yaml", value_hint = ValueHint::FilePath)]
    watches_file: PathBuf,

    /// Kubeconfig of the cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    context: Option<String>,

    /// The helm to use.
    #[arg(long, value_name = "PROGRAM", default_value = "helm", value_hint = ValueHint::ExecutablePath)]
    helm: PathBuf,

    /// How often a release is looked at when nothing changes, unless watches.yaml or the custom resource says otherwise.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    reconcile_period: Duration,

    /// How many custom resources of a kind are worked on at the same time. Default: as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_concurrent_reconciles: Option<u16>,

    /// Keep values of watches.yaml that win over those of custom resources out of events.
    #[arg(long)]
    suppress_override_values: bool,

    #[command(flatten)]
    manager: SdkManagerArgs,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelmOperatorError {
    /// The command line can't be right.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Watches(#[from] WatchesError),
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// Runs the command. `set_log` changes what is logged.
pub(crate) async fn helm_operator(
    command: HelmOperatorCommand,
    set_log: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> Result<(), HelmOperatorError> {
    let HelmOperatorCommand::Run(args) = command;
    let (how, metrics) = args.manager.options("127.0.0.1:8081").map_err(HelmOperatorError::Usage)?;
    let watches = HelmWatch::load(&args.watches_file, |name| std::env::var(name).ok())?;
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let kinds: Vec<String> = watches.iter().map(|watch| watch.kind.clone()).collect();
    let defaults = Options::default();
    let options = Options {
        reconcile_period: args.reconcile_period,
        concurrency: args.max_concurrent_reconciles.map_or(defaults.concurrency, usize::from),
        namespaces: args.manager.namespaces(),
        suppress_override_values: args.suppress_override_values,
        ..defaults
    };
    let operator = HelmOperator::new(client.clone(), watches, Program::new(&args.helm)).await?;
    let manager = metrics.add_to(Manager::new(client, how).log_filter(set_log));
    let manager = operator.add_to(manager, &options)?;
    Ok(until_signal(manager, &format!("releases of {}", kinds.join(", "))).await?)
}
