//! One reconcile, as it went.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use kubewright_cache::ObjectRef;
use serde_json::{Value, json};

use super::changes::FieldChange;
use crate::{
    Error, Outcome, Reason,
    relations::Interest,
    writes::{Effect, Write},
};

/// Reads and writes that are kept of one reconcile.
const MOST: usize = 32;

/// One reconcile: why it ran, what it read and wrote through the context, and how it ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record {
    /// The controller.
    pub controller: Arc<str>,
    /// Its number, which stands in the logs as `reconcile_id`.
    pub id: u64,
    /// The key.
    pub key: String,
    /// Why it ran.
    pub reason: Reason,
    /// When it began, by the manager's clock.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it read from the caches, besides the object that it is for; the first 32.
    pub reads: Vec<String>,
    /// What it wrote; the first 32.
    pub writes: Vec<WriteRecord>,
    /// How it ended.
    pub ended: Ended,
}

/// A write that the server accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteRecord {
    /// The HTTP method.
    pub method: String,
    /// Plural and group, with the subresource: `deployments.apps/status`.
    pub resource: String,
    /// Which object.
    pub object: ObjectRef,
    /// The version that it has since; `None` if it has gone.
    pub version: Option<u64>,
    /// The fields that have changed, if [`ManagerOptions::convergence`](crate::ManagerOptions::convergence) is on and
    /// the cache knew the object.
    pub changes: Option<Vec<FieldChange>>,
}

/// How a reconcile ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// There is nothing to do until something changes.
    Settled,
    /// It runs again after this time.
    After(Duration),
    /// There is nothing to do, but it is looked at again after this time.
    Recheck(Duration),
    /// It failed.
    Failed {
        /// Why.
        error: String,
        /// Whether only a change can help.
        terminal: bool,
    },
}

/// What a reconcile began with.
pub(crate) struct Run {
    pub(crate) controller: Arc<str>,
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) reason: Reason,
    pub(crate) at: Timestamp,
}

impl Run {
    /// The whole of it.
    pub(crate) fn end<'a>(
        self,
        took: Duration,
        reads: impl Iterator<Item = &'a Interest>,
        writes: &[Write],
        result: &Result<Outcome, Error>,
    ) -> Record {
        let Self { controller, id, key, reason, at } = self;
        let mut reads: Vec<String> = reads.take(MOST).map(ToString::to_string).collect();
        // They come from a set, which has no order.
        reads.sort_unstable();
        let writes = writes.iter().take(MOST).map(WriteRecord::of).collect();
        Record { controller, id, key, reason, at, took, reads, writes, ended: Ended::of(result) }
    }
}

impl WriteRecord {
    fn of(write: &Write) -> Self {
        let dot = if write.group.is_empty() { "" } else { "." };
        let slash = if write.subresource.is_empty() { "" } else { "/" };
        Self {
            method: write.method.to_string(),
            resource: format!("{}{dot}{}{slash}{}", write.plural, write.group, write.subresource),
            object: write.reference.clone(),
            version: match write.effect {
                Effect::Version(version) => Some(version),
                Effect::Removed => None,
            },
            changes: write.changes.clone(),
        }
    }
}

impl Ended {
    fn of(result: &Result<Outcome, Error>) -> Self {
        match result {
            Ok(Outcome::Settled) => Self::Settled,
            Ok(Outcome::After(delay)) => Self::After(*delay),
            Ok(Outcome::Recheck(delay)) => Self::Recheck(*delay),
            Err(error) => Self::Failed { error: error.to_string(), terminal: error.is_terminal() },
        }
    }
}

impl Record {
    /// It as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let writes: Vec<Value> = self
            .writes
            .iter()
            .map(|write| {
                let changes = write.changes.as_ref().map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
                json!({
                    "method": write.method, "resource": write.resource, "object": write.object.to_string(),
                    "resourceVersion": write.version, "changes": changes,
                })
            })
            .collect();
        json!({
            "controller": *self.controller, "id": self.id, "key": self.key, "reason": self.reason.to_string(),
            "at": self.at.to_string(), "milliseconds": self.took.as_secs_f64() * 1000.0,
            "reads": self.reads, "writes": writes, "ended": self.ended.to_string(),
        })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settled => f.write_str("settled"),
            Self::After(delay) => write!(f, "again after {delay:?}"),
            Self::Recheck(delay) => write!(f, "settled, looked at again after {delay:?}"),
            Self::Failed { error, terminal: false } => write!(f, "failed: {error}"),
            Self::Failed { error, terminal: true } => write!(f, "failed for good: {error}"),
        }
    }
}

/// A line for the reconcile, and one for each read and write.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { controller, id, key, reason, took, reads, writes, ended, .. } = self;
        let milliseconds = took.as_secs_f64() * 1000.0;
        write!(f, "{controller} #{id} {key} because: {reason} → {ended} ({milliseconds:.1} ms)")?;
        for read in reads {
            write!(f, "\n    read {read}")?;
        }
        for write in writes {
            write!(f, "\n    {write}")?;
        }
        Ok(())
    }
}

impl fmt::Display for WriteRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.resource, self.object)?;
        if let Some(version) = self.version {
            write!(f, " @{version}")?;
        }
        match self.changes.as_deref() {
            None => Ok(()),
            Some([]) => f.write_str(" (nothing changed)"),
            Some(changes) => changes.iter().try_for_each(|change| write!(f, "\n        {change}")),
        }
    }
}
