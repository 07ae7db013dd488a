//! Controllers: one that tells how late it is, one that patches, and the ingress operator.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::io::AsyncBufReadExt as _;
use kubewright::k8s_openapi::api::core::v1::ConfigMap;
use kubewright::kube::api::{Patch, PatchParams};
use kubewright::prelude::*;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Notify;

use crate::{Outcome as TaskOutcome, client, wait_for_line};

type Seen = Arc<Mutex<Vec<u64>>>;

struct Latency {
    seen: Seen,
}

impl Reconciler for Latency {
    type Object = ConfigMap;

    async fn reconcile(&self, object: Arc<ConfigMap>, _: &Context) -> Result<Outcome, Error> {
        let now = now();
        let written = object.data.as_ref().and_then(|data| data.get("written")?.parse::<u64>().ok());
        if let Some(written) = written {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(now.saturating_sub(written));
        }
        Ok(Outcome::Settled)
    }
}

fn options() -> ControllerOptions {
    ControllerOptions { concurrency: 16, ..ControllerOptions::default() }
}

/// Tells how long after each ConfigMap was written its reconcile began.
pub(crate) async fn latency() -> TaskOutcome {
    let seen = Seen::default();
    let controller = Controller::new("latency", Watch::all(), Latency { seen: seen.clone() }).options(options());
    let manager = Manager::new(client().await?, ManagerOptions::default()).controller(controller);
    let handle = manager.handle();
    tokio::spawn(manager.run_until_signal());
    while handle.ready().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    println!("synced");
    tell(&seen).await
}

/// Tells how long after each ConfigMap was written its event was here: what no runtime can be faster than.
pub(crate) async fn arrival() -> TaskOutcome {
    let seen = Seen::default();
    let request = http::Request::get("/api/v1/configmaps?watch=true").body(Vec::new())?;
    let mut events = client().await?.request_stream(request).await?.lines();
    println!("synced");
    let all = seen.clone();
    tokio::spawn(async move {
        while let Some(Ok(event)) = events.next().await {
            let now = now();
            if let Some(written) = written(event.as_bytes()) {
                all.lock().unwrap_or_else(PoisonError::into_inner).push(now.saturating_sub(written));
            }
        }
    });
    tell(&seen).await
}

/// Answers what it is asked, until the pipe closes.
async fn tell(seen: &Seen) -> TaskOutcome {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
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

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// When the ConfigMap of an event was written, without reading the rest of it.
fn written(event: &[u8]) -> Option<u64> {
    let key = b"\"written\":\"";
    let from = event.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = event[from..].split(|byte| *byte == b'"').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

struct Patcher {
    patched: AtomicUsize,
    objects: usize,
    done: Arc<Notify>,
}

impl Reconciler for Patcher {
    type Object = ConfigMap;

    async fn reconcile(&self, object: Arc<ConfigMap>, ctx: &Context) -> Result<Outcome, Error> {
        let wanted = object.labels().get("bench").is_some_and(|value| value == "patch");
        if !wanted || object.annotations().contains_key("bench/patched") {
            return Ok(Outcome::Settled);
        }
        let api = Api::<ConfigMap>::namespaced(ctx.client().clone(), &object.namespace().unwrap_or_default());
        let patch = Patch::Merge(json!({"metadata": {"annotations": {"bench/patched": "true"}}}));
        api.patch(&object.name_any(), &PatchParams::default(), &patch).await?;
        if self.patched.fetch_add(1, Ordering::Relaxed) + 1 == self.objects {
            self.done.notify_one();
        }
        Ok(Outcome::Settled)
    }
}

/// Writes one merge patch to each of so many ConfigMaps.
pub(crate) async fn patch(objects: usize) -> TaskOutcome {
    let done = Arc::new(Notify::new());
    let patcher = Patcher { patched: AtomicUsize::new(0), objects, done: done.clone() };
    let controller = Controller::new("patch", Watch::all(), patcher).options(options());
    let manager = Manager::new(client().await?, ManagerOptions::default()).controller(controller);
    tokio::spawn(manager.run_until_signal());
    done.notified().await;
    println!("patched");
    wait_for_line().await;
    Ok(())
}

/// The ingress operator.
pub(crate) async fn operator() -> TaskOutcome {
    let controller = kubewright_ingress::controller(kubewright_ingress::Options::default())?;
    let manager = Manager::new(client().await?, ManagerOptions::default()).controller(controller);
    tokio::select! {
        ended = manager.run_until_signal() => ended?,
        () = wait_for_line() => {}
    }
    Ok(())
}
