//! Which objects a controller watches, and which changes count.

use std::{any::TypeId, collections::BTreeSet, fmt, marker::PhantomData, sync::Arc};

use kube::{
    Resource,
    api::{ApiResource, DynamicObject},
    core::ClusterResourceScope,
};
use kubewright_cache::{Delta, Keep, Scope, Stored};

/// The objects of one kind that a controller watches: all of them, or those of some namespaces or with some labels;
/// which of their changes count, and how much of them is kept.
///
/// Watches of equal kind, namespace and selectors share one informer in the whole [`Manager`](crate::Manager).
///
/// ```
/// use k8s_openapi::api::{core::v1::Secret, networking::v1::Ingress};
/// use kubewright_runtime::{Watch, predicates};
///
/// let ingresses = Watch::<Ingress>::all();
/// let secrets = Watch::<Secret>::all().namespace("certificates").labels("type=tls").when(predicates::labels_changed);
/// ```
pub struct Watch<K> {
    pub(crate) spec: WatchSpec,
    kind: PhantomData<fn() -> K>,
}

/// A watch without its type.
#[derive(Clone)]
pub(crate) struct WatchSpec {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    /// `None`: the one that the controller is at home in.
    pub(crate) cluster: Option<Arc<str>>,
    /// Empty: all.
    pub(crate) namespaces: BTreeSet<String>,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    pub(crate) keep: Keep,
    pub(crate) predicates: Vec<Arc<Predicate>>,
    pub(crate) indexes: Vec<(String, Arc<IndexValues>)>,
}

pub(crate) type Predicate = dyn Fn(&Delta) -> bool + Send + Sync;
pub(crate) type IndexValues = dyn Fn(&Stored) -> Vec<String> + Send + Sync;

impl<K> Watch<K>
where
    K: Resource<DynamicType = ()>,
    K::Scope: 'static,
{
    /// All objects of the kind, in all namespaces.
    pub fn all() -> Self {
        let namespaced = TypeId::of::<K::Scope>() != TypeId::of::<ClusterResourceScope>();
        Self::new(ApiResource::erase::<K>(&()), namespaced)
    }
}

impl Watch<DynamicObject> {
    /// All objects of a kind that is known at run time. `namespaced` tells whether its objects live in namespaces.
    pub fn kind(resource: ApiResource, namespaced: bool) -> Self {
        Self::new(resource, namespaced)
    }
}

impl<K> Watch<K> {
    fn new(resource: ApiResource, namespaced: bool) -> Self {
        Self { spec: WatchSpec::new(resource, namespaced), kind: PhantomData }
    }

    /// Only objects of this namespace, and of others that it has been called with. The rights of a Role are then enough.
    /// Each namespace is a watch of its own: for very many of them, all are cheaper.
    ///
    /// ```
    /// use k8s_openapi::api::core::v1::Secret;
    /// use kubewright_runtime::Watch;
    ///
    /// let secrets = Watch::<Secret>::all().namespace("staging").namespace("production");
    /// ```
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.spec.namespaces.insert(namespace.into());
        self
    }

    /// The objects in another cluster than that of the controller, by the name that it was
    /// [added](crate::Manager::cluster) under; in the watch that a controller is for, the cluster that it is at home in.
    /// Default: the home of the controller, which by default is the manager's [own](crate::OWN_CLUSTER).
    ///
    /// ```
    /// use k8s_openapi::api::core::v1::Secret;
    /// use kubewright_runtime::Watch;
    ///
    /// let theirs = Watch::<Secret>::all().cluster("edge");
    /// ```
    pub fn cluster(mut self, name: impl Into<Arc<str>>) -> Self {
        self.spec.cluster = Some(name.into());
        self
    }

    /// Only objects that match this label selector, as `kubectl get -l` takes it. Others are not cached: an owned
    /// child whose labels do not match costs a read in every reconcile, and is not pruned.
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.spec.labels = Some(selector.into());
        self
    }

    /// Only objects that match this field selector, as `kubectl get --field-selector` takes it.
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.spec.fields = Some(selector.into());
        self
    }

    /// How much of each object the cache keeps: everything by default; the metadata; what a struct of yours has fields for;
    /// or what a function leaves of it. Watches that keep different things are different watches. Of children everything is
    /// needed: a controller that [owns](crate::Controller::owns) less does not start.
    ///
    /// ```
    /// use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    /// use kubewright_cache::{Keep, View};
    /// use kubewright_runtime::Watch;
    ///
    /// let names_only = Watch::<Secret>::all().keep(Keep::Metadata);
    /// let without_data = Watch::<ConfigMap>::all().keep(Keep::View(View::transform("without data", |object| {
    ///     object.as_object_mut().map(|object| object.remove("data"));
    /// })));
    /// ```
    pub fn keep(mut self, keep: Keep) -> Self {
        self.spec.keep = keep;
        self
    }

    /// Keeps an index under this name: `values` tells what an object is found by, with
    /// [`Context::list_by`](crate::Context::list_by).
    ///
    /// ```
    /// use k8s_openapi::api::core::v1::Secret;
    /// use kubewright_runtime::Watch;
    ///
    /// let by_issuer = Watch::<Secret>::all().index("issuer", |secret| secret.label("issuer").map(str::to_string));
    /// ```
    pub fn index<I: IntoIterator<Item = String>>(
        mut self,
        name: impl Into<String>,
        values: impl Fn(&Stored) -> I + Send + Sync + 'static,
    ) -> Self {
        self.spec.indexes.push((name.into(), Arc::new(move |object| values(object).into_iter().collect())));
        self
    }

    /// Only changes for which the predicate is true cause work; called several times, all of them must be. Without
    /// any, each new version of an object counts, and a relist that brings the same version does not.
    ///
    /// See [`predicates`](crate::predicates) for ready-made ones. They are plain functions and combine with `&&`,
    /// `||` and `!` in a closure:
    ///
    /// ```
    /// use k8s_openapi::api::apps::v1::Deployment;
    /// use kubewright_runtime::{Watch, predicates};
    ///
    /// let watch = Watch::<Deployment>::all()
    ///     .when(|change| predicates::generation_changed(change) || predicates::annotations_changed(change));
    /// ```
    pub fn when(mut self, predicate: impl Fn(&Delta) -> bool + Send + Sync + 'static) -> Self {
        self.spec.predicates.push(Arc::new(predicate));
        self
    }
}

impl WatchSpec {
    pub(crate) fn new(resource: ApiResource, namespaced: bool) -> Self {
        Self {
            resource,
            namespaced,
            cluster: None,
            namespaces: BTreeSet::new(),
            labels: None,
            fields: None,
            keep: Keep::default(),
            predicates: Vec::new(),
            indexes: Vec::new(),
        }
    }

    /// What it consists of: an informer has all namespaces, or one.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        let scope = |namespace| Scope { namespace, labels: self.labels.clone(), fields: self.fields.clone() };
        match self.namespaces.is_empty() {
            true => vec![scope(None)],
            false => self.namespaces.iter().cloned().map(|namespace| scope(Some(namespace))).collect(),
        }
    }

    /// Whether it is about objects in this namespace.
    pub(crate) fn has_namespace(&self, namespace: Option<&str>) -> bool {
        self.namespaces.is_empty() || namespace.is_some_and(|namespace| self.namespaces.contains(namespace))
    }

    pub(crate) fn wants(&self, delta: &Delta) -> bool {
        self.predicates.iter().all(|predicate| predicate(delta))
    }
}

impl<K> fmt::Debug for Watch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("kind", &self.spec.resource.kind)
            .field("cluster", &self.spec.cluster)
            .field("scopes", &self.spec.scopes())
            .field("keep", &self.spec.keep)
            .field("predicates", &self.spec.predicates.len())
            .finish()
    }
}
