//! `kubewright status`: what of the project is in a cluster, and how it is.

use std::collections::BTreeMap;

use kubewright::k8s_openapi::api::apps::v1::Deployment;
use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, ApiResource, DynamicObject};
use kubewright::kube::core::GroupVersionKind;
use kubewright::kube::{self, Client};
use kubewright_project::Project;
use serde::Serialize;
use serde_json::Value;

use super::ToolchainError;
use super::args::StatusArgs;
use super::deploy::{DeployError, client};
use super::project::open;
use crate::args::Output;

/// What of a project is in a cluster.
#[derive(Debug, Serialize)]
struct Status {
    project: String,
    /// Whether all of it is there and works.
    ready: bool,
    objects: Vec<Object>,
}

/// One of its objects.
#[derive(Debug, Serialize)]
struct Object {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    installed: bool,
    ready: bool,
    /// For people.
    message: String,
}

/// Runs the command. It tells what is there now: nothing is built, and nothing waited for.
pub(super) async fn status(args: &StatusArgs) -> Result<(), ToolchainError> {
    let (_, project) = open()?;
    let client = client(&args.cluster).await?;
    let mut objects = definitions(&client, &project).await?;
    objects.push(deployment(&client, &project, args.namespace.as_deref()).await?);
    objects.extend(webhooks(&client, &project).await?);
    let status = Status { project: project.project_name, ready: objects.iter().all(|object| object.ready), objects };
    match args.output {
        Output::Json => match serde_json::to_string_pretty(&status) {
            Ok(text) => println!("{text}"),
            Err(error) => return Err(ToolchainError::Io { what: "the status".into(), cause: error.into() }),
        },
        Output::Text => {
            let shown = |object: &Object| match &object.namespace {
                Some(namespace) => format!("{}/{} in {namespace}", object.kind.to_lowercase(), object.name),
                None => format!("{}/{}", object.kind.to_lowercase(), object.name),
            };
            let width = status.objects.iter().map(|object| shown(object).len()).max().unwrap_or_default();
            for object in &status.objects {
                println!("{:width$}  {}", shown(object), object.message);
            }
        }
    }
    Ok(())
}

async fn definitions(client: &Client, project: &Project) -> Result<Vec<Object>, DeployError> {
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for entry in project.resources.iter().filter(|entry| entry.api.is_some()) {
        let name = format!("{}.{}", entry.plural, entry.api_group(&project.domain));
        wanted.entry(name).or_default().push(&entry.version);
    }
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let mut objects = Vec::new();
    for (name, versions) in wanted {
        let kind = "CustomResourceDefinition";
        let live = api.get_opt(&name).await.map_err(|cause| refused(kind, &name, cause))?;
        let (installed, ready, message) = match &live {
            None => (false, false, "not installed: kubewright install".into()),
            Some(crd) => {
                let (ready, message) = definition(crd, &versions);
                (true, ready, message)
            }
        };
        objects.push(Object { kind, namespace: None, name, installed, ready, message });
    }
    Ok(objects)
}

/// Whether a definition serves the versions of the project, and what to say of it.
fn definition(crd: &CustomResourceDefinition, versions: &[&str]) -> (bool, String) {
    let live = &crd.spec.versions;
    let missing: Vec<&str> = versions
        .iter()
        .copied()
        .filter(|version| !live.iter().any(|live| live.name == **version && live.served))
        .collect();
    let conditions = crd.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut faults: Vec<String> = conditions
        .filter(|condition| ["Established", "NamesAccepted"].contains(&condition.type_.as_str()))
        .filter(|condition| condition.status != "True")
        .map(|condition| condition.message.clone().unwrap_or_else(|| format!("{} is not True", condition.type_)))
        .collect();
    if !missing.is_empty() {
        faults.push(format!("{} missing: kubewright install", missing.join(", ")));
    }
    let shown: Vec<String> = live
        .iter()
        .map(|version| if version.storage { format!("{} (stored)", version.name) } else { version.name.clone() })
        .collect();
    let mut message = format!("installed: {}", shown.join(", "));
    let old: Vec<&String> = crd
        .status
        .iter()
        .flat_map(|status| status.stored_versions.iter().flatten())
        .filter(|stored| !live.iter().any(|version| version.storage && version.name == **stored))
        .collect();
    if !old.is_empty() {
        let old: Vec<&str> = old.iter().map(|version| version.as_str()).collect();
        message += &format!("; there may be objects stored as {}", old.join(", "));
    }
    for fault in &faults {
        message += &format!("; {fault}");
    }
    (faults.is_empty(), message)
}

async fn deployment(client: &Client, project: &Project, namespace: Option<&str>) -> Result<Object, DeployError> {
    let kind = "Deployment";
    let name = format!("{}-controller-manager", project.project_name);
    let namespace = namespace.map_or_else(|| format!("{}-system", project.project_name), String::from);
    let api = Api::<Deployment>::namespaced(client.clone(), &namespace);
    let live = api.get_opt(&name).await.map_err(|cause| refused(kind, &name, cause))?;
    let (ready, message) = live.as_ref().map_or_else(|| (false, "not deployed: kubewright deploy".into()), rollout);
    Ok(Object { kind, namespace: Some(namespace), name, installed: live.is_some(), ready, message })
}

/// How far a Deployment is, and what to say of it.
fn rollout(deployment: &Deployment) -> (bool, String) {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let seen = status.observed_generation >= deployment.metadata.generation;
    let ready = status.available_replicas.unwrap_or(0).min(status.updated_replicas.unwrap_or(0));
    let containers = deployment.spec.iter().flat_map(|spec| spec.template.spec.iter()).flat_map(|pod| &pod.containers);
    let image = containers.filter_map(|container| container.image.as_deref()).next().unwrap_or_default();
    let mut message = format!("{ready} of {wanted} replicas ready, {image}");
    if !seen {
        message += "; its newest specification was not looked at yet";
    }
    for condition in status.conditions.iter().flatten().filter(|condition| condition.type_ != "ReplicaFailure") {
        if let (true, Some(why)) = (condition.status == "False", &condition.message) {
            message += &format!("; {why}");
        }
    }
    for failure in status.conditions.iter().flatten().filter(|condition| condition.type_ == "ReplicaFailure") {
        if let (true, Some(why)) = (failure.status == "True", &failure.message) {
            message += &format!("; {why}");
        }
    }
    (seen && ready >= wanted, message)
}

async fn webhooks(client: &Client, project: &Project) -> Result<Vec<Object>, DeployError> {
    let of = |which: fn(&kubewright_project::WebhookEntry) -> bool| {
        project.resources.iter().filter_map(|entry| entry.webhooks.as_ref()).any(which)
    };
    let wanted = [
        ("MutatingWebhookConfiguration", of(|webhooks| webhooks.defaulting)),
        ("ValidatingWebhookConfiguration", of(|webhooks| webhooks.validation)),
    ];
    let name = &project.project_name;
    let mut objects = Vec::new();
    for (kind, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind));
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
        let live = api.get_opt(name).await.map_err(|cause| refused(kind, name, cause))?;
        let entries = live.as_ref().and_then(|live| live.data["webhooks"].as_array());
        let trusted =
            |webhook: &Value| webhook["clientConfig"]["caBundle"].as_str().is_some_and(|bundle| !bundle.is_empty());
        let untrusted = entries.into_iter().flatten().filter(|webhook| !trusted(webhook)).count();
        let message = match (&live, untrusted) {
            (None, _) => "not installed: kubewright deploy, or kubewright run".into(),
            (Some(_), 0) => format!("in place: {} webhooks", entries.map_or(0, Vec::len)),
            (Some(_), count) => {
                format!("{count} without a certificate authority: the operator puts it there when it runs")
            }
        };
        let (installed, ready) = (live.is_some(), live.is_some() && untrusted == 0);
        objects.push(Object { kind, namespace: None, name: name.clone(), installed, ready, message });
    }
    Ok(objects)
}

fn refused(kind: &str, name: &str, cause: kube::Error) -> DeployError {
    DeployError::Refused { object: format!("{}/{name}", kind.to_lowercase()), cause: Box::new(cause) }
}
