//! Which objects a controller watches, and which changes count.

use std::{any::TypeId, fmt, marker::PhantomData, sync::Arc};

use kube::{
    Resource,
    api::{ApiResource, DynamicObject},
    core::ClusterResourceScope,
};
use kubewright_cache::{Delta, Scope, Stored};

/// The objects of one kind that a controller watches: all of them, or those of one namespace or with some labels;
/// and which of their changes count.
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
    pub(crate) scope: Scope,
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
        let spec =
            WatchSpec { resource, namespaced, scope: Scope::default(), predicates: Vec::new(), indexes: Vec::new() };
        Self { spec, kind: PhantomData }
    }

    /// Only objects of this namespace. The rights for a Role are then enough.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.spec.scope.namespace = Some(namespace.into());
        self
    }

    /// Only objects that match this label selector, as `kubectl get -l` takes it. Others are not cached: an owned
    /// child whose labels do not match costs a read in every reconcile, and is not pruned.
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.spec.scope.labels = Some(selector.into());
        self
    }

    /// Only objects that match this field selector, as `kubectl get --field-selector` takes it.
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.spec.scope.fields = Some(selector.into());
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
    pub(crate) fn wants(&self, delta: &Delta) -> bool {
        self.predicates.iter().all(|predicate| predicate(delta))
    }
}

impl<K> fmt::Debug for Watch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("kind", &self.spec.resource.kind)
            .field("scope", &self.spec.scope)
            .field("predicates", &self.spec.predicates.len())
            .finish()
    }
}
