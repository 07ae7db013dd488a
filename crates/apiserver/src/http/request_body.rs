//! The bodies of requests, up to a limit.

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::status::{ApiError, ApiResult};

/// Most bytes that a body may have: what a real server takes.
const LIMIT: usize = 3 * 1024 * 1024;

/// A body that is not read yet.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Reads a body whole.
pub(crate) async fn read_body(mut body: RequestBody, headers: &HeaderMap) -> ApiResult<Bytes> {
    let announced = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > LIMIT) {
        return Err(too_large());
    }
    // Most bodies are one chunk, which is taken as it is.
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| ApiError::bad_request(format!("the body of the request could not be read: {error}")))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&chunk);
        }
        if first.len() + all.len() > LIMIT {
            return Err(too_large());
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

fn too_large() -> ApiError {
    ApiError::too_large(format!("Request entity too large: limit is {LIMIT}"))
}
