//! `kubewright cleanup`: an operator that the Operator Lifecycle Manager has installed, away from a cluster.

use std::collections::BTreeSet;

use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, DeleteParams, DynamicObject, ListParams};
use kubewright::kube::{self, Client, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::ToolchainError;
use super::bundle_args::CleanupArgs;
use super::deploy::client;
use super::olm::{LOOK, OlmError, api, refused};

/// The OperatorGroup that is made for bundles that are run; it has the name that operator-sdk gives it.
pub(super) const GROUP: &str = "operator-sdk-og";

/// Runs the command.
pub(super) async fn cleanup(args: &CleanupArgs) -> Result<(), ToolchainError> {
    let client = client(&args.cluster).await.map_err(OlmError::from)?;
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_string());
    let deadline = Instant::now() + args.timeout;
    let cleaner = Cleaner { client, namespace, deadline, args };
    Ok(cleaner.run().await?)
}

struct Cleaner<'a> {
    client: Client,
    namespace: String,
    deadline: Instant,
    args: &'a CleanupArgs,
}

impl Cleaner<'_> {
    /// The Subscription goes first, so that nothing is installed anew; then the definitions, while the operator still runs
    /// and can finish with its objects; then the operator, and what it came from.
    async fn run(&self) -> Result<(), OlmError> {
        let package = &self.args.package;
        let subscriptions = self.api("v1alpha1", "Subscription");
        let all = match subscriptions.list(&ListParams::default()).await {
            Ok(all) => all.items,
            Err(kube::Error::Api(status)) if status.code == 404 => return Err(OlmError::None),
            Err(error) => return Err(refused("subscriptions", error)),
        };
        let subscription = all.iter().find(|one| one.data["spec"]["name"] == **package);
        let usual = format!("{package}-catalog");
        let mut catalog = usual.clone();
        let mut found = false;
        if let Some(subscription) = subscription {
            found = true;
            let text =
                |pointer: &str| subscription.data.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
            catalog = text("/spec/source").to_string();
            let installed = [text("/status/installedCSV"), text("/status/currentCSV")];
            let version = installed.into_iter().find(|name| !name.is_empty());
            self.delete(&subscriptions, "subscription", &subscription.name_any()).await?;
            if let Some(version) = version {
                self.operator(version).await?;
            }
        }
        if catalog == usual {
            found |= self.delete(&self.api("v1alpha1", "CatalogSource"), "catalogsource", &catalog).await?;
        } else {
            println!("left catalogsource/{catalog}: other operators may be out of it");
        }
        let others =
            subscriptions.list(&ListParams::default()).await.map_err(|error| refused("subscriptions", error))?;
        if (self.args.delete_all || self.args.delete_operator_groups) && others.items.is_empty() {
            self.delete(&self.api("v1", "OperatorGroup"), "operatorgroup", GROUP).await?;
        }
        if !found {
            println!("package {package} is not in namespace {}: there is nothing to clean up", self.namespace);
        }
        Ok(())
    }

    /// Removes the definitions that a ClusterServiceVersion owns, if that is wanted, and itself.
    async fn operator(&self, version: &str) -> Result<(), OlmError> {
        let versions = self.api("v1alpha1", "ClusterServiceVersion");
        let shown = format!("clusterserviceversion/{version}");
        let Some(csv) = versions.get_opt(version).await.map_err(|error| refused(&shown, error))? else { return Ok(()) };
        let owned = csv.data["spec"]["customresourcedefinitions"]["owned"].as_array().into_iter().flatten();
        let owned: BTreeSet<&str> = owned.filter_map(|owned| owned["name"].as_str()).collect();
        let definitions = Api::<CustomResourceDefinition>::all(self.client.clone());
        for name in owned {
            match self.args.delete_all || self.args.delete_crds {
                true => drop(self.delete(&definitions, "customresourcedefinition", name).await?),
                false => {
                    println!("left customresourcedefinition/{name}: --delete-crds removes it, and all its objects")
                }
            }
        }
        self.delete(&versions, "clusterserviceversion", version).await?;
        Ok(())
    }

    fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        api(&self.client, &self.namespace, version, kind)
    }

    /// Deletes an object and waits until it is gone; tells whether it was there.
    async fn delete<K>(&self, api: &Api<K>, kind: &str, name: &str) -> Result<bool, OlmError>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        let shown = format!("{kind}/{name}");
        match api.delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
            Err(error) => return Err(refused(&shown, error)),
        }
        while api.get_opt(name).await.map_err(|error| refused(&shown, error))?.is_some() {
            if Instant::now() >= self.deadline {
                return Err(OlmError::Late { what: format!("{shown} is still there"), waited: self.args.timeout });
            }
            tokio::time::sleep(LOOK).await;
        }
        println!("deleted {shown}");
        Ok(true)
    }
}
