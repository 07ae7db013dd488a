//! Parts of kinds of Kubernetes, for server-side apply. Written by `kubewright types`: run it again, don't change this.

/// Of `apps/v1`.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, rustdoc::all, dead_code, unreachable_pub)]
pub mod apps_v1;
/// Of `v1`.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, rustdoc::all, dead_code, unreachable_pub)]
pub mod core_v1;
/// Of `meta/v1`.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, rustdoc::all, dead_code, unreachable_pub)]
pub mod meta_v1;
