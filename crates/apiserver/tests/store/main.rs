//! What the store promises, by behaviour.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod concurrent;
mod crash;
mod model;
mod persist;
mod reads;
mod snapshot;
mod support;
mod watch;
mod writes;
