//! Builds real Kubernetes servers and starts them on loopback, so that the embedded control plane can be compared with
//! them and the same tests can run on both.
//!
//! - [`ansible`]: ansible-runner in a Python environment, cached beside the others.
//! - [`binaries`]: kube-apiserver, kube-controller-manager, etcd and kubectl out of the Go module in `real/go`, cached
//!   outside the checkout.
//! - [`cluster`]: one etcd + kube-apiserver (+ kube-controller-manager) on free ports, stopped when dropped.
//! - [`cargo`](mod@cargo): cargo, called from a program that cargo runs.
//! - [`go`]: Go, run in that module.
//! - [`helm`]: helm out of its Go module, cached beside them.
//! - [`minio`]: a MinIO server out of its Go module, cached beside them, on a free port.
//! - `pki`: the certificates and keys that they need, made anew for each cluster.
//! - [`postgres`]: a PostgreSQL of the machine on a free port, which can be killed and resumed.
//! - `process`: a child process with its log file, which ends with its parent however that ends.
//! - [`kube_rs`]: kube-rs' own integration tests.
//! - [`registry`]: a registry of images out of its Go module, cached beside them, on a free port.
//! - [`skopeo`]: the skopeo of the machine.
//! - [`suites`]: test suites of other projects, out of their Go modules.
//! - [`error`]: what can go wrong, and what to do about it.
//!
//! ```no_run
//! # async fn example() -> Result<(), kubewright_real::Error> {
//! let cluster = kubewright_real::RealCluster::start(kubewright_real::Options::default()).await?;
//! println!("export KUBECONFIG={}", cluster.kubeconfig().display());
//! # Ok(()) }
//! ```

pub mod ansible;
pub mod binaries;
pub mod cargo;
pub mod cluster;
pub mod error;
pub mod go;
pub mod helm;
pub mod kube_rs;
pub mod minio;
mod pki;
pub mod postgres;
mod process;
pub mod registry;
pub mod skopeo;
pub mod suites;

pub use ansible::ensure_ansible;
pub use binaries::{Binaries, KUBERNETES_VERSION, ensure_binaries};
pub use cargo::cargo;
pub use cluster::{Options, RealCluster};
pub use error::Error;
pub use go::{api_types, openapi_v2};
pub use helm::{HELM_VERSION, ensure_helm};
pub use kube_rs::{KUBE_VERSION, kube_rs_tests};
pub use minio::{Minio, MinioOptions, ensure_minio};
pub use postgres::Postgres;
pub use registry::{ImageRegistry, ImageRegistryOptions, REGISTRY_VERSION, ensure_registry};
pub use skopeo::ensure_skopeo;
pub use suites::{PackageOutcome, Suite};
