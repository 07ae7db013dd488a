//! The controller as its author builds it: what it is for, what it watches, how it works.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kube::api::ApiResource;
use kubewright_cache::{ObjectRef, Stored};
use kubewright_queue::{Backoff, Limit, Priority};
use rustc_hash::FxBuildHasher;
use tokio::sync::mpsc;

use crate::{
    Access, Key, KeyReconciler, OWN_CLUSTER, Reason, Reconciler, Watch,
    handler::{Handler, KeyHandler, ObjectHandler},
    owned::bond::owner_of,
    reviews::Reviews,
    rights::{Declared, Rights},
    sources::{Beside, web::Route},
    watch::WatchSpec,
};

/// Watches objects and calls a reconciler for them, inside a [`Manager`](crate::Manager).
///
/// ```
/// # use std::sync::Arc;
/// # use k8s_openapi::api::{core::v1::{Secret, Service}, networking::v1::Ingress};
/// # use kubewright_runtime::{Context, Controller, ControllerOptions, Error, ObjectRef, Outcome, Reconciler, Watch};
/// # struct Exposer;
/// # impl Reconciler for Exposer {
/// #     type Object = Service;
/// #     async fn reconcile(&self, _: Arc<Service>, _: &Context) -> Result<Outcome, Error> { Ok(Outcome::Settled) }
/// # }
/// let controller = Controller::new("ingress", Watch::all(), Exposer)
///     .owns(Watch::<Ingress>::all())
///     .watches(Watch::<Secret>::all(), |secret| {
///         let service = secret.labels().find(|(key, _)| *key == "for-service")?.1;
///         Some(ObjectRef::new(secret.reference().namespace.as_deref(), service))
///     })
///     .options(ControllerOptions { concurrency: 5, max_retries: Some(10), ..ControllerOptions::default() });
/// ```
pub struct Controller<K = ObjectRef> {
    pub(crate) name: String,
    pub(crate) options: ControllerOptions,
    /// The kind that it is for, if keys are objects.
    pub(crate) main: Option<WatchSpec>,
    pub(crate) sources: Vec<Source<K>>,
    /// Kinds whose objects [`Context::own`](crate::Context::own) applies and prunes.
    pub(crate) owned: Vec<ApiResource>,
    /// A kind of children that would be in another cluster than their owner.
    pub(crate) stray: Option<String>,
    pub(crate) handler: Arc<dyn Handler<K>>,
    pub(crate) trigger: Trigger<K>,
    pub(crate) woken: mpsc::UnboundedReceiver<Wake<K>>,
    /// Timers and streams.
    pub(crate) beside: Vec<Beside<K>>,
    /// HTTP endpoints.
    pub(crate) routes: Vec<Route>,
    /// Rights besides those for what it watches and owns.
    pub(crate) declared: Declared,
    /// Which keys take turns with which.
    pub(crate) flow_of: Option<Box<FlowOf<K>>>,
}

type FlowOf<K> = dyn Fn(&K) -> u64 + Send + Sync;

/// A key that was woken from outside.
#[derive(Debug)]
pub(crate) struct Wake<K> {
    pub(crate) key: K,
    pub(crate) priority: Priority,
    pub(crate) reason: Reason,
}

/// A watch and how its objects become keys.
pub(crate) struct Source<K> {
    pub(crate) watch: WatchSpec,
    pub(crate) map: Arc<Mapper<K>>,
}

impl<K> Clone for Source<K> {
    fn clone(&self) -> Self {
        Self { watch: self.watch.clone(), map: self.map.clone() }
    }
}

type Mapper<K> = dyn Fn(&Stored, &mut dyn FnMut(K)) + Send + Sync;

/// Wakes keys of a controller from outside: another part of the process, a timer, a web hook. Clones wake the same one.
///
/// It can be used before the manager runs; what was woken by then is worked on when the caches are in sync.
#[derive(Debug)]
pub struct Trigger<K = ObjectRef> {
    keys: mpsc::UnboundedSender<Wake<K>>,
    /// Keys that were woken and are not in the queue yet.
    pending: Arc<AtomicUsize>,
}

impl<K> Trigger<K> {
    /// Has the key reconciled soon, after its present work if there is any. Does nothing when the manager has stopped.
    pub fn wake(&self, key: K) {
        self.wake_for(key, Priority::NORMAL, Reason::Woken);
    }
}

impl<K> Trigger<K> {
    pub(crate) fn wake_for(&self, key: K, priority: Priority, reason: Reason) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        // A stopped controller has nobody who could miss it.
        let _ = self.keys.send(Wake { key, priority, reason });
    }

    /// A woken key has been queued.
    pub(crate) fn queued(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }
}

impl<K> Clone for Trigger<K> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), pending: self.pending.clone() }
    }
}

/// How a controller works.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// How many keys are worked on at the same time; one key never is twice. Default: 1, which is the easiest to reason
    /// about. More helps where reconciles wait for servers.
    pub concurrency: usize,
    /// How often a key that fails is tried again before it is dropped, with an error in the log, until something about
    /// it changes. Default: `None`, for ever.
    pub max_retries: Option<u32>,
    /// How long a key waits after a failure. Default: 5 ms, doubled each time, up to 1,000 s, less up to a fifth.
    pub backoff: Backoff,
    /// The limit of all keys' retries together. Default: 10 a second with bursts of 100. First tries are not limited.
    pub retry_limit: Option<Limit>,
    /// How long one reconcile may take. It is then dropped where it waits, and the key is retried. Default: 5 minutes.
    /// `None`: as long as it likes, at the danger that one that hangs takes a worker away for ever.
    pub timeout: Option<Duration>,
    /// How long to wait for the caches at start before the manager gives up with an error that names the watch which is
    /// not in sync. Default: 2 minutes, as controller-runtime. `None`: for ever, for kinds that may be installed later;
    /// the readiness endpoint fails and names the watch all the while.
    pub sync_timeout: Option<Duration>,
    /// The name under which the controller owns the fields that it writes (`metadata.managedFields`). Two controllers
    /// that write the same objects must differ in it, and it must not change between versions of an operator: the new
    /// name would not remove fields that the old one set. Default: `None`, the controller's name.
    pub field_manager: Option<String>,
    /// A label selector, as `kubectl get -l` takes it, for the watches of kinds that are read without having been declared:
    /// other objects of those kinds are not cached, and seem not to be there. For reconcilers that read kinds which only
    /// their input names, among which may be all Secrets of a cluster. Default: `None`, all objects.
    pub on_demand_labels: Option<String>,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self {
            concurrency: 1,
            max_retries: None,
            backoff: Backoff::default(),
            retry_limit: Some(Limit::default()),
            timeout: Some(Duration::from_secs(300)),
            sync_timeout: Some(Duration::from_secs(120)),
            field_manager: None,
            on_demand_labels: None,
        }
    }
}

impl Controller<ObjectRef> {
    /// A controller for the objects that `watch` selects, each of which is a key. `name` is unique in the manager; it
    /// stands in logs, metrics and events, and is the field manager of what the controller writes.
    pub fn new<R: Reconciler>(name: impl Into<String>, watch: Watch<R::Object>, reconciler: R) -> Self {
        let handler = ObjectHandler { reconciler, resource: watch.spec.resource.clone() };
        let main = watch.spec;
        let source = Source { watch: main.clone(), map: Arc::new(|object, add| add(object.reference().clone())) };
        Self { main: Some(main), ..Self::build(name.into(), Arc::new(handler), vec![source]) }
    }

    /// Also watches children, in the cluster of the controller: an object that is tied to an object of the controller's kind, by an owner reference
    /// (`controller: true`) or as [`Context::own`](crate::Context::own) does it, wakes that object. `own` applies and
    /// prunes children of these kinds.
    pub fn owns<C>(mut self, watch: Watch<C>) -> Self {
        let owner = self.main.clone();
        let home = owner.as_ref().and_then(|owner| owner.cluster.as_ref());
        if watch.spec.cluster.is_some() && watch.spec.cluster.as_ref() != home {
            self.stray = Some(watch.spec.resource.kind.clone());
        }
        self.owned.push(watch.spec.resource.clone());
        let map = move |child: &Stored, add: &mut dyn FnMut(ObjectRef)| {
            if let Some(owner) = &owner {
                let inside = |key: &ObjectRef| owner.has_namespace(key.namespace.as_deref());
                owner_of(child, &owner.resource, owner.namespaced).filter(inside).map(add);
            }
        };
        self.sources.push(Source { watch: watch.spec, map: Arc::new(map) });
        self
    }
}

impl<K: Key> Controller<K> {
    /// A controller whose keys are not the objects of one kind. Keys come from [`Controller::watches`] and from
    /// [`Controller::trigger`].
    pub fn for_keys<R: KeyReconciler<Key = K>>(name: impl Into<String>, reconciler: R) -> Self {
        Self::build(name.into(), Arc::new(KeyHandler(reconciler)), Vec::new())
    }

    /// Also watches other objects. `map` tells which keys an object matters to; on an update it is asked about both
    /// the old and the new state, so that a key which is no longer referred to hears of it too. It should be quick:
    /// it runs for each change. For objects that the reconcile itself reads no mapper is needed: see
    /// [`Context::get`](crate::Context::get).
    pub fn watches<O, I>(mut self, watch: Watch<O>, map: impl Fn(&Stored) -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item = K>,
    {
        let map = move |object: &Stored, add: &mut dyn FnMut(K)| map(object).into_iter().for_each(add);
        self.sources.push(Source { watch: watch.spec, map: Arc::new(map) });
        self
    }

    /// Also keeps a cache of other objects, which reconciles read through the [`Context`](crate::Context). Their changes
    /// wake the keys that read them, and no others. A kind that is read without being declared is watched as well, when it
    /// is first read; declare it to have less than all of its objects, an index, or the cache in sync before work starts.
    pub fn reads<O>(mut self, watch: Watch<O>) -> Self {
        self.sources.push(Source { watch: watch.spec, map: Arc::new(|_, _| {}) });
        self
    }

    /// Says that the reconciler writes the status of its objects, so that [`Manager::rbac`](crate::Manager::rbac) has the
    /// right to it.
    pub fn writes_status(mut self) -> Self {
        self.declared.status = true;
        self
    }

    /// Says that the reconciler has a [`finalizer`](crate::finalizer) on its objects, or writes them otherwise.
    pub fn writes_finalizers(mut self) -> Self {
        self.declared.finalizers = true;
        self
    }

    /// Says that the reconciler needs, in the cluster of the controller, rights besides those that follow from what it watches and owns: for writes through
    /// [`Context::client`](crate::Context::client), and for kinds that it reads without declaring them.
    ///
    /// ```
    /// # use kubewright_runtime::Controller;
    /// # fn example(controller: Controller) -> Controller {
    /// use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
    /// use kubewright_runtime::Rights;
    ///
    /// controller
    ///     .may(Rights::on::<Secret>(["get", "create"]).within("system"))
    ///     .may(Rights::on::<Deployment>(["patch"]).of_subresource("scale"))
    /// # }
    /// ```
    pub fn may(mut self, rights: Rights) -> Self {
        self.declared.others.extend(rights);
        self
    }

    /// The rights that it needs in a cluster ([`OWN_CLUSTER`], or one that was [added](crate::Manager::cluster)), see
    /// [`rights`](crate::rights).
    pub fn rights(&self, cluster: &str) -> Rights {
        let home = self.home();
        let watches = self.sources.iter().map(|source| &source.watch);
        let there = watches.filter(|watch| *cluster == **watch.cluster.as_ref().unwrap_or(&home));
        let mut rights = match *cluster == *home {
            true => Rights::of_controller(self.main.as_ref(), there, &self.owned, &self.declared),
            false => Rights::of_controller(None, there, &[], &Declared::default()),
        };
        if cluster == OWN_CLUSTER && self.routes.iter().any(|route| matches!(route.access, Access::Cluster)) {
            rights.extend(Reviews::rights());
        }
        rights
    }

    /// Has keys of equal priority take turns by what `flow_of` says of them, so that no flow keeps the others waiting,
    /// however many keys it has. It is called with a lock held: keep it short. By default keys are first in, first out.
    ///
    /// ```
    /// # use kubewright_runtime::Controller;
    /// # fn example(controller: Controller) -> Controller {
    /// controller.fair(|key| key.namespace.clone())
    /// # }
    /// ```
    pub fn fair<F: Hash>(mut self, flow_of: impl Fn(&K) -> F + Send + Sync + 'static) -> Self {
        self.flow_of = Some(Box::new(move |key| FxBuildHasher.hash_one(flow_of(key))));
        self
    }

    /// How the controller works.
    pub fn options(mut self, options: ControllerOptions) -> Self {
        self.options = options;
        self
    }

    /// A handle that wakes keys from outside.
    pub fn trigger(&self) -> Trigger<K> {
        self.trigger.clone()
    }

    /// The cluster that it is at home in.
    pub(crate) fn home(&self) -> Arc<str> {
        self.main.as_ref().and_then(|main| main.cluster.clone()).unwrap_or_else(|| OWN_CLUSTER.into())
    }

    fn build(name: String, handler: Arc<dyn Handler<K>>, sources: Vec<Source<K>>) -> Self {
        let (keys, woken) = mpsc::unbounded_channel();
        let trigger = Trigger { keys, pending: Arc::default() };
        let options = ControllerOptions::default();
        Self {
            name,
            options,
            main: None,
            sources,
            owned: Vec::new(),
            stray: None,
            handler,
            trigger,
            woken,
            beside: Vec::new(),
            routes: Vec::new(),
            declared: Declared::default(),
            flow_of: None,
        }
    }
}

impl<K> fmt::Debug for Controller<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watches: Vec<&str> = self.sources.iter().map(|source| &*source.watch.resource.plural).collect();
        let options = &self.options;
        f.debug_struct("Controller")
            .field("name", &self.name)
            .field("watches", &watches)
            .field("options", options)
            .finish()
    }
}
