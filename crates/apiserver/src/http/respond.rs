//! Answers on their way out: Status for errors, YAML, indented JSON, gzip, and the headers of every answer.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use super::accept::{Accept, Offer};
use super::body::{Body, Chunks};
use super::protobuf_write::encode_protobuf;
use super::query::Query;
use crate::server::Core;
use crate::status::ApiError;
use crate::verbs::{self, Content, Reply};

/// Answers above this size are compressed for clients that take it, as by a real server.
const GZIP_FROM: usize = 128 * 1024;
const GZIP_LEVEL: u32 = 1;
const JSON: &str = "application/json";
/// The forms of a watch.
const STREAMS: &str = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
/// What is not about a resource, such as discovery, is JSON or YAML.
const DOCUMENTS: Offer = Offer { shapes: true, stream: false, protobuf: false, custom: true };
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What is to be known of a request when it is answered.
pub(super) struct Asked {
    core: Arc<Core>,
    audit_id: String,
    pretty: bool,
    gzip: bool,
    yaml: bool,
    protobuf: bool,
    /// Refusals have a form in protobuf whatever they are about.
    protobuf_refusals: bool,
}

impl Asked {
    pub(super) fn of(core: &Arc<Core>, parts: &Parts, query: &Query) -> Self {
        let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let agent = header(header::USER_AGENT).unwrap_or_default();
        let pretty = match query.get("pretty") {
            Some(text) if !text.is_empty() => matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True"),
            // Tools that people read the output of.
            _ => ["curl", "Wget", "Mozilla/5.0"].iter().any(|tool| agent.starts_with(tool)),
        };
        let offer = offer(core, parts);
        let accept = Accept::negotiate(&parts.headers, offer.unwrap_or(DOCUMENTS)).unwrap_or_default();
        let refusals = offer.map(|offer| Accept::negotiate(&parts.headers, Offer { protobuf: true, ..offer }));
        let audit_id = header(HeaderName::from_static("audit-id")).map(str::to_string);
        Self {
            core: core.clone(),
            audit_id: audit_id.unwrap_or_else(|| core.env.random.uuid()),
            pretty,
            gzip: header(header::ACCEPT_ENCODING).is_some_and(|encodings| {
                encodings.split(',').any(|e| e.split(';').next().unwrap_or_default().trim() == "gzip")
            }),
            yaml: accept.yaml,
            protobuf: accept.protobuf,
            protobuf_refusals: matches!(refusals, Some(Ok(accept)) if accept.protobuf),
        }
    }
}

/// The response to a request that could be answered. `classified`: the request was given a priority.
pub(super) fn reply(asked: &Asked, reply: Reply, warnings: &[String], classified: bool) -> Response<Body> {
    let Reply { code, content, headers } = reply;
    let mut response = match content {
        Content::Json(bytes) => document(asked, bytes, asked.protobuf),
        Content::JsonChunks { length, chunks } => large_document(asked, length, chunks),
        Content::PackedChunks { length, chunks } if asked.gzip && length > GZIP_FROM => {
            zipped(PROTOBUF, Body::chunks(gzipped(chunks)))
        }
        Content::PackedChunks { chunks, .. } => typed(PROTOBUF, Body::chunks(chunks)),
        Content::Watch(_) if asked.yaml => {
            return error(asked, &ApiError::not_acceptable(STREAMS), warnings, true);
        }
        Content::Watch(chunks) if asked.protobuf => {
            typed("application/vnd.kubernetes.protobuf;stream=watch", Body::chunks(chunks))
        }
        Content::Watch(chunks) => typed("application/json", Body::chunks(chunks)),
        Content::Stream { media_type, chunks } => typed(media_type, Body::chunks(chunks)),
        Content::Compressed { media_type, bytes } => compressed(asked, media_type, bytes),
        Content::Other { media_type, bytes } => typed(media_type, Body::whole(bytes)),
    };
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    common_headers(asked, &mut response, warnings, classified);
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The response to a request that failed. `classified`: the client is known, so the request was given a priority.
pub(super) fn error(asked: &Asked, error: &ApiError, warnings: &[String], classified: bool) -> Response<Body> {
    let mut response = document(asked, error.to_status().to_string().into(), asked.protobuf_refusals);
    *response.status_mut() = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    common_headers(asked, &mut response, warnings, classified);
    let retry = error.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry > 0 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry));
    }
    response
}

fn typed(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    if !media_type.is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

/// The forms of the resource that a path names, as far as protobuf is asked for; none for what is no resource.
fn offer(core: &Core, parts: &Parts) -> Option<Offer> {
    let wanted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok())?;
    if !wanted.contains("protobuf") {
        return None;
    }
    let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    // Discovery stands above the resources.
    let group = match path.as_slice() {
        ["api", "v1", _, ..] => "",
        ["apis", group, _, _, ..] => *group,
        _ => return None,
    };
    core.registry.resources().iter().find(|resource| resource.group == group).map(|resource| verbs::offer(resource))
}

/// A JSON document in protobuf; none for what has no such form, such as discovery.
fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    encode_protobuf(&serde_json::from_slice(bytes).ok()?)
}

fn document(asked: &Asked, bytes: Bytes, protobuf: bool) -> Response<Body> {
    if asked.yaml {
        return typed("application/yaml", Body::whole(yaml(&bytes)));
    }
    let (media_type, bytes) = match protobuf.then(|| packed(&bytes)).flatten() {
        Some(packed) => (PROTOBUF, Bytes::from(packed)),
        None if asked.pretty => (JSON, indented(&bytes).into()),
        None => (JSON, bytes),
    };
    compressed(asked, media_type, bytes)
}

/// The bytes, compressed if they are many and the client takes that.
fn compressed(asked: &Asked, media_type: &'static str, bytes: Bytes) -> Response<Body> {
    if asked.gzip && bytes.len() > GZIP_FROM {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
        // Writing to memory can't fail.
        if encoder.write_all(&bytes).is_ok()
            && let Ok(packed) = encoder.finish()
        {
            return zipped(media_type, Body::whole(packed));
        }
    }
    typed(media_type, Body::whole(bytes))
}

/// YAML for those who ask for it; what is not JSON stays as it is.
fn yaml(bytes: &[u8]) -> Vec<u8> {
    let tree: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
    let text = tree.ok().and_then(|tree| serde_saphyr::to_string(&tree).ok());
    text.map_or_else(|| bytes.to_vec(), String::into_bytes)
}

fn large_document(asked: &Asked, length: usize, chunks: Chunks) -> Response<Body> {
    if asked.yaml || asked.pretty || asked.protobuf {
        let (yaml_wanted, pretty, protobuf) = (asked.yaml, asked.pretty, asked.protobuf);
        let whole = futures::stream::once(async move {
            let parts: Vec<Bytes> = chunks.collect().await;
            let bytes = parts.concat();
            if protobuf {
                // What was stored has a form; an empty body would be an error for the client.
                Bytes::from(packed(&bytes).unwrap_or_default())
            } else if yaml_wanted {
                Bytes::from(yaml(&bytes))
            } else if pretty {
                indented(&bytes).into()
            } else {
                bytes.into()
            }
        });
        let media_type = match (asked.protobuf, asked.yaml) {
            (true, _) => PROTOBUF,
            (_, true) => "application/yaml",
            _ => JSON,
        };
        return typed(media_type, Body::chunks(Box::pin(whole)));
    }
    if asked.gzip && length > GZIP_FROM {
        return zipped(JSON, Body::chunks(gzipped(chunks)));
    }
    typed("application/json", Body::chunks(chunks))
}

fn gzipped(chunks: Chunks) -> Chunks {
    let encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    Box::pin(futures::stream::unfold((chunks, Some(encoder)), |(mut chunks, encoder)| async move {
        let mut encoder = encoder?;
        loop {
            match chunks.next().await {
                Some(chunk) => {
                    // Writing to memory can't fail.
                    encoder.write_all(&chunk).ok()?;
                    let out = std::mem::take(encoder.get_mut());
                    if !out.is_empty() {
                        return Some((Bytes::from(out), (chunks, Some(encoder))));
                    }
                }
                None => return Some((Bytes::from(encoder.finish().ok()?), (chunks, None))),
            }
        }
    }))
}

fn zipped(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = typed(media_type, body);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn common_headers(asked: &Asked, response: &mut Response<Body>, warnings: &[String], classified: bool) {
    let headers = response.headers_mut();
    let mut put = |name: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("audit-id", &asked.audit_id);
    put("cache-control", "no-cache, private");
    if classified {
        put("x-kubernetes-pf-flowschema-uid", &asked.core.flow_schema_uid);
        put("x-kubernetes-pf-prioritylevel-uid", &asked.core.priority_level_uid);
    }
    for warning in warnings {
        // RFC 7234, section 5.5: code, agent, quoted text.
        let quoted = serde_json::Value::from(warning.as_str()).to_string();
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {quoted}")) {
            headers.append(header::WARNING, value);
        }
    }
}

/// The same JSON with two spaces of indentation, its members in their order.
fn indented(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let (mut in_string, mut escaped) = (false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth * 2, b' ');
    };
    for (at, &byte) in json.iter().enumerate() {
        if in_string {
            out.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                if !matches!(json.get(at + 1), Some(b'}' | b']')) {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                if !matches!(json.get(at.wrapping_sub(1)), Some(b'{' | b'[')) {
                    depth = depth.saturating_sub(1);
                    line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b' ' | b'\n' | b'\t' | b'\r' => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_is_that_of_serde_json() {
        let tree = serde_json::json!({"a": [], "b": {}, "c": [1, {"d": "x,:{}\"\\"}], "e": null});
        let expected = serde_json::to_string_pretty(&tree).unwrap();
        assert_eq!(String::from_utf8(indented(tree.to_string().as_bytes())).unwrap(), expected);
    }
}
