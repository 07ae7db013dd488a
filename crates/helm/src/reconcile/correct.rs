//! The objects of a release: what was changed behind helm's back is put right, what outlives its release is deleted.

use std::time::Duration;

use kubewright::discovery::ServedResource;
use kubewright::kube::api::{DeleteParams, DynamicObject, PostParams, Preconditions};
use kubewright::prelude::*;
use kubewright::runtime::Stored;
use serde_json::Value;

use super::{Failed, Run, irreconcilable};
use crate::drift;
use crate::marks::{is_kept, mark};
use crate::program::Helm;
use crate::release::{self, Release};

impl<H: Helm> Run<'_, H> {
    /// Puts right what was changed behind helm's back.
    pub(super) async fn correct(&mut self, release: &Release) -> Result<Result<(), Failed>, Error> {
        let mut objects = Vec::new();
        for object in &release.objects {
            match self.find(object).await {
                Ok(Some((resource, namespace, name))) => {
                    let mut wanted = drift::without_nulls(object);
                    if resource.subresources.iter().any(|part| part == "status") {
                        wanted.as_object_mut().map(|members| members.remove("status"));
                    }
                    if let Some(members) = wanted.as_object_mut() {
                        mark(&self.owner, members, namespace.as_deref(), &release.chart);
                    }
                    objects.push((resource, ObjectRef::new(namespace.as_deref(), &name), wanted));
                }
                Ok(None) => {}
                Err(message) => return Ok(Err(irreconcilable(message))),
            }
        }
        // All are asked for before the first is waited for, so that watches of new kinds begin together.
        let mut cached = Vec::new();
        for (resource, key, _) in &objects {
            let homes = &self.releases.namespaces;
            // Who is told to keep to some namespaces may have no right to watch elsewhere.
            let home = homes.is_empty()
                || key.namespace.as_ref().is_some_and(|namespace| homes.iter().any(|home| **home == **namespace));
            let watched =
                self.releases.watch_dependents && home && resource.supports("watch") && resource.supports("list");
            let resource = resource.api_resource();
            cached.push(if watched { self.ctx.read(&resource).get(key) } else { Ok(None) });
        }
        let cached: Vec<Option<Stored>> = cached.into_iter().collect::<Result<_, _>>()?;
        for ((resource, key, wanted), cached) in objects.iter().zip(&cached) {
            let place = format!("{} {}/{key}", resource.kind, resource.api_version());
            if let Err(message) = self.correct_one(resource, key, wanted, cached.as_ref(), &place).await {
                return Ok(Err(irreconcilable(format!("{place}: {message}"))));
            }
        }
        Ok(Ok(()))
    }

    async fn correct_one(
        &mut self,
        resource: &ServedResource,
        key: &ObjectRef,
        wanted: &Value,
        cached: Option<&Stored>,
        place: &str,
    ) -> Result<(), String> {
        let settled = self.known.settled.get(place);
        if let Some(cached) = cached {
            let version = cached.resource_version();
            if settled.is_some_and(|settled| settled == version) {
                return Ok(());
            }
            if drift::repair(&cached.tree(), wanted).is_none() {
                self.known.settled.insert(place.into(), version.to_string());
                return Ok(());
            }
        }
        // The cache may be behind what helm has just done.
        let api = self.api(resource, key.namespace.as_deref());
        let text = |error: kubewright::kube::Error| error.to_string();
        let Some(live) = api.get_opt(&key.name).await.map_err(text)? else {
            let object: DynamicObject = serde_json::from_value(wanted.clone()).map_err(|error| error.to_string())?;
            let made = api.create(&PostParams::default(), &object).await.map_err(text)?;
            self.known.settled.insert(place.into(), made.resource_version().unwrap_or_default());
            self.ctx.normal("Restored", format!("{place} was gone, and has been created again"));
            return Ok(());
        };
        let version = live.resource_version().unwrap_or_default();
        if live.metadata.deletion_timestamp.is_some() || settled == Some(&version) {
            return Ok(());
        }
        let tree = serde_json::to_value(&live).map_err(|error| error.to_string())?;
        let Some(repair) = drift::repair(&tree, wanted) else {
            self.known.settled.insert(place.into(), version);
            return Ok(());
        };
        let (params, patch) = repair.patch();
        let after = api.patch(&key.name, &params, &patch).await.map_err(text)?;
        let now = after.resource_version().unwrap_or_default();
        if now != version {
            tracing::info!(object = place, "was changed behind helm's back, and put right");
            self.ctx.normal("Corrected", format!("{place} was changed, and is again what the release says"));
        }
        self.known.settled.insert(place.into(), now);
        Ok(())
    }

    /// Where an object of the release is: its resource, namespace and name. `None`: it is no object.
    async fn find(&self, object: &Value) -> Result<Option<(ServedResource, Option<String>, String)>, String> {
        let (Some(version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str()) else {
            return Ok(None);
        };
        let Some(name) = object["metadata"]["name"].as_str() else { return Ok(None) };
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let found = self.releases.discovery.of_kind(group, kind, Some(version)).await;
        let resource = found.map_err(|error| error.to_string())?;
        let own = object["metadata"]["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        let namespace = resource.namespaced.then(|| own.unwrap_or(&self.owner.namespace).to_string());
        Ok(Some((resource, namespace, name.to_string())))
    }

    fn api(&self, resource: &ServedResource, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = self.ctx.client().clone();
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource.api_resource()),
            None => Api::all_with(client, &resource.api_resource()),
        }
    }

    /// Whether the objects of a manifest are gone; what is left is deleted again.
    pub(super) async fn removed(&mut self, manifest: &str) -> Result<Outcome, Error> {
        let mut left = 0;
        for object in release::objects(manifest).map_err(Error::terminal)? {
            if object.as_object().is_some_and(is_kept) {
                continue;
            }
            let Some((resource, namespace, name)) = self.find(&object).await.map_err(Error::temporary)? else {
                continue;
            };
            let api = self.api(&resource, namespace.as_deref());
            let Some(live) = api.get_opt(&name).await? else { continue };
            left += 1;
            if live.metadata.deletion_timestamp.is_none() {
                let params = DeleteParams { preconditions: Some(of(&live)), ..DeleteParams::background() };
                match api.delete(&name, &params).await {
                    Ok(_) => {}
                    Err(kubewright::kube::Error::Api(answer)) if answer.is_not_found() || answer.is_conflict() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if left == 0 {
            return Ok(Outcome::Settled);
        }
        // What is waited for need not be watched; it takes seconds, as pods have time to end.
        Ok(Outcome::After(self.releases.period.min(Duration::from_secs(1))))
    }
}

fn of(object: &DynamicObject) -> Preconditions {
    Preconditions { uid: object.metadata.uid.clone(), resource_version: None }
}
