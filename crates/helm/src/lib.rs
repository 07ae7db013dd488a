//! Serves operator-sdk's Helm operators: each custom resource of a kind is a release of a chart.
//!
//! ```text
//! watches.yaml ─→ Watch ─→ controller ─→ reconcile ─┬─ helm (a program) ─→ gateway ─→ API server
//!  helm-charts ─→ Chart ─┘                          └─ drift: manifest of the release ⇄ cache ─→ API server
//! ```
//!
//! helm talks to the [gateway](kubewright_operator_sdk::gateway), a server on loopback that passes its requests on with the operator's own client, and puts owner
//! references on what helm makes. Whether helm has to run at all is decided from what a release was made of, see
//! [`templates`]. The decisions are in `docs/helm.md`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`watches`] | watches.yaml, read and checked |
//! | [`chart`] | a chart's folder: its name, its checksum |
//! | [`templates`] | whether a template can render differently from the same values |
//! | [`program`] | helm, and how it is called |
//! | [`values`] | the values of a release as arguments of helm |
//! | [`marks`] | owner references, annotations and labels of what a release consists of |
//! | [`release`] | releases as helm stores them |
//! | [`drift`] | what was changed behind helm's back |
//! | [`status`] | conditions, and the release in the status |
//! | `reconcile` | all of it, for one custom resource |
//! | `operator` | [`HelmOperator`]: the controllers, put together |

pub mod chart;
pub mod drift;
pub mod marks;
mod operator;
pub mod program;
mod reconcile;
pub mod release;
pub mod status;
pub mod templates;
pub mod values;
pub mod watches;

pub use operator::{HelmOperator, Options, SetUpError};
pub use program::{Helm, Program};
pub use watches::{Watch, WatchesError};
