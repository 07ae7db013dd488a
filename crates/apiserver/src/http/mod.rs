//! From the socket, or a call in process, to a request that the verbs understand, and the answer back.
//!
//! ```text
//! listener (TLS, certificates) ─┐
//! in-process tower service ─────┴→ router: who is it, may they, what is asked for
//!                                    ├ health, metrics, discovery
//!                                    └ verbs → respond: Status, YAML, pretty, gzip, headers
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `path`, `query`, `options` | what a request asks for |
//! | `accept`, `decode` | content negotiation, bodies as trees |
//! | `protobuf`, `protobuf_write` | built-in kinds in protobuf, read and written |
//! | `protobuf_openapi` | the OpenAPI v2 document in protobuf |
//! | `protobuf_union` | the unions in schemas of definitions |
//! | `request_body`, `body` | the bodies of requests and answers |
//! | `router`, `health`, `respond` | the way through |
//! | `listener`, `service` | the two ways in |

pub(crate) mod accept;
mod body;
mod decode;
mod health;
mod listener;
mod options;
mod path;
mod protobuf;
pub(crate) mod protobuf_openapi;
mod protobuf_union;
mod protobuf_write;
mod query;
mod request_body;
mod respond;
mod router;
mod service;

pub use body::Body;
pub use protobuf_write::encode_protobuf;
pub use router::SNAPSHOT_PATH;
pub use service::InProcess;

pub(crate) use accept::{Accept, BodyFormat, Offer, Shape, media_type};
pub(crate) use body::Chunks;
pub(crate) use decode::{Decoded, json as decode_json_tree, yaml as decode_yaml_tree};
pub(crate) use listener::{ListenError, Listener};
pub(crate) use options::{DeleteOptions, FieldValidation, ListOptions, Propagation, VersionMatch, WriteOptions};
pub(crate) use protobuf::decode as decode_protobuf_tree;
pub(crate) use protobuf_write::{encode_message, item_head, list_end, list_head, put_event, watch_frame};
pub(crate) use query::Query;
pub(crate) use request_body::{RequestBody, read_body};

/// Reads the protobuf of a built-in kind, with its envelope, as a tree.
///
/// # Errors
/// What the real server says of bytes that are none, or of a kind that it does not know.
pub fn decode_protobuf(bytes: &[u8]) -> Result<serde_json::Value, String> {
    protobuf::decode(bytes).map(|decoded| decoded.value)
}

/// Reads YAML as a tree.
///
/// # Errors
/// What is wrong with it, and in which line.
pub fn decode_yaml(bytes: &[u8]) -> Result<serde_json::Value, String> {
    decode::yaml(bytes).map(|decoded| decoded.value)
}

/// Reads JSON as a tree; the error is the text that Go's decoder gives.
pub(crate) fn decode_json(bytes: &[u8]) -> Result<serde_json::Value, String> {
    decode::json(bytes).map(|decoded| decoded.value)
}
