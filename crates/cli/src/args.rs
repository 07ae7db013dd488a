//! The command line: commands, flags and their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use crate::access::AccessCommand;
use crate::account::AccountCommand;
use crate::ansible_operator::{AnsibleOperatorCommand, EXAMPLES as ANSIBLE_OPERATOR_EXAMPLES};
use crate::helm_operator::{EXAMPLES as HELM_OPERATOR_EXAMPLES, HelmOperatorCommand};
use crate::metrics::MetricsArgs;
use crate::operators::OperatorArgs;
use crate::snapshot::SnapshotCommand;
use crate::toolchain::args::ToolchainCommand;
use crate::toolchain::complete;
use crate::toolchain::run_bundle::RunCommand;

/// How wide help may get, in columns; it is so where there is no terminal. No example is longer: broken it could not be copied.
pub(crate) const WIDTH: usize = 132;

/// What is logged if nothing is said.
pub(crate) const LOG: &str = "warn";

/// Write, run, test and ship Kubernetes operators, with or without a cluster.
#[derive(Debug, Parser)]
#[command(name = "kubewright", version, propagate_version = true, max_term_width = WIDTH, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// How much to log; the syntax of RUST_LOG, for example debug or kubewright_runtime=debug.
    #[arg(long, global = true, value_name = "FILTER", env = "KUBEWRIGHT_LOG", default_value = LOG)]
    pub(crate) log: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a control plane with the operators on this machine, no cluster needed.
    #[command(after_help = UP_EXAMPLES)]
    Up(UpArgs),
    /// Print the roles that the operators need.
    #[command(after_help = RBAC_EXAMPLES)]
    Rbac(RbacArgs),
    /// Run the project's operator, or those that come with this program, against a cluster; or a bundle in it.
    #[command(after_help = RUN_EXAMPLES, args_conflicts_with_subcommands = true)]
    Run(RunArgs),
    /// Look after requests for access.
    #[command(subcommand, after_help = ACCESS_EXAMPLES)]
    Access(AccessCommand),

    /// Look at accounts in their database.
    #[command(subcommand, after_help = ACCOUNT_EXAMPLES)]
    Account(AccountCommand),
    /// Run an operator-sdk project whose custom resources are Helm releases.
    #[command(subcommand, after_help = HELM_OPERATOR_EXAMPLES)]
    HelmOperator(HelmOperatorCommand),
    /// Run an operator-sdk project whose custom resources Ansible roles and playbooks work on.
    #[command(subcommand, after_help = ANSIBLE_OPERATOR_EXAMPLES)]
    AnsibleOperator(AnsibleOperatorCommand),
    /// Print a directory with a kube-apiserver and an etcd for Go's envtest, which are this program.
    #[command(after_help = ASSETS_EXAMPLES)]
    Assets(AssetsArgs),
    /// Save the objects of a control plane to a file, and restore them.
    #[command(subcommand, after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(SnapshotCommand),
    #[command(flatten)]
    Toolchain(ToolchainCommand),
}

const EXAMPLES: &str = "\
Examples:
  kubewright up                                      a control plane with operators, no cluster needed
  kubewright init --domain example.com               a project for an operator of your own
  kubewright create api --group web --version v1 --kind Site
  kubewright run --embedded                          build and run it, again at each change
  kubewright types --help                            each command has examples";

const UP_EXAMPLES: &str = "\
Examples:
  kubewright up                                      start, apply the examples, run until Ctrl-C
  kubewright up --exit-when-settled                  start, wait until all is reconciled, show it, exit
  kubewright up --data-dir ./data --port 6443        keep what is written over restarts
  kubewright up --operators none --no-examples       the control plane alone
  kubewright up --with minio                         with an object storage, for its operator
  kubewright up --nodes 3                            with simulated nodes, so that Deployments get ready
  kubectl --kubeconfig kubewright.kubeconfig get ingress -A";

const RUN_EXAMPLES: &str = "\
Examples, in a project:
  kubewright run --embedded                          build and run it with a control plane of its own; again at each change
  kubewright run --embedded --data-dir ./data        keep what is in the control plane for the next time
  kubewright run --install-crds --context staging    against a cluster
  kubewright run --no-reload -- --webhook-port 9443  with flags for the project's program
Examples of the operators that come with this program:
  kubewright run                                     all operators; $KUBECONFIG or ~/.kube/config, else in-cluster
  kubewright run --kubeconfig ./admin.conf --operators ingress
  kubewright run --leader-elect                      one of several replicas works
  kubewright run --shards                            several replicas share the work
  kubewright run --metrics-bind-address 127.0.0.1:8080
  kubewright run --metrics-bind-address :8443 --metrics-secure --metrics-require-rbac    to those whom RBAC allows it
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 kubewright run           traces to an OpenTelemetry collector
Examples of bundles, which the Operator Lifecycle Manager of a cluster installs:
  kubewright run bundle registry.example.com/guestbook-bundle:v0.1.0
  kubewright run bundle-upgrade registry.example.com/guestbook-bundle:v0.2.0";

const RBAC_EXAMPLES: &str = "\
Examples:
  kubewright rbac --operators ingress | kubectl apply -f -
  kubewright rbac --operators ingress --name ingress-operator --service-account system/ingress
  kubewright rbac --leader-elect --lease-namespace system                  with the right to the Lease
  kubewright rbac --metrics-require-rbac                                   with those to ask who reads the metrics";

#[derive(Debug, Args)]
pub(crate) struct RbacArgs {
    #[command(flatten)]
    pub(crate) operators: OperatorArgs,

    #[command(flatten)]
    pub(crate) replicas: ReplicaArgs,

    /// They serve metrics to those whom RBAC allows it.
    #[arg(long)]
    pub(crate) metrics_require_rbac: bool,

    /// What the roles are called.
    #[arg(long, value_name = "NAME", default_value = "kubewright")]
    pub(crate) name: String,

    /// Also print bindings of the roles to this ServiceAccount.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = service_account)]
    pub(crate) service_account: Option<(String, String)>,
}
const ACCESS_EXAMPLES: &str = "\
Examples:
  kubewright access sweep --older-than 1h                    delete requests that were finished an hour ago
  kubewright access cron-job --image IMAGE | kubectl apply -f -   have the cluster do so each hour";

const ACCOUNT_EXAMPLES: &str = "\
Examples:
  DATABASE_URI=postgres://… kubewright account history jane            the newest transactions
  kubewright account history jane --limit 20 --before 81 -o json       an older page, with all that is recorded";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  kubewright snapshot save backup.snap --kubeconfig kubewright.kubeconfig    while the control plane runs
  kubewright snapshot save backup.snap --data-dir ./data                     while it does not
  kubewright snapshot status backup.snap                                     check it
  kubewright snapshot restore backup.snap --data-dir ./restored
  kubewright up --data-dir ./restored";

const ASSETS_EXAMPLES: &str = "\
Examples:
  KUBEBUILDER_ASSETS=$(kubewright assets) go test ./...     run a Go project's envtest suites
  kubewright assets --dir ./bin/assets                      put the links there";

#[derive(Debug, Args)]
pub(crate) struct AssetsArgs {
    /// Where to put the links. Default: a directory of this version in $KUBEWRIGHT_CACHE or ~/.cache/kubewright.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Port of the API server on 127.0.0.1; 0: any free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// Keep the cluster's state in this directory; accepted writes survive a crash. Without it nothing is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Simulated nodes, on which pods are scheduled and get ready without a container; 0: pods stay Pending.
    /// Default: 1 if an operator's example needs running pods, else 0.
    #[arg(long, value_name = "N")]
    pub(crate) nodes: Option<usize>,

    /// Where to write the kubeconfig.
    #[arg(long, value_name = "FILE", default_value = "kubewright.kubeconfig")]
    pub(crate) kubeconfig_out: PathBuf,

    #[command(flatten)]
    pub(crate) operators: OperatorArgs,

    /// Also start what operators need, in place of a server of yours.
    #[arg(long, value_enum, value_name = "SERVER", value_delimiter = ',')]
    pub(crate) with: Vec<With>,

    /// With --with minio, use this server in place of starting one. The keys of its administrator are in MINIO_ROOT_USER and
    /// MINIO_ROOT_PASSWORD.
    #[arg(long, value_name = "URL", requires = "with")]
    pub(crate) minio_endpoint: Option<String>,

    /// Do not apply the operators' examples.
    #[arg(long)]
    pub(crate) no_examples: bool,

    /// Wait until everything is reconciled, print the tree and exit: 0, or 1 with the reason after --timeout.
    #[arg(long)]
    pub(crate) exit_when_settled: bool,

    /// How long to wait with --exit-when-settled, for example 90s or 2m.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// How to print: a tree for people, or JSON (one document at the end, with --exit-when-settled).
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A bundle in place of an operator's program.
    #[command(subcommand)]
    pub(crate) bundle: Option<Box<RunCommand>>,

    /// Kubeconfig of the cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    pub(crate) context: Option<String>,

    /// Install the operators' custom resource definitions first, or bring them up to date.
    #[arg(long)]
    pub(crate) install_crds: bool,

    /// Serve metrics here, and health if it has no address of its own; 0: do not serve them.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) metrics_bind_address: String,

    /// Serve health here; 0: do not serve it. Default: beside the metrics; with --metrics-secure 127.0.0.1:8081.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) health_probe_bind_address: Option<String>,

    #[command(flatten)]
    pub(crate) guard: MetricsArgs,

    #[command(flatten)]
    pub(crate) operators: OperatorArgs,

    #[command(flatten)]
    pub(crate) replicas: ReplicaArgs,

    // The last, as its heading holds for what follows.
    #[command(flatten)]
    pub(crate) project: ProjectRunArgs,
}

/// How the operator of a project runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "In a project")]
pub(crate) struct ProjectRunArgs {
    /// Run against a control plane of its own, which goes on with all that is in it while the operator is built anew.
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    pub(crate) embedded: bool,

    /// With --embedded: keep the control plane's state in this directory.
    #[arg(long, value_name = "DIR", requires = "embedded")]
    pub(crate) data_dir: Option<PathBuf>,

    /// With --embedded: simulated nodes, on which pods get ready without a container.
    #[arg(long, value_name = "N", requires = "embedded", default_value_t = 0)]
    pub(crate) nodes: usize,

    /// With --embedded: where to write the kubeconfig. Default: kubewright.kubeconfig in the project.
    #[arg(long, value_name = "FILE", requires = "embedded")]
    pub(crate) kubeconfig_out: Option<PathBuf>,

    /// Do not build and start it anew when a source changes.
    #[arg(long)]
    pub(crate) no_reload: bool,

    /// Optimise the program.
    #[arg(long)]
    pub(crate) release: bool,

    /// Flags for the project's program.
    #[arg(last = true, value_name = "FLAGS")]
    pub(crate) flags: Vec<String>,
}

/// How several processes share the work.
#[derive(Debug, Args)]
pub(crate) struct ReplicaArgs {
    /// Run beside other replicas: one works, the others stand by.
    #[arg(long, conflicts_with = "shards")]
    pub(crate) leader_elect: bool,

    /// Run beside other replicas: each works on its share of the objects.
    #[arg(long)]
    pub(crate) shards: bool,

    /// Name of the Lease by which replicas know each other; the same for all of them.
    #[arg(long, value_name = "NAME", default_value = "kubewright")]
    pub(crate) lease: String,

    /// Namespace of the Lease. Default: that of the context or of the Pod.
    #[arg(long, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub(crate) lease_namespace: Option<String>,

    /// After how much silence a replica counts as dead; it stops its own work after two thirds of that.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub(crate) lease_duration: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// An object storage: the `minio` on PATH.
    Minio,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// `NAMESPACE/NAME`.
fn service_account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.into(), name.into()))
        }
        _ => Err(format!("{text:?} is no ServiceAccount; write it as NAMESPACE/NAME")),
    }
}

/// `90s`, `2m`, `500ms`, `1h30m`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write for example 90s, 2m or 500ms");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|&at| at > 0).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(millis).map(Duration::from_millis);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[unit..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Man pages are made of the same.
    #[test]
    fn each_command_has_a_help_with_an_example_that_can_be_parsed() {
        let cli = Cli::command();
        let mut without = Vec::new();
        let mut folders = vec![(String::from("kubewright"), &cli)];
        while let Some((path, command)) = folders.pop() {
            let subcommands = command.get_subcommands().filter(|command| command.get_name() != "help");
            folders.extend(subcommands.map(|command| (format!("{path} {}", command.get_name()), command)));
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            if !help.contains("Example") || !examples.iter().any(|line| line.contains(&path)) {
                without.push(path.clone());
            }
            if command.get_about().is_none() {
                without.push(format!("{path} (what it does)"));
            }
            for line in examples {
                assert!(line.chars().count() + 2 <= WIDTH, "too long: {line}");
                parses(line);
            }
        }
        assert_eq!(without, Vec::<String>::new(), "commands without an example");
    }

    /// Commands that list something.
    const LISTING: [&str; 9] = [
        "account history",
        "bundle validate",
        "olm status",
        "scorecard",
        "snapshot status",
        "status",
        "up",
        "upgrade",
        "version",
    ];

    /// Commands that do something, or print a document that other programs read as it is.
    const DOING: [&str; 31] = [
        "access cron-job",
        "access sweep",
        "ansible-operator run",
        "assets",
        "bundle build",
        "bundle generate",
        "cleanup",
        "completion",
        "create api",
        "create webhook",
        "deploy",
        "edit",
        "helm-operator run",
        "image build",
        "image push",
        "init",
        "install",
        "man",
        "manifests",
        "olm install",
        "olm uninstall",
        "pkgman-to-bundle",
        "rbac",
        "run",
        "run bundle",
        "run bundle-upgrade",
        "snapshot restore",
        "snapshot save",
        "types",
        "undeploy",
        "uninstall",
    ];

    /// This command and those below it, as far as they do something themselves, by their names without that of the program.
    fn commands<'a>(path: &str, command: &'a clap::Command) -> Vec<(String, &'a clap::Command)> {
        let below = command.get_subcommands().filter(|command| command.get_name() != "help");
        let mut found: Vec<_> =
            below.flat_map(|next| commands(format!("{path} {}", next.get_name()).trim_start(), next)).collect();
        if !command.is_subcommand_required_set() {
            found.push((path.to_string(), command));
        }
        found
    }

    #[test]
    fn each_command_that_lists_things_does_so_as_json_too() {
        let cli = Cli::command();
        let mut seen = Vec::new();
        for (path, command) in commands("", &cli) {
            let output = command.get_arguments().find(|argument| argument.get_id() == "output");
            let values: Vec<String> = output
                .into_iter()
                .filter(|output| output.get_short() == Some('o') && output.get_long() == Some("output"))
                .flat_map(|output| output.get_possible_values())
                .map(|value| value.get_name().to_string())
                .collect();
            let json = values.contains(&"json".to_string());
            match (LISTING.contains(&path.as_str()), DOING.contains(&path.as_str())) {
                (true, false) => assert!(json, "{path} lists things and has no -o json"),
                (false, true) => assert!(!json, "{path} has -o json: it is one of those that list"),
                _ => panic!("{path} is new here: say whether it lists things"),
            }
            seen.push(path);
        }
        assert_eq!(seen.len(), LISTING.len() + DOING.len(), "a command is gone: {seen:?}");
    }

    #[test]
    fn shells_complete_the_names_that_a_cluster_or_a_project_has() {
        let cli = Cli::command();
        let mut without = Vec::new();
        for (path, command) in commands("", &cli) {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let named = argument.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
                let wanted = match named {
                    Some("NAMESPACE" | "NAMESPACES" | "PACKAGE" | "GROUP" | "VERSIONS") => true,
                    // `init --plugins` has a kind of another sort, whose values clap knows itself.
                    Some("KIND") => argument.get_possible_values().is_empty(),
                    Some("VERSION") => path.starts_with("create "),
                    _ => ["context", "cluster", "operators"].contains(&id),
                };
                if wanted && argument.get::<ArgValueCandidates>().is_none() {
                    without.push(format!("{path} {id}"));
                }
            }
        }
        assert_eq!(without, Vec::<String>::new(), "values that shells do not complete");
    }

    /// An example that names this program must be a command line that it takes.
    fn parses(line: &str) {
        let Some(at) = line.find("kubewright ") else { return };
        let command = &line[at..];
        // Prose behind the command stands after two spaces, other programs after a pipe.
        let end = ["  ", " |", ")", " > ", " && "].iter().filter_map(|end| command.find(end)).min();
        let command = &command[..end.unwrap_or(command.len())];
        let words: Vec<&str> = command.split_whitespace().collect();
        if let Err(error) = Cli::command().try_get_matches_from(&words) {
            let shown = [clap::error::ErrorKind::DisplayHelp, clap::error::ErrorKind::DisplayVersion];
            assert!(shown.contains(&error.kind()), "{line}: {error}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let millis = |text: &str| duration(text).map(|d| d.as_millis());
        assert_eq!(millis("90"), Ok(90_000));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        for wrong in ["", "s", "1", "1d", "-1s", "99999999999999999999s", "9999999999999999h"] {
            assert_eq!(duration(wrong).is_err(), wrong != "1", "{wrong}");
        }
    }
}
