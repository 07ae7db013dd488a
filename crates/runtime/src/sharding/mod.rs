//! Sharding: each of several replicas works on its share of the keys, and no key has two owners, ever.
//!
//! ```text
//! member Leases ─list→ coordinator: the plan ─→ group Lease ─read→ each member: its view ─→ Duty ─→ controllers, client
//!       ↑                                                              │ stops what is no longer its own
//!       └──────────────── "let go of what plan N takes away" ──────────┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`](Sharding) | what can be chosen |
//! | `view` | the plan, and what it means for one member |
//! | `coordinator` | who is in, who is dead, and when the plan may go on: pure |
//! | `member` | the loop of a member: its own Lease, and what the plan makes of it |
//! | `group` | the loop around the group's Lease, for the coordinator and those who would be it |
//! | `start` | from the options to a part of the manager |
//!
//! Both Leases go through the state machine of `leadership::election`. docs/sharding.md has the guarantees and the
//! argument for them.

pub(crate) mod coordinator;
pub(crate) mod group;
#[cfg(test)]
mod histories;
pub(crate) mod member;
mod options;
mod start;
pub(crate) mod view;

pub use options::Sharding;

/// The label of all Leases of a group.
const GROUP_LABEL: &str = "kubewright.dev/shard-group";
/// Where the plan stands in the group's Lease.
const PLAN: &str = "kubewright.dev/shard-plan";
/// Where a member's Lease says what plan it has let go for.
const RELEASED: &str = "kubewright.dev/shard-released";
