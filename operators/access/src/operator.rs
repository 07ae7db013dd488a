//! The operator: its controllers and its webhook.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role as RoleObject, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, PostParams};
use kube::core::CustomResourceExt;
use kubewright::OptionsError;
use kubewright::patterns::request::controller;
use kubewright::prelude::*;
use kubewright::runtime::{Rights, rights};
use serde_json::Value;

use crate::binding::MANAGED_BY;
use crate::deletion::Deletions;
use crate::operation::Operations;
use crate::options::Options;
use crate::seal::Seals;
use crate::{Deleterequest, Operationrequest, User, user, webhook};

/// How long after a failure the namespace is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The custom resources that the operator is about.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![User::crd(), Operationrequest::crd(), Deleterequest::crd()]
}

/// Adds the operator to a manager: the controllers, and the webhook without which no request is carried out.
///
/// # Errors
/// An option that can't be used.
pub fn add_to(manager: Manager, options: &Options) -> Result<Manager, OptionsError> {
    let seals = Arc::new(Seals::new(options.namespace.clone()));
    let manager = add_controllers(manager, options, seals.clone())?;
    let client = manager.client().clone();
    Ok(webhook::webhooks(client, &options.namespace, seals, options.webhook.clone()).add_to(manager))
}

/// The webhook configurations, for manifests; without `caBundle`, which the operator keeps right.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn webhook_configurations(options: &Options) -> Vec<Value> {
    let client = rights::unconnected();
    let seals = Arc::new(Seals::new(options.namespace.clone()));
    webhook::webhooks(client.clone(), &options.namespace, seals, options.webhook.clone()).configurations(&client)
}

/// Adds the controllers alone, for a process that others make requests for: those that its webhooks, elsewhere, have sealed
/// with the key in [`KEY_SECRET`](crate::KEY_SECRET).
///
/// # Errors
/// An option that can't be used.
pub fn add_controllers_to(manager: Manager, options: &Options) -> Result<Manager, OptionsError> {
    add_controllers(manager, options, Arc::new(Seals::new(options.namespace.clone())))
}

fn add_controllers(manager: Manager, options: &Options, seals: Arc<Seals>) -> Result<Manager, OptionsError> {
    options.check()?;
    let system = options.namespace.clone();
    let seal = Rights::on::<Secret>(["get", "create"]).within(&system);
    let ask = Rights::on::<SubjectAccessReview>(["create"]);
    let roles = Rights::on::<RoleObject>(["get", "bind"]);
    let bindings = Rights::on::<RoleBinding>(["get", "create", "patch", "delete"]);
    let users = Rights::on_kind(&ApiResource::erase::<User>(&()), ["update"]).of_subresource("finalizers");
    let operations = Operations { namespace: system.clone(), seals: seals.clone() };
    let operations =
        controller("access-operations", Watch::all().namespace(&system), operations, options.requests.clone())
            .reads(Watch::<User>::all())
            .may(seal.clone())
            .may(ask.clone())
            .may(roles)
            .may(bindings)
            .may(users)
            .may(Rights::on::<User>(["get"]))
            .may(Rights::on::<Operationrequest>(["delete"]).within(&system));
    let deletions = Deletions { namespace: system.clone(), seals };
    let deletions =
        controller("access-deletions", Watch::all().namespace(&system), deletions, options.requests.clone())
            .reads(Watch::<User>::all())
            .may(seal)
            .may(ask)
            .may(Rights::on::<User>(["get", "delete"]))
            .may(Rights::on::<Deleterequest>(["delete"]).within(&system))
            .may(Rights::on::<Namespace>(["list", "delete"]))
            .may(Rights::on::<RoleBinding>(["list", "delete"]))
            .may(Rights::on::<ServiceAccount>(["list", "delete"]).within(&system))
            .may(Rights::on::<Secret>(["list", "delete"]).within(&system))
            .may(Rights::on::<RoleObject>(["list", "delete"]).within(&system));
    let namespace = system.clone();
    Ok(manager
        .controller(user::controller(options))
        .controller(operations)
        .controller(deletions)
        .may(Rights::on::<Namespace>(["get", "create"]))
        .task("access-namespace", move |context| async move {
            while !context.stop.is_cancelled() {
                match make_namespace(&context.client, &namespace).await {
                    Ok(()) => break,
                    Err(error) => tracing::warn!(%error, namespace, "the operator's namespace is not there yet"),
                }
                _ = tokio::time::timeout(RETRY, context.stop.cancelled()).await;
            }
            Ok(())
        }))
}

/// Makes the operator's namespace if it is not there.
async fn make_namespace(client: &Client, name: &str) -> Result<(), kube::Error> {
    let namespaces = Api::<Namespace>::all(client.clone());
    if namespaces.get_opt(name).await?.is_some() {
        return Ok(());
    }
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.into());
    namespace.metadata.labels = Some([(MANAGED_BY.0.into(), MANAGED_BY.1.into())].into());
    match namespaces.create(&PostParams::default(), &namespace).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        created => created.map(drop),
    }
}
