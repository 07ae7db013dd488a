//! PUT: an object, or its status, replaced by the body.

use super::call::{Call, Reply};
use super::{decode, managed, namespaces, write};
use crate::http::WriteOptions;
use crate::status::ApiResult;

/// Replaces the object by that of the body.
pub(super) async fn update(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let options = WriteOptions::parse(&call.query, "UpdateOptions")?;
    let mut object = decode::body(call, options.field_validation).await?;
    namespaces::match_name(call, &object)?;
    namespaces::match_namespace(call, &mut object)?;
    let manager = call.field_manager(&options.field_manager);
    let outcome = write::update(call, &options, false, &mut |call, old| {
        let mut new = object.clone();
        managed::track(call, &manager, &call.subresource, old, &mut new);
        Ok(new)
    })
    .await?;
    Ok(outcome.reply(call, accept))
}
