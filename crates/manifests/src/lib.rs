//! Writes what brings an operator to a cluster: manifests for kubectl, kustomize and Helm.
//!
//! ```text
//! the operator ─describe→ Description ─parts→ documents by folder ─→ kustomize folders, one install.yaml, or a chart
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Description`] | what an operator tells of itself: definitions, rights, webhooks |
//! | [`ManifestOptions`] | namespace, image and the like |
//! | `parts` | the documents |
//! | `certificates` | those of them that are cert-manager's |
//! | [`kustomize`], [`install`], [`chart`] | the forms |

mod certificates;
mod description;
mod forms;
mod parts;

pub use description::{Description, GuardedMetrics, ManifestError, ManifestOptions};
pub use forms::{chart, install, kustomize};
