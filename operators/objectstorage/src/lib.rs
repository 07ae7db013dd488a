//! Keeps users and buckets of an object storage: MinIO, or what speaks its APIs.
//!
//! ```text
//! ObjectStorageUser   ─→ user ───→ Secret with keys ─→ user, policies, quota group ─┐
//! ObjectStorageBucket ─→ bucket ─→ Secret with keys ─→ bucket, policy, service account ─→ Storage: MinIO, or a fake
//! ```
//!
//! Both are [`External`](kubewright::patterns::external::External) resources: see that module for the flow.
//!
//! | module | what it holds |
//! |---|---|
//! | [`api`] | the custom resources |
//! | `options` | [`Options`]: what an administrator may set |
//! | `operator` | [`add_to`]: the controllers, put together |
//! | `user`, `bucket` | what a user and a bucket are on the server, and how they get there |
//! | `secrets`, `quota`, `usage` | the keys of users, how much they may store, how much they do |
//! | [`names`], [`policies`] | names on the server; what users, keys and everybody may do |
//! | [`storage`] | the server as a trait |
//! | [`minio`] | the server for real: S3 and the admin API over HTTP |

pub mod api;
mod bucket;
pub mod minio;
pub mod names;
mod operator;
mod options;
pub mod policies;
mod quota;
mod random;
mod secrets;
pub mod storage;
mod usage;
mod user;

pub use api::crds;
pub use bucket::Buckets;
pub use operator::add_to;
pub use options::Options;
pub use random::Random;
pub use user::Users;

/// A user and two buckets that show what the operator does; `kubewright up` applies them.
pub const EXAMPLES: &str = include_str!("../examples/buckets.yaml");
