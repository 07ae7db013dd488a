//! What the tests of the real tier share.

/// Whether the real tier runs; says so when it does not, so that a skipped test can be seen with `--nocapture`.
pub(crate) fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("KUBEWRIGHT_REAL").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: skipped, as it needs the real servers: cargo xtask real");
    }
    enabled
}
