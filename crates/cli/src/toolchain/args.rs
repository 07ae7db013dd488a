//! Flags and help of the commands that make and look after operator projects.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;
use kubewright_codegen::BuiltinKind;

use super::bundle_args::{
    self, BundleCommand, CleanupArgs, ImagePushArgs, OlmCommand, PackagesArgs, RegistryArgs, ScorecardArgs,
};
use super::complete;
use crate::args::{Output, duration};

#[derive(Debug, Subcommand)]
pub(crate) enum ToolchainCommand {
    /// Write Rust types for custom resource definitions.
    #[command(after_help = TYPES_EXAMPLES)]
    Types(TypesArgs),
    /// Make a project for an operator.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Add to the project.
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        #[command(subcommand)]
        what: CreateCommand,
    },
    /// Change the project's settings.
    #[command(after_help = EDIT_EXAMPLES)]
    Edit(EditArgs),
    /// Bring the generated files of a project up to this version. Your own files stay as they are.
    #[command(after_help = UPGRADE_EXAMPLES)]
    Upgrade(UpgradeArgs),
    /// Write the manifests of the project's operator: for kustomize, as one file, as a Helm chart.
    #[command(after_help = MANIFESTS_EXAMPLES)]
    Manifests(ManifestsArgs),
    /// Install the project's custom resource definitions into a cluster.
    #[command(after_help = "Examples:\n  kubewright install --kubeconfig ./admin.conf")]
    Install(ClusterArgs),
    /// Remove the project's custom resource definitions, and with them all their objects.
    #[command(after_help = "Examples:\n  kubewright uninstall --kubeconfig ./admin.conf")]
    Uninstall {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// How long to wait until they are gone; 0: do not wait.
        #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
        timeout: Duration,
    },
    /// Bring the project's operator to a cluster, and wait until it runs.
    #[command(after_help = "Examples:\n  kubewright deploy --image registry.example.com/guestbook:v1")]
    Deploy {
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        deploy: DeployArgs,
        /// How long to wait until it runs.
        #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
        timeout: Duration,
    },
    /// Remove what deploy has made; what something else has made stays.
    #[command(
        after_help = "Examples:\n  kubewright undeploy\n  kubewright undeploy --timeout 0      do not wait until it is gone"
    )]
    Undeploy {
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        deploy: DeployArgs,
        /// How long to wait until it is gone; 0: do not wait.
        #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
        timeout: Duration,
    },
    /// Tell what of the project is in a cluster: definitions, Deployment, webhooks.
    #[command(after_help = "Examples:\n  kubewright status\n  kubewright status -o json | jq .ready")]
    Status(StatusArgs),
    /// Make images of the project's operator.
    #[command(after_help = IMAGE_EXAMPLES)]
    Image {
        #[command(subcommand)]
        what: ImageCommand,
    },
    /// Make, check and pack bundles for the Operator Lifecycle Manager.
    #[command(after_help = bundle_args::BUNDLE_EXAMPLES)]
    Bundle {
        #[command(subcommand)]
        what: BundleCommand,
    },
    /// Run the static tests of operator-sdk's scorecard on a bundle.
    #[command(after_help = bundle_args::SCORECARD_EXAMPLES)]
    Scorecard(ScorecardArgs),
    /// Bring the Operator Lifecycle Manager to a cluster, out of its manifests.
    #[command(after_help = bundle_args::OLM_EXAMPLES)]
    Olm {
        #[command(subcommand)]
        what: OlmCommand,
    },
    /// Remove an operator that the Operator Lifecycle Manager has installed.
    #[command(after_help = bundle_args::CLEANUP_EXAMPLES)]
    Cleanup(CleanupArgs),
    /// Make bundles of package manifests, the format before bundles.
    #[command(after_help = bundle_args::PACKAGES_EXAMPLES)]
    PkgmanToBundle(PackagesArgs),
    /// Print the version, and that of the Kubernetes API that is built in.
    #[command(after_help = "Examples:\n  kubewright version -o json")]
    Version(VersionArgs),
    /// Print what makes a shell complete commands, flags, kinds and names.
    #[command(after_help = COMPLETION_EXAMPLES)]
    Completion(CompletionArgs),
    /// Write man pages.
    #[command(after_help = "Examples:\n  kubewright man --out ~/.local/share/man/man1")]
    Man(ManArgs),
}

const TYPES_EXAMPLES: &str = "\
Examples:
  kubewright types certificates.yaml > src/certificates.rs       one definition, one file
  kubewright types deploy/crds --out src/types                   a folder, into mod.rs and a file for each definition
  kubectl get crd -o yaml | kubewright types - --out src/types
  kubewright types --cluster certificates.cert-manager.io        from the cluster of the kubeconfig
  kubewright types deploy/crds --out src/types --check           fail if the files are not up to date
  kubewright types deploy/crds --out src/types --apply-configurations    with what server-side apply wants
  kubewright types --builtin apps/v1/Deployment v1/Service --out src/apply  parts of Kubernetes' own kinds, for server-side apply

The types need the crates kube, k8s-openapi, schemars, serde and serde_json.";

const INIT_EXAMPLES: &str = "\
Examples:
  kubewright init --domain example.com                           in this folder; named as it is
  kubewright init --domain example.com --project-name guestbook --kubewright-path ~/kubewright
  kubewright init --domain example.com --plugins helm            custom resources that are Helm releases, as operator-sdk has them
  kubewright init --domain example.com --plugins ansible         custom resources that Ansible works on

The kubewright crate is not published yet: a project takes it from a checkout. Without --kubewright-path that is the one that
this program was built from.";

const EDIT_EXAMPLES: &str = "\
Examples:
  kubewright edit --multigroup             allow several API groups
  kubewright edit --secure-metrics=false   metrics over HTTP, beside health, to all who reach them";

const CREATE_EXAMPLES: &str = "\
Examples:
  kubewright create api --group web --version v1 --kind Site
  kubewright create api --group core --version v1 --kind Service     a controller for a kind of Kubernetes
  kubewright create webhook --group web --version v1 --kind Site --programmatic-validation";

const API_EXAMPLES: &str = "\
Examples:
  kubewright create api --group web --version v1 --kind Site
  kubewright create api --group web --version v1 --kind Mesh --namespaced=false --plural meshes
  kubewright create api --group web --version v2 --kind Site         another version; then: create webhook --conversion
  kubewright create api --group apps --version v1 --kind Deployment  a controller for a kind of Kubernetes
  kubewright create api --group cache --version v1 --kind Memcached --helm-chart ./memcached     in a project of Helm charts
  kubewright create api --group cache --version v1 --kind Memcached --generate-role              in a project of Ansible roles";

const WEBHOOK_EXAMPLES: &str = "\
Examples:
  kubewright create webhook --group web --version v1 --kind Site --defaulting --programmatic-validation
  kubewright create webhook --group web --version v1 --kind Site --conversion --spoke v2";

const UPGRADE_EXAMPLES: &str = "\
Examples:
  kubewright upgrade --dry-run       show what would change
  kubewright upgrade --dry-run -o json | jq '.files[].path'
  kubewright upgrade
  kubewright upgrade --force         generated files that were edited too: the edits are lost";

const MANIFESTS_EXAMPLES: &str = "\
Examples:
  kubewright manifests --image registry.example.com/guestbook:v1      config/ for kustomize, and dist/install.yaml
  kubewright manifests --chart --chart-version 1.2.0                  dist/chart too
  kubewright manifests --cert-manager                                 for clusters whose certificates cert-manager makes
  kubewright manifests --operators access --image IMAGE | kubectl apply --server-side -f -
  kubewright manifests --operators all --image IMAGE --chart --out charts     then: helm install access charts/access-operator/chart
  kubewright manifests --operators objectstorage --image IMAGE -- --objectstorage-endpoint minio.example.com:9000
  kubectl apply -k config/default";

const IMAGE_EXAMPLES: &str = "\
Examples:
  kubewright image build --tag registry.example.com/guestbook:v1      into dist/image
  kubewright image build --tag registry.example.com/guestbook:v1 --push
  kubewright image build --program target/release/guestbook           of a program that is there
  rustup target add x86_64-unknown-linux-musl                         for static programs";

const COMPLETION_EXAMPLES: &str = "\
Examples:
  source <(kubewright completion bash)                           in ~/.bashrc
  source <(kubewright completion zsh)                            in ~/.zshrc
  kubewright completion fish | source                            in ~/.config/fish/config.fish
  kubewright completion powershell | Out-String | Invoke-Expression";

#[derive(Debug, Args)]
pub(crate) struct TypesArgs {
    /// YAML or JSON files, folders of them, or - for standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath, required_unless_present_any = ["cluster", "builtin"])]
    pub(crate) sources: Vec<PathBuf>,

    /// Take these definitions from the cluster; without names all of them.
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with = "sources",
          add = ArgValueCandidates::new(complete::definitions))]
    pub(crate) cluster: Option<Vec<String>>,

    /// Write apply configurations of these kinds of Kubernetes itself, whose types k8s-openapi has; without names of all.
    #[arg(long, value_name = "KIND", num_args = 0.., conflicts_with_all = ["sources", "cluster"], requires = "out",
          add = ArgValueCandidates::new(complete::builtin_kinds))]
    pub(crate) builtin: Option<Vec<BuiltinKind>>,

    /// Kubeconfig for --cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    pub(crate) context: Option<String>,

    /// Write mod.rs and a file for each definition here. Default: to standard output, which takes one definition.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Also write apply configurations: each type with all fields optional, for server-side apply.
    #[arg(long)]
    pub(crate) apply_configurations: bool,

    /// Write nothing; fail if a file would change.
    #[arg(long, requires = "out")]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Domain of the API groups.
    #[arg(long, value_name = "DOMAIN", default_value = "my.domain")]
    pub(crate) domain: String,

    /// Name of the crate, the image and the namespace. Default: that of the folder.
    #[arg(long, value_name = "NAME")]
    pub(crate) project_name: Option<String>,

    /// What kind of operator: in Rust, or in operator-sdk's layouts releases of Helm charts or Ansible roles and playbooks.
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Plugin::Rust)]
    pub(crate) plugins: Plugin,

    /// Allow several API groups, each in a folder of its own.
    #[arg(long)]
    pub(crate) multigroup: bool,

    /// Checkout of Kubewright that the project depends on.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "kubewright_version")]
    pub(crate) kubewright_path: Option<PathBuf>,

    /// Version of the kubewright crate in the registry, for when it is published.
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubewright_version: Option<String>,

    /// Where to make it. Default: here.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,

    /// Replace files that are in the way.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a project's operator is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plugin {
    /// Rust.
    Rust,
    /// Helm charts.
    Helm,
    /// Ansible roles and playbooks.
    Ansible,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CreateCommand {
    /// A kind: its type, a controller, a test and a sample.
    #[command(after_help = API_EXAMPLES, disable_version_flag = true)]
    Api(ApiArgs),
    /// Webhooks for a kind.
    #[command(after_help = WEBHOOK_EXAMPLES, disable_version_flag = true)]
    Webhook(WebhookArgs),
}

/// Which kind.
#[derive(Debug, Args)]
pub(crate) struct KindArgs {
    /// API group, without the project's domain; or that of a kind of Kubernetes: core, apps, batch, networking.
    #[arg(long, value_name = "GROUP", default_value = "", add = ArgValueCandidates::new(complete::groups))]
    pub(crate) group: String,

    /// Version, such as v1 or v1beta1.
    #[arg(long, value_name = "VERSION", add = ArgValueCandidates::new(complete::versions))]
    pub(crate) version: String,

    /// Kind, in camel case.
    #[arg(long, value_name = "KIND", add = ArgValueCandidates::new(complete::kinds))]
    pub(crate) kind: String,

    /// Replace files that are in the way, and generated ones that were edited.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// Plural, if it is not as in English.
    #[arg(long, value_name = "NAME")]
    pub(crate) plural: Option<String>,

    /// Whether its objects are in namespaces.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = ArgAction::Set)]
    pub(crate) namespaced: bool,

    /// In a project of Helm charts: the folder of a chart to copy. Default: a new chart.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) helm_chart: Option<PathBuf>,

    /// In a project of Ansible roles and playbooks: make a role.
    #[arg(long)]
    pub(crate) generate_role: bool,

    /// In such a project: make a playbook, which runs the role if there is one.
    #[arg(long)]
    pub(crate) generate_playbook: bool,

    /// Whether to make a type. Default: unless Kubernetes has the kind.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) resource: Option<bool>,

    /// Whether to make a controller. Default: unless the kind has one.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) controller: Option<bool>,
}

#[derive(Debug, Args)]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// Changes objects before they are stored.
    #[arg(long)]
    pub(crate) defaulting: bool,

    /// Refuses objects.
    #[arg(long, alias = "validation")]
    pub(crate) programmatic_validation: bool,

    /// Converts other versions to this one and back; it becomes the one that is stored.
    #[arg(long, requires = "spoke")]
    pub(crate) conversion: bool,

    /// The other versions, for --conversion.
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', requires = "conversion",
          add = ArgValueCandidates::new(complete::versions))]
    pub(crate) spoke: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// Allow several API groups. Types that are there stay where they are: move them into a folder of their group.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) multigroup: Option<bool>,

    /// Serve metrics over HTTPS, to those whom RBAC allows it; src/main.rs has to take the flags for that.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) secure_metrics: Option<bool>,

    /// Replace generated files that were edited.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// Write nothing; show what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// With --dry-run: how to print, as a diff for people, or the files as JSON.
    #[arg(long, short, value_enum, default_value_t = Output::Text, requires = "dry_run")]
    pub(crate) output: Output,

    /// Replace generated files that were edited.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ManifestsArgs {
    #[command(flatten)]
    pub(crate) deploy: DeployArgs,

    /// Of these operators of kubewright's own and not of a project: names joined by commas, or all. They are printed as one
    /// file, or written for kustomize with --out, and as a chart each with --chart.
    #[arg(long, value_name = "LIST", add = ArgValueCandidates::new(complete::operators))]
    pub(crate) operators: Option<String>,

    /// With --operators: flags for `kubewright run` in the cluster.
    #[arg(last = true, value_name = "FLAGS", requires = "operators")]
    pub(crate) flags: Vec<String>,

    /// Folder for what kustomize takes. Default: config in the project.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Write a Helm chart too, into dist/chart; with --operators into the folder of each operator in --out.
    #[arg(long)]
    pub(crate) chart: bool,

    /// Version of the chart.
    #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
    pub(crate) chart_version: String,

    /// Replace files that were edited.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Build an OCI image, without a daemon and without root; the same program gives the same digest.
    #[command(after_help = IMAGE_EXAMPLES)]
    Build(ImageBuildArgs),
    /// Push an image to a registry, without Docker.
    #[command(after_help = bundle_args::PUSH_EXAMPLES)]
    Push(ImagePushArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImageBuildArgs {
    /// Name of the image. Default: the project's name, :latest.
    #[arg(long, short, value_name = "IMAGE")]
    pub(crate) tag: Option<String>,

    /// Folder in the project for the image, in the layout of the OCI.
    #[arg(long, value_name = "DIR", default_value = "dist/image")]
    pub(crate) out: PathBuf,

    /// What to compile for. Default: musl on this machine's architecture if it is installed, as that makes static programs,
    /// else this machine.
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,

    /// Version, for the label and the bill of materials.
    #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
    pub(crate) image_version: String,

    /// Do not optimise.
    #[arg(long)]
    pub(crate) debug: bool,

    /// Push the image to its registry.
    #[arg(long, requires = "tag")]
    pub(crate) push: bool,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,

    /// Compile nothing, and take this program, as another build has made it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::ExecutablePath, conflicts_with_all = ["target", "debug"])]
    pub(crate) program: Option<PathBuf>,
}

/// How the operator runs in the cluster.
#[derive(Debug, Default, Args)]
pub(crate) struct DeployArgs {
    /// The operator's image. Default: the project's name, :latest.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,

    /// The operator's namespace. Default: the project's name and -system.
    #[arg(long, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub(crate) namespace: Option<String>,

    /// How many replicas; one works, the others stand by.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) replicas: u32,

    /// Shorten descriptions in definitions to this many characters; 0: leave them out.
    #[arg(long, value_name = "N")]
    pub(crate) max_descriptions: Option<usize>,

    /// Have the cluster's cert-manager make the certificates of the project's webhooks and metrics. Default: the operator does.
    #[arg(long)]
    pub(crate) cert_manager: bool,
}

/// Which cluster.
#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig of the cluster. Default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::contexts))]
    pub(crate) context: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// The operator's namespace. Default: the project's name and -system.
    #[arg(long, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub(crate) namespace: Option<String>,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to write them.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
}
