//! Waiting for a condition, with a bound.

use std::time::Duration;

/// How long a condition may take before the test fails. Real clusters on loaded machines are slow; a test that passes
/// never waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `condition` gives a value; panics with `what` after a minute.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("waited {} s for {what}", PATIENCE.as_secs()),
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
