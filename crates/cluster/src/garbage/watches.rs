//! Follows the metadata of every kind that can be deleted, also of kinds that are installed later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::ApiResource;
use kubewright_cache::{Keep, Scope};
use kubewright_runtime::{Delta, Error, Followed, TaskContext, Trigger};
use tokio::task::{AbortHandle, JoinSet};

use super::Uid;
use super::collector::Collector;
use crate::kinds::{ServedKind, served_kinds};

/// How soon the kinds are asked for again after a change of a definition, which can be heard of before its kind is served.
const AGAIN: Duration = Duration::from_millis(100);
/// How long that wait becomes while nothing changes: the pace of the real collector.
const PACE: Duration = Duration::from_secs(30);

/// Who is told.
#[derive(Clone)]
pub(super) struct Wake {
    /// The collector, of objects to look at.
    pub(super) uids: Trigger<Uid>,
    /// The controller of quotas, of namespaces in which an object is gone.
    pub(super) gone: Trigger<String>,
}

/// Feeds the collector until the manager stops.
pub(super) async fn follow(context: TaskContext, collector: Arc<Collector>, wake: Wake) -> Result<(), Error> {
    let definitions = ApiResource::erase::<CustomResourceDefinition>(&());
    context.set_busy(true);
    let mut changes = context.follow(&definitions, Scope::default(), Keep::Metadata)?;
    let mut watched: BTreeMap<(String, String), AbortHandle> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    changes.informer().wait_synced().await;
    let mut wait = AGAIN;
    loop {
        let kinds = collectable(served_kinds(&context.client).await?);
        watched.retain(|key, task| {
            let served = kinds.iter().any(|kind| key_of(&kind.resource) == *key);
            if !served {
                task.abort();
            }
            served
        });
        for kind in kinds {
            collector.learn_kind(&kind.resource, kind.namespaced);
            let key = key_of(&kind.resource);
            if watched.contains_key(&key) {
                continue;
            }
            let changes = context.follow(&kind.resource, Scope::default(), Keep::Metadata)?;
            watched.insert(key, tasks.spawn(feed(kind.resource, changes, collector.clone(), wake.clone())));
        }
        context.set_busy(false);
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            change = changes.next() => match change {
                Some(_) => wait = AGAIN,
                None => return Ok(()),
            },
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(PACE),
        }
    }
}

/// Events are the most frequent objects and never own or are owned; the real collector leaves them out as well.
fn collectable(mut kinds: Vec<ServedKind>) -> Vec<ServedKind> {
    kinds.retain(|kind| kind.can(&["list", "watch", "delete"]) && kind.resource.kind != "Event");
    kinds
}

fn key_of(resource: &ApiResource) -> (String, String) {
    (resource.api_version.clone(), resource.plural.clone())
}

async fn feed(resource: ApiResource, mut changes: Followed, collector: Arc<Collector>, wake: Wake) {
    while let Some(Delta { old, new, .. }) = changes.next().await {
        let replaced = old.as_ref().filter(|old| new.as_ref().is_none_or(|new| new.uid() != old.uid()));
        let mut affected = replaced.map(|old| collector.forget(old.uid())).unwrap_or_default();
        if let Some(new) = &new {
            match new.metadata() {
                Ok(meta) => affected.extend(collector.observe(&resource, &meta)),
                Err(error) => {
                    tracing::error!(kind = resource.kind, object = %new.reference(), %error, "left out of garbage collection")
                }
            }
        }
        if let (Some(old), None) = (&old, &new)
            && let Some(namespace) = &old.reference().namespace
        {
            wake.gone.wake(namespace.to_string());
        }
        affected.into_iter().for_each(|uid| wake.uids.wake(Uid(uid)));
    }
}
