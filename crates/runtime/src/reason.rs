//! Why a reconcile runs.

use std::{fmt, sync::Arc};

use kubewright_cache::ObjectRef;

/// Why a reconcile runs: the first of the reasons that came together since its key ran last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A watched object appeared, changed or went away.
    Object {
        /// Its kind.
        kind: Arc<str>,
        /// Which one.
        object: ObjectRef,
        /// What happened to it.
        change: Change,
    },
    /// The last reconcile failed; this is the so-manieth retry in a row.
    Retry(u32),
    /// The last reconcile asked for it by [`Outcome::After`](crate::Outcome::After) or [`Outcome::Recheck`](crate::Outcome::Recheck).
    Scheduled,
    /// A [`Trigger`](crate::Trigger) was pulled.
    Woken,
    /// A source of this name asked for it: a timer, a stream or an HTTP endpoint.
    Source(Arc<str>),
    /// This replica has begun to lead, or has got the key from another.
    TakenOver,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is in the first list.
    Listed,
    /// It is new.
    Added,
    /// It has a new version.
    Modified,
    /// It is gone.
    Removed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { kind, object, change } => {
                let change = match change {
                    Change::Listed => "listed",
                    Change::Added => "added",
                    Change::Modified => "modified",
                    Change::Removed => "removed",
                };
                write!(f, "{kind} {object} {change}")
            }
            Self::Retry(number) => write!(f, "retry {number}"),
            Self::Scheduled => f.write_str("scheduled"),
            Self::Woken => f.write_str("woken"),
            Self::Source(name) => write!(f, "source {name}"),
            Self::TakenOver => f.write_str("taken over"),
        }
    }
}
