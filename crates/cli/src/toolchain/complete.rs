//! What the shell is offered for values: what the project of the current folder has.

use std::collections::BTreeSet;

use clap_complete::CompletionCandidate;
use kubewright_project::{Project, find};

/// The groups of the project, and those of Kubernetes.
pub(super) fn groups() -> Vec<CompletionCandidate> {
    let project = project();
    let own = project.iter().flat_map(|project| &project.resources).map(|entry| entry.group.clone());
    let known = ["apps", "batch", "core", "networking", "policy", "rbac"].map(String::from);
    candidates(own.chain(known))
}

/// The versions of the project.
pub(super) fn versions() -> Vec<CompletionCandidate> {
    let project = project();
    let own = project.iter().flat_map(|project| &project.resources).map(|entry| entry.version.clone());
    candidates(own.chain(["v1".to_string(), "v1alpha1".to_string(), "v1beta1".to_string()]))
}

/// The kinds of the project.
pub(super) fn kinds() -> Vec<CompletionCandidate> {
    let project = project();
    candidates(project.iter().flat_map(|project| &project.resources).map(|entry| entry.kind.clone()))
}

/// A folder without a project, or with a broken one, has nothing to offer.
fn project() -> Option<Project> {
    let folder = find(&std::env::current_dir().ok()?).ok()?;
    Project::read(&folder.join("PROJECT")).ok()
}

fn candidates(names: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}
