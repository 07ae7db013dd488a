//! The revisions of a release: what helm has stored, and what of it is in the way.

use std::sync::Arc;

use kubewright::k8s_openapi::api::core::v1::Secret;
use kubewright::kube::api::{ApiResource, DeleteParams, Preconditions};
use kubewright::kube::core::{Expression, Selector};
use kubewright::prelude::*;

use super::{Failed, Run, irreconcilable};
use crate::program::Helm;
use crate::release::{self, Release, Revision};

impl<H: Helm> Run<'_, H> {
    /// Looks what helm has stored, on the server if the cache has something new. Everything but what is deployed is left to
    /// [`Self::clear`].
    pub(super) async fn look(&mut self, anew: bool) -> Result<(), Failed> {
        let (namespace, name) = (self.owner.namespace.clone(), self.owner.name.clone());
        let secrets = ApiResource::erase::<Secret>(&());
        let selector: Selector =
            [Expression::Equal("owner".into(), "helm".into()), Expression::Equal("name".into(), name.clone())]
                .into_iter()
                .collect();
        let cached = self.ctx.read(&secrets).select(Some(&namespace), &selector).map_err(irreconcilable_error)?;
        let mut cached: Vec<Revision> = cached.iter().filter_map(Revision::of).collect();
        cached.sort();
        if !anew && !self.known.history.is_empty() && cached == self.known.history {
            return Ok(());
        }
        let failed = |error| irreconcilable(format!("failed to retrieve release history: {error}"));
        let history = release::history(self.ctx.client(), &namespace, &name).await.map_err(failed)?;
        let deployed = history.iter().rev().find(|revision| revision.is_deployed());
        let same = |revision: &Revision| {
            self.known.history.iter().any(|known| {
                known.is_deployed()
                    && known.secret == revision.secret
                    && known.resource_version == revision.resource_version
            })
        };
        match deployed {
            None => self.known.release = None,
            Some(revision) if self.known.release.is_some() && same(revision) => {}
            Some(revision) => {
                let release = self.load(&revision.secret.clone()).await?;
                self.known.release = Some(Arc::new(release));
                self.known.checked = None;
                self.known.settled.clear();
            }
        }
        self.known.history = history;
        Ok(())
    }

    pub(super) async fn load(&self, secret: &str) -> Result<Release, Failed> {
        let api = Api::<Secret>::namespaced(self.ctx.client().clone(), &self.owner.namespace);
        let secret = api
            .get(secret)
            .await
            .map_err(|error| irreconcilable(format!("failed to get deployed release: {error}")))?;
        Release::of(&secret).map_err(irreconcilable)
    }

    /// Deletes the revisions that are not what is deployed: what is left of failed attempts would be in helm's way.
    pub(super) async fn clear(&mut self) -> Result<(), Failed> {
        if self.known.release.is_none() && !self.known.history.is_empty() && !self.is_ours() {
            // Somebody installs a release of this name just now, or has failed to.
            return Err(irreconcilable(format!(
                "there is a release {} that this operator has not begun: rename the custom resource, or uninstall that release",
                self.owner.name
            )));
        }
        let api = Api::<Secret>::namespaced(self.ctx.client().clone(), &self.owner.namespace);
        let deployed = self.known.history.iter().rev().find(|revision| revision.is_deployed()).cloned();
        for revision in self.known.history.iter().filter(|revision| Some(*revision) != deployed.as_ref()) {
            let params = DeleteParams {
                preconditions: Some(Preconditions {
                    resource_version: Some(revision.resource_version.clone()),
                    uid: None,
                }),
                ..DeleteParams::default()
            };
            match api.delete(&revision.secret, &params).await {
                Ok(_) => {}
                Err(kubewright::kube::Error::Api(answer)) if answer.is_not_found() => {}
                Err(error) => return Err(irreconcilable(format!("failed to delete stale release version: {error}"))),
            }
        }
        self.known.history = deployed.into_iter().collect();
        Ok(())
    }

    /// Whether the release was made for this custom resource, whatever its chart was called then.
    pub(super) fn is_ours(&self) -> bool {
        self.known.history.iter().any(|revision| revision.owners.contains(&self.owner.uid))
    }
}

fn irreconcilable_error(error: Error) -> Failed {
    irreconcilable(error.cause())
}
