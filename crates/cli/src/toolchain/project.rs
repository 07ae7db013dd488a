//! `kubewright init`, `create api`, `create webhook` and `edit`.

use std::path::{Path, PathBuf};

use kubewright_helm::Program;
use kubewright_project::{
    AnsibleApiOptions, AnsibleInitOptions, ApiOptions, Changes, EditOptions, HelmApiOptions, HelmInitOptions,
    InitOptions, Kubewright, Layout, Project, ProjectError, WebhookOptions, Written, find,
};

use super::ToolchainError;
use super::args::{ApiArgs, EditArgs, InitArgs, Plugin, WebhookArgs};

/// The checkout that this program was built from.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(super) fn init(args: InitArgs) -> Result<(), ToolchainError> {
    let folder = match args.dir {
        Some(folder) => std::path::absolute(folder).map_err(|cause| here("the folder", cause))?,
        None => current()?,
    };
    if folder.join("PROJECT").exists() && !args.force {
        return Err(ProjectError::InTheWay { file: folder.join("PROJECT") }.into());
    }
    let project_name = args.project_name.unwrap_or_else(|| {
        folder.file_name().map(|name| name.to_string_lossy().to_lowercase().replace('_', "-")).unwrap_or_default()
    });
    if args.plugins == Plugin::Helm {
        let changes = kubewright_project::init_helm(&HelmInitOptions { domain: args.domain, project_name })?;
        let next = "kubewright create api --group cache --version v1alpha1 --kind Memcached";
        return finish(changes, &folder, args.force, &[next]);
    }
    if args.plugins == Plugin::Ansible {
        let changes = kubewright_project::init_ansible(&AnsibleInitOptions { domain: args.domain, project_name })?;
        let next = "kubewright create api --group cache --version v1alpha1 --kind Memcached --generate-role";
        return finish(changes, &folder, args.force, &[next]);
    }
    let options = InitOptions {
        domain: args.domain,
        project_name,
        multigroup: args.multigroup,
        kubewright: source(args.kubewright_path, args.kubewright_version)?,
    };
    let (_, changes) = kubewright_project::init(&options)?;
    finish(changes, &folder, args.force, &["kubewright create api --group web --version v1 --kind Site"])
}

pub(super) async fn create_api(args: ApiArgs) -> Result<(), ToolchainError> {
    let folder = find(&current()?)?;
    let layout = Layout::of(&folder)?;
    if layout != Layout::Ansible && (args.generate_role || args.generate_playbook) {
        let cause = "--generate-role and --generate-playbook are for projects of Ansible roles; make one with kubewright init \
                     --plugins ansible";
        return Err(ToolchainError::Usage(cause.into()));
    }
    if layout != Layout::Helm && args.helm_chart.is_some() {
        let cause = "--helm-chart is for projects of Helm charts; make one with kubewright init --plugins helm";
        return Err(ToolchainError::Usage(cause.into()));
    }
    match layout {
        Layout::Helm => return create_helm_api(&folder, args).await,
        Layout::Ansible => return create_ansible_api(&folder, args),
        Layout::Rust => {}
    }
    let project = Project::read(&folder.join("PROJECT"))?;
    let options = ApiOptions {
        group: args.kind.group,
        version: args.kind.version,
        kind: args.kind.kind,
        plural: args.plural,
        namespaced: args.namespaced,
        resource: args.resource,
        controller: args.controller,
    };
    let (_, changes) = kubewright_project::create_api(&project, &options)?;
    finish(changes, &folder, args.kind.force, &["cargo test", "kubewright create webhook --help"])
}

async fn create_helm_api(folder: &Path, args: ApiArgs) -> Result<(), ToolchainError> {
    if !args.namespaced || args.resource == Some(false) || args.controller == Some(false) {
        let cause = "releases are in namespaces, and each kind has a type and a controller: leave out --namespaced, --resource \
                     and --controller";
        return Err(ToolchainError::Usage(cause.into()));
    }
    let manifest = match &args.helm_chart {
        None => None,
        Some(chart) => match Program::new("helm").manifest(chart).await {
            Ok(manifest) => Some(manifest),
            Err(error) => {
                eprintln!(
                    "config/rbac/role.yaml gets rights on the usual kinds, as the chart could not be rendered: {error}"
                );
                None
            }
        },
    };
    let options = HelmApiOptions {
        group: args.kind.group,
        version: args.kind.version,
        kind: args.kind.kind,
        plural: args.plural,
        chart: args.helm_chart,
        manifest,
    };
    let changes = kubewright_project::create_helm_api(folder, &options)?;
    let next = ["kubectl apply -k config/crd", "kubewright helm-operator run", "kubectl apply -k config/samples"];
    finish(changes, folder, args.kind.force, &next)
}

fn create_ansible_api(folder: &Path, args: ApiArgs) -> Result<(), ToolchainError> {
    if !args.namespaced || args.resource == Some(false) || args.controller == Some(false) {
        let cause = "the definition that is made is of namespaces, and each kind has a type and a controller: leave out \
                     --namespaced, --resource and --controller (for a kind of the cluster, change scope in config/crd/bases)";
        return Err(ToolchainError::Usage(cause.into()));
    }
    let options = AnsibleApiOptions {
        group: args.kind.group,
        version: args.kind.version,
        kind: args.kind.kind,
        plural: args.plural,
        role: args.generate_role,
        playbook: args.generate_playbook,
    };
    let changes = kubewright_project::create_ansible_api(folder, &options)?;
    let next = [
        "ansible-galaxy collection install -r requirements.yml",
        "kubectl apply -k config/crd",
        "kubewright ansible-operator run",
        "kubectl apply -k config/samples",
    ];
    finish(changes, folder, args.kind.force, &next)
}

pub(super) fn create_webhook(args: WebhookArgs) -> Result<(), ToolchainError> {
    let (folder, project) = open()?;
    let options = WebhookOptions {
        group: args.kind.group,
        version: args.kind.version,
        kind: args.kind.kind,
        defaulting: args.defaulting,
        validation: args.programmatic_validation,
        conversion: args.conversion,
        spoke: args.spoke,
    };
    let (_, changes) = kubewright_project::create_webhook(&project, &options)?;
    finish(changes, &folder, args.kind.force, &["cargo test"])
}

pub(super) fn edit(args: EditArgs) -> Result<(), ToolchainError> {
    let (folder, project) = open()?;
    let options = EditOptions { multigroup: args.multigroup, secure_metrics: args.secure_metrics };
    let (_, changes) = kubewright_project::edit(&project, &options)?;
    let flags = "give src/main.rs the flags --metrics-secure, --metrics-require-rbac, --metrics-cert-path and \
                 --health-probe-bind-address: kubewright init in an empty folder writes one that has them";
    let mut next = vec!["cargo test", "kubewright manifests"];
    if args.secure_metrics == Some(true) && !project.secure_metrics {
        next.insert(0, flags);
    }
    finish(changes, &folder, args.force, &next)
}

/// Where the kubewright crate comes from.
fn source(path: Option<PathBuf>, version: Option<String>) -> Result<Kubewright, ToolchainError> {
    let (path, flag) = match (path, version) {
        (_, Some(version)) => return Ok(Kubewright::Version(version)),
        (Some(path), None) => (path, true),
        (None, None) => (PathBuf::from(BUILT_FROM), false),
    };
    let folder = path.canonicalize().unwrap_or_else(|_| path.clone());
    if folder.join("crates/kubewright/Cargo.toml").is_file() {
        return Ok(Kubewright::Path(folder));
    }
    let why = if flag { "is no checkout of Kubewright" } else { "from which this program was built, is gone" };
    Err(ToolchainError::Usage(format!(
        "{} {why}: it has no crates/kubewright. The crate is not published yet: give a checkout with --kubewright-path",
        path.display()
    )))
}

pub(super) fn open() -> Result<(PathBuf, Project), ToolchainError> {
    let folder = find(&current()?)?;
    let project = Project::read(&folder.join("PROJECT"))?;
    Ok((folder, project))
}

fn current() -> Result<PathBuf, ToolchainError> {
    std::env::current_dir().map_err(|cause| here("the current folder", cause))
}

fn here(what: &str, cause: std::io::Error) -> ToolchainError {
    ToolchainError::Io { what: what.into(), cause }
}

/// Writes the files, tells which, and what comes next.
pub(super) fn finish(changes: Changes, folder: &Path, force: bool, next: &[&str]) -> Result<(), ToolchainError> {
    let written = changes.apply(folder, force)?;
    for file in &written {
        match file {
            Written::New(path) => println!("new      {}", path.display()),
            Written::Changed(path) => println!("changed  {}", path.display()),
        }
    }
    println!("\nNext:");
    for line in next {
        println!("  {line}");
    }
    Ok(())
}
