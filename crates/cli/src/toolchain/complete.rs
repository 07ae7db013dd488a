//! What the shell is offered for values: what the project of the current folder, the kubeconfig and the cluster have.

use std::collections::BTreeSet;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use kubewright::k8s_openapi::api::core::v1::Namespace;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kubewright::kube::config::Kubeconfig;
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{self, Client};
use kubewright::prelude::{ResourceExt, connect};
use kubewright_project::{ListedKind, find, listed_kinds};

use crate::operators::NAMES;

/// How long somebody who pressed the tab key waits for a cluster.
const PATIENCE: Duration = Duration::from_secs(2);

/// The groups of the project, and those of Kubernetes.
pub(crate) fn groups() -> Vec<CompletionCandidate> {
    let known = ["apps", "batch", "core", "networking", "policy", "rbac"].map(String::from);
    candidates(project().into_iter().map(|listed| listed.group).chain(known))
}

/// The versions of the project.
pub(crate) fn versions() -> Vec<CompletionCandidate> {
    let known = ["v1", "v1alpha1", "v1beta1"].map(String::from);
    candidates(project().into_iter().map(|listed| listed.version).chain(known))
}

/// The kinds of the project.
pub(crate) fn kinds() -> Vec<CompletionCandidate> {
    candidates(project().into_iter().map(|listed| listed.kind))
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
    of_cluster(async |client| {
        let list = Api::<CustomResourceDefinition>::all(client).list_metadata(&ListParams::default()).await?;
        Ok(list.items.iter().map(ResourceExt::name_any).collect())
    })
}

/// The namespaces of the cluster, if it answers soon.
pub(crate) fn namespaces() -> Vec<CompletionCandidate> {
    of_cluster(async |client| {
        let list = Api::<Namespace>::all(client).list_metadata(&ListParams::default()).await?;
        Ok(list.items.iter().map(ResourceExt::name_any).collect())
    })
}

/// The packages that the Operator Lifecycle Manager has installed in the cluster, if it answers soon.
pub(crate) fn packages() -> Vec<CompletionCandidate> {
    of_cluster(async |client| {
        let kind = GroupVersionKind::gvk("operators.coreos.com", "v1alpha1", "Subscription");
        let api = Api::<DynamicObject>::all_with(client, &ApiResource::from_gvk(&kind));
        let list = api.list(&ListParams::default()).await?;
        Ok(list.items.iter().filter_map(|one| one.data["spec"]["name"].as_str().map(String::from)).collect())
    })
}

/// Names out of the cluster of the kubeconfig; none if there is none, or it takes too long.
fn of_cluster(ask: impl AsyncFnOnce(Client) -> kube::Result<Vec<String>> + Send) -> Vec<CompletionCandidate> {
    let asked = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async {
            let names = async { ask(connect(None, None).await.ok()?).await.ok() };
            tokio::time::timeout(PATIENCE, names).await.ok()?
        })
    };
    // The shell asks from inside of the program's own runtime, which can't be waited on.
    let names = std::thread::scope(|scope| scope.spawn(asked).join());
    candidates(names.ok().flatten().unwrap_or_default().into_iter())
}

/// A folder without a project, or with a broken one, has nothing to offer.
fn project() -> Vec<ListedKind> {
    let folder = std::env::current_dir().ok().and_then(|here| find(&here).ok());
    folder.and_then(|folder| listed_kinds(&folder).ok()).unwrap_or_default()
}

fn candidates(names: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}
