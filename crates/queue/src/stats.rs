//! What a queue tells of itself, under the names that client-go's metrics have.

use std::time::Duration;

use crate::Priority;

/// Is told how long keys waited and were worked on: the histograms `workqueue_queue_duration_seconds` and
/// `workqueue_work_duration_seconds`. It is called by the workers, outside the queue's lock.
pub trait Observer: Send + Sync {
    /// A key was handed out after it had waited for `time` since it was added, or since its delay was over.
    fn waited(&self, priority: Priority, time: Duration);
    /// The work on a key ended after `time`.
    fn worked(&self, time: Duration);
}

/// The state of a queue at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Keys that wait to be handed out, by priority from the highest: `workqueue_depth`. A priority stays in the list
    /// with 0 once it has been used.
    pub depth: Vec<(Priority, usize)>,
    /// Keys that wait for their delay to be over.
    pub delayed: usize,
    /// Keys that are worked on.
    pub working: usize,
    /// Keys that are worked on and will be again, as they were added meanwhile. They are not part of `depth`.
    pub again: usize,
    /// Keys that the queue knows at all: those above, and those whose failures it remembers.
    pub keys: usize,
    /// How many keys have been queued, without those that collapsed: `workqueue_adds_total`.
    pub adds: u64,
    /// How many retries and delayed adds there have been: `workqueue_retries_total`.
    pub retries: u64,
    /// Sum of the times for which the present work has gone on: `workqueue_unfinished_work_seconds`.
    pub unfinished: Duration,
    /// The longest of those times: `workqueue_longest_running_processor_seconds`.
    pub longest_running: Duration,
}
