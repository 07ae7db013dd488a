//! GET of one object: its bytes as they lie in the store.

use super::call::{Call, Reply};
use super::list::{self, parse_revision};
use super::{conversion, render};
use crate::status::{ApiError, ApiResult};
use crate::store::ObjectKey;
use crate::table::IncludeObject;

/// Answers with the object, or its status subresource, which has the same form.
pub(super) async fn get(call: &mut Call) -> ApiResult<Reply> {
    let accept = call.accept()?;
    if let Some(text) = call.query.get("resourceVersion") {
        let revision = parse_revision(text).map_err(|why| match list::is_cached(&call.resource) {
            true => ApiError::new(500, "", why),
            false => ApiError::bad_request(format!("invalid resource version: {why}")),
        })?;
        list::not_in_the_future(call, revision, list::is_cached(&call.resource))?;
    }
    let include = IncludeObject::parse(&call.query.text("includeObject"))?;
    let resource = call.resource.clone();
    let key = ObjectKey::new(&call.namespace, &call.name);
    match resource.collection().get(&key) {
        Some(stored) => {
            accept.check_metadata(false, &resource.go_type(""))?;
            let stored = conversion::served_one(&call.core.clone(), &resource, stored).await?;
            Ok(Reply::json(200, render::object(&resource, accept, include, &stored, call.now())))
        }
        None => Err(ApiError::not_found(&resource.group, &resource.plural, &call.name)),
    }
}
