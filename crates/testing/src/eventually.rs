//! Waiting for a condition, with a bound.

use std::time::Duration;

use crate::env::CLUSTER;

/// How long a condition may take before the test fails; a test that passes never waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same on a cluster that is shared: a kube-controller-manager on a loaded machine is late by minutes when kinds come
/// and go, as its quota controller and garbage collector then wait for all their caches.
const PATIENCE_WITH_A_CLUSTER: Duration = Duration::from_secs(240);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// How long a condition may take here.
pub(crate) fn patience() -> Duration {
    if std::env::var_os(CLUSTER).is_some() { PATIENCE_WITH_A_CLUSTER } else { PATIENCE }
}

/// Waits until `condition` gives a value; panics with `what` after a minute, or four on a cluster that was given.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let patience = patience();
    let found = tokio::time::timeout(patience, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("waited {} s for {what}", patience.as_secs()),
    }
}

/// Looks for a while whether `condition` holds all the time; panics with `what` when it does not.
pub(crate) async fn consistently(what: &str, time: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + time;
    loop {
        assert!(condition().await, "no longer so: {what}");
        if tokio::time::Instant::now() >= end {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
