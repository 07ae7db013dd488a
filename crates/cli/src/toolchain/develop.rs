//! `kubewright run` in a project: its operator, built and started, and again at each change of its sources.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::config::{Kubeconfig, KubeconfigError};
use kubewright::kube::{Client, ResourceExt};
use kubewright_cluster::{ControlPlane, ControlPlaneOptions, NodeOptions, StartError};
use kubewright_project::{Project, ProjectError, find};

use super::ToolchainError;
use super::program::{Program, Running};
use super::sources::Sources;
use crate::args::{Cli, RunArgs};
use crate::cluster::{ClusterError, answering};
use crate::crds::{self, CrdError};
use crate::signals::Signals;

/// Flags of `kubewright run` that are for projects, and those that are for both.
const OF_PROJECTS: [&str; 7] = ["embedded", "data_dir", "nodes", "kubeconfig_out", "no_reload", "release", "flags"];
const OF_BOTH: [&str; 5] = ["kubeconfig", "context", "install_crds", "metrics_bind_address", "log"];

/// Why a project's operator does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevelopError {
    #[error("cargo can't be started: {0}; install Rust")]
    Cargo(io::Error),
    #[error("the project does not build: see above")]
    Build,
    #[error("cargo has built no program {name:?}; the program that runs has the project's name")]
    NoProgram { name: String },
    #[error("{}: {cause}", program.display())]
    Start { program: PathBuf, cause: io::Error },
    #[error(
        "the project's program does not describe itself ({status}); its main.rs must answer to describe as that of kubewright init does"
    )]
    Describe { status: ExitStatus },
    #[error("what the project's program says to describe can't be read: {0}")]
    Answer(serde_json::Error),
    #[error("the project's program ended with {0}")]
    Ended(ExitStatus),
    #[error("changes of the sources can't be watched: {0}; raise fs.inotify.max_user_watches, or use --no-reload")]
    Watch(notify::Error),
    #[error(transparent)]
    ControlPlane(#[from] StartError),
    #[error("{}: {cause}", file.display())]
    Kubeconfig { file: PathBuf, cause: io::Error },
    #[error("the kubeconfig can't be used: {0}")]
    Context(Box<KubeconfigError>),
    #[error("{0}; kubewright run --embedded needs no cluster")]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Crds(#[from] CrdError),
    #[error("signals can't be waited for: {0}")]
    Signals(io::Error),
}

/// The project that `kubewright run` is about, if it is about one: unless operators are named it is that of the current folder.
pub(crate) fn project(matches: &ArgMatches) -> Result<Option<PathBuf>, ToolchainError> {
    let Some(("run", matches)) = matches.subcommand() else { return Ok(None) };
    let command = Cli::command();
    let run = command.find_subcommand("run");
    let given: Vec<&str> = run
        .into_iter()
        .flat_map(|run| run.get_arguments())
        .map(|argument| argument.get_id().as_str())
        .filter(|id| matches.ids().any(|known| known.as_str() == *id))
        .filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine))
        .collect();
    let shown = |id: &str| format!("--{}", id.replace('_', "-").replace("flags", ""));
    let here =
        std::env::current_dir().map_err(|cause| ToolchainError::Io { what: "the current folder".into(), cause })?;
    let folder = match find(&here) {
        Ok(folder) if !given.contains(&"operators") => folder,
        Ok(_) | Err(ProjectError::NoProject { .. }) => {
            return match given.iter().find(|id| OF_PROJECTS.contains(id)) {
                Some(id) => {
                    let why = "which is for the operator of a project: go into its folder, and leave out --operators";
                    Err(ToolchainError::Usage(format!("{}, {why}", shown(id))))
                }
                None => Ok(None),
            };
        }
        Err(error) => return Err(error.into()),
    };
    Project::read(&folder.join("PROJECT"))?;
    if let Some(id) = given.iter().find(|id| !OF_PROJECTS.contains(id) && !OF_BOTH.contains(id)) {
        let why = "which is for the operators that come with kubewright: name them with --operators. Flags for the project's \
                   own program stand behind --";
        return Err(ToolchainError::Usage(format!("{}, {why}", shown(id))));
    }
    Ok(Some(folder))
}

/// Runs the command.
pub(crate) async fn run(folder: &Path, args: &RunArgs) -> Result<(), ToolchainError> {
    let folder =
        folder.canonicalize().map_err(|cause| ToolchainError::Io { what: folder.display().to_string(), cause })?;
    let name = Project::read(&folder.join("PROJECT"))?.project_name;
    // Before anything tells that it runs: whoever reads that may send a signal at once.
    let mut signals = Signals::listen().map_err(DevelopError::Signals)?;
    let cluster = Cluster::new(&folder, args).await?;
    let mut operator = Operator { name, folder, args, cluster: &cluster, program: None, running: None };
    let result = tokio::select! {
        () = signals.received() => Ok(()),
        result = operator.work() => result,
    };
    if let Some(running) = &mut operator.running {
        tell("stopping");
        running.stop().await.map_err(|cause| ToolchainError::Io { what: "the project's program".into(), cause })?;
    }
    cluster.stop().await;
    Ok(result?)
}

/// Where the operator works.
struct Cluster {
    client: Client,
    plane: Option<ControlPlane>,
    /// What the program is told; `None`: it finds the same kubeconfig as this command.
    kubeconfig: Option<PathBuf>,
    // Goes when the command ends: it has credentials in it.
    _written: Option<tempfile::NamedTempFile>,
}

impl Cluster {
    async fn new(folder: &Path, args: &RunArgs) -> Result<Self, DevelopError> {
        if args.project.embedded {
            return Self::embedded(folder, args).await;
        }
        let client = answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?;
        let written = args.context.as_deref().map(|context| in_context(args, context)).transpose()?;
        let named = args.kubeconfig.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        let kubeconfig = written.as_ref().map(|file| file.path().into()).or(named);
        Ok(Self { client, plane: None, kubeconfig, _written: written })
    }

    async fn embedded(folder: &Path, args: &RunArgs) -> Result<Self, DevelopError> {
        let nodes =
            (args.project.nodes > 0).then(|| NodeOptions { count: args.project.nodes, ..NodeOptions::default() });
        let options = ControlPlaneOptions {
            port: Some(0),
            data_dir: args.project.data_dir.clone(),
            nodes,
            ..ControlPlaneOptions::default()
        };
        let plane = ControlPlane::start(options).await?;
        let file = args.project.kubeconfig_out.clone().unwrap_or_else(|| folder.join("kubewright.kubeconfig"));
        let file = std::path::absolute(&file).unwrap_or(file);
        if let Err(cause) = write_private(&file, &plane.kubeconfig()) {
            plane.stop().await;
            return Err(DevelopError::Kubeconfig { file, cause });
        }
        tell(&format!("control plane at {}\nkubeconfig: export KUBECONFIG={}", plane.url(), file.display()));
        Ok(Self { client: plane.client(), plane: Some(plane), kubeconfig: Some(file), _written: None })
    }

    async fn stop(self) {
        if let Some(plane) = self.plane {
            plane.stop().await;
        }
    }
}

/// The operator while it is worked on.
struct Operator<'a> {
    name: String,
    folder: PathBuf,
    args: &'a RunArgs,
    cluster: &'a Cluster,
    /// What runs, or ran last.
    program: Option<Program>,
    running: Option<Running>,
}

impl Operator<'_> {
    /// Ends with an error, or with the program if nothing is watched.
    async fn work(&mut self) -> Result<(), DevelopError> {
        let mut sources = match self.args.project.no_reload {
            true => None,
            false => Some(Sources::watch(&self.folder).map_err(DevelopError::Watch)?),
        };
        tell(&format!("building {}", self.name));
        self.renew(sources.is_some()).await?;
        loop {
            let Some(sources) = &mut sources else {
                return match ended(&mut self.running).await {
                    status if status.success() => Ok(()),
                    status => Err(DevelopError::Ended(status)),
                };
            };
            tokio::select! {
                paths = sources.changed() => {
                    let shown: Vec<String> = paths.iter().take(3).map(|path| path.display().to_string()).collect();
                    let more = if paths.len() > 3 { ", …" } else { "" };
                    tell(&format!("changed: {}{more}; building {}", shown.join(", "), self.name));
                    self.renew(true).await?;
                }
                status = ended(&mut self.running) => {
                    self.running = None;
                    tell(&format!("{} ended with {status}; it starts again when a source has changed", self.name));
                }
            }
        }
    }

    /// Builds the program, and puts it in the place of the one that runs. `again`: there will be another chance.
    async fn renew(&mut self, again: bool) -> Result<(), DevelopError> {
        let Some(program) = Program::build(&self.folder, &self.name, self.args.project.release).await? else {
            if !again {
                return Err(DevelopError::Build);
            }
            let then = if self.running.is_some() { "the one from before runs on" } else { "it starts when it does" };
            tell(&format!("{} does not build: {then}", self.name));
            return Ok(());
        };
        if self.running.is_some() && self.program.as_ref() == Some(&program) {
            tell(&format!("{} is the same as before", self.name));
            return Ok(());
        }
        match self.install(&program).await {
            Ok(()) => {}
            Err(error @ (DevelopError::Describe { .. } | DevelopError::Answer(_) | DevelopError::Crds(_))) if again => {
                tell(&format!("error: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if let Some(running) = &mut self.running {
            running.stop().await.map_err(|cause| DevelopError::Start { program: program.path.clone(), cause })?;
        }
        self.running = Some(program.start(&self.folder, &self.arguments())?);
        self.program = Some(program);
        let watched = if again { "; its sources are watched" } else { "" };
        tell(&format!("running {}{watched}; Ctrl-C stops", self.name));
        Ok(())
    }

    /// Installs the definitions that the program has, if that is wanted.
    async fn install(&self, program: &Program) -> Result<(), DevelopError> {
        if !(self.args.install_crds || self.args.project.embedded) {
            return Ok(());
        }
        let description = program.describe().await?;
        let crds: Result<Vec<CustomResourceDefinition>, _> =
            description.crds.iter().map(|crd| serde_json::from_value(crd.clone())).collect();
        let crds = crds.map_err(DevelopError::Answer)?;
        crds::install(&self.cluster.client, &crds).await?;
        let names: Vec<String> = crds.iter().map(ResourceExt::name_any).collect();
        if !names.is_empty() {
            tell(&format!("installed {}", names.join(", ")));
        }
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(kubeconfig) = &self.cluster.kubeconfig {
            arguments.push(format!("--kubeconfig={}", kubeconfig.display()));
        }
        let address = match self.args.metrics_bind_address.as_str() {
            // The program always serves them.
            "0" => "127.0.0.1:0",
            address => address,
        };
        arguments.push(format!("--metrics-bind-address={address}"));
        arguments.extend(self.args.project.flags.iter().cloned());
        arguments
    }
}

/// Waits until the program ends; for ever if there is none.
async fn ended(running: &mut Option<Running>) -> ExitStatus {
    match running {
        Some(running) => match running.ended().await {
            Ok(status) => status,
            // The system has lost it: there is nothing to tell.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// A kubeconfig whose current context is this one.
fn in_context(args: &RunArgs, context: &str) -> Result<tempfile::NamedTempFile, DevelopError> {
    let config = match &args.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let mut config = config.map_err(|error| DevelopError::Context(Box::new(error)))?;
    config.current_context = Some(context.into());
    let failed = |cause| DevelopError::Kubeconfig { file: std::env::temp_dir(), cause };
    let mut file = tempfile::Builder::new().prefix("kubewright-").suffix(".kubeconfig").tempfile().map_err(failed)?;
    let text = serde_json::to_vec(&config).map_err(DevelopError::Answer)?;
    file.write_all(&text).map_err(failed)?;
    Ok(file)
}

/// For its owner only, since it holds the administrator's key.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.persist(file).map(drop).map_err(|error| error.error)
}

/// A line for whoever looks, and for whoever has put a pipe there; it may be gone.
fn tell(line: &str) {
    _ = writeln!(io::stdout(), "{line}");
}
