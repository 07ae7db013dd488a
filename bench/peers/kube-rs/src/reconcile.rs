//! Controllers: one that tells how late it is, one that patches, one that is a small operator.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::{Config, Controller, watcher};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Notify;

use crate::{Outcome, client, wait_for_line};

/// Tells how long after each ConfigMap was written its reconcile began.
pub async fn latency() -> Outcome {
    let seen = Arc::new(Mutex::new(Vec::<u64>::new()));
    let controller = Controller::new(Api::<ConfigMap>::all(client().await?), watcher::Config::default())
        .with_config(Config::default().concurrency(16));
    let store = controller.store();
    let reconcile = |object: Arc<ConfigMap>, seen: Arc<Mutex<Vec<u64>>>| async move {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        let written = object.data.as_ref().and_then(|data| data.get("written")?.parse::<u64>().ok());
        if let Some(written) = written {
            seen.lock().unwrap().push(now.saturating_sub(written));
        }
        Ok::<_, Infallible>(Action::await_change())
    };
    let run = controller.run(reconcile, |_, _, _| Action::await_change(), seen.clone());
    tokio::spawn(run.for_each(|_| async {}));
    // The controller waits for the same store, and only the task that waited last is woken: ask again.
    while tokio::time::timeout(Duration::from_millis(20), store.wait_until_ready()).await.is_err() {}
    println!("synced");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut seen = seen.lock().unwrap();
        match &*line {
            "begin" => seen.clear(),
            "report" => {
                seen.sort_unstable();
                let at = |part: usize| seen.get(seen.len() * part / 100).copied().unwrap_or(0);
                println!("latency {} {} {}", seen.len(), at(50), at(99));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes one merge patch to each of so many ConfigMaps.
pub async fn patch(objects: usize) -> Outcome {
    struct Context {
        client: kube::Client,
        patched: AtomicUsize,
        objects: usize,
        done: Notify,
    }
    let client = client().await?;
    let context = Arc::new(Context { client: client.clone(), patched: AtomicUsize::new(0), objects, done: Notify::new() });
    let reconcile = |object: Arc<ConfigMap>, context: Arc<Context>| async move {
        let wanted = object.labels().get("bench").is_some_and(|value| value == "patch");
        if !wanted || object.annotations().contains_key("bench/patched") {
            return Ok(Action::await_change());
        }
        let api = Api::<ConfigMap>::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
        let patch = Patch::Merge(json!({"metadata": {"annotations": {"bench/patched": "true"}}}));
        api.patch(&object.name_any(), &PatchParams::default(), &patch).await?;
        if context.patched.fetch_add(1, Ordering::Relaxed) + 1 == context.objects {
            context.done.notify_one();
        }
        Ok::<_, kube::Error>(Action::await_change())
    };
    let controller = Controller::new(Api::<ConfigMap>::all(client), watcher::Config::default())
        .with_config(Config::default().concurrency(16));
    let run = controller.run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(5)), context.clone());
    tokio::spawn(run.for_each(|_| async {}));
    context.done.notified().await;
    println!("patched");
    wait_for_line().await;
    Ok(())
}

/// Keeps an Ingress for each Service that is annotated with ingress/http=true.
pub async fn operator() -> Outcome {
    let client = client().await?;
    let reconcile = |service: Arc<Service>, client: Arc<kube::Client>| async move {
        if service.annotations().get("ingress/http").is_none_or(|value| value != "true") {
            return Ok(Action::await_change());
        }
        let api = Api::<Ingress>::namespaced((*client).clone(), &service.namespace().unwrap_or_default());
        if api.get_opt(&service.name_any()).await?.is_none() {
            let port = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()).next().map(|port| port.port);
            let backend = json!({"service": {"name": service.name_any(), "port": {"number": port}}});
            let ingress = serde_json::from_value(json!({
                "metadata": {"name": service.name_any(), "ownerReferences": [service.controller_owner_ref(&())]},
                "spec": {"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
            }));
            api.create(&PostParams::default(), &ingress.map_err(kube::Error::SerdeError)?).await?;
        }
        Ok::<_, kube::Error>(Action::await_change())
    };
    let run = Controller::new(Api::<Service>::all(client.clone()), watcher::Config::default())
        .owns(Api::<Ingress>::all(client.clone()), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), Arc::new(client));
    tokio::select! {
        () = run.for_each(|_| async {}) => {}
        () = wait_for_line() => {}
    }
    Ok(())
}
