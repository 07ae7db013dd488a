//! The journal: the last reconciles of each controller, and those that never settle.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`](Record) | one reconcile: its trigger, reads, writes, end |
//! | `changes` | which fields a write has changed |
//! | [`convergence`](Convergence) | who writes again and again on the same input |

pub(crate) mod changes;
mod convergence;
mod record;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;

pub use self::{
    changes::FieldChange,
    convergence::{Convergence, Unsettled, UnsettledKind},
    record::{Ended, Record, WriteRecord},
};
pub(crate) use self::{
    convergence::{Detector, Observed},
    record::Run,
};

/// Reconcilers that never settle which are kept.
const UNSETTLED: usize = 100;

/// What happened in a manager.
#[derive(Debug)]
pub(crate) struct Journal {
    /// How many reconciles of each controller are kept.
    size: usize,
    records: Mutex<BTreeMap<Arc<str>, VecDeque<Arc<Record>>>>,
    pub(crate) detector: Option<Detector>,
    unsettled: Mutex<VecDeque<Unsettled>>,
}

impl Journal {
    pub(crate) fn new(size: usize, convergence: Option<Convergence>) -> Self {
        Self { size, records: Mutex::default(), detector: convergence.map(Detector::new), unsettled: Mutex::default() }
    }

    /// Whether reconciles are kept at all.
    pub(crate) fn keeps(&self) -> bool {
        self.size > 0
    }

    pub(crate) fn add(&self, record: Record) {
        let mut records = self.records.lock();
        let of_controller = records.entry(record.controller.clone()).or_default();
        while of_controller.len() >= self.size {
            of_controller.pop_front();
        }
        of_controller.push_back(Arc::new(record));
    }

    pub(crate) fn note_unsettled(&self, unsettled: Unsettled) {
        tracing::error!(controller = unsettled.controller, key = unsettled.key, "{unsettled}");
        let mut all = self.unsettled.lock();
        if all.len() >= UNSETTLED {
            all.pop_front();
        }
        all.push_back(unsettled);
    }

    /// The last reconciles of each controller, the oldest first.
    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        self.records.lock().values().flatten().cloned().collect()
    }

    pub(crate) fn unsettled(&self) -> Vec<Unsettled> {
        self.unsettled.lock().iter().cloned().collect()
    }
}
