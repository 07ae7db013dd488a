//! A request for a resource, and the answer to it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::Value;

use super::Conversions;
use crate::auth::User;
use crate::http::{Accept, Chunks, Offer, Query, RequestBody, read_body};
use crate::registry::Resource;
use crate::server::Core;
use crate::status::ApiResult;

/// A request for a resource.
pub(crate) struct Call {
    /// The server that it is made to.
    pub core: Arc<Core>,
    /// Who makes it.
    pub user: Arc<User>,
    /// What is asked for.
    pub resource: Arc<Resource>,
    /// Empty for cluster-scoped resources and lists over all namespaces.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
    /// GET, POST, …
    pub method: Method,
    /// The parameters.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, until it is read.
    pub body: Option<RequestBody>,
    /// Texts for `Warning:` headers.
    pub warnings: Vec<String>,
    /// Conversions by webhook that functions need that can't wait for them.
    pub conversions: Conversions,
}

impl Call {
    /// Reads the body.
    pub(crate) async fn read_body(&mut self) -> ApiResult<Bytes> {
        match self.body.take() {
            Some(body) => read_body(body, &self.headers).await,
            None => Ok(Bytes::new()),
        }
    }

    /// In which form the answer is wanted.
    pub(crate) fn accept(&self) -> ApiResult<Accept> {
        let stream = self.method == Method::GET && self.name.is_empty();
        Accept::negotiate(&self.headers, Offer { stream, ..offer(&self.resource) })
    }

    /// Who owns the fields that the request writes: what it says, or the first part of its user agent.
    pub(crate) fn field_manager(&self, given: &str) -> String {
        if !given.is_empty() {
            return given.to_string();
        }
        let agent = self.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let manager = agent.unwrap_or_default().split('/').next().unwrap_or_default();
        // The real server cuts it at 128 bytes, and calls a client without a user agent so.
        if manager.is_empty() { "unknown".into() } else { manager.chars().take(128).collect() }
    }

    /// The time now, for timestamps.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.core.env.clock.now()
    }
}

/// The forms of a resource. Custom ones have no protobuf on the real server either.
pub(crate) fn offer(resource: &Resource) -> Offer {
    let custom = resource.is_custom();
    Offer { shapes: true, stream: false, protobuf: !custom, custom }
}

/// The answer to a request.
pub(crate) struct Reply {
    /// HTTP status code.
    pub code: u16,
    /// What is sent.
    pub content: Content,
    /// Headers beyond those of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What an answer holds.
pub(crate) enum Content {
    /// One JSON document.
    Json(Bytes),
    /// A large JSON document, made while it is sent.
    JsonChunks {
        /// Its size in bytes.
        length: usize,
        /// Its parts.
        chunks: Chunks,
    },
    /// A large protobuf document, made while it is sent.
    PackedChunks {
        /// About its size in bytes.
        length: usize,
        /// Its parts.
        chunks: Chunks,
    },
    /// Events until the client goes or the watch ends: one JSON document a line, or in protobuf where that is asked for.
    Watch(Chunks),
    /// Bytes that are made while they are sent.
    Stream {
        /// `Content-Type`.
        media_type: &'static str,
        /// Their parts.
        chunks: Chunks,
    },
    /// A document in a form of its own, compressed for clients that take it.
    Compressed {
        /// `Content-Type`.
        media_type: &'static str,
        /// The document.
        bytes: Bytes,
    },
    /// Anything else.
    Other {
        /// `Content-Type`.
        media_type: &'static str,
        /// The bytes.
        bytes: Bytes,
    },
}

impl Reply {
    /// A JSON document.
    pub(crate) fn json(code: u16, bytes: impl Into<Bytes>) -> Self {
        Self { code, content: Content::Json(bytes.into()), headers: Vec::new() }
    }

    /// A tree.
    pub(crate) fn tree(code: u16, tree: &Value) -> Self {
        Self::json(code, tree.to_string())
    }

    /// Plain text.
    pub(crate) fn text(code: u16, text: impl Into<Bytes>) -> Self {
        let content = Content::Other { media_type: "text/plain; charset=utf-8", bytes: text.into() };
        Self { code, content, headers: Vec::new() }
    }
}
