//! Removes old requests from outside of a controller: from a command, or a job.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, ObjectMeta, Preconditions},
};
use kubewright_runtime::{Error, ObjectRef};
use serde::de::DeserializeOwned;

use super::{Next, Recovery, Request, Rules, next};

/// Requests read at a time.
const PAGE: u32 = 500;

/// What a [`sweep`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The requests that were deleted.
    pub deleted: Vec<ObjectRef>,
    /// How many others there are.
    pub kept: usize,
}

/// Deletes the completed and failed requests that `api` reaches and that were finished at least `ttl` before `now`.
/// Others are not touched, nor is one that changes meanwhile; one that is gone already is no error.
///
/// It is the alternative to [`RequestOptions::ttl`](super::RequestOptions::ttl), for clusters where deletions are to be made at
/// certain times only, or with other rights than the operator's.
///
/// # Errors
/// Those of the API server. What was deleted before stays deleted; a second call goes on.
pub async fn sweep<R: Request>(api: &Api<R::Object>, ttl: Duration, now: Timestamp) -> Result<Swept, Error> {
    let rules = Rules { recovery: Recovery::Resume, ttl: Some(ttl), retry: ttl };
    let mut swept = Swept::default();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await?;
        for object in &page.items {
            let meta = object.meta();
            let created = meta.creation_timestamp.as_ref().map(|time| time.0);
            let due = R::status(object).is_some_and(|status| next(status, created, rules, now) == Next::Expire);
            if due && delete(api, meta).await? {
                let name = meta.name.as_deref().unwrap_or_default();
                swept.deleted.push(ObjectRef::new(meta.namespace.as_deref(), name));
            } else {
                swept.kept += 1;
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(swept),
        }
    }
}

/// Deletes the object of this metadata if it is still in this state. Tells whether it did.
pub(super) async fn delete<K>(api: &Api<K>, meta: &ObjectMeta) -> Result<bool, Error>
where
    K: Clone + DeserializeOwned + fmt::Debug,
{
    let preconditions = Preconditions { uid: meta.uid.clone(), resource_version: meta.resource_version.clone() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match api.delete(meta.name.as_deref().unwrap_or_default(), &params).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
