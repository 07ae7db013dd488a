//! Leadership: of several replicas one works, and the others stand by with warm caches.
//!
//! ```text
//! Lease ─→ elector (election: what follows from what happened) ─→ Duty: what may be worked on and written, until when
//!                                                                  │ permit for each reconcile      │ question for each write
//!                                                                  └─→ controllers                  └─→ guard in the client
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`](LeaderElection) | what can be chosen |
//! | `election` | the pure state machine |
//! | `lease` | Leases on the server |
//! | `elector` | the loop between the two |
//! | `start` | from the options to a part of the manager |
//! | `duty` | what this process may do right now |
//! | `guard` | the look at it before, and while, a write is sent |
//!
//! docs/leadership.md has the guarantees and the argument for them.

pub(crate) mod duty;
pub(crate) mod election;
pub(crate) mod elector;
pub(crate) mod guard;
pub(crate) mod identity;
pub(crate) mod lease;
pub(crate) mod options;
pub(crate) mod start;

use std::error::Error as StdError;

pub use options::{LeaderElection, OnLoss, ReplicaError, Replicas};

/// A write was refused before it left the process, or given up on the way, as this replica has no right to it. Find it in
/// an error with [`Error::not_leading`](crate::Error::not_leading).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotLeading {
    /// Another replica leads, or none does yet.
    #[error("not written: this replica stands by; only the one that holds the Lease writes")]
    Standby,
    /// The Lease could not be renewed in time: another replica may have it by now.
    #[error("not written: the Lease could not be renewed in time, so that another replica may work on this by now")]
    Lapsed,
    /// The key of the reconcile has gone to another replica, or a new term has begun since the reconcile did.
    #[error("not written: another replica has taken over what this reconcile was for")]
    Lost,
}

impl NotLeading {
    /// Whether this is what an error comes from.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(*found);
            }
            let kube = error.downcast_ref::<kube::Error>();
            // kube does not tell the cause of this one as its source.
            cause = match kube.or(error.downcast_ref::<Box<kube::Error>>().map(|boxed| &**boxed)) {
                Some(kube::Error::Service(service)) => Some(&**service),
                _ => error.source(),
            };
        }
        None
    }
}
