//! The work queue of a controller: each key at most once at a time, with priority, delay and per-key backoff.
//!
//! ```text
//! add ──────────────────────────────┐            ┌─→ done                     idle (forgotten unless it has failures)
//! add_after ──→ delayed ──(due)──→ queued ─get→ Work ─→ again_after / retry ─→ delayed
//!                                   ↑            └─→ added again meanwhile ──→ queued
//!                                   └──────────────────────────────────────────┘
//! ```
//!
//! What it promises:
//! - A key is never worked on twice at once. What is added during its work is worked on again afterwards.
//! - Equal keys collapse: the highest of their priorities and the earliest of their times win.
//! - Equal priority is first in, first out, and no priority starves: each [`Options::oldest_every`]th hand-out goes to
//!   the key at the front of a priority that has been waiting the longest, whatever that priority is.
//! - With [`WorkQueue::fair`] the keys of equal priority take turns by flow, such as their namespace: one with very many
//!   does not keep the others waiting.
//! - Backoff is per key and starts anew after [`Work::forget`].
//! - A drained shutdown hands out everything that was queued, and what was added during work.
//! - A worker that panics loses nothing: its key is retried.
//!
//! There is one short lock, no task and no thread: delays are driven by one timer that a waiting [`WorkQueue::get`]
//! holds.
//!
//! | module | what it holds |
//! |---|---|
//! | [`queue`](WorkQueue) | the queue as workers and event handlers see it, waiting and shutdown |
//! | [`work`](Work) | a key in the hands of a worker |
//! | `state` | the pure state machine behind the lock: slots, lists by priority, delays |
//! | `level` | the keys of one priority, whose flows take turns |
//! | `slots` | where keys lie: found by hash, linked into lists |
//! | [`backoff`](Backoff), [`limit`](Limit) | how long a retry waits |
//! | [`stats`](Stats) | what the queue tells of itself |
//!
//! ```
//! use std::time::Duration;
//! use kubewright_queue::{Options, Priority, WorkQueue};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let queue = WorkQueue::new(Options::default());
//! queue.add("default/web", Priority::NORMAL);
//! queue.add("default/web", Priority::NORMAL); // collapses
//!
//! let work = queue.get().await.unwrap();
//! assert_eq!(*work.key(), "default/web");
//! work.forget(); // it succeeded: its next failure starts at the base of the backoff
//! work.done();
//!
//! let drained = queue.drain(Duration::from_secs(5)).await;
//! assert_eq!(drained.left, 0);
//! assert!(queue.get().await.is_none());
//! # }
//! ```

mod backoff;
mod level;
mod limit;
mod options;
mod queue;
mod slots;
mod state;
mod stats;
mod work;

pub use backoff::Backoff;
pub use limit::Limit;
pub use options::{Options, Priority};
pub use queue::{Drained, WorkQueue};
pub use stats::{Observer, Stats};
pub use work::Work;
