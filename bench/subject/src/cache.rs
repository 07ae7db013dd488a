//! All Pods in a cache: as they are, or only what a view of them has.

use kubewright::cache::{CacheOptions, Caches, Keep, Scope, View};
use kubewright::k8s_openapi::api::core::v1::Pod;
use kubewright::kube::api::ApiResource;
use serde::{Deserialize, Serialize};

use crate::{Outcome, client, wait_for_line};

#[derive(Serialize, Deserialize)]
struct PodView {
    spec: SpecView,
    status: StatusView,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecView {
    #[serde(skip_serializing_if = "Option::is_none")]
    node_name: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StatusView {
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
}

pub(crate) async fn run(form: &str) -> Outcome {
    let keep = match form {
        // managedFields are never kept.
        "full" | "stripped" => Keep::Whole,
        "metadata" => Keep::Metadata,
        "view" => Keep::View(View::of::<PodView>()),
        other => return Err(format!("no such form: {other}").into()),
    };
    let caches = Caches::new(client().await?, CacheOptions::default());
    let pods = caches.informer(&ApiResource::erase::<Pod>(&()), Scope::default(), keep)?;
    if !pods.wait_synced().await {
        return Err("the cache did not sync".into());
    }
    println!("synced");
    wait_for_line().await;
    let stats = pods.stats();
    eprintln!("{} objects, {} bytes, {:?}", stats.objects, stats.bytes, pods.health());
    Ok(())
}
