//! What the shell is offered for values: what the project of the current folder, the kubeconfig and the cluster have.

use std::collections::BTreeSet;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ListParams};
use kubewright::kube::config::Kubeconfig;
use kubewright::prelude::{ResourceExt, connect};
use kubewright_project::{Project, find};

use crate::operators::NAMES;

/// How long somebody who pressed the tab key waits for a cluster.
const PATIENCE: Duration = Duration::from_secs(2);

/// The groups of the project, and those of Kubernetes.
pub(crate) fn groups() -> Vec<CompletionCandidate> {
    let project = project();
    let own = project.iter().flat_map(|project| &project.resources).map(|entry| entry.group.clone());
    let known = ["apps", "batch", "core", "networking", "policy", "rbac"].map(String::from);
    candidates(own.chain(known))
}

/// The versions of the project.
pub(crate) fn versions() -> Vec<CompletionCandidate> {
    let project = project();
    let own = project.iter().flat_map(|project| &project.resources).map(|entry| entry.version.clone());
    candidates(own.chain(["v1".to_string(), "v1alpha1".to_string(), "v1beta1".to_string()]))
}

/// The kinds of the project.
pub(crate) fn kinds() -> Vec<CompletionCandidate> {
    let project = project();
    candidates(project.iter().flat_map(|project| &project.resources).map(|entry| entry.kind.clone()))
}

/// The kinds of Kubernetes that can be applied.
pub(crate) fn builtin_kinds() -> Vec<CompletionCandidate> {
    candidates(super::types::builtin_kinds().kinds().map(ToString::to_string))
}

/// The operators that come with this program.
pub(crate) fn operators() -> Vec<CompletionCandidate> {
    candidates(["all", "none"].into_iter().chain(NAMES).map(String::from))
}

/// The contexts of the kubeconfig.
pub(crate) fn contexts() -> Vec<CompletionCandidate> {
    let config = Kubeconfig::read().unwrap_or_default();
    candidates(config.contexts.into_iter().map(|context| context.name))
}

/// The definitions of the cluster, if it answers soon.
pub(crate) fn definitions() -> Vec<CompletionCandidate> {
    // The shell asks from inside of the program's own runtime, which can't be waited on.
    let asked = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async { tokio::time::timeout(PATIENCE, names_of_definitions()).await.ok()? })
    });
    candidates(asked.join().ok().flatten().unwrap_or_default().into_iter())
}

async fn names_of_definitions() -> Option<Vec<String>> {
    let client = connect(None, None).await.ok()?;
    let api = Api::<CustomResourceDefinition>::all(client);
    let list = api.list_metadata(&ListParams::default()).await.ok()?;
    Some(list.items.iter().map(ResourceExt::name_any).collect())
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
