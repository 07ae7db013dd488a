//! `kubewright manifests`: what brings an operator to a cluster: the project's, or one that comes with this program.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubewright::k8s_openapi::api::coordination::v1::Lease;
use kubewright::kube::ResourceExt;
use kubewright::runtime::LeaderElection;
use kubewright_manifests::{Description, ManifestError, ManifestOptions, chart, install, kustomize};
use kubewright_project::{Changes, Project, ProjectError, Written, find};

use super::ToolchainError;
use super::args::{DeployArgs, ManifestsArgs};
use crate::operators::describe;

/// Why there are no manifests.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestsError {
    #[error("cargo can't be started: {0}; install Rust")]
    Cargo(std::io::Error),
    #[error("the project does not build, or its program ended with an error: see above; try cargo run -- describe")]
    Describe,
    #[error(
        "the project's program does not describe itself: {0}; its main.rs must answer to describe as that of kubewright init does"
    )]
    Answer(serde_json::Error),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Runs the command.
pub(super) fn manifests(args: &ManifestsArgs) -> Result<(), ToolchainError> {
    if let Some(operators) = &args.operators {
        return of_operators(operators, args);
    }
    let project = Described::new(&args.deploy)?;
    let mut changes = Changes::default();
    let options = &project.options;
    let failed = ManifestsError::from;
    let out = args.out.clone().unwrap_or_else(|| "config".into());
    for (path, text) in kustomize(&project.description, options).map_err(failed)? {
        // Samples are the user's: they are copied, and have no checksum of ours.
        changes.generated(out.join(path), "#", &text);
    }
    let text = install(&project.description, options).map_err(failed)?;
    changes.generated("dist/install.yaml", "#", &text);
    if args.chart {
        for (path, text) in chart(&project.description, options, &args.chart_version).map_err(failed)? {
            changes.generated(Path::new("dist/chart").join(path), "#", &text);
        }
    }
    tell(&changes.apply(&project.folder, args.force)?, &format!("{} and dist", out.display()));
    Ok(())
}

/// Of operators that come with this program: one file on the standard output, or folders.
fn of_operators(list: &str, args: &ManifestsArgs) -> Result<(), ToolchainError> {
    if args.deploy.cert_manager {
        let cause =
            "--cert-manager is for the operator of a project: those that come with kubewright make their certificates";
        return Err(ToolchainError::Usage(cause.into()));
    }
    let all = describe::described(list, &args.flags, &args.deploy, args.chart)?;
    let failed = ManifestsError::from;
    let Some(out) = &args.out else {
        if args.chart {
            return Err(ToolchainError::Usage("--chart writes folders: say where with --out".into()));
        }
        let texts: Result<Vec<String>, ManifestError> = all.iter().map(|(of, how)| install(of, how)).collect();
        let text = texts.map_err(failed)?.join("---\n");
        return io::stdout()
            .write_all(text.as_bytes())
            .map_err(|cause| ToolchainError::Io { what: "standard output".into(), cause });
    };
    let mut changes = Changes::default();
    for (description, options) in &all {
        for (path, text) in kustomize(description, options).map_err(failed)? {
            changes.generated(Path::new(&description.name).join(path), "#", &text);
        }
        if args.chart {
            let folder = Path::new(&description.name).join("chart");
            for (path, text) in chart(description, options, &args.chart_version).map_err(failed)? {
                changes.generated(folder.join(path), "#", &text);
            }
        }
    }
    tell(&changes.apply(out, args.force)?, &out.display().to_string());
    Ok(())
}

fn tell(written: &[Written], place: &str) {
    for file in written {
        match file {
            Written::New(path) => println!("new      {}", path.display()),
            Written::Changed(path) => println!("changed  {}", path.display()),
        }
    }
    if written.is_empty() {
        println!("up to date: {place}");
    }
}

/// A project, and what its operator tells of itself.
pub(super) struct Described {
    folder: PathBuf,
    pub(super) description: Description,
    pub(super) options: ManifestOptions,
}

impl Described {
    /// Builds the project and asks it.
    pub(super) fn new(args: &DeployArgs) -> Result<Self, ToolchainError> {
        let here =
            std::env::current_dir().map_err(|cause| ToolchainError::Io { what: "the current folder".into(), cause })?;
        let folder = find(&here)?;
        let project = Project::read(&folder.join("PROJECT"))?;
        let mut command = Command::new("cargo");
        command.args(["run", "--quiet", "--", "describe"]).current_dir(&folder).stderr(Stdio::inherit());
        let output = command.output().map_err(ManifestsError::Cargo)?;
        if !output.status.success() {
            return Err(ManifestsError::Describe.into());
        }
        let description = serde_json::from_slice(&output.stdout).map_err(ManifestsError::Answer)?;
        let options = ManifestOptions {
            namespace: args.namespace.clone(),
            image: args.image.clone().unwrap_or_else(|| format!("{}:latest", project.project_name)),
            replicas: args.replicas,
            descriptions: args.max_descriptions,
            cert_manager: args.cert_manager,
            samples: samples(&folder)?,
            ..ManifestOptions::default()
        };
        Ok(Self { folder, description, options })
    }

    /// The operator's namespace.
    pub(super) fn namespace(&self) -> String {
        self.options.namespace.clone().unwrap_or_else(|| format!("{}-system", self.description.name))
    }

    /// The Lease of its replicas before there is any, if it says which that is.
    pub(super) fn lease(&self) -> Option<Lease> {
        let mut lease = LeaderElection::new(self.description.lease.as_ref()?).released_lease();
        lease.metadata.namespace = Some(self.namespace());
        // An object that has nothing but a name belongs to nobody, and undeploy would leave it.
        lease.labels_mut().insert("app.kubernetes.io/name".into(), self.description.name.clone());
        Some(lease)
    }
}

/// The files in the project's samples.
fn samples(folder: &Path) -> Result<Vec<(String, String)>, ToolchainError> {
    let folder = folder.join("samples");
    let failed = |file: &Path, cause| {
        ToolchainError::Project(ProjectError::Broken { file: file.into(), cause: std::io::Error::to_string(&cause) })
    };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|cause| failed(&folder, cause))? {
        let file = entry.map_err(|cause| failed(&folder, cause))?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".yaml") && name != "kustomization.yaml" {
            found.push((name, fs::read_to_string(&file).map_err(|cause| failed(&file, cause))?));
        }
    }
    found.sort();
    Ok(found)
}
