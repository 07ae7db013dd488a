//! What the servers are given to do.
//!
//! - `creates`: clients that create objects as fast as they are answered.
//! - `commands`: what the process with the embedded server is told to load itself with.
//! - `pods`: Pods as varied as those of a real cluster.

pub(crate) mod commands;
pub(crate) mod creates;
mod pods;
