//! PUT of a namespace's `/finalize`: the one way to change the finalizers in its spec.

use serde_json::Value;

use super::call::{Call, Reply};
use super::{decode, namespaces, write};
use crate::http::WriteOptions;
use crate::status::{ApiError, ApiResult};

/// Replaces the finalizers of the namespace's spec.
pub(super) async fn finalize(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let options = WriteOptions::parse(&call.query, "UpdateOptions")?;
    let object = decode::body(call, options.field_validation).await?;
    namespaces::match_name(call, &object)?;
    let outcome = write::update(call, &options, false, &mut |call, old| {
        let Some(old) = old else {
            return Err(ApiError::not_found("", "namespaces", &call.name));
        };
        // Everything but the finalizers stays as it is.
        let mut new = old.clone();
        new["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        let finalizers = object["spec"]["finalizers"].clone();
        match finalizers.as_array() {
            Some(list) if !list.is_empty() => new["spec"]["finalizers"] = finalizers,
            _ => {
                if let Some(spec) = new["spec"].as_object_mut() {
                    spec.remove("finalizers");
                }
            }
        }
        if new["metadata"]["resourceVersion"] == Value::Null {
            new["metadata"]["resourceVersion"] = "".into();
        }
        Ok(new)
    })
    .await?;
    outcome.reply(call, accept)
}
