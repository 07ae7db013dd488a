//! What a running reconcile tells of its reads, without the type of its key.

use std::sync::Arc;

use kube::api::ApiResource;
use kubewright_cache::{Keep, ObjectRef, Scope};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Error, Key,
    context::OtherCluster,
    controller::Source,
    engine::Engine,
    on_demand::Entry,
    relations::{Interest, Kind},
    stores::Store,
    watch::WatchSpec,
};

/// Takes note of reads.
pub(crate) trait Tracker: Send + Sync {
    /// The key is to hear of it from now on, until a reconcile ends without this read.
    fn note(&self, interest: Interest);

    /// The cache of a kind that the controller has not declared. It may not be in sync.
    fn on_demand(
        &self,
        other: Option<(&Arc<str>, &OtherCluster)>,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Result<Store, Error>;

    /// The cache of one object alone, which the declared watches of its kind leave out. It may not be in sync.
    fn on_demand_object(&self, resource: &ApiResource, object: &ObjectRef) -> Result<Store, Error>;
}

/// The reads of one reconcile.
pub(crate) struct Run<K: Key> {
    engine: Arc<Engine<K>>,
    key: K,
    reads: Mutex<FxHashSet<Interest>>,
}

impl<K: Key> Run<K> {
    pub(crate) fn new(engine: Arc<Engine<K>>, key: K) -> Self {
        Self { engine, key, reads: Mutex::default() }
    }

    /// The reconcile has ended: what it did not read does not matter any more. Tells what it has read.
    pub(crate) fn end(&self) -> FxHashSet<Interest> {
        let reads = std::mem::take(&mut *self.reads.lock());
        self.engine.has_read(&self.key, &reads);
        reads
    }
}

impl<K: Key> Tracker for Run<K> {
    fn note(&self, interest: Interest) {
        if self.reads.lock().insert(interest.clone()) {
            self.engine.relations.add(&self.key, interest);
        }
    }

    fn on_demand(
        &self,
        other: Option<(&Arc<str>, &OtherCluster)>,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Result<Store, Error> {
        let context = &self.engine.context;
        // Who watches one namespace may have no rights in others.
        let namespace = namespace.filter(|namespace| other.is_none() && context.homes.contains(*namespace));
        let labels = context.on_demand_labels.clone();
        let scope = Scope { namespace: namespace.map(str::to_string), labels, ..Scope::default() };
        self.watch(other, resource, scope, None)
    }

    fn on_demand_object(&self, resource: &ApiResource, object: &ObjectRef) -> Result<Store, Error> {
        let namespace = object.namespace.as_deref().map(str::to_string);
        let fields = Some(format!("metadata.name={}", object.name));
        self.watch(None, resource, Scope { namespace, fields, ..Scope::default() }, Some(object))
    }
}

impl<K: Key> Run<K> {
    /// A watch that is not declared, of which it is enough to know that something has changed if it is of an object.
    fn watch(
        &self,
        other: Option<(&Arc<str>, &OtherCluster)>,
        resource: &ApiResource,
        scope: Scope,
        object: Option<&ObjectRef>,
    ) -> Result<Store, Error> {
        let engine = &self.engine;
        let context = &engine.context;
        let cluster = other.map(|(name, _)| name);
        let caches = other.map_or(&context.caches, |(_, other)| &other.caches);
        let kind = Kind::of(cluster, resource);
        engine.on_demand.get_or(&kind, &scope, || {
            let keep = if object.is_some() { Keep::Metadata } else { Keep::Whole };
            let informer = caches.informer(resource, scope.clone(), keep)?;
            let (controller, plural) = (&context.name, &resource.plural);
            tracing::info!(%controller, plural, ?scope, ?cluster, "watching what was not declared, as a reconcile reads it");
            // Nothing asks whether a kind has namespaces but owned sets, whose kinds are declared.
            let watch = WatchSpec { cluster: cluster.cloned(), ..WatchSpec::new(resource.clone(), true) };
            let deltas = informer.subscribe();
            let store = Store {
                resource: resource.clone(),
                namespaced: true,
                cluster: cluster.cloned(),
                scope: scope.clone(),
                informer,
                indexes: Vec::new(),
                labelled: None,
            };
            let backlog = deltas.backlog();
            let source = Source { watch, map: Arc::new(|_, _| {}) };
            let feed = AbortOnDropHandle::new(tokio::spawn(engine.clone().feed(source, deltas)));
            Ok::<_, Error>(Entry { kind: kind.clone(), object: object.cloned(), store, backlog, _feed: feed })
        })
    }
}
