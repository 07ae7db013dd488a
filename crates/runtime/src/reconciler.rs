//! What an operator author writes: reconcilers, and what they answer.

use std::{fmt, future::Future, hash::Hash, sync::Arc, time::Duration};

use kube::Resource;
use serde::de::DeserializeOwned;

use crate::{Context, Error, ObjectRef};

/// Brings the world in line with one object at a time.
///
/// It is called with the newest object that the cache has, when the object or anything that the controller watches for
/// it has changed. Calls for one key never overlap, and never see a cache older than the key's own last write.
/// It must be idempotent: the same input twice writes nothing the second time, which owned sets
/// ([`Context::own`]) and [`Context::set_status`] see to by themselves.
///
/// ```
/// use std::sync::Arc;
/// use k8s_openapi::api::core::v1::{ConfigMap, Service};
/// use kubewright_runtime::{Context, Error, Outcome, Reconciler};
///
/// struct Ports;
///
/// impl Reconciler for Ports {
///     type Object = Service;
///
///     async fn reconcile(&self, service: Arc<Service>, ctx: &Context) -> Result<Outcome, Error> {
///         let count = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()).count();
///         let mut summary = ConfigMap::default();
///         summary.metadata.name = service.metadata.name.clone();
///         summary.data = Some([("ports".to_string(), count.to_string())].into());
///         ctx.own([summary]).await?;
///         Ok(Outcome::Settled)
///     }
/// }
/// ```
pub trait Reconciler: Send + Sync + 'static {
    /// The kind that the controller is for: a type of `k8s_openapi`, one with `#[derive(CustomResource)]`, or
    /// [`kube::api::DynamicObject`] for a kind known at run time.
    type Object: Resource + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static;

    /// The object exists: do what it asks for. An object with a `deletionTimestamp` comes here too, see
    /// [`finalizer`](crate::finalizer).
    fn reconcile(
        &self,
        object: Arc<Self::Object>,
        ctx: &Context,
    ) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// The object is gone from the cache. Children with an owner reference are the garbage collector's work; this is
    /// for what is held in memory for the key. It can be called for keys that never existed, and is not called for
    /// objects that were deleted while the process was down: use a [`finalizer`](crate::finalizer) for what must not
    /// be missed.
    fn gone(&self, key: &ObjectRef, ctx: &Context) -> impl Future<Output = Result<Outcome, Error>> + Send {
        let _ = (key, ctx);
        async { Ok(Outcome::Settled) }
    }
}

/// A reconciler whose keys are not the objects of one kind, such as a garbage collector that works on objects of any
/// kind. See [`Controller::for_keys`](crate::Controller::for_keys).
pub trait KeyReconciler: Send + Sync + 'static {
    /// What is worked on at most once at a time.
    type Key: Key;

    /// Does what the key asks for.
    fn reconcile(&self, key: &Self::Key, ctx: &Context) -> impl Future<Output = Result<Outcome, Error>> + Send;
}

/// What a controller works on: anything that can be compared, copied and shown. Its `Display` is what logs and traces
/// show. Every type that fits has it.
pub trait Key: Clone + Eq + Hash + Ord + fmt::Display + fmt::Debug + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Ord + fmt::Display + fmt::Debug + Send + Sync + 'static> Key for K {}

/// What happens to the key after a reconcile that did not fail. Either way its backoff starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Nothing to do until something changes.
    #[default]
    Settled,
    /// Not done: again after this time, or earlier when something changes.
    After(Duration),
    /// Nothing to do until something changes, but look again after this time at the latest: for drift that no watch tells
    /// of, or for what expires. Whoever waits until all is settled does not wait for it.
    Recheck(Duration),
}
