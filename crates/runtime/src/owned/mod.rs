//! Owned sets: a reconcile says which children an object should have, and the runtime makes it so.
//!
//! ```text
//! Children ─→ children (complete, with owner reference) ─→ compare with the cached child ─┬ same: no request
//!                                                                                         ├ not ours: refused
//!                                                                                         └ else: server-side apply
//! cached children that are ours and not wanted ─→ delete
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `children` | [`Children`]: what is wanted, and what is made of it |
//! | `compare` | whether an apply would change anything, from managedFields |
//! | `memory` | the same for values that the server stores in another form |

mod children;
pub(crate) mod compare;
pub(crate) mod memory;

use std::{collections::BTreeSet, fmt};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use kube::{
    api::{ApiResource, DeleteParams, DynamicObject, GetParams, Patch, PatchParams, Preconditions},
    core::{Request, Resource},
};
use kubewright_cache::{ObjectRef, Stored};
use serde_json::Value;

use self::{children::Child, memory::Target};
use crate::{Context, Error, context::Subject};

pub use self::children::Children;
pub(crate) use self::children::remove_nulls;

/// Requests that one [`Context::own`] has under way at the same time.
const PARALLEL: usize = 8;

/// What [`Context::own`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// Children that were created or changed.
    pub applied: Vec<ChildRef>,
    /// Children that were right already: nothing was sent for them.
    pub unchanged: Vec<ChildRef>,
    /// Children that were deleted, because they are not wanted any more.
    pub pruned: Vec<ChildRef>,
    /// Children that could not be applied yet: they, or their owner, are being deleted.
    pub waiting: Vec<ChildRef>,
    /// Children whose name is taken by an object that is not ours. It was left alone.
    pub refused: Vec<Foreign>,
}

/// A child, by its kind and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace and name.
    pub object: ObjectRef,
}

impl fmt::Display for ChildRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.object)
    }
}

/// The name of a child is taken by an object that the owner does not control.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{child} exists and is not ours: {}; delete or rename one of the two", match controller {
    Some(controller) => format!("it is controlled by {controller}"),
    None => "nothing controls it".to_string(),
})]
pub struct Foreign {
    /// The child that was wanted.
    pub child: ChildRef,
    /// Kind and name of the controller of the object that is there, if it has one.
    pub controller: Option<String>,
}

/// A request for a child failed.
#[derive(Debug, thiserror::Error)]
#[error("{child} could not be {verb}")]
struct ChildError {
    child: ChildRef,
    verb: &'static str,
    source: kube::Error,
}

/// What became of one child.
enum Done {
    Applied,
    Unchanged,
    Waiting,
    Refused(Foreign),
}

impl Context {
    /// Makes the children of the object exactly these, among the kinds that the controller declared with
    /// [`owns`](crate::Controller::owns).
    ///
    /// - A child gets an owner reference to the object (`controller: true`), so that it goes when the object goes, and
    ///   the object's namespace if it names none.
    /// - A child that is right already costs no request. Otherwise it is sent by server-side apply, with force: drift of
    ///   the fields given is repaired, fields that were given before and no longer are get removed, and what others set
    ///   survives.
    /// - A cached child of the object that is not among them is deleted, if it has not changed meanwhile. An empty set
    ///   deletes all children of the declared kinds; hence one call says everything that is wanted.
    /// - An object of the same name that the owner does not control is never touched: it is in [`Owned::refused`]. That
    ///   is asked from the server before a child is created, so that a cache which lags does not matter.
    /// - While the object is being deleted nothing is applied: its children are about to go.
    ///
    /// ```
    /// # use k8s_openapi::api::networking::v1::Ingress;
    /// # use kubewright_runtime::{Context, Error};
    /// # async fn example(ctx: &Context, wanted: Option<Ingress>) -> Result<(), Error> {
    /// let owned = ctx.own(wanted).await?;
    /// for foreign in &owned.refused {
    ///     ctx.warning("NameTaken", foreign.to_string());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Terminal for children that can't work: a kind that was not declared, no name, another namespace than the
    /// owner's, two of the same name. Otherwise the first error of the server, after all children have been tried.
    pub async fn own(&self, children: impl Into<Children>) -> Result<Owned, Error> {
        self.own_all(children.into()).await
    }

    async fn own_all(&self, children: Children) -> Result<Owned, Error> {
        let subject = self.subject()?;
        let wanted = self.prepare(subject, children)?;
        let mut owned = Owned::default();
        let mut fault = None;
        let applies: Vec<BoxFuture<'_, Result<Done, ChildError>>> =
            wanted.iter().map(|(object, child)| self.apply(subject, object, child).boxed()).collect();
        let mut results = stream::iter(applies).buffered(PARALLEL).zip(stream::iter(&wanted));
        while let Some((result, (object, child))) = results.next().await {
            let child = ChildRef { kind: child.resource.kind.clone(), object: object.clone() };
            match result {
                Ok(Done::Applied) => owned.applied.push(child),
                Ok(Done::Unchanged) => owned.unchanged.push(child),
                Ok(Done::Waiting) => owned.waiting.push(child),
                Ok(Done::Refused(foreign)) => owned.refused.push(foreign),
                Err(error) => note(&mut fault, error),
            }
        }
        drop(results);
        self.prune(subject, &wanted, &mut owned, &mut fault).await;
        match fault {
            Some(error) => Err(error.into()),
            None => Ok(owned),
        }
    }

    fn prepare(&self, subject: &Subject, children: Children) -> Result<Vec<(ObjectRef, Child)>, Error> {
        let Children { children, fault } = children;
        if let Some(fault) = fault {
            return Err(Error::terminal(format!("a child can't be encoded: {fault}")));
        }
        let owner = children::Owner {
            resource: &subject.resource,
            reference: subject.stored.reference(),
            uid: subject.stored.uid(),
        };
        let mut wanted: Vec<(ObjectRef, Child)> = Vec::new();
        for mut child in children {
            let kind = child.resource.kind.clone();
            let declared = self.controller.owned.iter().any(|owned| same_kind(owned, &child.resource));
            let store = self.controller.stores.first(&child.resource).filter(|_| declared);
            let Some(store) = store else {
                let name = &self.controller.name;
                let what = format!("controller {name} does not own {kind}: add .owns(Watch::<{kind}>::all()) to it");
                return Err(Error::terminal(what));
            };
            let object = child.prepare(&owner, store.namespaced)?;
            if contains(&wanted, &child.resource, &object) {
                return Err(Error::terminal(format!("{kind} {object} is twice among the children")));
            }
            wanted.push((object, child));
        }
        Ok(wanted)
    }

    async fn apply(&self, subject: &Subject, object: &ObjectRef, child: &Child) -> Result<Done, ChildError> {
        if deleting(&subject.stored) {
            return Ok(Done::Waiting);
        }
        let uid = subject.stored.uid();
        let state = match self.controller.stores.get(&child.resource, object) {
            Some(stored) if deleting(&stored) && controls(&stored, uid) => return Ok(Done::Waiting),
            Some(stored) => Some(stored.tree()),
            None => self.live(object, &child.resource).await?,
        };
        let target = Target::new(&child.resource, object.clone(), "");
        let mut patch = child.tree.clone();
        let params = PatchParams::apply(&self.controller.field_manager);
        let params = match &state {
            // It must not be there, so there is nothing to force.
            None => params,
            Some(live) => {
                if let Some(foreign) = foreign(live, uid, object, &child.resource.kind) {
                    return Ok(Done::Refused(foreign));
                }
                if self.controller.memory.settled(&target, &child.tree, live, &self.controller.field_manager) {
                    return Ok(Done::Unchanged);
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
        Ok(Done::Applied)
    }

    /// The object as the server has it.
    async fn live(&self, object: &ObjectRef, resource: &ApiResource) -> Result<Option<Value>, ChildError> {
        let request = Request::new(path(resource, object)).get(&object.name, &GetParams::default());
        match self.request(object, &resource.kind, "read", request).await {
            Ok(live) => Ok(Some(live)),
            Err(ChildError { source: kube::Error::Api(status), .. }) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn prune(
        &self,
        subject: &Subject,
        wanted: &[(ObjectRef, Child)],
        owned: &mut Owned,
        fault: &mut Option<ChildError>,
    ) {
        let uid = subject.stored.uid();
        let mut seen = BTreeSet::new();
        for resource in &self.controller.owned {
            for store in self.controller.stores.of(&resource.group, &resource.plural) {
                for stored in store.informer.owned_by(uid) {
                    let object = stored.reference();
                    let child = ChildRef { kind: resource.kind.clone(), object: object.clone() };
                    let keep = contains(wanted, resource, object) || deleting(&stored) || !controls(&stored, uid);
                    if keep || !seen.insert((&resource.plural, child.clone())) {
                        continue;
                    }
                    let preconditions = Preconditions {
                        uid: Some(stored.uid().to_string()),
                        resource_version: Some(stored.resource_version().to_string()),
                    };
                    let params = DeleteParams::background().preconditions(preconditions);
                    let request = Request::new(path(resource, object)).delete(&object.name, &params);
                    match self.request(object, &resource.kind, "deleted", request).await {
                        Ok(_) => {
                            tracing::debug!(%child, "child pruned");
                            owned.pruned.push(child);
                        }
                        Err(ChildError { source: kube::Error::Api(status), .. }) if status.is_not_found() => {}
                        Err(error) => note(fault, error),
                    }
                }
            }
        }
    }

    async fn request(
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

fn same_kind(one: &ApiResource, other: &ApiResource) -> bool {
    one.group == other.group && one.plural == other.plural
}

fn contains(wanted: &[(ObjectRef, Child)], resource: &ApiResource, object: &ObjectRef) -> bool {
    wanted.iter().any(|(wanted, child)| wanted == object && same_kind(&child.resource, resource))
}

/// Keeps the first error; the others are in the log.
fn note(fault: &mut Option<ChildError>, error: ChildError) {
    match fault {
        None => *fault = Some(error),
        Some(_) => tracing::warn!(error = %Error::from(error), "another child failed too"),
    }
}

fn path(resource: &ApiResource, object: &ObjectRef) -> String {
    DynamicObject::url_path(resource, object.namespace.as_deref())
}

pub(crate) fn deleting(stored: &Stored) -> bool {
    stored.deletion_timestamp().is_some()
}

fn controls(stored: &Stored, uid: &str) -> bool {
    stored.owners().iter().any(|owner| owner.controller == Some(true) && *owner.uid == *uid)
}

/// Whether the owner of this uid does not control the object.
fn foreign(live: &Value, uid: &str, object: &ObjectRef, kind: &str) -> Option<Foreign> {
    let references = live.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let controller = references.into_iter().flatten().find(|reference| reference["controller"] == true);
    if controller.is_some_and(|controller| controller["uid"] == uid) {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    Some(Foreign {
        child: ChildRef { kind: kind.to_string(), object: object.clone() },
        controller: controller.map(|controller| format!("{} {}", text(&controller["kind"]), text(&controller["name"]))),
    })
}
