//! Status writes of requests: each on the condition that the request is still where it was seen.

use std::fmt;

use kube::{
    Resource,
    api::{DynamicObject, Patch, PatchParams},
    core::Request as ApiRequest,
};
use kubewright_runtime::{Context, Error};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Phase, Turn};

/// Tries of one write that always finds another version.
const TRIES: u32 = 8;

/// What became of a status write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// It was written.
    Written,
    /// Another was first: the step can't be taken any more.
    Overtaken,
    /// The request is gone.
    Gone,
}

/// The request could not be written, as others change it again and again.
#[derive(Debug, thiserror::Error)]
#[error("the status of {0} was changed by others {TRIES} times in a row while it was written")]
struct Busy(String);

/// A request as it was seen last, for writes to its status.
pub(super) struct Record<'a> {
    ctx: &'a Context,
    path: String,
    name: String,
    uid: String,
    version: Option<String>,
    phase: Phase,
}

impl<'a> Record<'a> {
    pub(super) fn new<K>(ctx: &'a Context, object: &K, phase: Phase) -> Self
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + fmt::Debug,
    {
        let meta = object.meta();
        Self {
            ctx,
            path: DynamicObject::url_path(&kube::api::ApiResource::erase::<K>(&()), meta.namespace.as_deref()),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone(),
            phase,
        }
    }

    /// Takes a step and writes `fields` of the status with it. Where somebody else has changed the object meanwhile, it is
    /// read again and the step taken from there, if it still can be; but a step which begins a run is not: what it was
    /// based on has to be looked at anew, so that is an error.
    pub(super) async fn write(&mut self, turn: Turn, mut fields: Value) -> Result<Recorded, Error> {
        for _ in 0..TRIES {
            let Some(after) = self.phase.step(turn) else { return Ok(Recorded::Overtaken) };
            fields["phase"] = json!(after);
            let patch = json!({"metadata": {"resourceVersion": self.version}, "status": fields});
            let params = PatchParams { field_manager: Some(self.ctx.field_manager().into()), ..PatchParams::default() };
            let request = ApiRequest::new(&self.path)
                .patch_subresource("status", &self.name, &params, &Patch::Merge(&patch))
                .map_err(kube::Error::BuildRequest)?;
            match self.ctx.client().request::<Value>(request).await {
                Ok(answer) => {
                    self.see(&answer);
                    return Ok(Recorded::Written);
                }
                Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Recorded::Gone),
                Err(error) if !conflict(&error) || matches!(turn, Turn::Begin | Turn::Reopen) => {
                    return Err(error.into());
                }
                Err(_) => {
                    if !self.read().await? {
                        return Ok(Recorded::Gone);
                    }
                }
            }
        }
        Err(Busy(self.name.clone()).into())
    }

    /// Looks at the object past the cache. Tells whether it is still there.
    async fn read(&mut self) -> Result<bool, Error> {
        let request =
            ApiRequest::new(&self.path).get(&self.name, &Default::default()).map_err(kube::Error::BuildRequest)?;
        match self.ctx.client().request::<Value>(request).await {
            Ok(answer) if answer["metadata"]["uid"] == *self.uid => {
                self.see(&answer);
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn see(&mut self, object: &Value) {
        self.version = object["metadata"]["resourceVersion"].as_str().map(str::to_string);
        self.phase = serde_json::from_value(object["status"]["phase"].clone()).unwrap_or_default();
    }
}

fn conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict())
}
