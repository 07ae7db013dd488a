//! Types of objects as a compact graph, and what walks it.
//!
//! A [`SchemaSet`] holds the nodes of one source (the built-in types, or one version of a CRD) in one vector;
//! nodes refer to each other by index, so recursive types (JSONSchemaProps) need no cycles of pointers.
//! A [`TypeRef`] is a node together with its set: what the rest of the crate passes around.
//!
//! ```text
//! OpenAPI documents + Go facts ─compile, once per Kubernetes version→ bundle (file) ─inflate→ SchemaSet ─┐
//! CRD manifest ──────────────────────────────────────────────────────────────compile→ SchemaSet ─┴→ TypeRef ─→ walkers
//! ```
//!
//! What a write goes through, in this order: [`check_types`] → [`unknown_fields`] → [`prune`] → [`normalise`] and, for
//! custom resources, [`default()`] → [`validate`] or [`validate_update`].

pub mod builtin;
pub mod bundle;
mod check_types;
mod constraints;
pub mod crd;
mod default;
mod format;
mod go_time;
mod go_types;
mod graph;
mod list_type;
mod node;
mod normalise;
mod openapi;
pub(crate) mod openapi_v2;
mod prune;
pub mod quantity;
mod validate;

pub use builtin::BuiltinSchemas;
pub use check_types::{check_types, check_unstructured};
pub use constraints::Constraints;
pub use default::{Nulls, default};
pub(crate) use format::KNOWN as KNOWN_FORMATS;
pub use go_types::GoTypes;
pub use kubewright_cel::Pattern;
pub use node::{Field, GoField, Gvk, ListType, MapType, Node, NodeId, NodeKind, Omit, SchemaSet, TypeRef};
pub use normalise::{decoded, normalise};
pub use openapi::CompileError;
pub use prune::{prune, unknown_fields};
pub(crate) use validate::validate_keywords;
pub use validate::{validate, validate_status_update, validate_update};
