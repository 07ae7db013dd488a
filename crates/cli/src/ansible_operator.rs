//! `kubewright ansible-operator run`: an operator-sdk project whose custom resources roles and playbooks work on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;
use kubewright::prelude::*;
use kubewright_ansible::{
    AnsibleOperator, LogEvents, Options, Program, Search, SetUpError, Watch as AnsibleWatch, WatchesError,
};

use crate::args::duration;
use crate::cluster::{ClusterError, answering};
use crate::run::until_signal;
use crate::sdk_manager::SdkManagerArgs;
use crate::toolchain::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum AnsibleOperatorCommand {
    /// Run a role or a playbook for each custom resource, as watches.yaml says.
    #[command(after_help = EXAMPLES, disable_version_flag = true)]
    Run(AnsibleRunArgs),
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  kubewright ansible-operator run                                        in the folder of watches.yaml
  kubewright ansible-operator run --ansible-runner ~/ansible/bin/ansible-runner --kubeconfig ./admin.conf
  WATCH_NAMESPACE=shop,blog kubewright ansible-operator run              only in these namespaces
  kubewright ansible-operator run --leader-elect --leader-election-id memcached-operator --health-probe-bind-address :6789

ansible-runner has to be installed: python3 -m venv ~/ansible && ~/ansible/bin/pip install ansible-core ansible-runner kubernetes,
and the project's collections: ansible-galaxy collection install -r requirements.yml. Flags and variables of the environment are
those of operator-sdk's ansible-operator. Unless --log says otherwise, the log has each task.";

/// Its flags are named as operator-sdk names them.
#[derive(Debug, Args)]
pub(crate) struct AnsibleRunArgs {
    /// The file that says which roles and playbooks work on which kinds.
    #[arg(long, value_name = "FILE", default_value = "./watches.yaml", value_hint = ValueHint::FilePath)]
    watches_file: PathBuf,

    /// Kubeconfig of the cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    context: Option<String>,

    /// The ansible-runner to use; ansible-playbook is looked for beside it first.
    #[arg(long, value_name = "PROGRAM", default_value = "ansible-runner", value_hint = ValueHint::ExecutablePath)]
    ansible_runner: PathBuf,

    /// How often Ansible runs when nothing changes, unless watches.yaml or the custom resource says otherwise.
    #[arg(long, value_name = "DURATION", default_value = "10h", value_parser = duration)]
    reconcile_period: Duration,

    /// How many custom resources of a kind are worked on at the same time; MAX_CONCURRENT_RECONCILES_KIND_GROUP goes first.
    /// Default: as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_concurrent_reconciles: Option<u16>,

    /// How much Ansible tells: the number of its -v; ANSIBLE_VERBOSITY_KIND_GROUP goes first.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=7))]
    ansible_verbosity: u8,

    /// Where roles are, folders joined by colons. Default: $ANSIBLE_ROLES_PATH, then roles/ of the project.
    #[arg(long, value_name = "PATH")]
    ansible_roles_path: Option<String>,

    /// Where collections are. Default: $ANSIBLE_COLLECTIONS_PATH, then where Ansible looks.
    #[arg(long, value_name = "PATH")]
    ansible_collections_path: Option<String>,

    /// Arguments for ansible-playbook, in one text: --ansible-args='--tags fast'.
    #[arg(long, value_name = "ARGUMENTS", default_value = "", allow_hyphen_values = true)]
    ansible_args: String,

    /// What of Ansible's events gets into the log.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Events::Tasks, ignore_case = true)]
    ansible_log_events: Events,

    /// Whether what roles create gets its owner, and is watched.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    inject_owner_ref: bool,

    /// Where the files of runs are. Default: ansible-operator/runner in the folder for temporary files.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    runner_dir: Option<PathBuf>,

    /// The proxy takes a free port: this is passed over.
    #[arg(long, hide = true)]
    proxy_port: Option<u16>,

    #[command(flatten)]
    manager: SdkManagerArgs,
}

/// What of Ansible's events gets into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Events {
    /// Tasks that start, failures, and what debug tasks print.
    Tasks,
    /// All, with their data.
    Everything,
    /// None.
    Nothing,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnsibleOperatorError {
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
pub(crate) async fn ansible_operator(
    command: AnsibleOperatorCommand,
    set_log: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> Result<(), AnsibleOperatorError> {
    let AnsibleOperatorCommand::Run(args) = command;
    let (how, metrics) = args.manager.options("127.0.0.1:6789").map_err(AnsibleOperatorError::Usage)?;
    let variable = |name: &str| args.variable(name);
    let search = Search::new(args.watches_file.parent().unwrap_or(Path::new("")), variable);
    let watches = AnsibleWatch::load(&args.watches_file, &search, variable)?;
    let options = args.options(&search);
    let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
    let kinds: Vec<String> = watches.iter().map(|watch| watch.kind.clone()).collect();
    let operator = AnsibleOperator::new(client.clone(), watches, Program::new(&args.ansible_runner)).await?;
    let manager = metrics.add_to(Manager::new(client, how).log_filter(set_log));
    let manager = operator.add_to(manager, &options)?;
    Ok(until_signal(manager, &format!("Ansible for {}", kinds.join(", "))).await?)
}

impl AnsibleRunArgs {
    /// A variable of the environment, or the flag that stands for it.
    fn variable(&self, name: &str) -> Option<String> {
        let flag = match name {
            "ANSIBLE_ROLES_PATH" => self.ansible_roles_path.clone(),
            "ANSIBLE_COLLECTIONS_PATH" => self.ansible_collections_path.clone(),
            _ => None,
        };
        flag.or_else(|| std::env::var(name).ok())
    }

    fn options(&self, search: &Search) -> Options {
        let defaults = Options::default();
        let mut environment = vec![("ANSIBLE_ROLES_PATH".into(), search.roles_of_run().into())];
        environment
            .extend(self.ansible_collections_path.iter().map(|path| ("ANSIBLE_COLLECTIONS_PATH".into(), path.into())));
        Options {
            reconcile_period: self.reconcile_period,
            concurrency: self.max_concurrent_reconciles.map_or(defaults.concurrency, usize::from),
            verbosity: self.ansible_verbosity,
            arguments: self.ansible_args.clone(),
            log: match self.ansible_log_events {
                Events::Tasks => LogEvents::Tasks,
                Events::Everything => LogEvents::Everything,
                Events::Nothing => LogEvents::Nothing,
            },
            print_all: self
                .variable("ANSIBLE_DEBUG_LOGS")
                .is_some_and(|text| ["1", "t", "T", "true", "TRUE", "True"].contains(&text.as_str())),
            inject_owner_references: self.inject_owner_ref,
            namespaces: self.manager.namespaces(),
            folder: self.runner_dir.clone().unwrap_or(defaults.folder),
            environment,
            ..defaults
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AnsibleRunArgs,
    }

    fn args(flags: &[&str]) -> AnsibleRunArgs {
        Line::try_parse_from([&["test"], flags].concat()).map(|line| line.args).unwrap()
    }

    #[test]
    fn flags_of_operator_sdks_ansible_operator_are_taken() {
        let args = args(&[
            "--watches-file=./watches.yaml",
            "--leader-elect",
            "--leader-election-id=memcached-operator",
            "--health-probe-bind-address=:6789",
            "--ansible-args=--tags fast",
            "--ansible-log-events=Everything",
            "--ansible-roles-path=/opt/roles",
            "--inject-owner-ref=false",
            "--proxy-port=8888",
            "--reconcile-period=1m",
        ]);
        let search = Search::new(Path::new("/project"), |name| args.variable(name));
        let options = args.options(&search);
        assert_eq!((options.arguments.as_str(), options.log), ("--tags fast", LogEvents::Everything));
        assert_eq!(options.environment[0], ("ANSIBLE_ROLES_PATH".into(), "/opt/roles".into()));
        assert!(!options.inject_owner_references);
        assert_eq!(options.reconcile_period, Duration::from_secs(60));
    }

    #[test]
    fn the_defaults_are_operator_sdks() {
        let args = args(&[]);
        let options = args.options(&Search::default());
        assert_eq!((options.reconcile_period, options.verbosity), (Duration::from_secs(36_000), 2));
        assert!(options.inject_owner_references && options.folder.ends_with("ansible-operator/runner"));
    }
}
