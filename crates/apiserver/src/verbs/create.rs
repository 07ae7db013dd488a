//! POST to a collection: a new object.

use super::call::{Call, Reply};
use super::{decode, write};
use crate::http::WriteOptions;
use crate::status::ApiResult;

/// Makes the object of the body.
pub(super) async fn create(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let object = decode::body(call, options.field_validation).await?;
    Ok(write::create(call, object, &options, false).await?.reply(call, accept))
}
