//! What a reconcile reads and writes through.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, api::ApiResource};
use kubewright_cache::{Caches, Informer, ObjectRef, Stored};

use crate::{
    Error, Reason,
    clock::Clock,
    events::{EventType, Note, Recorder},
    journal::Journal,
    owned::memory::Memory,
    stores::{NotWatched, Store, Stores},
    tracker::Tracker,
};

/// What a reconcile reads and writes through: the caches of the kinds that its controller watches, and a client.
///
/// Reads never leave the process. Writes that the reconcile makes through the context or its [client](Self::client) are
/// remembered: the key does not run again before the caches have seen them.
pub struct Context {
    pub(crate) controller: Arc<ControllerContext>,
    pub(crate) tracker: Arc<dyn Tracker>,
    subject: Option<Subject>,
    reason: Reason,
}

/// What all reconciles of a controller share.
pub(crate) struct ControllerContext {
    pub(crate) name: Arc<str>,
    pub(crate) field_manager: String,
    /// The cluster that the controller is at home in: client, caches and stores are of it.
    pub(crate) cluster: Arc<str>,
    pub(crate) client: Client,
    pub(crate) caches: Caches,
    pub(crate) stores: Stores,
    /// The other clusters of the manager.
    pub(crate) others: BTreeMap<Arc<str>, OtherCluster>,
    /// How many of them, from the first, are of the watch that the controller is for.
    pub(crate) mains: usize,
    /// The namespaces of the watch that the controller is for; empty: all.
    pub(crate) homes: BTreeSet<String>,
    /// The labels of what is watched because a reconcile reads it.
    pub(crate) on_demand_labels: Option<String>,
    /// Kinds whose objects are children.
    pub(crate) owned: Vec<ApiResource>,
    pub(crate) memory: Memory,
    pub(crate) recorder: Recorder,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A cluster that a controller is not at home in.
pub(crate) struct OtherCluster {
    pub(crate) client: Client,
    pub(crate) caches: Caches,
    pub(crate) stores: Stores,
}

/// The object that a reconcile is for.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) resource: ApiResource,
    pub(crate) stored: Stored,
}

impl ControllerContext {
    /// Those of all clusters.
    pub(crate) fn all_stores(&self) -> impl Iterator<Item = &Store> {
        self.stores.0.iter().chain(self.others.values().flat_map(|other| &other.stores.0))
    }

    pub(crate) fn stores_in(&self, cluster: &str) -> Option<&Stores> {
        if *cluster == *self.cluster { Some(&self.stores) } else { self.others.get(cluster).map(|other| &other.stores) }
    }

    /// An object that the controller is for.
    pub(crate) fn main_object(&self, key: &ObjectRef) -> Option<Stored> {
        self.stores.0[..self.mains].iter().find_map(|store| store.informer.get(key))
    }
}

impl Context {
    pub(crate) fn new(controller: Arc<ControllerContext>, tracker: Arc<dyn Tracker>, reason: Reason) -> Self {
        Self { controller, tracker, subject: None, reason }
    }

    pub(crate) fn set_subject(&mut self, resource: ApiResource, stored: Stored) {
        self.subject = Some(Subject { resource, stored });
    }

    /// The name of the controller.
    pub fn controller_name(&self) -> &str {
        &self.controller.name
    }

    /// The name under which the controller owns fields; to be used for applies through [`client`](Self::client) too.
    pub fn field_manager(&self) -> &str {
        &self.controller.field_manager
    }

    /// The object that the reconcile is for; `None` where keys are not objects, and when it is gone.
    pub fn object(&self) -> Option<&ObjectRef> {
        self.subject.as_ref().map(|subject| subject.stored.reference())
    }

    /// Why this reconcile runs. A reconcile should do the same whatever the reason is; this is for logs.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The wall-clock time for what is written into objects, from the manager's clock.
    pub fn now(&self) -> Timestamp {
        self.controller.clock.now()
    }

    /// A client for other writes, and for reads past the cache. Writes made by tasks that the reconcile spawns are not
    /// remembered.
    pub fn client(&self) -> &Client {
        &self.controller.client
    }

    /// The cache of a kind that the controller watches. What is read from it wakes nobody: [`read`](Self::read) is for
    /// that. If the kind is watched several times, or in several namespaces, it is the first of the caches.
    pub fn informer(&self, resource: &ApiResource) -> Result<&Informer, Error> {
        self.controller.stores.first(resource).map(|store| &store.informer).ok_or_else(|| {
            Error::terminal(NotWatched {
                controller: self.controller.name.to_string(),
                group: resource.group.clone(),
                plural: resource.plural.clone(),
                kind: resource.kind.clone(),
            })
        })
    }

    /// Tells people that something about the object went as it should: a Normal event. It is written later; see
    /// [`events`](crate::events) for what is joined and left out. `reason` is one word in CamelCase. Does nothing where
    /// keys are not objects.
    pub fn normal(&self, reason: impl Into<String>, message: impl Into<String>) {
        self.note(EventType::Normal, reason.into(), message.into());
    }

    /// Tells people that something about the object needs their attention: a Warning event. See [`Self::normal`].
    pub fn warning(&self, reason: impl Into<String>, message: impl Into<String>) {
        self.note(EventType::Warning, reason.into(), message.into());
    }

    fn note(&self, kind: EventType, reason: String, message: String) {
        let Some(Subject { resource, stored }) = &self.subject else { return };
        let reference = stored.reference();
        let regarding = ObjectReference {
            api_version: Some(resource.api_version.clone()),
            kind: Some(resource.kind.clone()),
            namespace: reference.namespace.as_deref().map(str::to_string),
            name: Some(reference.name.to_string()),
            uid: Some(stored.uid().to_string()),
            resource_version: Some(stored.resource_version().to_string()),
            field_path: None,
        };
        let controller = self.controller.name.clone();
        self.controller.recorder.record(Note { regarding, kind, reason, message, controller, at: self.now() });
    }

    /// The object that the reconcile is for.
    pub(crate) fn subject(&self) -> Result<&Subject, Error> {
        self.subject.as_ref().ok_or_else(|| {
            let name = &self.controller.name;
            Error::terminal(format!("controller {name}: this works only in a reconcile of an object that exists"))
        })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.object();
        f.debug_struct("Context")
            .field("controller", &self.controller.name)
            .field("object", &subject)
            .finish_non_exhaustive()
    }
}
