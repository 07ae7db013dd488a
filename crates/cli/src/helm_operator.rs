//! `kubewright helm-operator run`: an operator-sdk project whose custom resources are Helm releases.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use kubewright::prelude::*;
use kubewright::runtime::{LeaderElection, Replicas};
use kubewright_helm::{HelmOperator, Options, Program, SetUpError, Watch as HelmWatch, WatchesError};

use crate::args::duration;
use crate::run::until_signal;

#[derive(Debug, Subcommand)]
pub(crate) enum HelmOperatorCommand {
    /// Install, upgrade and keep a Helm release for each custom resource, as watches.yaml says.
    #[command(after_help = EXAMPLES, disable_version_flag = true)]
    Run(HelmRunArgs),
}

const EXAMPLES: &str = "\
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
    #[arg(long, value_name = "NAME")]
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

    /// Run beside other replicas: one works, the others stand by.
    #[arg(long, alias = "enable-leader-election", requires = "leader_election_id")]
    leader_elect: bool,

    /// Name of the Lease by which replicas know each other.
    #[arg(long, value_name = "NAME", env = "OPERATOR_NAME")]
    leader_election_id: Option<String>,

    /// Namespace of the Lease. Default: that of the context or of the Pod.
    #[arg(long, value_name = "NAMESPACE")]
    leader_election_namespace: Option<String>,

    /// Serve health and metrics here; 0: do not serve them. Default: 127.0.0.1:8081.
    #[arg(long, value_name = "ADDRESS")]
    health_probe_bind_address: Option<String>,

    /// The same: health and metrics have one address.
    #[arg(long, value_name = "ADDRESS", alias = "metrics-addr", conflicts_with = "health_probe_bind_address")]
    metrics_bind_address: Option<String>,

    /// There are no metrics over HTTPS: with this flag the command ends and says so.
    #[arg(long, alias = "metrics-require-rbac", hide = true)]
    metrics_secure: bool,

    /// The namespaces, joined by commas; none: all.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACE", value_delimiter = ',', hide_env_values = true)]
    watch_namespace: Vec<String>,
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
    Config(#[from] ConfigError),
    #[error("the cluster does not answer: {0}; check the server and the credentials in the kubeconfig")]
    NoAnswer(Box<kubewright::kube::Error>),
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// Runs the command. `set_log` changes what is logged.
pub(crate) async fn helm_operator(
    command: HelmOperatorCommand,
    set_log: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> Result<(), HelmOperatorError> {
    let HelmOperatorCommand::Run(args) = command;
    let listen = listen(&args)?;
    let watches = HelmWatch::load(&args.watches_file, |name| std::env::var(name).ok())?;
    let source = args.kubeconfig.clone().unwrap_or_default();
    let client = connect(args.kubeconfig.is_some().then_some(source.as_path()), args.context.as_deref()).await?;
    client.apiserver_version().await.map_err(|error| HelmOperatorError::NoAnswer(Box::new(error)))?;
    let kinds: Vec<String> = watches.iter().map(|watch| watch.kind.clone()).collect();
    let defaults = Options::default();
    let options = Options {
        reconcile_period: args.reconcile_period,
        concurrency: args.max_concurrent_reconciles.map_or(defaults.concurrency, usize::from),
        namespaces: namespaces(&args.watch_namespace),
        suppress_override_values: args.suppress_override_values,
        ..defaults
    };
    let operator = HelmOperator::new(client.clone(), watches, Program::new(&args.helm)).await?;
    let how = ManagerOptions { listen, replicas: replicas(&args), ..ManagerOptions::default() };
    let manager = operator.add_to(Manager::new(client, how).log_filter(set_log), &options)?;
    Ok(until_signal(manager, &format!("releases of {}", kinds.join(", "))).await?)
}

fn namespaces(list: &[String]) -> Vec<String> {
    list.iter().map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect()
}

fn replicas(args: &HelmRunArgs) -> Replicas {
    match &args.leader_election_id {
        Some(name) if args.leader_elect => {
            let mut election = LeaderElection::new(name);
            election.namespace.clone_from(&args.leader_election_namespace);
            Replicas::Leader(election)
        }
        _ => Replicas::Single,
    }
}

fn listen(args: &HelmRunArgs) -> Result<Option<SocketAddr>, HelmOperatorError> {
    if args.metrics_secure {
        let cause = "--metrics-secure and --metrics-require-rbac: metrics are served over HTTP, on the address of the health \
                     probes; leave the flags out (config/default/manager_metrics_patch.yaml has them)";
        return Err(HelmOperatorError::Usage(cause.into()));
    }
    let given = args.health_probe_bind_address.as_deref().or(args.metrics_bind_address.as_deref());
    let text = match given.unwrap_or("127.0.0.1:8081") {
        "0" => return Ok(None),
        // Go's way to say all addresses.
        port if port.starts_with(':') => format!("0.0.0.0{port}"),
        text => text.to_string(),
    };
    let wrong = |_| {
        HelmOperatorError::Usage(format!(
            "{text:?} is not an address; write for example 127.0.0.1:8081, :8081, or 0 for none"
        ))
    };
    text.parse().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: HelmRunArgs,
    }

    fn args(flags: &[&str]) -> Result<HelmRunArgs, clap::Error> {
        Line::try_parse_from([&["test"], flags].concat()).map(|line| line.args)
    }

    #[test]
    fn flags_of_operator_sdks_manager_are_taken() {
        let args = args(&[
            "--leader-elect",
            "--leader-election-id=memcached-operator",
            "--health-probe-bind-address=:8081",
            "--max-concurrent-reconciles=10",
            "--watch-namespace=a, b,",
        ])
        .unwrap();
        assert_eq!(listen(&args).unwrap(), Some("0.0.0.0:8081".parse().unwrap()));
        assert_eq!(namespaces(&args.watch_namespace), ["a", "b"]);
        assert!(matches!(replicas(&args), Replicas::Leader(election) if election.lease == "memcached-operator"));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let error = |flags: &[&str]| args(flags).map(|args| listen(&args).unwrap_err().to_string()).unwrap();
        assert!(error(&["--metrics-secure"]).contains("over HTTP"));
        assert!(error(&["--metrics-bind-address", "x"]).contains("is not an address"));
        assert!(args(&["--leader-elect"]).is_err(), "the Lease has no name");
    }
}
