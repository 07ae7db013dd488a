//! Requests: objects that ask for something to be done once, and expire.
//!
//! You say whether a request may run and what it does; the rest is here: phases, what follows a crash, retries, the order of
//! requests about the same thing, limits, the record for audits, and removal after a time.
//!
//! ```text
//! Pending ─→ first in its lane? ─→ check ─┬ refused ──────────────────────────────────────→ Failed ────┐
//!    ↑                             │      └→ Processing (written first) ─→ run ─┬ permanent error ↗    ├ ttl ─→ deleted
//!    └──────── not yet ────────────┘              ↑                             ├ done ───→ Completed ─┘
//!                                                 └────── temporary error ──────┘
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `phase` | [`Phase`], [`RequestStatus`], and what to do next with a request: pure functions |
//! | `resource` | [`Request`]: what an author writes |
//! | `fault` | [`Fault`]: what can go wrong, sorted by what helps |
//! | `reconciler` | the flow above |
//! | `record` | status writes that lose nothing and overwrite nothing |
//! | `pace` | how many requests begin within a time |
//! | [`sweep`](sweep()) | removes old requests from outside of a controller |
//!
//! `docs/request.md` has a whole example.

mod fault;
mod pace;
mod phase;
mod reconciler;
mod record;
mod resource;
mod sweep;

pub use fault::Fault;
pub use phase::{Next, Phase, RequestStatus, Rules, Turn, next};
pub use reconciler::{RequestOptions, RequestReconciler, controller};
pub use resource::{Done, Recovery, Request};
pub use sweep::{Swept, sweep};

/// The example of the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/request.md")]
struct Guide;
