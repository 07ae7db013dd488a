//! Flags and help of `kubewright run bundle` and `run bundle-upgrade`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::modes::InstallMode;
use crate::args::duration;
use crate::toolchain::args::ClusterArgs;
use crate::toolchain::bundle_args::RegistryArgs;
use crate::toolchain::complete;

/// The image that a catalog is served by if no index image is given; it has nothing in it.
pub(super) const OPM: &str = "quay.io/operator-framework/opm:latest";

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Have the Operator Lifecycle Manager of a cluster install a bundle out of a registry, and wait until it runs.
    #[command(after_help = BUNDLE_EXAMPLES)]
    Bundle(RunBundleArgs),
    /// Have it upgrade an operator to another bundle.
    #[command(after_help = UPGRADE_EXAMPLES)]
    BundleUpgrade(RunBundleUpgradeArgs),
}

const BUNDLE_EXAMPLES: &str = "\
Examples:
  kubewright run bundle registry.example.com/guestbook-bundle:v0.1.0 --namespace guestbook-system
  kubewright run bundle registry.example.com/guestbook-bundle:v0.1.0 --install-mode SingleNamespace=shop
  kubewright run bundle registry.example.com/guestbook-bundle:v0.1.0 --index-image registry.example.com/catalog:v1
  kubewright cleanup guestbook --namespace guestbook-system      takes all of it away

A catalog with the bundle in it is served by a Pod in the namespace: its files are in ConfigMaps, which the image of
--decompression-image unpacks and that of --index-image serves. The namespace must be there.";

const UPGRADE_EXAMPLES: &str = "\
Examples:
  kubewright run bundle-upgrade registry.example.com/guestbook-bundle:v0.2.0 --namespace guestbook-system";

#[derive(Debug, Args)]
pub(crate) struct RunBundleArgs {
    /// Image of the bundle, with its registry.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// Index image whose catalog the bundle is added to, for what it depends on. It must be a file-based catalog, or have none.
    #[arg(long, value_name = "IMAGE", default_value = OPM)]
    pub(crate) index_image: String,

    /// Which namespaces the operator watches: AllNamespaces, OwnNamespace, SingleNamespace=NAME or MultiNamespace=NAME,NAME.
    /// Default: the first of AllNamespaces and OwnNamespace that the bundle supports.
    #[arg(long, value_name = "MODE", value_parser = InstallMode::parse)]
    pub(crate) install_mode: Option<InstallMode>,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunBundleUpgradeArgs {
    /// Image of the new bundle, with its registry.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Where the operator gets to, and how its catalog is served.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    /// Namespace of the operator. Default: that of the context.
    #[arg(long, short, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub(crate) namespace: Option<String>,

    /// Secret in the namespace by which the cluster pulls the bundle's image, of type kubernetes.io/dockerconfigjson. Pulling
    /// it here takes the login of docker login.
    #[arg(long, value_name = "NAME")]
    pub(crate) pull_secret_name: Option<String>,

    /// Secret in the namespace with authorities to trust, in PEM under the key cert.pem, when the bundle's image is pulled here.
    #[arg(long, value_name = "NAME")]
    pub(crate) ca_secret_name: Option<String>,

    /// ServiceAccount of the Pod that serves the catalog. Default: that of the namespace.
    #[arg(long, value_name = "NAME")]
    pub(crate) service_account: Option<String>,

    /// When the cluster pulls the image of that Pod.
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = PullPolicy::Always)]
    pub(crate) image_pull_policy: PullPolicy,

    /// Image with sh, cat and gzip, which unpacks the catalog in that Pod.
    #[arg(long, value_name = "IMAGE", default_value = "registry.access.redhat.com/ubi9/ubi:9.8")]
    pub(crate) decompression_image: String,

    /// What the catalog's Pods may do; clusters that hold namespaces to the Pod Security Standard "restricted" need that.
    #[arg(long, value_enum, value_name = "CONTEXT", default_value_t = SecurityContext::Legacy)]
    pub(crate) security_context_config: SecurityContext,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// How long all of it may take.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// As Kubernetes writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

impl PullPolicy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// As the Operator Lifecycle Manager writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecurityContext {
    Legacy,
    Restricted,
}

impl SecurityContext {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Restricted => "restricted",
        }
    }
}
