//! `kubewright olm install`, `status` and `uninstall`: the Operator Lifecycle Manager itself, out of its manifests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ApiResource, DynamicObject};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{self, Client, ResourceExt, discovery};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ToolchainError;
use super::bundle_args::{OlmArgs, OlmCommand};
use super::deploy::{DeployError, MANAGER, client, remove, rolled_out};
use crate::args::Output;
use crate::crds;
use crate::manifests::{self, ManifestError};

/// The definition that no Operator Lifecycle Manager is without.
const DEFINITION: &str = "clusterserviceversions.operators.coreos.com";
const GROUP: &str = "operators.coreos.com/";
/// The label that says what has made an object.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// How often the cluster is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// Why the Operator Lifecycle Manager is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OlmError {
    #[error("{}: {cause}", file.display())]
    File { file: PathBuf, cause: String },
    #[error(
        "these are no manifests of the Operator Lifecycle Manager: there is no definition {DEFINITION}; a release of it has \
         crds.yaml and olm.yaml: give both, in this order"
    )]
    NoManifests,
    #[error("something else has installed an Operator Lifecycle Manager in this cluster: {DEFINITION} is there")]
    Foreign,
    #[error(
        "the cluster has no Operator Lifecycle Manager: it serves no Subscriptions of operators.coreos.com; kubewright olm \
         install brings it"
    )]
    None,
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Crds(#[from] crds::CrdError),
    #[error(transparent)]
    Manifests(#[from] ManifestError),
    #[error("{object}: {cause}")]
    Refused { object: String, cause: Box<kube::Error> },
    #[error("{what} after {} s", waited.as_secs())]
    Late { what: String, waited: Duration },
    #[error("not installed: {0}")]
    Missing(String),
}

/// An object of the manifests, and how it is in the cluster.
#[derive(Debug, Serialize)]
struct Status {
    kind: String,
    name: String,
    namespace: Option<String>,
    installed: bool,
    /// How it is, where that can be told.
    state: Option<String>,
}

/// Runs the command.
pub(super) async fn olm(command: &OlmCommand) -> Result<(), ToolchainError> {
    let (OlmCommand::Install(args) | OlmCommand::Status { args, .. } | OlmCommand::Uninstall(args)) = command;
    let objects = read(&args.manifests)?;
    let client = client(&args.cluster).await.map_err(OlmError::from)?;
    let done = match command {
        OlmCommand::Install(_) => install(&client, &objects, args).await,
        OlmCommand::Status { output, .. } => status(&client, &objects, *output).await,
        OlmCommand::Uninstall(_) => uninstall(&client, objects, args).await,
    };
    Ok(done?)
}

/// The objects in the files.
fn read(files: &[PathBuf]) -> Result<Vec<Value>, OlmError> {
    let failed = |file: &Path, cause: String| OlmError::File { file: file.into(), cause };
    let mut objects: Vec<Value> = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| failed(file, error.to_string()))?;
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).map_err(|error| failed(file, error.to_string()))?;
        for document in documents.into_iter().filter(|document| !document.is_null()) {
            if !document["metadata"].is_object() {
                return Err(failed(file, "a document has no metadata; it is no Kubernetes object".into()));
            }
            objects.push(document);
        }
    }
    for object in &mut objects {
        // An object with nothing but a name would not show that we have made it.
        if !object["metadata"]["labels"].is_object() {
            object["metadata"]["labels"] = json!({});
        }
        if object["metadata"]["labels"].get(MANAGED_BY).is_none() {
            object["metadata"]["labels"][MANAGED_BY] = MANAGER.into();
        }
    }
    let ours =
        |object: &Value| object["kind"] == "CustomResourceDefinition" && object["metadata"]["name"] == DEFINITION;
    if objects.iter().any(ours) { Ok(objects) } else { Err(OlmError::NoManifests) }
}

async fn install(client: &Client, objects: &[Value], args: &OlmArgs) -> Result<(), OlmError> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let there = api.get_opt(DEFINITION).await.map_err(|cause| refused(DEFINITION, cause))?;
    if there.is_some_and(|there| !there.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some(MANAGER)))
    {
        return Err(OlmError::Foreign);
    }
    let (definitions, others): (Vec<&Value>, Vec<&Value>) =
        objects.iter().partition(|object| object["kind"] == "CustomResourceDefinition");
    let mut crds = Vec::new();
    for definition in definitions {
        let read = serde_json::from_value((*definition).clone());
        crds.push(read.map_err(|error: serde_json::Error| OlmError::File {
            file: args.manifests.first().cloned().unwrap_or_default(),
            cause: format!("{}: {error}", definition["metadata"]["name"]),
        })?);
    }
    crds::install(client, &crds).await?;
    for crd in &crds {
        println!("installed customresourcedefinition/{}", crd.name_any());
    }
    for object in &others {
        for applied in manifests::apply(client, "the manifests", &object.to_string()).await? {
            println!("applied {applied}");
        }
    }
    let deadline = Instant::now() + args.timeout;
    for object in &others {
        let metadata = &object["metadata"];
        let (namespace, name) = (metadata["namespace"].as_str(), metadata["name"].as_str().unwrap_or_default());
        if object["kind"] == "Deployment" {
            let left = deadline.saturating_duration_since(Instant::now());
            rolled_out(client, namespace.unwrap_or("default"), name, left).await?;
        } else if object["kind"] == "ClusterServiceVersion" {
            succeeded(client, object, deadline, args.timeout).await?;
        }
    }
    Ok(())
}

/// Waits until a ClusterServiceVersion has succeeded.
async fn succeeded(client: &Client, object: &Value, deadline: Instant, timeout: Duration) -> Result<(), OlmError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut told = String::new();
    loop {
        let phase = match live(client, object).await? {
            Some(live) => live.data["status"]["phase"].as_str().unwrap_or("Pending").to_string(),
            None => "Missing".into(),
        };
        if phase != told {
            println!("clusterserviceversion/{name}: {phase}");
            told.clone_from(&phase);
        }
        if phase == "Succeeded" {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let what = format!("clusterserviceversion/{name} is {phase} and not Succeeded");
            return Err(OlmError::Late { what, waited: timeout });
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn status(client: &Client, objects: &[Value], output: Output) -> Result<(), OlmError> {
    let mut all = Vec::new();
    for object in objects {
        let live = live(client, object).await?;
        let text = |value: &Value| value.as_str().map(ToString::to_string);
        all.push(Status {
            kind: text(&object["kind"]).unwrap_or_default(),
            name: text(&object["metadata"]["name"]).unwrap_or_default(),
            namespace: text(&object["metadata"]["namespace"]),
            installed: live.is_some(),
            state: live.as_ref().and_then(state),
        });
    }
    match output {
        Output::Json => println!("{:#}", json!(all)),
        Output::Text => {
            println!("{:<52} {:<12} {:<26} STATUS", "NAME", "NAMESPACE", "KIND");
            for Status { kind, name, namespace, installed, state } in &all {
                let shown = if *installed { "Installed" } else { "Missing" };
                let state = state.as_ref().map(|state| format!(", {state}")).unwrap_or_default();
                println!("{name:<52} {:<12} {kind:<26} {shown}{state}", namespace.as_deref().unwrap_or_default());
            }
        }
    }
    let missing = all
        .iter()
        .filter(|status| !status.installed)
        .map(|status| format!("{}/{}", status.kind.to_lowercase(), status.name));
    let missing: Vec<String> = missing.collect();
    if missing.is_empty() { Ok(()) } else { Err(OlmError::Missing(missing.join(", "))) }
}

/// How an object is, if it tells.
fn state(live: &DynamicObject) -> Option<String> {
    let kind = live.types.as_ref().map(|types| types.kind.as_str())?;
    match kind {
        "Deployment" => {
            let value = serde_json::to_value(live).ok()?;
            let deployment: Deployment = serde_json::from_value(value).ok()?;
            let wanted = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
            let ready = deployment.status.and_then(|status| status.available_replicas).unwrap_or(0);
            Some(format!("{ready} of {wanted} replicas ready"))
        }
        "ClusterServiceVersion" => live.data["status"]["phase"].as_str().map(ToString::to_string),
        "CatalogSource" => {
            live.data["status"]["connectionState"]["lastObservedState"].as_str().map(ToString::to_string)
        }
        _ => None,
    }
}

/// Removes the objects of the Operator Lifecycle Manager while it still runs to clean up after them, then the rest.
async fn uninstall(client: &Client, objects: Vec<Value>, args: &OlmArgs) -> Result<(), OlmError> {
    let own = |object: &Value| object["apiVersion"].as_str().is_some_and(|version| version.starts_with(GROUP));
    let (first, then): (Vec<Value>, Vec<Value>) = objects.into_iter().partition(own);
    // Definitions go last: with them go all their objects.
    let (definitions, others): (Vec<Value>, Vec<Value>) =
        then.into_iter().partition(|object| object["kind"] == "CustomResourceDefinition");
    let deadline = Instant::now() + args.timeout;
    for step in [first, others, definitions] {
        remove(client, step.clone()).await?;
        for object in &step {
            gone(client, object, deadline, args.timeout).await?;
        }
    }
    Ok(())
}

/// Waits until an object of ours is gone.
async fn gone(client: &Client, object: &Value, deadline: Instant, timeout: Duration) -> Result<(), OlmError> {
    loop {
        let live = live(client, object).await?;
        // What something else has made stays.
        let ours = live.is_some_and(|live| {
            live.metadata.deletion_timestamp.is_some()
                || live.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some(MANAGER))
        });
        if !ours {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let what = format!("{} {} is still there", object["kind"], object["metadata"]["name"]).replace('"', "");
            return Err(OlmError::Late { what, waited: timeout });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The object as the cluster has it, if it has.
async fn live(client: &Client, object: &Value) -> Result<Option<DynamicObject>, OlmError> {
    let shown = format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "");
    let failed = |cause: kube::Error| refused(&shown, cause);
    let (group, version) =
        object["apiVersion"].as_str().map_or(("", ""), |text| text.split_once('/').unwrap_or(("", text)));
    let gvk = GroupVersionKind::gvk(group, version, object["kind"].as_str().unwrap_or_default());
    let (resource, capabilities) = match discovery::pinned_kind(client, &gvk).await {
        Ok(found) => found,
        // Without its definition there is no such kind.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
        Err(kube::Error::Discovery(_)) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let api: Api<DynamicObject> = match (capabilities.scope, object["metadata"]["namespace"].as_str()) {
        (discovery::Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
        (_, Some(namespace)) => Api::namespaced_with(client.clone(), namespace, &resource),
        (_, None) => Api::default_namespaced_with(client.clone(), &resource),
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let found = api.get_opt(name).await.map_err(failed)?;
    Ok(found.map(|mut found| {
        found
            .types
            .get_or_insert_with(|| kube::core::TypeMeta { api_version: gvk.api_version(), kind: gvk.kind.clone() });
        found
    }))
}

/// Objects of the manager in a namespace.
pub(super) fn api(client: &Client, namespace: &str, version: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(version, kind))
}

/// An object of the manager.
pub(super) fn object(version: &str, kind: &str, name: &str, spec: &Value) -> DynamicObject {
    DynamicObject::new(name, &resource(version, kind)).data(json!({"spec": spec}))
}

fn resource(version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("operators.coreos.com", version, kind))
}

pub(super) fn refused(object: &str, cause: kube::Error) -> OlmError {
    OlmError::Refused { object: object.into(), cause: Box::new(cause) }
}
