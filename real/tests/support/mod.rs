//! What the tests of the real tier share.

use std::time::{Duration, Instant};

/// Whether the real tier runs; says so when it does not, so that a skipped test can be seen with `--nocapture`.
pub(crate) fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("KUBEWRIGHT_REAL").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: skipped, as it needs the real servers: cargo xtask real");
    }
    enabled
}

/// Polls `condition` until it holds; fails the test with `what` when it takes longer than `limit`.
pub(crate) async fn eventually(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
