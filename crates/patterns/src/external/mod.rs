//! An object of yours that stands for a resource of a remote system: a bucket, a database, a queue.
//!
//! ```text
//! object ─→ check ─→ observe ─┬ absent ─→ intend ─→ create ─→ observe ─┐
//!             ↑               └ there ──→ (adopt?) ─→ intend ──────────┴→ update ─→ status, again in a cycle
//!             └ deleted ─→ delete or orphan ─→ finalizer removed
//! ```
//!
//! You write an [`External`]: how to look at the resource, make it, bring it in line, remove it. [`ExternalReconciler`] does
//! the rest:
//!
//! - **Nothing is lost or made twice.** What is about to be made (its name, its key) is written down in Kubernetes
//!   ([`External::intend`]) before the remote system hears of it. After a crash at any point the next run finds what there
//!   is and goes on. A finalizer is on the object before anything is made.
//! - **Drift is repaired**, at each change of the object and on a cycle, with jitter.
//! - **Faults are sorted** ([`Fault`]): temporary ones are retried with backoff and leave no mark on the object; permanent
//!   ones become a condition and a Warning event.
//! - **An endpoint in trouble is left alone** ([`Connection`]): a rate limit and a circuit breaker for all resources
//!   behind it; its health is in the readiness report.
//! - **What was there before is not taken silently** ([`Adoption`]), and need not go with the object ([`Deletion`]).
//!
//! | module | what it holds |
//! |---|---|
//! | `resource` | [`External`]: what an author writes |
//! | `reconciler` | [`ExternalReconciler`]: the flow above |
//! | `connection` | [`Connection`], [`Remote`], [`Connect`]: clients from a Secret, health |
//! | `gate` | [`GateOptions`]: rate limit, circuit breaker |
//! | `fault` | [`Fault`]: what went wrong, and what helps |
//! | `retry` | [`retry()`]: tries again, where no queue does it |

mod connection;
mod fault;
mod gate;
mod reconciler;
mod resource;
mod retry;

pub use self::{
    connection::{Connect, Connection, Remote},
    fault::Fault,
    gate::GateOptions,
    reconciler::{ExternalOptions, ExternalReconciler},
    resource::{Adoption, Deleted, Deletion, External, Report, Unready, Work},
    retry::{Exhausted, Tries, retry},
};

/// The example in the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/external.md")]
struct Guide;
