//! All Pods in a reflector: as they are, without managedFields, or only their metadata.

use std::fmt::Debug;
use std::hash::Hash;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::{self, Lookup, reflector};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};

use crate::{Outcome, client, wait_for_line};

pub async fn run(form: &str) -> Outcome {
    let pods: Api<Pod> = Api::all(client().await?);
    let config = watcher::Config::default();
    match form {
        "full" => hold(watcher(pods, config)).await,
        "stripped" => hold(watcher(pods, config).modify(|pod| pod.metadata.managed_fields = None)).await,
        "metadata" => {
            let pods: Api<PartialObjectMeta<Pod>> = Api::all(pods.into_client());
            hold(watcher(pods, config).modify(|pod| pod.meta_mut().managed_fields = None)).await
        }
        other => Err(format!("no such form: {other}").into()),
    }
}

async fn hold<K>(events: impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static) -> Outcome
where
    K: Lookup + Clone + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
{
    let (store, writer) = reflector::store();
    let events = reflector(writer, events.default_backoff());
    tokio::spawn(async move {
        futures::pin_mut!(events);
        while events.next().await.is_some() {}
    });
    store.wait_until_ready().await?;
    println!("synced");
    wait_for_line().await;
    Ok(())
}
