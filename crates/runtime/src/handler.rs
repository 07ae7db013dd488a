//! Reconcilers as a worker calls them: by key, without their types.

use std::sync::Arc;

use futures::future::BoxFuture;
use kube::api::ApiResource;
use kubewright_cache::{ObjectRef, Stored};

use crate::{Context, Error, KeyReconciler, Outcome, Reconciler};

/// Works on one key.
pub(crate) trait Handler<K>: Send + Sync {
    fn handle<'a>(&'a self, key: &'a K, ctx: Context) -> BoxFuture<'a, Result<Outcome, Error>>;

    /// The version of the object that the key stands for.
    fn version(&self, key: &K, ctx: &Context) -> Option<u64>;
}

/// Reads the object from the cache for a [`Reconciler`].
pub(crate) struct ObjectHandler<R> {
    pub(crate) reconciler: R,
    pub(crate) resource: ApiResource,
}

impl<R: Reconciler> Handler<ObjectRef> for ObjectHandler<R> {
    fn handle<'a>(&'a self, key: &'a ObjectRef, mut ctx: Context) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(async move {
            let stored = ctx.controller.main_object(key);
            ctx.remove_orphans(&self.resource, key, stored.as_ref().map(Stored::uid)).await?;
            let Some(stored) = stored else {
                return self.reconciler.gone(key, &ctx).await;
            };
            let object = stored.decode::<R::Object>().map_err(|error| {
                let kind = &self.resource.kind;
                Error::terminal(format!("{kind} {key} does not fit the type that the reconciler takes: {error}"))
            })?;
            ctx.set_subject(self.resource.clone(), stored);
            self.reconciler.reconcile(Arc::new(object), &ctx).await
        })
    }

    fn version(&self, key: &ObjectRef, ctx: &Context) -> Option<u64> {
        ctx.controller.main_object(key)?.resource_version().parse().ok()
    }
}

/// Passes the key on to a [`KeyReconciler`].
pub(crate) struct KeyHandler<R>(pub(crate) R);

impl<R: KeyReconciler> Handler<R::Key> for KeyHandler<R> {
    fn handle<'a>(&'a self, key: &'a R::Key, ctx: Context) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(async move { self.0.reconcile(key, &ctx).await })
    }

    fn version(&self, _: &R::Key, _: &Context) -> Option<u64> {
        None
    }
}
