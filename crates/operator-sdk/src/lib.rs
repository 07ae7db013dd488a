//! What operator-sdk's Helm and Ansible operators have in common.
//!
//! | module | what it holds |
//! |---|---|
//! | [`entries`] | the entries of watches.yaml, with the lines that errors name |
//! | [`gateway`] | the API server that a program of the operator sees: helm, ansible |
//! | [`owner`] | what says whose an object is: owner references, annotations |
//! | [`duration`] | durations as Go writes them |
//! | [`expand`] | variables of the environment in texts |

pub mod duration;
pub mod entries;
pub mod expand;
pub mod gateway;
pub mod owner;

pub use entries::{Entry, WatchesError, Wrong};
pub use gateway::{Gateway, Guest, Heard, Pass, Target};
pub use owner::Owner;
