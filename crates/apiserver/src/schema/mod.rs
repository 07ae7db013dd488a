//! Types of objects as a compact graph, and what walks it.
//!
//! A [`SchemaSet`] holds the nodes of one source (a built-in group-version, or one version of a CRD) in one vector;
//! nodes refer to each other by index, so recursive types (JSONSchemaProps) need no cycles of pointers.
//! A [`TypeRef`] is a node together with its set: what the rest of the crate passes around.
//!
//! `openapi` compiles the graph from OpenAPI v3 documents; CRDs compile it from their structural schema.

mod node;
mod openapi;

pub use node::{Field, ListType, MapType, Node, NodeId, NodeKind, SchemaSet, TypeRef};
pub use openapi::CompileError;
