//! The Kubernetes API in process.
//!
//! How a request flows:
//!
//! ```text
//! http/ ─request→ verbs/ ─resolve→ registry/ ─kind, schema, strategy─┐
//!                   │                                                │
//!                   │ write: decode → patch/ or apply/ → schema/ (unknown fields, prune, default, validate)
//!                   │        → apply/ (managedFields) → admission/ → kinds/ (strategy of the kind) → admission/ → store/
//!                   └ read:  store/ → bytes as they lie there, or table/ on demand
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`status`] | errors as the API reports them: `Status` with code, reason, message, details |
//! | [`field`] | field paths and field errors, in Kubernetes' wording |
//! | [`schema`] | types of objects as a compact graph; checks, pruning and defaulting that walk it |
//! | [`store`] | MVCC store: encoded bytes by revision, watch log, persistence |
//! | [`apply`] | server-side apply: field sets, merge, managedFields |
//! | [`patch`] | JSON patch, merge patch, strategic merge patch |
//! | [`kinds`] | what the built-in kinds do beyond their schema: defaults, validation, status separation |
//! | `admission` | what may be written beyond the rules of the kind: webhooks and the built-in plugins |
//! | [`quota`] | what objects use of the resources that a ResourceQuota limits |
//! | `webhook` | calls to webhooks over HTTPS |
//! | [`table`] | printing of objects as rows |
//! | [`crd`] | custom resource definitions: from their manifest to a served resource |
//! | `cel` | validation rules of custom resources |
//! | [`registry`] | which resources are served, and by what schema, strategy and columns |
//! | [`discovery`] | `/api`, `/apis`, `/openapi/v2` and `/openapi/v3` |
//! | [`selector`] | label and field selectors |
//! | [`mod@env`] | time and randomness, passed in |
//! | `verbs` | create, get, list, watch, update, patch, delete |
//! | `http` | TLS, request parsing, content negotiation, the tower service |
//! | `auth` | certificates, tokens, who is asking |
//! | `authorization` | who may do what: roles, bindings, impersonation |
//! | `server` | start and end, first objects, the life of custom resource definitions |
//!
//! Start with [`ApiServer::start`].

mod admission;
pub mod apply;
mod auth;
mod authorization;
mod cel;
pub mod crd;
pub mod discovery;
pub mod env;
pub mod field;
mod go_text;
mod http;
pub mod kinds;
pub mod patch;
pub mod quota;
pub mod registry;
pub mod schema;
pub mod selector;
mod server;
pub mod status;
pub mod store;
pub mod table;
mod verbs;
mod webhook;

pub use admission::{AdmissionOptions, ExpressionWarning, PluginError, PolicyTypeCheck};
pub use auth::{PkiError, ServiceAccountOptions, User};
pub use authorization::AuthorizationMode;
pub use http::{Body, InProcess, SNAPSHOT_PATH, decode_protobuf, decode_yaml, encode_protobuf};
pub use server::{ApiServer, Options, ServingCertificate, StartError};
