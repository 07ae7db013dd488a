//! The Common Expression Language as Kubernetes 1.36 speaks it: its types, its libraries, its costs.
//!
//! ```text
//! text ─parse→ tree ─check (types, overloads)→ ─literals→ ─estimate (most it may cost)→ ─plan→ Program
//!                        ↑ Environment: variables and their schemas                            │
//!                                                    Bindings: JSON, read piece by piece ─→ evaluate → value and cost
//! ```
//!
//! The parser is the `cel` crate's; what comes after it is here, because that crate has no type checker and no costs.
//! Nothing in here knows of a cluster: the schema of a value is a [`Schema`], JSON is `serde_json::Value`.

mod admission;
mod ast;
mod check;
mod cost;
mod environment;
mod error;
mod escape;
mod estimate;
mod evaluate;
mod functions;
mod library;
mod literals;
mod operators;
mod parse;
mod pattern;
mod plan;
mod program;
mod schema;
mod types;
mod unify;
mod value;

pub use admission::{admission_environment, namespace_schema, request_schema, typed_admission_environment};
pub use environment::Environment;
pub use error::{CompileError, EvaluationError, Issues};
pub use escape::{escape, unescape};
pub use estimate::Range;
pub use library::Extension;
pub use library::authorizer::{AuthorizationAttributes, AuthorizationDecision, Authorizer, Question};
pub use library::names::Format;
pub use library::net::{Cidr, Url};
pub use library::patch::Message;
pub use library::quantity::Quantity;
pub use pattern::Pattern;
pub use program::{Bindings, Evaluation, Program};
pub use schema::{Merge, ObjectSchema, Schema, SchemaKind, UNNAMED};
pub use types::Type;
pub use value::{Key, LazyFields, List, Map, Text, Value};
