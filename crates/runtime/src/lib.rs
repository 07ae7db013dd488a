//! Manager, controllers and all that a reconciler touches.
//!
//! ```text
//! API server ─watch→ cache ─delta→ feed ─key→ queue ─key→ worker → Reconciler → Context (reads cache, writes client) → API server
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`connect`](connect()) | finds the cluster |
//! | [`Manager`] | runs controllers, from the first list to an orderly stop |
//! | [`Controller`], [`Watch`], [`predicates`] | what a controller is for, what it watches, which changes count |
//! | [`Reconciler`], [`Outcome`], [`Error`] | what an author writes, and what it answers |
//! | [`Context`] | what it reads and writes through: caches, client, status, events |
//! | [`ClusterContext`] | several clusters under one manager |
//! | [`owned`], [`Children`], [`Wave`] | children: declared, applied, pruned |
//! | [`readiness`] | whether an object is ready for use |
//! | [`finalizer`], [`conditions`] | work before an object may go; conditions in the standard form |
//! | `start`, `engine`, `handler`, `claims` | the loop of a controller |
//! | `run`, `parts` | the life of a manager, and what it consists of |
//! | [`Handle`] | a manager from outside |
//! | [`TaskContext`] | what runs beside controllers |
//! | [`Replicas`], `leadership`, `sharding` | of several replicas one works, or each on its share |
//! | [`sources`], [`Trigger`] | keys from timers, streams, HTTP calls and other parts of the process |
//! | [`Reads`], `relations`, `tracker`, `on_demand` | what a reconcile has read wakes its key when it changes |
//! | `expectations`, `writes` | a key does not run before the caches have seen its own writes |
//! | [`events`] | events, joined and written aside |
//! | [`rights`] | what a manager needs to be allowed, and whether it is |
//! | [`reviews`] | who a caller is and what they may, as the API server says |
//! | [`Record`], [`Unsettled`], `journal` | the last reconciles, and those that never settle |
//! | `health`, `endpoints`, `debug`, `metrics`, `collect` | what a running manager tells of itself |

mod claims;
pub mod clock;
mod clusters;
mod collect;
pub mod conditions;
mod connect;
mod context;
mod controller;
mod debug;
mod endpoints;
mod engine;
mod error;
pub mod events;
mod expectations;
pub mod finalizer;
mod handle;
mod handler;
mod hash;
mod health;
mod journal;
mod leadership;
mod manager;
mod metrics;
mod on_demand;
pub mod owned;
mod parts;
pub mod predicates;
pub mod readiness;
mod reads;
mod reason;
mod reconciler;
mod relations;
pub mod reviews;
pub mod rights;
mod run;
mod sharding;
mod signals;
pub mod sources;
mod start;
mod status;
mod stores;
mod tasks;
mod tracker;
mod watch;
mod writes;

pub use clusters::{ClusterContext, OWN_CLUSTER};
pub use connect::{ConfigError, config, connect};
pub use context::Context;
pub use controller::{Controller, ControllerOptions, Trigger};
pub use endpoints::METRICS_TYPE;
pub use error::Error;
pub use handle::{Handle, ReplicaStatus, Role};
pub use health::{ControllerStatus, FailingKey, InformerStatus};
pub use journal::{Convergence, Ended, FieldChange, Record, Unsettled, UnsettledKind, WriteRecord};
pub use kubewright_cache::{Delta, Informer, ObjectRef, Stored};
pub use kubewright_queue::{Backoff, Limit};
pub use leadership::{LeaderElection, NotLeading, OnLoss, ReplicaError, Replicas};
pub use manager::{Manager, ManagerError, ManagerOptions};
pub use owned::{ChildRef, Children, Foreign, Live, Owned, Reached, Wave, WaveState, WaveStatus};
pub use readiness::Readiness;
pub use reads::Reads;
pub use reason::{Change, Reason};
pub use reconciler::{Key, KeyReconciler, Outcome, Reconciler};
pub use rights::{Right, Rights, RightsCheck};
pub use sharding::Sharding;
pub use sources::{Access, Call, Endpoint, Timer};
pub use tasks::{Followed, TaskContext, TaskStatus, Turns};
pub use watch::Watch;
