//! What the kinds do beyond their schema: defaults, allocation, status separation, validation.
//!
//! ```text
//! decoded object → Strategy::default → before_create / before_update / before_status_update → store
//!                                        │ Strategy::prepare_*   status dropped or kept, addresses reserved
//!                                        │ generation            +1 when the spec changed
//!                                        └ metadata + Strategy::validate_*   → 422 with all causes
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `strategy` | the [`Strategy`] trait and the context of a write |
//! | `lifecycle` | the steps around a write, in the real server's order |
//! | [`metadata`] | checks and server-set fields of `metadata` |
//! | [`names`] | rules for names, labels, keys |
//! | [`allocation`] | cluster IPs and node ports |
//! | `generic` | strategies of custom resources and of kinds with nothing of their own |
//! | [`path`], [`tree`] | field paths, and reading trees by path |
//! | the rest | one family of kinds each |

pub mod allocation;
mod generic;
mod lifecycle;
pub mod metadata;
pub mod names;
pub mod path;
mod strategy;
pub mod tree;

pub use generic::CustomResource;
pub use lifecycle::{before_create, before_status_update, before_update};
pub use names::NameRule;
pub use strategy::{KindContext, Strategy};

/// The strategy of a built-in kind. Kinds that have no rules of their own get a plain one.
pub fn strategy(group: &str, kind: &str) -> &'static dyn Strategy {
    generic::plain(group, kind)
}
