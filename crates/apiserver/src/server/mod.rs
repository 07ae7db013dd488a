//! One server: its parts, its start and its end.
//!
//! | file | what it holds |
//! |---|---|
//! | `api_server` | what users of the crate hold: start, reach, stop |
//! | `core` | the parts that requests need |
//! | `bootstrap` | the objects that a new server makes for itself |
//! | `token_use` | notes when tokens in Secrets were used |
//! | `definitions` | the life of CustomResourceDefinitions: served, and cleaned up after |

mod api_server;
mod bootstrap;
mod core;
mod definitions;
mod token_use;

pub use api_server::{ApiServer, Options, ServingCertificate, StartError};
pub(crate) use core::Core;
pub(crate) use definitions::{CLEANUP, object_deleted, object_written};
