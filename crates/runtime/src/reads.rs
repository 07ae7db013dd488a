//! Reads from the caches, which wake the key when what they saw changes.

use std::{fmt, sync::Arc};

use kube::{Resource, api::ApiResource, core::Selector};
use kubewright_cache::{Index, ObjectRef, Stored};
use serde::de::DeserializeOwned;

use crate::{
    Context, Error,
    clusters::ClusterContext,
    context::OtherCluster,
    relations::{Interest, Read, Wanted},
    stores::{Store, Stores},
};

/// Reads objects of one kind from the caches, without decoding them; see [`Context::read`].
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    ctx: &'a Context,
    /// `None`: the one that the controller is at home in.
    other: Option<(&'a Arc<str>, &'a OtherCluster)>,
    resource: &'a ApiResource,
}

/// Objects are read from the caches of the controller's watches, and never from the server.
///
/// What a reconcile reads wakes its key again when it changes or goes away; what it looked for in vain does when it
/// appears. That holds until a later reconcile of the key no longer reads it. Nothing need be declared for it: a kind that
/// the controller does not watch gets a watch of all of its objects (of those in the namespace of the controller's own
/// watch, if that has one and the read is about it) with the first read, and loses it when no key reads it any more.
/// The first reconcile that reads such a kind ends there and is begun anew when the cache is in sync. As such a watch costs
/// memory and rights, say what you mean with [`Controller::reads`](crate::Controller::reads) where all is too much.
impl Context {
    /// An object, or `None` if there is none.
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::Secret;
    /// # use kubewright_runtime::{Context, Error, ObjectRef};
    /// # fn example(ctx: &Context) -> Result<(), Error> {
    /// // No watch, no mapper: when the Secret appears, changes or goes, the reconcile runs again.
    /// let Some(secret) = ctx.get::<Secret>(&ObjectRef::new(Some("prod"), "password"))? else {
    ///     return Ok(());
    /// };
    /// # Ok(())
    /// # }
    /// ```
    pub fn get<K>(&self, key: &ObjectRef) -> Result<Option<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        ClusterContext::home(self).get(key)
    }

    /// The objects of a kind, in a namespace or in all, in the order of their namespaces and names. Any change of any of
    /// them wakes the key: look for less where there are many.
    pub fn list<K>(&self, namespace: Option<&str>) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        ClusterContext::home(self).list(namespace)
    }

    /// The objects of a kind that a label selector matches, in a namespace or in all, in order.
    pub fn select<K>(&self, namespace: Option<&str>, selector: &Selector) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        ClusterContext::home(self).select(namespace, selector)
    }

    /// The objects of a kind that an index of their watch has under `value`, see
    /// [`Watch::index`](crate::Watch::index); in order.
    pub fn list_by<K>(&self, index: &str, value: &str) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let found = self.read(&resource).list_by(index, value)?;
        found.iter().map(|stored| decode(&resource, stored)).collect()
    }

    /// The name of an object that an index has under `value` and for whose name `wanted` is true: the first one in order.
    /// It stops there, and the key is woken only when this very object no longer has the value, or, if there was none,
    /// when one gets it. So this is how to look whether something is taken that may be taken by thousands.
    ///
    /// ```
    /// # use k8s_openapi::api::networking::v1::Ingress;
    /// # use kubewright_runtime::{Context, Error, ObjectRef};
    /// # fn example(ctx: &Context, mine: &ObjectRef) -> Result<(), Error> {
    /// if let Some(other) = ctx.find_by::<Ingress>("host", "example.com", |found| found != mine)? {
    ///     ctx.warning("HostTaken", format!("example.com is used by {other} too"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn find_by<K>(
        &self,
        index: &str,
        value: &str,
        wanted: impl Fn(&ObjectRef) -> bool,
    ) -> Result<Option<ObjectRef>, Error>
    where
        K: Resource<DynamicType = ()>,
    {
        self.read(&ApiResource::erase::<K>(&())).find_by(index, value, wanted)
    }

    /// The same reads for a kind that is known at run time, or without decoding.
    pub fn read<'a>(&'a self, resource: &'a ApiResource) -> Reads<'a> {
        Reads::new(self, None, resource)
    }
}

impl<'a> Reads<'a> {
    pub(crate) fn new(
        ctx: &'a Context,
        other: Option<(&'a Arc<str>, &'a OtherCluster)>,
        resource: &'a ApiResource,
    ) -> Self {
        Self { ctx, other, resource }
    }

    /// See [`Context::get`].
    pub fn get(&self, key: &ObjectRef) -> Result<Option<Stored>, Error> {
        self.note(Read::Object(key.clone()));
        let stores = self.stores(key.namespace.as_deref())?;
        Ok(stores.iter().find_map(|store| store.informer.get(key)))
    }

    /// See [`Context::list`].
    pub fn list(&self, namespace: Option<&str>) -> Result<Vec<Stored>, Error> {
        self.note(Read::List(namespace.map(Arc::from)));
        let stores = self.stores(namespace)?;
        Ok(once_each(stores.iter().flat_map(|store| store.informer.list(namespace)).collect()))
    }

    /// See [`Context::select`].
    pub fn select(&self, namespace: Option<&str>, selector: &Selector) -> Result<Vec<Stored>, Error> {
        self.note(Read::Select(namespace.map(Arc::from), Wanted::new(selector)));
        let stores = self.stores(namespace)?;
        Ok(once_each(stores.iter().flat_map(|store| store.informer.select(namespace, selector)).collect()))
    }

    /// See [`Context::list_by`].
    pub fn list_by(&self, index: &str, value: &str) -> Result<Vec<Stored>, Error> {
        let indexes = self.indexes(index)?;
        self.note(Read::Index(index.into(), value.into()));
        Ok(once_each(indexes.iter().flat_map(|index| index.get(value)).collect()))
    }

    /// See [`Context::find_by`].
    pub fn find_by(
        &self,
        index: &str,
        value: &str,
        wanted: impl Fn(&ObjectRef) -> bool,
    ) -> Result<Option<ObjectRef>, Error> {
        let indexes = self.indexes(index)?;
        self.await_one(index, value, || {
            let firsts = indexes.iter().filter_map(|index| index.first(value, |stored| wanted(stored.reference())));
            firsts.map(|stored| stored.reference().clone()).min()
        })
    }

    /// Like [`find_by`](Self::find_by), but of all objects that the index has under `value` the one that is greatest by `rank`;
    /// those without a rank do not count. So many can wait in a row, each for the one before it alone, and the end of one wakes
    /// one:
    ///
    /// ```
    /// # use kube::api::ApiResource;
    /// # use kubewright_runtime::{Context, Error, Stored};
    /// # fn example(ctx: &Context, jobs: &ApiResource, mine: &str) -> Result<(), Error> {
    /// let earlier = |job: &Stored| Some(job.name().to_string()).filter(|name| name.as_str() < mine);
    /// let before = ctx.read(jobs).greatest_by("printer", "third floor", earlier)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn greatest_by<R: Ord>(
        &self,
        index: &str,
        value: &str,
        rank: impl Fn(&Stored) -> Option<R>,
    ) -> Result<Option<ObjectRef>, Error> {
        let indexes = self.indexes(index)?;
        self.await_one(index, value, || {
            let all = indexes.iter().flat_map(|index| index.get(value));
            let ranked = all.filter_map(|stored| Some((rank(&stored)?, stored)));
            let greatest = ranked.max_by(|(one, _), (other, _)| one.cmp(other));
            greatest.map(|(_, stored)| stored.reference().clone())
        })
    }

    /// Looks for one object under a value of an index, and has the key woken when that one no longer has the value, or, if there
    /// was none, when one gets it.
    fn await_one(
        &self,
        index: &str,
        value: &str,
        look: impl Fn() -> Option<ObjectRef>,
    ) -> Result<Option<ObjectRef>, Error> {
        let read = |found| self.interest(Read::Any(index.into(), value.into(), found));
        // What is to be heard of is known only when it has been found; by then it may have gone.
        let mut found = look();
        loop {
            self.ctx.tracker.note(read(found.clone()));
            let now = look();
            if now == found {
                return Ok(found);
            }
            found = now;
        }
    }

    fn note(&self, read: Read) {
        self.ctx.tracker.note(self.interest(read));
    }

    fn interest(&self, read: Read) -> Interest {
        Interest::new(self.other.map(|(name, _)| name), self.resource, read)
    }

    /// The declared watches in the cluster.
    fn declared(&self) -> &'a Stores {
        self.other.map_or(&self.ctx.controller.stores, |(_, other)| &other.stores)
    }

    fn stores(&self, namespace: Option<&str>) -> Result<Vec<Store>, Error> {
        let Self { ctx, other, resource } = self;
        let declared: Vec<Store> = self.declared().of(&resource.group, &resource.plural).cloned().collect();
        if !declared.is_empty() {
            return Ok(declared);
        }
        let store = ctx.tracker.on_demand(*other, resource, namespace)?;
        if store.informer.health().synced { Ok(vec![store]) } else { Err(Error::not_synced(store.informer)) }
    }

    fn indexes(&self, index: &str) -> Result<Vec<&'a Index>, Error> {
        let Self { ctx, resource, .. } = self;
        let stores = self.declared().of(&resource.group, &resource.plural);
        let found: Vec<&Index> =
            stores.flat_map(|store| &store.indexes).filter(|(name, _)| name == index).map(|(_, index)| index).collect();
        if found.is_empty() {
            let (name, kind) = (&ctx.controller.name, &resource.kind);
            let what = format!(
                "controller {name} has no index {index:?} of {kind}: add .index({index:?}, …) to its watch, or \
                 .reads(Watch::<{kind}>::all().index({index:?}, …)) to the controller"
            );
            return Err(Error::terminal(what));
        }
        Ok(found)
    }
}

impl fmt::Debug for Reads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reads").field("kind", &self.resource.kind).finish_non_exhaustive()
    }
}

/// What several watches of a kind have, once each and in order.
fn once_each(mut found: Vec<Stored>) -> Vec<Stored> {
    found.sort_by(|one, other| one.reference().cmp(other.reference()));
    found.dedup_by(|one, other| one.reference() == other.reference());
    found
}

pub(crate) fn decode<K: DeserializeOwned>(resource: &ApiResource, stored: &Stored) -> Result<K, Error> {
    stored.decode().map_err(|error| {
        let (kind, reference) = (&resource.kind, stored.reference());
        Error::terminal(format!("the cached {kind} {reference} does not fit its type: {error}"))
    })
}
