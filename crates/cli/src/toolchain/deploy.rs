//! `kubewright install`, `uninstall`, `deploy` and `undeploy`: the project's operator in a cluster.

use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::api::coordination::v1::Lease;
use kubewright::k8s_openapi::api::core::v1::{Namespace, Pod};
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{self, Client, ResourceExt, discovery};
use kubewright_manifests::install;
use serde_json::Value;

use super::ToolchainError;
use super::args::{ClusterArgs, DeployArgs};
use super::manifests::{Described, ManifestsError};
use crate::cluster::{ClusterError, answering};
use crate::crds::{self, CrdError};
use crate::manifests::{self, ManifestError};

/// How often a rollout is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long Pods may take to stop: more than they have, as nodes tell of it later.
const STOPS_WITHIN: Duration = Duration::from_secs(90);

/// What is applied is ours by this name.
pub(super) const MANAGER: &str = "kubewright";

/// Why an operator did not get to a cluster or away from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Crds(#[from] CrdError),
    #[error(transparent)]
    Manifests(#[from] ManifestError),
    #[error("{object}: {cause}")]
    Refused { object: String, cause: Box<kube::Error> },
    #[error("the operator's own manifests can't be read: {0}")]
    Own(String),
    #[error(
        "the operator is still stopping after {} s, and would mend what is removed: {pods}; undeploy again when they are gone",
        waited.as_secs()
    )]
    Running { pods: String, waited: Duration },
    #[error(
        "deleted, but still there after {} s: {what}; what is in them or their finalizers keep them: see what kubectl get -o yaml \
         says in status and metadata.finalizers",
        waited.as_secs()
    )]
    Remains { what: String, waited: Duration },
    #[error("{deployment} is not ready after {} s: {why}", waited.as_secs())]
    NotReady { deployment: String, waited: Duration, why: String },
}

pub(super) async fn install_crds(args: &ClusterArgs) -> Result<(), ToolchainError> {
    let described = Described::new(&DeployArgs::default())?;
    let crds = definitions(&described)?;
    let client = client(args).await?;
    crds::install(&client, &crds).await.map_err(DeployError::from)?;
    for crd in &crds {
        println!("installed {}", crd.name_any());
    }
    Ok(())
}

pub(super) async fn uninstall_crds(args: &ClusterArgs, timeout: Duration) -> Result<(), ToolchainError> {
    let described = Described::new(&DeployArgs::default())?;
    let crds = definitions(&described)?;
    let client = client(args).await?;
    let objects = crds.iter().filter_map(|crd| serde_json::to_value(crd).ok()).collect();
    let deleted = remove(&client, objects).await?;
    Ok(gone(deleted, timeout).await?)
}

pub(super) async fn deploy(cluster: &ClusterArgs, args: &DeployArgs, timeout: Duration) -> Result<(), ToolchainError> {
    let described = Described::new(args)?;
    let text = install(&described.description, &described.options).map_err(ManifestsError::from)?;
    let client = client(cluster).await?;
    let (name, namespace) = (&described.description.name, described.namespace());
    applied(&client, &described, &text).await?;
    Ok(rolled_out(&client, &namespace, &format!("{name}-controller-manager"), timeout).await?)
}

/// Applies what there is, the namespace first.
async fn applied(client: &Client, described: &Described, text: &str) -> Result<(), DeployError> {
    const SOURCE: &str = "the manifests";
    let objects = manifests::parse(SOURCE, text)?;
    let kind = |object: &DynamicObject| object.types.as_ref().map(|types| types.kind.clone()).unwrap_or_default();
    let mut runs = false;
    for deployment in objects.iter().filter(|object| kind(object) == "Deployment") {
        runs |= Program::new(client, deployment).is_there().await?;
    }
    let (namespaces, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| kind(object) == "Namespace");
    for namespace in namespaces {
        let name = namespace.name_any();
        let refused = |cause| DeployError::Refused { object: format!("namespace/{name}"), cause: Box::new(cause) };
        let live = Api::<Namespace>::all(client.clone()).get_opt(&name).await.map_err(refused)?;
        // Applied, it would be ours, and go with undeploy together with all that others have in it.
        if live.is_some_and(|live| !is_ours(&live)) {
            println!("namespace/{name} is there, and stays as it is");
            continue;
        }
        tell(&manifests::apply_all(client, SOURCE, vec![namespace]).await?);
    }
    if let Some(lease) = described.lease().filter(|_| !runs) {
        make(client, &lease).await?;
    }
    tell(&manifests::apply_all(client, SOURCE, rest).await?);
    Ok(())
}

fn tell(applied: &[String]) {
    for object in applied {
        println!("applied {object}");
    }
}

/// Makes the Lease by which the first replica knows at once that no other leads, unless there is one. Without it the first start
/// takes as long as a lease lasts, so who may not make one can do without.
async fn make(client: &Client, lease: &Lease) -> Result<(), DeployError> {
    let api = Api::<Lease>::namespaced(client.clone(), &lease.namespace().unwrap_or_default());
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    match api.create(&params, lease).await {
        Ok(_) => println!("created lease/{}", lease.name_any()),
        Err(kube::Error::Api(status)) if [403, 409].contains(&status.code) => {}
        Err(cause) => {
            let object = format!("lease/{}", lease.name_any());
            return Err(DeployError::Refused { object, cause: Box::new(cause) });
        }
    }
    Ok(())
}

pub(super) async fn undeploy(
    cluster: &ClusterArgs,
    args: &DeployArgs,
    timeout: Duration,
) -> Result<(), ToolchainError> {
    let described = Described::new(args)?;
    let text = install(&described.description, &described.options).map_err(ManifestsError::from)?;
    let own = |error: serde_json::Error| DeployError::Own(error.to_string());
    let mut objects: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|error| DeployError::Own(error.to_string()))?;
    if let Some(lease) = described.lease() {
        objects.push(serde_json::to_value(lease).map_err(own)?);
    }
    let client = client(cluster).await?;
    // As long as it runs, the operator mends what is taken away from it, such as its webhook configurations.
    let (programs, others): (Vec<Value>, Vec<Value>) =
        objects.into_iter().partition(|object| object["kind"] == "Deployment");
    let mut deleted = remove(&client, programs.clone()).await?;
    for program in programs {
        let program: DynamicObject = serde_json::from_value(program).map_err(own)?;
        Program::new(&client, &program).stopped().await?;
    }
    deleted.extend(remove(&client, others).await?);
    Ok(gone(deleted, timeout).await?)
}

/// The program of a Deployment.
struct Program {
    name: String,
    deployments: Api<Deployment>,
    pods: Api<Pod>,
    selected: ListParams,
}

impl Program {
    fn new(client: &Client, deployment: &DynamicObject) -> Self {
        let namespace = deployment.namespace().unwrap_or_default();
        let labels = deployment.data["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let labels: Vec<String> =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        Self {
            name: deployment.name_any(),
            deployments: Api::namespaced(client.clone(), &namespace),
            pods: Api::namespaced(client.clone(), &namespace),
            selected: ListParams::default().labels(&labels.join(",")),
        }
    }

    fn refused(&self, cause: kube::Error) -> DeployError {
        DeployError::Refused { object: format!("deployment/{}", self.name), cause: Box::new(cause) }
    }

    async fn pods(&self) -> kube::Result<Vec<String>> {
        let pods = self.pods.list_metadata(&self.selected).await?;
        Ok(pods.items.iter().map(ResourceExt::name_any).collect())
    }

    /// Whether there is its Deployment, or one of its Pods. To those who may not look at Pods there may be.
    async fn is_there(&self) -> Result<bool, DeployError> {
        if self.deployments.get_opt(&self.name).await.map_err(|cause| self.refused(cause))?.is_some() {
            return Ok(true);
        }
        match self.pods().await {
            Ok(pods) => Ok(!pods.is_empty()),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(true),
            Err(cause) => Err(self.refused(cause)),
        }
    }

    /// Waits until no Pod is left, as the Deployment was removed.
    async fn stopped(&self) -> Result<(), DeployError> {
        let live = self.deployments.get_opt(&self.name).await.map_err(|cause| self.refused(cause))?;
        if live.is_some_and(|live| live.metadata.deletion_timestamp.is_none()) {
            // Something else has made it, and it stays.
            return Ok(());
        }
        let begin = tokio::time::Instant::now();
        loop {
            let left = self.pods().await.map_err(|cause| self.refused(cause))?;
            if left.is_empty() {
                return Ok(());
            }
            if begin.elapsed() >= STOPS_WITHIN {
                return Err(DeployError::Running { pods: left.join(", "), waited: STOPS_WITHIN });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whether an object was applied by this command.
fn is_ours(object: &impl ResourceExt) -> bool {
    object.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some(MANAGER))
}

fn definitions(described: &Described) -> Result<Vec<CustomResourceDefinition>, DeployError> {
    let own = |error: serde_json::Error| DeployError::Own(error.to_string());
    described.description.crds.iter().map(|crd| serde_json::from_value(crd.clone()).map_err(own)).collect()
}

pub(super) async fn client(args: &ClusterArgs) -> Result<Client, DeployError> {
    Ok(answering(args.kubeconfig.as_deref(), args.context.as_deref()).await?)
}

/// An object that was deleted, and may take a while to go.
pub(super) struct Deleted {
    api: Api<DynamicObject>,
    name: String,
    uid: Option<String>,
    shown: String,
}

/// Waits until objects are gone, and tells for which; no time: does not wait.
async fn gone(mut deleted: Vec<Deleted>, timeout: Duration) -> Result<(), DeployError> {
    let begin = tokio::time::Instant::now();
    let mut told = String::new();
    while !timeout.is_zero() {
        let mut left = Vec::new();
        for object in deleted {
            let live = object.api.get_opt(&object.name).await;
            let refused = |cause| DeployError::Refused { object: object.shown.clone(), cause: Box::new(cause) };
            // One that was made anew is another.
            if live.map_err(refused)?.is_some_and(|live| live.uid() == object.uid) {
                left.push(object);
            }
        }
        let what: Vec<&str> = left.iter().map(|object| object.shown.as_str()).collect();
        let what = what.join(", ");
        if what.is_empty() {
            break;
        }
        if begin.elapsed() >= timeout {
            return Err(DeployError::Remains { what, waited: timeout });
        }
        if what != told {
            println!("waiting until they are gone: {what}");
            told = what;
        }
        deleted = left;
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Removes objects, the last first; those that something else has made stay.
pub(super) async fn remove(client: &Client, objects: Vec<Value>) -> Result<Vec<Deleted>, DeployError> {
    let mut deleted = Vec::new();
    for object in objects.into_iter().rev() {
        let object: DynamicObject =
            serde_json::from_value(object).map_err(|error| DeployError::Own(error.to_string()))?;
        let Some(types) = &object.types else { continue };
        let shown = format!("{}/{}", types.kind.to_lowercase(), object.name_any());
        let refused = |cause: kube::Error| DeployError::Refused { object: shown.clone(), cause: Box::new(cause) };
        let gvk = GroupVersionKind::try_from(types).map_err(|error| DeployError::Own(error.to_string()))?;
        let (resource, _): (ApiResource, _) = match discovery::pinned_kind(client, &gvk).await {
            Ok(found) => found,
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            // Its group is served, and it no longer is.
            Err(kube::Error::Discovery(_)) => continue,
            Err(error) => return Err(refused(error)),
        };
        let api: Api<DynamicObject> = match object.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let Some(live) = api.get_opt(&object.name_any()).await.map_err(refused)? else { continue };
        if !is_ours(&live) {
            println!("left {shown}: something else has made it");
            continue;
        }
        match api.delete(&object.name_any(), &DeleteParams::default()).await {
            Ok(_) => {
                println!("deleted {shown}");
                deleted.push(Deleted { api, name: object.name_any(), uid: live.uid(), shown });
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(deleted)
}

/// Waits until the Deployment has its replicas, and tells how it goes.
pub(super) async fn rolled_out(
    client: &Client,
    namespace: &str,
    name: &str,
    timeout: Duration,
) -> Result<(), DeployError> {
    let api = Api::<Deployment>::namespaced(client.clone(), namespace);
    let begin = tokio::time::Instant::now();
    let mut told = String::new();
    loop {
        let refused = |cause| DeployError::Refused { object: format!("deployment/{name}"), cause: Box::new(cause) };
        let deployment = api.get(name).await.map_err(refused)?;
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let status = deployment.status.clone().unwrap_or_default();
        let seen = status.observed_generation >= deployment.metadata.generation;
        let ready = status.available_replicas.unwrap_or(0).min(status.updated_replicas.unwrap_or(0));
        let line = format!("deployment/{name}: {ready} of {wanted} replicas ready");
        if line != told {
            println!("{line}");
            told.clone_from(&line);
        }
        if seen && ready >= wanted {
            return Ok(());
        }
        if begin.elapsed() >= timeout {
            let why = status.conditions.iter().flatten().filter(|condition| condition.status != "True");
            let why: Vec<&str> = why.filter_map(|condition| condition.message.as_deref()).collect();
            let why = if why.is_empty() { line } else { why.join("; ") };
            return Err(DeployError::NotReady { deployment: format!("deployment/{name}"), waited: timeout, why });
        }
        tokio::time::sleep(LOOK).await;
    }
}
