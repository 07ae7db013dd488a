//! The commands that make and look after operator projects.
//!
//! | module | what it holds |
//! |---|---|
//! | `args` | their flags and help |
//! | `types` | `kubewright types`: definitions → Rust types |
//! | `project` | `init`, `create api`, `create webhook`, `edit` |
//! | `upgrade` | `kubewright upgrade` |
//! | `develop` | `kubewright run` in a project, with `program` and `sources` |
//! | `program` | the project's program: built, asked, started, stopped |
//! | `sources` | waits for changes of the project's sources |
//! | `status` | `kubewright status` |
//! | `manifests` | `kubewright manifests`: kustomize, one file, a chart |
//! | `deploy` | `install`, `uninstall`, `deploy`, `undeploy` |
//! | `image` | `kubewright image build` |
//! | `push` | `kubewright image push` |
//! | `bundle` | `bundle`, `scorecard`, `pkgman-to-bundle`: for the Operator Lifecycle Manager |
//! | `olm` | `olm install`, `status`, `uninstall` |
//! | `cleanup` | `kubewright cleanup` |
//! | `run_bundle` | `run bundle`, `run bundle-upgrade` |
//! | `bundle_args` | flags and help of these |
//! | `shell` | `completion` and `man` |
//! | `complete` | what the shell is offered for values |

pub(crate) mod args;
mod bundle;
mod bundle_args;
mod cleanup;
pub(crate) mod complete;
mod deploy;
pub(crate) mod develop;
mod image;
mod manifests;
mod olm;
mod program;
mod project;
mod push;
pub(crate) mod run_bundle;
mod shell;
mod sources;
mod status;
mod types;
mod upgrade;

use args::{CreateCommand, ImageCommand, ToolchainCommand};
use bundle_args::BundleCommand;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolchainError {
    /// The command line can't be right.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Project(#[from] kubewright_project::ProjectError),
    #[error(transparent)]
    Types(#[from] types::TypesError),
    #[error(transparent)]
    Manifests(#[from] manifests::ManifestsError),
    #[error(transparent)]
    Build(#[from] image::BuildError),
    #[error(transparent)]
    Bundle(#[from] bundle::BundleError),
    #[error(transparent)]
    Olm(#[from] olm::OlmError),
    #[error(transparent)]
    RunBundle(#[from] run_bundle::RunBundleError),
    #[error(transparent)]
    Deploy(#[from] deploy::DeployError),
    #[error(transparent)]
    Develop(#[from] develop::DevelopError),
    #[error(transparent)]
    Operators(#[from] crate::operators::OperatorError),
    #[error("{what}: {cause}")]
    Io { what: String, cause: std::io::Error },
}

impl ToolchainError {
    /// Whether the command line is to blame.
    pub(crate) fn is_usage(&self) -> bool {
        use kubewright_project::ProjectError::{Name, NotRust, Usage};
        match self {
            Self::Usage(_) | Self::Project(Usage(_) | Name { .. } | NotRust { .. }) => true,
            Self::Operators(error) => error.is_usage(),
            _ => false,
        }
    }
}

/// Runs a command.
pub(crate) async fn run(command: ToolchainCommand) -> Result<(), ToolchainError> {
    match command {
        ToolchainCommand::Types(args) => Ok(types::types(args).await?),
        ToolchainCommand::Init(args) => project::init(args),
        ToolchainCommand::Create { what: CreateCommand::Api(args) } => project::create_api(args).await,
        ToolchainCommand::Create { what: CreateCommand::Webhook(args) } => project::create_webhook(args),
        ToolchainCommand::Edit(args) => project::edit(args),
        ToolchainCommand::Manifests(args) => manifests::manifests(&args),
        ToolchainCommand::Install(args) => deploy::install_crds(&args).await,
        ToolchainCommand::Uninstall { cluster, timeout } => deploy::uninstall_crds(&cluster, timeout).await,
        ToolchainCommand::Deploy { cluster, deploy, timeout } => deploy::deploy(&cluster, &deploy, timeout).await,
        ToolchainCommand::Undeploy { cluster, deploy, timeout } => deploy::undeploy(&cluster, &deploy, timeout).await,
        ToolchainCommand::Upgrade(args) => upgrade::upgrade(&args),
        ToolchainCommand::Status(args) => status::status(&args).await,
        ToolchainCommand::Image { what: ImageCommand::Build(args) } => image::image_build(&args).await,
        ToolchainCommand::Image { what: ImageCommand::Push(args) } => push::image_push(&args).await,
        ToolchainCommand::Bundle { what: BundleCommand::Generate(args) } => bundle::bundle_generate(&args).await,
        ToolchainCommand::Bundle { what: BundleCommand::Validate(args) } => bundle::bundle_validate(&args).await,
        ToolchainCommand::Bundle { what: BundleCommand::Build(args) } => bundle::bundle_build(&args).await,
        ToolchainCommand::Scorecard(args) => bundle::scorecard(&args).await,
        ToolchainCommand::Olm { what } => olm::olm(&what).await,
        ToolchainCommand::Cleanup(args) => cleanup::cleanup(&args).await,
        ToolchainCommand::PkgmanToBundle(args) => bundle::packages(&args),
        ToolchainCommand::Version(args) => shell::version(&args),
        ToolchainCommand::Completion(args) => shell::completion(&args),
        ToolchainCommand::Man(args) => shell::man(&args),
    }
}
