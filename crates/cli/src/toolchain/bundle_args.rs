//! Flags and help of the commands for the Operator Lifecycle Manager and for registries.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::args::{ClusterArgs, DeployArgs};
use super::complete;
use crate::args::{Output, duration};

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Make a bundle of the operator's manifests: ClusterServiceVersion, definitions, metadata, bundle.Dockerfile.
    #[command(after_help = GENERATE_EXAMPLES, disable_version_flag = true)]
    Generate(BundleGenerateArgs),
    /// Check a bundle as operator-sdk does.
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(BundleValidateArgs),
    /// Make an image of a bundle, without Docker; the same bundle gives the same digest.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BundleBuildArgs),
}

pub(super) const BUNDLE_EXAMPLES: &str = "\
Examples:
  kubewright bundle generate --version 0.1.0 --image registry.example.com/guestbook:v1
  kubewright bundle validate
  kubewright bundle build --tag registry.example.com/guestbook-bundle:v0.1.0 --push";

const GENERATE_EXAMPLES: &str = "\
Examples:
  kubewright bundle generate --version 0.1.0 --image registry.example.com/guestbook:v1      of this project, into bundle/
  kubewright bundle generate --version 0.1.0 --package site --input-dir deploy               of manifests in a folder
  kustomize build config/manifests | kubewright bundle generate --version 0.1.0 --input-dir -
  kubewright bundle generate --version 0.2.0 --channels stable,candidate --default-channel stable --use-image-digests

What people read (description, icon, install modes, …) is taken from config/manifests/bases/<package>.clusterserviceversion.yaml
if it is there; the rest is written anew each time.";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  kubewright bundle validate                                                       of ./bundle
  kubewright bundle validate ./bundle --select-optional suite=operatorframework
  kubewright bundle validate ./bundle --select-optional name=alpha-deprecated-apis --optional-values k8s-version=1.25
  kubewright bundle validate registry.example.com/guestbook-bundle:v0.1.0 -o json
  kubewright bundle validate --list-optional";

const BUILD_EXAMPLES: &str = "\
Examples:
  kubewright bundle build --tag registry.example.com/guestbook-bundle:v0.1.0                 into dist/bundle
  kubewright bundle build --tag registry.example.com/guestbook-bundle:v0.1.0 --push";

pub(super) const SCORECARD_EXAMPLES: &str = "\
Examples:
  kubewright scorecard                                         the six static tests, on ./bundle; no cluster is needed
  kubewright scorecard ./bundle --selector suite=basic
  kubewright scorecard ./bundle --list -o json
  kubewright scorecard registry.example.com/guestbook-bundle:v0.1.0 -o xunit > scorecard.xml
  kubewright scorecard ./bundle --config config/scorecard/config.yaml";

pub(super) const PACKAGES_EXAMPLES: &str = "\
Examples:
  kubewright pkgman-to-bundle packagemanifests                                     into bundles/bundle-<version>
  kubewright pkgman-to-bundle packagemanifests --output-dir out --image-tag-base registry.example.com/etcd-bundle";

pub(super) const PUSH_EXAMPLES: &str = "\
Examples:
  kubewright image push                                        dist/image, by the name that it was built with
  kubewright image push registry.example.com/guestbook:v1 --layout dist/image
  echo \"$TOKEN\" | kubewright image push registry.example.com/guestbook:v1 --username ci --password-stdin

Logins are those of docker login. Registries are reached by HTTPS, those on this machine that do not speak it by HTTP; the
authorities that are trusted are the system's, or those in $SSL_CERT_FILE.";

#[derive(Debug, Args)]
pub(crate) struct BundleGenerateArgs {
    /// Version of the bundle. Default: that of the base.
    #[arg(long, short, value_name = "VERSION")]
    pub(crate) version: Option<String>,

    /// Package that the bundle is a version of. Default: the project's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Option<String>,

    /// Channels that the bundle is in.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "alpha")]
    pub(crate) channels: Vec<String>,

    /// Channel of the package that is taken by default.
    #[arg(long, value_name = "NAME")]
    pub(crate) default_channel: Option<String>,

    /// Folder with the operator's manifests, or - for standard input. Default: the manifests of the project; in projects that
    /// are not of Rust, standard input if it is a pipe.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) input_dir: Option<PathBuf>,

    /// Folder for the bundle.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "bundle")]
    pub(crate) output_dir: PathBuf,

    /// Folder with bases/<package>.clusterserviceversion.yaml.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "config/manifests")]
    pub(crate) kustomize_dir: PathBuf,

    /// ServiceAccounts besides those of the Deployments whose rights belong to the operator.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) extra_service_accounts: Vec<String>,

    /// Name images by their digests, which their registries are asked for, and list them as images that the operator needs.
    #[arg(long)]
    pub(crate) use_image_digests: bool,

    /// Replace files that were edited, or that another program has made.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", action = ArgAction::Set)]
    pub(crate) overwrite: bool,

    /// Print the manifests of the bundle and write nothing.
    #[arg(long)]
    pub(crate) stdout: bool,

    /// Do not tell which files were written.
    #[arg(long, short)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) deploy: DeployArgs,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BundleOutput {
    Text,
    #[value(alias = "json-alpha1")]
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct BundleValidateArgs {
    /// Folder of the bundle, or its image in a registry.
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath, default_value = "bundle")]
    pub(crate) bundle: String,

    /// Run these checks too: a selector of their labels.
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) select_optional: Option<String>,

    /// Values for them: k8s-version, index-path.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = key_value, requires = "select_optional")]
    pub(crate) optional_values: Vec<(String, String)>,

    /// List the checks that can be selected, and run none.
    #[arg(long)]
    pub(crate) list_optional: bool,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t = BundleOutput::Text)]
    pub(crate) output: BundleOutput,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BundleBuildArgs {
    /// Folder of the bundle.
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath, default_value = "bundle")]
    pub(crate) bundle: PathBuf,

    /// Name of the image. Default: the package and -bundle, with the version.
    #[arg(long, short, value_name = "IMAGE")]
    pub(crate) tag: Option<String>,

    /// Folder for the image, in the layout of the OCI.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "dist/bundle")]
    pub(crate) out: PathBuf,

    /// Push the image to its registry.
    #[arg(long, requires = "tag")]
    pub(crate) push: bool,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScorecardArgs {
    /// Folder of the bundle, or its image in a registry.
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath, default_value = "bundle")]
    pub(crate) bundle: String,

    /// Configuration. Default: tests/scorecard/config.yaml in the bundle, else the six tests.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// Which tests: a selector of their labels.
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "")]
    pub(crate) selector: String,

    /// List the tests and run none.
    #[arg(long, short = 'L')]
    pub(crate) list: bool,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t = ScorecardOutput::Text)]
    pub(crate) output: ScorecardOutput,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// How results of tests are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScorecardOutput {
    Text,
    Json,
    /// XML, for programs that collect test results.
    Xunit,
}

#[derive(Debug, Args)]
pub(crate) struct PackagesArgs {
    /// Folder with a package.yaml, and a folder of manifests for each version.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) packages: PathBuf,

    /// Folder for the bundles; it must not be there.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "bundles")]
    pub(crate) output_dir: PathBuf,

    /// Make an image of each bundle too, beside it: this name, with the folder of the version as tag.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image_tag_base: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImagePushArgs {
    /// Name to push to. Default: the one that the image was built with.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: Option<String>,

    /// Folder of the image, in the layout of the OCI.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "dist/image")]
    pub(crate) layout: PathBuf,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OlmCommand {
    /// Bring it to a cluster, and wait until it runs.
    #[command(after_help = OLM_EXAMPLES)]
    Install(OlmArgs),
    /// Show which of its objects are in a cluster, and how they are.
    #[command(after_help = "Examples:\n  kubewright olm status crds.yaml olm.yaml -o json")]
    Status {
        #[command(flatten)]
        args: OlmArgs,
        /// How to print.
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Remove what install has made; what something else has made stays.
    #[command(after_help = "Examples:\n  kubewright olm uninstall crds.yaml olm.yaml")]
    Uninstall(OlmArgs),
}

pub(super) const OLM_EXAMPLES: &str = "\
Examples:
  kubewright olm install crds.yaml olm.yaml                    the manifests of a release of the Operator Lifecycle Manager
  kubewright olm install crds.yaml olm.yaml --kubeconfig ./admin.conf --timeout 5m

Nothing is downloaded: the manifests are files of a release, crds.yaml first.";

#[derive(Debug, Args)]
pub(crate) struct OlmArgs {
    /// Its manifests, in the order in which they are applied.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub(crate) manifests: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// How long to wait until it runs, or is gone.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub(crate) timeout: Duration,
}

pub(super) const CLEANUP_EXAMPLES: &str = "\
Examples:
  kubewright cleanup guestbook --namespace guestbook-system
  kubewright cleanup guestbook --delete-all=false              leave its definitions, and with them its objects";

#[derive(Debug, Args)]
pub(crate) struct CleanupArgs {
    /// Package of the operator.
    #[arg(value_name = "PACKAGE", add = ArgValueCandidates::new(complete::packages))]
    pub(crate) package: String,

    /// Namespace that it is installed in. Default: that of the context.
    #[arg(long, short, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub(crate) namespace: Option<String>,

    /// Do all that the other flags say.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = ArgAction::Set)]
    pub(crate) delete_all: bool,

    /// Remove the definitions that it owns, and with them all their objects.
    #[arg(long)]
    pub(crate) delete_crds: bool,

    /// Remove operator-sdk's OperatorGroup, if nothing else is subscribed to in the namespace.
    #[arg(long)]
    pub(crate) delete_operator_groups: bool,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// How long to wait until all is gone.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub(crate) timeout: Duration,
}

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    /// Name to log in with. Default: what Docker's configuration says of the registry.
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,

    /// Read the password from standard input.
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,

    /// Use HTTP for a registry that is not on this machine. Everybody on the way can read the password then.
    #[arg(long, visible_alias = "use-http", alias = "skip-tls")]
    pub(crate) plain_http: bool,

    /// Take any certificate of a registry. Everybody on the way can read the password then.
    #[arg(long)]
    pub(crate) skip_tls_verify: bool,
}

/// `KEY=VALUE`.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(format!("{text:?} is no KEY=VALUE")),
    }
}
