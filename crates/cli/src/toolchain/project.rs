//! `kubewright init`, `create api`, `create webhook` and `edit`.

use std::path::{Path, PathBuf};

use kubewright_project::{
    ApiOptions, Changes, EditOptions, InitOptions, Kubewright, Project, ProjectError, WebhookOptions, Written, find,
};

use super::ToolchainError;
use super::args::{ApiArgs, EditArgs, InitArgs, WebhookArgs};

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
    let options = InitOptions {
        domain: args.domain,
        project_name,
        multigroup: args.multigroup,
        kubewright: source(args.kubewright_path, args.kubewright_version)?,
    };
    let (_, changes) = kubewright_project::init(&options)?;
    finish(changes, &folder, args.force, &["kubewright create api --group web --version v1 --kind Site"])
}

pub(super) fn create_api(args: ApiArgs) -> Result<(), ToolchainError> {
    let (folder, project) = open()?;
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
    let (_, changes) = kubewright_project::edit(&project, &EditOptions { multigroup: args.multigroup })?;
    finish(changes, &folder, args.force, &["cargo test"])
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

fn open() -> Result<(PathBuf, Project), ToolchainError> {
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
fn finish(changes: Changes, folder: &Path, force: bool, next: &[&str]) -> Result<(), ToolchainError> {
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
