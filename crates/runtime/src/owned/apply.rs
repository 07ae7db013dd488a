//! One child: compared with what the cache has, and applied where that differs.

use std::time::Duration;

use kube::{
    api::{ApiResource, DynamicObject, GetParams, Patch, PatchParams},
    core::{Request, Resource},
};
use kubewright_cache::{ObjectRef, Stored};
use serde_json::Value;

use super::{
    ChildRef, Foreign,
    bond::{belongs, foreign},
    children::Child,
    memory::Target,
    waves::{Live, Ready},
};
use crate::{
    Context,
    context::Subject,
    readiness::Readiness,
    relations::{Interest, Read},
    stores::{covers, selects},
};

/// How long a reconcile waits for the watch of an object that is not ours.
const WATCH_BEGINS: Duration = Duration::from_secs(10);

/// A child that is complete, and its name.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) object: ObjectRef,
    pub(super) child: Child,
}

/// What became of one child, with the state that it is in now.
pub(super) enum Done {
    Applied(Value),
    Unchanged(Value),
    Waiting,
    Refused(Foreign),
}

/// A request for a child failed.
#[derive(Debug, thiserror::Error)]
#[error("{child} could not be {verb}")]
pub(super) struct ChildError {
    pub(super) child: ChildRef,
    pub(super) verb: &'static str,
    pub(super) source: kube::Error,
}

impl ChildError {
    pub(super) fn is_not_found(&self) -> bool {
        matches!(&self.source, kube::Error::Api(status) if status.is_not_found())
    }
}

impl Wanted {
    pub(super) fn reference(&self) -> ChildRef {
        ChildRef { kind: self.child.resource.kind.clone(), object: self.object.clone() }
    }

    pub(super) fn is(&self, resource: &ApiResource, object: &ObjectRef) -> bool {
        self.object == *object && same_kind(&self.child.resource, resource)
    }
}

impl Context {
    pub(super) async fn apply(&self, subject: &Subject, wanted: &Wanted) -> Result<Done, ChildError> {
        let Wanted { object, child } = wanted;
        if deleting(&subject.stored) {
            return Ok(Done::Waiting);
        }
        let uid = subject.stored.uid();
        let mut noted = false;
        let state = loop {
            let state = match self.controller.stores.get(&child.resource, object) {
                Some(stored) if deleting(&stored) && belongs(&stored, uid) => return Ok(Done::Waiting),
                Some(stored) => Some(stored.tree()),
                None => self.live(object, &child.resource).await?,
            };
            let taken = state.as_ref().and_then(|live| foreign(live, uid, object, &child.resource.kind));
            match taken {
                None => break state,
                Some(foreign) if noted => return Ok(Done::Refused(foreign)),
                // Its going is to be heard of. It may have gone before that was said, so it is looked for again.
                Some(_) => self.hear_of(wanted).await,
            }
            noted = true;
        };
        let target = Target::new(&child.resource, object.clone(), "");
        let mut patch = child.tree.clone();
        let params = PatchParams::apply(&self.controller.field_manager);
        let params = match state {
            // It must not be there, so there is nothing to force.
            None => params,
            Some(live) => {
                if self.controller.memory.settled(&target, &child.tree, &live, &self.controller.field_manager) {
                    return Ok(Done::Unchanged(live));
                }
                // Another object of the name, made a moment ago, is refused by the server.
                patch["metadata"]["uid"] = live["metadata"]["uid"].clone();
                params.force()
            }
        };
        let request = Request::new(path(&child.resource, object)).patch(&object.name, &params, &Patch::Apply(&patch));
        let answer = self.request(object, &child.resource.kind, "applied", request).await?;
        self.controller.memory.applied(target, &child.tree, &answer, &self.controller.field_manager);
        tracing::debug!(kind = child.resource.kind, %object, "child applied");
        Ok(Done::Applied(answer))
    }

    /// Whether a child is ready. If not, its changes wake the key, whatever the predicates of its watch are.
    pub(super) fn judge(&self, wanted: &Wanted, live: &mut Live, ready: &Ready) -> Readiness {
        let readiness = ready(live);
        if readiness.is_ready() {
            return readiness;
        }
        self.note_child(wanted);
        // What has changed before that was said is in the cache.
        let version =
            |tree: &Value| tree["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse::<u64>().ok());
        match self.controller.stores.get(&wanted.child.resource, &wanted.object).map(|stored| stored.tree()) {
            Some(newer) if version(&newer) > version(&live.tree) => {
                live.tree = newer;
                ready(live)
            }
            _ => readiness,
        }
    }

    /// Notes a child that is somebody else's, and watches it if the declared watches leave it out, by its labels for example.
    async fn hear_of(&self, wanted: &Wanted) {
        self.note_child(wanted);
        let Wanted { object, child } = wanted;
        let stores = &self.controller.stores;
        let mut of_kind = stores.of(&child.resource.group, &child.resource.plural);
        if stores.get(&child.resource, object).is_some()
            || of_kind.any(|store| !selects(&store.scope) && covers(&store.scope, object))
        {
            return;
        }
        match self.tracker.on_demand_object(&child.resource, object) {
            // What goes before the watch begins is found by looking again after it. One that can't begin makes the
            // readiness fail, by its name.
            Ok(store) => _ = tokio::time::timeout(WATCH_BEGINS, store.informer.wait_synced()).await,
            Err(error) => tracing::warn!(%object, %error, "can't watch what is not ours"),
        }
    }

    fn note_child(&self, wanted: &Wanted) {
        let read = Read::Object(wanted.object.clone());
        self.tracker.note(Interest::new(None, &wanted.child.resource, read));
    }

    /// The object as the server has it.
    pub(super) async fn live(&self, object: &ObjectRef, resource: &ApiResource) -> Result<Option<Value>, ChildError> {
        let request = Request::new(path(resource, object)).get(&object.name, &GetParams::default());
        match self.request(object, &resource.kind, "read", request).await {
            Ok(live) => Ok(Some(live)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn request(
        &self,
        object: &ObjectRef,
        kind: &str,
        verb: &'static str,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, ChildError> {
        let answer = match request {
            Ok(request) => self.client().request::<Value>(request).await,
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        answer.map_err(|source| {
            let child = ChildRef { kind: kind.to_string(), object: object.clone() };
            ChildError { child, verb, source }
        })
    }
}

pub(super) fn same_kind(one: &ApiResource, other: &ApiResource) -> bool {
    one.group == other.group && one.plural == other.plural
}

pub(super) fn path(resource: &ApiResource, object: &ObjectRef) -> String {
    DynamicObject::url_path(resource, object.namespace.as_deref())
}

pub(crate) fn deleting(stored: &Stored) -> bool {
    stored.deletion_timestamp().is_some()
}
